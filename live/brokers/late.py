"""What the broker says of orders that have ended for the desk."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from live.brokers.orders import ALIVE, UNBORN
from live.brokers.replacement import too_late
from live.brokers.reports import Reports
from live.brokers.tracked import Execution, Tracked, Wire, missed


class Late:
    """Fills that nobody can book any more, and orders that live though they were given up.

    Args:
        reports: where the operator is told of them.
    """

    def __init__(self, reports: Reports) -> None:
        self.reports = reports
        self.strays: deque[str] = deque()  # the broker's ids of orders that must not be there
        self._strayed: set[str] = set()

    def hear(
        self, order: Tracked, wire: Wire, told: Mapping[str, Any], fills: Sequence[Execution],
        own: Sequence[Execution] | None,
    ) -> None:  # fmt: skip
        """One look at one of its orders at the broker: `fills` that were missed, `own` executions where known."""
        if order.buried:
            return
        if wire not in order.wires and wire.carries is None:  # a replacement that was too late, or was not
            listing = self.reports.roster.listings[order.symbol]
            too_late(order, wire, listing.lots(told.get("filled_qty")), own)
            fills = missed(wire, told, listing, None, wire.seen)
        for fill in fills:
            wire.filled += fill.lots
            wire.paid += fill.lots * fill.price
            text = f"order {order.id} filled {fill.lots} lots at {fill.price} after its end"
            text += "; compare positions with the broker before trading on"
            self.reports.tell("late fill", text, order, fatal=True)
        alive = wire.status in ALIVE | UNBORN and wire.lots > wire.filled
        if alive and wire.id not in self._strayed:
            self._strayed.add(wire.id)
            self.strays.append(wire.id)
            text = f"order {order.id} is at the broker though it was given up; it is cancelled"
            self.reports.tell("stray", text, order)
