"""Made-up rows for the laws: every column by its meaning, and everything that markets do to a loop.

Symbols are interleaved at random, values are missing, prices stand still or jump, books are thin.  The same arguments
give the same tape.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Columns, Feature, inputs_of

KINDS = ("calm", "flat", "wild")
TICK = 0.01
START = 1_700_000_000_000_000_000  # ns UTC
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")


class Tape(NamedTuple):
    """Rows, and the symbols whose codes they carry."""

    columns: Columns
    symbols: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns["ts"])

    def only(self, chosen: NDArray[Any] | slice) -> Tape:
        """The tape of the chosen rows."""
        return Tape({name: column[chosen] for name, column in self.columns.items()}, self.symbols)


def tape(
    feature: Feature, rows: int = 400, symbols: int = 3, *, kind: str = "calm", missing: float = 0.05, seed: int = 0
) -> Tape:
    """Rows that a feature can read.

    Columns are made by name: open, high, low, close, price, bid, ask, benchmark are prices that fit each other,
    `…size…` and `…volume…` are sizes, `side` is 1 or -1, `sector` 0 to 2, `member` 0 or 1, `bid_0`, `ask_0`, … are
    levels; any other column is a number around zero.

    Args:
        feature: what is to read them.
        rows: how many, all symbols together (about so many if the feature sees whole timestamps).
        symbols: how many, 1 to 6.
        kind: "calm": prices move by a few ticks, with jumps; "flat": they mostly stand still; "wild": they leap over
            many powers of ten from row to row.
        missing: share of rows with one value missing.
        seed: another one gives other rows.

    Raises:
        ValueError: if kind or symbols is out of range.
    """
    if kind not in KINDS or not 1 <= symbols <= len(SYMBOLS):
        raise ValueError(f"tape: kind must be one of {KINDS} and symbols 1 to 6, got {kind!r} and {symbols}")
    rng = np.random.default_rng(seed)
    ts, code = _clocked(rng, rows, symbols, whole=feature.scope == "cross")
    before, price = _prices(rng, code, symbols, kind)
    columns: Columns = {"ts": ts, "symbol": code}
    for name in inputs_of([feature]):
        if name not in columns:
            columns[name] = _column(name, rng, before, price, kind)
    market = [name for name in columns if columns[name].dtype == np.float64]
    for row in np.flatnonzero(rng.random(len(ts)) < missing) if market else ():
        columns[market[rng.integers(len(market))]][row] = np.nan
    return Tape(columns, SYMBOLS[:symbols])


def _clocked(rng: Any, rows: int, symbols: int, whole: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """`ts` and symbol codes; if whole, each timestamp holds some of the symbols, each once."""
    if whole:
        present = rng.random((rows // symbols + 1, symbols)) < 0.8
        moment, code = np.nonzero(present)
        order = np.lexsort((rng.random(len(code)), moment))
        moment, code = moment[order][:rows], code[order][:rows]
    else:
        moment, code = np.arange(rows), rng.integers(symbols, size=rows)
    gaps = np.where(rng.random(rows + 2) < 0.02, 3_600_000_000_000, 1_000_000_000)
    return START + np.cumsum(gaps)[moment], code.astype(np.int32)


def _prices(rng: Any, code: NDArray[Any], symbols: int, kind: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """The price of each row's symbol before the row and at it."""
    rows = len(code)
    move = rng.normal(0.0, 0.003, rows) + np.where(rng.random(rows) < 0.02, rng.normal(0.0, 0.05, rows), 0.0)
    if kind == "flat":
        move[rng.random(rows) < 0.9] = 0.0
    level = np.empty(rows)
    before = np.empty(rows)
    for s in range(symbols):
        mine = code == s
        path = np.cumsum(np.concatenate([[rng.uniform(3.0, 9.0)], move[mine]]))
        if kind == "wild":
            path = rng.normal(0.0, 9.0, len(path))
        priced = np.exp(path) if kind == "wild" else np.maximum(np.round(np.exp(path) / TICK), 5.0) * TICK
        before[mine], level[mine] = priced[:-1], priced[1:]
    return before, level


def _column(name: str, rng: Any, before: NDArray[Any], price: NDArray[Any], kind: str) -> NDArray[Any]:
    rows = len(price)
    stem, _, level = name.partition("_")
    if "size" in name or "volume" in name:
        sizes = np.exp(rng.normal(3.0, 9.0 if kind == "wild" else 1.0, rows))
        return np.where(rng.random(rows) < 0.1, 0.0, sizes if kind == "wild" else np.round(sizes))
    if name == "side":
        return np.where(rng.random(rows) < 0.5, 1.0, -1.0)
    if name == "open":
        return before.copy()
    if stem in ("bid", "ask") and (not level or level.isdigit()):
        away = TICK * (1 + int(level or 0))
        return price / (1.0 + away) if stem == "bid" else price * (1.0 + away)
    if name == "high":
        return np.maximum(before, price) * (1.0 + np.round(rng.random(rows) * 0.01, 3))
    if name == "low":
        return np.minimum(before, price) / (1.0 + np.round(rng.random(rows) * 0.01, 3))
    if name in ("close", "price"):
        return price.copy()
    if name in ("bought", "sold"):
        return np.cumsum(_column("size", rng, before, price, kind))
    if name in ("sector", "member"):
        return rng.integers(0, 3 if name == "sector" else 2, rows).astype(np.float64)
    if name == "benchmark":
        return price * np.exp(rng.normal(0.0, 0.01, rows))
    return np.round(rng.normal(0.0, 1.0, rows), 1)
