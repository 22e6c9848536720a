"""What can be asked of a feed of Alpaca's."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from live.errors import FeedError
from live.feeds.alpaca_stream import Waits
from live.feeds.history import BARS, MINUTE, SECOND
from live.feeds.hours import ALL, REGULAR
from live.keys import Keys


class FeedSettings(NamedTuple):
    """What is asked of the feed.  Times in seconds but for `timeframe`.

    layout      dtype of the row records
    timeframe   length of a bar, ns; Alpaca itself streams minutes only
    horizon     rows of each symbol to warm up on before the first moment
    quotes, trades, bands   whether these are listened to between moments; bands are those of limit-up limit-down
    hours       "session": stocks' bars of regular hours; "all": extended hours too
    patience    from a moment's first row until it closes without the missing ones
    oldest      age at which a moment has gone by instead of being decided on
    hold        how long moments wait for a gap to be filled
    again       until a gap that no source has filled is asked for again
    waits       of the connections
    """

    layout: np.dtype[Any] = BARS
    timeframe: int = MINUTE
    horizon: int = 0
    quotes: bool = True
    trades: bool = False
    bands: bool = True
    hours: str = REGULAR
    patience: float = 2.0
    oldest: float = inf
    hold: float = 10.0
    again: float = 30.0
    waits: Waits = Waits()

    def check(self, keys: Keys, symbols: Sequence[str]) -> None:
        """Refuse what makes no sense for these symbols of this account.

        Raises:
            FeedError: naming the setting, its value and the cure.
        """
        if not symbols or len(set(symbols)) != len(symbols):
            raise FeedError(f"feed: needs symbols, each once, got {list(symbols)[:10]}")
        if self.hours not in (REGULAR, ALL):
            raise FeedError(f"feed: hours must be {REGULAR!r} or {ALL!r}, got {self.hours!r}")
        host = urlsplit(keys.stream).hostname or ""
        if self.timeframe != MINUTE and host.endswith("alpaca.markets"):
            raise FeedError(
                f"feed: Alpaca streams bars of 60 seconds, asked for {self.timeframe / SECOND:g}; let features count "
                f"several minutes as one"
            )
        for name in ("patience", "oldest", "hold", "again"):
            if not getattr(self, name) >= 0:
                raise FeedError(f"feed: {name} must be at least 0 seconds, got {getattr(self, name)}")
