"""Before a session begins: whether Alpaca knows the symbols, and whether its calendar is ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from requests.exceptions import RequestException

from live.errors import FeedError
from live.feeds.calendar import Calendar, differences, of_broker
from live.feeds.history import when
from live.feeds.patient import patient
from live.feeds.protocol import Incident
from live.keys import Keys
from quantlib.core import nearest

AHEAD = timedelta(days=14)
DENIED = (401, 403)


class Checks:
    """Asks the trading service."""

    def __init__(self, keys: Keys, timeout: float = 10.0) -> None:
        self._client = TradingClient(keys.key, keys.secret, raw_data=True, url_override=keys.trading)
        patient(self._client._session, timeout)
        self._client._retry = 0

    def known(self, symbols: Sequence[str]) -> list[Incident]:
        """Nothing if all symbols are traded there, an incident if nobody can tell.

        Raises:
            FeedError: if one is unknown or is not traded, or the keys are refused.
        """
        for kind in ("crypto", "us_equity"):
            asked = [symbol for symbol in symbols if ("/" in symbol) == (kind == "crypto")]
            if not asked:
                continue
            try:
                assets: Any = self._client.get("/assets", {"status": "active", "asset_class": kind})
            except (APIError, RequestException, ValueError) as error:
                return [_unanswered("which symbols are traded", error)]
            there = {asset["symbol"] for asset in assets if asset.get("tradable")}
            for symbol in asked:
                if symbol not in there:
                    raise FeedError(f"feed: Alpaca trades no {symbol!r}.{nearest(symbol, there)} Ask for others")
        return []

    def calendar(self, ours: Calendar, ts: int) -> list[Incident]:
        """An incident for each day of the next two weeks on which the broker's calendar differs."""
        first = when(ts).date()
        try:
            days: Any = self._client.get("/calendar", {"start": str(first), "end": str(first + AHEAD)})
            return [Incident("calendar", f"feed: {text}") for text in differences(ours, of_broker(days))]
        except (APIError, RequestException, ValueError, KeyError, TypeError) as error:
            return [_unanswered("when there is trade", error)]


def _unanswered(what: str, error: Exception) -> Incident:
    """No answer, which is worth telling; keys that are refused end it.

    Raises:
        FeedError: if the keys are refused.
    """
    if isinstance(error, APIError) and error.status_code in DENIED:
        raise FeedError(
            "feed: Alpaca refuses the keys; set APCA_API_KEY_ID and APCA_API_SECRET_KEY to those of this account"
        ) from error
    text = " ".join(str(error).split())[:200]
    return Incident("unchecked", f"feed: Alpaca did not say {what} ({type(error).__name__} {text})")
