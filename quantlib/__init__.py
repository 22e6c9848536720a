"""Features, signals and trading decisions as resumable loops over columns.

Names load what they need at first use, so that `import quantlib` itself costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quantlib.asof import Held, held, hold, hold_start
    from quantlib.core import Feature, FeatureError, Memory, fingerprint, run, start
    from quantlib.data import DataError, read
    from quantlib.event_rows import event_column, events
    from quantlib.jit import kernel
    from quantlib.own import feature, python_feature
    from quantlib.sampling import sampled
    from quantlib.schema import TableError
    from quantlib.snapshot import SnapshotError
    from quantlib.stream import Stream
    from quantlib.table import Table, bars, books, chains, compute, quotes, trades

HOMES = {
    "asof": ("Held", "held", "hold", "hold_start"),
    "core": ("Feature", "FeatureError", "Memory", "fingerprint", "run", "start"),
    "data": ("DataError", "read"),
    "event_rows": ("event_column", "events"),
    "jit": ("kernel",),
    "own": ("feature", "python_feature"),
    "sampling": ("sampled",),
    "schema": ("TableError",),
    "snapshot": ("SnapshotError",),
    "stream": ("Stream",),
    "table": ("Table", "bars", "books", "chains", "compute", "quotes", "trades"),
}
MODULES = (
    "catalog",
    "data",
    "features",
    "learn",
    "plots",
    "rebuild",
    "sets",
    "signals",
    "stats",
    "synthetic",
)
HOME = {name: module for module, names in HOMES.items() for name in names}

__all__ = [  # noqa: RUF022
    "Held", "held", "hold", "hold_start",
    "Feature", "FeatureError", "Memory", "fingerprint", "run", "start",
    "DataError", "read",
    "event_column", "events",
    "kernel",
    "feature", "python_feature",
    "sampled",
    "TableError",
    "SnapshotError",
    "Stream",
    "Table", "bars", "books", "chains", "compute", "quotes", "trades",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in HOME:
        value = getattr(import_module(f"quantlib.{HOME[name]}"), name)
        globals()[name] = value
        return value
    if name in MODULES:
        try:
            return import_module(f"quantlib.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"quantlib.{name}":
                raise
    if name.startswith("__"):
        raise AttributeError(f"module 'quantlib' has no attribute {name!r}")
    from difflib import get_close_matches

    near = get_close_matches(name, [*HOME, *MODULES], n=1)
    raise AttributeError(f"quantlib has no {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))


def __dir__() -> list[str]:
    return sorted([*globals(), *HOME, *MODULES])
