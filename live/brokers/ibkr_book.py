"""The book: all that TWS has said of orders, put together from messages that come in pieces, twice, or again.

An order is told of by open-order messages (what it asks), status messages (how it stands), executions (what filled)
and commission reports (what that cost).  A fill counts when its commission is known or was waited for long enough; an
order has ended when its fills are all here.  No socket, no clock, no thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from live.brokers.ibkr_orders import LEGS, STATUSES, nanoseconds, price
from live.brokers.line import Shown
from live.brokers.orders import ENDED, Listing, id_in
from live.brokers.tracked import Execution

NEAR = 1e-9  # units that are none
ABSENCES = 2  # looks at all orders that lack an order before it counts as gone


@dataclass(slots=True)
class Filled:
    """One execution; its id without the revision at its end."""

    units: float
    price: float
    ts: int
    total: float  # of the order, after it
    revision: str
    fee: float | None = None  # not known yet
    waived: bool = False  # it counts without its fee


@dataclass(slots=True)
class Kept:
    """One order at TWS."""

    name: str  # orderRef
    id: str
    symbol: str
    side: int = 0
    order: int = 0  # TWS's number of it, for this client
    client: int = 0
    parent: int = 0
    group: str = ""  # ocaGroup
    quantity: float = 0.0
    limit: float = 0.0
    stop: float = 0.0
    status: str = "pending_new"
    filled: float = 0.0  # as its status says
    average: float = 0.0
    short: int = 0  # ns: since when executions are missing among those that it counts
    at: int = 0
    begun: int = 0
    absent: int = 0
    fills: dict[str, Filled] = field(default_factory=dict)
    covered: dict[str, Filled] = field(default_factory=dict)  # executions that came after their place was filled

    @property
    def ordered(self) -> list[Filled]:
        """Its executions in the order in which they happened."""
        return sorted(self.fills.values(), key=lambda one: one.total)

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """From which total to which executions are missing."""
        found, total = [], 0.0
        for fill in self.ordered:
            if fill.total - fill.units > total + NEAR:
                found.append((total, fill.total - fill.units))
            total = fill.total
        return [*found, (total, self.filled)] if self.filled > total + NEAR else found

    @property
    def counted(self) -> float:
        """Units of which all executions up to them are here, with their fees or without."""
        total = 0.0
        for fill in self.ordered:
            if abs(fill.total - fill.units - total) > NEAR or (fill.fee is None and not fill.waived):
                break
            total = fill.total
        return total

    def noted(self, at: int) -> None:
        """Remember since when executions are missing."""
        self.short = (self.short or at) if self.gaps else 0

    def closed(self) -> None:
        """Put executions at their average price, without fees, where TWS has forgotten them."""
        value = self.filled * self.average - sum(
            f.units * f.price for f in self.ordered if f.total <= self.filled + NEAR
        )
        gaps = [gap for gap in self.gaps if gap[1] <= self.filled + NEAR]
        price = value / sum(end - begin for begin, end in gaps) if gaps else 0.0
        if price > 0.0:
            for begin, end in gaps:
                self.fills[f"forgotten-{end:g}"] = Filled(end - begin, price, self.at, end, "", fee=0.0)
            self.short = 0


class Book:
    """Orders of one account.

    Args:
        session: names of our orders begin with it.
        listings: in the order of codes; `symbols` by the contract's number.
    """

    def __init__(self, session: str, listings: tuple[Listing, ...]) -> None:
        self.session, self.symbols = session, dict[int, str]()
        self._listings = {one.symbol: one for one in listings}
        self._kept: dict[str, Kept] = {}
        self._numbers: dict[tuple[int, int], str] = {}  # ids by client and order number
        self._names: dict[str, int] = {}  # order numbers that we gave
        self._entries: dict[str, str] = {}  # of legs, by name
        self._owners: dict[str, str] = {}  # of executions

    def sent(self, name: str, client: int, number: int, entry: str = "") -> None:
        """An order is about to be sent under this number, perhaps as a leg of another one."""
        self._names[name], self._numbers[client, number] = number, name
        if entry:
            self._entries[name] = entry

    def number(self, name: str) -> int:
        """The number under which an order was sent; 0 for none."""
        return self._names.get(name, 0)

    def kept(self, id: str) -> Kept | None:
        """What is known of an order, by its id, which for one of ours is its name."""
        return self._kept.get(id)

    def named(self, client: int, number: int) -> str:
        """The id of an order by its number; "" for none."""
        return self._numbers.get((client, number), "")

    def entry(self, id: str) -> str:
        """The entry of a leg if TWS has told of it, and of any other order itself."""
        kept, entry = self._kept.get(id), self.sent_with(id)
        if entry == id and kept is not None:
            entry = kept.group.removesuffix(LEGS)
        return entry if entry in self._kept else id

    def sent_with(self, id: str) -> str:
        """The entry with which a leg was sent, and of any other order itself."""
        return self._entries.get(id, id)

    def legs(self, entry: str) -> list[str]:
        """The legs of an entry that were sent with it."""
        return [leg for leg, one in self._entries.items() if one == entry]

    def opened(self, contract: Any, order: Any, state: Any, at: int) -> str:
        """What an order asks; its id."""
        id = order.orderRef if id_in(order.orderRef, self.session) else f"perm-{order.permId}"
        symbol = self.symbols.get(contract.conId, contract.symbol)
        kept = self._kept.setdefault(id, Kept(order.orderRef, id, symbol, begun=at))
        kept.side, kept.group = 1 if order.action == "BUY" else -1, order.ocaGroup
        if order.orderId > 0:
            kept.order, kept.client, kept.parent = order.orderId, order.clientId, order.parentId or kept.parent
            self._numbers[order.clientId, order.orderId] = id
            self._names[id] = order.orderId
        if kept.status not in ENDED:
            kept.quantity = float(order.totalQuantity) or kept.quantity
            kept.limit, kept.stop = price(order.lmtPrice), price(order.auxPrice)
            self._stand(kept, state.status, at)
        return id

    def stood(self, id: str, status: str, filled: float, average: float, at: int) -> None:
        """How an order stands."""
        kept = self._kept.get(id)
        if kept is not None:
            if filled >= kept.filled:
                kept.filled, kept.average = filled, average or kept.average
            kept.noted(at)
            self._stand(kept, status, at)

    def completed(self, contract: Any, order: Any, state: Any, at: int) -> str:
        """An order that has ended, today; its id."""
        if order.totalQuantity in (0, "0") and price(order.filledQuantity):
            order.totalQuantity = order.filledQuantity  # of an order that is done, TWS tells no more than what filled
        id = self.opened(contract, order, state, at)
        self.stood(id, state.status, price(order.filledQuantity), 0.0, at)
        return id

    def executed(self, contract: Any, execution: Any, at: int) -> tuple[str, bool]:
        """An execution; the id of its order, and whether it corrects one of before."""
        id = execution.orderRef if id_in(execution.orderRef, self.session) else f"perm-{execution.permId}"
        base, _, revision = execution.execId.rpartition(".")
        symbol, side = self.symbols.get(contract.conId, contract.symbol), 1 if execution.side == "BOT" else -1
        ts = nanoseconds(execution.time)
        kept = self._kept.setdefault(id, Kept(execution.orderRef, id, symbol, side, begun=ts, status="new"))
        before, self._owners[base] = kept.fills.get(base) or kept.covered.get(base), id
        if before is not None:
            same = (before.units, before.price) == (execution.shares, execution.price)
            return id, before.revision != revision and not same
        fill = Filled(execution.shares, execution.price, ts, execution.cumQty, revision)
        if any(
            one.total - one.units < fill.total - NEAR and fill.total <= one.total + NEAR for one in kept.fills.values()
        ):
            fill.waived = True
            kept.covered[base] = fill  # it was counted at the average price; its fee was not
            return id, False
        kept.fills[base] = fill
        if execution.cumQty >= kept.filled:
            kept.filled, kept.average = execution.cumQty, execution.avgPrice or kept.average
        kept.noted(at)
        kept.at = max(kept.at, ts)
        return id, False

    def charged(self, execution: str, fee: float) -> tuple[str, bool]:
        """What an execution cost; its order's id ("" if nothing is new), and whether its fill was counted before."""
        base = execution.rpartition(".")[0]
        id = self._owners.get(base, "")
        kept = self._kept.get(id)
        fill = (kept.fills.get(base) or kept.covered.get(base)) if kept is not None else None
        if fill is None or fill.fee is not None:
            return "", False
        fill.fee = fee
        return id, fill.waived

    def waive(self, id: str) -> bool:
        """Let fills count whose fees have not come; whether there were any."""
        kept = self._kept.get(id)
        late = [fill for fill in kept.fills.values() if fill.fee is None and not fill.waived] if kept else []
        for fill in late:
            fill.waived = True
        return bool(late)

    def looked(self, listed: Iterable[str], since: int) -> None:
        """All open orders, completed orders and executions were listed: what that means for what was not."""
        there = set(listed)
        for kept in self._kept.values():
            if 0 < kept.short < since:
                kept.closed()
            if kept.status not in ENDED and kept.at < since and kept.id not in there:
                kept.absent += 1
                if kept.absent >= ABSENCES:
                    kept.status, kept.at = "canceled", since
            else:
                kept.absent = 0

    def shown(self, id: str) -> Shown:
        """An order as the ledger takes it, with its legs."""
        kept = self._kept[id]
        legs = tuple(self.shown(one.id) for one in self._kept.values() if one.id != id and self.entry(one.id) == id)
        counted = kept.counted
        status = kept.status
        if status in ENDED and counted < kept.filled - NEAR:
            status = "partially_filled"  # its last fills have yet to come
        elif status == "new" and counted > 0.0:
            status = "partially_filled"
        entry = self.entry(id)
        if status == "new" and entry != id and self._kept[entry].counted == 0.0:
            status = "held"
        quantity = _units(kept.quantity) if kept.quantity else ""
        return Shown(
            kept.name, id, kept.symbol, kept.side, status, quantity, kept.limit, kept.stop, _units(counted),
            kept.average or self._average(kept), kept.at, kept.begun, self._executions(kept), legs,
        )  # fmt: skip

    def all(self) -> list[Shown]:
        """Every order, legs within their entries."""
        return [self.shown(id) for id in self._kept if self.entry(id) == id]

    def _stand(self, kept: Kept, status: str, at: int) -> None:
        if kept.status not in ENDED and status in STATUSES:
            kept.status = STATUSES[status]
        kept.at = max(kept.at, at)

    def _executions(self, kept: Kept) -> tuple[Execution, ...]:
        listing, counted = self._listings.get(kept.symbol), kept.counted
        if listing is None:
            return ()
        return tuple(
            Execution(listing.lots(_units(f.units)), f.price, f.ts, listing.lots(_units(f.total)), f.fee or 0.0)
            for f in kept.ordered
            if f.total <= counted + NEAR
        )

    def _average(self, kept: Kept) -> float:
        units = sum(fill.units for fill in kept.fills.values())
        return sum(fill.units * fill.price for fill in kept.fills.values()) / units if units else 0.0


def _units(value: float) -> str:
    return format(value, ".10f").rstrip("0").rstrip(".")
