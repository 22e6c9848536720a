"""The brake of a flatten that the broker refuses: it is asked less and less often, and then no more.

Told to flatten, each beat leaves what no exit is closing yet, so an exit that is refused at once would go out again
with every beat, for as long as the session runs.  Each refusal in a row of a symbol doubles the wait until its next
exit; after a few of them nothing more is asked of it until the operator acts again, or desk and broker are found to
agree.  Where nobody knows of a refusal, since the order never arrived, the wait grows and asking never ends.
"""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.desk.memory import HALTED, NEVER_ARRIVED, Desk
from quantlib.desk.messages import CANCELLED, CANCELLING, EXIT, EXPIRED, FILL, REJECTED, SENT

REFUSED = "flatten refused"  # the kind of a note
SECOND = 1_000_000_000
NOBODY = np.empty(0, np.int32)


class Terms(NamedTuple):
    """How a symbol whose exits are refused is asked again.

    first, longest   ns: the wait after one refusal, doubled for each further one up to `longest`
    refusals         in a row, after which it is not asked any more
    """

    first: int = SECOND
    longest: int = 60 * SECOND
    refusals: int = 5


class Tried(NamedTuple):
    """What became of the exits of one symbol, in a row."""

    failed: int = 0  # that ended without a fill
    refused: int = 0  # of them, those that the broker refused
    until: float = 0  # ns UTC: when it may be asked again


class Brake:
    """Which symbols a flatten may ask for, and how many orders of it were refused since the operator acted."""

    def __init__(self, terms: Terms = Terms()) -> None:  # noqa: B008 (a value)
        self.terms = terms
        self.shut = False  # nothing is asked for until desk and broker were found to agree
        self.refused = 0
        self._tried = dict[int, Tried]()

    def hear(self, desk: Desk, reports: NDArray[Any], ts: int) -> list[int]:
        """Learn from reports that the desk has not heard yet; symbols of which nothing more is asked from now on."""
        stopped = list[int]()
        if not desk.account["flatten"][0]:
            return stopped
        for report in reports:
            s = int(report["symbol"])
            if report["kind"] == FILL:
                self._tried.pop(s, None)
            elif report["leg"] == EXIT and _is_refusal(desk, report):
                by_broker = int(report["reason"]) != NEVER_ARRIVED
                before = self._tried.get(s, Tried())
                failed, refused = before.failed + 1, before.refused + by_broker
                over = refused >= self.terms.refusals
                self._tried[s] = Tried(failed, refused, inf if over else ts + self._wait(failed))
                self.refused += by_broker
                if over and before.refused < self.terms.refusals:
                    stopped.append(s)
        return stopped

    def held(self, desk: Desk, ts: int) -> NDArray[np.int32]:
        """Symbols that are not to be asked for now."""
        if not (self._tried or self.shut) or not desk.account["flatten"][0]:
            return NOBODY
        if self.shut:
            return np.arange(len(desk.holdings), dtype=np.int32)
        return np.array(sorted(s for s, tried in self._tried.items() if tried.until > ts), np.int32)

    def due(self, desk: Desk, ts: int) -> bool:
        """Whether there is a position to leave that no exit is closing, though nothing was heard."""
        if not desk.account["flatten"][0] or desk.account["mode"][0] == HALTED:
            return False
        left = np.flatnonzero((desk.holdings["lots"] != 0) & (desk.holdings["exits"] == 0))
        return bool(np.setdiff1d(left, self.held(desk, ts)).size)

    def release(self) -> None:
        """Desk and broker agree: everything may be asked again."""
        self.shut = False
        self._tried.clear()

    def reset(self) -> None:
        """The operator has acted: another flatten, or none."""
        self._tried.clear()
        self.refused = 0

    def _wait(self, failed: int) -> int:
        doublings = min(max(0, failed - 1), self.terms.longest.bit_length())
        return min(self.terms.longest, self.terms.first << doublings)


def told(desk: Desk, s: int, terms: Terms) -> str:
    """What the operator is to know of a symbol of which nothing more is asked."""
    lots = abs(int(desk.holdings["lots"][s]))
    return (
        f"the broker refused {terms.refusals} orders in a row to leave {lots:,} lots, and is not asked again until you "
        f"act once more, or desk and broker are found to agree: look at the position there"
    )


def _is_refusal(desk: Desk, report: Any) -> bool:
    """Whether a report ends an order that nobody asked to end; a rejection may only refuse to change one."""
    orders = desk.orders[desk.orders["id"] == report["id"]]
    if not len(orders):
        return False
    if report["kind"] == REJECTED:
        return bool(orders["status"][0] == SENT)
    return report["kind"] in (CANCELLED, EXPIRED) and bool(orders["change"][0] != CANCELLING)
