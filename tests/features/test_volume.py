"""Volume and price together, against slow spellings of themselves."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_symbol import bars, output, written

from quantlib.core import run, start
from quantlib.features.profile.vwaps import session_vwap
from quantlib.features.volume.accumulation import ad, adosc, cmf, obv
from quantlib.features.volume.relative_volume import relative_volume, volume_zscore
from quantlib.features.volume.vwap import typical_price, vwap

ROWS = bars(900)
BARS = {name: ROWS[name] for name in ("high", "low", "close", "volume")}
FLOW = (2.0 * BARS["close"] - BARS["low"] - BARS["high"]) / (BARS["high"] - BARS["low"]) * BARS["volume"]


def test_on_balance_volume_adds_what_rose_and_takes_what_fell():
    rows = {"close": [5.0, 6.0, 6.0, 4.0, 7.0], "volume": [10.0, 3.0, 100.0, 2.0, 0.5]}
    np.testing.assert_array_equal(output(obv(), **rows), [10.0, 13.0, 13.0, 11.0, 11.5])
    signed = np.sign(np.diff(BARS["close"], prepend=0.0)) * BARS["volume"]
    np.testing.assert_array_equal(output(obv(), close=BARS["close"], volume=BARS["volume"]), np.cumsum(signed))


def test_what_accumulates_keeps_its_digits_over_many_rows():
    rng = np.random.default_rng(1)
    close, volume = rng.normal(100.0, 1.0, 200_000), rng.lognormal(0.0, 3.0, 200_000)
    signed = np.sign(np.diff(close, prepend=0.0)) * volume
    assert output(obv(), close=close, volume=volume)[-1] == pytest.approx(math.fsum(signed), rel=1e-15)


def test_the_line_of_accumulation_sums_volume_by_where_bars_close():
    np.testing.assert_allclose(output(ad(), **BARS), np.cumsum(FLOW), rtol=1e-9, atol=1e-9)
    rows = {"high": [9.0, 9.0, 9.0, 9.0], "low": [7.0, 7.0, 7.0, 9.0], "close": [9.0, 7.0, 8.0, 9.0]}
    np.testing.assert_array_equal(output(ad(), **rows, volume=[5.0, 2.0, 9.0, 9.0]), [5.0, 3.0, 3.0, 3.0])


def test_a_close_that_only_rounding_moves_from_the_middle_flows_nowhere():
    rows = {"high": [100.3], "low": [100.1], "close": [100.2], "volume": [1e6]}
    assert (100.2 - 100.1) - (100.3 - 100.2) != 0.0
    assert output(ad(), **rows)[0] == output(cmf(1), **rows)[0] == 0.0


def test_the_oscillator_is_the_difference_of_two_means_of_the_line():
    line = pd.Series(output(ad(), **BARS))
    wanted = line.ewm(span=3, adjust=False).mean() - line.ewm(span=10, adjust=False).mean()
    seen = output(adosc(3, 10), **BARS)
    assert np.isnan(seen[:9]).all()
    np.testing.assert_allclose(seen[9:], wanted[9:], rtol=1e-8, atol=1e-9)


def test_money_flow_is_a_share_of_volume():
    seen = output(cmf(20), **BARS)
    wanted = pd.Series(FLOW).rolling(20).sum() / pd.Series(BARS["volume"]).rolling(20).sum()
    np.testing.assert_allclose(seen, wanted, rtol=1e-9, atol=1e-12)
    assert (np.abs(seen[19:]) <= 1.0).all()
    top = BARS | {"close": BARS["high"]}
    np.testing.assert_allclose(output(cmf(20), **top)[19:], 1.0, rtol=1e-14)
    assert (output(cmf(20), **(BARS | {"volume": np.zeros(900)}))[19:] == 0.0).all()


@given(
    volumes=st.lists(st.one_of(st.floats(0.0, 1e9), st.sampled_from([0.0, 1e-9, 3.0])), max_size=40),
    n=st.integers(1, 9),
)
def test_relative_volume_compares_with_the_rows_before(volumes, n):
    seen = output(relative_volume(n), volume=volumes)
    assert np.isnan(seen[:n]).all()
    for t in range(n, len(volumes)):
        usual = float(sum(Fraction(v) for v in volumes[t - n : t])) / n
        assert seen[t] == (volumes[t] / usual if usual > 0.0 else 1.0)


def test_a_volume_score_is_the_distance_from_the_mean_in_deviations():
    window = pd.Series(BARS["volume"]).rolling(20)
    wanted = (BARS["volume"] - window.mean()) / window.std(ddof=0)
    np.testing.assert_allclose(output(volume_zscore(20), volume=BARS["volume"]), wanted, rtol=1e-9, atol=1e-11)


def test_the_average_price_lies_between_the_extremes_and_weighs_by_volume():
    price = (BARS["high"] + BARS["low"] + BARS["close"]) / 3.0
    seen = output(vwap(), **BARS)
    np.testing.assert_allclose(seen, np.cumsum(price * BARS["volume"]) / np.cumsum(BARS["volume"]), rtol=1e-12)
    idle = {name: column[:2] for name, column in BARS.items()} | {"volume": [0.0, 4.0]}
    np.testing.assert_allclose(output(vwap(), **idle), price[:2], rtol=1e-15)


def test_the_average_price_of_a_session_is_that_of_its_bars_alone():
    minute = 60_000_000_000
    ts = 1_700_000_000_000_000_000 + np.arange(900, dtype=np.int64) * 5 * minute
    features = [
        typical_price(),
        session_vwap(offset=52_200.0, price="typical_price", volume="volume", clock="bar"),
    ]
    seen = run(features, start(features, ["X"]), BARS | {"ts": ts})[1]["session_vwap"]
    session = (ts - 52_200_000_000_000) // (86_400 * 1_000_000_000)
    for day in np.unique(session):
        rows = np.flatnonzero(session == day)
        alone = written(vwap(), **{name: column[rows] for name, column in BARS.items()})["vwap"]
        np.testing.assert_allclose(seen[rows], alone, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: adosc(10, 3), "adosc: fast must be below slow, got fast=10 and slow=3"),
        (lambda: cmf(0), "cmf: n must be at least 1, got 0"),
        (lambda: relative_volume(0), "relative_volume: n must be at least 1, got 0"),
        (lambda: volume_zscore(0), "volume_zscore: n must be at least 1, got 0"),
    ],
)
def test_volume_features_refuse_what_makes_no_sense(make, says):
    with pytest.raises(ValueError, match=says):
        make()
