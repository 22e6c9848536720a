"""Figures of trades, of fills on a price, and of a sweep."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from quantlib.core import nearest
from quantlib.formats import number
from quantlib.plots import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 400  # marks of trades before they are thinned


def trade_outcomes(trades: pl.DataFrame) -> Figure:
    """Return of every closed trade when it closed, and beside it how often which return came.

    Args:
        trades: from `backtest.trades.trades`.
    """
    figure, (left, right) = theme.canvas(10, 2.6, 1, 2, sharey=True, width_ratios=(4, 1))
    theme.heading(left, "Return of each trade, by the day it closed")
    theme.heading(right, "How often")
    right.set_xticks([])
    earned = trades["return"].to_numpy()
    if not earned.size:
        theme.note(left, "no closed trades")
        return figure
    closed = trades["closed"].to_physical().to_numpy().view("M8[ns]")
    x, y = theme.thinned(closed, earned, SHOWN)
    for won, colour in ((y > 0, theme.GOOD), (y <= 0, theme.BAD)):
        left.scatter(x[won], y[won], s=11, color=colour, alpha=0.65, linewidths=0, clip_on=False)
    for axes in (left, right):
        axes.axhline(0, color=theme.MUTE, linewidth=0.7)
    low, high = float(earned.min()), float(earned.max())
    if high > low:
        edges = np.linspace(low, high, 1 + int(np.clip(2.5 * sqrt(earned.size), 8, 30)))
        height, _ = np.histogram(earned, edges)
        middle = (edges[1:] + edges[:-1]) / 2
        colours = [theme.GOOD if m > 0 else theme.BAD for m in middle]
        right.barh(middle, height, (edges[1] - edges[0]) * 0.86, color=colours, alpha=0.8)
    theme.percents(left.yaxis)
    theme.dates(left)
    return figure


def price_with_fills(prices: pl.DataFrame, fills: pl.DataFrame, symbol: str) -> Figure:
    """The price of one symbol with its fills: upward marks bought, downward marks sold, hollow ones left.

    Args:
        prices: ts, close, and symbol if there are several.
        fills: ts, symbol, side, price, leg.
        symbol: which.

    Raises:
        ValueError: if there are no prices of that symbol.
    """
    if "symbol" in prices.columns:
        names = prices["symbol"].cast(pl.String).unique().to_list()
        prices = prices.filter(pl.col("symbol").cast(pl.String) == symbol)
        if not prices.height:
            raise ValueError(f"price_with_fills: no prices of {symbol!r}.{nearest(symbol, names)}")
    figure, axes = theme.canvas(10, 3.6)
    theme.heading(axes, symbol)
    x, y = theme.thinned(prices["ts"].to_physical().to_numpy().view("M8[ns]"), prices["close"].to_numpy())
    axes.plot(x, y, color=theme.MUTE, linewidth=0.9)
    own = fills.filter(pl.col("symbol").cast(pl.String) == symbol)
    for side, mark, colour in (("buy", "^", theme.GOOD), ("sell", "v", theme.BAD)):
        for entry in (True, False):
            these = own.filter(
                (pl.col("side").cast(pl.String) == side) & ((pl.col("leg").cast(pl.String) == "entry") == entry)
            )
            when = these["ts"].to_physical().to_numpy().view("M8[ns]")
            face = colour if entry else "none"
            axes.scatter(
                when, these["price"].to_numpy(), s=24, marker=mark, facecolors=face, edgecolors=colour, linewidths=0.9,
                zorder=3, label=f"{side}, {'entry' if entry else 'exit'}",
            )  # fmt: skip
    axes.legend(loc="upper left", ncols=4, frameon=False, fontsize=theme.FONT, labelcolor=theme.MUTE)
    theme.numbers(axes.yaxis)
    theme.dates(axes)
    return figure


def sweep_heatmap(sweep: pl.DataFrame, x: str, y: str, metric: str = "sharpe") -> Figure:
    """One metric over two parameters: a cell per pair, the best one framed.

    Args:
        sweep: one row per run, with the parameters and the metrics as columns.
        x, y: names of the two parameters; where other parameters vary too, a cell is the median over them.
        metric: name of the column to show; more is better.

    Raises:
        ValueError: if a column is missing.
    """
    for name in (x, y, metric):
        if name not in sweep.columns:
            raise ValueError(f"sweep_heatmap: no column {name!r}.{nearest(name, sweep.columns)}")
    cells = (
        sweep.with_columns(pl.col(metric).cast(pl.Float64).fill_nan(None)).group_by(x, y).agg(pl.col(metric).median())
    )
    across, down = (sorted(sweep[name].unique().to_list()) for name in (x, y))
    grid = np.full((len(down), len(across)), np.nan)
    for a, b, value in cells.iter_rows():
        grid[down.index(b), across.index(a)] = np.nan if value is None else value
    figure, axes = theme.canvas(min(2 + 0.62 * len(across), 12), min(1 + 0.36 * len(down), 9))
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    theme.heading(axes, metric.replace("_", " "))
    axes.set(xlim=(-0.5, len(across) - 0.5), ylim=(-0.5, len(down) - 0.5))
    axes.set_xticks(range(len(across)), [str(a) for a in across])
    axes.set_yticks(range(len(down)), [str(d) for d in down])
    axes.set_xlabel(x, color=theme.MUTE, fontsize=theme.FONT)
    axes.set_ylabel(y, color=theme.MUTE, fontsize=theme.FONT)
    _cells(axes, grid)
    return figure


def _cells(axes: Axes, grid: theme.Floats) -> None:
    from matplotlib.patches import Rectangle

    known = grid[np.isfinite(grid)]
    if not known.size:
        theme.note(axes, "nothing known")
        return
    most, best = float(np.abs(known).max()) or 1.0, float(known.max())
    written = grid.size <= 400
    for (row, column), value in np.ndenumerate(grid):
        if not isfinite(value):
            continue
        colour = theme.GOOD if value >= 0 else theme.BAD
        frame = {"edgecolor": theme.INK, "linewidth": 1.2, "zorder": 3} if value == best else {"linewidth": 0}
        place = (column - 0.48, row - 0.46)
        axes.add_patch(Rectangle(place, 0.96, 0.92, facecolor=colour, alpha=0.06 + 0.7 * abs(value) / most))
        axes.add_patch(Rectangle(place, 0.96, 0.92, facecolor="none", **frame))
        if written:
            axes.text(
                column, row, number(float(value)), ha="center", va="center", fontsize=8, color=theme.INK, zorder=4
            )
