"""The faults of a plan, carried out: hooks that both halves of the service call for every answer and every message.

    faults = Faults([Fault("answer", "POST /v2/orders", code=504, accepted=True), Fault("reset", "stocks/b/*", nth=7)])
    faults = Faults(weather(0.01), seed=7)

What faults there are is told in `live.sim.plan`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from aiohttp import web

from live.errors import ConfigError
from live.sim import distortions
from live.sim.distortions import Close, Message, Mute, Part, Reset, address
from live.sim.plan import CALLS, MESSAGES, Fault, Injected, Plan

CONTROL = "/sim/"  # paths that no fault touches
ABORT = struct.pack("ii", 1, 0)  # linger for no time: the peer sees a reset
SAID = {
    429: {"code": 42910000, "message": "rate limit exceeded"},
    500: {"code": 50010000, "message": "internal server error occurred"},
}
PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"  # a proxy's, not JSON
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Held(NamedTuple):
    message: Message
    passed: int  # sent once so many messages have passed
    ts: int  # or the replay has come to this time


@dataclass(slots=True)
class _Line:
    """What is known of one websocket stream: messages passed, and messages held back."""

    passed: int = 0
    held: list[_Held] = field(default_factory=list)


class Faults:
    """A plan of faults, what has struck so far, and the hooks that both halves of the service call.

    Hooks run on the service's loop; `add` and `clear` may be called from any thread.

    Args:
        faults: of several that strike at once the first does.
        seed: of those with a rate.
        now: the replay time, ns UTC.

    Raises:
        ConfigError: if a fault makes no sense.
    """

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0, now: Callable[[], int] = lambda: 0) -> None:
        self.plan = Plan(faults, seed)
        self.now = now
        self._lines: dict[str, _Line] = defaultdict(_Line)
        self._released = asyncio.Event()

    def add(self, fault: Fault) -> None:
        """One more fault; its matches are counted from now on."""
        self.plan.add(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more; what is held back is still to come."""
        self.plan.clear()

    @property
    def log(self) -> list[Injected]:
        """What has struck, in order."""
        return self.plan.log

    # calls

    async def before(self, request: web.Request) -> web.StreamResponse | None:
        """What a call gets in place of its answer, before it had any effect; None lets it through."""
        fault = self.plan.struck(_call(request), CALLS, self.now())
        return None if fault is None else await self._spoilt(fault, request, None)

    async def after(self, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        """The answer, or what the caller gets in its place though the call had its effect."""
        fault = self.plan.struck(_call(request), CALLS, self.now(), accepted=True)
        return answer if fault is None else await self._spoilt(fault, request, answer) or answer

    def middleware(self) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
        """`before` and `after` around every call, but for those of control and the opening of websockets."""

        @web.middleware
        async def faulty(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(CONTROL) or request.headers.get("Upgrade", "").lower() == "websocket":
                return await handler(request)
            early = await self.before(request)
            return early if early is not None else await self.after(request, await handler(request))

        return faulty

    def release(self) -> None:
        """Calls that hang or are slow end now; on the service's loop, as it closes."""
        self._released.set()

    # messages

    def concerns(self, stream: str) -> bool:
        """Whether any message of a stream may still be struck; if not, nobody need ask for each."""
        return bool(self._lines[stream].held) or self.plan.concerns(stream)

    def on_send(self, stream: str, message: Message) -> list[Part]:
        """What is sent instead of a message, and what happens to the connection; mostly the message itself."""
        line = self._lines[stream]
        line.passed += 1
        fault = self.plan.struck(address(stream, message), MESSAGES, self.now())
        parts = [message] if fault is None else self._distorted(fault, line, message)
        return parts + self._taken(line)

    def due(self, stream: str) -> list[Part]:
        """Messages that were held back until a time that has come."""
        return self._taken(self._lines[stream])

    def skew(self, where: str) -> int:
        """How far ahead the clock of a call is, ns: what `skew` says of `GET /v2/clock`."""
        fault = self.plan.struck(where, ("skew",), self.now())
        return 0 if fault is None else round(fault.seconds * 1e9)

    # control

    def routes(self) -> list[web.RouteDef]:
        """/sim/faults: GET the plan and what struck, POST one more fault, DELETE them all."""

        async def shown(request: web.Request) -> web.Response:
            plan = [watch.fault._asdict() | {"seen": watch.seen} for watch in self.plan.watches]
            return web.json_response(
                {"seed": self.plan.seed, "plan": plan, "log": [struck._asdict() for struck in self.log]}
            )

        async def added(request: web.Request) -> web.Response:
            try:
                fault = Fault(**await request.json())
                self.add(fault)
            except (ConfigError, TypeError, ValueError) as error:
                return web.json_response({"message": str(error)}, status=422)
            return web.json_response(fault._asdict())

        async def cleared(request: web.Request) -> web.Response:
            self.clear()
            return web.Response(status=204)

        path = f"{CONTROL}faults"
        return [web.get(path, shown), web.post(path, added), web.delete(path, cleared)]

    async def _spoilt(
        self, fault: Fault, request: web.Request, answer: web.StreamResponse | None
    ) -> web.StreamResponse | None:
        if fault.kind == "answer":
            return refusal(fault.code)
        if fault.kind == "slow":
            await self._pause(fault.seconds)
            return answer
        if fault.kind == "hang":
            await self._pause(fault.seconds or None)
        cut(request)
        return web.Response()  # goes nowhere

    async def _pause(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._released.wait(), seconds)
        except TimeoutError:
            return

    def _distorted(self, fault: Fault, line: _Line, message: Message) -> list[Part]:
        match fault.kind:
            case "duplicate":
                return [message, message]
            case "delay":
                self._hold(line, message, fault.by, fault.seconds)
                return []
            case "drop":
                return []
            case "reset":
                return [Reset()]
            case "mute":
                return [Mute()]
            case "close":
                return [Close(fault.code)]
            case "error":
                return distortions.refused(message, fault.code)
            case "unknown":
                return [distortions.unheard_of(message)]
            case "status":
                return [distortions.odd_status(message)]
            case "skew":
                return [distortions.skewed(message, fault.seconds)]
            case "short":
                return [distortions.short(message)]
            case _:  # revise
                if message.get("T") == "b":
                    self._hold(line, distortions.revised(message), fault.by, fault.seconds)
                return [message]

    def _hold(self, line: _Line, message: Message, by: int, seconds: float) -> None:
        never = 1 << 62
        ts = self.now() + round(seconds * 1e9) if seconds else never
        line.held.append(_Held(message, line.passed + by if by else never, ts))

    def _taken(self, line: _Line) -> list[Part]:
        if not line.held:
            return []
        now = self.now()
        come = [held for held in line.held if held.passed <= line.passed or held.ts <= now]
        line.held = [held for held in line.held if held not in come]
        return [held.message for held in come]


def refusal(status: int) -> web.Response:
    """How the service itself says 429 or 500, and a proxy before it everything else."""
    if status not in SAID:
        return web.Response(status=status, text=PAGE.format(f"{status} Gateway Time-out"), content_type="text/html")
    headers = {"X-RateLimit-Remaining": "0"} if status == 429 else {}
    headers |= {"X-RateLimit-Limit": "200", "X-RateLimit-Reset": str(int(time.time()) + 1)} if headers else {}
    return web.json_response(SAID[status], status=status, headers=headers)


def cut(request: web.Request) -> None:
    """Break the connection of a request or of its websocket: the peer sees a reset, and no close frame."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    request.transport.abort()


async def hang_up(request: web.Request, line: web.WebSocketResponse, how: Close | Reset) -> None:
    """End a websocket as a fault has it."""
    if isinstance(how, Close):
        await line.close(code=how.code)
    else:
        cut(request)


def _call(request: web.Request) -> str:
    return f"{request.method} {request.path}"
