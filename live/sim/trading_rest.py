"""Trading over REST: account, orders, positions and activities, as `/v2` of the broker has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from live.errors import Denied
from live.sim.entry import Credentials
from live.sim.fees import posted
from live.sim.intake import invalid
from live.sim.order import Order
from live.sim.venue import Venue
from live.sim.wire import decimal, instant_of, yes

ORDERS, MOST_ORDERS = 50, 500  # in one answer: if nothing is asked, and at most
STATES = ("open", "closed", "all")


def routes(venue: Venue, keys: Credentials) -> list[web.RouteDef]:
    """The trading half of REST; every call must bring the keys."""
    found = [*_account(venue), *_orders(venue), *_positions(venue)]
    return [web.route(route.method, route.path, _guarded(route.handler, keys)) for route in found]


def _guarded(handler: Any, keys: Credentials) -> Any:
    async def guarded(request: web.Request) -> web.StreamResponse:
        keys.check(request)
        return await handler(request)

    return guarded


def _account(venue: Venue) -> list[web.RouteDef]:
    async def account(request: web.Request) -> web.Response:
        return web.json_response(venue.account_json())

    async def configurations(request: web.Request) -> web.Response:
        return web.json_response(venue.account.flags)

    async def configured(request: web.Request) -> web.Response:
        asked = await body_of(request)
        known = {name: value for name, value in asked.items() if name in venue.account.flags and value is not None}
        venue.account.flags |= known
        return web.json_response(venue.account.flags)

    async def activities(request: web.Request) -> web.Response:
        kinds = request.match_info.get("kind") or request.query.get("activity_types") or "FILL"
        told = venue.account.activities(request.query) if "FILL" in kinds.split(",") else []
        fees = posted(venue.account.fees, venue.now) if "CFEE" in kinds.split(",") else []
        return web.json_response(told + fees)

    async def history(request: web.Request) -> web.Response:
        return web.json_response(venue.account.history(venue.begun))

    return [
        web.get("/v2/account", account),
        web.get("/v2/account/configurations", configurations),
        web.patch("/v2/account/configurations", configured),
        web.get("/v2/account/activities", activities),
        web.get("/v2/account/activities/{kind}", activities),
        web.get("/v2/account/portfolio/history", history),
    ]


def _orders(venue: Venue) -> list[web.RouteDef]:
    async def posted(request: web.Request) -> web.Response:
        return web.json_response(venue.submit(await body_of(request)))

    async def listed(request: web.Request) -> web.Response:
        return web.json_response(selected(list(venue.ledger.orders.values()), request.query))

    async def shown(request: web.Request) -> web.Response:
        order = venue.order(request.match_info["id"])
        return web.json_response(order.json(yes(request.query.get("nested", False))))

    async def named(request: web.Request) -> web.Response:
        name = request.query.get("client_order_id", "")
        if name not in venue.ledger.named:
            raise Denied(404, 40410000, f"order not found for {name}")
        return web.json_response(venue.ledger.named[name].json())

    async def patched(request: web.Request) -> web.Response:
        return web.json_response(venue.replace(request.match_info["id"], await body_of(request)))

    async def deleted(request: web.Request) -> web.Response:
        venue.cancel(request.match_info["id"])
        return web.Response(status=204)

    async def all_deleted(request: web.Request) -> web.Response:
        return web.json_response(venue.cancel_all(), status=207)

    return [
        web.post("/v2/orders", posted),
        web.get("/v2/orders", listed),
        web.delete("/v2/orders", all_deleted),
        web.get("/v2/orders:by_client_order_id", named),
        web.get("/v2/orders/{id}", shown),
        web.patch("/v2/orders/{id}", patched),
        web.delete("/v2/orders/{id}", deleted),
    ]


def _positions(venue: Venue) -> list[web.RouteDef]:
    symbol = "/v2/positions/{symbol:.+}"  # a pair's slash may come as it is

    async def listed(request: web.Request) -> web.Response:
        return web.json_response(venue.positions())

    async def shown(request: web.Request) -> web.Response:
        return web.json_response(venue.position(venue.held(request.match_info["symbol"])))

    async def closed(request: web.Request) -> web.Response:
        units, percentage = decimal(request.query, "qty"), decimal(request.query, "percentage")
        return web.json_response(venue.close(request.match_info["symbol"], units, percentage))

    async def all_closed(request: web.Request) -> web.Response:
        return web.json_response(venue.close_all(yes(request.query.get("cancel_orders", False))), status=207)

    return [
        web.get("/v2/positions", listed),
        web.delete("/v2/positions", all_closed),
        web.get(symbol, shown),
        web.delete(symbol, closed),
    ]


async def body_of(request: web.Request) -> dict[str, Any]:
    """The object in a request's body.

    Raises:
        Denied: 400 if it holds none.
    """
    try:
        asked = await request.json()
    except json.JSONDecodeError:
        asked = None
    if not isinstance(asked, dict):
        raise Denied(400, 40010000, "request body format is invalid")
    return asked


def selected(orders: list[Order], query: Mapping[str, str]) -> list[dict[str, Any]]:
    """GET /orders: those that a query asks for, newest first unless it says otherwise.

    Raises:
        Denied: 422 if the query makes no sense.
    """
    state, limit = query.get("status", "open"), query.get("limit", str(ORDERS))
    if state not in STATES or not limit.isdigit() or not 0 < int(limit) <= MOST_ORDERS:
        raise invalid(f"status must be one of {', '.join(STATES)}, and limit 1 to {MOST_ORDERS}")
    chosen = orders if state == "all" else [order for order in orders if order.ended == (state == "closed")]
    chosen = _between(chosen, orders, query)
    if symbols := query.get("symbols"):
        chosen = [order for order in chosen if order.symbol in symbols.split(",")]
    if side := query.get("side"):
        chosen = [order for order in chosen if (order.side > 0) == (side == "buy")]
    nested = yes(query.get("nested", False))
    if nested:
        there = {order.id for order in chosen}
        chosen = [order for order in chosen if order.parent is None or order.parent.id not in there]
    chosen = sorted(chosen, key=lambda order: order.submitted, reverse=query.get("direction", "desc") != "asc")
    return [order.json(nested) for order in chosen[: int(limit)]]


def _between(chosen: list[Order], orders: list[Order], query: Mapping[str, str]) -> list[Order]:
    """Those sent after and before some moments, or some orders."""
    sent = {order.id: order.submitted for order in orders}
    bounds = {"after": query.get("after_order_id"), "until": query.get("before_order_id")}
    for name, id in bounds.items():
        if id and id not in sent:
            raise Denied(404, 40410000, f"order not found for {id}")
        moment = sent[id] if id else instant_of(query[name], name) if query.get(name) else None
        if moment is not None:
            sign = 1 if name == "after" else -1
            chosen = [order for order in chosen if (order.submitted - moment) * sign > 0]
    return chosen
