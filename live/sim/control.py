"""Control from other processes: /sim/ drives the replay, shows its state, and adds to the script of orders.

POST /sim/match      the next timestamp is matched; {"told": trade updates sent so far, "now": …, "finished": …}
POST /sim/publish    its rows are told
POST /sim/play       {"speed": 60}: both, by the clock
POST /sim/reset      the account's websocket breaks
GET  /sim/state      where everything stands
GET  /sim/life       which twists came to pass; POST adds one (`live.sim.lifecycle.Twist`)
/sim/faults          `live.sim.faults`
"""

from __future__ import annotations

from typing import Any, Protocol

from aiohttp import web

from live.errors import ConfigError, Denied
from live.sim.budget import Budget
from live.sim.lifecycle import Twist
from live.sim.market import Market
from live.sim.trading_rest import body_of
from live.sim.trading_stream import TradeUpdates
from live.sim.venue import Venue


class Controlled(Protocol):
    """What can be driven."""

    market: Market
    venue: Venue
    orders: TradeUpdates
    budget: Budget

    async def matched(self) -> int:
        """Match the next timestamp."""

    async def published(self) -> None:
        """Tell of its rows."""

    async def played(self, speed: float) -> None:
        """Go on by the clock."""


class Control:
    """The routes under /sim/."""

    def __init__(self, loopback: Controlled) -> None:
        self.loopback = loopback

    def routes(self) -> list[web.RouteDef]:
        """All of them, but for those of faults."""
        return [
            web.post("/sim/match", self._match), web.post("/sim/publish", self._publish),
            web.post("/sim/play", self._play), web.post("/sim/reset", self._reset), web.get("/sim/state", self._state),
            web.get("/sim/life", self._life), web.post("/sim/life", self._twist),
        ]  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Where everything stands."""
        one = self.loopback
        market, venue = one.market, one.venue
        return {
            "now": market.now, "known": market.known, "step": market.step, "steps": market.steps,
            "finished": market.finished, "told": one.orders.told, "events": venue.ledger.told,
            "listening": one.orders.listening, "calls": one.budget.calls, "orders": len(venue.ledger.orders),
            "open": len(venue.ledger.working), "executions": len(venue.account.executions),
            "cash": venue.account.cash, "equity": venue.account.equity,
            "positions": {h.symbol: h.lots for h in venue.account.holdings if h.lots},
        }  # fmt: skip

    async def _match(self, request: web.Request) -> web.Response:
        try:
            await self.loopback.matched()
        except ConfigError as error:
            raise Denied(409, 40910000, str(error)) from error
        return web.json_response(self.state())

    async def _publish(self, request: web.Request) -> web.Response:
        await self.loopback.published()
        return web.json_response(self.state())

    async def _play(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        await self.loopback.played(float(asked.get("speed", 1.0)))
        return web.json_response(self.state())

    async def _reset(self, request: web.Request) -> web.Response:
        await self.loopback.orders.reset()
        return web.json_response(self.state())

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self.state())

    async def _life(self, request: web.Request) -> web.Response:
        return web.json_response([struck._asdict() for struck in self.loopback.venue.life.log])

    async def _twist(self, request: web.Request) -> web.Response:
        try:
            twist = Twist(**await body_of(request))
            self.loopback.venue.life.add(twist)
        except (ConfigError, TypeError) as error:
            raise Denied(422, 42210000, str(error)) from error
        return web.json_response(twist._asdict())
