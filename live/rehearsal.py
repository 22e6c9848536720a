"""A rehearsal: the session that would trade, on recorded rows, through the loopback service and the real client.

    summary = rehearse("trend", table, "sessions/rehearsal", cash=100_000)

Nothing but the address differs from paper trading: the same feed, broker, runner and files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from limits import RateLimitItemPerMinute

from backtest.costs import Costs
from backtest.parity import Difference, Parity, decision, record_differences
from backtest.result import Result
from live.aside import forget
from live.brokers.alpaca import AlpacaBroker
from live.brokers.keeper import Patience
from live.brokers.rate import Budget
from live.feeds.alpaca import AlpacaFeed
from live.feeds.hours import ALL
from live.feeds.settings import FeedSettings
from live.journal import read
from live.keeping import PLAIN, Keeping
from live.lockstep import Lockstep
from live.loop import Terms
from live.runner import Runner
from live.seal import Seal
from live.session import Summary
from live.sim.server import Loopback
from live.trading import EXPECTED, Watch, trade
from live.words import MAGIC, OUTPUT, Output, output_of
from quantlib.desk.memory import Instrument, instrument_records
from quantlib.desk.messages import FILLED_ROW, ORDER, PARTIAL
from quantlib.strategy import Strategy
from quantlib.table import Table

TWO_STREAMS = 0.25  # seconds from the one to the other
CALLS = RateLimitItemPerMinute(1_000_000)  # the loopback counts none
WHOLE = Patience(hold=float("inf"))  # all orders are in before the next moment, as in a backtest
KEPT = 3  # rehearsals before this one that are kept in its folder
TERMS = Terms(beats=float("inf"))  # reports wait for the next rows, as in a backtest


def rehearse(
    strategy: str | Strategy,
    table: Table,
    folder: str | Path,
    *,
    cash: float,
    costs: Costs = EXPECTED,
    params: Mapping[str, Any] | None = None,
    instruments: Instrument | Mapping[str, Instrument] | None = None,
    speed: float = 0.0,
    watch: Watch = Watch(),  # noqa: B008 (a value)
    stop: Callable[[], bool] = lambda: False,
    kind: str = "demo",
    terms: Terms = TERMS,
    source: Mapping[str, Any] | None = None,
    keeping: Keeping = PLAIN,
) -> Summary:
    """Trade recorded bars in lockstep; the session begins anew, since its broker does, and the last three are kept.

    Args:
        strategy, params, instruments: as in `live.session.replay`.
        table: of bars.
        folder: of the session.
        cash, costs: of the loopback's account and exchange; brokers of this kind take no commission, so neither may
            `costs`, and no borrow.
        speed: seconds of the rows in one second; 0: as fast as it goes.
        watch: told after each step.
        stop: asked between two steps; True ends the rehearsal.
        kind: as the operator sees it.
        terms: limits and periods.
        source: where the rows came from, for the record.
        keeping: how state is sealed and where copies of it go.

    Raises:
        LiveError: as drawn in `live`.
        ValueError: if costs hold what the wire does not tell, or rows of one ts are not in the order of their symbols.
    """
    untold = [name for name in ("rate", "per_share", "per_order", "minimum", "borrow") if getattr(costs, name)]
    if untold:
        raise ValueError(f"rehearsal: an account without commissions tells no {', '.join(untold)}; set them to 0")
    folder = Path(folder)
    _in_order(table)
    whole = {"most": 8 * len(table.symbols)}  # messages of a frame: a timestamp comes in one, so none is waited for
    with Loopback(table, cash=cash, costs=costs, instruments=instruments, stream=whole) as loopback:
        settings = FeedSettings(
            timeframe=loopback.market.timeframe, quotes=False, bands=False, hours=ALL, patience=_patience(table)
        )  # fmt: skip

        def clock() -> int:
            return loopback.market.now

        feed = AlpacaFeed(loopback.keys, table.symbols, settings, clock=clock)
        records = instrument_records(table.symbols, instruments)
        broker = AlpacaBroker(
            loopback.keys, folder.resolve().name, table.symbols, records, patience=WHOLE, budget=Budget(CALLS)
        )  # fmt: skip
        lockstep = Lockstep(loopback, broker, _pace(loopback, speed, stop))

        def began(runner: Runner) -> None:
            forget(folder, KEPT, lambda config: bool(config.source.get("demo")), keeping.seal)
            runner.steps = loopback.market.steps
            watch.began(runner)
            lockstep.watch.began(runner)

        def stepped(runner: Runner, output: Output) -> None:
            watch.stepped(runner, output)
            lockstep.watch.stepped(runner, output)

        return trade(
            strategy, folder, feed, broker, cash=cash, costs=costs, params=params, instruments=instruments, kind=kind,
            account="loopback", clock=clock, terms=terms, watch=Watch(began, stepped),
            stop=lambda: lockstep.over or stop(), fresh=True, source={"demo": "loopback"} | dict(source or {}),
            keeping=keeping,
        )  # fmt: skip


def held_against(folder: str | Path, result: Result, seal: Seal | None = None) -> Parity:
    """Every difference between a rehearsed session and the backtest of its rows: decisions, equity, fills, orders.

    Slippage is left out: the exchange knows the price it moved from, a broker tells only the price it gave.

    Args:
        folder: of the session.
        result: of `backtest.run` on the same table, with the same cash and costs.
        seal: of a sealed session.

    Raises:
        LiveError: if the journal cannot be trusted.
    """
    frames = read(Path(folder) / "journal", MAGIC, seal=seal).frames
    outputs = [output_of(frame.payload) for frame in frames if frame.kind == OUTPUT]
    steps = [output for output in outputs if len(output.decision)]
    columns, symbols = result.table.columns, result.symbols
    decided = np.concatenate([np.empty(0, np.int8), *(o.decision for o in steps)])
    if len(decided) != len(result.decision) or len(steps) != len(result.curve):
        length = Difference(
            "decision", int(columns["ts"][-1]), "", f"{len(decided)} rows", f"{len(result.decision)} rows"
        )
        return Parity([length], len(decided))
    found = [
        Difference(
            "decision", int(columns["ts"][k]), symbols[columns["symbol"][k]], decision(decided[k]),
            decision(result.decision[k]),
        )
        for k in np.flatnonzero(decided != result.decision)
    ]  # fmt: skip
    for output, ts, equity in zip(steps, result.ts, result.curve, strict=True):
        if output.equity != equity:
            found.append(Difference("equity", int(ts), "", repr(output.equity), repr(float(equity))))
    fills, expected = np.concatenate([np.empty(0, FILLED_ROW), *(o.fills for o in outputs)]), result.raw_fills.copy()
    fills["slippage"] = expected["slippage"] = 0.0
    ended = np.concatenate([np.empty(0, ORDER), *(o.ended for o in outputs)])
    orders = result.raw_orders[result.raw_orders["status"] > PARTIAL]
    found += record_differences("fill", fills, expected, symbols)
    found += record_differences("order", ended[np.argsort(ended["id"], kind="stable")], orders, symbols)
    return Parity(sorted(found, key=lambda d: d.ts), len(decided))


def _patience(table: Table) -> float:
    """Seconds that a moment waits for rows that may be on their way: one stream tells all of it at once, two do not."""
    coins = {"/" in symbol for symbol in table.symbols}
    return 0.0 if len(coins) == 1 else TWO_STREAMS


def _in_order(table: Table) -> None:
    """A feed gives the rows of a moment by symbol, and a desk decides in the order of rows."""
    ts, symbol = table.columns["ts"], table.columns["symbol"]
    bad = np.flatnonzero((ts[1:] == ts[:-1]) & (symbol[1:] <= symbol[:-1]))
    if len(bad):
        row = int(bad[0]) + 1
        raise ValueError(
            f"rehearsal: row {row} ({table.symbols[symbol[row]]}) stands after {table.symbols[symbol[row - 1]]} of the "
            f"same ts; a feed gives them by symbol: bars(frame.sort('ts', 'symbol'), symbols=sorted(…))"
        )


def _pace(loopback: Loopback, speed: float, stop: Callable[[], bool]) -> Callable[[int], None]:
    """Waits until a timestamp is due."""
    began: list[tuple[float, int]] = []

    def wait(step: int) -> None:
        due = loopback.market.upcoming()
        if not speed or due is None:
            return
        began.append((time.monotonic(), due)) if not began else None
        at = began[0][0] + (due - began[0][1]) / 1e9 / speed
        while (left := at - time.monotonic()) > 0 and not stop():
            time.sleep(min(left, 0.05))

    return wait
