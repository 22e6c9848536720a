"""Bars of the past from Tiingo, by their client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from requests.exceptions import RequestException
from tiingo import TiingoClient
from tiingo.restclient import RestClientError

from live.errors import HistoryError
from live.feeds.history import DAY, HOUR, MINUTE, frame_of, when, whole
from live.feeds.patient import patient

UNITS = {"min": MINUTE, "hour": HOUR, "daily": DAY}
ADDRESS = "https://api.tiingo.com"
DAYS = 20  # of minutes in one answer: they cut it at 10,000 rows
KEYS = ("open", "high", "low", "close", "volume")


class TiingoHistory:
    """Tiingo's prices, not adjusted: intraday ones are of IEX alone, and so are their volumes; daily ones are of all.

    Their crypto bars are of all venues that Tiingo hears.
    """

    name = "tiingo"

    def __init__(self, token: str, address: str = ADDRESS, timeout: float = 10.0) -> None:
        self._client = TiingoClient({"api_key": token, "session": True})
        self._client._base_url = address  # their client has no argument for it
        patient(self._client._session, timeout)

    def bars(self, symbols: Sequence[str], begin: int, end: int, timeframe: int) -> pl.DataFrame:
        """As `History` says; one symbol after the other, twenty days at a time."""
        count, unit = whole("tiingo", timeframe, UNITS, "ask for minutes, hours or one day")
        if unit == "daily" and count != 1:
            raise HistoryError(f"tiingo: has no bars of {count} days; ask for one day")
        frequency = unit if unit == "daily" else f"{count}{unit}"
        found: list[tuple[Any, ...]] = []
        for symbol in symbols:
            for first, last in _pieces(begin - timeframe, end - timeframe):
                try:
                    found += self._piece(symbol, first, last, frequency)
                except (RequestException, RestClientError, ValueError, TypeError, KeyError) as error:
                    said = " ".join(str(error).split())[:200]
                    raise HistoryError(f"tiingo: gave no bars of {symbol}: {type(error).__name__} {said}") from error
        return frame_of(found, timeframe)

    def _piece(self, symbol: str, first: str, last: str, frequency: str) -> list[tuple[Any, ...]]:
        if "/" in symbol:
            spelled = "1day" if frequency == "daily" else frequency
            answer = self._client.get_crypto_price_history(
                [symbol.replace("/", "").lower()], startDate=first, endDate=last, resampleFreq=spelled
            )
            prices = [price for one in answer for price in one["priceData"]]
        else:
            prices = self._client.get_ticker_price(
                symbol, first, last, columns=",".join(("date", *KEYS)), frequency=frequency
            )
        return [(_instant(price["date"]), symbol, *(float(price[key]) for key in KEYS)) for price in prices]


def _pieces(begin: int, end: int) -> Iterator[tuple[str, str]]:
    """Dates, the last included, of twenty days each."""
    day, last = when(begin).date(), when(end).date()
    while day <= last:
        yield str(day), str(min(last, day + timedelta(days=DAYS - 1)))
        day += timedelta(days=DAYS)


def _instant(text: str) -> int:
    stamp = text.removesuffix("Z").removesuffix("+00:00")
    return int(np.datetime64(stamp, "ns").astype(np.int64))
