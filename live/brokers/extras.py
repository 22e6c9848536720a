"""Packages that only one broker needs, loaded when that broker is used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from live.errors import ConfigError


def extra(package: str, name: str) -> ModuleType:
    """A package of the library's extra `name`.

    Raises:
        ConfigError: if it is not installed, and how to install it.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise ConfigError(
            f"broker: {name} needs the package {package.partition('.')[0]}, which is not installed; "
            f"pip install 'quantlib-parity[{name}]'"
        ) from error
