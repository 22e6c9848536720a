"""Seconds a row of each catalogued feature, and how all that TA-Lib does too compare with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import exp, log
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.peers import spoken
from benchmarks.row import Row, Skipped, row
from benchmarks.rows_desk import walk
from benchmarks.rows_peers import WrongResult
from benchmarks.rows_providers import SYMBOLS, joined, many
from benchmarks.talib_jobs import BAR, JOBS
from benchmarks.timing import Scale, seconds
from quantlib import catalog
from quantlib.core import Columns, Feature, advance, inputs_of, start
from quantlib.tapes import tape

ACROSS = 20  # symbols that a cross-sectional feature sees at one moment
AGREE = 1e-7  # relative difference that two libraries' last rows may have: TA-Lib's sums drift


def feature(name: str, scale: Scale) -> Row:
    """Seconds a row through one feature with its default parameters, no row missing."""
    one = catalog.feature(name)
    columns, symbols = rows_for(one, scale.rows)
    count = len(columns["symbol"])
    return row(f"feature.{name}", "s/row", [s / count for s in timed(one, columns, symbols, scale.repeat)])


def timed(one: Feature, columns: Columns, symbols: Sequence[str], repeat: int) -> list[float]:
    """Seconds of each run of all rows through a feature."""
    return seconds(lambda: advance([one], start([one], symbols), columns), repeat)


def talib(name: str, scale: Scale) -> Row:
    """The geometric mean of our time over TA-Lib's, one core, all in one invocation, in turns."""
    if not scale.peers:
        raise Skipped("TA-Lib was not asked for")
    table = walk(scale.rows)
    columns = {n: table.columns[n] for n in ("ts", "symbol", *BAR)}
    ratios = {
        job: median(ours) / median(theirs) for job, (ours, theirs) in beside_talib(list(JOBS), columns, scale).items()
    }
    mean = geometric(list(ratios.values()))
    slowest = ", ".join(f"{job} {ratios[job]:.2f}" for job in sorted(ratios, key=lambda job: -ratios[job])[:4])
    made = row(name, "1", list(ratios.values()), f"{len(ratios)} features; slowest beside it: {slowest}")
    return made._replace(value=mean, peer="TA-Lib", peer_value=1.0, ratio=mean)


def beside_talib(names: Sequence[str], columns: Columns, scale: Scale) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds of our runs and of TA-Lib's for each job, in turns.

    Raises:
        Skipped: if TA-Lib cannot be had.
        WrongResult: if the two give other numbers.
    """
    ours: dict[str, list[float]] = {name: [] for name in names}
    theirs: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(scale.rounds):
        said = _said(columns, scale.repeat, names)
        for name in names:
            one = catalog.feature(JOBS[name].feature, **JOBS[name].ours)
            ours[name] += timed(one, columns, ("X",), scale.repeat)
            theirs[name] += said[name]["runs"]
            _agree(name, one, columns, said[name]["last"])
    return {name: (ours[name], theirs[name]) for name in names}


def geometric(values: Sequence[float]) -> float:
    """The geometric mean."""
    return exp(mean(log(value) for value in values))


def _said(columns: Columns, repeat: int, names: Sequence[str]) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, **{n: columns[n] for n in BAR})  # type: ignore[arg-type]
        return dict(spoken("talib", Path(__file__).with_name("peer_talib.py"), [str(path), str(repeat), *names]))


def _agree(name: str, one: Feature, columns: Columns, last: Sequence[float]) -> None:
    """Refuse to compare the times of different numbers."""
    ours = last_row(one, columns)
    if missing_from(ours, last, AGREE):
        raise WrongResult(f"features.talib: {name} ends at {ours}, TA-Lib says {last}")


def last_row(one: Feature, columns: Columns) -> list[float]:
    """What a feature writes at the last row."""
    return [float(column[-1]) for column in advance([one], start([one], ["X"]), columns).values()]


def missing_from(ours: Sequence[float], theirs: Sequence[float], share: float) -> bool:
    """Whether a number of theirs is none of ours, to a share of their largest; we may write more than they do."""
    scale = max(map(abs, theirs)) or 1.0
    return any(min(abs(a - b) for a in ours) > share * scale for b in theirs)


def rows_for(one: Feature, rows: int) -> tuple[Columns, tuple[str, ...]]:
    """Rows that the feature reads, of one symbol; of twenty where it looks across them, of a market where it trades."""
    names = inputs_of([one])
    if one.clock != "bar" and set(names) <= set(columns := getattr(joined(many(rows)), one.clock)):
        return {n: columns[n] for n in ("ts", "symbol", *names)}, SYMBOLS
    if set(names) <= {"ts", "open", "high", "low", "close", "volume"}:
        symbols = 1 if one.scope == "symbol" else ACROSS
        table = walk(rows // symbols, symbols)
        return {n: table.columns[n] for n in dict.fromkeys(["symbol", *names])}, table.symbols
    made = tape(one, rows, 1, missing=0.0)
    return made.columns, made.symbols


BENCHES: dict[str, Callable[[Scale], Row]] = {
    "features.talib": partial(talib, "features.talib"),
    **{f"feature.{name}": partial(feature, name) for name in catalog.names()},
}
