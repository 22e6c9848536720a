"""Reports that a desk has yet to hear of our orders, in the order in which it can book them.

An order is accepted before it fills, other lots or prices are told before what fills at them, and legs come to life
with a fill of their entry.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.orders import ENDED, UNBORN
from live.brokers.protocol import Trouble
from live.brokers.roster import Roster
from live.brokers.tracked import Execution, Tracked, Wire
from quantlib.desk.messages import ACCEPTED, CANCELLED, FILL, REJECTED, REPLACED, REPORT, STOP_LEG, TARGET_LEG


class Reports:
    """What was booked of our orders, and what of it the desk was not told yet.

    Args:
        roster: of the orders.
    """

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.lots = np.zeros(len(roster.listings), np.int64)  # signed positions, as far as we know
        self.incidents: deque[Trouble] = deque()
        self._waiting: list[tuple[Any, ...]] = []

    def take(self) -> NDArray[Any]:
        """Reports that were not taken yet, in their order."""
        reports = self.waiting()
        self._waiting.clear()
        return reports

    def waiting(self) -> NDArray[Any]:
        """Reports that were not taken yet; they stay."""
        return np.array(self._waiting, REPORT)

    def tell(self, kind: str, text: str, order: Tracked | None = None, fatal: bool = False) -> None:
        """Something that the operator is to know."""
        about = f"{self.roster.listings[order.symbol].symbol}: " if order is not None else ""
        self.incidents.append(Trouble(kind, about + text, fatal))

    def add(
        self, o: Tracked, kind: int, ts: int, lots: int = 0, price: float = 0.0, reason: int = 0, fee: float = 0.0
    ) -> None:  # fmt: skip
        """One report of an order, of all of its lots if none are given."""
        self._waiting.append(
            (ts, o.id, o.group, lots or o.lots, o.limit, o.stop, price, fee, 0.0, o.symbol, kind, o.side, o.order,
             o.leg, reason)
        )  # fmt: skip

    def accept(self, order: Tracked, ts: int) -> None:
        """The order works."""
        if not order.accepted:
            order.accepted = True
            self.add(order, ACCEPTED, ts)

    def adjust(self, order: Tracked, ts: int) -> None:
        """Tell the desk of other lots or prices than it knows."""
        now = order.wire
        if now is None or not now.status or now.status in UNBORN or (now.status in ENDED and not order.accepted):
            return  # nothing that works, or ever did
        asks = order.whole, now.limit, now.stop
        if asks != (order.lots, order.limit, order.stop) and asks[0] > order.booked:
            order.lots, order.limit, order.stop = asks
            self.accept(order, ts)
            self.add(order, REPLACED, ts)

    def book(self, order: Tracked, wire: Wire, fill: Execution) -> bool:
        """An execution of an order at the broker; False where it is more than the order had left."""
        self.accept(order, fill.ts)  # a leg must be known before it fills
        wire.filled += fill.lots
        wire.paid += fill.lots * fill.price
        self.adjust(order, fill.ts)  # what was filled before a replacement makes the whole larger
        if fill.lots > order.lots - order.booked:
            text = f"order {order.id} of {order.lots} lots has filled {order.booked + fill.lots}"
            self.tell("excess", f"{text}; compare positions with the broker before trading on", order, fatal=True)
            return False
        order.booked += fill.lots
        self.lots[order.symbol] += order.side * fill.lots
        self.add(order, FILL, fill.ts, fill.lots, fill.price, fee=fill.fee)
        for leg in self.roster.legs(order):
            if not leg.ended:
                self.accept(leg, fill.ts)
        order.ended = order.booked == order.lots
        return True

    def end(self, order: Tracked, kind: int, ts: int, reason: int = 0) -> None:
        """The desk hears of the end, unless of a leg of which it never heard."""
        order.ended, order.coming = True, None
        heard = order.accepted or order.booked > 0
        if heard or order.leg not in (STOP_LEG, TARGET_LEG):
            self.add(order, CANCELLED if kind == REJECTED and heard else kind, ts, reason=reason)
