"""Drift against scipy, against numbers worked out by hand, and where it must and must not be seen."""

from itertools import pairwise
from math import log

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from quantlib.learn.drift import Thresholds, bin_edges, drift, psi, shares
from quantlib.plots import theme
from quantlib.plots.drift import drift_figure


def frame(**columns):
    return pl.DataFrame({name: np.asarray(c, np.float64) for name, c in columns.items()})


def normal(seed, n=2000, mean=0.0, sd=1.0):
    return np.random.default_rng(seed).normal(mean, sd, n)


def test_psi_is_what_one_works_out_by_hand():
    reference = np.repeat([1.0, 2.0, 3.0, 4.0], 25)
    current = np.repeat([1.0, 2.0, 3.0, 4.0], [10, 20, 30, 40])
    by_hand = sum((c - 0.25) * log(c / 0.25) for c in (0.1, 0.2, 0.3, 0.4))
    assert psi(reference, current) == pytest.approx(by_hand, rel=1e-12)
    assert by_hand == pytest.approx(0.2282, abs=1e-4)


def test_an_empty_bin_counts_as_half_a_row():
    reference, current = np.repeat([1.0, 2.0], 50), np.ones(100)
    assert psi(reference, current) == pytest.approx(0.5 * log(1.0 / 0.5) + (0.005 - 0.5) * log(0.005 / 0.5), rel=1e-12)


def test_bins_of_many_values_are_numpys_quantiles():
    values = normal(1)
    np.testing.assert_allclose(bin_edges(values, 10), np.quantile(values, np.arange(1, 10) / 10), rtol=1e-15)
    np.testing.assert_allclose(shares(values, bin_edges(values, 10)), 0.1, atol=1e-3)


@given(seed=st.integers(0, 999), n=st.integers(1, 200), few=st.booleans())
def test_every_value_lies_in_the_bin_that_the_edges_say(seed, n, few):
    values = normal(seed, n).round(0 if few else 9)
    edges = bin_edges(values, 5)
    assert (np.diff(edges) > 0).all()
    ends = np.concatenate(([-np.inf], edges, [np.inf]))
    counted = [((values > a) & (values <= b)).mean() for a, b in pairwise(ends)]
    np.testing.assert_allclose(shares(values, edges), counted)


@given(seed=st.integers(0, 999))
def test_psi_is_never_negative_and_nothing_drifts_from_itself(seed):
    a, b = normal(seed, 150), normal(seed + 1, 90, 0.3)
    assert psi(a, b) >= 0.0
    assert psi(a, a) == pytest.approx(0.0, abs=1e-12)


@given(seed=st.integers(0, 999))
def test_psi_does_not_ask_for_the_unit(seed):
    a, b = normal(seed, 300), normal(seed + 1, 200, 0.5)
    assert psi(1024.0 * a, 1024.0 * b) == pytest.approx(psi(a, b), rel=1e-12)


def test_what_leaves_a_constant_is_seen_on_either_side():
    constant = np.full(500, 3.0)
    for other in (2.0, 4.0):
        assert psi(constant, np.full(500, other)) > 1.0
    assert psi(constant, constant) == 0.0


@given(seed=st.integers(0, 999), mean=st.floats(-1.0, 1.0), sd=st.floats(0.5, 2.0))
def test_the_measures_are_those_of_scipy(seed, mean, sd):
    a, b = normal(seed, 200), normal(seed + 1, 150, mean, sd)
    row = drift(frame(x=a), frame(x=b)).row(0, named=True)
    test = stats.ks_2samp(a, b)
    assert (row["ks"], row["p_value"]) == (test.statistic, test.pvalue)
    assert row["wasserstein"] == stats.wasserstein_distance(a, b)
    assert row["shift"] == pytest.approx(row["wasserstein"] / np.std(a), rel=1e-12)
    assert row["psi"] == psi(a, b)


def test_a_shift_is_the_wasserstein_distance_and_moves_the_verdict():
    a = normal(1)
    moved = {"still": 0.0, "nudged": 0.3, "gone": 2.0}
    table = drift(frame(**dict.fromkeys(moved, a)), frame(**{name: a + by for name, by in moved.items()}))
    np.testing.assert_allclose(table["wasserstein"], list(moved.values()), atol=1e-12)
    assert table["verdict"].to_list() == ["stable", "watch", "drift"]


def test_a_wider_spread_is_drift_though_the_mean_stays():
    row = drift(frame(x=normal(1)), frame(x=normal(2, sd=2.5))).row(0, named=True)
    assert row["verdict"] == "drift"
    assert row["psi"] > 0.25


def test_the_same_law_is_stable():
    verdicts = [drift(frame(x=normal(k)), frame(x=normal(k + 100)))["verdict"][0] for k in range(20)]
    assert verdicts == ["stable"] * 20


def test_missing_values_are_left_out_and_counted():
    a, b = normal(1, 100), normal(1, 100)
    b[:30] = np.nan
    a[3] = np.inf
    row = drift(frame(x=a), frame(x=b)).row(0, named=True)
    assert (row["missing_before"], row["missing_after"]) == (pytest.approx(0.01), pytest.approx(0.3))
    assert (row["rows_before"], row["rows_after"]) == (99, 70)
    assert row["verdict"] == "drift"  # by what is missing
    assert drift(frame(x=a), frame(x=b), thresholds=Thresholds(missing=0.5))["verdict"][0] == "stable"


def test_a_column_that_has_dried_up_is_drift():
    table = drift(frame(x=normal(1, 50), y=np.full(50, np.nan)), frame(x=np.full(40, np.nan), y=np.full(40, np.nan)))
    assert table["verdict"].to_list() == ["drift", "watch"]  # nothing is known of what is empty in both
    assert table["psi"].is_nan().all()


def test_columns_are_the_numeric_ones_or_those_named():
    a = frame(x=normal(1, 50), y=normal(2, 50)).with_columns(symbol=pl.lit("A"), n=pl.lit(1), ts=pl.int_range(50))
    assert drift(a, a)["column"].to_list() == ["x", "y", "n"]
    assert drift(a, a, columns=["y"])["column"].to_list() == ["y"]
    with pytest.raises(ValueError, match="drift: the current has no column 'y'"):
        drift(a, a.drop("y"))
    with pytest.raises(ValueError, match="drift: bins must be at least 2, got 1"):
        drift(a, a, bins=1)
    with pytest.raises(ValueError, match="drift: the reference must be a polars DataFrame, got dict"):
        drift({"x": [1.0]}, {"x": [1.0]})
    with pytest.raises(ValueError, match="drift: the current must be a polars DataFrame, got NoneType"):
        drift(a, None)


def test_whole_numbers_drift_as_others_do():
    trades = pl.DataFrame({"trades": np.arange(400) % 20})
    assert drift(trades, trades + 30).select("column", "verdict").rows() == [("trades", "drift")]
    dead = trades.with_columns(trades=None)
    assert drift(dead, dead)["verdict"].to_list() == ["watch"]


def test_thresholds_decide():
    a, b = frame(x=normal(1)), frame(x=normal(2, mean=0.6))
    assert drift(a, b)["verdict"][0] == "drift"
    loose = Thresholds(9.0, 9.0, 1.1, 0.0, 9.0, 9.0)
    assert drift(a, b, thresholds=loose)["verdict"][0] == "stable"
    assert drift(a, b, thresholds=loose._replace(ks=0.1, p_value=0.01))["verdict"][0] == "watch"


def test_the_figure_shows_a_bar_for_each_column_in_the_colour_of_its_verdict():
    from matplotlib.colors import to_hex

    a = frame(calm=normal(1), gone=normal(2), empty=np.full(2000, np.nan))
    figure = drift_figure(a, frame(calm=normal(3), gone=normal(4, mean=2.0), empty=np.full(2000, np.nan)))
    bars, *distributions = figure.axes
    assert [t.get_text() for t in bars.get_yticklabels()] == ["gone", "calm", "empty"]
    colours = [to_hex(bar.get_facecolor()) for bar in bars.patches]
    assert colours == [theme.BAD, theme.GOOD, theme.SECOND]
    assert bars.patches[0].get_width() == pytest.approx(psi(normal(2), normal(4, mean=2.0)))
    assert [axes.get_title(loc="left").split()[0] for axes in distributions] == ["gone", "calm"]
    figure.canvas.draw()
