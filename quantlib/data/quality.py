"""What is wrong with rows: missing, impossible, far out, standing still, repeated or gone for a while.

    report = quality(frame)                 # raw rows, or rows with the columns that features wrote
    report.good, report.findings, print(report)

It looks and changes nothing.  Doors refuse what cannot be (`quantlib.table`); this tells what can be and is suspect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib.arrays import instants
from quantlib.event_rows import MARK
from quantlib.table import UNNAMED

MAD_NORMAL = 1.4826022185056018  # standard deviation of a normal law over its median absolute deviation
MEAN_NORMAL = 1.2533141373155003  # and over its mean absolute deviation
PRICES = ("open", "high", "low", "close", "price", "bid", "ask", "strike", "mid", "benchmark")
SHOWN = 20  # findings that the text lists
FOUND = {
    "symbol": pl.String, "column": pl.String, "what": pl.String, "amount": pl.Float64, "limit": pl.Float64,
    "row": pl.Int64,
}  # fmt: skip


class QualityLimits(NamedTuple):
    """What is let pass."""

    missing: float = 0.01  # share of a column's rows that are NaN after its first number; 1 if it has no number
    infinite: int = 0  # infinite values of a column
    nonpositive: int = 0  # values of a price that are 0 or less
    outlier: float = 20.0  # robust standard deviations of a value from the median, of a price's log change from theirs
    stale: int = 60  # equal values of a column in a row
    gap: float = 10.0  # time between two rows of a symbol, in medians of it
    late: float = 10.0  # time from a symbol's last row to the last row of all, in medians of its steps
    repeated: int = 0  # rows of a symbol at a `ts` that it has a row at already


class Finding(NamedTuple):
    """Something beyond a limit."""

    symbol: str
    column: str
    what: str  # the name of the limit, or "backwards"
    amount: float  # what was found, in the unit of the limit
    limit: float
    row: int  # where it is, or is worst; -1 if that is nowhere


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """The report.

    rows      how many were looked at
    columns   symbol, column, rows, leading (NaN before the first number), missing (NaN after it), infinite, nonpositive
              (of prices), nonpositive_row (the first), outliers, worst (robust standard deviations), worst_row, run
              (longest of equal values), run_row, age (rows since the last number)
    times     symbol, rows, first, last, step (median), repeated, backwards, gaps, longest_gap, late (from its last row
              to the last of all); times in nanoseconds
    findings  symbol, column, what, amount, limit, row: all that is beyond a limit
    """

    rows: int
    columns: pl.DataFrame
    times: pl.DataFrame
    findings: pl.DataFrame

    @property
    def good(self) -> bool:
        """Whether nothing is beyond a limit."""
        return self.findings.is_empty()

    def __str__(self) -> str:
        symbols, found = self.times.height, self.findings.height
        names = self.columns["column"].n_unique() if self.columns.height else 0
        lines = [f"{self.rows:,} rows, {symbols} symbols, {names} columns: {found or 'no'} findings"]
        lines += [_told(Finding(**row)) for row in self.findings.head(SHOWN).iter_rows(named=True)]
        if found > SHOWN:
            lines.append(f"… and {found - SHOWN} more in `.findings`")
        return "\n".join(lines)


def quality(frame: pl.DataFrame, limits: QualityLimits | None = None, *, changes: Sequence[str] = PRICES) -> Quality:
    """Look at every numeric column of every symbol, and at its times.

    A value is an outlier where |x - m| / s is above the limit: m the median of its symbol's column, s 1.4826 times the
    median absolute deviation, or 1.2533 times the mean absolute deviation where more than half of the values are equal;
    where all are equal there is none.  For columns in `changes`, x is the log change from the number before; numbers
    that have none, being 0 or less, are counted by themselves.  Columns that tell events (`…_event`) are mostly 0, so
    they are neither far out nor stale.

    Args:
        frame: with `ts` (Datetime, or int64 nanoseconds), if there are several symbols `symbol`, and numeric columns;
            rows in any state: unsorted ones are counted, and judged in the order they come in.
        limits: what is let pass; by default `QualityLimits()`.
        changes: columns, levels of books included (`bid_0`), that are judged by their log changes, as prices are.

    Raises:
        ValueError: if there is no `ts`, a row has no `ts` or no `symbol`, or a limit is no number or below 0.

    Source: F. R. Hampel, The influence curve and its role in robust estimation, J. Am. Stat. Assoc. 69, 1974; B.
        Iglewicz, D. C. Hoaglin, How to Detect and Handle Outliers, 1993 (the mean deviation in its place).
    """
    limits = _checked(limits or QualityLimits())
    if "ts" not in frame.columns:
        raise ValueError(f"quality: rows need a column 'ts', they bring {frame.columns}")
    frame = frame if "symbol" in frame.columns else frame.with_columns(symbol=pl.lit(UNNAMED))
    kinds = frame.schema
    names = [n for n in frame.columns if _counts(kinds[n]) and n not in ("ts", "ts_event", "symbol")]
    ts = instants("quality", "ts", frame["ts"])
    end = int(ts.max()) if ts.size else 0
    columns: list[dict[str, Any]] = []
    times: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for symbol, rows in _by_symbol(frame["symbol"].cast(pl.String)):
        times.append({"symbol": symbol} | _times(ts[rows], end))
        findings += _late(symbol, times[-1], ts[rows], rows, limits)
        for name in names:
            values = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()[rows]
            column = {"symbol": symbol, "column": name} | _values(values, _level(name) in changes, limits)
            findings += _beyond(column, rows, limits)
            for place in ("nonpositive_row", "worst_row", "run_row"):
                column[place] = int(rows[column[place]]) if column[place] >= 0 else -1
            columns.append(column)
    found = pl.DataFrame(findings, schema=FOUND, orient="row")
    return Quality(frame.height, pl.DataFrame(columns), pl.DataFrame(times), found)


def robust_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """|x - median| over a robust standard deviation, as `quality` says; 0 where the values do not vary.

    Args:
        values: (n,) float64; what is not finite is left out, and scores NaN.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return np.full(values.size, np.nan)
    away = np.abs(values - np.median(known))
    apart = away[np.isfinite(values)]
    scale = MAD_NORMAL * float(np.median(apart)) or MEAN_NORMAL * float(np.mean(apart))
    with np.errstate(over="ignore"):  # of values that hardly vary and one that does: as far as numbers go
        scores = np.minimum(away / scale, np.finfo(np.float64).max) if scale > 0.0 else np.zeros(values.size)
    return np.where(np.isfinite(values), scores, np.nan)


def longest_run(values: NDArray[np.float64]) -> tuple[int, int]:
    """(length, first row) of the longest run of equal values; a value that is not finite ends a run and is none."""
    known = np.isfinite(values)
    if not known.any():
        return 0, -1
    new = np.ones(values.size, bool)
    new[1:] = ~(known[1:] & known[:-1]) | (values[1:] != values[:-1])
    starts = np.flatnonzero(new)
    lengths = np.diff(np.append(starts, values.size)) * known[starts]
    at = int(np.argmax(lengths))
    return int(lengths[at]), int(starts[at])


def _by_symbol(symbols: pl.Series) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Each symbol with its rows, in the order of their first."""
    if symbols.null_count():
        raise ValueError(f"quality: row {symbols.is_null().arg_max()} has no symbol; name it, or drop such rows")
    frame = pl.DataFrame({"symbol": symbols}).with_row_index("row")
    for symbol, rows in frame.group_by("symbol", maintain_order=True).agg("row").iter_rows():
        yield str(symbol), np.asarray(rows, np.int64)


def _checked(limits: QualityLimits) -> QualityLimits:
    for name, value in limits._asdict().items():
        if not (isinstance(value, (int, float, np.number)) and value >= 0):
            raise ValueError(f"quality: limit {name} must be a number of at least 0, got {value!r}")
    return limits


def _counts(kind: pl.DataType) -> bool:
    """Whether a column is one of numbers; one of nothing but null would be."""
    return kind.is_numeric() or kind == pl.Null


def _times(ts: NDArray[np.int64], end: int) -> dict[str, Any]:
    steps = np.diff(ts)
    forward = steps[steps > 0]
    return {
        "rows": int(ts.size),
        "first": int(ts[0]),
        "last": int(ts[-1]),
        "step": float(np.median(forward)) if forward.size else 0.0,
        "repeated": int(ts.size - np.unique(ts).size),
        "backwards": int((steps < 0).sum()),
        "longest_gap": int(steps.max()) if steps.size else 0,
        "late": end - int(ts.max()),
    }


def _late(
    symbol: str, times: dict[str, Any], ts: NDArray[np.int64], rows: NDArray[np.int64], limits: QualityLimits
) -> list[Finding]:
    """What is beyond a limit in the times of a symbol; counts its gaps by the way."""
    steps, step = np.diff(ts), times["step"]
    gaps = np.flatnonzero(steps > limits.gap * step) if step else np.empty(0, np.int64)
    times["gaps"] = int(gaps.size)
    found = []
    if gaps.size:
        at = int(np.argmax(steps))
        found.append(Finding(symbol, "ts", "gap", float(steps[at]) / step, limits.gap, int(rows[at + 1])))
    if step and times["late"] > limits.late * step:
        found.append(Finding(symbol, "ts", "late", times["late"] / step, limits.late, int(rows[-1])))
    if times["repeated"] > limits.repeated:
        _, firsts = np.unique(ts, return_index=True)
        again = np.setdiff1d(np.arange(ts.size), firsts)
        found.append(Finding(symbol, "ts", "repeated", times["repeated"], limits.repeated, int(rows[again[0]])))
    if times["backwards"]:
        at = int(np.argmax(steps < 0))
        found.append(Finding(symbol, "ts", "backwards", times["backwards"], 0.0, int(rows[at + 1])))
    return found


def _values(values: NDArray[np.float64], change: bool, limits: QualityLimits) -> dict[str, Any]:
    known = np.flatnonzero(~np.isnan(values))
    first = int(known[0]) if known.size else values.size
    nonpositive = np.flatnonzero(values <= 0.0) if change else np.empty(0, np.int64)
    scores = robust_scores(_log_changes(values) if change else values)
    worst = int(np.nanargmax(scores)) if np.isfinite(scores).any() else -1
    run, run_row = longest_run(values)
    return {
        "rows": values.size,
        "leading": first,
        "missing": int(np.isnan(values[first:]).sum()),
        "infinite": int(np.isinf(values).sum()),
        "nonpositive": int(nonpositive.size),
        "nonpositive_row": int(nonpositive[0]) if nonpositive.size else -1,
        "outliers": int((scores > limits.outlier).sum()),
        "worst": float(scores[worst]) if worst >= 0 else 0.0,
        "worst_row": worst,
        "run": run,
        "run_row": run_row,
        "age": int(values.size - 1 - known[-1]) if known.size else values.size,
    }


def _beyond(column: dict[str, Any], rows: NDArray[np.int64], limits: QualityLimits) -> list[Finding]:
    """What is beyond a limit in the values of a column."""
    seen = column["rows"] - column["leading"]
    measured = [
        ("missing", column["missing"] / seen if seen else 1.0, limits.missing, -1),
        ("infinite", column["infinite"], limits.infinite, -1),
        ("nonpositive", column["nonpositive"], limits.nonpositive, column["nonpositive_row"]),
    ]
    if not column["column"].endswith(MARK):
        measured.append(("outlier", column["worst"], limits.outlier, column["worst_row"]))
        measured.append(("stale", column["run"], limits.stale, column["run_row"]))
    return [
        Finding(column["symbol"], column["column"], what, float(amount), float(limit), int(rows[at]) if at >= 0 else -1)
        for what, amount, limit, at in measured
        if amount > limit
    ]


def _log_changes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """log x[t] / x[s], s the row of the number before; NaN where there is none, or one of them is not above 0."""
    changes = np.full(values.size, np.nan)
    known = np.flatnonzero(np.isfinite(values) & (values > 0.0))
    changes[known[1:]] = np.diff(np.log(values[known]))
    return changes


def _level(name: str) -> str:
    """`bid_3` is a `bid`."""
    stem, _, level = name.rpartition("_")
    return stem if stem and level.isdigit() else name


def _told(found: Finding) -> str:
    """A finding in a line."""
    where = "" if found.row < 0 else f", row {found.row:,}"
    says = {
        "missing": f"{found.amount:.2%} of its rows are missing, limit {found.limit:.2%}",
        "infinite": f"{found.amount:.0f} values are infinite",
        "nonpositive": f"{found.amount:.0f} prices are 0 or less",
        "outlier": f"{found.amount:.1f} robust standard deviations off, limit {found.limit:g}",
        "stale": f"{found.amount:.0f} equal values in a row, limit {found.limit:.0f}",
        "gap": f"{found.amount:.1f} median steps without a row, limit {found.limit:g}",
        "late": f"ends {found.amount:.1f} median steps before the last row of all, limit {found.limit:g}",
        "repeated": f"{found.amount:.0f} rows at a moment that has one already",
        "backwards": f"{found.amount:.0f} rows come before the row above them",
    }
    return f"{found.symbol} {found.column}: {says[found.what]}{where}"
