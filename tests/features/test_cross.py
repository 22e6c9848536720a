"""The cross-section against scipy, numpy and pandas, with symbols missing and members changing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from quantlib import laws
from quantlib.core import run, start
from quantlib.features.cross.benchmark import benchmark_beta, of_symbol
from quantlib.features.cross.section import cross_zscore, rank, winsorised, winsorised_mad
from quantlib.features.cross.sector import sector_correlation, sector_neutral
from quantlib.features.cross.strength import cross_strength
from quantlib.tapes import tape

SINGLE = [rank, cross_zscore, winsorised, winsorised_mad, sector_neutral]
EVERY = [*SINGLE, cross_strength, sector_correlation]


def output(feature, symbols, **columns):
    given = {n: np.asarray(c, {"ts": np.int64, "symbol": np.int32}.get(n, np.float64)) for n, c in columns.items()}
    return run([feature], start([feature], symbols), given)[1]


def moment(values, **more):
    """One timestamp of so many symbols."""
    n = len(values)
    return {"ts": np.ones(n), "symbol": np.arange(n), "close": values} | more


def universe(seed, moments=60, symbols=7, gone=0.2):
    """Rows of a few symbols that come and go: a frame of prices by moment and symbol, and its rows."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.01, (moments, 1))
    prices = 50.0 * np.exp(np.cumsum(market + rng.normal(0.0, 0.01, (moments, symbols)), axis=0))
    prices[rng.random(prices.shape) < gone] = np.nan
    at, code = np.nonzero(~np.isnan(prices))
    sector = (code % 2).astype(float)
    rows = {"ts": at, "symbol": code, "close": prices[at, code], "sector": sector}
    return pd.DataFrame(prices), rows, [f"S{k}" for k in range(symbols)]


NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)  # scipy's deviations of subnormal numbers are rounding alone
VALUES = st.lists(st.one_of(NUMBERS, st.sampled_from([0.0, 1.0, 2.0])), min_size=1, max_size=40)


@given(values=VALUES)
def test_a_rank_is_scipys_mean_percentile(values):
    ranks = output(rank(), [str(k) for k in range(len(values))], **moment(values))["rank"]
    wanted = (stats.rankdata(values) - 0.5) / len(values)
    np.testing.assert_allclose(ranks, wanted, rtol=1e-14)
    assert ranks.mean() == pytest.approx(0.5)


@given(values=VALUES)
def test_a_score_is_scipys(values):
    z = output(cross_zscore(), [str(k) for k in range(len(values))], **moment(values))["cross_zscore"]
    if np.std(values) > 1e-12 * max(abs(np.mean(values)), 1e-300):
        np.testing.assert_allclose(z, (values - np.mean(values)) / np.std(values), rtol=1e-6, atol=1e-6)
    assert np.isfinite(z).all()


@given(values=VALUES, tail=st.sampled_from([0.0, 0.05, 0.25, 0.5]))
def test_values_are_drawn_in_to_numpys_quantiles(values, tail):
    symbols = [str(k) for k in range(len(values))]
    inside = output(winsorised(tail=tail), symbols, **moment(values))["winsorised"]
    low, high = np.quantile(values, [tail, 1.0 - tail])
    np.testing.assert_allclose(inside, np.clip(values, low, high), rtol=1e-12, atol=1e-9)


@given(values=VALUES, width=st.sampled_from([0.5, 1.0, 3.0]))
def test_values_are_drawn_in_to_the_median_by_scipys_mad(values, width):
    symbols = [str(k) for k in range(len(values))]
    inside = output(winsorised_mad(width=width), symbols, **moment(values))["winsorised_mad"]
    reach = width * stats.median_abs_deviation(values, scale="normal")
    middle = np.median(values)
    wanted = np.clip(values, middle - reach, middle + reach) if reach > 0 else values
    np.testing.assert_allclose(inside, wanted, rtol=1e-9, atol=1e-9)


@given(seed=st.integers(0, 99))
def test_a_value_less_its_sector_is_pandas_transform(seed):
    _, rows, symbols = universe(seed)
    seen = output(sector_neutral(), symbols, **rows)
    frame = pd.DataFrame(rows)
    mean = frame.groupby(["ts", "sector"])["close"].transform("mean")
    np.testing.assert_allclose(seen["sector_neutral_mean"], mean, rtol=1e-13)
    np.testing.assert_allclose(seen["sector_neutral"], frame["close"] - mean, rtol=1e-9, atol=1e-12)
    sums = pd.Series(seen["sector_neutral"]).groupby([frame["ts"], frame["sector"]]).sum()
    np.testing.assert_allclose(sums, 0.0, atol=1e-11)


@given(seed=st.integers(0, 99))
def test_strength_is_growth_over_ones_own_rows_less_that_of_the_others(seed):
    _, rows, symbols = universe(seed)
    seen = output(cross_strength(5), symbols, **rows)
    frame = pd.DataFrame(rows)
    growth = np.log(frame["close"]).groupby(frame["symbol"]).diff(5)
    moments = growth.groupby(frame["ts"])
    np.testing.assert_allclose(seen["cross_strength"], growth - moments.transform("mean"), atol=1e-12)
    np.testing.assert_allclose(seen["cross_strength_median"], growth - moments.transform("median"), atol=1e-12)
    ranks = (moments.rank() - 0.5) / moments.transform("count")
    np.testing.assert_allclose(seen["cross_strength_percentile"], ranks, rtol=1e-12)


@given(seed=st.integers(0, 99), gone=st.sampled_from([0.0, 0.3]))
def test_sector_correlation_is_the_mean_of_pandas_correlations(seed, gone):
    n = 10
    prices, rows, symbols = universe(seed, gone=gone)
    seen = output(sector_correlation(n), symbols, **rows)
    prices = prices[prices.notna().any(axis=1)]  # a moment at which nobody trades is none
    returns = np.log(prices).ffill().diff().fillna(0.0)  # absent: it did not move
    for i in np.flatnonzero(~np.isnan(seen["sector_correlation"]))[::17]:
        at, sector = rows["ts"][i], rows["sector"][i]
        known = prices.loc[: at - 1].notna().sum() >= n  # n rows behind them
        mates = [s for s in prices.columns if known[s] and s % 2 == sector and not np.isnan(prices.loc[at, s])]
        assert seen["sector_correlation_members"][i] == len(mates)
        table = returns.loc[:at, mates].tail(n).corr().to_numpy()
        pairs = table[np.triu_indices(len(mates), 1)]
        wanted = pairs.mean() if pairs.size else 0.0
        assert seen["sector_correlation"][i] == pytest.approx(wanted, abs=1e-12)


def test_symbols_that_move_as_one_are_wholly_correlated_and_opposites_are_not():
    path = np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.01, 30)))
    ts, symbol = np.repeat(np.arange(30), 2), np.tile([0, 1], 30)
    for sign in (1.0, -1.0):
        close = np.stack([path, 3.0 * path**sign], axis=1).ravel()
        seen = output(sector_correlation(8), ["A", "B"], ts=ts, symbol=symbol, close=close, sector=np.zeros(60))
        np.testing.assert_allclose(seen["sector_correlation"][16:], sign, atol=1e-12)


@given(seed=st.integers(0, 99))
def test_beta_is_the_slope_of_numpys_line(seed):
    rng = np.random.default_rng(seed)
    market = np.exp(np.cumsum(rng.normal(0.0, 0.01, 60)))
    own = market**1.5 * np.exp(np.cumsum(rng.normal(0.0, 0.005, 60)))
    seen = output(benchmark_beta(20), ["X"], close=own, benchmark=market)
    r, m = np.diff(np.log(own)), np.diff(np.log(market))
    for t in range(20, 60, 7):
        window = slice(t - 20, t)
        slope, intercept = np.polyfit(m[window], r[window], 1)
        assert seen["benchmark_beta"][t] == pytest.approx(slope, rel=1e-9)
        assert seen["benchmark_beta_alpha"][t] == pytest.approx(intercept, rel=1e-6, abs=1e-12)
        residual = r[t - 1] - intercept - slope * m[t - 1]
        assert seen["benchmark_beta_residual"][t] == pytest.approx(residual, rel=1e-6, abs=1e-12)


def test_a_benchmark_that_stands_still_or_grows_evenly_has_no_beta():
    own = np.exp(np.cumsum(np.random.default_rng(2).normal(0.0, 0.01, 40)))
    for market in (np.full(40, 7.0), 7.0 * 1.001 ** np.arange(40)):
        assert (output(benchmark_beta(10), ["X"], close=own, benchmark=market)["benchmark_beta"][10:] == 0.0).all()


def test_a_symbol_of_the_universe_becomes_the_benchmark():
    ts, symbol = [1, 1, 2, 2, 3, 4, 4], [0, 1, 1, 0, 0, 1, 0]
    close = [10.0, 20.0, 21.0, 11.0, 12.0, np.nan, 13.0]
    feature = of_symbol(1)
    seen = output(feature, ["A", "B"], ts=ts, symbol=symbol, close=close)["benchmark"]
    np.testing.assert_array_equal(seen, [20.0, 20.0, 21.0, 21.0, 21.0, np.nan, 21.0])
    _, rows, symbols = universe(3)
    both = [of_symbol(2), benchmark_beta(10)]
    given = {"ts": rows["ts"], "symbol": rows["symbol"].astype(np.int32), "close": rows["close"]}
    _, written = run(both, start(both, symbols), given)
    own = (given["symbol"] == 2) & ~np.isnan(written["benchmark_beta"])
    np.testing.assert_allclose(written["benchmark_beta"][own], 1.0, rtol=1e-12)
    np.testing.assert_allclose(written["benchmark_beta_residual"][own], 0.0, atol=1e-15)


@pytest.mark.parametrize("make", EVERY)
@given(data=st.data())
def test_those_who_do_not_count_change_nothing_for_those_who_do(make, data):
    feature = make(member="member")
    given_rows = tape(
        feature, 150, 4, kind=data.draw(st.sampled_from(["calm", "wild"])), seed=data.draw(st.integers(0, 99))
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    member = rng.integers(0, 2, 4).astype(float)[given_rows.columns["symbol"]]
    with_all = given_rows.columns | {"member": member}
    _, whole = run([feature], start([feature], given_rows.symbols), with_all)
    counted = member != 0.0
    without = {name: column[counted] for name, column in with_all.items()}
    if make is sector_correlation:  # a timestamp stays one, whoever is there
        without = {n: np.where(counted, c, np.nan) if n == "close" else c for n, c in with_all.items()}
        ts = with_all["ts"]
        if not np.isin(ts, ts[counted & ~np.isnan(with_all["close"])]).all():
            return
    _, alone = run([feature], start([feature], given_rows.symbols), without)
    for name in feature.outputs:
        left = alone[name][counted] if len(alone[name]) == counted.size else alone[name]
        np.testing.assert_allclose(whole[name][counted], left, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("kind", ["calm", "flat", "wild"])
def test_gated_sections_are_lawful(make, kind):
    feature = make(member="member")
    laws.check(feature, tape(feature, 400, 4, kind=kind, seed=5))


def test_one_who_does_not_count_is_told_where_it_would_stand():
    columns = moment([1.0, 2.0, 3.0, 2.5, np.nan], member=[1.0, 1.0, 1.0, 0.0, 1.0])
    symbols = ["A", "B", "C", "D", "E"]
    ranks = output(rank(member="member"), symbols, **columns)["rank"]
    np.testing.assert_allclose(ranks, [1 / 6, 3 / 6, 5 / 6, 4 / 6, np.nan])
    z = output(cross_zscore(member="member"), symbols, **columns)["cross_zscore"]
    assert z[3] == pytest.approx(0.5 / np.std([1.0, 2.0, 3.0]))
    nobody = moment([4.0, 5.0], member=[0.0, 0.0])
    assert list(output(rank(member="member"), ["A", "B"], **nobody)["rank"]) == [0.5, 0.5]
    assert list(output(winsorised(member="member"), ["A", "B"], **nobody)["winsorised"]) == [4.0, 5.0]


@pytest.mark.parametrize("make", SINGLE)
@given(seed=st.integers(0, 999))
def test_the_order_of_rows_within_a_moment_does_not_matter(make, seed):
    rng = np.random.default_rng(seed)
    columns = moment(rng.normal(size=9).round(1), sector=rng.integers(0, 3, 9))
    order = rng.permutation(9)
    shuffled = {name: np.asarray(column)[order] for name, column in columns.items()}
    symbols = [str(k) for k in range(9)]
    one, other = output(make(), symbols, **columns), output(make(), symbols, **shuffled)
    for name in one:
        np.testing.assert_allclose(other[name], one[name][order], rtol=1e-12, atol=1e-12)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"winsorised: tail must be in 0 to 0.5, got 0.6"):
        winsorised(tail=0.6)
    with pytest.raises(ValueError, match=r"winsorised_mad: width must be positive and finite, got 0.0"):
        winsorised_mad(width=0.0)
    with pytest.raises(ValueError, match="sector_correlation: n must be at least 2, got 1"):
        sector_correlation(1)
    with pytest.raises(ValueError, match="benchmark_beta: n must be at least 2, got 1"):
        benchmark_beta(1)
    with pytest.raises(ValueError, match="of_symbol: code must be at least 0, got -1"):
        of_symbol(-1)
