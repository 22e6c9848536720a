"""All orders and what was told of them: reports of the exchange become states of orders, money, and trade updates."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from live.sim.account import Account, Execution
from live.sim.intake import Leg, OrderRequest
from live.sim.lifecycle import Lifecycle
from live.sim.order import Order, Steps
from live.sim.wire import instant, name_of, number, quantity
from quantlib.desk.messages import ACCEPTED, BUY, CANCELLED, CARRY, EXPIRED, FILL, REJECTED, REPLACED

ACCOUNTED = {CANCELLED: "canceled", EXPIRED: "expired"}


class Ledger:
    """Orders by their names, the account, and updates that wait to be sent."""

    def __init__(self, account: Account, life: Lifecycle, seed: int) -> None:
        self.account, self.life, self.seed = account, life, seed
        self.now = 0
        self.orders: dict[str, Order] = {}  # by id, in the order of their arrival
        self.named: dict[str, Order] = {}  # by client order id
        self.working: dict[int, Order] = {}  # by id in the exchange; those held for their entry too
        self.replacing: dict[int, Order] = {}  # what takes an order's place once the exchange says so
        self.updates: deque[dict[str, Any]] = deque()
        self.told = 0  # updates so far
        self._stamped = 0

    def stamp(self) -> int:
        """An instant of now that no other order has: pages of orders are cut by time."""
        self._stamped = max(self.now, self._stamped + 1)
        return self._stamped

    def identity(self) -> str:
        """The id of one more order."""
        return name_of("order", self.seed, len(self.orders))

    def enter(self, order: Order) -> Order:
        """Take an order in, with a client order id of its own if it has none."""
        order.client_order_id = order.client_order_id or name_of("client", order.id)
        self.orders[order.id] = self.named[order.client_order_id] = order
        return order

    def take(self, ask: OrderRequest, key: int, code: int, intent: str, steps: Steps, status: str) -> Order:
        """A new order and its legs: those of a bracket are held for it, that of an OCO order works beside it."""
        order = self.enter(Order(
            key, self.identity(), ask.client_order_id, code, ask.symbol, steps, ask.side, ask.kind, ask.tif,
            ask.order_class, intent, ask.lots, self.stamp(), ask.limit, ask.stop, ask.notional, ask.trail_price,
            ask.trail_percent, extended=ask.extended, status=status,
        ))  # fmt: skip
        self.working[key] = order
        together = ask.order_class == "oco"
        for at, prices in ((1, ask.loss),) if together else ((2, ask.target), (1, ask.loss)):
            if prices.stop or prices.limit:
                self._leg(order, at, prices, ask.side if together else -ask.side, status if together else "held")
        return order

    def open(self) -> list[Order]:
        """Orders that have not ended, in the order of their arrival."""
        return sorted(self.working.values(), key=lambda order: order.submitted)

    def tell(self, event: str, order: Order, ts: int, **more: str) -> None:
        """One trade update, with the order as it is now."""
        self.told += 1
        said: dict[str, Any] = {
            "event": event,
            "execution_id": name_of("update", self.seed, self.told),
            "order": order.json(),
        }
        said |= {"timestamp": instant(ts), **more}
        self.updates.append({"stream": "trade_updates", "data": said})

    def hear(self, report: Any) -> None:
        """One report of the exchange."""
        kind, ts = int(report["kind"]), int(report["ts"])
        if kind == CARRY:
            self.account.cash -= float(report["fee"])
            return
        order = self.working.get(int(report["id"]))
        if order is None:
            return  # a late answer to a change: the order had ended
        if kind == ACCEPTED:
            self._accepted(order, int(report["lots"]), ts)
        elif kind == FILL:
            self._filled(order, int(report["lots"]), float(report["price"]), float(report["fee"]), ts)
        elif kind in ACCOUNTED:
            self.end(order, ACCOUNTED[kind], ts)
        elif kind == REPLACED:
            self._replaced(order, report, ts)
        elif kind == REJECTED and order.key in self.replacing:
            self.refuse_change(order, ts)
        elif kind == REJECTED and order.status in ("pending_new", "accepted"):
            self.end(order, "rejected", ts)

    def end(self, order: Order, status: str, ts: int) -> None:
        """An order ends unfilled or filled in part, and the legs that waited for it with it."""
        order.status, order.updated = status, ts
        if status == "canceled":
            order.canceled_at = ts
        elif status == "expired":
            order.expired_at = ts
        else:
            order.failed_at = ts
        self._gone(order)
        self.tell(status, order, ts)
        for leg in order.legs:
            if leg.status == "held":
                self.end(leg, "canceled", ts)

    def refuse_change(self, order: Order, ts: int) -> None:
        """A cancel or a replacement is refused after it was taken: the order works on as it was."""
        event = "order_replace_rejected" if order.status == "pending_replace" else "order_cancel_rejected"
        replacement = self.replacing.pop(order.key, None)
        if replacement is not None:
            replacement.status, replacement.failed_at = "rejected", ts
        if not order.ended:
            order.status = order.before
        self.tell(event, order, ts)

    def supersede(self, old: Order, new: Order, ts: int) -> None:
        """A replacement takes its order's place, with what is filled of it and its legs."""
        new.status = old.before if old.status == "pending_replace" else old.status
        new.filled, new.average, new.filled_at, new.updated = old.filled, old.average, old.filled_at, ts
        new.legs, new.parent, new.hwm = old.legs, old.parent, old.hwm
        for leg in new.legs:
            leg.parent = new
        if new.parent is not None:
            new.parent.legs = [new if leg is old else leg for leg in new.parent.legs]
        old.status, old.replaced_at, old.updated, old.replaced_by, old.legs = "replaced", ts, ts, new.id, []
        self.working[new.key] = new
        self.tell("replaced", old, ts)
        if new.status != "held":
            self.tell("accepted" if new.status == "accepted" else "new", new, ts)

    def _leg(self, parent: Order, at: int, prices: Leg, side: int, status: str) -> None:
        """One leg of a complex order; its key is `at` after its parent's."""
        kind = "stop_limit" if prices.stop and prices.limit else "stop" if prices.stop else "limit"
        leg = self.enter(replace(
            parent, key=parent.key + at, id=self.identity(), client_order_id="", side=side, kind=kind,
            intent="buy_to_close" if side == BUY else "sell_to_close", submitted=self.stamp(), limit=prices.limit,
            stop=prices.stop, status=status, legs=[], parent=parent,
        ))  # fmt: skip
        parent.legs.append(leg)
        self.working[leg.key] = leg

    def _accepted(self, order: Order, lots: int, ts: int) -> None:
        if order.status == "held" or order.status == "pending_new":
            order.status, order.lots, order.updated = "new", lots, ts
            self.tell("new", order, ts)

    def _replaced(self, order: Order, report: Any, ts: int) -> None:
        new = self.replacing.get(order.key)
        asked = (int(report["lots"]), int(report["limit"]), int(report["stop"]))
        if new is not None and asked == (new.lots, new.limit, new.stop):
            del self.replacing[order.key]
            self.supersede(order, new, ts)
        else:  # a leg that grows with its entry, or shrinks with its sibling
            order.lots, order.updated = asked[0], ts
            self.tell("restated", order, ts)

    def _filled(self, order: Order, lots: int, price: float, fee: float, ts: int) -> None:
        split = self.life.strikes("split", order, ts)
        parts = min(split.parts, lots) if split else 1
        for part in range(parts):
            size = lots // parts + (part < lots % parts)
            one = self.account.fill(order, ts, size, price, fee if part == 0 else 0.0)
            if order.status == "filled":
                self._gone(order)
            self._execution(one.status, one)
            self._broken(one, ts)

    def _broken(self, one: Execution, ts: int) -> None:
        """An execution that a twist takes back or corrects."""
        if self.life.strikes("bust", one.order, ts):
            self.account.undo(one)
            self._execution("trade_bust", one)
        elif twist := self.life.strikes("correct", one.order, ts):
            self.account.undo(one)
            one = self.account.fill(one.order, ts, one.lots, twist.price, 0.0)
            self._execution("trade_correct", one)

    def _execution(self, event: str, one: Execution) -> None:
        order, lot = one.order, one.order.steps.lot
        held = self.account.holdings[order.code].quantity
        said = {"price": number(one.price), "qty": quantity(one.lots, lot), "position_qty": held}
        self.tell(event, order, one.ts, **said)

    def _gone(self, order: Order) -> None:
        self.working.pop(order.key, None)
        replacement = self.replacing.pop(order.key, None)
        if replacement is not None:
            replacement.status, replacement.canceled_at = "canceled", order.updated
