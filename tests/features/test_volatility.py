"""Volatility against pandas, against its formulas, and against the volatility of simulated prices."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.core import run, start
from quantlib.features.volatility.range_volatility import garman_klass, parkinson, rogers_satchell, yang_zhang
from quantlib.features.volatility.return_volatility import annual_volatility, ewma_volatility, realised_volatility

RANGES = [parkinson, garman_klass, rogers_satchell, yang_zhang]


def output(*features, **columns):
    columns = {name: np.asarray(column, np.float64) for name, column in columns.items()}
    return run(features, start(features, ["X"]), columns)[1]


def candles(rows, seed, *, volatility=0.02, night=0.0, drift=0.0, steps=1_600):
    """Rows of a random walk of many steps, and a move between them."""
    rng = np.random.default_rng(seed)
    path = np.cumsum(rng.normal(drift / steps, volatility / np.sqrt(steps), (rows, steps)), axis=1)
    path = np.concatenate([np.zeros((rows, 1)), path], axis=1)
    opening = np.cumsum(rng.normal(0.0, night, rows)) + np.concatenate([[0.0], np.cumsum(path[:-1, -1])])
    path += opening[:, None]
    parts = {"open": path[:, 0], "high": path.max(1), "low": path.min(1), "close": path[:, -1]}
    return {name: 100.0 * np.exp(part) for name, part in parts.items()}


def of(feature, rows):
    return output(feature, **{name: rows[name] for name in feature.inputs})[feature.outputs[0]]


def logs(rows):
    return {name: pd.Series(np.log(column)) for name, column in rows.items()}


def by_formula(name, rows, n):
    """Each estimator as printed, window by window, in pandas."""
    x = logs(rows)
    o, h, low, c = x["open"], x["high"], x["low"], x["close"]
    driftless = (h - c) * (h - o) + (low - c) * (low - o)
    if name == "parkinson":
        variance = ((h - low) ** 2).rolling(n).mean() / (4.0 * np.log(2.0))
    elif name == "garman_klass":
        variance = (0.5 * (h - low) ** 2 - (2.0 * np.log(2.0) - 1.0) * (c - o) ** 2).rolling(n).mean()
    elif name == "rogers_satchell":
        variance = driftless.rolling(n).mean()
    else:
        k = 0.34 / (1.34 + (n + 1) / (n - 1))
        night = (o - c.shift()).rolling(n).var(ddof=1)
        day = (c - o).where(c.shift().notna()).rolling(n).var(ddof=1)
        variance = night + k * day + (1 - k) * driftless.where(c.shift().notna()).rolling(n).mean()
    return np.sqrt(variance).to_numpy()


@pytest.mark.parametrize("factory", RANGES)
@pytest.mark.parametrize("n", [2, 20, 90])
def test_an_estimator_is_its_printed_formula(factory, n):
    rows = candles(300, 3, night=0.01, drift=0.002, steps=40)
    np.testing.assert_allclose(of(factory(n), rows), by_formula(factory.__name__, rows, n), rtol=1e-9)


@pytest.mark.parametrize("factory", RANGES)
def test_an_estimator_finds_the_volatility_of_a_walk(factory):
    found = of(factory(2_000), candles(2_001, 4))[-1]
    assert found == pytest.approx(0.02, rel=0.04)  # a walk in steps misses a little of its range


def test_a_range_tells_more_than_a_return():
    rows = candles(4_000, 5)
    spread = {f.__name__: np.nanstd(of(f(20), rows)[::20]) for f in (*RANGES, realised_volatility)}
    assert all(spread[f.__name__] < 0.75 * spread["realised_volatility"] for f in RANGES)


def test_a_drift_misleads_parkinson_but_not_rogers_and_satchell_or_yang_and_zhang():
    rows = candles(2_001, 6, drift=0.04)
    assert of(parkinson(2_000), rows)[-1] > 0.03
    assert of(rogers_satchell(2_000), rows)[-1] == pytest.approx(0.02, rel=0.04)
    assert of(yang_zhang(2_000), rows)[-1] == pytest.approx(0.02, rel=0.04)


def test_gaps_escape_all_but_yang_and_zhang():
    rows = candles(2_001, 7, night=0.02)
    assert of(yang_zhang(2_000), rows)[-1] == pytest.approx(0.02 * np.sqrt(2.0), rel=0.04)
    for factory in RANGES[:3]:
        assert of(factory(2_000), rows)[-1] == pytest.approx(0.02, rel=0.04)


@pytest.mark.parametrize("factory", RANGES)
@given(unit=st.sampled_from([0.25, 64.0, 2.0**40]), seed=st.integers(0, 2**32 - 1))
def test_the_unit_of_price_does_not_matter(factory, unit, seed):
    rows = candles(40, seed, night=0.01, steps=10)
    scaled = {name: column * unit for name, column in rows.items()}
    np.testing.assert_array_equal(of(factory(5), rows), of(factory(5), scaled))


@pytest.mark.parametrize("factory", RANGES)
def test_prices_that_stand_still_have_no_volatility(factory):
    flat = dict.fromkeys(("open", "high", "low", "close"), np.full(30, 110.4))
    assert (of(factory(5), flat)[5:] == 0.0).all()


def test_realised_volatility_is_the_root_mean_square_of_returns():
    close = candles(300, 8, steps=10)["close"]
    wanted = np.sqrt((pd.Series(np.log(close)).diff() ** 2).rolling(20).mean()).to_numpy()
    np.testing.assert_allclose(output(realised_volatility(20), close=close)["realised_volatility"], wanted, rtol=1e-9)


@pytest.mark.parametrize("decay", [0.5, 0.94, 0.99])
def test_ewma_volatility_is_that_of_pandas(decay):
    close = candles(300, 9, steps=10)["close"]
    squares = pd.Series(np.log(close)).diff() ** 2
    wanted = np.sqrt(squares.iloc[1:].ewm(alpha=1.0 - decay, adjust=False).mean()).to_numpy()
    np.testing.assert_allclose(output(ewma_volatility(decay), close=close)["ewma_volatility"][1:], wanted, rtol=1e-9)


def test_a_year_of_daily_rows_is_sqrt_252_of_one():
    close = candles(60, 10, steps=10)["close"]
    both = output(realised_volatility(20), annual_volatility(), close=close)
    np.testing.assert_array_equal(both["volatility_annual"], both["realised_volatility"] * np.sqrt(252.0))


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match=r"ewma_volatility: decay must be inside \(0, 1\), got 1.0"):
        ewma_volatility(1.0)
    with pytest.raises(ValueError, match="annual_volatility: rows must be positive and finite, got 0"):
        annual_volatility(0)
    with pytest.raises(ValueError, match="yang_zhang: n must be at least 2, got 1"):
        yang_zhang(1)
    for factory in RANGES[:3]:
        with pytest.raises(ValueError, match=f"{factory.__name__}: n must be at least 1, got 0"):
            factory(0)
