"""Choosing on one stretch and judging on the next."""

from datetime import datetime

import numpy as np
import pytest

from experiments import holdout
from quantlib import presets
from quantlib.data import samples

GRID = {"fast": [10, 50], "slow": [100, 200]}
SPLIT = datetime(2010, 1, 1)


@pytest.fixture(scope="module")
def bars():
    return samples.indices()


def test_the_best_on_the_first_stretch_is_judged_on_the_second(bars):
    found = holdout(presets.trend, GRID, bars, SPLIT, warm=200)
    best = found.sweep.sort("sharpe", descending=True).row(0, named=True)
    assert found.chosen == {"fast": best["fast"], "slow": best["slow"]}
    assert found.promised.metrics.sharpe == best["sharpe"]
    assert found.kept.metrics.end.year == 2018
    assert found.kept.metrics.start.year == 2009  # warm rows


def test_the_choice_has_not_seen_the_second_stretch(bars):
    at = np.searchsorted(bars["ts"].dt.epoch("ns").to_numpy(), 1262304000_000_000_000)
    other = bars.with_columns(
        **{
            c: bars[c].to_numpy() * np.where(np.arange(bars.height) < at, 1.0, 2.0)
            for c in ("open", "high", "low", "close")
        }
    )
    assert holdout(presets.trend, GRID, bars, SPLIT).sweep.equals(holdout(presets.trend, GRID, other, SPLIT).sweep)


@pytest.mark.parametrize(("split", "says"), [(datetime(1990, 1, 1), "empty"), (datetime(2030, 1, 1), "empty")])
def test_a_split_outside_the_rows_is_refused(bars, split, says):
    with pytest.raises(ValueError, match=says):
        holdout(presets.trend, GRID, bars, split)


def test_an_unknown_metric_is_refused(bars):
    with pytest.raises(ValueError, match="'sharp'"):
        holdout(presets.trend, {"fast": [10]}, bars, SPLIT, by="sharp")
