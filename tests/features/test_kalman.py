"""Kalman filters agree with statsmodels, with published vectors and with least squares; fits find the top."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.core import run, start
from quantlib.data import nasdaq, sp500
from quantlib.features.models.kalman import Hedge, LocalLevel, LocalTrend, hedge_ratio, local_level, local_trend
from quantlib.features.models.kalman_fit import fit_hedge, fit_local_level, fit_local_trend, log_likelihood
from quantlib.features.models.refit import FitError, refitted
from quantlib.features.rows import FOREVER

VECTORS = Path(__file__).parents[2].parent / "shared" / "reference" / "micro_vectors.json"
TREND = LocalTrend(0.25, 0.01, 1e-4)


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip("the vectors are not here (../shared/reference/micro_vectors.json)")
    return json.loads(VECTORS.read_text())


@pytest.fixture(scope="module")
def walk():
    """The series of the vectors: a level with steps of 0.1 seen through noise of 0.5."""
    z = np.random.default_rng(11).standard_normal(2100)
    return np.cumsum(0.1 * z[1500:1800]) + 0.5 * z[1800:]


@pytest.fixture(scope="module")
def logs():
    """Two indices, 100 times the logarithm of their closes."""
    return {"close": 100 * np.log(sp500()["close"].to_numpy()), "benchmark": 100 * np.log(nasdaq()["close"].to_numpy())}


def filtered(feature, **columns):
    return run([feature], start([feature], ["X"]), columns)[1]


def structural(y, kind):
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    return UnobservedComponents(y, kind, use_exact_diffuse=True)


def test_the_vectors_hold(vectors, walk):
    level, trend = vectors["local_level"], vectors["local_linear_trend"]
    np.testing.assert_allclose(walk[:5], level["y0_5"], rtol=1e-14)
    seen = filtered(local_level(LocalLevel(level["sig_eps2"], level["sig_eta2"])), close=walk)
    assert seen["level"][-1] == pytest.approx(level["level_last"], rel=1e-13)
    assert seen["level_variance"][-1] == pytest.approx(level["P_last"], rel=1e-13)
    seen = filtered(local_trend(TREND), close=walk)
    np.testing.assert_allclose([seen["trend"][-1], seen["trend_slope"][-1]], trend["last"], rtol=1e-12)


@pytest.mark.parametrize("params", [LocalLevel(0.25, 0.01), LocalLevel(0.1, 2.0), LocalLevel(1.0, 1e-4)])
def test_the_level_is_that_of_statsmodels(walk, params):
    seen = filtered(local_level(params), close=walk)
    known = structural(walk, "llevel").filter(np.array(params))
    np.testing.assert_allclose(seen["level"][1:], known.filtered_state[0, 1:], atol=1e-6)
    np.testing.assert_allclose(seen["level_variance"][1:], known.filtered_state_cov[0, 0, 1:], atol=1e-6)
    np.testing.assert_allclose(seen["level_z"][1:], known.standardized_forecasts_error[0, 1:], atol=1e-6)
    assert log_likelihood(params, walk) == pytest.approx(known.llf_obs[1:].sum(), abs=1e-6)


@pytest.mark.parametrize("params", [TREND, LocalTrend(0.1, 0.5, 0.2), LocalTrend(0.3, 0.0, 1e-3)])
def test_level_and_slope_are_those_of_statsmodels(walk, params):
    seen = filtered(local_trend(params), close=walk)
    known = structural(walk, "lltrend").filter(np.array(params))
    np.testing.assert_allclose(seen["trend"][2:], known.filtered_state[0, 2:], atol=1e-6)
    np.testing.assert_allclose(seen["trend_slope"][2:], known.filtered_state[1, 2:], atol=1e-6)
    np.testing.assert_allclose(seen["trend_variance"][2:], known.filtered_state_cov[0, 0, 2:], atol=1e-6)
    np.testing.assert_allclose(seen["trend_z"][2:], known.standardized_forecasts_error[0, 2:], atol=1e-6)
    assert log_likelihood(params, walk) == pytest.approx(known.llf_obs[2:].sum(), abs=1e-6)


def test_the_hedge_is_that_of_statsmodels(logs):
    from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

    params, n = Hedge(0.5, 0.02, 1e-6, 4.0), 600
    y, x = logs["close"][:n] - 700.0, logs["benchmark"][:n] - 780.0
    seen = filtered(hedge_ratio(params), close=y, benchmark=x)
    known = KalmanFilter(k_endog=1, k_states=2)
    known.bind(np.ascontiguousarray(y[1:].reshape(1, -1)))
    known["design"] = np.stack([np.ones(n - 1), x[1:]])[None]
    known["transition"] = known["selection"] = np.eye(2)
    known["obs_cov"], known["state_cov"] = np.array([[params.noise]]), np.diag(params[1:3])
    cov = np.array([[x[0] ** 2 * 4.0 + params.noise, -x[0] * 4.0], [-x[0] * 4.0, 4.0]])  # given the first row
    known.initialize_known(np.array([y[0], 0.0]), cov + np.diag(params[1:3]))
    wanted = known.filter()
    np.testing.assert_allclose(seen["hedge_alpha"][1:], wanted.filtered_state[0], atol=1e-6)
    np.testing.assert_allclose(seen["hedge_beta"][1:], wanted.filtered_state[1], atol=1e-6)
    np.testing.assert_allclose(seen["hedge_spread"][1:], wanted.forecasts_error[0], atol=1e-6)
    np.testing.assert_allclose(seen["hedge_z"][1:], wanted.standardized_forecasts_error[0], atol=1e-6)


def test_a_hedge_that_does_not_change_is_least_squares(logs):
    y, x = logs["close"][:800], logs["benchmark"][:800]
    seen = filtered(hedge_ratio(Hedge(1.0, 0.0, 0.0, 1e9)), close=y, benchmark=x)
    beta, alpha = np.polyfit(x, y, 1)
    assert seen["hedge_beta"][-1] == pytest.approx(beta, rel=1e-7)
    assert seen["hedge_alpha"][-1] == pytest.approx(alpha, rel=1e-6)


def test_a_level_that_does_not_change_is_the_mean(walk):
    feature = local_level(LocalLevel(1.0, 0.0))
    means = np.cumsum(walk) / (1 + np.arange(walk.size))
    np.testing.assert_allclose(filtered(feature, close=walk)["level"][1:], means[1:], rtol=1e-9, atol=1e-12)
    assert feature.horizon == FOREVER


def test_a_straight_line_is_its_own_trend():
    line = 5.0 + 0.25 * np.arange(100.0)
    seen = filtered(local_trend(TREND), close=line)
    np.testing.assert_allclose(seen["trend"][2:], line[2:], rtol=1e-13)
    np.testing.assert_allclose(seen["trend_slope"][2:], 0.25, rtol=1e-12)
    np.testing.assert_allclose(seen["trend_z"][2:], 0.0, atol=1e-12)


@given(unit=st.sampled_from([2.0**-20, 2.0**10]), seed=st.integers(0, 99))
def test_the_unit_does_not_matter_if_the_variances_have_it_too(unit, seed):
    y = np.cumsum(np.random.default_rng(seed).normal(size=60))
    one = filtered(local_trend(TREND), close=y)
    other = filtered(local_trend(LocalTrend(*(unit**2 * v for v in TREND))), close=unit * y)
    np.testing.assert_allclose(other["trend"], unit * one["trend"], rtol=1e-12)
    np.testing.assert_allclose(other["trend_z"], one["trend_z"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("kind", "fit"), [("llevel", fit_local_level), ("lltrend", fit_local_trend)])
@pytest.mark.parametrize("series", ["walk", "index"])
def test_no_search_of_statsmodels_finds_a_likelier_model(kind, fit, series, walk, logs):
    y = walk if series == "walk" else logs["close"][:1000]
    model = structural(y, kind)
    theirs = model.fit(disp=0, method="powell", maxiter=5000)
    ours = model.filter(np.array(fit({"close": y})))
    assert ours.llf >= theirs.llf - 1e-6
    assert ours.llf == pytest.approx(theirs.llf, abs=1e-2)


def test_a_fitted_hedge_leaves_standard_surprises(logs):
    params = fit_hedge({name: column[:2000] for name, column in logs.items()})
    z = filtered(hedge_ratio(params), **logs)["hedge_z"][50:2000]
    assert np.mean(z**2) == pytest.approx(1.0, abs=0.1)
    other = fit_hedge({"close": logs["close"][:2000], "benchmark": 1e3 * logs["benchmark"][:2000]})
    np.testing.assert_allclose([other.noise, other.alpha], [params.noise, params.alpha], rtol=1e-3)
    assert other.beta * 1e6 == pytest.approx(params.beta, rel=1e-3)


def test_fits_leave_missing_rows_out(walk):
    holes = np.insert(walk, [10, 50], np.nan)
    assert fit_local_level({"close": holes}) == fit_local_level({"close": walk})


def test_filters_can_be_refitted(logs):
    seen = filtered(refitted(local_level, fit_local_level, rows=200, every=300), close=logs["close"][:1000])
    by_hand = local_level(fit_local_level({"close": logs["close"][:200]}))
    np.testing.assert_array_equal(
        seen["level"][200:500], filtered(by_hand, close=logs["close"][:500])["level"][200:500]
    )
    pair = refitted(partial(hedge_ratio, out="pair"), fit_hedge, rows=100, every=200)
    assert set(filtered(pair, **{n: c[:500] for n, c in logs.items()})["pair_alpha_fits"][100:]) == {1.0, 2.0}


def test_rows_that_tell_nothing_are_not_fitted():
    with pytest.raises(FitError, match="fit_local_level: wants at least 20 complete rows, got 19"):
        fit_local_level({"close": np.arange(19.0)})
    with pytest.raises(FitError, match="fit_local_trend: the rows leave no error"):
        fit_local_trend({"close": np.full(50, 3.0)})
    with pytest.raises(FitError, match="fit_hedge: benchmark is 0 throughout"):
        fit_hedge({"close": np.arange(50.0), "benchmark": np.zeros(50)})


def test_variances_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"local_level: noise is a variance: positive and finite, got 0.0"):
        local_level(LocalLevel(0.0, 1.0))
    with pytest.raises(ValueError, match=r"local_trend: slope is a variance: not negative and finite, got -1.0"):
        local_trend(LocalTrend(1.0, 1.0, -1.0))
    with pytest.raises(ValueError, match=r"hedge_ratio: start must be positive, got 0.0"):
        hedge_ratio(Hedge(start=0.0))
