"""The ledger: what the broker has said of our orders, and what of it the desk has yet to hear.

It is told of trade updates (`hear`) and of orders as REST shows them (`see`), in any order, twice or with gaps, and
answers with reports that a desk can book.  Fills are counted by the quantity filled so far, so that none is booked
twice and none stays missing; an order's end comes after its last fill.  No socket, no clock, no thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from live.brokers.late import Late
from live.brokers.orders import ALIVE, ENDED, UNBORN, Listing, id_in, moment
from live.brokers.replacement import Turn, is_lost, turned
from live.brokers.reports import Reports
from live.brokers.roster import Roster
from live.brokers.tracked import NOTHING, REPLACEMENT, Execution, Rest, Tracked, Wire, missed, tracked
from quantlib.desk.messages import CANCELLED, EXPIRED, REJECTED, REPLACED, STOP_LEG, TARGET_LEG

BUSTED = ("trade_bust", "trade_correct")
DENIED = ("order_cancel_rejected", "order_replace_rejected")


class Ledger:
    """Our orders at one broker.

    Args:
        session: its name begins the names of our orders.
        listings: how the symbols are traded, in the order of their codes.
    """

    def __init__(self, session: str, listings: Sequence[Listing]) -> None:
        self.roster = Roster(session, listings)
        self.session, self.listings, self.orders = session, self.roster.listings, self.roster.orders
        self.reports = Reports(self.roster)
        self.lots, self.incidents = self.reports.lots, self.reports.incidents
        self._late = Late(self.reports)
        self.wanted: set[int] = set()  # ids of which the broker must be asked
        self.ready: deque[Tracked] = deque()  # orders whose rest may be sent now
        self.strays = self._late.strays  # the broker's ids of orders that must not be there

    def sent(self, name: str, command: Any, more: int = 0) -> Tracked:
        """An order is about to be sent under this name; `more` of its lots are left for later."""
        order = self.orders.setdefault(int(command["id"]), tracked(command))
        order.short = self.reports.short(order)
        lots = order.lots - more - order.short
        self.roster.attach(order, Wire(name, lots=lots, limit=order.limit, stop=order.stop))
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
            self.reports.add(order, REPLACED, ts)
        lots = rest.lots - order.filled - order.short
        return self.roster.attach(order, Wire(rest.name, "", "", lots, rest.limit, rest.stop))

    def changing(self, order: Tracked, asked: int, name: str = "") -> None:
        """A cancel or, under this name, a replacement is about to be sent."""
        order.asked, order.owed = asked, False
        if name:
            self.roster.await_replacement(order, name)

    def owe(self, order: Tracked) -> None:
        """A replacement of before this connection: refused as soon as the order is seen to work without it."""
        order.asked, order.owed = REPLACEMENT, True
        self._refuse_lost(order)

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
        self.reports.accept(order, ts)  # a desk that has not heard so takes the refusal for the order's own
        self.reports.add(order, REJECTED, ts)
        order.asked, order.coming = NOTHING, None

    def charge(self, order: Tracked, ts: int, fee: float) -> None:
        """A fee of which the broker told after the fill was booked, quote currency."""
        self.reports.charge(order, ts, fee)

    def lapse(self, order: Tracked, ts: int) -> None:
        """The order came to the end of its time while nobody listened."""
        if not order.ended:
            self._end(order, EXPIRED, ts)

    def withdraw(self, order: Tracked, ts: int) -> None:
        """The order was taken back before it was sent."""
        if not order.ended:
            self._end(order, CANCELLED, ts)

    def rewrite(self, order: Tracked, lots: int, limit: int, stop: int) -> None:
        """An order that was not sent yet becomes another one; whoever dies now leaves an order that never arrived."""
        wire = order.wires[-1]
        wire.lots += lots - order.lots
        order.lots, order.limit, order.stop = lots, limit, stop
        wire.limit, wire.stop, order.asked = limit, stop, NOTHING
        self.reports.add(order, REPLACED, order.ts)

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
            self.roster.park(wire.id, update)
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

    def bare(self, order: Tracked, told: Mapping[str, Any]) -> bool:
        """Whether an entry has filled that was sent with legs, and shows none with its orders nested."""
        filled = self.listings[order.symbol].lots(told.get("filled_qty"))
        if not filled or told.get("legs") or told.get("replaced_by") or order.ended or self._is_whole(order):
            return False
        order.stop_leg = order.target_leg = 0
        text = f"order {order.id} has filled, and the broker shows no leg of its bracket"
        self.tell("unprotected", text, order, fatal=True)
        return True

    def take(self) -> NDArray[Any]:
        """Reports that were not taken yet, in their order."""
        return self.reports.take()

    def waiting(self) -> NDArray[Any]:
        """Reports that were not taken yet; they stay."""
        return self.reports.waiting()

    def owner(self, told: Mapping[str, Any]) -> Tracked | None:
        """Whose order this is."""
        found = self._find(told)
        return found[0] if found is not None else None

    def tell(self, kind: str, text: str, order: Tracked | None = None, fatal: bool = False) -> None:
        """Something that the operator is to know."""
        self.reports.tell(kind, text, order, fatal)

    def _find(self, told: Mapping[str, Any]) -> tuple[Tracked, Wire] | None:
        found = self.roster.find(told)
        for leg in self.roster.new_legs(found[0], told) if found is not None else ():
            self._replay(leg)
        return found

    def _replay_legs(self, entry: Tracked) -> None:
        for leg in self.roster.legs(entry):
            self._replay(leg)

    def _replay(self, order: Tracked) -> None:
        """Words that came before they could be understood."""
        for update in self.roster.parked(order):
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
        self.roster.park(str(told["id"]), update)
        self.wanted.update(self.roster.legless())

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
            self._late.hear(order, wire, told, missed(wire, told, listing, last, ts), own)
            return
        if wire not in order.wires:
            order.coming = wire  # perhaps it was given up, but it came
            self._settle(order, wire, told, own, ts)
        if wire not in order.wires:
            return
        if wire.status in ALIVE:
            self.reports.accept(order, ts)
        self.reports.adjust(order, ts)
        self._refuse_lost(order)
        if self._is_whole(order):
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

    def _is_whole(self, order: Tracked) -> bool:
        """Whether a fill can be booked: that of an entry only with its legs.

        The desk hears of them in one breath; else one that stopped in between would know of no leg, nor of its fill.
        """
        begun = order.booked > 0 or order.rest is not None
        return begun or len(self.roster.legs(order)) >= bool(order.stop_leg) + bool(order.target_leg)

    def _settle(
        self, order: Tracked, wire: Wire, told: Mapping[str, Any], own: Sequence[Execution] | None, ts: int
    ) -> None:  # fmt: skip
        """A replacement that was on its way, after what was just told of it or of the order that it replaces."""
        status = order.coming.status if order.coming is not None else ""
        turn = turned(order, wire, told, own, self.listings[order.symbol])
        if turn is Turn.REFUSED:
            self.refuse_change(order, ts, f"the replacement was {status}")
            order.coming = None
        if turn in (Turn.REFUSED, Turn.UNCLEAR):
            self.wanted.add(order.id)

    def _refuse_lost(self, order: Tracked) -> None:
        if is_lost(order):
            self.refuse_change(order, order.ts, "the replacement was lost with the process that asked for it")

    def _book(self, order: Tracked, wire: Wire, fill: Execution) -> None:
        if self.reports.book(order, wire, fill):
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
        self.reports.end(order, kind, ts, reason)
        self._replay_legs(order)
