"""An order of the desk and the orders at the broker that carry it out: usually one, more once it was replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any, NamedTuple

from live.brokers.orders import ENDED, Listing, moment
from quantlib.desk.messages import GTC, LIMIT, SENT, STOP, STOP_LEG, STOP_LIMIT, TARGET_LEG

NOTHING, CANCEL, REPLACEMENT = 0, 1, 2  # what was asked of the broker and not answered yet


class Execution(NamedTuple):
    """One execution: `total` lots of the order at the broker had filled after it."""

    lots: int
    price: float
    ts: int
    total: int = 0
    fee: float = 0.0  # quote currency


@dataclass(slots=True, eq=False)
class Wire:
    """One order at the broker, as far as we have been told of it."""

    name: str  # client order id
    id: str = ""  # the broker's
    status: str = ""  # "" until it said one
    lots: int = 0
    limit: int = 0  # ticks
    stop: int = 0
    filled: int = 0
    paid: float = 0.0  # sum of lots times price
    total: int = 0  # lots that are said to have filled, booked or not
    seen: int = 0  # ns: when what we know of it was true
    next: str = ""  # the broker's id of what replaced it
    carries: bool | None = None  # whether its fills count those of the order that it replaced; None: not known yet

    def read(self, told: Mapping[str, Any], listing: Listing) -> None:
        """Take what is newer than what is known; an end is for good."""
        self.total = max(self.total, listing.lots(told.get("filled_qty")))
        seen = moment(told.get("updated_at"))
        if seen < self.seen or self.status in ENDED:
            return
        self.status, self.seen = str(told.get("status")), seen
        self.lots = listing.lots(told.get("qty")) or self.lots
        self.limit, self.stop = listing.ticks(told.get("limit_price")), listing.ticks(told.get("stop_price"))
        self.next = str(told.get("replaced_by") or "")


class Rest(NamedTuple):
    """What of an order is sent when its order at the broker has ended as awaited."""

    name: str  # client order id
    lots: int  # of the whole
    limit: int
    stop: int
    more: int = 0  # lots of an order through zero that wait until the position is closed

    @property
    def awaited(self) -> str:
        """The end after which it is sent."""
        return "filled" if self.more else "canceled"


@dataclass(slots=True, eq=False)
class Tracked:
    """One order of the desk; its fields are named as those of a command."""

    id: int
    group: int
    symbol: int
    side: int
    order: int
    tif: int
    leg: int
    reduce: int
    lots: int
    limit: int
    stop: int
    ts: int  # when it was commanded
    stop_leg: int = 0  # ticks
    target_leg: int = 0
    accepted: bool = False  # the desk was told
    booked: int = 0  # lots of which the desk was told
    paid: float = 0.0  # for them, known from before this connection
    ended: bool = False  # the desk was told, or will find out by itself
    buried: bool = False  # known for the sake of its legs alone
    asked: int = NOTHING
    rest: Rest | None = None
    short: int = 0  # lots of an exit in crypto that fees took: they are not sent, and the last fill takes them
    old: bool = False  # from before this connection, and not all caught up with
    owed: bool = False  # a replacement was asked before this connection, and nobody knows what became of it
    wires: list[Wire] = field(default_factory=list)
    coming: Wire | None = None  # a replacement that is not in force yet

    @property
    def wire(self) -> Wire | None:
        """The order at the broker that is in force."""
        return self.wires[-1] if self.wires else None

    @property
    def filled(self) -> int:
        """Lots filled of all its orders at the broker."""
        return self._before(len(self.wires))

    @property
    def whole(self) -> int:
        """Lots that it comes to: what filled before, what the order in force asks, what is sent later or never."""
        now, more = self.wires[-1], self.rest.more if self.rest else 0
        return (0 if now.carries else self._before(len(self.wires) - 1)) + now.lots + more + self.short

    def known(self, told: Mapping[str, Any], listing: Listing) -> int:
        """How many of the lots that an order at the broker shows filled were booked before we met it."""
        return min(max(0, self.booked - self.filled), listing.lots(told.get("filled_qty")))

    def _before(self, count: int) -> int:
        total = 0
        for wire in self.wires[:count]:
            total = wire.filled if wire.carries else total + wire.filled
        return total


def tracked(command: Any) -> Tracked:
    """An order that is about to be sent."""
    return _tracked(command, int(command["ts"]))


def readopted(record: Any) -> Tracked:
    """An order that the desk knew before this connection, an ORDER record, with what it was told of it."""
    known = _tracked(record, int(record["placed"]))
    known.accepted = bool(record["status"] != SENT)
    known.booked, known.paid, known.old = int(record["filled"]), float(record["paid"]), True
    return known


def leg_of(entry: Tracked, told: Mapping[str, Any], listing: Listing) -> Tracked:
    """A bracket's leg, as its entry's answer shows it: the stop has the id after its entry's, the target the next."""
    limit, stop = listing.ticks(told.get("limit_price")), listing.ticks(told.get("stop_price"))
    kind, leg, id = (STOP_LIMIT if limit else STOP, STOP_LEG, 1) if stop else (LIMIT, TARGET_LEG, 2)
    lots = listing.lots(told.get("qty"))
    return Tracked(entry.id + id, entry.id, entry.symbol, -entry.side, kind, GTC, leg, 1, lots, limit, stop, entry.ts)


def buried(id: int, symbol: int, side: int) -> Tracked:
    """An entry that has ended for the desk: it is known so that the broker's word on its legs is understood."""
    return Tracked(id, 0, symbol, side, 0, GTC, 0, 0, 0, 0, 0, 0, ended=True, buried=True)


def missed(wire: Wire, told: Mapping[str, Any], listing: Listing, last: Execution | None, ts: int) -> list[Execution]:
    """Executions that bring what is known of an order to what is told, `last` being the one just heard of.

    Those that were not heard of are one execution at their average price: what all cost, less what is known.  Nothing
    comes of it where no price can be told.
    """
    total, average = listing.lots(told.get("filled_qty")), float(told.get("filled_avg_price") or nan)
    gap = total - wire.filled
    if gap <= 0:
        return []
    if last is None or not 0 < last.lots <= gap:
        last = None
    else:
        gap -= last.lots
    if gap == 0 and last is not None:
        return [last]
    value = total * average - wire.paid - (last.lots * last.price if last is not None else 0.0)
    price = average if gap == total else value / gap
    if not (isfinite(price) and price > 0.0):
        price = average if average > 0.0 else last.price if last is not None else nan
    if not price > 0.0:
        return []
    return [Execution(gap, price, ts), *([last] if last is not None else [])]


def _tracked(record: Any, ts: int) -> Tracked:
    names = ("id", "group", "symbol", "side", "order", "tif", "leg", "reduce", "lots", "limit", "stop")
    asked = {name: int(record[name]) for name in (*names, "stop_leg", "target_leg")}
    return Tracked(ts=ts, **asked)  # type: ignore[arg-type]
