"""A process to be weighed: `python -m benchmarks.long_backtest BARS` prints peak bytes, those before its rows, fills.

Rows are made piece by piece, so that what is weighed is the backtest and not the making of its rows.
"""

from __future__ import annotations

import sys

import numpy as np

import backtest
from benchmarks.rows_desk import BEGIN, CASH, COSTS, DESK, MINUTE
from benchmarks.timing import peak_bytes
from quantlib import bars
from quantlib.core import Columns

PIECE = 100_000


def columns(rows: int) -> Columns:
    """One-minute bars that come and go around 100, as float64."""
    made: Columns = {name: np.empty(rows) for name in ("open", "high", "low", "close", "volume")}
    made["ts"] = np.arange(1, rows + 1, dtype=np.int64)
    made["ts"] *= MINUTE
    made["ts"] += BEGIN
    last = 100.0
    for begin in range(0, rows, PIECE):
        end = min(begin + PIECE, rows)
        rng = np.random.default_rng(begin)
        level = np.log(last / 100.0)
        close = np.round(100.0 * np.exp(level + np.cumsum(rng.standard_normal(end - begin) * 5e-4)), 2)
        open_ = np.append(last, close[:-1])
        made["open"][begin:end], made["close"][begin:end] = open_, close
        made["high"][begin:end] = np.round(np.maximum(open_, close) * (1 + rng.random(end - begin) * 3e-4), 2)
        made["low"][begin:end] = np.round(np.minimum(open_, close) * (1 - rng.random(end - begin) * 3e-4), 2)
        made["volume"][begin:end] = rng.integers(100_000, 1_000_000, end - begin)
        last = min(max(close[-1], 50.0), 200.0)
    return made


def main() -> None:
    """Backtest, and say what it weighed."""
    bare = peak_bytes()
    result = backtest.run(DESK, bars(columns(int(sys.argv[1]))), cash=CASH, costs=COSTS)
    print(peak_bytes(), bare, len(result.raw_fills))


if __name__ == "__main__":
    main()
