"""Fractional differences, the Hurst exponent, autocorrelation and entropy against slow references."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from quantlib.core import run, start
from quantlib.features.returns.changes import log_price
from quantlib.features.returns.dependence import autocorrelation
from quantlib.features.returns.entropy import permutation_entropy, sign_entropy
from quantlib.features.returns.fractional import fractional_difference, fractional_weights
from quantlib.features.returns.hurst import hurst

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "reference" / "ml_validation.json"
SEEDS = st.integers(0, 2**32 - 1)


def output(*features, close):
    return run(features, start(features, ["X"]), {"close": np.asarray(close, np.float64)})[1]


def walk(rows, seed, flat=0.0):
    rng = np.random.default_rng(seed)
    return 100.0 * np.exp(np.cumsum(np.where(rng.random(rows) < flat, 0.0, rng.normal(0.0, 0.01, rows))))


def fractional_walk(exponent, rows, seed):
    """Sums of fractional Gaussian noise, by circulant embedding of its covariance."""
    k = np.arange(rows + 1, dtype=float)
    cov = 0.5 * (np.abs(k + 1) ** (2 * exponent) - 2 * k ** (2 * exponent) + np.abs(k - 1) ** (2 * exponent))
    power = np.fft.fft(np.concatenate([cov, cov[-2:0:-1]])).real.clip(min=0.0)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=len(power)) + 1j * rng.normal(size=len(power))
    return np.cumsum(np.fft.fft(np.sqrt(power / len(power)) * noise).real[:rows])


def published(name):
    if not PUBLISHED.exists():
        pytest.skip("the published numbers are not here (../shared/reference/ml_validation.json)")
    return next(v for v in json.loads(PUBLISHED.read_text())["values"] if v["id"] == name)


def test_weights_of_a_half_are_the_published_ones():
    wanted = published("fracdiff_half")
    ours = fractional_weights(wanted["inputs"]["d"], 1e-4)[: wanted["inputs"]["n"]]
    np.testing.assert_allclose(ours, wanted["expected"], rtol=0.0, atol=1e-15)


def test_the_width_of_the_window_is_the_published_one():
    wanted = published("ffd_len_0.9_1e-3")
    assert len(fractional_weights(wanted["inputs"]["d"], wanted["inputs"]["thresh"])) == wanted["expected"]


@pytest.mark.parametrize(("d", "threshold"), [(0.4, 1e-3), (0.4, 1e-4), (0.75, 0.05), (1.5, 1e-3), (0.3, 0.5)])
def test_a_fractional_difference_is_its_weighted_sum(d, threshold):
    weights, close = fractional_weights(d, threshold), walk(700, 1)
    wanted = np.full(700, np.nan)
    wanted[len(weights) - 1 :] = np.convolve(close, weights, "valid")
    got = output(fractional_difference(d, threshold), close=close)["fractional_difference"]
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


def test_whole_orders_are_plain_differences():
    close = walk(50, 2)
    for d in range(4):
        got = output(fractional_difference(d, 1e-9), close=close)["fractional_difference"]
        np.testing.assert_allclose(got[d:], np.diff(close, d), rtol=1e-9, atol=1e-9)


def test_a_fractional_difference_reads_the_log_price_of_another_feature():
    close = walk(300, 3)
    got = output(log_price(), fractional_difference(0.4, 1e-3, price="log_price"), close=close)
    plain = output(fractional_difference(0.4, 1e-3), close=np.log(close))
    np.testing.assert_allclose(got["fractional_difference"], plain["fractional_difference"], rtol=1e-9)


def by_regression(close, n, lags):
    x, k = np.log(close), np.arange(lags)
    sums = [(pd.Series(x).diff(2**j) ** 2).rolling(n).mean() for j in k]
    spread = np.log2(np.array(sums)[:, 2 ** (lags - 1) + n - 1 :])
    return np.polyfit(k, spread, 1)[0] / 2.0


@given(seed=SEEDS, n=st.integers(2, 80), lags=st.integers(2, 8))
def test_hurst_is_half_the_slope_of_a_fitted_line(seed, n, lags):
    close = walk(260, seed)
    got = output(hurst(n, lags), close=close)["hurst"]
    warmup = 2 ** (lags - 1) + n - 1
    assert np.isnan(got[:warmup]).all()
    np.testing.assert_allclose(got[warmup:], by_regression(close, n, lags), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("exponent", [0.3, 0.5, 0.7])
def test_hurst_finds_the_exponent_of_a_fractional_walk(exponent):
    x = fractional_walk(exponent, 20_000, 4)
    assert output(hurst(19_000), close=np.exp(0.01 * x))["hurst"][-1] == pytest.approx(exponent, abs=0.02)


def test_hurst_is_one_for_steady_growth_a_half_at_rest_and_zero_for_a_bounce():
    assert output(hurst(10), close=np.exp(0.01 * np.arange(60)))["hurst"][-1] == pytest.approx(1.0)
    assert output(hurst(10), close=np.full(60, 5.0))["hurst"][-1] == 0.5
    assert output(hurst(10), close=[5.0, 6.0] * 30)["hurst"][-1] == 0.0


@given(seed=SEEDS, lag=st.integers(1, 20), n=st.integers(2, 50))
def test_autocorrelation_is_the_correlation_that_pandas_tells(seed, lag, n):
    close = walk(120, seed)
    returns = pd.Series(np.log(close)).diff()
    wanted = [
        np.corrcoef(returns[t - n + 1 : t + 1], returns[t - n + 1 - lag : t + 1 - lag])[0, 1]
        for t in range(n + lag, 120)
    ]
    got = output(autocorrelation(lag, n), close=close)["autocorrelation"]
    assert np.isnan(got[: n + lag]).all()
    np.testing.assert_allclose(got[n + lag :], wanted, rtol=1e-6, atol=1e-8)


def test_autocorrelation_finds_that_of_an_autoregression():
    rng = np.random.default_rng(5)
    returns = np.zeros(20_000)
    for t in range(1, 20_000):
        returns[t] = 0.4 * returns[t - 1] + rng.normal(0.0, 0.01)
    close = np.exp(np.cumsum(returns))
    for lag in (1, 2, 3):
        got = output(autocorrelation(lag, 19_000), close=close)["autocorrelation"][-1]
        assert got == pytest.approx(0.4**lag, abs=0.03)


def test_autocorrelation_of_a_bounce_is_minus_one_and_of_steady_growth_nothing():
    assert output(autocorrelation(1, 10), close=[5.0, 6.0] * 30)["autocorrelation"][-1] == pytest.approx(-1.0)
    assert output(autocorrelation(2, 10), close=[5.0, 6.0] * 30)["autocorrelation"][-1] == pytest.approx(1.0)
    assert (output(autocorrelation(1, 10), close=2.0 ** np.arange(40.0))["autocorrelation"][11:] == 0.0).all()


def share_of_entropy(symbols, alphabet):
    return stats.entropy(list(Counter(symbols).values())) / np.log(alphabet)


@given(seed=SEEDS, order=st.integers(2, 6), n=st.integers(1, 70))
def test_permutation_entropy_counts_orders(seed, order, n):
    close = walk(110, seed, flat=0.3)
    runs = np.lib.stride_tricks.sliding_window_view(close, order)
    patterns = [tuple(row) for row in np.argsort(runs, axis=1, kind="stable")]
    wanted = [
        share_of_entropy(patterns[t - n + 1 : t + 1], float(np.prod(np.arange(1.0, order + 1))))
        for t in range(n - 1, len(patterns))
    ]
    got = output(permutation_entropy(order, n), close=close)["permutation_entropy"]
    assert np.isnan(got[: n + order - 2]).all()
    np.testing.assert_allclose(got[n + order - 2 :], wanted, rtol=1e-9, atol=1e-9)


def test_permutation_entropy_of_the_paper_is_found():
    close = [4.0, 7.0, 9.0, 10.0, 6.0, 11.0, 3.0]  # Bandt and Pompe's own example: 0.918 bits and 1.522 bits
    assert output(permutation_entropy(2, 6), close=close)["permutation_entropy"][-1] == pytest.approx(0.918, abs=5e-4)
    got = output(permutation_entropy(3, 5), close=close)["permutation_entropy"][-1]
    assert got * np.log2(6.0) == pytest.approx(1.522, abs=5e-4)


@given(seed=SEEDS, length=st.integers(1, 6), n=st.integers(1, 70))
def test_sign_entropy_counts_words(seed, length, n):
    close = walk(110, seed, flat=0.3)
    words = [tuple(w) for w in np.lib.stride_tricks.sliding_window_view(np.sign(np.diff(close)), length)]
    wanted = [share_of_entropy(words[t - n + 1 : t + 1], 3.0**length) for t in range(n - 1, len(words))]
    got = output(sign_entropy(length, n), close=close)["sign_entropy"]
    assert np.isnan(got[: n + length - 1]).all()
    np.testing.assert_allclose(got[n + length - 1 :], wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("feature", [permutation_entropy(4, 50), sign_entropy(3, 50)])
def test_order_has_no_entropy_and_noise_has_much(feature):
    name = feature.outputs[0]
    assert output(feature, close=np.arange(1.0, 200.0))[name][-1] == 0.0
    assert output(feature, close=walk(200, 6))[name][-1] > 0.5


def test_what_makes_no_sense_is_refused():
    for wrong, words in (
        (lambda: fractional_difference(-0.1), "fractional_difference: d must be finite and not negative, got -0.1"),
        (lambda: fractional_difference(0.4, 1.0), r"threshold must be inside \(0, 1\), got 1.0"),
        (lambda: fractional_difference(0.1, 1e-6), "more than 4096 weights reach 1e-06; raise the threshold"),
        (lambda: hurst(200, 9), "hurst: lags must be at most 8, got 9"),
        (lambda: hurst(1), "hurst: n must be at least 2, got 1"),
        (lambda: autocorrelation(0), "autocorrelation: lag must be at least 1, got 0"),
        (lambda: permutation_entropy(7), "permutation_entropy: order must be at most 6, got 7"),
        (lambda: sign_entropy(7), "sign_entropy: length must be at most 6, got 7"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()
