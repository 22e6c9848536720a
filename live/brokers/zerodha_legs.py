"""A bracket's legs at Zerodha, which has no bracket orders: one GTT with two triggers, of which one puts out the other.

A GTT stands at the broker, outlives this program and the day, and places a limit order when its trigger is reached.  It
can only be asked for once the entry has filled, so the position stands bare for the time of one call; the desk hears of
the fill when its legs stand, so that a desk that dies in between finds the fill again, and arms it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from live.brokers.line import Shown
from live.brokers.orders import ENDED, SECOND, Listing
from live.brokers.tracked import Execution, Tracked
from live.brokers.zerodha_guard import Guard, Leg
from live.brokers.zerodha_orders import Kite, day, nanoseconds, shown
from live.brokers.zerodha_rest import KiteRest
from live.errors import BrokerError, Refused, Unanswered
from quantlib.desk.messages import BUY, STOP_LEG, TARGET_LEG

MINUTE = 60 * SECOND
LEGS = {STOP_LEG: "stop", TARGET_LEG: "target"}
GONE = {"expired": "expired", "rejected": "rejected"}  # of a GTT; all other ends are cancels
STANDS, FIRED = "active", "triggered"

Fills = Callable[[Mapping[str, Any]], tuple[tuple[Execution, ...], int]]  # of an order: executions, units that count


class Legs:
    """All brackets of one session.

    Args:
        rest, kite: of the login.
        session, listings: names and symbols.
        tell: kind, text, and whether it is fatal.
        settle: seconds after which a GTT that was asked for and is not there has not arrived.
        clock: seconds, monotonic.
    """

    def __init__(
        self, rest: KiteRest, kite: Kite, session: str, listings: Sequence[Listing],
        tell: Callable[[str, str, bool], None], settle: float, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.rest, self.kite, self.session, self.listings = rest, kite, session, listings
        self.tell, self.settle, self.clock = tell, settle, clock
        self.guards: dict[int, Guard] = {}  # by the entry's id

    def know(self, order: Tracked) -> None:
        """An entry that brings legs, or a leg that the desk knew before."""
        if order.leg in LEGS:
            guard = self.guards.setdefault(order.group, Guard(order.group, order.symbol, order.side, order.ts))
            guard.legs[order.leg] = Leg(order.stop if order.leg == STOP_LEG else order.limit, "new")
            guard.lots = max(guard.lots, order.lots)
        elif order.stop_leg or order.target_leg:
            guard = self.guards.setdefault(order.id, Guard(order.id, order.symbol, -order.side, order.ts))
            for kind, ticks in ((STOP_LEG, order.stop_leg), (TARGET_LEG, order.target_leg)):
                if ticks and kind not in guard.legs:
                    guard.legs[kind] = Leg(ticks)

    @property
    def lagging(self) -> bool:
        """Whether legs are to stand for more than they do, and may yet."""
        return any(guard.wanted > guard.lots and guard.alive and not guard.bare for guard in self.guards.values())

    def drop(self, entry: int) -> None:
        """The entry ended without a fill: its legs never stand."""
        guard = self.guards.get(entry)
        if guard is not None and not guard.trigger:
            del self.guards[entry]

    def see(self, gtts: Sequence[Mapping[str, Any]], orders: Mapping[str, Mapping[str, Any]], at: int) -> None:
        """Take in the orders of the day by their ids, and all GTTs of the account, asked for after them.

        In this order, for what a trigger has just placed is known by its GTT alone.
        """
        claimed = {guard.trigger for guard in self.guards.values()}
        for guard in self.guards.values():
            if not guard.alive:
                continue
            found = self._found(guard, gtts, claimed)
            if found is not None:
                claimed.add(guard.trigger)
                self._read(guard, found, orders, at)
            elif guard.trigger or (not guard.doubted and any(leg.status for leg in guard.alive.values())):
                self._end(guard, "canceled", "is not there any more")
        for guard in self.guards.values():
            if guard.wanted > guard.lots:
                self.arm(guard, guard.wanted, guard.fallback)

    def arm(self, guard: Guard, lots: int, price: float) -> int:
        """See that so many lots are guarded; how many are, so that the desk may hear of their fills."""
        guard.fallback, guard.wanted = price, lots
        if lots <= guard.lots or guard.bare or not guard.alive:
            return lots
        now = self.clock()
        guard.tried = guard.tried or now
        if guard.doubted and not guard.trigger and now - guard.doubted < self.settle:
            return guard.lots  # perhaps it stands: the next look will tell
        try:
            self._ask(guard, lots)
        except Refused as error:
            self._bare(guard, str(error))
            return lots
        except Unanswered:
            guard.doubted = now
        except BrokerError as error:
            if now - guard.tried >= self.settle:
                self._bare(guard, str(error))
                return lots
        else:
            guard.tried = guard.doubted = 0.0
        return guard.lots

    def amend(self, order: Tracked, lots: int, limit: int, stop: int) -> None:
        """Move a leg."""
        guard, leg = self._leg(order)
        ticks = stop if order.leg == STOP_LEG else limit
        if leg.order:
            listing = self.listings[guard.symbol]
            price = float(listing.price(self._limit(guard, order.leg, ticks)))
            id, units = leg.order, int(listing.quantity(lots))
            self.rest.send("PUT /orders", lambda kite: kite.modify_order("regular", id, quantity=units, price=price))
            leg.ticks = ticks
            return
        before, leg.ticks = leg.ticks, ticks
        try:
            self._ask(guard, lots)
        except BrokerError:
            leg.ticks = before  # the next look tells what has become of it
            raise

    def cancel(self, order: Tracked) -> None:
        """Take a leg back; the other one stands on, after a moment in which none does."""
        guard, leg = self._leg(order)
        if leg.order:
            id = leg.order
            self.rest.send("DELETE /orders", lambda kite: kite.cancel_order("regular", id))
            return
        trigger = guard.trigger
        if trigger:
            self.rest.send("DELETE /gtt/triggers", lambda kite: kite.delete_gtt(trigger))
        leg.status, guard.trigger = "canceled", 0
        if guard.alive:
            guard.lots, lots = 0, guard.lots
            self.arm(guard, lots, guard.fallback)

    def shown(self, guard: Guard, orders: Mapping[str, Mapping[str, Any]], fills: Fills, at: int) -> tuple[Shown, ...]:
        """The legs that stand or have stood, as the ledger takes them."""
        found, listing = [], self.listings[guard.symbol]
        for kind, leg in guard.legs.items():
            if not leg.status:
                continue
            price = leg.ticks / listing.per_tick
            one = Shown(
                self._name(guard, kind), self._name(guard, kind), listing.symbol, guard.side, leg.status,
                listing.quantity(guard.lots), 0.0 if kind == STOP_LEG else price, price if kind == STOP_LEG else 0.0,
                at=at, begun=max(guard.since, 0),
            )  # fmt: skip
            told = orders.get(leg.order)
            if told is not None:
                executions, counted = fills(told)
                placed = shown(told, one.name, listing.symbol, at, executions, counted)
                status = "new" if placed.status == "pending_new" else placed.status
                one = one._replace(
                    status=status, filled=placed.filled, average=placed.average, executions=placed.executions
                )
                leg.status = status
                self._check(guard, kind, placed)
            found.append(one)
        return tuple(found)

    def named(self, id: int) -> Guard | None:
        """The guard of a leg, by the leg's number."""
        for guard in self.guards.values():
            if any(guard.entry + (1 if kind == STOP_LEG else 2) == id for kind in guard.legs):
                return guard
        return None

    def _name(self, guard: Guard, kind: int) -> str:
        return f"{self.session}-{guard.entry + (1 if kind == STOP_LEG else 2)}"

    def _leg(self, order: Tracked) -> tuple[Guard, Leg]:
        guard = self.guards.get(order.group)
        if guard is None or order.leg not in guard.legs:
            raise Refused(f"broker: order {order.id} is no leg that stands")
        return guard, guard.legs[order.leg]

    def _found(self, guard: Guard, gtts: Sequence[Mapping[str, Any]], claimed: set[int]) -> Mapping[str, Any] | None:
        """The GTT of a guard: by its id, or the one that can only be it."""
        if guard.trigger:
            return next((one for one in gtts if int(one["id"]) == guard.trigger), None)
        place = self.kite.place(self.listings[guard.symbol].symbol)
        likely = [
            one for one in gtts
            if int(one["id"]) not in claimed and one["status"] in (STANDS, FIRED)
            and (one["condition"]["exchange"], one["condition"]["tradingsymbol"]) == place
            and one["orders"][0]["transaction_type"] == self._action(guard)
            and nanoseconds(one["created_at"]) >= guard.since - MINUTE
        ]  # fmt: skip
        values = [price for price, _ in self._triggers(guard)]
        same = [one for one in likely if [float(v) for v in one["condition"]["trigger_values"]] == values]
        best = same or (likely if len(likely) == 1 and any(leg.status for leg in guard.legs.values()) else [])
        if not best:
            return None
        guard.trigger, guard.doubted, guard.tried = int(best[0]["id"]), 0.0, 0.0
        guard.kinds = tuple(kind for _, kind in self._triggers(guard))
        return best[0]

    def _read(
        self, guard: Guard, told: Mapping[str, Any], orders: Mapping[str, Mapping[str, Any]], at: int
    ) -> None:  # fmt: skip
        listing, kinds = self.listings[guard.symbol], guard.kinds
        guard.lots = listing.lots(told["orders"][0]["quantity"])
        if told["status"] == STANDS:
            for kind, value in zip(kinds, told["condition"]["trigger_values"], strict=False):
                guard.legs[kind].status, guard.legs[kind].ticks = "new", listing.ticks(value)
        elif told["status"] == FIRED:
            for kind, order in zip(kinds, told["orders"], strict=False):
                self._fired(guard, kind, order.get("result"), orders, at)
        else:
            self._end(guard, GONE.get(told["status"], "canceled"), f"is {told['status']}")

    def _fired(
        self, guard: Guard, kind: int, result: Mapping[str, Any] | None, orders: Mapping[str, Mapping[str, Any]],
        at: int,
    ) -> None:  # fmt: skip
        leg = guard.legs[kind]
        if not result:
            leg.status = "canceled"  # the other one was reached
            return
        placed = result.get("order_result") or {}
        leg.order = str(placed.get("order_id") or "")
        leg.status = leg.status or "new"
        if str(placed.get("status")) == "failed":
            leg.status = "rejected"
            self._bare(guard, f"its {LEGS[kind]} was reached, and the order refused: {placed.get('rejection_reason')}")
        elif leg.order not in orders and day(nanoseconds(result.get("timestamp"))) < day(at):
            leg.status = "canceled"  # it was for a day that is over

    def _end(self, guard: Guard, status: str, why: str) -> None:
        for leg in guard.alive.values():
            leg.status = status
        self._bare(guard, f"its GTT {guard.trigger} {why}")

    def _check(self, guard: Guard, kind: int, placed: Shown) -> None:
        """A leg whose order ends before all is sold leaves the rest bare."""
        if placed.status in ENDED - {"filled"} and float(placed.filled) < float(placed.quantity):
            self._bare(guard, f"its {LEGS[kind]}'s order is {placed.status} with {placed.filled} filled")

    def _bare(self, guard: Guard, why: str) -> None:
        if not guard.bare:
            guard.bare = True
            symbol = self.listings[guard.symbol].symbol
            self.tell("unprotected", f"{symbol}: order {guard.entry} has no legs: {why}; guard it by hand", True)

    def _ask(self, guard: Guard, lots: int) -> None:
        """Place the GTT, or change the one that stands."""
        triggers, listing = self._triggers(guard), self.listings[guard.symbol]
        exchange, name = self.kite.place(listing.symbol)
        orders = [
            {"transaction_type": self._action(guard), "quantity": int(listing.quantity(lots)), "order_type": "LIMIT",
             "product": self.kite.product, "price": float(listing.price(self._limit(guard, k, guard.legs[k].ticks)))}
            for _, k in triggers
        ]  # fmt: skip
        kind = "two-leg" if len(triggers) == 2 else "single"
        said = (kind, name, exchange, [price for price, _ in triggers], self._last(guard), orders)
        trigger = guard.trigger
        if trigger:
            self.rest.send("PUT /gtt/triggers", lambda kite: kite.modify_gtt(trigger, *said))
        else:
            answer = self.rest.send("POST /gtt/triggers", lambda kite: kite.place_gtt(*said))
            guard.trigger = int(answer["trigger_id"])
        guard.lots, guard.kinds = lots, tuple(k for _, k in triggers)
        for leg in guard.alive.values():
            leg.status = leg.status or "new"

    def _triggers(self, guard: Guard) -> list[tuple[float, int]]:
        """Trigger prices with their legs, the lower one first."""
        per_tick = self.listings[guard.symbol].per_tick
        return sorted((leg.ticks / per_tick, kind) for kind, leg in guard.alive.items())

    def _limit(self, guard: Guard, kind: int, ticks: int) -> int:
        """The price of the order that a trigger places, in ticks: a stop's gives way."""
        return round(ticks * (1.0 + guard.side * self.kite.slip)) if kind == STOP_LEG else ticks

    def _last(self, guard: Guard) -> float:
        exchange, name = self.kite.place(self.listings[guard.symbol].symbol)
        key = f"{exchange}:{name}"
        try:
            return float(self.rest.ask("GET /quote/ltp", lambda kite: kite.ltp(key))[key]["last_price"])
        except (BrokerError, KeyError, TypeError, ValueError):
            return guard.fallback  # not every login has quotes

    def _action(self, guard: Guard) -> str:
        return "BUY" if guard.side == BUY else "SELL"
