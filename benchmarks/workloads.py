"""The peers' workloads A, B, C and A20 as strategies of ours, their rows, and what must come out to the cent."""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import backtest
from backtest import Costs, Result
from benchmarks.peers import definitions
from quantlib import bars
from quantlib.desk.policy import Exits, Limits, Policy, fixed_lots
from quantlib.features import sma
from quantlib.signals import cross_event, crossover
from quantlib.strategy import Strategy
from quantlib.table import Table

CASH = 10_000_000.0
COSTS = Costs(rate=1e-4)
SEEDS = 7, 100  # of the one symbol, of the first of twenty: the peers' data
FREE = Policy(sizing=fixed_lots(100), limits=Limits.off())
BRACKET = FREE._replace(leave=-inf, exits=Exits(stop=0.01, target=0.02))


class Outcome(NamedTuple):
    """What an engine must come to."""

    fills: int
    equity: float  # quote currency, to the cent

    def agrees(self, exact: Outcome, accounts: int) -> bool:
        """Whether fills are the same, and equity but for the roundings of the accounts that `exact` sums."""
        return self.fills == exact.fills and abs(self.equity - exact.equity) < 0.005 * accounts


def hold_above(fast: int = 10, slow: int = 30) -> Strategy:
    """A: long while the fast mean is above the slow one."""
    return Strategy((sma(fast, out="fast"), sma(slow, out="slow"), crossover("fast", "slow")), FREE)


def buy_crosses(fast: int = 10, slow: int = 30) -> Strategy:
    """B: long from an upward cross to the bracket's stop or target."""
    return Strategy((sma(fast, out="fast"), sma(slow, out="slow"), cross_event("fast", "slow")), BRACKET)


def one_symbol(rows: int, total: int = 1_000_000) -> Table:
    """The first rows of the peers' one symbol."""
    return bars(_columns(definitions("gen_data")["bars"](max(rows, total), SEEDS[0]), rows))


def twenty_symbols(rows: int) -> Table:
    """Twenty symbols, so many rows each, one timestamp after the other."""
    make, names = definitions("gen_data")["bars"], [f"S{k:02d}" for k in range(20)]
    each = [_columns(make(max(rows, 100_000), SEEDS[1] + k), rows) for k in range(20)]
    columns = {n: np.ascontiguousarray(np.column_stack([one[n] for one in each]).ravel()) for n in each[0]}
    return bars(columns | {"symbol": np.tile(np.arange(20, dtype=np.int32), rows)}, symbols=names)


def combinations(count: int) -> dict[str, list[int]]:
    """C: the grid of fast and slow means, or a corner of it."""
    fast, slow = list(range(5, 15)), list(range(20, 70, 5))
    return {"fast": fast, "slow": slow} if count >= 100 else {"fast": fast[:1], "slow": slow[:count]}


def simulated(strategy: Strategy, table: Table) -> Result:
    """The backtest that is timed."""
    return backtest.run(strategy, table, cash=CASH, costs=COSTS)


def outcome(result: Result) -> Outcome:
    """Fills and final equity of a result."""
    return Outcome(len(result.raw_fills), round(float(result.curve[-1]), 2))


def exact_a(table: Table, fast: int = 10, slow: int = 30) -> Outcome:
    """A's exact outcome, in integer ticks, for each symbol apart and then together."""
    reference, symbols = definitions("peer_common")["ref_A"], len(table.symbols)
    found = [reference(_of(table, "open", s), _of(table, "close", s), fast, slow) for s in range(symbols)]
    return Outcome(sum(f for f, _ in found), round(sum(e for _, e in found) - (symbols - 1) * CASH, 2))


def exact_b(table: Table) -> Outcome:
    """B's exact outcome."""
    columns = (_of(table, name, 0) for name in ("open", "high", "low", "close"))
    fills, equity, *_ = definitions("peer_common")["ref_B"](*columns)
    return Outcome(fills, equity)


def _of(table: Table, column: str, symbol: int) -> NDArray[Any]:
    return table.columns[column][table.columns["symbol"] == symbol]


def _columns(frame: Any, rows: int) -> dict[str, NDArray[Any]]:
    ts = frame["timestamp"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
    names = ("open", "high", "low", "close", "volume")
    return {"ts": ts[:rows]} | {n: np.ascontiguousarray(frame[n].to_numpy()[:rows]) for n in names}
