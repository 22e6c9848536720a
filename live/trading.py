"""Trading: a feed's moments become steps, a broker's reports are heard between them, and the kill switch is watched.

    summary = trade(strategy, folder, feed, broker, cash=100_000)

The loop below is all there is between a feed and a broker; what it calls is what a replay calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backtest.costs import Costs
from live.aside import put_aside
from live.brokers.protocol import WireBroker
from live.config import config_of
from live.errors import ConfigError
from live.feeds.history import BARS
from live.feeds.protocol import Feed
from live.feeds.supply import supplied
from live.keeping import PLAIN, Keeping
from live.loop import Loop, MarketHours, Terms
from live.pauses import kept, short_turns
from live.recovery import opened
from live.references import strategy_of
from live.resealing import settled
from live.runner import Runner
from live.seal import Seal
from live.session import Summary, summary, there
from live.stores.restoring import restored
from live.words import Output, columns_of
from quantlib.desk import memory as desks
from quantlib.desk.memory import Instrument
from quantlib.strategy import Strategy, verify
from quantlib.table import Table

EXPECTED = Costs(spread=1e-4)  # an Alpaca account pays no commission


class Watch(NamedTuple):
    """Someone who follows a session from inside its process, between two steps."""

    began: Callable[[Runner], None] = lambda runner: None
    stepped: Callable[[Runner, Output], None] = lambda runner, output: None


def trade(
    strategy: str | Strategy,
    folder: str | Path,
    feed: Feed,
    broker: WireBroker,
    *,
    cash: float,
    name: str = "",
    costs: Costs = EXPECTED,
    params: Mapping[str, Any] | None = None,
    instruments: Instrument | Mapping[str, Instrument] | None = None,
    kind: str = "paper",
    account: str = "",
    clock: Callable[[], int] = time.time_ns,
    market_open: Callable[[int], bool] = lambda ts: True,
    next_close: Callable[[int], int] | None = None,
    terms: Terms = Terms(),  # noqa: B008 (a value)
    watch: Watch = Watch(),  # noqa: B008
    stop: Callable[[], bool] = lambda: False,
    fresh: bool = False,
    source: Mapping[str, Any] | None = None,
    keeping: Keeping = PLAIN,
) -> Summary:
    """Trade until told to stop; a session that was killed goes on where it was.

    Args:
        strategy: a reference (`live.references`), or a Strategy, given again to every later call.
        folder: of the session; its name names the session's orders.
        feed, broker: not connected yet; both are closed at the end.
        cash: of the account when the session began, quote currency.
        name: of its orders (`named`), which no other session of the account may have had; default the folder's.
        costs: what the backtest that the session is compared with expects trading to cost.
        params, instruments: as in `live.session.replay`.
        kind, account: as the operator sees them.
        clock: what time it is, ns UTC.
        market_open: whether the market is open at a time; a silent feed is no trouble when it is not.
        next_close: when the market closes after a time, ns UTC: days that end early are told to an intraday policy.
        terms: limits and periods.
        watch: told after each step.
        stop: asked between two steps; True ends the session cleanly, with its orders and positions left as they are.
        fresh: put an earlier session of this folder aside and begin anew.
        source: where rows come from, for the record.
        keeping: how state is sealed and where copies of it go.

    Raises:
        LiveError: as drawn in `live`.
        StrategyError, PolicyError: if the strategy cannot be traded on what feed and broker supply.
    """
    folder = Path(folder)
    one = strategy_of(strategy, params) if isinstance(strategy, str) else strategy
    tradable(one, feed)
    blank = Table("bar", feed.symbols, columns_of(np.empty(0, BARS)))
    reference = strategy if isinstance(strategy, str) else ""
    told = {"broker": broker.health().name} | dict(source or {})
    config = config_of(
        folder, one, blank, name=name, reference=reference, params=params, cash=cash, costs=costs,
        instruments=instruments, source=told,
    )  # fmt: skip
    desks.opened(one.policy, feed.symbols, cash, config.instrument_map)  # refused before the folder is touched
    with settled(folder), short_turns():
        if fresh:
            put_aside(folder)
        notes = () if fresh else restored(folder, keeping, config)
        runner = opened(folder, config, one, broker=broker, every=terms.every, keeping=keeping, notes=notes)
        loop = Loop(runner, feed, broker, kind, account, clock, MarketHours(market_open, next_close), terms)
        try:
            loop.join()
            watch.began(runner)
            begun = time.monotonic()
            with kept():
                while not stop():
                    for output in loop.turn():
                        watch.stepped(runner, output)
            loop.leave()
            over = 0 < runner.steps <= runner.state.step
            return summary(runner, not over, time.monotonic() - begun)
        finally:
            loop.close()


def named(folder: Path, fresh: bool = False, seal: Seal | None = None) -> str:
    """A name for the orders of a session: its own if it goes on, else the folder's and the moment it begins."""
    known = None if fresh else there(folder, seal)
    return known.name if known is not None else f"{folder.resolve().name}-{time.time_ns() // 1_000_000_000:x}"


def tradable(strategy: Strategy, feed: Feed) -> None:
    """Refuse a strategy that this feed cannot supply or a broker cannot carry out.

    Raises:
        StrategyError: if a column that it reads is in no bar and comes from no feature.
        FeedError: if the feed lacks the clock of a feature.
        ConfigError: if brackets hang on fill prices.
    """
    supplied(feed, strategy)
    verify(strategy, BARS.names or ())
    exits = strategy.policy.exits
    if (exits.stop or exits.target or exits.stop_distances or exits.target_distances) and not exits.anchored:
        raise ConfigError(
            f"{strategy.name}: its brackets stand at fractions of the fill price, which no broker takes with an order; "
            f"give Exits(…, anchored=True), in research too"
        )
