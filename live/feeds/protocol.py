"""What a runner hears from a feed, and what it asks of one.

A feed gathers messages into moments.  The rows of one moment come as one `Moment`, complete, or as complete as its
patience allowed; a row that comes after its moment never changes what was decided: it is a `Correction`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from live.pulse import FeedHealth


class Moment(NamedTuple):
    """Rows to decide on: all of one `ts`, in the order of their symbols' codes."""

    ts: int  # ns UTC: when we knew
    rows: NDArray[Any]  # records of the session's layout (`live.words.layout_of`)
    arrived: int  # ns of the monotonic clock when the first of their frames was read


class Past(NamedTuple):
    """Rows of moments gone by: history to warm up on, or a gap that was filled.  Nothing is decided on them."""

    rows: NDArray[Any]  # in the order of their ts
    why: str  # "warm-up" or "gap"


class Correction(NamedTuple):
    """A row that was said anew, or came after its moment."""

    row: NDArray[Any]  # (1,)
    why: str  # "updated", "late" or "backfilled"


class Incident(NamedTuple):
    """Something that the operator is to know."""

    kind: str  # "connected", "lost", "stale", "refused", "subscription", "halt", "resume", "fatal" …
    text: str
    symbol: str = ""
    fatal: bool = False  # no use in trying again: bad keys, no entitlement


Heard = Moment | Past | Correction | Incident


class Market(NamedTuple):
    """What is known of each symbol between moments: (symbols,) arrays that the feed writes and the runner reads."""

    bid: NDArray[np.float64]
    ask: NDArray[np.float64]
    trade: NDArray[np.float64]  # last price
    at: NDArray[np.int64]  # ns UTC of the last message about the symbol
    halted: NDArray[np.bool_]
    lower: NDArray[np.float64]  # limit-up limit-down band, NaN if none is known
    upper: NDArray[np.float64]


def market(symbols: int) -> Market:
    """Nothing is known yet."""
    unknown = [np.full(symbols, np.nan) for _ in range(5)]
    return Market(
        unknown[0], unknown[1], unknown[2], np.zeros(symbols, np.int64), np.zeros(symbols, np.bool_), *unknown[3:]
    )


class Feed(Protocol):
    """What a runner asks of a feed."""

    clocks: frozenset[str]  # what it can supply: bar, trade, quote, book
    symbols: tuple[str, ...]
    market: Market

    def begin(self, after: int | None) -> None:
        """Connect; `after` is the last moment that was decided on, from which on gaps are filled.

        Raises:
            FeedError: if it will never work: bad keys, no entitlement, an unknown symbol.
        """

    def next(self, patience: float) -> Heard | None:
        """The next thing heard, None if nothing came within `patience` seconds."""

    def health(self) -> FeedHealth:
        """How it is."""

    def close(self) -> None:
        """The end of the connection."""
