"""What is known of a bracket's legs at Zerodha, and of the GTT that stands for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from live.brokers.orders import ENDED


@dataclass(slots=True)
class Leg:
    """One of a bracket's legs."""

    ticks: int
    status: str = ""  # "" until it stands
    order: str = ""  # the broker's id of what its trigger has placed


@dataclass(slots=True)
class Guard:
    """The legs of one entry."""

    entry: int
    symbol: int
    side: int  # of the legs
    since: int  # ns: when the entry was placed
    legs: dict[int, Leg] = field(default_factory=dict)
    lots: int = 0  # that they stand for
    wanted: int = 0  # that they are to stand for
    trigger: int = 0  # the GTT's id
    kinds: tuple[int, ...] = ()  # of its legs, in the order of its triggers
    fallback: float = 0.0  # a last price, where none is to be had
    doubted: float = 0.0  # clock: when it was asked for and no answer came
    tried: float = 0.0  # clock: when it was first asked for
    bare: bool = False  # it cannot be armed, and the operator knows

    @property
    def alive(self) -> dict[int, Leg]:
        """Legs that may still be needed."""
        return {kind: leg for kind, leg in self.legs.items() if leg.status not in ENDED}

    @property
    def fired(self) -> bool:
        """Whether a leg's trigger was reached."""
        return any(leg.order for leg in self.legs.values())
