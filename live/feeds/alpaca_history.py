"""Bars of the past from Alpaca, by their client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from requests.exceptions import RequestException

from live.errors import HistoryError
from live.feeds.history import DAY, HOUR, MINUTE, frame_of, when, whole
from live.feeds.patient import patient
from live.keys import Keys

UNITS = {TimeFrameUnit.Minute.name: MINUTE, TimeFrameUnit.Hour.name: HOUR, TimeFrameUnit.Day.name: DAY}
RECENT = 16 * MINUTE  # what plans without real-time consolidated data may not ask for
FORBIDDEN = 403
KEYS = ("o", "h", "l", "c", "v")


class AlpacaHistory:
    """Alpaca's REST bars, not adjusted; stocks of the account's feed, crypto of their own venue."""

    name = "alpaca"

    def __init__(self, keys: Keys, timeout: float = 10.0) -> None:
        self._stocks = StockHistoricalDataClient(keys.key, keys.secret, raw_data=True, url_override=keys.data)
        self._crypto = CryptoHistoricalDataClient(keys.key, keys.secret, raw_data=True, url_override=keys.data)
        self._feed = DataFeed(keys.data_feed)
        for client in (self._stocks, self._crypto):
            patient(client._session, timeout)
            client._retry, client._retry_wait = 1, 1  # the gap is asked for again anyway

    def bars(self, symbols: Sequence[str], begin: int, end: int, timeframe: int) -> pl.DataFrame:
        """As `History` says; where the plan has no recent consolidated bars, those of IEX take their place."""
        count, unit = whole("alpaca", timeframe, UNITS, "ask for minutes, hours or days")
        asked: dict[str, Any] = {"timeframe": TimeFrame(count, TimeFrameUnit[unit])}
        first, last = begin - timeframe, end - timeframe  # by a bar's first moment
        crypto = [symbol for symbol in symbols if "/" in symbol]
        stocks = [symbol for symbol in symbols if "/" not in symbol]
        found: list[tuple[Any, ...]] = []
        try:
            if stocks:
                found += self._of_stocks(stocks, first, last, asked)
            if crypto:
                request = CryptoBarsRequest(symbol_or_symbols=crypto, start=when(first), end=when(last), **asked)
                found += _tuples(self._crypto.get_crypto_bars(request))
        except (RequestException, APIError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise HistoryError(f"alpaca: gave no bars of {', '.join(symbols[:5])}: {_worded(error)}") from error
        return frame_of(found, timeframe)

    def _of_stocks(self, stocks: list[str], first: int, last: int, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
        try:
            return self._from(self._feed, stocks, first, last, asked)
        except APIError as error:
            if error.status_code != FORBIDDEN or self._feed != DataFeed.SIP:
                raise
        border = last - RECENT
        older = self._from(DataFeed.SIP, stocks, first, border, asked) if border > first else []
        return older + self._from(DataFeed.IEX, stocks, max(first, border + 1), last, asked)

    def _from(
        self, feed: DataFeed, stocks: list[str], first: int, last: int, asked: dict[str, Any]
    ) -> list[tuple[Any, ...]]:
        request = StockBarsRequest(
            symbol_or_symbols=stocks, start=when(first), end=when(last), feed=feed, adjustment=Adjustment.RAW, **asked
        )
        return _tuples(self._stocks.get_stock_bars(request))


def _tuples(answer: Any) -> list[tuple[Any, ...]]:
    return [
        (_instant(bar["t"]), symbol, *(float(bar[key]) for key in KEYS))
        for symbol, bars in (answer or {}).items()
        for bar in bars
    ]


def _instant(text: str) -> int:
    return int(np.datetime64(text.removesuffix("Z"), "ns").astype(np.int64))


def _worded(error: Exception) -> str:
    """What went wrong, in a line; a client's message may be a page."""
    return f"{type(error).__name__} {' '.join(str(error).split())[:200]}"
