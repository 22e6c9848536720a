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
from live.beating import Beating
from live.brokers.protocol import WireBroker
from live.config import config_of
from live.errors import BrokerError, ConfigError, ReconcileError
from live.feeds.history import BARS
from live.feeds.protocol import Correction, Feed, Heard, Incident, Moment, Past
from live.feeds.supply import supplied
from live.keeping import PLAIN, Keeping
from live.lock import alone
from live.operator import want
from live.private import private_folder
from live.recovery import opened
from live.references import strategy_of
from live.rejoin import agree, rejoin
from live.runner import SNAPSHOT_STEPS, Runner, put_aside
from live.safety import triggers
from live.safety.guard import Guarding, Rules
from live.seal import Seal
from live.session import Summary, summary, there
from live.stores.restoring import restored
from live.words import Note, Output, columns_of
from quantlib.desk.memory import ACTIVE, Instrument
from quantlib.strategy import Strategy, verify
from quantlib.table import Table

NAP = 0.05  # seconds the feed may keep the loop from looking elsewhere
SETTLE = 0.1  # seconds between two looks at a broker that does not agree yet
DAY = 86_400_000_000_000
EXPECTED = Costs(spread=1e-4)  # an Alpaca account pays no commission


class Terms(NamedTuple):
    """How a session trades.

    rules      of the last look at a command
    triggers   of the kill switch
    beats      seconds between two looks at broker and operator while no rows come; inf: they wait for the next rows
    every      steps from one snapshot to the next
    reconcile  ns of the session's clock from one comparison with the broker to the next
    """

    rules: Rules = Rules()
    triggers: triggers.Terms = triggers.Terms()
    beats: float = 0.5
    every: int = SNAPSHOT_STEPS
    reconcile: int = DAY


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
    with alone(private_folder(folder)):
        if fresh:
            put_aside(folder)
        notes = () if fresh else restored(folder, keeping, config)
        runner = opened(folder, config, one, broker=broker, every=terms.every, keeping=keeping, notes=notes)
        session = _Session(runner, feed, broker, kind, account, clock, market_open, terms)
        try:
            session.join()
            watch.began(session.runner)
            begun = time.monotonic()
            while not stop():
                output = session.turn()
                if output is not None:
                    watch.stepped(session.runner, output)
            session.leave()
            over = 0 < session.runner.steps <= session.runner.state.step
            return summary(session.runner, not over, time.monotonic() - begun)
        finally:
            session.close()


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


class _Session:
    """What `trade` holds while it runs."""

    def __init__(
        self, runner: Runner, feed: Feed, broker: WireBroker, kind: str, account: str, clock: Callable[[], int],
        market_open: Callable[[int], bool], terms: Terms,
    ) -> None:  # fmt: skip
        self.feed, self.broker, self.clock, self.market_open, self.terms = feed, broker, clock, market_open, terms
        self.runner = runner
        self.runner.guard = Guarding(terms.rules, self.runner.state.desk, feed.market, clock)
        self.beating = Beating(self.runner, kind, account)
        self.no_rows = self.runner.no_rows
        self._looked = self._reconciled = 0.0

    def join(self) -> None:
        """Connect both sides, and see that they agree with the desk."""
        self.broker.begin()
        rejoin(self.runner, self.broker, self.clock, self._pause, self.terms.rules.fresh)
        self._reconciled = self.clock()
        state = self.runner.state
        self.feed.begin(state.row_ts if state.rows else None)
        self.pulse(now=True)

    def turn(self) -> Output | None:
        """Wait a little for the feed, and do what it brings, or what time brings."""
        output = self.hear(self.feed.next(NAP))
        if time.monotonic() - self._looked >= self.terms.beats:
            self._looked = time.monotonic()
            output = self.look() or output
        self.pulse()
        return output

    def hear(self, heard: Heard | None) -> Output | None:
        """One thing from the feed."""
        if isinstance(heard, Moment):
            output = self.runner.take(heard.ts, heard.rows)
            self.beating.stepped(output, heard.rows, heard.arrived)
            return output
        if isinstance(heard, Past):
            self.runner.past(heard.rows)
            self.note("history", f"{len(heard.rows)} rows of {heard.why}")
        elif isinstance(heard, Correction):
            row = heard.row[0]
            names = [name for name in heard.row.dtype.names or () if name != "symbol"]
            values = {name: row[name].item() for name in names}
            self.note("correction", heard.why, self.feed.symbols[int(row["symbol"])], values)
        elif isinstance(heard, Incident):
            self.note(heard.kind, heard.text, heard.symbol)
            if heard.fatal:
                self.throw("halt", heard.text)
        return None

    def look(self) -> Output | None:
        """Between rows: hear the broker, obey the operator, throw the kill switch if it is time."""
        for trouble in self.broker.incidents():
            self.note(trouble.kind, trouble.text)
            if trouble.fatal:
                self.throw("halt", trouble.text)
        now, mode = self.clock(), int(self.runner.state.desk.account["mode"][0])
        found = triggers.due(
            self.terms.triggers, mode, self.feed.health(), self.broker.health(), self.market_open(now)
        )  # fmt: skip
        if found is not None:
            self.throw(found.word, found.why)
        if now - self._reconciled >= self.terms.reconcile and mode == ACTIVE:
            self._reconciled = now
            self.compare()
        output = self.runner.beat(now)
        if output is not None:
            self.beating.stepped(output, self.no_rows)
        return output

    def compare(self) -> None:
        """See that desk and broker agree; trading stops if they do not."""
        try:
            agree(self.runner, self.broker, self.clock, self._pause)
        except (ReconcileError, BrokerError) as error:
            self.throw("halt", str(error))

    def throw(self, word: str, why: str) -> None:
        """The kill switch, thrown by the session itself; obeyed with the next beat or row."""
        waiting = [wanted.word for wanted in self.runner.hand.waiting]
        if word not in waiting and int(self.runner.state.desk.account["mode"][0]) != 2:
            self.note("kill switch", f"{word}: {why}")
            want(self.runner.folder / "operator", word, who="runner", why=why)

    def note(self, kind: str, text: str, symbol: str = "", values: Mapping[str, float] | None = None) -> None:
        """Into the journal, where operator and report find it."""
        self.runner.note(Note(self.clock(), kind, text, symbol, dict(values or {})))

    def pulse(self, now: bool = False) -> None:
        """Say how everything is."""
        self.beating.beat(self.feed.health(), self.broker.health(), now)

    def leave(self) -> None:
        """A clean end: hear what there is, and write it all down."""
        self.runner.beat(self.clock())
        self.runner.save()
        self.pulse(now=True)

    def close(self) -> None:
        """Let feed, broker and files go."""
        self.feed.close()
        self.runner.close()

    def _pause(self) -> None:
        time.sleep(SETTLE)
