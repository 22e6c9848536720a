"""The roster: which order at the broker is which order of the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from live.brokers.orders import ENDED, SECOND, Listing, codes, id_in, moment
from live.brokers.tracked import Tracked, Wire, buried, leg_of, readopted
from quantlib.desk.messages import BUY, SELL, STOP_LEG, TARGET_LEG

KEPT = 4096  # ended orders that late words may still be about
PARKED = 1024  # orders unknown so far of which words are kept
ASKEW = 3600 * SECOND  # ns that our clock may be ahead of the broker's

Told = Mapping[str, Any]


class Roster:
    """Orders by their ids, by the broker's, and by their names; and words about orders that nobody knows yet.

    Args:
        session: its name begins the names of our orders.
        listings: how the symbols are traded, in the order of their codes.
    """

    def __init__(self, session: str, listings: Sequence[Listing]) -> None:
        self.session, self.listings = session, tuple(listings)
        self.orders: dict[int, Tracked] = {}
        self._codes = codes([one.symbol for one in listings])
        self._wires: dict[str, tuple[Tracked, Wire]] = {}  # by the broker's id
        self._names: dict[str, tuple[Tracked, Wire]] = {}  # by client order id
        self._parked: dict[str, list[Told]] = {}
        self._suspects: set[str] = set()
        self._expected: set[str] = set()

    def __contains__(self, id: object) -> bool:
        """Whether an order of this id at the broker is one of ours."""
        return id in self._wires

    def attach(self, order: Tracked, wire: Wire) -> Wire:
        """One more order at the broker for an order of the desk."""
        order.wires.append(wire)
        self._names[wire.name] = order, wire
        return wire

    def await_replacement(self, order: Tracked, name: str) -> None:
        """A replacement is about to be sent under this name."""
        if name not in self._names:
            order.coming = Wire(name)
            self._names[name] = order, order.coming

    def adopt(self, record: Any) -> Tracked:
        """Know an order that the desk knew before this connection: an ORDER record."""
        if record["leg"] in (STOP_LEG, TARGET_LEG):
            group, code = int(record["group"]), int(record["symbol"])
            self.orders.setdefault(group, buried(group, code, -int(record["side"])))
        return self.orders.setdefault(int(record["id"]), readopted(record))

    def bury(self, told: Told) -> None:
        """Know an entry that has ended for the desk, for the sake of its legs."""
        id, code = id_in(told.get("client_order_id"), self.session), self._codes.get(str(told.get("symbol")), -1)
        if id and code >= 0:
            self.orders.setdefault(id, buried(id, code, BUY if told.get("side") == "buy" else SELL))

    def find(self, told: Told) -> tuple[Tracked, Wire] | None:
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
        return found

    def new_legs(self, entry: Tracked, told: Told) -> list[Tracked]:
        """Legs of a bracket that were not known before."""
        found = []
        for leg in told.get("legs") or ():
            if str(leg["id"]) in self._wires or str(leg.get("replaces")) in self._wires:
                continue
            one = leg_of(entry, leg, self.listings[entry.symbol])
            if entry.buried and str(leg.get("status")) in ENDED:
                one.ended = one.buried = True  # the desk, which does not know it any more, has heard of its end
            one = self.orders.setdefault(one.id, one)
            if not one.wires:
                self._meet(one, leg)
                found.append(one)
        return found

    def legs(self, entry: Tracked) -> list[Tracked]:
        """Legs of a bracket that are known."""
        found = (self.orders.get(id) for id in (entry.id + 1, entry.id + 2))
        return [one for one in found if one is not None and one.group == entry.id]

    def legless(self) -> list[int]:
        """Ids of brackets at work of which not all legs are known."""
        brackets = (o for o in self.orders.values() if (o.stop_leg or o.target_leg) and not o.ended)
        return [o.id for o in brackets if len(self.legs(o)) < bool(o.stop_leg) + bool(o.target_leg)]

    def is_this(self, order: Tracked, told: Told) -> bool:
        """Whether what bears an order's name is this order, and none of an earlier session of the same name."""
        symbol, side = self.listings[order.symbol].symbol, "buy" if order.side > 0 else "sell"
        same = str(told.get("symbol")) in (symbol, symbol.replace("/", "")) and told.get("side") == side
        return same and moment(told.get("submitted_at")) >= order.ts - ASKEW

    def park(self, id: str, update: Told) -> None:
        """Keep a word about an order at the broker until it can be understood."""
        if id in self._parked or len(self._parked) < PARKED:
            self._parked.setdefault(id, []).append(update)

    def parked(self, order: Tracked) -> list[Told]:
        """The words that were kept about an order; they are kept no longer."""
        return [update for wire in order.wires for update in self._parked.pop(wire.id, ())]

    def expect(self, id: str) -> None:
        """An order at the broker that is not the desk's, but no stranger's either."""
        self._expected.add(id)

    def strangers(self) -> list[Told]:
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

    def _meet(self, order: Tracked, told: Told) -> Wire:
        """The first order at the broker of one that we do not know it of, though the desk may know of fills."""
        known = order.known(told, self.listings[order.symbol])
        paid = order.paid if known == order.booked else known * float(told.get("filled_avg_price") or 0.0)
        wire = Wire(str(told.get("client_order_id")), str(told["id"]), filled=known, paid=paid)
        self._wires[wire.id] = order, self.attach(order, wire)
        return wire
