"""Desk and broker compared while a session trades: one look at a time, so that rows and operator never wait for long.

They are compared each day, after the broker was away, and before a resume is obeyed.  What is on its way settles within
a few looks; what does not is thrown as halt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from live.brokers.protocol import WireBroker
from live.errors import BrokerError
from live.reconcile import CASH_SLACK, TRADED_SLACK, differences, differing, lately, untold, working
from live.runner import NO_REPORTS, Runner
from live.words import Note

TRIES = 10  # looks at the broker before a difference counts
SETTLE = 0.1  # seconds between two looks at a broker that does not agree yet
AGAIN = 1.0  # seconds until a broker that gave no answer is asked again

Clock = Callable[[], int]  # ns UTC
Beat = Callable[[NDArray[Any]], object]  # lets the desk hear these reports and all that the broker has to say
Throw = Callable[[str, str], bool]  # a word and why; whether that was news
Say = Callable[[str, str], None]  # kind and text of a note


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
        self._looks, self._next = 0, 0.0

    @property
    def under_way(self) -> bool:
        """Whether there was a look, and another one is needed."""
        return self._looks > 0

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
            found = glance(self.runner, self.broker, self.clock, self._beat)
            self._looks += 1
            if found and self._looks < TRIES:
                self._next = time.monotonic() + SETTLE
                self._beat(self.broker.catch_up(working(self.runner.state.desk)))
                return
        except BrokerError as error:
            self._put_off(str(error))
        else:
            self._conclude(found)

    def settle_resume(self) -> None:
        """Compare until a resume that waits may be obeyed: rows are at hand that it was given before."""
        while self.runner.hand.held(self.clock()):
            self.look()
            time.sleep(min(SETTLE, max(0.0, self._next - time.monotonic())))

    def _is_due(self) -> bool:
        late = self.clock() - self._compared >= self.every
        return self._doubt or late or self.runner.hand.held(self.clock()) is not None

    def _conclude(self, found: list[str]) -> None:
        self._compared, self._looks, self._next = self.clock(), 0, 0.0
        self._doubt = self._unanswered = False
        why = differing(found)
        if not self._answer_resume(why if found else "") and found and not self._throw("halt", why):
            self._note("mismatch", why)

    def _put_off(self, why: str) -> None:
        """No answer: a broker that is gone throws the kill switch by itself, but nobody resumes meanwhile."""
        text = f"desk and broker could not be compared: {why}"
        if not self._answer_resume(text) and not self._unanswered:
            self._note("unchecked", text)
        self._doubt = self._unanswered = True
        self._looks, self._next = 0, time.monotonic() + AGAIN

    def _answer_resume(self, against: str) -> bool:
        """Let a resume go that waits, followed by a halt if something speaks against it; whether there was one."""
        resume = self.runner.hand.held(self.clock())
        if resume is not None:
            if against:
                self._throw("halt", f"resume: {against}")
            self.runner.hand.release(resume)
        return resume is not None


def glance(runner: Runner, broker: WireBroker, clock: Clock, beat: Beat) -> list[str]:
    """Look at the broker once; what differs.  What cash differs by within bounds is booked and told.

    Raises:
        BrokerError: if no answer comes.
    """
    standing = broker.standing()
    beat(NO_REPORTS)
    desk = runner.state.desk
    found = differences(desk, runner.state.symbols, standing, CASH_SLACK + TRADED_SLACK * lately(desk))
    if not found:
        fees = untold(desk, standing, clock())
        for fee in fees["fee"].tolist():
            runner.note(Note(clock(), "fees", f"{fee:,.2f} left the account that no report told: booked as carry"))
        if len(fees):
            beat(fees)
        runner.brake.release()
    return found
