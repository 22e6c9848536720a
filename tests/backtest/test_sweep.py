"""A sweep says what each backtest alone would say."""

import sys

import numpy as np
import polars as pl
import pytest

import backtest
from backtest.costs import Costs
from quantlib import presets
from quantlib.data import samples

COSTS = Costs(rate=1e-4)
GRID = {"fast": [5, 20], "slow": [50, 100]}


@pytest.fixture(scope="module")
def bars():
    return samples.indices().head(3000)


def ended(result):
    return {"equity": result.curve[-1], "fills": float(len(result.raw_fills))}


@pytest.mark.parametrize("budget", [1 << 29, 0], ids=["shared columns", "no shared columns"])
def test_a_sweep_equals_its_backtests(bars, budget, monkeypatch):
    monkeypatch.setattr(sys.modules["backtest.sweep"], "BUDGET", budget)
    frame = backtest.sweep(presets.trend, GRID, bars, costs=COSTS, measure=ended, workers=2)
    assert frame.select("fast", "slow").rows() == [(5, 50), (5, 100), (20, 50), (20, 100)]
    for row in frame.iter_rows(named=True):
        alone = backtest.run(presets.trend(row["fast"], row["slow"]), bars, costs=COSTS)
        assert row["equity"] == alone.curve[-1]
        assert row["fills"] == len(alone.raw_fills) > 0


def test_a_sweep_reports_every_metric_and_its_progress(bars):
    told = []
    frame = backtest.sweep(presets.dip, {"n": [10, 20]}, bars, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]
    assert {"n", "sharpe", "max_drawdown", "profit_factor", "total_return"} <= set(frame.columns)
    assert frame["total_return"].dtype == pl.Float64
    assert np.isfinite(frame["total_return"].to_numpy()).all()


def test_an_empty_grid_is_refused(bars):
    with pytest.raises(ValueError, match="at least one value"):
        backtest.sweep(presets.trend, {"fast": []}, bars)


def test_a_result_plots_its_equity_beside_a_benchmark(bars):
    result = backtest.run(presets.dip(), bars, costs=COSTS)
    figure = result.plot(bars.filter(pl.col("symbol") == "SPX"))
    lines = [len(axes.get_lines()) for axes in figure.axes]
    assert lines[0] >= 2
    assert lines[1] >= 1
