"""Who may come in: keys as clients send them, and what a subscription to market data allows."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import NamedTuple

from aiohttp import web

from live.errors import Denied

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Tier(NamedTuple):
    """What a subscription allows.

    recent_sip   whether the last 15 minutes of all exchanges may be asked for, and streamed
    symbols      trades and quotes that one stream may be subscribed to; 0: as many as there are
    connections  authenticated websockets at one address
    """

    recent_sip: bool = True
    symbols: int = 0
    connections: int = 1


PLUS, BASIC = Tier(), Tier(recent_sip=False, symbols=30)


class Credentials(NamedTuple):
    """The keys that the service accepts.  Shown anywhere, they hide."""

    key: str
    secret: str

    def fit(self, key: str, secret: str) -> bool:
        """Whether they are these."""
        given, ours = f"{key}\n{secret}", f"{self.key}\n{self.secret}"
        return compare_digest(given.encode("utf-8", "replace"), ours.encode())

    def check(self, request: web.Request) -> None:
        """A call must bring the keys: as headers of their own, or as basic authorization.

        Raises:
            Denied: 401 if it does not.
        """
        key, secret = request.headers.get("APCA-API-KEY-ID", ""), request.headers.get("APCA-API-SECRET-KEY", "")
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            try:
                key, _, secret = base64.b64decode(rest).decode().partition(":")
            except ValueError:
                key, secret = "", ""
        if not self.fit(key, secret):
            raise Denied(401, 40110000, "request is not authorized")

    def __repr__(self) -> str:
        return "Credentials(…)"


@web.middleware
async def denials(request: web.Request, handler: Handler) -> web.StreamResponse:
    """`Denied`, as the wire has it."""
    try:
        return await handler(request)
    except Denied as denied:
        return web.json_response(denied.body, status=denied.status)
