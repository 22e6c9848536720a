"""Seconds a row of each catalogued feature, beside TA-Lib where it does the same job."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.peers import spoken
from benchmarks.row import Row, Skipped, against, row
from benchmarks.rows_desk import walk
from benchmarks.timing import Scale, seconds
from quantlib import catalog
from quantlib.core import Columns, Feature, advance, start
from quantlib.tapes import tape

PROGRAM = Path(__file__).with_name("peer_talib.py")
SAME_JOB = {"sma", "ema", "rsi", "atr", "bollinger", "macd"}  # what peer_talib.py does
ACROSS = 20  # symbols that a cross-sectional feature sees at one moment
AGREE = 1e-9  # relative difference that two libraries' last rows may have, beyond their seeds


def feature(name: str, scale: Scale) -> Row:
    """Seconds a row through one feature with its default parameters, no row missing."""
    one, title = catalog.feature(name), f"features.{name}"
    columns, symbols = _table(one, scale.rows)
    rows = len(columns["symbol"])

    def work() -> Columns:
        return advance([one], start([one], symbols), columns)

    last = [float(column[-1]) for column in work().values()]
    runs = [s / rows for s in seconds(work, scale.repeat)]
    mine = row(title, "s/row", runs)
    if name not in SAME_JOB or not scale.peers:
        return mine
    try:
        theirs, said = _talib(name, columns, scale)
    except Skipped as skipped:
        return mine._replace(note=f"TA-Lib skipped: {skipped}")
    again = [s / rows for s in seconds(work, scale.repeat)]
    apart = max(abs(a - b) for a, b in zip(last, said, strict=True)) / max(map(abs, said))
    note = "" if apart < AGREE else f"last rows differ by {apart:.1g}"
    return against(row(title, "s/row", [*runs, *again]), "TA-Lib", [s / rows for s in theirs], note)


def _talib(name: str, columns: Columns, scale: Scale) -> tuple[list[float], list[float]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        close = columns["close"]
        np.savez(path, close=close, high=columns.get("high", close), low=columns.get("low", close))
        found = spoken("talib", PROGRAM, [name, str(path), str(2 * scale.repeat)])
    return found["runs"], found["last"]


def _table(one: Feature, rows: int) -> tuple[Columns, tuple[str, ...]]:
    """Rows that the feature reads, of one symbol; of twenty where it looks across them."""
    if set(one.inputs) <= {"ts", "open", "high", "low", "close", "volume"}:
        symbols = 1 if one.scope == "symbol" else ACROSS
        table = walk(rows // symbols, symbols)
        return {n: table.columns[n] for n in dict.fromkeys(["symbol", *one.inputs])}, table.symbols
    made = tape(one, rows, 1, missing=0.0)
    return made.columns, made.symbols


BENCHES: dict[str, Callable[[Scale], Row]] = {f"features.{name}": partial(feature, name) for name in catalog.names()}
