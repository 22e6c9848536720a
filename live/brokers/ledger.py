"""The ledger: what the broker has said of our orders, and what of it the desk has yet to hear.

It is told of trade updates (`hear`) and of orders as REST shows them (`see`), in any order, twice or with gaps, and
answers with reports that a desk can book.  Fills are counted by the quantity filled so far, so that none is booked
twice and none stays missing; an order's end comes after its last fill.  No socket, no clock, no thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.orders import ALIVE, ENDED, SECOND, UNBORN, Listing, codes, id_in, moment
from live.brokers.protocol import Trouble
from live.brokers.tracked import (
    NOTHING,
    Execution,
    Rest,
    Tracked,
    Wire,
    buried,
    leg_of,
    missed,
    readopted,
    tracked,
)
from quantlib.desk.messages import (
    ACCEPTED,
    BUY,
    CANCELLED,
    CARRY,
    EXPIRED,
    FILL,
    REJECTED,
    REPLACED,
    REPORT,
    SELL,
    STOP_LEG,
    TARGET_LEG,
)

KEPT = 4096  # ended orders that late words may still be about
MINUTE = 60 * SECOND
PARKED = 1024  # orders unknown so far of which words are kept
BUSTED = ("trade_bust", "trade_correct")
DENIED = ("order_cancel_rejected", "order_replace_rejected")
NEWBORN = UNBORN | {"new", "accepted"}
LOST = ("canceled", "expired")  # without a word on whether it had been in force
IN_FORCE = (ALIVE | ENDED) - {"accepted", "accepted_for_bidding"}


class Ledger:
    """Our orders at one broker.

    Args:
        session: its name begins the names of our orders.
        listings: how the symbols are traded, in the order of their codes.
    """

    def __init__(self, session: str, listings: Sequence[Listing]) -> None:
        self.session, self.listings = session, tuple(listings)
        self._codes = codes([one.symbol for one in listings])
        self.orders: dict[int, Tracked] = {}
        self.lots = np.zeros(len(listings), np.int64)  # signed positions, as far as we know
        self.incidents: deque[Trouble] = deque()
        self.wanted: set[int] = set()  # ids of which the broker must be asked
        self.ready: deque[Tracked] = deque()  # orders whose rest may be sent now
        self.strays: deque[str] = deque()  # the broker's ids of orders that must not be there
        self._wires: dict[str, tuple[Tracked, Wire]] = {}  # by the broker's id
        self._names: dict[str, tuple[Tracked, Wire]] = {}  # by client order id
        self._parked: dict[str, list[Mapping[str, Any]]] = {}
        self._suspects: set[str] = set()
        self._strayed: set[str] = set()
        self._expected: set[str] = set()
        self._reports: list[tuple[Any, ...]] = []

    def sent(self, name: str, command: Any, more: int = 0) -> Tracked:
        """An order is about to be sent under this name; `more` of its lots are left for later."""
        order = self.orders.setdefault(int(command["id"]), tracked(command))
        self._attach(order, Wire(name, lots=order.lots - more, limit=order.limit, stop=order.stop))
        if more:
            order.rest = Rest(f"{name}-open", order.lots, order.limit, order.stop, more)
        return order

    def sent_rest(self, order: Tracked, ts: int) -> Wire | None:
        """The rest of an order is about to be sent; None if nothing is left of it."""
        rest, order.rest = order.rest, None
        if rest is None or order.ended:
            return None
        if rest.lots <= order.filled:
            self._end(order, CANCELLED, ts)
            return None
        if not rest.more:
            order.lots, order.limit, order.stop, order.asked = rest.lots, rest.limit, rest.stop, NOTHING
            self._report(order, REPLACED, ts)
        return self._attach(order, Wire(rest.name, "", "", rest.lots - order.filled, rest.limit, rest.stop))

    def changing(self, order: Tracked, asked: int, name: str = "") -> None:
        """A cancel or, under this name, a replacement is about to be sent."""
        order.asked = asked
        if name and name not in self._names:
            order.coming = Wire(name)
            self._names[name] = order, order.coming

    def refuse(self, order: Tracked, ts: int, reason: int, text: str) -> None:
        """The order never came to be."""
        if not order.ended:
            self.tell("refused", f"order {order.id} refused: {text}", order)
            self._end(order, REJECTED, ts, reason)

    def refuse_change(self, order: Tracked, ts: int, text: str) -> None:
        """A cancel or replacement was not done: the order works on."""
        if order.ended or order.asked == NOTHING:
            return
        self.tell("refused", f"change of order {order.id} refused: {text}", order)
        self._accept(order, ts)  # a desk that has not heard so takes the refusal for the order's own
        self._report(order, REJECTED, ts)
        order.asked, order.coming = NOTHING, None

    def charge(self, order: Tracked, ts: int, fee: float) -> None:
        """A fee of which the broker told after the fill was booked, quote currency."""
        self._report(order, CARRY, ts, fee=fee)

    def lapse(self, order: Tracked, ts: int) -> None:
        """The order came to the end of its time while nobody listened."""
        if not order.ended:
            self._end(order, EXPIRED, ts)

    def withdraw(self, order: Tracked, ts: int) -> None:
        """The order was taken back before it was sent."""
        if not order.ended:
            self._end(order, CANCELLED, ts)

    def rewrite(self, order: Tracked, lots: int, limit: int, stop: int) -> None:
        """An order that was not sent yet becomes another one."""
        wire = order.wires[-1]
        wire.lots += lots - order.lots
        order.lots, order.limit, order.stop = lots, limit, stop
        wire.limit, wire.stop, order.asked = limit, stop, NOTHING
        self._accept(order, order.ts)
        self._report(order, REPLACED, order.ts)

    def adopt(self, record: Any) -> Tracked:
        """Know an order that the desk knew before this connection: an ORDER record."""
        if record["leg"] in (STOP_LEG, TARGET_LEG):
            group, code = int(record["group"]), int(record["symbol"])
            self.orders.setdefault(group, buried(group, code, -int(record["side"])))
        return self.orders.setdefault(int(record["id"]), readopted(record))

    def bury(self, told: Mapping[str, Any]) -> None:
        """Know an entry that has ended for the desk, for the sake of its legs."""
        id, code = id_in(told.get("client_order_id"), self.session), self._codes.get(str(told.get("symbol")), -1)
        if id and code >= 0:
            side = BUY if told.get("side") == "buy" else SELL
            self.orders.setdefault(id, buried(id, code, side))

    def hear(self, update: Mapping[str, Any]) -> None:
        """A trade update: the `data` of a message of the trading stream."""
        told, event = update["order"], str(update.get("event"))
        found = self._find(told)
        if found is None:
            self._park(told, update)
            return
        order, wire = found
        ts = moment(update.get("timestamp")) or moment(told.get("updated_at"))
        if event in BUSTED:
            text = f"{event.replace('_', ' ')} of order {order.id} ({wire.id}): its fill is not what was booked"
            self.tell("bust", f"{text}; compare positions with the broker before trading on", order, fatal=True)
        elif self._is_early(order, told):
            self._parked.setdefault(wire.id, []).append(update)
            self.wanted.add(order.group)
        else:
            last = None
            if event in ("fill", "partial_fill") and update.get("price") is not None:
                last = Execution(self.listings[order.symbol].lots(update.get("qty")), float(update["price"]), ts)
            self._observe(order, wire, told, last, ts)
            if event in DENIED:
                self.refuse_change(order, ts, str(update.get("reason") or event.replace("_", " ")))

    def see(self, told: Mapping[str, Any], executions: Mapping[str, Sequence[Execution]] | None = None) -> bool:
        """An order as REST shows it, with its legs; whether it is ours.

        Args:
            executions: by the broker's ids, so that fills that were missed get their own prices.
        """
        found = self._find(told)
        if found is None:
            return False
        order, wire = found
        ts = moment(told.get("updated_at")) or moment(told.get("submitted_at"))
        if not self._is_early(order, told):
            own = (executions or {}).get(wire.id)
            self._observe(order, wire, told, None, moment(told.get("filled_at")) or ts, own)
        for leg in told.get("legs") or ():
            self.see(leg, executions)
        return True

    def lacks(self, told: Mapping[str, Any]) -> bool:
        """Whether REST shows fills of an order, or of its legs, that we have not heard of."""
        found = self._find(told)
        if found is not None and not found[0].ended:
            order, wire = found
            lots = self.listings[order.symbol].lots(told.get("filled_qty"))
            if lots > wire.filled or (lots and wire is order.coming):
                return True
        return any(self.lacks(leg) for leg in told.get("legs") or ())

    def take(self) -> NDArray[Any]:
        """Reports that were not taken yet, in their order."""
        reports = np.array(self._reports, REPORT)
        self._reports.clear()
        return reports

    def waiting(self) -> NDArray[Any]:
        """Reports that were not taken yet; they stay."""
        return np.array(self._reports, REPORT)

    def owner(self, told: Mapping[str, Any]) -> Tracked | None:
        """Whose order this is."""
        found = self._find(told)
        return found[0] if found is not None else None

    def is_this(self, order: Tracked, told: Mapping[str, Any]) -> bool:
        """Whether what bears an order's name is this order, and none of an earlier session of the same name."""
        symbol, side = self.listings[order.symbol].symbol, "buy" if order.side > 0 else "sell"
        same = str(told.get("symbol")) in (symbol, symbol.replace("/", "")) and told.get("side") == side
        return same and moment(told.get("submitted_at")) >= order.ts - MINUTE

    def knows(self, id: str) -> bool:
        """Whether an order of this id at the broker is one of ours."""
        return id in self._wires

    def expect(self, id: str) -> None:
        """An order at the broker that is not the desk's, but no stranger's either."""
        self._expected.add(id)

    def foreign(self) -> list[Mapping[str, Any]]:
        """Orders that are none of ours, if nobody has claimed them since this was last asked; each is told once."""
        lost = {id for id in self._parked if id not in self._wires and id not in self._expected}
        found = [self._parked.pop(id)[0]["order"] for id in sorted(lost & self._suspects)]
        self._suspects = lost
        return found

    def forget(self) -> None:
        """Let go of all but the latest orders that ended."""
        ended = sorted(order.id for order in self.orders.values() if order.ended)
        for id in ended[:-KEPT]:
            for wire in self.orders.pop(id).wires:
                self._wires.pop(wire.id, None)
                self._names.pop(wire.name, None)

    def tell(self, kind: str, text: str, order: Tracked | None = None, fatal: bool = False) -> None:
        """Something that the operator is to know."""
        about = f"{self.listings[order.symbol].symbol}: " if order is not None else ""
        self.incidents.append(Trouble(kind, about + text, fatal))

    def _attach(self, order: Tracked, wire: Wire) -> Wire:
        order.wires.append(wire)
        self._names[wire.name] = order, wire
        return wire

    def _find(self, told: Mapping[str, Any]) -> tuple[Tracked, Wire] | None:
        """Whose order this is: by the broker's id, by its name, as what replaces one of ours, or known from before."""
        id, name = str(told["id"]), str(told.get("client_order_id"))
        found = self._wires.get(id) or self._names.get(name)
        if found is None:
            before = self._wires.get(str(told.get("replaces")))
            order = before[0] if before else self.orders.get(id_in(name, self.session))
            if order is None or not self.is_this(order, told) or (order.wires and before is None):
                return None
            if order.wires:
                order.coming = Wire(name, filled=order.known(told, self.listings[order.symbol]))
                found = order, order.coming
            else:
                found = order, self._meet(order, told)
        order, wire = found
        if not wire.id:
            if not self.is_this(order, told):
                return None
            wire.id = id
            self._wires[id] = found
        self._know_legs(order, told)
        return found

    def _meet(self, order: Tracked, told: Mapping[str, Any]) -> Wire:
        """The first order at the broker of one that we do not know it of, though the desk may know of fills."""
        known = order.known(told, self.listings[order.symbol])
        average = float(told.get("filled_avg_price") or 0.0)
        paid = order.paid if known == order.booked else known * average
        wire = Wire(str(told.get("client_order_id")), str(told["id"]), filled=known, paid=paid)
        self._wires[wire.id] = order, self._attach(order, wire)
        return wire

    def _know_legs(self, entry: Tracked, told: Mapping[str, Any]) -> None:
        for leg in told.get("legs") or ():
            if str(leg["id"]) in self._wires or str(leg.get("replaces")) in self._wires:
                continue
            one = leg_of(entry, leg, self.listings[entry.symbol])
            if entry.buried and str(leg.get("status")) in ENDED:
                one.ended = one.buried = True  # the desk, which does not know it any more, has heard of its end
            one = self.orders.setdefault(one.id, one)
            if not one.wires:
                self._meet(one, leg)
                self._replay(one)

    def _replay_legs(self, entry: Tracked) -> None:
        for id in (entry.id + 1, entry.id + 2):
            if id in self.orders and self.orders[id].group == entry.id:
                self._replay(self.orders[id])

    def _replay(self, order: Tracked) -> None:
        """Words that came before they could be understood."""
        for wire in order.wires:
            for update in self._parked.pop(wire.id, ()):
                self.hear(update)

    def _is_early(self, order: Tracked, told: Mapping[str, Any]) -> bool:
        """Whether a leg is told of before its entry: no leg lives before a fill of its entry."""
        entry = self.orders.get(order.group) if order.leg in (STOP_LEG, TARGET_LEG) else None
        unfilled = entry is not None and not entry.ended and entry.booked == 0
        return unfilled and str(told.get("status")) not in UNBORN

    def _park(self, told: Mapping[str, Any], update: Mapping[str, Any]) -> None:
        """A leg whose entry's answer has not come, or an order of someone else."""
        if id_in(told.get("client_order_id"), self.session):
            return  # it ended so long ago that it was forgotten
        if len(self._parked) < PARKED:
            self._parked.setdefault(str(told["id"]), []).append(update)
        for order in self.orders.values():
            if order.stop_leg or order.target_leg:
                legs = bool(order.stop_leg) + bool(order.target_leg)
                if not order.ended and sum(order.id + n in self.orders for n in (1, 2)) < legs:
                    self.wanted.add(order.id)

    def _observe(
        self, order: Tracked, wire: Wire, told: Mapping[str, Any], last: Execution | None, ts: int,
        own: Sequence[Execution] | None = None,
    ) -> None:  # fmt: skip
        """What one look at one order at the broker comes to; `own` are its executions, where they are known."""
        listing, status = self.listings[order.symbol], str(told.get("status"))
        if status not in ALIVE | UNBORN | ENDED:
            self.wanted.add(order.id)
        wire.read(told, listing)
        if order.ended:
            self._late(order, wire, told, missed(wire, told, listing, last, ts), own)
            return
        if wire not in order.wires:
            order.coming = wire  # perhaps it was given up, but it came
            self._settle(order, wire, told, own, ts)
        if wire not in order.wires:
            return
        if wire.status in ALIVE:
            self._accept(order, ts)
        self._adjust(order, ts)
        for fill in own or ():
            if fill.total - fill.lots == wire.filled:
                self._book(order, wire, fill)
        for fill in missed(wire, told, listing, last, ts):
            self._book(order, wire, fill)
        if wire.total > wire.filled:
            self.wanted.add(order.id)  # a fill without a price, or of which only older words say nothing
        elif wire is order.wire and wire.status in ENDED and not order.ended:
            self._settle(order, wire, told, None, ts)
            if wire is order.wire:
                self._conclude(order, wire, ts)

    def _settle(
        self, order: Tracked, wire: Wire, told: Mapping[str, Any], own: Sequence[Execution] | None, ts: int
    ) -> None:  # fmt: skip
        """A replacement is in force once the old order says so, and it is known whose fills the new one counts."""
        old, coming = order.wire, order.coming
        if coming is None or old is None:
            return
        if coming.status == "rejected" or (coming.status in LOST and old.status in ALIVE and old.seen >= coming.seen):
            self.refuse_change(order, ts, f"the replacement was {coming.status}")
            order.coming = None
            self.wanted.add(order.id)
        elif old.status == "replaced" and old.next and coming.id and old.next != coming.id:
            order.coming = None  # another one took its place
        elif old.status == "replaced" and coming.id:
            if old.filled == 0:
                coming.carries = False
            elif wire is coming:
                self._judge(order, old, coming, told, own)
            if coming.carries is None:
                self.wanted.add(order.id)
                return
            order.wires.append(coming)
            order.coming, order.asked = None, NOTHING
        elif coming.status in IN_FORCE:
            self.wanted.add(order.id)  # the old one's last words are missing

    def _judge(
        self, order: Tracked, old: Wire, coming: Wire, told: Mapping[str, Any], own: Sequence[Execution] | None
    ) -> None:  # fmt: skip
        """Whether a replacement counts the fills of the order that it replaced; brokers differ."""
        if moment(told.get("updated_at")) < old.seen:
            return  # from before it was in force
        filled = self.listings[order.symbol].lots(told.get("filled_qty"))
        if own is not None:
            coming.carries = filled > sum(one.lots for one in own)
        elif filled == 0 or str(told.get("status")) in NEWBORN:
            coming.carries = filled > 0
        if coming.carries:
            coming.filled = min(filled, order.booked)
            coming.paid = sum(one.paid for one in order.wires) * coming.filled / max(1, order.filled)

    def _adjust(self, order: Tracked, ts: int) -> None:
        """Tell the desk of other lots or prices than it knows."""
        now = order.wire
        if now is None or not now.status or now.status in UNBORN:
            return
        asks = order.whole, now.limit, now.stop
        if asks != (order.lots, order.limit, order.stop) and asks[0] > order.booked:
            order.lots, order.limit, order.stop = asks
            self._accept(order, ts)
            self._report(order, REPLACED, ts)

    def _accept(self, order: Tracked, ts: int) -> None:
        if not order.accepted:
            order.accepted = True
            self._report(order, ACCEPTED, ts)

    def _book(self, order: Tracked, wire: Wire, fill: Execution) -> None:
        self._accept(order, fill.ts)  # a leg must be known before it fills
        wire.filled += fill.lots
        wire.paid += fill.lots * fill.price
        self._adjust(order, fill.ts)  # what was filled before a replacement makes the whole larger
        if fill.lots > order.lots - order.booked:
            text = f"order {order.id} of {order.lots} lots has filled {order.booked + fill.lots}"
            self.tell("excess", f"{text}; compare positions with the broker before trading on", order, fatal=True)
            return
        order.booked += fill.lots
        self.lots[order.symbol] += order.side * fill.lots
        self._report(order, FILL, fill.ts, fill.lots, fill.price, fee=fill.fee)
        order.ended = order.booked == order.lots
        self._replay_legs(order)

    def _conclude(self, order: Tracked, wire: Wire, ts: int) -> None:
        """The order in force has ended, with what has filled booked."""
        if wire.status == "replaced":
            self.wanted.add(order.id)  # by an order that we are yet to meet
        elif order.rest is not None and wire.status == order.rest.awaited:
            self.ready.append(order)
        elif wire.status == "filled":
            self.tell("short", f"order {order.id} filled {order.booked} of {order.lots} lots and is done", order)
            self._end(order, CANCELLED, ts)
        else:
            self._end(order, {"expired": EXPIRED, "rejected": REJECTED}.get(wire.status, CANCELLED), ts)

    def _end(self, order: Tracked, kind: int, ts: int, reason: int = 0) -> None:
        """The desk hears of the end, unless of a leg of which it never heard."""
        order.ended, order.coming = True, None
        heard = order.accepted or order.booked > 0
        if heard or order.leg not in (STOP_LEG, TARGET_LEG):
            self._report(order, CANCELLED if kind == REJECTED and heard else kind, ts, reason=reason)
        self._replay_legs(order)

    def _late(
        self, order: Tracked, wire: Wire, told: Mapping[str, Any], fills: Sequence[Execution],
        own: Sequence[Execution] | None,
    ) -> None:  # fmt: skip
        """Words about an order that has ended for the desk."""
        if order.buried:
            return
        if wire not in order.wires and wire.carries is None:  # a replacement that was too late, or was not
            total = self.listings[order.symbol].lots(told.get("filled_qty"))
            wire.carries = True
            wire.filled = total - sum(one.lots for one in own) if own is not None else min(total, order.booked)
            fills = (
                missed(wire, told, self.listings[order.symbol], None, wire.seen) if wire.status != "rejected" else ()
            )
        for fill in fills:
            wire.filled += fill.lots
            wire.paid += fill.lots * fill.price
            text = f"order {order.id} filled {fill.lots} lots at {fill.price} after its end"
            self.tell("late fill", f"{text}; compare positions with the broker before trading on", order, fatal=True)
        alive = wire.status in ALIVE | UNBORN and wire.lots > wire.filled
        if alive and wire.id not in self._strayed:
            self._strayed.add(wire.id)
            self.strays.append(wire.id)
            self.tell("stray", f"order {order.id} is at the broker though it was given up; it is cancelled", order)

    def _report(
        self, o: Tracked, kind: int, ts: int, lots: int = 0, price: float = 0.0, reason: int = 0, fee: float = 0.0
    ) -> None:  # fmt: skip
        self._reports.append(
            (ts, o.id, o.group, lots or o.lots, o.limit, o.stop, price, fee, 0.0, o.symbol, kind, o.side, o.order,
             o.leg, reason)
        )  # fmt: skip
