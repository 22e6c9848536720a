"""Market data over REST: bars, trades and quotes in pages, the last of each, snapshots, books, corporate actions.

Nothing is said that is not known at the replay's clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from live.errors import Denied
from live.feeds.calendar import NEW_YORK
from live.sim.corporate import ADJUSTMENTS, Actions
from live.sim.entry import PLUS, Credentials, Tier
from live.sim.history import Rows, bars, latest, page, rows, snapshot
from live.sim.hours import eastern
from live.sim.market import Market
from live.sim.timeframes import timeframe_of
from live.sim.wire import SECOND, instant_of

FEEDS = ("iex", "sip", "delayed_sip", "otc", "boats", "overnight")
DELAY = 15 * 60 * SECOND  # how old data of all exchanges must be without a subscription
USUAL, MOST = 1000, 10_000  # rows of a page
STOCKS, COINS = "/v2/stocks", "/v1beta3/crypto/{region}"
CLOCKS = {"bars": "bar", "trades": "trade", "quotes": "quote", "orderbooks": "book"}
Handler = Callable[[web.Request], Awaitable[web.Response]]


class DataRest:
    """The routes of market data.

    Args:
        market: what is replayed.
        keys: that calls must bring, but for those about crypto.
        tier: what they allow.
        actions: corporate actions.
        most: rows of a page at most, however many are asked for: small ones try a client's patience.
    """

    def __init__(
        self, market: Market, keys: Credentials, tier: Tier = PLUS, actions: Actions | None = None, most: int = MOST
    ) -> None:
        self.market, self.keys, self.tier, self.most = market, keys, tier, most
        self.actions = actions or Actions()

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        found = [web.get("/v1/corporate-actions", self._corporate), web.get(f"{STOCKS}/snapshots", self._snapshots)]
        found.append(web.get(f"{COINS}/snapshots", self._coin_snapshots))
        found.append(web.get(f"{COINS}/latest/orderbooks", self._latest("orderbooks", open_to_all=True)))
        for name in ("bars", "trades", "quotes"):
            found += [
                web.get(f"{STOCKS}/{name}", self._pages(name)),
                web.get(f"{STOCKS}/{name}/latest", self._latest(name)),
                web.get(f"{COINS}/{name}", self._pages(name, open_to_all=True)),
                web.get(f"{COINS}/latest/{name}", self._latest(name, open_to_all=True)),
            ]
        return found

    def _pages(self, name: str, open_to_all: bool = False) -> Handler:
        async def told(request: web.Request) -> web.Response:
            query = self._entered(request, open_to_all)
            symbols, of = _symbols(query), self._source(name, query)
            start, end = self._span(query)
            if query.get("feed") == "sip":
                self._recent(end)
            limit = min(_number(query, "limit", USUAL), MOST, self.most)
            descending = query.get("sort") == "desc"
            found = page(symbols, of, start, end, limit, query.get("page_token") or None, descending)
            return web.json_response({name: found.rows, "next_page_token": found.token})

        return told

    def _source(self, name: str, query: dict[str, str]) -> Callable[[str], Rows]:
        if name != "bars":
            return lambda symbol: rows(self.market, CLOCKS[name], symbol)
        timeframe, adjustment = timeframe_of(query.get("timeframe", "")), query.get("adjustment", "raw")
        if adjustment not in ADJUSTMENTS:
            raise Denied(400, 40010000, f"invalid adjustment: {adjustment}")
        return lambda symbol: bars(self.market, symbol, timeframe, self.actions, adjustment)

    def _latest(self, name: str, open_to_all: bool = False) -> Handler:
        async def told(request: web.Request) -> web.Response:
            query = self._entered(request, open_to_all)
            if query.get("feed") == "sip":
                self._recent(self.market.now)
            found = {symbol: latest(self.market, CLOCKS[name], symbol) for symbol in _symbols(query)}
            return web.json_response({name: {symbol: row for symbol, row in found.items() if row is not None}})

        return told

    async def _snapshots(self, request: web.Request) -> web.Response:
        query = self._entered(request)
        if query.get("feed") == "sip":
            self._recent(self.market.now)
        return web.json_response(self._snapped(query))

    async def _coin_snapshots(self, request: web.Request) -> web.Response:
        return web.json_response({"snapshots": self._snapped(self._entered(request, open_to_all=True))})

    async def _corporate(self, request: web.Request) -> web.Response:
        return web.json_response(self.actions.page(self._entered(request)))

    def _snapped(self, query: dict[str, str]) -> dict[str, Any]:
        known = [symbol for symbol in _symbols(query) if symbol in self.market.symbols]
        return {symbol: snapshot(self.market, symbol) for symbol in known}

    def _entered(self, request: web.Request, open_to_all: bool = False) -> dict[str, str]:
        if not open_to_all:
            self.keys.check(request)
        query = dict(request.query)
        if query.get("feed", "iex") not in FEEDS:
            raise Denied(400, 40010000, f"invalid feed: {query['feed']}")
        return query

    def _span(self, query: dict[str, str]) -> tuple[int, int]:
        today = eastern(self.market.now).replace(hour=0, minute=0, second=0, microsecond=0)
        start, end = query.get("start"), query.get("end")
        begin = int(datetime(today.year, today.month, today.day, tzinfo=NEW_YORK).timestamp()) * SECOND
        return (
            instant_of(start, "start") if start else begin,
            instant_of(end, "end") if end else self.market.now,
        )

    def _recent(self, end: int) -> None:
        if not self.tier.recent_sip and end > self.market.now - DELAY:
            raise Denied(403, 40310000, "subscription does not permit querying recent SIP data")


def _symbols(query: dict[str, str]) -> list[str]:
    symbols = [symbol for symbol in query.get("symbols", "").split(",") if symbol]
    if not symbols:
        raise Denied(400, 40010000, "symbols is required")
    return symbols


def _number(query: dict[str, str], name: str, usual: int) -> int:
    text = query.get(name) or str(usual)
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise Denied(400, 40010000, f"{name} must be from 1 to {MOST}, got {text}")
    return int(text)
