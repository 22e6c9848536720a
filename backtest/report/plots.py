"""Figures of a backtest: curves, calendars and distributions.  All return a matplotlib Figure, none touches pyplot.

Long curves are thinned to what can be seen before they are drawn.
"""

from __future__ import annotations

from math import isfinite, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from backtest.metrics import Daily
from backtest.report.marks import price_with_fills, sweep_heatmap, trade_outcomes
from quantlib.formats import DASH, percent
from quantlib.plots import theme
from quantlib.stats import returns as stats
from quantlib.stats.days import compounded
from quantlib.stats.drawdown import drawdown
from quantlib.stats.tails import expected_shortfall, value_at_risk

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "equity_and_drawdown",
    "exposure_over_time",
    "month_grid",
    "month_shades",
    "monthly_returns",
    "price_with_fills",
    "return_distribution",
    "rolling_risk",
    "sweep_heatmap",
    "trade_outcomes",
    "yearly_returns",
]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def equity_and_drawdown(equity: pl.DataFrame, benchmark: pl.DataFrame | None = None) -> Figure:
    """Equity over time, and below it how far it stood under its best.

    Args:
        equity: ts, equity (quote currency).
        benchmark: ts, equity or close: drawn rebased to the first equity, over the same period.
    """
    figure, (above, below) = theme.canvas(10, 4.6, 2, sharex=True, height_ratios=(3, 1))
    above.spines["bottom"].set_visible(False)
    ts, value = _clock(equity), equity["equity"].to_numpy()
    theme.heading(above, "Equity, quote currency")
    theme.heading(below, "Drawdown from its best")
    if value.size < 2:
        theme.note(above, "fewer than two rows")
        theme.note(below, DASH)
        return figure
    x, y = theme.thinned(ts, value)
    above.fill_between(x, y, y.min(), color=theme.LINE, alpha=0.08, linewidth=0)
    above.plot(x, y, color=theme.LINE, linewidth=1.3, label="strategy")
    if benchmark is not None and benchmark.height:
        _benchmark(above, benchmark, ts, float(value[0]))
    x, y = theme.thinned(ts, -drawdown(value))
    below.fill_between(x, y, 0.0, color=theme.BAD, alpha=0.2, linewidth=0)
    below.plot(x, y, color=theme.BAD, linewidth=0.8)
    deepest = float(np.nanmin(y)) if np.isfinite(y).any() else 0.0
    below.set_ylim(min(deepest * 1.1, -0.01), 0)
    theme.numbers(above.yaxis)
    theme.percents(below.yaxis)
    theme.dates(below)
    return figure


def monthly_returns(curve: Daily) -> Figure:
    """Every month's return as a coloured cell, one row per year."""
    years, grid = month_grid(curve)
    figure, axes = theme.canvas(10, 0.7 + 0.28 * max(len(years), 2))
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    if not len(years):
        theme.note(axes, "no months")
        return figure
    from matplotlib.patches import Rectangle

    shade = month_shades(grid)
    for (row, column), value in np.ndenumerate(grid):
        if isfinite(value):
            colour, alpha = theme.GOOD if value >= 0 else theme.BAD, float(shade[row, column])
            axes.add_patch(Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, color=colour, alpha=alpha, linewidth=0))
            axes.text(column, row, percent(value, 1), ha="center", va="center", fontsize=8, color=theme.INK)
    axes.set(xlim=(-0.5, 11.5), ylim=(len(years) - 0.5, -0.5), yticks=range(len(years)), yticklabels=years)
    axes.set_xticks(range(12), MONTHS)
    axes.xaxis.tick_top()
    return figure


def yearly_returns(curve: Daily) -> Figure:
    """Every year's return as a bar with its number."""
    years, total = compounded(curve.days, curve.returns, "Y")
    figure, axes = theme.canvas(5, 2.6)
    theme.heading(axes, "Return by year")
    total = np.nan_to_num(total)
    if not total.size:
        theme.note(axes, "no years")
        return figure
    names = [str(y) for y in years]
    axes.bar(range(total.size), total, 0.7, color=[theme.GOOD if t >= 0 else theme.BAD for t in total], alpha=0.85)
    axes.axhline(0, color=theme.MUTE, linewidth=0.7)
    axes.spines["bottom"].set_visible(False)
    short = total.size > 8
    step = -(-total.size // 24)
    axes.set_xticks(range(0, total.size, step), [n[2:] if short else n for n in names[::step]])
    axes.set_xlim(-0.6, max(total.size, 3) - 0.4)
    axes.margins(y=0.15)
    if np.abs(total).max() < 1e-4:
        axes.set_ylim(-0.01, 0.01)
    for i, t in enumerate(total if not short else []):
        axes.annotate(
            percent(float(t), 1), (i, t), (0, 3 if t >= 0 else -3), textcoords="offset points", ha="center",
            va="bottom" if t >= 0 else "top", fontsize=8, color=theme.INK,
        )  # fmt: skip
    theme.percents(axes.yaxis)
    return figure


def rolling_risk(curve: Daily, window: int = 126) -> Figure:
    """Sharpe ratio and volatility of the last `window` days; a shorter run takes a third of its days."""
    figure, (above, below) = theme.canvas(5, 3.4, 2, sharex=True)
    above.spines["bottom"].set_visible(False)
    window = max(2, min(window, curve.returns.size // 3))
    theme.heading(above, f"Sharpe ratio, last {window} days")
    theme.heading(below, f"Annual volatility, last {window} days")
    if curve.returns.size <= window:
        theme.note(above, "too few days")
        theme.note(below, DASH)
        return figure
    for axes, series, colour in (
        (above, stats.rolling_sharpe(curve.returns, curve.periods, window), theme.LINE),
        (below, stats.rolling_volatility(curve.returns, curve.periods, window), theme.SECOND),
    ):
        x, y = theme.thinned(curve.days[window - 1 :], series[window - 1 :], 200)
        axes.plot(x, y, color=colour, linewidth=1.1)
    above.axhline(0, color=theme.MUTE, linewidth=0.7)
    theme.numbers(above.yaxis)
    theme.percents(below.yaxis)
    below.set_ylim(bottom=0)
    theme.dates(below)
    return figure


def return_distribution(curve: Daily, tail: float = 0.05) -> Figure:
    """How often which daily return came, beside the normal law of the same mean and spread, with the worst 5 %."""
    figure, axes = theme.canvas(5, 2.6)
    theme.heading(axes, "Daily returns and a normal law")
    r = curve.returns[np.isfinite(curve.returns)]
    if r.size < 2 or np.ptp(r) < stats.ROUNDING:
        theme.note(axes, "returns do not vary")
        return figure
    reach = float(max(np.quantile(np.abs(r), 0.998), np.abs(r).max() / 4))
    edges = np.linspace(-reach, reach, 62)
    height, _ = np.histogram(np.clip(r, -reach, reach), edges)
    middle = (edges[1:] + edges[:-1]) / 2
    risk, shortfall = value_at_risk(r, tail), expected_shortfall(r, tail)
    colour = [theme.BAD if m < -risk else theme.LINE for m in middle]
    axes.bar(middle, height, (edges[1] - edges[0]) * 0.86, color=colour, alpha=0.8)
    mean, spread = r.mean(), r.std()
    bell = np.exp(-0.5 * ((middle - mean) / spread) ** 2) / (spread * sqrt(2 * pi)) * r.size * (edges[1] - edges[0])
    axes.plot(middle, bell, color=theme.INK, linewidth=0.9, alpha=0.8)
    said = f"worst {percent(tail, 0)} of days\nlose over {percent(risk)},\n{percent(shortfall)} on average"
    axes.text(0.0, 0.97, said, transform=axes.transAxes, va="top", fontsize=8, color=theme.BAD, linespacing=1.4)
    axes.set_yticks([])
    theme.percents(axes.xaxis)
    return figure


def exposure_over_time(equity: pl.DataFrame) -> Figure:
    """Gross exposure as an area and net exposure as a line, both as a share of equity."""
    figure, axes = theme.canvas(10, 2.2)
    theme.heading(axes, "Exposure as a share of equity: gross as area, net as line")
    value = equity["equity"].to_numpy()
    if value.size < 2:
        theme.note(axes, "fewer than two rows")
        return figure
    ts, safe = _clock(equity), np.where(value > 0, value, np.nan).astype(np.float32)
    x, y = theme.thinned(ts, equity["gross"].to_numpy() / safe)
    axes.fill_between(x, y, 0.0, color=theme.LINE, alpha=0.22, linewidth=0)
    x, y = theme.thinned(ts, equity["net"].to_numpy() / safe)
    axes.plot(x, y, color=theme.LINE, linewidth=0.7)
    axes.axhline(0, color=theme.MUTE, linewidth=0.7)
    theme.percents(axes.yaxis)
    theme.dates(axes)
    return figure


def month_grid(curve: Daily) -> tuple[list[int], NDArray[np.float64]]:
    """Years, and (years, 12) float64 returns of their months; NaN where there were no days."""
    months, total = compounded(curve.days, curve.returns, "M")
    if not total.size:
        return [], np.empty((0, 12))
    index = months.astype(np.int64)  # months since January 1970
    first, last = int(index[0]) // 12, int(index[-1]) // 12
    grid = np.full((last - first + 1, 12), np.nan)
    grid[index // 12 - first, index % 12] = total
    return list(range(1970 + first, 1971 + last)), grid


def month_shades(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Opacity of each month's cell: full for the wildest twentieth, barely there for months that did nothing."""
    known = np.abs(grid[np.isfinite(grid)])
    full = float(np.quantile(known, 0.95)) if known.size else 0.0
    return 0.07 + 0.58 * np.minimum(np.abs(grid) / full, 1.0) if full > 0 else np.full(grid.shape, 0.07)


def _clock(frame: pl.DataFrame) -> NDArray[Any]:
    """(rows,) datetime64[ns], UTC; no copy."""
    return frame["ts"].to_physical().to_numpy().view("M8[ns]")


def _benchmark(axes: Any, benchmark: pl.DataFrame, ts: NDArray[Any], start: float) -> None:
    when, level = _clock(benchmark), benchmark["equity" if "equity" in benchmark.columns else "close"].to_numpy()
    inside = (when >= ts[0]) & (when <= ts[-1])
    if not inside.any():
        return
    x, y = theme.thinned(when[inside], level[inside])
    axes.plot(x, y / y[0] * start, color=theme.SECOND, linewidth=1.0, alpha=0.9, label="benchmark")
    axes.legend(loc="upper left", frameon=False, fontsize=theme.FONT, labelcolor=theme.INK)
