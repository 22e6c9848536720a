"""Bars of the past from Massive (formerly Polygon.io), by their client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from massive import RESTClient
from massive.exceptions import AuthError, BadResponse
from urllib3.exceptions import HTTPError

from live.errors import HistoryError
from live.feeds.history import DAY, HOUR, MINUTE, frame_of, whole

UNITS = {"minute": MINUTE, "hour": HOUR, "day": DAY}
ADDRESS = "https://api.massive.com"
PAGE = 50_000  # bars
MILLISECOND = 10**6  # ns


class MassiveHistory:
    """Massive's aggregates, not adjusted: consolidated trades for stocks, all their venues for crypto."""

    name = "massive"

    def __init__(self, key: str, address: str = ADDRESS, timeout: float = 10.0) -> None:
        self._client = RESTClient(key, base=address, connect_timeout=timeout, read_timeout=timeout, retries=1)

    def bars(self, symbols: Sequence[str], begin: int, end: int, timeframe: int) -> pl.DataFrame:
        """As `History` says; one symbol after the other."""
        count, unit = whole("massive", timeframe, UNITS, "ask for minutes, hours or days")
        found: list[tuple[Any, ...]] = []
        for symbol in symbols:
            try:
                bars = self._client.list_aggs(
                    _ticker(symbol), count, unit, (begin - timeframe) // MILLISECOND, (end - timeframe) // MILLISECOND,
                    adjusted=False, sort="asc", limit=PAGE,
                )  # fmt: skip
                found += [
                    (bar.timestamp * MILLISECOND, symbol, bar.open, bar.high, bar.low, bar.close, bar.volume)
                    for bar in bars
                ]
            except (HTTPError, BadResponse, AuthError, ValueError, TypeError, AttributeError) as error:
                said = " ".join(str(error).split())[:200]
                raise HistoryError(f"massive: gave no bars of {symbol}: {type(error).__name__} {said}") from error
        return frame_of(found, timeframe)


def _ticker(symbol: str) -> str:
    return f"X:{symbol.replace('/', '')}" if "/" in symbol else symbol
