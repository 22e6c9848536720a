"""Market data over websockets, as each client subscribed to it: stocks, crypto and news.

stream.routes()            # the addresses
await stream.publish()     # tell what the market's clock has made known: its rows, and what happened beside them
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgpack
import numpy as np
from aiohttp import WSMsgType, web
from numpy.typing import NDArray

from live.sim.connection import Connection
from live.sim.corporate import Actions
from live.sim.distortions import POLICY_VIOLATION, error
from live.sim.entry import PLUS, Credentials, Tier
from live.sim.faults import Faults
from live.sim.history import bars
from live.sim.market import RANKS, Market, News
from live.sim.script import Happening, Script
from live.sim.subscription import COINS, STOCKS, Invalid, Subscription, unsubscribed
from live.sim.timeframes import DAY
from live.sim.wire import asset_class

PATHS = {
    "stocks": "/v2/{feed:iex|sip|delayed_sip|test}", "crypto": "/v1beta3/crypto/{region:us|us-1|eu-1}",
    "news": "/v1beta1/news",
}  # fmt: skip
OFFERED = {"stocks": STOCKS, "crypto": COINS, "news": ("news",)}
CLASSES = {"stocks": "us_equity", "crypto": "crypto", "news": ""}
TOLD_AS = {"bar": "bars", "trade": "trades", "quote": "quotes", "book": "orderbooks"}
LARGEST = 1 << 24  # bytes of a client's message
LAST_WORDS = 1.0  # seconds


class Listener:
    """A client, what it listens to, and where."""

    def __init__(self, connection: Connection, path: str, market: Market) -> None:
        self.connection, self.path, self.stream = connection, path, connection.stream
        self.here = np.array([asset_class(symbol) == CLASSES[self.stream] for symbol in market.symbols], np.bool_)
        self.listen(unsubscribed(OFFERED[self.stream]), market)

    def listen(self, subscription: Subscription, market: Market) -> None:
        """From now on it is told of this."""
        self.subscription = subscription
        self.masks = subscription.masks(market.symbols, self.here)


class DataStream:
    """The websockets of market data.

    Args:
        market, script: what there is to tell.
        keys, tier: who may listen, and to how much.
        faults: what goes wrong.
        most: messages of one frame.
        backlog: bytes that may wait for a client before it is called slow.
        patience: seconds for a client to say who it is.
        deflate: whether frames are compressed for a client that offers to.
    """

    def __init__(
        self, market: Market, script: Script, keys: Credentials, faults: Faults, tier: Tier = PLUS, *, most: int = 1000,
        backlog: int = 1 << 25, patience: float = 10.0, deflate: bool = True,
    ) -> None:  # fmt: skip
        self.market, self.script, self.keys, self.faults, self.tier = market, script, keys, faults, tier
        self.most, self.backlog, self.patience, self.deflate = most, backlog, patience, deflate
        self.listeners: list[Listener] = []

    def routes(self) -> list[web.RouteDef]:
        """Addresses of stocks (/v2/iex, /v2/sip …), crypto and news."""
        return [web.get(path, self._entrance(stream)) for stream, path in PATHS.items()]

    async def publish(self) -> int:
        """Tell all clients what is new; how many messages there were, told or not."""
        before = self.script.due(self.market.now - 1)
        news = self.market.news()
        after = self.script.due(self.market.now)
        for stream in OFFERED:
            for part in self.faults.due(stream):
                for listener in self._of(stream):
                    listener.connection.pass_on([part])
        self._happened(before)
        self._tell(news)
        self._happened(after)
        await asyncio.sleep(0)  # writers begin
        return len(before) + len(news.place) + len(after)

    async def close(self) -> None:
        """Tell all clients to go."""
        for listener in list(self.listeners):
            await listener.connection.socket.close(code=1001)

    def _entrance(self, stream: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def entered(request: web.Request) -> web.StreamResponse:
            socket = web.WebSocketResponse(compress=self.deflate, max_msg_size=LARGEST, timeout=1.0)
            await socket.prepare(request)
            connection = Connection(stream, request, socket, self.faults, self.most, self.backlog)
            listener = Listener(connection, request.path, self.market)
            self.listeners.append(listener)
            writer = asyncio.create_task(connection.write())
            try:
                connection.say({"T": "success", "msg": "connected"})
                await self._attend(listener)
            finally:
                self.listeners.remove(listener)
                connection.leave()
                await asyncio.wait({writer}, timeout=LAST_WORDS)  # a frame that is being compressed gets to its end
                writer.cancel()
            return socket

        return entered

    async def _attend(self, listener: Listener) -> None:
        connection = listener.connection
        begun = asyncio.get_running_loop().time()
        while True:
            left = None if connection.authenticated else self.patience + begun - asyncio.get_running_loop().time()
            try:
                received = await asyncio.wait_for(connection.socket.receive(), left)
            except TimeoutError:
                connection.say(error(404))
                connection.end(POLICY_VIOLATION)
                await connection.socket.receive()  # until the client has heard it
                return
            if received.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                return
            self._heard(listener, received.data)

    def _heard(self, listener: Listener, data: bytes | str) -> None:
        try:
            asked = msgpack.unpackb(data) if isinstance(data, bytes) else json.loads(data)
        except ValueError:
            asked = None
        connection = listener.connection
        if not isinstance(asked, dict) or asked.get("action") not in ("auth", "subscribe", "unsubscribe"):
            connection.say(error(400))
        elif asked["action"] == "auth":
            self._authenticate(listener, asked)
        elif not connection.authenticated:
            connection.say(error(401))
        else:
            self._subscribe(listener, asked)

    def _authenticate(self, listener: Listener, asked: dict[str, Any]) -> None:
        connection = listener.connection
        others = [one for one in self.listeners if one.path == listener.path and one.connection.authenticated]
        if connection.authenticated:
            connection.say(error(403))
        elif not self.keys.fit(str(asked.get("key", "")), str(asked.get("secret", ""))):
            connection.say(error(402))
        elif listener.path.endswith("/sip") and not self.tier.recent_sip:
            connection.say(error(409))
        elif len(others) >= self.tier.connections:
            connection.say(error(406))
        else:
            connection.authenticated = True
            connection.say({"T": "success", "msg": "authenticated"})

    def _subscribe(self, listener: Listener, asked: dict[str, Any]) -> None:
        try:
            wanted = listener.subscription.after(asked, self.tier.symbols)
        except Invalid as invalid:
            listener.connection.say(error(invalid.code))
            return
        news = set(wanted.wanted.get("orderbooks", ())) - set(listener.subscription.wanted.get("orderbooks", ()))
        parts = listener.connection.say(wanted.acknowledged())
        acked = next((part for part in parts if isinstance(part, dict) and part.get("T") == "subscription"), None)
        if acked is not None:  # a fault may have made it less: what is told is what is served
            wanted = Subscription({channel: tuple(acked[channel]) for channel in wanted.wanted})
        listener.listen(wanted, self.market)
        if news:
            listener.connection.tell(self._books(listener))

    def _books(self, listener: Listener) -> list[bytes]:
        track = self.market.tracks.get("book")
        if track is None:
            return []
        last = [track.places(code) for code in np.flatnonzero(listener.masks["orderbooks"]).tolist()]
        known = [places[track.ts[places] <= self.market.known] for places in last]
        return [track.book(int(places[-1])) for places in known if len(places)]

    def _of(self, stream: str) -> list[Listener]:
        return [one for one in self.listeners if one.stream == stream and one.connection.authenticated]

    def _happened(self, happenings: Sequence[Happening]) -> None:
        for one in happenings:
            for listener in self._of(one.stream):
                if listener.subscription.wants(one.message):
                    listener.connection.tell([msgpack.packb(one.message)])

    def _tell(self, news: News) -> None:
        listeners = [one for one in self.listeners if one.connection.authenticated]
        if not len(news.place) or not listeners:
            return
        codes, messages = np.empty(len(news.place), np.int64), np.empty(len(news.place), object)
        clocks = [(clock, np.flatnonzero(news.rank == RANKS[clock])) for clock in self.market.tracks]
        for clock, at in clocks:
            track = self.market.tracks[clock]
            codes[at] = track.columns["symbol"][news.place[at]]
            messages[at] = track.upcoming(news.place[at])
        for listener in listeners:
            chosen = np.zeros(len(codes), np.bool_)
            for clock, at in clocks:
                if TOLD_AS[clock] in listener.masks:
                    chosen[at] = listener.masks[TOLD_AS[clock]][codes[at]]
            listener.connection.tell(messages[chosen].tolist())
            if listener.subscription.wanted.get("dailyBars"):
                self._days(listener, codes[news.rank == RANKS["bar"]])

    def _days(self, listener: Listener, codes: NDArray[np.int64]) -> None:
        for code in np.unique(codes[listener.masks["dailyBars"][codes]]).tolist():
            days = bars(self.market, self.market.symbols[code], DAY, Actions())
            for message in days.said(np.array([len(days.t) - 1])):
                listener.connection.tell([msgpack.packb(msgpack.unpackb(message) | {"T": "d"})])
