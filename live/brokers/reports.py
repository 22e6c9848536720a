"""Reports that a desk has yet to hear of our orders, in the order in which it can book them.

An order is accepted before it fills, other lots or prices are told before what fills at them, and legs come to life
with a fill of their entry.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.coins import Coins, most_unknown
from live.brokers.orders import ENDED, UNBORN
from live.brokers.protocol import Trouble
from live.brokers.roster import Roster
from live.brokers.tracked import Execution, Tracked, Wire
from quantlib.desk.messages import (
    ACCEPTED,
    BUY,
    CANCELLED,
    CARRY,
    ENTRY,
    FILL,
    REJECTED,
    REPLACED,
    REPORT,
    SELL,
    STOP_LEG,
    TARGET_LEG,
)


class Reports:
    """What was booked of our orders, and what of it the desk was not told yet.

    Args:
        roster: of the orders.
    """

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.lots = np.zeros(len(roster.listings), np.int64)  # signed positions, as far as we know
        self.coins = Coins(roster.listings)
        self.incidents: deque[Trouble] = deque()
        self.money = 0.0  # what all that was booked brought, quote currency
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
        if kind in (FILL, CARRY):
            self.money -= o.side * self.coins.value(o.symbol, lots, price) + fee
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
        if order.old and self._is_exit(order) and 0 < order.lots - asks[0] <= most_unknown(order.lots):
            order.short = order.lots - asks[0]  # it was sent smaller, by what a fee took
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
        lots, fee = self._after_fees(order, fill)
        order.booked += lots
        self.lots[order.symbol] += order.side * lots
        self.add(order, FILL, fill.ts, lots, fill.price, fee=fee)
        self._tell_dust(order)
        for leg in self.roster.legs(order):
            if not leg.ended:
                self.accept(leg, fill.ts)
        order.ended = order.booked == order.lots
        return True

    def short(self, order: Tracked) -> int:
        """Lots of a new order that fees have taken, so that it must be sent without them."""
        if not self._is_exit(order):
            return 0
        code = order.symbol
        short = self.coins.short(code, int(self.lots[code]), order.lots)
        unknown = max(0, short - self.coins.due(code))  # the desk counts more than we thought
        self.lots[code] += unknown
        self.coins.told(code, -unknown)
        return short

    def cut(self, order: Tracked, wire: Wire, available: int) -> bool:
        """The broker has fewer coins than an exit asks: whether a fee can have taken them, and it is to be smaller."""
        missing = wire.lots - available
        if not self._is_exit(order) or available < 1 or not 0 < missing <= most_unknown(order.lots):
            return False
        wire.lots, order.short = available, order.short + missing
        self.coins.told(order.symbol, -missing)
        self.tell("fees", f"order {order.id} is sent without {missing} lots that fees took", order)
        return True

    def write_off(self, order: Tracked) -> None:
        """Fees took all that an exit is to sell: the desk hears that it is gone, for nothing."""
        code, price = order.symbol, self.coins.price[order.symbol]
        self.accept(order, order.ts)
        self.add(order, FILL, order.ts, order.lots, price, fee=self.coins.value(code, order.lots, price))
        self.coins.told(code, order.lots)
        self.lots[code] -= order.lots
        order.booked, order.ended = order.lots, True

    def charge(self, order: Tracked, ts: int, fee: float) -> None:
        """A fee of which the broker told after the fill was booked, quote currency; below 0 it comes back."""
        self.add(order, CARRY, ts, fee=fee)

    def end(self, order: Tracked, kind: int, ts: int, reason: int = 0) -> None:
        """The desk hears of the end, unless of a leg of which it never heard."""
        order.ended, order.coming = True, None
        heard = order.accepted or order.booked > 0
        if heard or order.leg not in (STOP_LEG, TARGET_LEG):
            self.add(order, CANCELLED if kind == REJECTED and heard else kind, ts, reason=reason)

    def _is_exit(self, order: Tracked) -> bool:
        """Whether an order sells coins that are held: the desk cannot do without it."""
        return self.roster.listings[order.symbol].crypto and order.side == SELL and order.leg != ENTRY

    def _after_fees(self, order: Tracked, fill: Execution) -> tuple[int, float]:
        """Lots and fee of a fill as the desk books it; of crypto, the fee is taken of what is received."""
        if not self.roster.listings[order.symbol].crypto:
            return fill.lots, fill.fee
        code, last = order.symbol, fill.lots == order.lots - order.short - order.booked
        if order.side == BUY:
            taken = self.coins.buy(order, fill, last)
            if taken:
                order.lots -= taken
                self.add(order, REPLACED, fill.ts)
            return fill.lots - taken, fill.fee + self.coins.value(code, taken, fill.price)
        gone = order.short if last else 0
        self.coins.told(code, gone)
        return fill.lots + gone, fill.fee + self.coins.sell(order, fill) + self.coins.value(code, gone, fill.price)

    def _tell_dust(self, order: Tracked) -> None:
        """What stays at the broker when the desk has left a position."""
        dust, listing = self.coins.dust[order.symbol], self.roster.listings[order.symbol]
        if listing.crypto and order.side == SELL and not self.lots[order.symbol] and dust > 0:
            text = f"{format(dust.normalize(), 'f')} stay at the broker, which the desk does not count"
            self.tell("dust", text, order)
