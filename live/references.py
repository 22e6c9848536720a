"""Strategies by name, so that a session can be started again, and rerun as a backtest, from what it wrote down.

trend                     a preset of quantlib.presets
package.module:function   importable from here; a function that returns a Strategy, or a Strategy
path/to/file.py:function  of a file
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from live.errors import SessionError
from quantlib.core import nearest
from quantlib.presets import PRESETS
from quantlib.strategy import Strategy


def strategy_of(reference: str, params: Mapping[str, Any] | None = None) -> Strategy:
    """The strategy that a reference and its parameters name.

    Raises:
        SessionError: if there is none, a parameter is unknown or refused, or what is there is no strategy.
    """
    params = dict(params or {})
    found = _found(reference)
    if isinstance(found, Strategy):
        if params:
            raise SessionError(f"strategy: {reference} is a ready one and takes no parameters, got {sorted(params)}")
        return found
    if not callable(found):
        raise SessionError(f"strategy: {reference} must be a Strategy or a function that returns one, got {found!r}")
    known = inspect.signature(found).parameters
    for name in params:
        if name not in known and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
            raise SessionError(
                f"strategy: {reference} has no parameter {name!r}.{nearest(name, known)} It has {', '.join(known)}"
            )
    try:
        made = found(**params)
    except (TypeError, ValueError) as error:
        raise SessionError(f"strategy: {reference} refused {params}: {error}") from error
    except Exception as error:  # whatever a user's function raises
        raise SessionError(f"strategy: {reference} fails: {type(error).__name__}: {error}") from error
    if not isinstance(made, Strategy):
        raise SessionError(f"strategy: {reference} must return a Strategy, got {made!r}")
    return made


def _found(reference: str) -> Any:
    place, colon, name = reference.rpartition(":")
    if not colon:
        if reference not in PRESETS:
            raise SessionError(
                f"strategy: there is no preset {reference!r}.{nearest(reference, PRESETS)} There are "
                f"{', '.join(PRESETS)}; or give module:function or file.py:function"
            )
        return PRESETS[reference]
    module = _file(Path(place)) if place.endswith(".py") else _module(place)
    if not hasattr(module, name):
        raise SessionError(f"strategy: {place} has no {name!r}.{nearest(name, vars(module))}")
    return getattr(module, name)


def _module(place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except Exception as error:  # whatever a user's module raises
        raise SessionError(f"strategy: cannot import {place}: {type(error).__name__}: {error}") from error


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise SessionError(f"strategy: there is no file {path}")
    name = f"strategy_of_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SessionError(f"strategy: {path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a user's file raises
        raise SessionError(f"strategy: cannot run {path}: {type(error).__name__}: {error}") from error
    return module
