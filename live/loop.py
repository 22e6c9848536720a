"""The loop of a session that trades: what it does with what it hears, and what time brings while it hears nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from live.beating import Beating
from live.brokers.protocol import WireBroker
from live.comparing import AGAIN, SETTLE, Comparing
from live.errors import BrokerError
from live.feeds.protocol import Correction, Feed, Heard, Incident, Moment, Past
from live.operator import OVERRIDE, RUNNER, want
from live.rejoin import rejoin
from live.runner import NO_REPORTS, SNAPSHOT_STEPS, Runner
from live.safety import triggers
from live.safety.closing import SESSION_CLOSE, earlier, is_flat, left_at, seen_through
from live.safety.guard import Guarding, Rules
from live.state import IMPOSSIBLE
from live.words import Note, Output
from quantlib.desk.memory import HALTED

NAP = 0.05  # seconds the feed may keep the loop from looking elsewhere
DAY = 86_400_000_000_000


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


class MarketHours(NamedTuple):
    """The market's."""

    is_open: Callable[[int], bool]
    next_close: Callable[[int], int] | None  # after a time, ns UTC; None where it never closes


class Loop:
    """A session that trades: its runner between a feed and a broker."""

    def __init__(
        self, runner: Runner, feed: Feed, broker: WireBroker, kind: str, account: str, clock: Callable[[], int],
        hours: MarketHours, terms: Terms,
    ) -> None:  # fmt: skip
        self.feed, self.broker, self.clock, self.hours, self.terms = feed, broker, clock, hours, terms
        self.runner = runner
        self.runner.guard = Guarding(terms.rules, self.runner.state.desk, feed.market, clock)
        self.beating = Beating(self.runner, kind, account)
        self.no_rows = self.runner.no_rows
        self.comparing = Comparing(runner, broker, clock, self.beat, self.throw, self.note, terms.reconcile)
        self._taken: list[Output] = []  # steps of this turn
        self._looked = 0.0
        self._close = 0  # the last one that was looked at
        self._anomalies = int(runner.state.desk.account["anomalies"][0])
        self._left: str | None = None  # what the broker still had when the desk was flat, as it was told
        self._verified = 0.0  # when that may be looked at again

    def join(self) -> None:
        """Connect both sides, and see that they agree with the desk."""
        self.broker.begin()
        rejoin(self.runner, self.broker, self.clock, self._pause, self.terms.rules.fresh)
        self.comparing.joined()
        self.runner.hand.holding = True
        state = self.runner.state
        self.feed.begin(state.row_ts if state.rows else None)
        self.pulse(now=True)

    def turn(self) -> list[Output]:
        """Wait a little for the feed, and do what it brings, and what time brings; the steps that were taken."""
        self._taken = []
        self.hear(self.feed.next(NAP))
        pause = min(self.terms.beats, SETTLE) if self.comparing.under_way else self.terms.beats
        if time.monotonic() - self._looked >= pause:
            self._looked = time.monotonic()
            self.look()
        self.pulse()
        return self._taken

    def hear(self, heard: Heard | None) -> None:
        """One thing from the feed."""
        if isinstance(heard, Moment):
            self._settle_resume()
            self._tell(self.runner.take(heard.ts, heard.rows), heard.rows, heard.arrived)
        elif isinstance(heard, Past):
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

    def look(self) -> None:
        """Between rows: hear the broker, obey the operator, throw the kill switch if it is time."""
        for trouble in self.broker.incidents():
            self.note(trouble.kind, trouble.text)
            if trouble.kind == "connected":
                self.comparing.doubt()
            if trouble.fatal:
                self.throw("halt", trouble.text)
        now, mode = self.clock(), int(self.runner.state.desk.account["mode"][0])
        found = triggers.due(
            self.terms.triggers, mode, self.feed.health(), self.broker.health(), self.hours.is_open(now)
        )  # fmt: skip
        if found is not None:
            self.throw(found.word, found.why)
        self.comparing.look()
        self.mind_the_close(now)
        self.beat()
        self.verify_flat()

    def beat(self, reports: NDArray[Any] = NO_REPORTS) -> None:
        """Obey the operator and hear the broker, after these reports."""
        output = self.runner.beat(self.clock(), reports)
        if output is not None:
            self._tell(output, self.no_rows)

    def mind_the_close(self, now: int) -> None:
        """A day that ends before an intraday policy expects it, ends there."""
        close = self.hours.next_close(now) if self.hours.next_close is not None else 0
        if close == self._close:
            return
        self._close = close
        found = earlier(self.runner.state.strategy.policy.gates, close)
        if found is not None:
            want(
                self.runner.folder / "operator", OVERRIDE, who=RUNNER, why="the market closes early today",
                limit=SESSION_CLOSE, value=float(found.session_close), until=found.until,
            )  # fmt: skip

    def verify_flat(self) -> None:
        """Told to flatten, see that the broker holds nothing either, and say once what it has left."""
        desk = self.runner.state.desk
        if not desk.account["flatten"][0]:
            self._left, self._verified = None, 0.0
        elif is_flat(desk) and self._left != "" and time.monotonic() >= self._verified:
            self._verified = time.monotonic() + AGAIN
            try:
                left = left_at(self.broker.standing())
            except BrokerError:
                return
            if left != self._left:
                self.note(*seen_through(left, self.runner.brake.refused))
            self._left = left

    def throw(self, word: str, why: str) -> bool:
        """The kill switch, thrown by the session itself unless it is already; obeyed with the next beat or row."""
        waiting = self.runner.hand.words(self.clock())
        halted = int(self.runner.state.desk.account["mode"][0]) == HALTED and not waiting
        if halted or waiting[-1:] in (["halt"], [word]):
            return False
        self.note("kill switch", f"{word}: {why}")
        want(self.runner.folder / "operator", word, who=RUNNER, why=why)
        return True

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

    def _settle_resume(self) -> None:
        """Compare until a resume that waits may be obeyed: rows are at hand that it was given before."""
        while self.runner.hand.held(self.clock()):
            self.comparing.look()
            self.pulse()
            time.sleep(SETTLE)

    def _tell(self, output: Output, rows: NDArray[Any], arrived: int | None = None) -> None:
        """Let everybody know of a step."""
        self.beating.stepped(output, rows, arrived)
        self._taken.append(output)
        anomalies = int(self.runner.state.desk.account["anomalies"][0])
        if anomalies > self._anomalies:
            self.note("anomaly", f"{IMPOSSIBLE}: the session is halted")
        self._anomalies = anomalies

    def _pause(self) -> None:
        time.sleep(SETTLE)
