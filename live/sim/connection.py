"""One client's websocket of market data: what waits to be sent, and what faults make of it."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Sequence

import msgpack
from aiohttp import web

from live.sim.distortions import POLICY_VIOLATION, Close, Message, Mute, Part, Reset, error
from live.sim.faults import Faults, hang_up
from live.sim.messages import frames, spelled

MSGPACK = "application/msgpack"


class Connection:
    """A websocket that is written to by a task of its own, so that a slow reader holds up nobody else.

    Args:
        stream: stocks, crypto or news, as faults name it.
        request, socket: of the client, who is told in msgpack if it says so in its request, else in JSON.
        faults: that strike what is sent.
        most: messages of one frame.
        backlog: bytes that may wait; a client for whom more wait is too slow, and told so.
    """

    def __init__(
        self, stream: str, request: web.Request, socket: web.WebSocketResponse, faults: Faults, most: int, backlog: int
    ) -> None:
        self.stream, self.request, self.socket, self.faults = stream, request, socket, faults
        self.most, self.backlog = most, backlog
        self.binary = request.content_type == MSGPACK
        self.authenticated = self.muted = False
        self._waiting: deque[bytes | Close | Reset] = deque()
        self._bytes = 0
        self._there = asyncio.Event()
        self._over = False

    def say(self, message: Message) -> list[Part]:
        """Send a message in a frame of its own, or what faults make of it; that is also returned."""
        parts = self.faults.on_send(self.stream, message)
        self._take(parts)
        return parts

    def tell(self, messages: Sequence[bytes]) -> None:
        """Send packed messages of market data, many in a frame."""
        if not self.faults.concerns(self.stream):
            self._queue(messages)
            return
        for message in messages:
            self._take(self.faults.on_send(self.stream, msgpack.unpackb(message)))

    def pass_on(self, parts: Sequence[Part]) -> None:
        """Send what faults have already had."""
        self._take(parts)

    async def write(self) -> None:
        """Send what waits, until the connection ends."""
        while not self._over:
            if not self._waiting:
                self._there.clear()
                await self._there.wait()
                continue
            one = self._waiting.popleft()
            if isinstance(one, (Close, Reset)):
                await hang_up(self.request, self.socket, one)
                return
            self._bytes -= len(one)
            try:
                await self._written(one)
            except ConnectionError:
                return

    def end(self, code: int) -> None:
        """Close the connection when all that waits is sent."""
        self._wait(Close(code))

    def leave(self) -> None:
        """The client has gone: nothing more is sent."""
        self._over = True
        self._there.set()

    def _take(self, parts: Sequence[Part]) -> None:
        for part in parts:
            if isinstance(part, Mute):
                self.muted = True
            elif isinstance(part, (Close, Reset)):
                self._wait(part)
            else:
                self._queue([msgpack.packb(part)])

    def _queue(self, messages: Sequence[bytes]) -> None:
        if self.muted or not len(messages):
            return
        for frame in frames(messages, self.most):
            self._bytes += len(frame)
            self._wait(frame)
        if self._bytes > self.backlog:
            self._waiting.clear()
            self._bytes, self.muted = 0, True
            self._wait(frames([msgpack.packb(error(407))], 1)[0])
            self._wait(Close(POLICY_VIOLATION))

    def _wait(self, one: bytes | Close | Reset) -> None:
        self._waiting.append(one)
        self._there.set()

    async def _written(self, frame: bytes) -> None:
        if self.binary:
            await self.socket.send_bytes(frame)
        else:
            await self.socket.send_str(json.dumps(msgpack.unpackb(frame), default=spelled))
