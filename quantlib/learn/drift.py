"""Whether columns still look as they did: two periods compared, column by column.

    table = drift(then, now)                 # a row for each column, with a verdict
    table.filter(verdict="drift")

Three measures, because each is blind to something: PSI sees shares move between bins, the Kolmogorov-Smirnov statistic
sees the widest gap between two distributions and says how likely chance makes it, the Wasserstein distance says how far
values have moved, in their own unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STAMPS = ("ts", "ts_event")
STABLE, WATCH, DRIFT = "stable", "watch", "drift"
SCHEMA = {
    "column": pl.String, "psi": pl.Float64, "ks": pl.Float64, "p_value": pl.Float64, "wasserstein": pl.Float64,
    "shift": pl.Float64, "missing_before": pl.Float64, "missing_after": pl.Float64, "rows_before": pl.Int64,
    "rows_after": pl.Int64, "verdict": pl.String,
}  # fmt: skip


class Thresholds(NamedTuple):
    """From where on a measure speaks.

    Source: N. Siddiqi, Credit Risk Scorecards, 2006, ch. 8, for PSI (0.1 a slight, 0.25 a major change); the others are
    conventions of this library.
    """

    psi_watch: float = 0.1
    psi_drift: float = 0.25
    ks: float = 0.1  # counts only together with p_value: over many rows every small gap is significant
    p_value: float = 0.01
    shift_watch: float = 0.25  # Wasserstein distance in standard deviations of the reference
    shift_drift: float = 0.5
    missing: float = 0.05  # change of the share of missing values


def drift(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    bins: int = 10,
    thresholds: Thresholds = Thresholds(),  # noqa: B008
) -> pl.DataFrame:
    """Compare two periods, column by column.

    The verdict is "drift" if PSI or the shift reaches its drift threshold, or the share of missing values changes by
    more than `missing`, or a column is empty in one period alone; else "watch" if PSI or the shift reaches its watch
    threshold, or the KS statistic and its p-value both reach theirs, or a column is empty in both periods, so that
    there is nothing to compare; else "stable".

    Args:
        reference: rows of the period that counts as usual, say those that a model was fitted on.
        current: rows of the period to judge.
        columns: which; by default all numeric columns of the reference but its stamps.
        bins: of PSI.
        thresholds: from where on a measure speaks.

    Returns:
        One row per column: column, psi, ks, p_value, wasserstein (unit of the column), shift (the same over the
        standard deviation of the reference; NaN if that is 0), missing_before and missing_after (shares), rows_before
        and rows_after (finite values), verdict. NaN where a period has no finite value.

    Raises:
        ValueError: if a period is no frame, a column is missing in it, or bins is below 2.

    Rows of markets depend on each other, so p-values are smaller than they should be: take them as an order, not as
    odds.
    """
    periods = (("reference", reference), ("current", current))
    for what, frame in periods:
        if not isinstance(frame, pl.DataFrame):
            raise ValueError(f"drift: the {what} must be a polars DataFrame, got {type(frame).__name__}")
    names = tuple(columns) if columns is not None else _numeric(reference)
    for name in names:
        for what, frame in periods:
            if name not in frame.columns:
                raise ValueError(f"drift: the {what} has no column {name!r}; it has {frame.columns}")
    rows = [_row(name, _floats(reference[name]), _floats(current[name]), bins, thresholds) for name in names]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def psi(reference: Floats, current: Floats, bins: int = 10) -> float:
    """Population stability index.

    PSI = sum over bins of (c - r) log(c / r),  r and c the shares of reference and current in `bin_edges`;
    an empty bin counts as half a row.

    Args:
        reference: (n,) float64, finite.
        current: (m,) float64, finite.
        bins: of about equal shares of the reference, at least 2.

    Returns:
        At least 0; 0 if all shares are equal; NaN if either is empty.

    Source: N. Siddiqi, Credit Risk Scorecards, 2006, ch. 8; it is the symmetric Kullback-Leibler divergence of the
        shares (S. Kullback, R. A. Leibler, On information and sufficiency, Ann. Math. Stat. 22, 1951).
    """
    if not (reference.size and current.size):
        return nan
    edges = bin_edges(reference, bins)
    before, after = _shares(reference, edges), _shares(current, edges)
    return float(np.sum((after - before) * np.log(after / before)))


def bin_edges(reference: Floats, bins: int = 10) -> Floats:
    """Inner edges of bins of about equal shares of the reference: its quantiles, equal ones once.

    A reference of at most `bins` different values has a bin for each of them, and one on either side of them all.

    Args:
        reference: (n,) float64, finite, at least one.
        bins: at least 2.

    Returns:
        (k,) ascending; bin j holds edges[j-1] < x <= edges[j], the first and last are open.

    Raises:
        ValueError: if bins is below 2.
    """
    if bins < 2:
        raise ValueError(f"drift: bins must be at least 2, got {bins}")
    values = np.unique(reference)
    if values.size > bins:
        return np.unique(np.quantile(reference, np.arange(1, bins) / bins))
    middles = 0.5 * values[:-1] + 0.5 * values[1:]
    return np.concatenate(([np.nextafter(values[0], -np.inf)], middles, [values[-1]]))


def shares(values: Floats, edges: Floats) -> Floats:
    """The share of the values in each of the edges.size + 1 bins of `bin_edges`."""
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=edges.size + 1)
    return counts / values.size


def _shares(values: Floats, edges: Floats) -> Floats:
    """Shares in which an empty bin counts as half a row, so that logarithms are finite."""
    return np.maximum(shares(values, edges), 0.5 / values.size)


def _row(name: str, before: Floats, after: Floats, bins: int, thresholds: Thresholds) -> tuple[object, ...]:
    from scipy.stats import ks_2samp, wasserstein_distance

    known, now = before[np.isfinite(before)], after[np.isfinite(after)]
    missing = [1.0 - part.size / whole.size if whole.size else nan for part, whole in ((known, before), (now, after))]
    if not (known.size and now.size):
        verdict = WATCH if known.size == now.size else DRIFT
        return (name, nan, nan, nan, nan, nan, *missing, known.size, now.size, verdict)
    test = ks_2samp(known, now)
    moved, spread = float(wasserstein_distance(known, now)), float(np.std(known))
    shift = moved / spread if spread > 0.0 else nan
    index = psi(known, now, bins)
    measures = (index, float(test.statistic), float(test.pvalue), moved, shift)
    return (name, *measures, *missing, known.size, now.size, _verdict(measures, missing, thresholds))


def _verdict(measures: tuple[float, ...], missing: Sequence[float], t: Thresholds) -> str:
    index, gap, chance, _, shift = measures
    if index >= t.psi_drift or shift >= t.shift_drift or abs(missing[1] - missing[0]) > t.missing:
        return DRIFT
    significant = gap >= t.ks and chance <= t.p_value
    return WATCH if index >= t.psi_watch or shift >= t.shift_watch or significant else STABLE


def _numeric(frame: pl.DataFrame) -> tuple[str, ...]:
    """The columns of numbers, those of nothing but null included; stamps only ever grow, so they are left out."""
    kinds = frame.schema.items()
    return tuple(n for n, kind in kinds if (kind.is_numeric() or kind == pl.Null) and n not in STAMPS)


def _floats(series: pl.Series) -> Floats:
    return series.cast(pl.Float64).fill_null(nan).to_numpy()
