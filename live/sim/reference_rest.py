"""What the service knows without trading: its clock, the calendar, and which assets there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from aiohttp import web

from live.errors import Denied
from live.sim.entry import Credentials
from live.sim.faults import Faults
from live.sim.hours import FIRST, LAST, calendar_said, clock_said
from live.sim.market import Market
from live.sim.order import Steps
from live.sim.wire import asset_class, asset_id, number

ATTRIBUTES = ["has_options", "overnight_tradable", "fractional_eh_enabled"]
RETIRED = {"easy_to_borrow": True, "maintenance_margin_requirement": 30}  # fields of assets that the service takes away
COIN = Steps(100.0, 1e-9, 1e-9)  # of a pair that nobody counts otherwise


class ReferenceRest:
    """The routes of clock, calendar and assets.

    Args:
        market: whose clock and symbols they are.
        keys: that calls must bring.
        faults: which may set the clock wrong.
        retired: whether assets still have the fields that are to go, which the client's models demand.
        steps: how symbols are counted.
        changes: fields of single assets that are otherwise: {"GME": {"shortable": False}}.
    """

    def __init__(
        self, market: Market, keys: Credentials, faults: Faults, *, retired: bool = True,
        changes: Mapping[str, Mapping[str, Any]] | None = None, steps: Mapping[str, Steps] | None = None,
    ) -> None:  # fmt: skip
        self.market, self.keys, self.faults, self.retired, self.steps = market, keys, faults, retired, steps or {}
        self.changes = changes or {}

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get("/v2/clock", self._clock), web.get("/v3/clock", self._clock_with_phase),
            web.get("/v2/calendar", self._calendar), web.get("/v2/assets", self._assets),
            web.get("/v2/assets/{symbol:.+}", self._asset),
        ]  # fmt: skip

    def asset(self, symbol: str) -> dict[str, Any]:
        """One asset as the wire has it."""
        coin = asset_class(symbol) == "crypto"
        said: dict[str, Any] = {
            "id": asset_id(symbol), "class": asset_class(symbol), "exchange": "CRYPTO" if coin else "NASDAQ",
            "symbol": symbol, "name": f"{symbol} (replayed)", "status": "active", "tradable": True,
            "marginable": not coin, "shortable": not coin, "fractionable": True,
            "borrow_status": "hard_to_borrow" if coin else "easy_to_borrow",
            "margin_requirement_long": "100" if coin else "30",
            "margin_requirement_short": "100" if coin else "30", "attributes": [] if coin else ATTRIBUTES,
        }  # fmt: skip
        if coin:
            steps = self.steps.get(symbol, COIN)
            lot, tick = number(steps.lot), number(1.0 / steps.per_tick)
            said |= {"min_order_size": lot, "min_trade_increment": lot, "price_increment": tick}
        if self.retired:
            said |= RETIRED | {"easy_to_borrow": not coin}
        return said | dict(self.changes.get(symbol, {}))

    async def _clock(self, request: web.Request) -> web.Response:
        return self._time(request, with_phase=False)

    async def _clock_with_phase(self, request: web.Request) -> web.Response:
        return self._time(request, with_phase=True)

    def _time(self, request: web.Request, with_phase: bool) -> web.Response:
        self.keys.check(request)
        now = self.market.now + self.faults.skew(f"{request.method} {request.path}")
        return web.json_response(clock_said(now, with_phase))

    async def _calendar(self, request: web.Request) -> web.Response:
        self.keys.check(request)
        days = [request.query.get(name, usual)[:10] for name, usual in (("start", FIRST), ("end", LAST))]
        try:
            start, end = map(date.fromisoformat, days)
        except ValueError:
            raise Denied(422, 40010001, f"start and end must be dates, got {days[0]} and {days[1]}") from None
        return web.json_response(calendar_said(start, end))

    async def _assets(self, request: web.Request) -> web.Response:
        self.keys.check(request)
        wanted = {"status": request.query.get("status"), "class": request.query.get("asset_class")}
        wanted |= {"exchange": request.query.get("exchange")}
        found = [self.asset(symbol) for symbol in self.market.symbols]
        return web.json_response(
            [asset for asset in found if all(v is None or asset[name] == v for name, v in wanted.items())]
        )

    async def _asset(self, request: web.Request) -> web.Response:
        self.keys.check(request)
        asked = request.match_info["symbol"]
        for symbol in self.market.symbols:
            if asked in (symbol, symbol.replace("/", ""), asset_id(symbol)):
                return web.json_response(self.asset(symbol))
        raise Denied(404, 40410000, f"asset not found for {asked}")
