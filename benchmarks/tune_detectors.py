"""`python -m benchmarks.tune_detectors [NAME ...]`: choose the detectors' default thresholds.

Every combination of a detector's grid is tried on the made-up markets of some seeds; the best F1 of all of them
together wins.  `benchmarks.rows_detectors` reports what the defaults do on other seeds.
"""

from __future__ import annotations

import sys
from inspect import signature
from itertools import product
from typing import Any

from benchmarks.detection import CHOSEN_ON, DETECTORS, Detector, Found, found, together

SECONDS = 3600.0  # of each market


def tried(detector: Detector, **params: Any) -> Found:
    """What parameters find on the seeds that they are chosen on."""
    return together([found(detector, seed, SECONDS, **params) for seed in CHOSEN_ON])


def ranking(detector: Detector) -> list[tuple[Found, dict[str, Any]]]:
    """All combinations, the best first."""
    names, values = list(detector.grid), list(detector.grid.values())
    combinations = [dict(zip(names, chosen, strict=True)) for chosen in product(*values)]
    tries = [(tried(detector, **params), params) for params in combinations]
    return sorted(tries, key=lambda one: -one[0].score)


def told(found: Found, params: dict[str, Any]) -> str:
    """One line."""
    spelled = ", ".join(f"{name}={value}" for name, value in params.items())
    return f"F1 {found.score:.3f}  precision {found.precision:.3f}  recall {found.recall:.3f}  {spelled}"


def main(names: list[str]) -> int:
    """Print the five best of each detector, and its defaults."""
    for name in names or DETECTORS:
        detector = DETECTORS[name]
        defaults = {p: signature(detector.factory).parameters[p].default for p in detector.grid}
        print(name, *(told(*one) for one in ranking(detector)[:5]), sep="\n  ")
        print(f"  defaults: {told(tried(detector, **defaults), defaults)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
