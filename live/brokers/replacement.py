"""Replacements: when the order that takes another's place is in force, and whose fills it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any

from live.brokers.orders import ALIVE, ENDED, UNBORN, Listing, moment
from live.brokers.tracked import NOTHING, REPLACEMENT, Execution, Tracked, Wire

NEWBORN = UNBORN | {"new", "accepted"}
LOST = ("canceled", "expired")  # without a word on whether it had been in force
AT_WORK = ALIVE - {"pending_replace", "pending_cancel"}
IN_FORCE = (ALIVE | ENDED) - {"accepted", "accepted_for_bidding"}


class Turn(Enum):
    """What has become of a replacement that was on its way."""

    COMING = auto()  # it is on its way still
    UNCLEAR = auto()  # the broker must be asked
    REFUSED = auto()
    DONE = auto()  # it is in force, or there is none


def turned(
    order: Tracked, wire: Wire, told: Mapping[str, Any], own: Sequence[Execution] | None, listing: Listing
) -> Turn:
    """Let a replacement come into force once the old order says so, and it is known whose fills the new one counts.

    Args:
        order: whose replacement it is.
        wire: the order at the broker that was just told of, the old one or the new one.
        told: what was told of it.
        own: its executions, where they are known.
        listing: how its symbol is traded.
    """
    old, coming = order.wire, order.coming
    if coming is None or old is None:
        return Turn.DONE
    if coming.status == "rejected" or (coming.status in LOST and old.status in ALIVE and old.seen >= coming.seen):
        return Turn.REFUSED
    if old.status != "replaced" or not coming.id:
        return Turn.UNCLEAR if coming.status in IN_FORCE else Turn.COMING
    if old.next and old.next != coming.id:  # another one took its place
        order.coming = None
        return Turn.DONE
    if old.filled == 0:
        coming.carries = False
    elif wire is coming:
        _judge(order, old, coming, told, own, listing)
    if coming.carries is None:
        return Turn.UNCLEAR
    order.wires.append(coming)
    order.coming, order.asked = None, NOTHING
    return Turn.DONE


def is_lost(order: Tracked) -> bool:
    """Whether a replacement of before this connection was not done: its order works, and nothing is on its way."""
    owed = order.owed and order.asked == REPLACEMENT and order.coming is None
    return owed and order.wire is not None and order.wire.status in AT_WORK


def too_late(order: Tracked, wire: Wire, total: int, own: Sequence[Execution] | None) -> None:
    """Of a replacement that is told of after its order's end, take for fills of its own only what must be."""
    wire.carries = True
    wire.filled = total - sum(one.lots for one in own) if own is not None else min(total, order.booked)
    if wire.status == "rejected":
        wire.filled = total


def _judge(
    order: Tracked, old: Wire, coming: Wire, told: Mapping[str, Any], own: Sequence[Execution] | None, listing: Listing
) -> None:  # fmt: skip
    """Whether a replacement counts the fills of the order that it replaced: brokers differ, so it is found out."""
    if moment(told.get("updated_at")) < old.seen:
        return  # from before it was in force
    filled = listing.lots(told.get("filled_qty"))
    if own is not None:
        coming.carries = filled > sum(one.lots for one in own)
    elif filled == 0 or str(told.get("status")) in NEWBORN:
        coming.carries = filled > 0
    if coming.carries:
        coming.filled = min(filled, order.booked)
        coming.paid = sum(one.paid for one in order.wires) * coming.filled / max(1, order.filled)
