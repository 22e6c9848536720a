"""The feed's door: rows that cannot be are refused here, each with its reason, and never reach a feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Columns
from quantlib.rules import VALUES
from quantlib.schema import BAR, moment

PRICES = ("open", "high", "low", "close")
FUTURE = 5_000_000_000  # ns that clocks may differ before a row is from the future
TOLD_EVERY = 60_000_000_000  # ns


class Refusal(NamedTuple):
    """A row that was not let in."""

    symbol: str
    reason: str  # the rule
    text: str  # the row and its value


def admitted(columns: Columns, symbols: Sequence[str], now: int) -> tuple[NDArray[np.bool_], list[Refusal]]:
    """Which bars may pass, and why the others may not.

    Args:
        columns: ts, symbol (codes), open, high, low, close, volume: (rows,) each.
        symbols: names behind the codes.
        now: ns UTC; a row known later than that, but for what clocks may differ, is from the future.
    """
    good = np.ones(len(columns["ts"]), np.bool_)
    refused: list[Refusal] = []

    def refuse(k: int, reason: str, text: str) -> None:
        good[k] = False
        name = symbols[columns["symbol"][k]]
        refused.append(Refusal(name, reason, f"bar of {name}, {moment(columns['ts'][k])}, {text}"))

    for name in (*PRICES, "volume"):
        for k in np.flatnonzero(np.isnan(columns[name]) & good).tolist():
            refuse(k, "no number", f"has {name} NaN")
    for k in np.flatnonzero((columns["ts"] > now + FUTURE) & good).tolist():
        refuse(k, "future", f"is from the future: it is {moment(now)}")
    while True:
        passing = np.flatnonzero(good)
        found = VALUES["bar"](BAR, {name: columns[name][passing] for name in (*PRICES, "volume")})
        if found.row < 0:
            return good, refused
        k, rule = int(passing[found.row]), found.rule
        other = f" {rule.relation} {rule.other} {columns[rule.other][k]}" if rule.other else ""
        refuse(k, rule.reason, f"has {rule.column} {columns[rule.column][k]}{other}; {rule.reason}")


def counted(columns: Mapping[str, Any]) -> Columns:
    """Columns in the dtypes that the rules want."""
    kinds: dict[str, type] = {"ts": np.int64, "ts_event": np.int64, "symbol": np.int32}
    return {name: np.ascontiguousarray(values, kinds.get(name, np.float64)) for name, values in columns.items()}


def ready() -> None:
    """Have the rules compiled before the first bar is in a hurry."""
    one = counted(dict.fromkeys((*PRICES, "volume"), (1.0,)) | {"ts": (0,), "symbol": (0,)})
    admitted(one, ("",), 0)


class Telling:
    """Tells each kind of trouble of a symbol at once, and then at most once a minute, with how often it happened."""

    def __init__(self, every: int = TOLD_EVERY) -> None:
        self._every = every
        self._told: dict[tuple[str, str], tuple[int, int]] = {}  # (symbol, kind) -> when told, how many since

    def worded(self, symbol: str, kind: str, text: str, now: int) -> str | None:
        """What to say, or None if it was said less than a minute ago; `now` is ns of the monotonic clock."""
        when, since = self._told.get((symbol, kind), (None, 0))
        if when is not None and now - when < self._every:
            self._told[symbol, kind] = when, since + 1
            return None
        self._told[symbol, kind] = now, 0
        return text if not since else f"{text} (and {since} more like it since)"
