"""The jobs of `rows_polars` in turns, in a process on a core: `python -m benchmarks.polars_turns ROWS ROUNDS REPEAT`.

It prints one json line: of each feature the seconds of our runs and of polars', and the numbers of both at the last
row.  Who starts it sets POLARS_MAX_THREADS to 1, as polars makes its threads when it is loaded.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import polars as pl

from benchmarks.row import Skipped
from benchmarks.rows_desk import walk
from benchmarks.rows_features import last_row, timed
from benchmarks.rows_polars import JOBS, Job
from benchmarks.timing import on_one_core, seconds
from quantlib import catalog
from quantlib.table import Table


def in_turns(job: Job, table: Table, rounds: int, repeat: int) -> dict[str, Any]:
    """Seconds and last numbers of one job, ours and theirs."""
    feature, frame = catalog.feature(job.feature, **job.ours), table.frame()
    expressions = [e.alias(f"out_{k}") for k, e in enumerate(job.expressions)]
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        ours += timed(feature, table.columns, table.symbols, repeat)
        theirs += seconds(lambda: frame.select(expressions), repeat)
    last = frame.select(expressions).row(-1)
    return {"ours": ours, "theirs": theirs, "our_last": last_row(feature, table.columns), "their_last": last}


def main() -> None:
    """Take the turns and say what they took."""
    on_one_core()
    if pl.thread_pool_size() != 1:
        raise Skipped(f"polars has {pl.thread_pool_size()} threads; set POLARS_MAX_THREADS=1")
    rows, rounds, repeat = map(int, sys.argv[1:])
    table = walk(rows)
    print(json.dumps({job.feature: in_turns(job, table, rounds, repeat) for job in JOBS}))


if __name__ == "__main__":
    main()
