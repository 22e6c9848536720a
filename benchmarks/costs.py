"""`python -m benchmarks.costs`: what each catalogued feature costs a row, for the catalogue's pages.

Writes docs/hooks/costs.json: {"machine": …, "features": {name: {"ns": …, "talib": …}}}, medians, one core.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.row import Skipped
from benchmarks.rows_desk import walk
from benchmarks.rows_features import beside_talib, feature
from benchmarks.talib_jobs import BAR, JOBS
from benchmarks.timing import TINY, Scale, machine
from quantlib import catalog

KEPT = Path(__file__).parents[1] / "docs" / "hooks" / "costs.json"


def costs(names: Sequence[str], scale: Scale) -> dict[str, dict[str, float]]:
    """Nanoseconds a row of each feature, and of TA-Lib's function where it is at hand."""
    found = {name: {"ns": feature(name, scale).value * 1e9} for name in names}
    try:
        table = walk(scale.rows)
        columns = {n: table.columns[n] for n in ("ts", "symbol", *BAR)}
        beside = beside_talib([name for name in names if name in JOBS], columns, scale)
    except Skipped:
        return found
    for name, (_, theirs) in beside.items():
        found[name]["talib"] = median(theirs) / scale.rows * 1e9
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure all and keep them."""
    scale = TINY if "--tiny" in arguments else Scale()
    kept = {"machine": machine().split(";")[0], "features": costs(catalog.names(), scale)}
    KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
