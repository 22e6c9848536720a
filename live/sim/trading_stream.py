"""The account's websocket: one listener, JSON in binary frames, and no second telling of what nobody heard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from aiohttp import WSMsgType, web

from live.sim.distortions import Close, Mute, Part, Reset
from live.sim.entry import Credentials
from live.sim.faults import Faults, hang_up
from live.sim.venue import Venue

STREAM = "trading"  # its name in plans of faults
GOING_AWAY = 1001


class TradeUpdates:
    """Sends what the venue has to tell to whoever listens.

    Args:
        venue: whose updates are sent.
        keys: that a listener must show.
        faults: what goes wrong with messages.
    """

    def __init__(self, venue: Venue, keys: Credentials, faults: Faults) -> None:
        self.venue, self.keys, self.faults = venue, keys, faults
        self.told = 0  # updates that were sent to a listener
        self._line: web.WebSocketResponse | None = None
        self._request: web.Request | None = None
        self._authorised = self._listening = self._muted = False
        self._turn = asyncio.Lock()

    @property
    def listening(self) -> bool:
        """Whether anybody hears of orders now."""
        return self._listening

    def routes(self) -> list[web.RouteDef]:
        """The websocket's address."""
        return [web.get("/stream", self._serve)]

    async def flush(self) -> None:
        """Send the updates that wait, in their order; with nobody listening they are gone."""
        async with self._turn:
            waiting = self.venue.updates
            while waiting:
                update = waiting.popleft()
                if self._listening:
                    await self._send(update)
            if self._listening:
                await self._pass(self.faults.due(STREAM))

    async def reset(self) -> None:
        """The connection breaks, as on a network that is lost."""
        await self._break(Reset())

    async def close(self) -> None:
        """The service ends."""
        if self._line is not None:
            await self._line.close(code=GOING_AWAY)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self._line is not None:
            return web.json_response({"code": 42910000, "message": "connection limit exceeded"}, status=429)
        line = web.WebSocketResponse()
        self._line, self._request = line, request
        self._authorised = self._listening = self._muted = False
        try:
            await line.prepare(request)
            async for message in line:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._hear(message.data)
        finally:
            self._line, self._request, self._listening = None, None, False
        return line

    async def _hear(self, data: str | bytes) -> None:
        try:
            said = json.loads(data)
            action = said["action"]
        except (ValueError, KeyError, TypeError):
            await self._send({"stream": "error", "data": {"error": "invalid message"}})
            return
        if action in ("auth", "authenticate"):
            given = said.get("data") or said
            key, secret = given.get("key_id", given.get("key")), given.get("secret_key", given.get("secret"))
            self._authorised = self.keys.fit(str(key), str(secret))
            await self._send(_authorization("authenticate", self._authorised))
        elif action == "listen" and self._authorised:
            streams = [one for one in said.get("data", {}).get("streams", []) if one == "trade_updates"]
            self._listening = bool(streams)
            await self._send({"stream": "listening", "data": {"streams": streams}})
        else:
            await self._send(_authorization(str(action), False))

    async def _send(self, message: dict[str, Any]) -> None:
        """A message, or what a fault makes of it."""
        await self._pass(self.faults.on_send(STREAM, message))

    async def _pass(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if isinstance(part, Mute):
                self._muted = True
            elif isinstance(part, Close | Reset):
                await self._break(part)
            else:
                await self._put(part)

    async def _put(self, message: dict[str, Any]) -> None:
        line = self._line
        if line is None or line.closed or self._muted:
            return
        try:
            await line.send_bytes(json.dumps(message).encode())
        except ConnectionError:
            return  # the listener has gone: its own loop will see that
        self.told += message["stream"] == "trade_updates"

    async def _break(self, how: Close | Reset) -> None:
        line, request = self._line, self._request
        self._listening = False
        if line is not None and request is not None:
            await hang_up(request, line, how)


def _authorization(action: str, granted: bool) -> dict[str, Any]:
    status = "authorized" if granted else "unauthorized"
    return {"stream": "authorization", "data": {"status": status, "action": action}}
