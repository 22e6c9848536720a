"""The budget of calls: every answer tells what is left of its minute, and beyond it the answer is 429."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from live.sim.faults import CONTROL
from live.sim.wire import name_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CALLS, WINDOW = 200, 60  # in each window of so many seconds
TRADING = ("/v2/account", "/v2/orders", "/v2/positions", "/v2/assets", "/v2/clock", "/v2/calendar")


class Budget:
    """Calls of trading and of data, counted apart, in windows of a minute.

    Args:
        limit: calls in a window; None: they are told of and never refused.
        clock: seconds since the epoch.
    """

    def __init__(self, limit: int | None = None, clock: Callable[[], float] = time.time) -> None:
        self.limit, self.clock = limit, clock
        self.calls = 0
        self._spent: dict[tuple[bool, int], int] = {}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Around every call but those of control and the opening of websockets."""
        if request.path.startswith(CONTROL) or request.headers.get("Upgrade", "").lower() == "websocket":
            return await handler(request)
        self.calls += 1
        headers, allowed = self._spend(request.path.startswith(TRADING))
        if allowed:
            answer = await handler(request)
        else:
            answer = web.json_response({"code": 42910000, "message": "rate limit exceeded"}, status=429)
        if not answer.prepared:
            for name, value in headers.items():
                answer.headers.setdefault(name, value)
        return answer

    def _spend(self, trading: bool) -> tuple[dict[str, str], bool]:
        window = int(self.clock() // WINDOW)
        self._spent = {kind: count for kind, count in self._spent.items() if kind[1] == window}
        spent = self._spent[trading, window] = self._spent.get((trading, window), 0) + 1
        most = self.limit or CALLS
        left = max(0, most - spent) if self.limit else most - 1
        return {
            "X-RateLimit-Limit": str(most), "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str((window + 1) * WINDOW),
            "X-Request-ID": name_of("request", self.calls).replace("-", ""),
        }, not self.limit or spent <= self.limit  # fmt: skip
