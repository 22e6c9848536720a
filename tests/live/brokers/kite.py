"""A Kite of loopback: REST and the ticker's websocket, enough for the real client; what happens is scripted."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from aiohttp import WSMsgType, web

from live.brokers.zerodha_orders import KOLKATA

DONE = ("COMPLETE", "CANCELLED", "REJECTED")
RATE = 0.001  # charges, of what was traded; on top comes a fee for each order
EACH = 0.5
TICKS = {"AAA": ("0.05", "1"), "BBB": ("0.05", "1"), "FUT": ("0.05", "50")}
HEADER = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,"
    "segment,exchange"
)


def error(status: int, kind: str, text: str) -> web.Response:
    return web.json_response({"status": "error", "message": text, "error_type": kind}, status=status)


class KiteServer:
    """A scripted Kite.

    token         the one that is taken
    faults        what comes of the next calls "METHOD /path": ("lost", 504) before it is done, ("done", 504) after
    quiet         no order updates
    """

    def __init__(self) -> None:
        self.token = "token"
        self.orders: dict[str, dict[str, Any]] = {}
        self.trades: dict[str, list[dict[str, Any]]] = {}
        self.gtts: dict[int, dict[str, Any]] = {}
        self.faults: dict[str, list[tuple[str, int]]] = {}
        self.calls: list[str] = []
        self.cash, self.held, self.last = 1e6, {"AAA": 0}, {"AAA": 100.0, "BBB": 50.0}
        self.quiet = self.beats_no_more = False
        self.stale: list[dict[str, Any]] | None = None  # an order book of before, shown instead of the present one
        self.refuse: list[tuple[int, str, str]] = []
        self.now = datetime.now(KOLKATA).replace(microsecond=0, tzinfo=None)
        self.connections = self.next = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self._ready, self.lock = threading.Event(), threading.RLock()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> KiteServer:
        self._thread.start()
        assert self._ready.wait(5.0)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5.0)
        assert not self._thread.is_alive()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ticker(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    # What the test lets happen.

    def order(self, number: int = -1) -> dict[str, Any]:
        """An order, by default the last one."""
        return list(self.orders.values())[number]

    def fill(self, order: dict[str, Any], units: int, price: float, told: bool = True) -> None:
        """A trade."""
        with self.lock:
            before = order["filled_quantity"]
            order["filled_quantity"] = before + units
            order["average_price"] = (order["average_price"] * before + units * price) / (before + units)
            order["pending_quantity"] = order["quantity"] - order["filled_quantity"]
            order["status"] = "COMPLETE" if order["pending_quantity"] == 0 else "OPEN"
            trade = {
                "trade_id": f"t{len(self.trades[order['order_id']])}-{order['order_id']}", "quantity": units,
                "order_id": order["order_id"], "average_price": price, "exchange_timestamp": str(self.now),
            }  # fmt: skip
            self.trades[order["order_id"]].append(trade)
        if told:
            self.tell(order)

    def end(self, order: dict[str, Any], status: str, text: str = "", told: bool = True) -> None:
        order["status"], order["status_message"] = status, text
        if told:
            self.tell(order)

    def trigger(self, gtt: dict[str, Any], leg: int, fails: str = "") -> dict[str, Any] | None:
        """A GTT's trigger is reached: its order is placed."""
        with self.lock:
            asked = gtt["orders"][leg]
            order = None if fails else self._placed(asked | {"variety": "regular", "trigger_price": 0.0})
            gtt["status"] = "triggered"
            result = {"status": "failed" if fails else "success", "order_id": order["order_id"] if order else ""}
            asked["result"] = {"timestamp": str(self.now), "order_result": result | {"rejection_reason": fails}}
        if order is not None:
            self.tell(order)
        return order

    def tell(self, order: dict[str, Any]) -> None:
        """An order update, whose status may be as old as you like."""
        if not self.quiet:
            text = json.dumps({"type": "order", "data": order | {"status": "UPDATE"}})
            self._soon(lambda one: one.send_str(text))

    def drop(self) -> None:
        """Cut the websockets."""
        self._soon(lambda one: one.close())

    def _soon(self, act: Any) -> None:
        async def all_of_them() -> None:
            for one in list(self._sockets):
                await act(one)

        asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result(5.0)

    # What it does by itself.

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(middlewares=[self._guard])
        app.add_routes([
            web.get("/", self._socket), web.get("/user/profile", self._profile),
            web.post("/session/token", self._login),
            web.get("/user/margins/equity", self._margins),
            web.get("/instruments/{exchange}", self._instruments), web.get("/orders", self._list),
            web.get("/orders/{id}/trades", self._trades), web.post("/orders/{variety}", self._place),
            web.put("/orders/{variety}/{id}", self._modify), web.delete("/orders/{variety}/{id}", self._cancel),
            web.get("/portfolio/holdings", self._holdings), web.get("/portfolio/positions", self._positions),
            web.get("/quote/ltp", self._ltp), web.get("/gtt/triggers", self._gtts),
            web.post("/gtt/triggers", self._place_gtt), web.put("/gtt/triggers/{id}", self._modify_gtt),
            web.delete("/gtt/triggers/{id}", self._delete_gtt), web.post("/charges/orders", self._charges),
        ])  # fmt: skip
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        beat = asyncio.ensure_future(self._beat())
        self._ready.set()
        await self._over.wait()
        beat.cancel()
        for one in list(self._sockets):
            await one.close()
        await runner.cleanup()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            if not self.beats_no_more:
                for one in list(self._sockets):
                    await one.send_bytes(b"\0")

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        what = f"{request.method} /{request.path.split('/')[1]}"
        if request.path == "/":
            if request.query.get("access_token") != self.token:
                return web.Response(status=403)
            return await handler(request)
        if request.path == "/session/token":
            return await handler(request)
        self.calls.append(f"{request.method} {request.path}")
        if request.headers.get("Authorization") != f"token key:{self.token}":
            return error(403, "TokenException", "Incorrect `api_key` or `access_token`.")
        how, status = self.faults[what].pop(0) if self.faults.get(what) else ("", 0)
        if how == "lost":
            return error(status, "NetworkException", "gateway")
        with self.lock:
            answer = await handler(request)
        if how == "done":
            return error(status, "NetworkException", "gateway")
        if how == "cut":
            assert request.transport is not None
            request.transport.abort()
        return answer

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        self.connections += 1
        async for message in socket:
            if message.type == WSMsgType.ERROR:
                break
        self._sockets.discard(socket)
        return socket

    def _said(self, data: Any) -> web.Response:
        return web.json_response({"status": "success", "data": data})

    async def _login(self, request: web.Request) -> web.Response:
        asked = await request.post()
        if asked["checksum"] != sha256(b"keyrequestsecret").hexdigest():
            return error(403, "TokenException", "Token is invalid or has expired.")
        return self._said({"access_token": self.token, "login_time": "2026-11-20 08:00:00"})

    async def _profile(self, request: web.Request) -> web.Response:
        return self._said({"user_id": "XX0000"})

    async def _margins(self, request: web.Request) -> web.Response:
        return self._said({"available": {"cash": self.cash, "opening_balance": self.cash, "live_balance": 0.0}})

    async def _instruments(self, request: web.Request) -> web.Response:
        rows = [
            f"{k},{k},{name},{name},0,,0,{tick},{lot},EQ,NSE,NSE" for k, (name, (tick, lot)) in enumerate(TICKS.items())
        ]
        return web.Response(text="\n".join([HEADER, *rows]), content_type="text/csv")

    async def _list(self, request: web.Request) -> web.Response:
        return self._said(list(self.orders.values()) if self.stale is None else self.stale)

    async def _trades(self, request: web.Request) -> web.Response:
        return self._said(self.trades[request.match_info["id"]])

    async def _place(self, request: web.Request) -> web.Response:
        asked = dict(await request.post())
        if self.refuse:
            return error(*self.refuse.pop(0))
        order = self._placed(asked)
        return self._said({"order_id": order["order_id"]})

    def _placed(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.next += 1
        id = f"2611200000{self.next:05d}"
        number = int(asked["quantity"])
        order = {
            "order_id": id, "exchange": asked["exchange"], "tradingsymbol": asked["tradingsymbol"], "quantity": number,
            "transaction_type": asked["transaction_type"], "product": asked["product"], "tag": asked.get("tag"),
            "variety": asked["variety"], "order_type": asked["order_type"], "price": float(asked.get("price") or 0.0),
            "trigger_price": float(asked.get("trigger_price") or 0.0), "filled_quantity": 0, "average_price": 0.0,
            "pending_quantity": number, "status_message": None, "order_timestamp": str(self.now),
            "status": "TRIGGER PENDING" if asked["order_type"].startswith("SL") else "OPEN",
            "market_protection": asked.get("market_protection"),
        }  # fmt: skip
        if order["order_type"] == "MARKET":
            order["price"] = 103.0  # its protection
        self.orders[id], self.trades[id] = order, []
        return order

    async def _modify(self, request: web.Request) -> web.Response:
        order, asked = self.orders.get(request.match_info["id"]), dict(await request.post())
        if self.refuse:
            return error(*self.refuse.pop(0))
        if order is None or order["status"] in DONE:
            return error(400, "OrderException", "Order cannot be modified as it is not open")
        for name in ("price", "trigger_price"):
            if name in asked:
                order[name] = float(asked[name])
        order["quantity"] = int(asked["quantity"])
        order["pending_quantity"] = order["quantity"] - order["filled_quantity"]
        return self._said({"order_id": order["order_id"]})

    async def _cancel(self, request: web.Request) -> web.Response:
        order = self.orders.get(request.match_info["id"])
        if order is None or order["status"] in DONE:
            return error(400, "OrderException", "Order cannot be cancelled as it is not open")
        order["status"] = "CANCELLED"
        return self._said({"order_id": order["order_id"]})

    async def _holdings(self, request: web.Request) -> web.Response:
        return self._said([
            {"exchange": "NSE", "tradingsymbol": name, "opening_quantity": units, "quantity": units, "t1_quantity": 0}
            for name, units in self.held.items()
        ])  # fmt: skip

    async def _positions(self, request: web.Request) -> web.Response:
        rows: dict[str, dict[str, Any]] = {}
        for order in self.orders.values():
            name, units = order["tradingsymbol"], order["filled_quantity"]
            blank = {"exchange": "NSE", "tradingsymbol": name, "product": order["product"], "quantity": 0}
            row = rows.setdefault(name, blank | {"buy_value": 0.0, "sell_value": 0.0})
            row["quantity"] += units if order["transaction_type"] == "BUY" else -units
            row["buy_value" if order["transaction_type"] == "BUY" else "sell_value"] += units * order["average_price"]
        return self._said({"net": [], "day": list(rows.values())})

    async def _ltp(self, request: web.Request) -> web.Response:
        keys = request.query.getall("i")
        return self._said({key: {"instrument_token": 1, "last_price": self.last[key.split(":")[1]]} for key in keys})

    async def _gtts(self, request: web.Request) -> web.Response:
        return self._said(list(self.gtts.values()))

    def _gtt(self, id: int, asked: dict[str, Any]) -> dict[str, Any]:
        condition, orders = json.loads(asked["condition"]), json.loads(asked["orders"])
        return {
            "id": id, "type": asked["type"], "status": "active", "condition": condition, "created_at": str(self.now),
            "orders": [one | {"result": None} for one in orders],
        }  # fmt: skip

    async def _place_gtt(self, request: web.Request) -> web.Response:
        asked = dict(await request.post())
        if self.refuse:
            return error(*self.refuse.pop(0))
        self.next += 1
        self.gtts[self.next] = self._gtt(self.next, asked)
        return self._said({"trigger_id": self.next})

    async def _modify_gtt(self, request: web.Request) -> web.Response:
        id, asked = int(request.match_info["id"]), dict(await request.post())
        if id not in self.gtts or self.gtts[id]["status"] != "active":
            return error(400, "InputException", "this trigger is not active")
        self.gtts[id] = self._gtt(id, asked)
        return self._said({"trigger_id": id})

    async def _delete_gtt(self, request: web.Request) -> web.Response:
        id = int(request.match_info["id"])
        if self.gtts[id]["status"] != "active":
            return error(400, "InputException", "this trigger is not active")
        self.gtts[id]["status"] = "deleted"
        return self._said({"trigger_id": id})

    async def _charges(self, request: web.Request) -> web.Response:
        notes = await request.json()
        return self._said([
            {"charges": {"total": EACH + RATE * one["quantity"] * one["average_price"]}} for one in notes
        ])  # fmt: skip


def yesterday(server: KiteServer) -> None:
    """A day goes by: orders are forgotten, and what was bought is held."""
    with server.lock:
        for order in server.orders.values():
            sign = 1 if order["transaction_type"] == "BUY" else -1
            name = order["tradingsymbol"]
            server.held[name] = server.held.get(name, 0) + sign * order["filled_quantity"]
        server.orders.clear()
        server.now += timedelta(days=1)
