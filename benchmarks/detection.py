"""What detectors find of what was planted: made-up markets, their events, and which plant each event meets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

import polars as pl

from quantlib import compute, events, held
from quantlib.core import Feature
from quantlib.features.book.iceberg import hidden_liquidity
from quantlib.features.book.spoofing import spoofing
from quantlib.features.book.vacuum import vacuum
from quantlib.features.flow.taker_totals import taker_totals
from quantlib.synthetic import market

CHOSEN_ON, REPORTED_ON = range(1, 9), range(101, 109)  # seeds: thresholds are chosen on some, reported on others
SLACK = timedelta(seconds=0.5)  # from the end of a plant to the last event that still meets it
VISIBLE = 3  # refills that an iceberg needs to be anything but an order


class Detector(NamedTuple):
    """A feature that tells events, the plant that it looks for, and how an event of it meets a plant.

    sides   event -> the sides it speaks of, 1 bid and -1 ask; none for events of another kind
    price   the output that must be the plant's price, or "" if events have none
    grid    the values of each parameter that thresholds are chosen from
    """

    kind: str
    factory: Callable[..., Feature]
    sides: dict[float, tuple[int, ...]]
    price: str
    grid: dict[str, Sequence[Any]]


ONE = {1.0: (1,), -1.0: (-1,)}
DETECTORS = {
    "iceberg": Detector(
        "iceberg",
        hidden_liquidity,
        ONE,
        "hidden_price",
        {"n": (30, 50, 100), "refills": (5, 8, 11), "multiple": (4.0, 6.0, 8.0, 10.0, 12.0)},
    ),
    "spoof": Detector(
        "spoof",
        spoofing,
        ONE,
        "spoofing_price",
        {"n": (60, 100, 150), "multiple": (3.0, 4.0, 5.0), "least": (0.3, 0.5, 0.75, 1.0, 1.5, 2.0)},
    ),
    "vacuum": Detector(
        "vacuum",
        vacuum,
        {1.0: (1,), 2.0: (-1,), 3.0: (1, -1)},
        "",
        {"near": (5, 10, 15), "drop": (0.15, 0.2, 0.25, 0.3), "n": (300, 500)},
    ),
}


class Found(NamedTuple):
    """What a detector made of one market.

    met    planted and found      missed  planted and not found
    right  events that meet one   wrong   events that do not: how many fell on each kind of plant, or on "nothing"
    """

    met: int
    missed: int
    right: int
    wrong: dict[str, int]

    @property
    def precision(self) -> float:
        """Share of events that meet a plant; 0 if there are none."""
        return self.right / max(1, self.right + sum(self.wrong.values()))

    @property
    def recall(self) -> float:
        """Share of plants that were found."""
        return self.met / max(1, self.met + self.missed)

    @property
    def score(self) -> float:
        """F1: the harmonic mean of both."""
        both = self.precision + self.recall
        return 2.0 * self.precision * self.recall / both if both else 0.0


@cache
def planted(seed: int, seconds: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Books with totals of takers, and the truth."""
    made = market(seed, seconds)
    totals = compute(taker_totals(), made.trades)
    return held(made.books, totals, ["bought", "sold"], clocks=("book", "trade")), made.truth


def found(detector: Detector, seed: int, seconds: float, **params: Any) -> Found:
    """The events of a detector in one market, against its truth.

    An event meets a plant if it falls between its begin and half a second after its end, on its side, and at its price.
    Icebergs that were refilled fewer than three times are orders like any other: to find one is neither right nor
    wrong.
    """
    rows, truth = planted(seed, seconds)
    told = events(detector.factory(**params), rows)
    mark = told.columns[1]
    plants = list(truth.iter_rows(named=True))
    met, right, wrong = set(), 0, dict.fromkeys((*truth["kind"].unique(), "nothing"), 0)
    for event in told.iter_rows(named=True):
        for side in detector.sides.get(event[mark], ()):
            at = event["ts"]
            there = [k for k, p in enumerate(plants) if p["ts_begin"] <= at <= p["ts_end"] + SLACK]
            there = [k for k in there if plants[k]["side"] in (side, 0)]
            mine = [k for k in there if plants[k]["kind"] == detector.kind]
            mine = [k for k in mine if not detector.price or plants[k]["price"] == event[detector.price]]
            if mine:
                right += wanted(plants[mine[0]])
                met.add(mine[0])
            else:
                others = [plants[k]["kind"] for k in there if plants[k]["price"] == event.get(detector.price)]
                wrong[others[0] if others else "nothing"] += 1
    sought = {k for k, p in enumerate(plants) if p["kind"] == detector.kind and wanted(p)}
    return Found(len(sought & met), len(sought - met), right, wrong)


def wanted(plant: dict[str, Any]) -> bool:
    """Whether there is anything to find."""
    return bool(plant["kind"] != "iceberg" or plant["refills"] >= VISIBLE)


def together(parts: Sequence[Found]) -> Found:
    """Several markets as one."""
    kinds = dict.fromkeys(k for part in parts for k in part.wrong)
    wrong = {k: sum(part.wrong.get(k, 0) for part in parts) for k in kinds}
    return Found(sum(p.met for p in parts), sum(p.missed for p in parts), sum(p.right for p in parts), wrong)
