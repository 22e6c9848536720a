"""Choose on one stretch of time, judge on the next: the least that any tuned strategy owes its user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from backtest.result import Result
from backtest.run import run
from backtest.sweep import sweep
from quantlib.schema import moment
from quantlib.strategy import Strategy
from quantlib.table import Table, bars


@dataclass(frozen=True, slots=True)
class Holdout:
    """What was chosen, what it promised, and what it kept.

    chosen    the parameters that were best on the first stretch
    sweep     every combination on the first stretch
    promised  the chosen one's result on the first stretch
    kept      its result on the second, which the choice had not seen
    """

    chosen: dict[str, Any]
    sweep: pl.DataFrame
    promised: Result
    kept: Result


def holdout(
    make: Callable[..., Strategy],
    grid: Mapping[str, Sequence[Any]],
    rows: Any,
    split: datetime | int,
    *,
    by: str = "sharpe",
    warm: int = 0,
    **settings: Any,
) -> Holdout:
    """Sweep before `split`, take the best, run it once after `split`.

    The chosen strategy sees the `warm` timestamps before `split` too, so that its features are warm; what it did in
    them is part of `kept`, so give no more than its longest warm-up.

    Args:
        make, grid: as for `backtest.sweep`.
        rows: a Table of bars, or whatever `quantlib.bars` takes.
        split: a datetime (naive means UTC) or int64 nanoseconds UTC; rows known at or after it are the second stretch.
        by: the metric to maximise; combinations without it (NaN) never win.
        warm: timestamps of the first stretch that the second begins with.
        settings: cash, costs, instruments, as for `backtest.run`.

    Raises:
        ValueError: if either stretch has no rows, or no combination has the metric.

    Source: White, A Reality Check for Data Snooping, Econometrica 68(5), 2000, sec. 1, for why the first figure is not
    to be believed.
    """
    table = rows if isinstance(rows, Table) else bars(rows)
    ts = table.columns["ts"]
    at = split if isinstance(split, int) else _nanoseconds(split)
    cut = int(np.searchsorted(ts, at, "left"))
    if cut in (0, ts.size):
        raise ValueError(
            f"holdout: split {moment(at)} leaves a stretch empty; rows run {moment(ts[0])} to {moment(ts[-1])}"
        )
    tried = sweep(make, grid, _part(table, 0, cut), **settings)
    if by not in tried.columns:
        raise ValueError(f"holdout: by must be a metric, got {by!r}; there are {tried.columns[len(grid) :]}")
    ranked = tried.filter(pl.col(by).is_not_nan() & pl.col(by).is_not_null()).sort(by, descending=True)
    if ranked.is_empty():
        raise ValueError(f"holdout: no combination has a {by}; did any trade before {moment(at)}?")
    chosen = {name: ranked[name][0] for name in grid}
    earlier = np.unique(ts[:cut])[-warm:][0] if warm else at
    begin = int(np.searchsorted(ts, earlier, "left"))
    return Holdout(
        chosen, tried, run(make(**chosen), _part(table, 0, cut), **settings),
        run(make(**chosen), _part(table, begin, ts.size), **settings),
    )  # fmt: skip


def _part(table: Table, begin: int, end: int) -> Table:
    return Table(table.clock, table.symbols, {n: c[begin:end] for n, c in table.columns.items()})


def _nanoseconds(when: datetime) -> int:
    return int(pl.Series([when]).dt.replace_time_zone("UTC" if when.tzinfo is None else None).dt.epoch("ns")[0])
