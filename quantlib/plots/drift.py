"""Two periods side by side: how far each column has drifted, and what the most drifted ones look like."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib.formats import number
from quantlib.learn.drift import DRIFT, STABLE, WATCH, Thresholds, drift
from quantlib.plots import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

COLOURS = {STABLE: theme.GOOD, WATCH: theme.SECOND, DRIFT: theme.BAD}
ACROSS = 3  # distributions beside each other
BARS = 30  # columns whose PSI is shown, the largest
STEPS = 40  # bins of a distribution
KEY: dict[str, Any] = {"frameon": False, "fontsize": theme.FONT, "labelcolor": theme.INK, "handlelength": 1.2}
TAIL = 0.005  # share of both periods on either side that the distributions leave out of sight


def drift_figure(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    bins: int = 10,
    thresholds: Thresholds = Thresholds(),  # noqa: B008
    most: int = 6,
    width: float = 10.0,
) -> Figure:
    """A figure of `drift`: PSI of every column as a bar, and the distributions of the columns that drifted most.

    Args:
        reference, current, columns, bins, thresholds: as in `quantlib.learn.drift.drift`.
        most: how many distributions to draw, by PSI.
        width: inches.

    Raises:
        ValueError: what `drift` raises.
    """
    table = drift(reference, current, columns=columns, bins=bins, thresholds=thresholds)
    table = table.with_columns(pl.col("psi").fill_nan(0.0)).sort("psi", descending=True, maintain_order=True)
    drawn = table.filter((pl.col("rows_before") > 0) & (pl.col("rows_after") > 0)).head(most)
    lines = ceil(drawn.height / ACROSS)
    bars = max(1.6, 0.22 * min(table.height, BARS) + 0.7)
    figure, _ = theme.canvas(width, bars + 1.9 * lines)
    figure.clear()
    grid = figure.add_gridspec(1 + lines, ACROSS, height_ratios=[bars, *[1.9] * lines])
    _bars(figure.add_subplot(grid[0, :]), table.head(BARS), thresholds)
    for k, row in enumerate(drawn.iter_rows(named=True)):
        axes = figure.add_subplot(grid[1 + k // ACROSS, k % ACROSS])
        before, after = _finite(reference[row["column"]]), _finite(current[row["column"]])
        _distributions(axes, before, after, row, labelled=k == 0)
    return figure


def _bars(axes: Axes, table: pl.DataFrame, thresholds: Thresholds) -> None:
    """PSI of each column, the largest on top, in the colour of its verdict."""
    from matplotlib.patches import Patch

    theme.quiet(axes)
    theme.heading(axes, "Population stability index")
    axes.grid(visible=False)
    height = np.arange(table.height)[::-1]
    values = table["psi"].to_numpy()
    axes.barh(height, values, height=0.62, color=[COLOURS[v] for v in table["verdict"]])
    axes.set_yticks(height, table["column"].to_list(), color=theme.INK, fontsize=theme.FONT)
    widest = max(float(values.max(initial=0.0)), thresholds.psi_drift) * 1.08
    axes.set(xlim=(0.0, widest), ylim=(-0.7, table.height - 0.3))
    for at in (thresholds.psi_watch, thresholds.psi_drift):
        axes.axvline(at, color=theme.MUTE, linewidth=0.8, linestyle=(0, (3, 3)))
    for at, value in zip(height, values, strict=True):
        axes.text(widest, at, number(value, 3), ha="right", va="center", color=theme.INK, fontsize=theme.FONT)
    keys = [Patch(color=COLOURS[v], label=v) for v in (DRIFT, WATCH, STABLE) if v in table["verdict"].to_list()]
    axes.legend(handles=keys, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, ncols=3, **KEY)


def _distributions(axes: Axes, before: Floats, after: Floats, row: dict[str, Any], labelled: bool) -> None:
    """Shares of both periods over the same bins; far tails are left out of sight, not out of the shares."""
    theme.quiet(axes)
    theme.heading(axes, f"{row['column']}   KS {number(row['ks'], 2)}, shift {number(row['shift'], 2)} sd")
    ends = [np.quantile(v, (TAIL, 1.0 - TAIL)) for v in (before, after)]
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    edges = np.linspace(low, high, STEPS + 1) if high > low else np.linspace(low - 0.5, low + 0.5, STEPS + 1)
    for values, colour, label, depth in (
        (before, theme.MUTE, "reference", 0.18),
        (after, theme.LINE, "current", 0.0),
    ):
        heights = np.histogram(values, edges)[0] / values.size
        axes.stairs(heights, edges, color=colour, linewidth=1.2, label=label)
        if depth:
            axes.stairs(heights, edges, color=colour, alpha=depth, fill=True)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0.0, None))
    theme.percents(axes.yaxis)
    axes.locator_params(axis="x", nbins=4)
    if labelled:
        axes.legend(loc="upper right", **KEY)


def _finite(series: pl.Series) -> Floats:
    values = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values[np.isfinite(values)]
