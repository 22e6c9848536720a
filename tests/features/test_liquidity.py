"""Impact and spreads from bars against published vectors, pandas, and prices whose spread is known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.core import run, start
from quantlib.features.liquidity.bar_spreads import amihud, corwin_schultz, roll_spread

FOLDER = Path(__file__).parents[2].parent / "shared" / "reference"


@pytest.fixture(scope="module")
def vectors():
    if not FOLDER.exists():
        pytest.skip("the vectors are not here (../shared/reference/micro_vectors.json)")
    return json.loads((FOLDER / "micro_vectors.json").read_text())


@pytest.fixture(scope="module")
def trades(vectors):
    rows = pl.read_parquet(FOLDER / "micro_events.parquet")
    return {"close": rows["price"].to_numpy(), "volume": rows["size"].to_numpy()}


def output(feature, **columns):
    columns = {name: np.asarray(columns[name], np.float64) for name in feature.inputs}
    return run([feature], start([feature], ["X"]), columns)[1]


def test_amihud_ends_where_it_should(vectors, trades):
    last = output(amihud(20), **trades)["amihud"][-1]
    assert last == pytest.approx(vectors["microstructure"]["amihud20_last"], rel=1e-14)


def test_roll_ends_where_it_should(vectors, trades):
    last = output(roll_spread(50), **trades)["roll_spread"][-1]
    assert last == pytest.approx(vectors["microstructure"]["roll50_last"], rel=1e-10)


def test_corwin_and_schultz_agree_with_the_vectors(vectors):
    rows = pl.read_parquet(FOLDER / "talib_reference.parquet")
    pairs = output(corwin_schultz(1), **{name: rows[name].to_numpy() for name in ("high", "low", "close")})
    wanted = vectors["corwin_schultz"]
    assert pairs["corwin_schultz"][10] == pytest.approx(wanted["raw_10"], rel=1e-11)
    assert np.nanmean(pairs["corwin_schultz"]) == pytest.approx(wanted["mean_raw"], rel=1e-10)
    assert np.nanmean(pairs["corwin_schultz_clipped"]) == pytest.approx(wanted["mean_clipped0"], rel=1e-10)


def bars(rows, seed, *, spread=0.0, volatility=0.02, trades=200):
    """Rows of trades that alternate at random between bid and ask around a walking price."""
    rng = np.random.default_rng(seed)
    middle = np.cumsum(rng.normal(0.0, volatility / np.sqrt(trades), rows * trades)).reshape(rows, trades)
    path = 100.0 * np.exp(middle) * (1.0 + 0.5 * spread * rng.choice([-1.0, 1.0], (rows, trades)))
    found = {"open": path[:, 0], "high": path.max(1), "low": path.min(1), "close": path[:, -1]}
    return found | {"volume": np.round(rng.lognormal(6.0, 1.0, rows))}


@given(n=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_amihud_is_the_mean_over_the_rows_that_traded(n, seed):
    rows = bars(60, seed, trades=2)
    rows["volume"][np.random.default_rng(seed).random(60) < 0.3] = 0.0
    moves = pd.Series(np.log(rows["close"])).diff().abs()
    ratio = (moves / (rows["close"] * rows["volume"])).where(rows["volume"] > 0.0)
    wanted = ratio.iloc[1:].rolling(n, min_periods=1).mean().fillna(0.0).to_numpy()
    got = output(amihud(n), **rows)["amihud"]
    assert np.isnan(got[:n]).all()
    np.testing.assert_allclose(got[n:], wanted[n - 1 :], rtol=1e-9, atol=1e-18)


def test_amihud_halves_where_twice_as_much_is_traded():
    rows = bars(80, 1)
    twice = rows | {"volume": 2.0 * rows["volume"]}
    np.testing.assert_array_equal(output(amihud(), **rows)["amihud"], 2.0 * output(amihud(), **twice)["amihud"])


@given(n=st.integers(2, 30), seed=st.integers(0, 2**32 - 1))
def test_roll_is_the_covariance_of_neighbouring_moves(n, seed):
    close = pd.Series(bars(60, seed, spread=0.01, volatility=0.01, trades=2)["close"])
    moves = close.diff()
    wanted = 2.0 * np.sqrt((-moves.rolling(n).cov(moves.shift(), ddof=1)).clip(lower=0.0))
    got = output(roll_spread(n), close=close)["roll_spread"]
    assert (np.isnan(got) == np.isnan(wanted)).all()
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)


def test_roll_finds_the_spread_of_a_bouncing_price():
    rng = np.random.default_rng(2)
    middle = 100.0 + np.cumsum(rng.normal(0.0, 0.01, 20_000))
    close = middle + 0.05 * rng.choice([-1.0, 1.0], 20_000)
    assert output(roll_spread(19_000), close=close)["roll_spread"][-1] == pytest.approx(0.1, rel=0.02)


def test_prices_that_only_rise_tell_no_spread():
    assert (output(roll_spread(5), close=[2.0**k for k in range(20)])["roll_spread"][6:] == 0.0).all()


def test_corwin_and_schultz_find_the_spread_of_trades():
    found = output(corwin_schultz(2_900), **bars(3_000, 3, spread=0.02))
    assert found["corwin_schultz"][-1] == pytest.approx(0.02, rel=0.15)
    assert found["corwin_schultz_clipped"][-1] >= found["corwin_schultz"][-1]


def test_corwin_and_schultz_average_their_pairs():
    rows = bars(200, 4, spread=0.01, trades=20)
    pairs, means = output(corwin_schultz(1), **rows), output(corwin_schultz(20), **rows)
    for name in means:
        np.testing.assert_allclose(means[name], pd.Series(pairs[name]).rolling(20).mean(), rtol=1e-9, atol=1e-15)


def test_a_gap_hides_the_spread_unless_it_is_taken_out():
    rows = bars(2_000, 5, spread=0.03)
    night = np.exp(np.cumsum(np.random.default_rng(6).normal(0.0, 0.05, 2_000)))
    torn = {name: rows[name] * night for name in ("high", "low", "close")}
    with_gaps, without = (output(corwin_schultz(1_900, o), **torn)["corwin_schultz"][-1] for o in (False, True))
    assert with_gaps < 0.0 < without


def test_windows_too_short_are_refused():
    with pytest.raises(ValueError, match="amihud: n must be at least 1, got 0"):
        amihud(0)
    with pytest.raises(ValueError, match="roll_spread: n must be at least 2, got 1"):
        roll_spread(1)
    with pytest.raises(ValueError, match="corwin_schultz: n must be at least 1, got 0"):
        corwin_schultz(0)
