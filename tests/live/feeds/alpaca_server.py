"""A server that says on the wire what a test wants said: sockets of market data as Alpaca's, bars over REST, assets.

It matches nothing and replays nothing; that is what `live.sim` is for.  Here every message is the test's own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
from aiohttp import WSMsgType, web
from feed_rows import MINUTE, OPEN
from served import Served, served

from live.keys import Keys
from quantlib.schema import moment

SYMBOLS = ("AAPL", "MSFT", "BTC/USD")
CONNECTED, ADMITTED = {"T": "success", "msg": "connected"}, {"T": "success", "msg": "authenticated"}


def bar(minute: int, symbol: str = "AAPL", close: float = 100.0, kind: str = "b") -> dict[str, Any]:
    """A bar that ends `minute` minutes after the opening, as `feed_rows.row`."""
    start = msgpack.Timestamp.from_unix_nano(OPEN + (minute - 1) * MINUTE)
    values = {"o": close, "h": close + 1, "l": close - 1, "c": close, "v": 1000, "n": 10, "vw": close}
    return {"T": kind, "S": symbol, "t": start, **values}


def spelled(one: dict[str, Any]) -> dict[str, Any]:
    """A bar of the wire as REST spells it."""
    return {key: one[key] for key in "ohlcv"} | {"n": 10, "vw": one["c"], "t": moment(one["t"].to_unix_nano())}


class Alpaca:
    """The server's state.  `answers` are given to the keys in turn, then admission; `acks` change confirmations."""

    def __init__(self) -> None:
        self.served: Served | None = None
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.connections = {"/v2/iex": 0, "/v1beta3/crypto/us": 0}
        self.answers: list[dict[str, Any]] = []
        self.mute = 0  # connections that never answer the keys
        self.subscribed: list[dict[str, Any]] = []
        self.acks: list[Callable[[dict[str, Any]], dict[str, Any] | None]] = []
        self.history: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.failing = 0  # REST answers of bars that are 500
        self.gate: threading.Event | None = None  # bars over REST wait for it
        self.assets = [{"symbol": symbol, "tradable": True} for symbol in SYMBOLS]
        self.days = [{"date": "2024-07-01", "open": "09:30", "close": "16:00"}]

    @property
    def keys(self) -> Keys:
        assert self.served is not None
        http, ws = f"http://{self.served.address}", f"ws://{self.served.address}"
        return Keys("K" * 8, "S" * 8, http, http, ws)

    def send(self, *messages: dict[str, Any], path: str = "/v2/iex") -> None:
        """One frame."""
        self._call(self.sockets[path].send_bytes(msgpack.packb(list(messages))))

    def send_raw(self, data: bytes, path: str = "/v2/iex") -> None:
        self._call(self.sockets[path].send_bytes(data))

    def drop(self, path: str = "/v2/iex") -> None:
        """The connection is reset, without a word."""

        async def reset() -> None:
            transport = self.sockets[path]._req.transport  # type: ignore[union-attr]
            transport.abort()

        self._call(reset())

    def _call(self, coroutine: Any) -> None:
        assert self.served is not None
        self.served.call(coroutine)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections[request.path] += 1
        await socket.send_bytes(msgpack.packb([CONNECTED]))
        async for message in socket:
            if message.type != WSMsgType.BINARY:
                break
            said = msgpack.unpackb(message.data)
            if said["action"] == "auth" and self.mute:
                self.mute -= 1
            elif said["action"] == "auth":
                answer = self.answers.pop(0) if self.answers else ADMITTED
                await socket.send_bytes(msgpack.packb([answer]))
            else:
                self.sockets[request.path] = socket
                self.subscribed.append(said)
                ack = {key: value for key, value in said.items() if key != "action"} | {"T": "subscription"}
                changed = self.acks.pop(0)(ack) if self.acks else ack
                if changed is not None:
                    await socket.send_bytes(msgpack.packb([changed]))
        return socket

    async def bars(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query) | {"path": request.path})
        if self.gate is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.gate.wait, 10)
        if self.failing:
            self.failing -= 1
            return web.json_response({"code": 50010000, "message": "internal"}, status=500)
        wanted, found = request.query["symbols"].split(","), {}
        for one in self.history:
            if one["S"] in wanted:
                found.setdefault(one["S"], []).append(spelled(one))
        return web.json_response({"bars": found, "next_page_token": None})


@contextmanager
def alpaca() -> Iterator[Alpaca]:
    """The server, reachable while inside."""
    one, app = Alpaca(), web.Application()

    async def assets(request: web.Request) -> web.Response:
        return web.json_response(one.assets)

    async def calendar(request: web.Request) -> web.Response:
        return web.json_response(one.days)

    app.router.add_get("/v2/iex", one.stream)
    app.router.add_get("/v1beta3/crypto/us", one.stream)
    app.router.add_get("/v2/stocks/bars", one.bars)
    app.router.add_get("/v1beta3/crypto/us/bars", one.bars)
    app.router.add_get("/v2/assets", assets)
    app.router.add_get("/v2/calendar", calendar)
    with served(app) as there:
        one.served = there
        yield one
