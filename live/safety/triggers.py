"""What throws the kill switch by itself, while the runner lives: decided from health alone, so that it can be tested.

What must act though the runner hangs or is gone is the seat's (`live.watch`).
"""

from __future__ import annotations

from typing import NamedTuple

from live.pulse import BrokerHealth, FeedHealth
from quantlib.desk.memory import ACTIVE


class Terms(NamedTuple):
    """When an active session stops by itself; seconds.  One that reduces or leaves what it holds goes on with that.

    feed_gone      no message in session for so long: halt
    broker_gone    no answer for so long while calls fail, or the circuit breaker open: halt
    """

    feed_gone: float = 120.0
    broker_gone: float = 120.0


class Thrown(NamedTuple):
    """An operator's word that nobody had to say."""

    word: str
    why: str


def due(terms: Terms, mode: int, feed: FeedHealth, broker: BrokerHealth, session_open: bool) -> Thrown | None:
    """What to do now, if anything.

    Args:
        terms: thresholds.
        mode: the kill switch as it stands.
        feed, broker: how they are.
        session_open: whether the market is open; a silent feed is no trouble when it is not.
    """
    if mode != ACTIVE:
        return None
    if session_open and feed.age > terms.feed_gone:
        return Thrown("halt", f"no market data for {feed.age:.0f} s")
    if broker.breaker == "open":
        return Thrown("halt", f"the broker failed {broker.failures} times: the circuit breaker is open")
    if not broker.connected and broker.age > terms.broker_gone:
        return Thrown("halt", f"the broker has not answered for {broker.age:.0f} s")
    return None
