"""What is planted into the flow of orders, and when: the truth that detectors are measured against.

iceberg   an order that shows its tip at the best price and refills it from a hidden reserve
spoof     a large order some ticks behind the best price, with a small one across that is meant to fill; when that
          has filled, the large one is cancelled
vacuum    most of what rests near the best price is withdrawn, on one side or both, and stays away for a while
wall      a large order some ticks behind the best price and nothing else: what a spoof must be told from
"""

from __future__ import annotations

from math import exp, log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

KINDS = ("iceberg", "spoof", "vacuum", "wall")
ICEBERG, SPOOF, VACUUM, WALL = range(4)
ORDINARY, BEGIN, LURE, END = range(4)  # what an action does
BID, ASK, BOTH = 0, 1, 2
LURES = 3  # takers that fill a spoof's small order
PLAN = [
    ("kind", "i8"),
    ("side", "i8"),  # where it rests: BID, ASK or BOTH
    ("begin", "i8"),  # microseconds; END as planned, until it is known
    ("end", "i8"),
    ("lots", "i8"),  # shown: the tip, the large order, what was withdrawn
    ("reserve", "i8"),  # hidden behind the tip when it was placed
    ("bait", "i8"),  # the small order across
    ("away", "i8"),  # ticks behind the best price
    ("tick", "i8"),  # where it came to rest
    ("executed", "i8"),  # of the iceberg, or of what the lured took across
    ("refills", "i8"),
]


class Plants(NamedTuple):
    """How many of each are planted, per hour."""

    icebergs: float = 24.0
    spoofs: float = 24.0
    vacuums: float = 12.0
    walls: float = 24.0


NOTHING_PLANTED = Plants(0.0, 0.0, 0.0, 0.0)


class Actions(NamedTuple):
    """What plans do, in order of time: (n,) int64 each."""

    at: NDArray[np.int64]  # microseconds
    what: NDArray[np.int64]  # BEGIN, LURE or END
    plan: NDArray[np.int64]


def plans(rng: Any, seconds: float, plants: Plants, depth: int) -> NDArray[Any]:
    """Plans without a place yet: of each kind one at a time, with quiet between.

    Args:
        rng: numpy Generator; it is drawn from.
        seconds: from 0 to here; nothing begins in the first tenth of the first slot.
        plants: how many per hour.
        depth: lots at the deepest level of an ordinary book: what large means.
    """
    rows = []
    for kind, per_hour in enumerate(plants):
        count = round(per_hour * seconds / 3600.0)
        slot = seconds / max(count, 1)
        for k in range(count):
            row = np.zeros((), PLAN)
            life = min(_life(rng, kind), 0.5 * slot)
            begin = k * slot + (0.1 + 0.8 * rng.random()) * (slot - life)
            row["kind"], row["side"] = kind, rng.integers(3 if kind == VACUUM else 2)
            row["begin"], row["end"] = int(begin * 1e6), int((begin + life) * 1e6)
            _sized(rng, row, depth)
            rows.append(row)
    return np.array(rows, PLAN) if rows else np.zeros(0, PLAN)


def actions(rng: Any, planned: NDArray[Any]) -> Actions:
    """What the plans do and when; the lured come in a spoof's second half."""
    made = [(p["begin"], BEGIN, k) for k, p in enumerate(planned)] + [(p["end"], END, k) for k, p in enumerate(planned)]
    for k, p in enumerate(planned):
        if p["kind"] == SPOOF:
            life = p["end"] - p["begin"]
            made += [(p["begin"] + int(life * (0.3 + 0.6 * rng.random())), LURE, k) for _ in range(LURES)]
    at = np.array(sorted(made), np.int64).reshape(-1, 3)
    return Actions(at[:, 0].copy(), at[:, 1].copy(), at[:, 2].copy())


def _life(rng: Any, kind: int) -> float:
    """Seconds that one is there."""
    shortest, longest = ((20.0, 90.0), (2.0, 10.0), (5.0, 30.0), (2.0, 100.0))[kind]
    return exp(rng.uniform(log(shortest), log(longest)))


def _sized(rng: Any, row: NDArray[Any], depth: int) -> None:
    if row["kind"] == ICEBERG:
        row["lots"] = rng.integers(depth // 6 + 1, depth // 2 + 2)
        row["reserve"] = row["lots"] * rng.integers(5, 31)
    if row["kind"] in (SPOOF, WALL):
        row["lots"] = int(depth * rng.uniform(4.0, 10.0))
        row["away"] = rng.integers(2, 9)
    if row["kind"] == SPOOF:
        row["bait"] = LURES * rng.integers(2, depth // 3 + 3)
