"""What may become of chosen orders against the ordinary: a script, or chances that a seed decides.

    reject            the order is taken with 200, and rejected afterwards
    early             it trades at the last price, and its fill is told before its POST is answered
    cancel_race       DELETE is answered with 204, but the order fills at the last price first
    cancel_refused    DELETE is answered with 204, and refused afterwards: the order works on
    replace_refused   PATCH is answered with an order, and refused afterwards: the old one works on
    split             an execution comes in `parts` parts
    bust              an execution is broken as soon as it was told
    correct           the price of an execution is corrected to `price` as soon as it was told

Lost, doubled, late and disordered messages are none of these: they are faults of the wire (`live.sim.plan`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import NamedTuple

from live.errors import ConfigError
from live.sim.order import Order

KINDS = (
    "reject", "early", "cancel_race", "cancel_refused", "replace_refused", "split", "bust", "correct",
)  # fmt: skip


class Twist(NamedTuple):
    """One turn that orders may take: it strikes the `nth` match and the `times - 1` after it, or each by chance."""

    kind: str
    on: str = "*"  # glob of symbol/client order id; a bracket's legs have the symbol alone
    nth: int = 1
    times: int = 1
    rate: float | None = None  # the chance of each match, instead of nth and times
    parts: int = 2
    price: float = 0.0


class Struck(NamedTuple):
    """A twist that came to pass."""

    ts: int
    kind: str
    order: str  # client order id


@dataclass(slots=True)
class _Watch:
    twist: Twist
    chance: Random
    seen: int = 0

    def strikes(self) -> bool:
        twist = self.twist
        self.seen += 1
        if twist.rate is not None:
            return self.chance.random() < twist.rate
        return twist.nth <= self.seen < twist.nth + twist.times


class Lifecycle:
    """A script of twists, and which came to pass; the same seed and the same orders give the same twists."""

    def __init__(self, twists: Iterable[Twist] = (), seed: int = 0) -> None:
        self.seed = seed
        self.log: list[Struck] = []
        self._watches: list[_Watch] = []
        for twist in twists:
            self.add(twist)

    def add(self, twist: Twist) -> None:
        """One more; its matches are counted from now on.

        Raises:
            ConfigError: if it makes no sense.
        """
        if twist.kind not in KINDS:
            raise ConfigError(f"lifecycle: kind must be one of {', '.join(KINDS)}, got {twist.kind!r}")
        if twist.nth < 1 or twist.times < 1 or twist.parts < 1:
            raise ConfigError(f"lifecycle: nth, times and parts count from 1, got {twist}")
        if twist.rate is not None and not 0.0 <= twist.rate <= 1.0:
            raise ConfigError(f"lifecycle: rate must be a chance in [0, 1], got {twist.rate}")
        if twist.kind == "correct" and not twist.price > 0.0:
            raise ConfigError(f"lifecycle: a correction wants a price above 0, got {twist.price}")
        self._watches.append(_Watch(twist, Random(f"{self.seed} {len(self._watches)}")))

    def strikes(self, kind: str, order: Order, ts: int) -> Twist | None:
        """The twist of this kind that an order meets now, if any."""
        chosen = None
        name = f"{order.symbol}/{order.client_order_id}"
        for watch in self._watches:
            if watch.twist.kind == kind and fnmatchcase(name, watch.twist.on) and watch.strikes() and chosen is None:
                chosen = watch.twist
                self.log.append(Struck(ts, kind, order.client_order_id))
        return chosen
