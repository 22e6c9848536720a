"""Desk and broker compared while a session trades: one look at a time, so that rows and operator never wait for long.

They are compared each day, after the broker was away, and before a resume is obeyed.  What is on its way settles within
a few looks; what does not is thrown as halt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray

from live.brokers.protocol import WireBroker
from live.errors import BrokerError
from live.reconcile import CASH_SLACK, TRADED_SLACK, differences, differing, fee_of, lately, untold, working
from live.runner import NO_REPORTS, Runner
from live.words import Note

TRIES = 10  # looks at the broker before a difference counts
MOST = 100  # looks, with those during which the broker told of orders
SETTLE = 0.1  # seconds between two looks at a broker that does not agree yet
AGAIN = 1.0  # seconds until a broker that gave no answer is asked again

Clock = Callable[[], int]  # ns UTC
Beat = Callable[[NDArray[Any]], object]  # lets the desk hear these reports and all that the broker has to say
Throw = Callable[[str, str], bool]  # a word and why; whether that was news
Say = Callable[[str, str], None]  # kind and text of a note


class Seen(NamedTuple):
    """What a look at the broker showed.

    found    what differs
    missing  cash that no report explains, though it is within bounds
    moved    whether the broker told of orders meanwhile: what was asked in turns need not fit together
    """

    found: list[str]
    missing: float
    moved: bool


class Looks:
    """Looks at the broker, until nothing differs or it will not go."""

    def __init__(self) -> None:
        self.count = self._quiet = 0
        self.missing = 0.0  # cash to be booked, once it is settled
        self._before: float | None = None

    def settles(self, seen: Seen) -> bool:
        """Whether this look settles it: nothing differs, and if cash is missing, it is what was missing before."""
        self.count += 1
        self._quiet += not seen.moved
        same, self._before = seen.missing in (0.0, self._before), seen.missing
        self.missing = seen.missing if same else 0.0
        return (not seen.found and same) or self._quiet >= TRIES or self.count >= MOST


class Comparing:
    """When desk and broker are compared, and what comes of it.

    Args:
        runner, broker: the two sides.
        clock: what time it is.
        beat, throw, note: of the session's loop.
        every: ns from one comparison to the next.
    """

    def __init__(
        self, runner: Runner, broker: WireBroker, clock: Clock, beat: Beat, throw: Throw, note: Say, every: int
    ) -> None:
        self.runner, self.broker, self.clock, self.every = runner, broker, clock, every
        self._beat, self._throw, self._note = beat, throw, note
        self._compared = 0  # when they agreed, or were found to differ
        self._doubt = self._unanswered = False
        self._looks, self._next = Looks(), 0.0

    @property
    def under_way(self) -> bool:
        """Whether there was a look, and another one is needed."""
        return self._looks.count > 0

    def joined(self) -> None:
        """Desk and broker were found to agree just now."""
        self._compared = self.clock()

    def doubt(self) -> None:
        """The broker was away: what is known of it may be old."""
        self._doubt = True

    def look(self) -> None:
        """Look at the broker once, if it is time."""
        if not self._is_due() or time.monotonic() < self._next:
            return
        try:
            seen = glance(self.runner, self.broker, self.clock, self._beat)
            if not self._looks.settles(seen):
                self._next = time.monotonic() + SETTLE
                self._beat(self.broker.catch_up(working(self.runner.state.desk)))
                return
        except BrokerError as error:
            self._put_off(str(error))
            return
        if seen.found and seen.moved:
            self._put_off("the broker told of orders all the while")
        else:
            self._conclude(seen.found)

    def _is_due(self) -> bool:
        late = self.clock() - self._compared >= self.every
        return self._doubt or late or self.runner.hand.held(self.clock()) is not None

    def _conclude(self, found: list[str]) -> None:
        book(self.runner, self._looks.missing, self.clock, self._beat)
        self._compared, self._looks, self._next = self.clock(), Looks(), 0.0
        self._doubt = self._unanswered = False
        against = differing(found) if found else ""
        if not self._answer_resume(against) and against and not self._throw("halt", against):
            self._note("mismatch", against)

    def _put_off(self, why: str) -> None:
        """No answer: a broker that is gone throws the kill switch by itself, but nobody resumes meanwhile."""
        text = f"desk and broker could not be compared: {why}"
        if not self._answer_resume(text) and not self._unanswered:
            self._note("unchecked", text)
        self._doubt = self._unanswered = True
        self._looks, self._next = Looks(), time.monotonic() + AGAIN

    def _answer_resume(self, against: str) -> bool:
        """Let a resume go that waits, followed by a halt if something speaks against it; whether there was one."""
        resume = self.runner.hand.held(self.clock())
        if resume is not None:
            if against:
                self._throw("halt", f"resume: {against}")
            self.runner.hand.release(resume)
        return resume is not None


def glance(runner: Runner, broker: WireBroker, clock: Clock, beat: Beat) -> Seen:
    """Look at the broker once, and let the desk hear what it has to say.

    Raises:
        BrokerError: if no answer comes.
    """
    heard = broker.heard
    standing = broker.standing()
    beat(NO_REPORTS)
    desk = runner.state.desk
    found = differences(desk, runner.state.symbols, standing, CASH_SLACK + TRADED_SLACK * lately(desk))
    if not found:
        runner.brake.release()
    return Seen(found, 0.0 if found else untold(desk, standing), broker.heard != heard)


def book(runner: Runner, missing: float, clock: Clock, beat: Beat) -> None:
    """Have the desk pay what left the account and no report told, and tell of it."""
    if missing:
        runner.note(Note(clock(), "fees", f"{missing:,.2f} left the account that no report told: booked as carry"))
        beat(fee_of(runner.state.desk, missing, clock()))
