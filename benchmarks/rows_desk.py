"""The loop alone, with everything on: brackets, costs, gates and limits; and that its time grows linearly."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np

from backtest import Costs, exchange
from backtest.engine import Record, chunks, operator_events, replayed, roomy
from backtest.run import CHUNK
from benchmarks.row import Row, row
from benchmarks.timing import Scale, seconds
from quantlib import bars
from quantlib.core import Columns, advance, start
from quantlib.desk import memory
from quantlib.desk.policy import Exits, Gates, Limits, Policy, risk_per_trade
from quantlib.features import atr, sma
from quantlib.signals import crossover
from quantlib.strategy import Strategy
from quantlib.table import Table

CASH = 1_000_000.0
MINUTE, HOUR = 60_000_000_000, 3_600_000_000_000
BEGIN = 1_577_836_800_000_000_000  # 2020-01-01, ns UTC
COSTS = Costs(per_share=0.005, minimum=0.35, spread=1e-4, range_share=0.05, borrow=0.02)
DESK = Strategy(
    (sma(10, out="fast"), sma(30, out="slow"), atr(14), crossover("fast", "slow")),
    Policy(
        short=True,
        sizing=risk_per_trade(0.003),
        exits=Exits(stop_distances=4.0, target_distances=8.0, max_rows=240),
        gates=Gates(session_open=HOUR, session_close=23 * HOUR, flat_by_close=True, cooldown_rows=5, fresh=True),
        limits=Limits(),
    ),
    distance="atr",
)


def walk(rows: int, symbols: int = 1, seed: int = 1) -> Table:
    """Made-up one-minute bars around the clock, with gaps; `rows` of each symbol."""
    rng = np.random.default_rng(seed)
    count = rows * symbols
    step = rng.standard_normal((rows, symbols)) * 5e-4
    close = 100.0 * np.exp(np.cumsum(step, axis=0))
    open_ = np.vstack([np.full(symbols, 100.0), close[:-1]]) * (1 + rng.standard_normal((rows, symbols)) * 5e-5)
    close, open_ = np.round(close, 2).ravel(), np.round(open_, 2).ravel()
    high = np.round(np.maximum(open_, close) * (1 + np.abs(rng.standard_normal(count)) * 2e-4), 2)
    low = np.round(np.minimum(open_, close) * (1 - np.abs(rng.standard_normal(count)) * 2e-4), 2)
    ts = BEGIN + MINUTE * (1 + np.repeat(np.arange(rows, dtype=np.int64), symbols))
    return bars(
        {
            "ts": ts, "symbol": np.tile(np.arange(symbols, dtype=np.int32), rows), "open": open_, "high": high,
            "low": low, "close": close, "volume": rng.integers(100_000, 1_000_000, count).astype(np.float64),
        },
        symbols=[f"S{k:02d}" for k in range(symbols)],
    )  # fmt: skip


def loop_alone(table: Table, columns: Columns) -> Record:
    """Desk and exchange over all rows, logs taken; the features' columns are given."""
    desk = roomy(memory.opened(DESK.policy, table.symbols, CASH))
    venue = exchange.opened(table.symbols, desk.instruments, COSTS)
    kept, events = Record(table.rows), operator_events(())
    for begin, end in chunks(columns["ts"], CHUNK):
        part = {name: column[begin:end] for name, column in columns.items()}
        replayed(DESK, part, desk, venue, events, kept, begin)
    return kept


def desk(name: str, symbols: int, scale: Scale) -> Row:
    """Bars a second through desk and exchange."""
    table = walk(scale.bars if symbols == 1 else scale.each, symbols)
    columns = _with_features(table)
    fills = len(loop_alone(table, columns).all_fills())
    runs = seconds(lambda: loop_alone(table, columns), scale.repeat * scale.rounds)
    note = f"{symbols} symbol{'s' if symbols > 1 else ''} x {table.rows // symbols:,} bars, {fills:,} fills, one core"
    return row(name, "bars/s", [table.rows / s for s in runs], note)


def linear(name: str, scale: Scale) -> Row:
    """The exponent by which time grows with rows: 1 is linear.  Runs are seconds a bar, shortest table first."""
    sizes = [size for size in (10_000, 100_000, 1_000_000, 10_000_000) if size <= scale.longest]
    taken = []
    for size in sizes:
        table = walk(size)
        columns = _with_features(table)
        loop_alone(table, columns)
        taken.append(min(_timed(table, columns) for _ in range(3)))
    if len(sizes) < 2:
        return row(name, "1", [1.0], "too few rows to tell")
    exponent = float(np.polyfit(np.log(sizes), np.log(taken), 1)[0])
    each = tuple(t / s for t, s in zip(taken, sizes, strict=True))
    spelled = ", ".join(f"{e * 1e9:.0f} ns at {s:,}" for e, s in zip(each, sizes, strict=True))
    return Row(name, exponent, "1", each, note=f"the desk's loop, a bar: {spelled}")


def _timed(table: Table, columns: Columns) -> float:
    begun = perf_counter()
    loop_alone(table, columns)
    return perf_counter() - begun


def _with_features(table: Table) -> Columns:
    columns = dict(table.columns)
    return columns | advance(DESK.features, start(DESK.features, table.symbols), columns)


BENCHES: dict[str, Callable[[Scale], Row]] = {
    "backtest.desk": partial(desk, "backtest.desk", 1),
    "backtest.desk20": partial(desk, "backtest.desk20", 20),
    "backtest.linear": partial(linear, "backtest.linear"),
}
