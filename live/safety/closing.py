"""Days that end early, for policies that hold nothing over night, and whether a flatten was seen through."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from live.brokers.protocol import Standing
from live.safety.brake import REFUSED
from quantlib.desk.memory import Desk
from quantlib.desk.messages import PARTIAL
from quantlib.desk.policy import DAY_NS, Gates

LEAD = 300_000_000_000  # ns before the close at which positions are left
SESSION_CLOSE = "session_close"  # of `Gates`, which an override may set like a limit


class Earlier(NamedTuple):
    """A close that comes before the policy's: what its `session_close` must be until when."""

    session_close: int
    until: int


class Said(NamedTuple):
    """A note of what became of a flatten."""

    kind: str
    text: str


def earlier(gates: Gates, close: int, lead: int = LEAD) -> Earlier | None:
    """What an intraday policy must know of a day that ends before it expects; None if there is nothing to know.

    Args:
        gates: of the policy.
        close: of the market that day, ns UTC.
        lead: how long before the close positions are left, ns.
    """
    begin = (close - gates.day_start) // DAY_NS * DAY_NS + gates.day_start
    leave = close - lead - begin
    if not gates.flat_by_close or leave >= gates.session_close:
        return None
    return Earlier(max(leave, gates.session_open + 1), begin + DAY_NS)


def is_flat(desk: Desk) -> bool:
    """Whether the desk holds nothing and nothing of it works."""
    orders = desk.orders[1:]
    return not desk.holdings["lots"].any() and not ((orders["id"] > 0) & (orders["status"] <= PARTIAL)).any()


def left_at(standing: Standing) -> str:
    """What a broker still holds for us, in words; "" if nothing."""
    held = int(np.count_nonzero(standing.lots))
    working = len(standing.working)
    return f"{held} positions and {working} orders" if held or working else ""


def seen_through(left: str, refused: int) -> Said:
    """What the operator is told of a flatten once the desk is flat: what the broker still has, and what it refused."""
    text = f"the broker still has {left}" if left else "flat: the broker holds nothing"
    on_the_way = f"; {refused:,} orders were refused on the way" if refused else ""
    return Said(REFUSED if refused else "flatten", text + on_the_way)
