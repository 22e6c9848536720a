"""The front door: a strategy and bars in, a result out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backtest import exchange
from backtest.compiling import announced
from backtest.costs import Costs
from backtest.engine import Record, asked, chunks, operator_events, replayed, roomy
from backtest.result import Result
from quantlib.core import advance, start
from quantlib.desk import memory
from quantlib.desk.consult import Decision
from quantlib.desk.memory import Instrument
from quantlib.strategy import Strategy, verify
from quantlib.table import Table, bars

CHUNK = 32_768  # rows computed ahead: few enough for the cache, enough to forget the call


class BacktestError(RuntimeError):
    """The machinery lost something, so a result would not be true."""


@announced()
def run(
    strategy: Strategy,
    rows: Any,
    *,
    cash: float = 1_000_000.0,
    costs: Costs | None = None,
    instruments: Instrument | Mapping[str, Instrument] | None = None,
    events: Iterable[tuple[int, str]] = (),
    chunk: int = CHUNK,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Backtest a strategy on bars.

    Args:
        strategy: features, policy and perhaps a decision.
        rows: a Table of bars, or whatever `quantlib.bars` takes.
        cash: quote currency at the start.
        costs: of the exchange; None is a perfect market.
        instruments: tick, lot and multiplier, for all symbols or by name; None is a tick of 0.01 and a lot of 1.
        events: (ts, "halt" | "reduce" | "flatten" | "resume") of the operator, in time order; each comes before the
            rows known at its ts.
        chunk: rows computed ahead; no result depends on it.
        progress: told (rows done, rows in all) after each chunk.

    Raises:
        TableError, FeatureError, StrategyError, PolicyError: rows, features or policy that do not fit.
        TypeError: strategy or costs of another kind.
        ValueError: cash, costs, instruments or events out of range.
        BacktestError: if the machinery lost a report; said rather than hidden.
    """
    if not isinstance(strategy, Strategy):
        raise TypeError(f"run: strategy must be a Strategy (call a preset: presets.trend()), got {strategy!r}")
    if not isinstance(costs, Costs | None):
        raise TypeError(f"run: costs must be Costs(...), got {costs!r}")
    table = rows if isinstance(rows, Table) else bars(rows)
    costs = costs or Costs()
    desk = roomy(memory.opened(strategy.policy, table.symbols, cash, instruments))
    verify(strategy, tuple(table.columns))
    venue = exchange.opened(table.symbols, desk.instruments, costs)
    operator = operator_events(events)
    kept, state = Record(table.rows), start(strategy.features, table.symbols)
    plain = strategy.decide is not None and not isinstance(strategy.decide, Decision)
    for begin, end in chunks(table.columns["ts"], chunk):
        columns = {n: c[begin:end] for n, c in table.columns.items()}
        columns |= advance(strategy.features, state, columns)
        if plain:
            asked(strategy, table.symbols, columns, desk, venue, operator, kept, begin)
        else:
            replayed(strategy, columns, desk, venue, operator, kept, begin)
        if progress:
            progress(end, table.rows)
    if venue.state["lost"][0]:
        raise BacktestError(f"backtest: the exchange's report queue was full {venue.state['lost'][0]} times")
    return Result.of(strategy, table, costs, cash, desk, kept)
