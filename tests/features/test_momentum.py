"""Oscillators and trend gauges against slow references of their definitions, and what must be true of each."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib import catalog
from quantlib.core import run, start


def bars(rows=400, seed=0):
    """Bars on a grid of ticks, a stretch of which stands still."""
    rng = np.random.default_rng(seed)
    close = 100.0 + np.cumsum(np.round(rng.normal(0.0, 0.3, rows), 2))
    close[150:190] = close[150]
    opening = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(opening, close) + np.round(rng.random(rows) * 0.3, 2)
    low = np.minimum(opening, close) - np.round(rng.random(rows) * 0.3, 2)
    high[151:190] = low[151:190] = close[150]
    volume = np.round(rng.lognormal(4.0, 1.0, rows))
    return {"open": opening, "high": high, "low": low, "close": close, "volume": volume}


def output(name, columns, **params):
    feature = catalog.feature(name, **params)
    found = run([feature], start([feature], ["X"]), {n: columns[n] for n in feature.inputs})[1]
    return found[name] if list(found) == [name] else found


def series(columns):
    return (pd.Series(columns[name]) for name in ("open", "high", "low", "close"))


def true_range(high, low, close):
    """As a table of three columns, of which each row has its largest."""
    last = close.shift()
    return pd.concat([high - low, (high - last).abs(), (low - last).abs()], axis=1).max(axis=1).where(last.notna())


def over(top, bottom):
    """A ratio that is 0 where nothing is divided by nothing."""
    return (top / bottom).where(bottom != 0.0, 0.0).where(bottom.notna())


def agrees(found, wanted, digits=1e-9):
    np.testing.assert_allclose(found, np.asarray(wanted, np.float64), rtol=digits, atol=1e-10)


def wilder(values, n):
    """The mean of the first n values, then of weight 1 / n."""
    means = [np.nan] * (n - 1) + [float(np.mean(values[:n]))]
    for x in values[n:]:
        means.append(means[-1] + (x - means[-1]) / n)
    return np.array(means)


def wilder_sum(values, n):
    """The sum of the first n - 1 values, then fading."""
    sums = [np.nan] * (n - 2) + [float(np.sum(values[: n - 1]))]
    for x in values[n - 1 :]:
        sums.append(sums[-1] - sums[-1] / n + x)
    return np.array(sums)


def movements(columns):
    rise, fall = np.diff(columns["high"]), -np.diff(columns["low"])
    return np.where((rise > fall) & (rise > 0), rise, 0.0), np.where((fall > rise) & (fall > 0), fall, 0.0)


@pytest.mark.parametrize("n", [1, 2, 14])
def test_rsi_and_cmo_are_wilder_means_of_rises_and_falls(n):
    columns = bars()
    moves = np.diff(columns["close"])
    up, down = wilder(np.maximum(moves, 0.0), n), wilder(np.maximum(-moves, 0.0), n)
    both = np.where(up + down > 0.0, up + down, 1.0) + 0.0 * up
    if n > 1:  # of one move alone a price that stands still would have nothing to keep
        agrees(output("rsi", columns, n=n)[1:], 100.0 * up / both)
        agrees(output("cmo", columns, n=n)[1:], 100.0 * (up - down) / both)
    rsi = output("rsi", columns, n=n)
    agrees(output("cmo", columns, n=n), 2.0 * rsi - 100.0)
    assert (rsi[152:190] == rsi[151]).all()  # a price that stands still keeps it to the last bit


def test_tsi_is_a_ratio_of_means_of_means():
    def mean(values, n):
        means = [np.nan] * (n - 1) + [float(np.mean(values[:n]))]
        for x in values[n:]:
            means.append(means[-1] + 2.0 / (n + 1) * (x - means[-1]))
        return np.array(means)

    columns = bars()
    moves = np.diff(columns["close"])
    top, bottom = (mean(mean(m, 25)[24:], 13) for m in (moves, np.abs(moves)))
    agrees(output("tsi", columns)[25:], 100.0 * top / bottom)


@given(n=st.integers(1, 70), seed=st.integers(0, 99))
def test_changes_over_n_rows_are_those_of_pandas(n, seed):
    columns = bars(200, seed)
    price = pd.Series(columns["close"])
    agrees(output("mom", columns, n=n), price.diff(n))
    agrees(output("roc", columns, n=n), 100.0 * price.pct_change(n))
    agrees(output("rocp", columns, n=n), price.pct_change(n))
    agrees(output("rocr", columns, n=n), price / price.shift(n))


def test_from_a_price_of_nothing_there_is_no_rate():
    columns = {"close": np.array([0.0, 5.0, -5.0, 0.0])}
    for name in ("roc", "rocp", "rocr"):
        assert output(name, columns, n=1)[1] == 0.0
    assert output("roc", columns, n=1)[2] == -200.0


@pytest.mark.parametrize(("n", "slowing", "signal"), [(14, 3, 3), (1, 1, 1), (5, 4, 2), (70, 9, 65)])
def test_the_stochastic_is_that_of_rolling_extremes(n, slowing, signal):
    columns = bars()
    _, high, low, close = series(columns)
    least = low.rolling(n).min()
    fast = 100.0 * over(close - least, high.rolling(n).max() - least)
    slow = fast.rolling(slowing).mean()
    found = output("stochastic", columns, n=n, slowing=slowing, signal=signal)
    d = slow.rolling(signal).mean()
    agrees(found["stochastic_d"], d, 1e-8)
    agrees(found["stochastic_k"], slow.where(d.notna()), 1e-8)
    quick = output("stochastic_fast", columns, n=n, signal=signal)
    d = fast.rolling(signal).mean()
    agrees(quick["stochastic_fast_d"], d, 1e-8)
    agrees(quick["stochastic_fast_k"], fast.where(d.notna()))


def test_williams_r_is_the_fast_stochastic_less_100_but_where_nothing_moves():
    columns = bars()
    fast = output("stochastic_fast", columns, n=9, signal=1)["stochastic_fast_k"]
    r = output("williams_r", columns, n=9)
    moves = np.ones(400, bool)
    moves[159:190] = False  # the window stands still
    agrees(r[moves], fast[moves] - 100.0)
    assert (r[159:190] == 0.0).all()
    assert (fast[159:190] == 0.0).all()


def test_the_stochastic_of_the_rsi_is_that_of_its_extremes_and_0_where_the_price_stands_still():
    columns = bars()
    rsi = pd.Series(output("rsi", columns))
    least = rsi.rolling(5).min()
    fast = 100.0 * over(rsi - least, rsi.rolling(5).max() - least)
    d = fast.rolling(3).mean()
    found = output("stochastic_rsi", columns)
    agrees(found["stochastic_rsi_d"], d, 1e-8)
    agrees(found["stochastic_rsi_k"], fast.where(d.notna()))
    assert (found["stochastic_rsi_k"][155:190] == 0.0).all()


@pytest.mark.parametrize("n", [1, 2, 5, 14])
def test_directional_movement_is_a_fading_sum(n):
    columns = bars()
    for name, moves in zip(("plus_dm", "minus_dm"), movements(columns), strict=True):
        found = output(name, columns, n=n)
        agrees(found[1:], wilder_sum(moves, n) if n > 1 else moves)


def test_directional_indicators_divide_by_the_true_range_and_give_the_index():
    n, columns = 14, bars()
    _, high, low, close = series(columns)
    reach = wilder_sum(true_range(high, low, close).to_numpy()[1:], n)[n - 1 :]
    plus, minus = (100.0 * wilder_sum(moves, n)[n - 1 :] / reach for moves in movements(columns))
    agrees(output("plus_di", columns)[n:], plus)
    agrees(output("minus_di", columns)[n:], minus)
    dx = 100.0 * np.abs(plus - minus) / (plus + minus)
    agrees(output("dx", columns)[n:], dx)
    adx = wilder(dx, n)
    agrees(output("adx", columns)[n:], adx)
    agrees(output("adxr", columns)[2 * n - 1 :], 0.5 * (adx + pd.Series(adx).shift(n - 1))[n - 1 :])


def test_down_is_up_in_a_mirror():
    columns = bars()
    mirrored = {"high": -columns["low"], "low": -columns["high"], "close": -columns["close"]}
    for up, down in (("plus_dm", "minus_dm"), ("plus_di", "minus_di")):
        np.testing.assert_array_equal(output(up, mirrored), output(down, columns))
    np.testing.assert_array_equal(output("adx", mirrored), output("adx", columns))


def test_a_steady_climb_is_all_trend():
    climb = np.arange(100.0)
    columns = {"high": climb + 1.0, "low": climb, "close": climb + 0.5}
    np.testing.assert_allclose(output("adx", columns)[27:], 100.0, rtol=1e-14)
    assert (output("minus_dm", columns)[13:] == 0.0).all()
    assert (output("aroon", columns)["aroon_up"][14:] == 100.0).all()
    assert (output("aroon", columns)["aroon_down"][14:] == 0.0).all()
    assert (output("rsi", columns)[14:] == 100.0).all()
    assert (output("tsi", columns)[37:] == 100.0).all()


def test_after_a_long_standstill_an_index_is_kept_and_an_indicator_is_0():
    before, last = bars(), bars()["close"][149]
    columns = {name: np.concatenate([before[name][:150], np.full(20_000, last)]) for name in ("high", "low", "close")}
    for name, kept in (("rsi", "rsi"), ("dx", "dx"), ("adx", "dx")):
        assert output(name, columns)[-1] == pytest.approx(output(kept, columns)[150], rel=1e-9)
    for name in ("plus_di", "minus_di", "tsi"):
        assert output(name, columns)[-1] == 0.0


def test_where_nothing_ever_moved_there_is_no_trend():
    columns = dict.fromkeys(("open", "high", "low", "close"), np.full(60, 7.25)) | {"volume": np.ones(60)}
    still = ("rsi", "cmo", "tsi", "mom", "roc", "williams_r", "cci", "mfi", "ultimate_oscillator", "bop")
    for name in (*still, "plus_dm", "minus_di", "dx", "adx", "adxr", "aroon_oscillator"):
        found = output(name, columns)
        assert (found[catalog.feature(name).warmup :] == 0.0).all(), name
    assert all((column[14:] == 0.0).all() for column in output("vortex", columns).values())


@pytest.mark.parametrize("n", [1, 2, 14, 70])
def test_aroon_counts_rows_since_the_latest_extreme(n):
    columns = bars()
    found = output("aroon", columns, n=n)
    for t in range(n, 400):
        high, low = (columns[name][t - n : t + 1][::-1] for name in ("high", "low"))
        assert found["aroon_up"][t] == pytest.approx(100.0 * (n - high.argmax()) / n)
        assert found["aroon_down"][t] == pytest.approx(100.0 * (n - low.argmin()) / n)
    agrees(output("aroon_oscillator", columns, n=n), found["aroon_up"] - found["aroon_down"])


@pytest.mark.parametrize("n", [1, 2, 3, 6, 20])
def test_cci_is_a_distance_in_mean_deviations(n):
    columns = bars()
    x = pd.Series((columns["high"] + columns["low"] + columns["close"]) / 3.0)
    away = (x - x.rolling(n).mean()).where(lambda d: d.isna() | (d.abs() > 1e-9), 0.0)
    spread = x.rolling(n).apply(lambda w: np.abs(w - w.mean()).mean(), raw=True)
    agrees(output("cci", columns, n=n), over(away, 0.015 * spread.where(away != 0.0, 0.0)), 1e-7)


def test_mfi_splits_the_money_by_whole_ticks():
    columns = bars()
    ticks = sum(np.round(columns[name] * 100.0).astype(np.int64) for name in ("high", "low", "close"))
    flow = pd.Series(ticks / 300.0 * columns["volume"])
    move = pd.Series(np.diff(ticks, prepend=ticks[0]))  # whole numbers: what stands still is seen
    risen, fallen = (flow.where(side, 0.0)[1:].rolling(14).sum() for side in (move > 0, move < 0))
    agrees(output("mfi", columns)[1:], 100.0 * over(risen, (risen + fallen).round(9)), 1e-7)


def test_mfi_does_not_mind_the_unit_of_volume():
    columns = bars()
    tiny = columns | {"volume": columns["volume"] * 2.0**-60}
    np.testing.assert_array_equal(output("mfi", tiny), output("mfi", columns))


def test_the_ultimate_oscillator_weighs_three_windows():
    columns = bars()
    _, high, low, close = series(columns)
    floor = np.minimum(low, close.shift())
    gain, reach = close - floor.where(close.shift().notna()), true_range(high, low, close)
    parts = [over(gain.rolling(n).sum().round(9), reach.rolling(n).sum().round(9)) for n in (7, 14, 28)]
    agrees(output("ultimate_oscillator", columns), 100.0 * (4.0 * parts[0] + 2.0 * parts[1] + parts[2]) / 7.0, 1e-7)


def test_the_ultimate_oscillator_is_exact_after_rows_of_any_size():
    columns = bars()
    wild = {name: column.copy() for name, column in columns.items()}
    for name in ("high", "close", "low"):
        wild[name][60] *= 1e15
        wild[name][70] *= 1e-12
    found, wanted = output("ultimate_oscillator", wild), output("ultimate_oscillator", columns)
    np.testing.assert_array_equal(found[100:], wanted[100:])


def test_vortex_is_reach_from_the_extremes_before_over_true_range():
    columns = bars()
    _, high, low, close = series(columns)
    reach = true_range(high, low, close).rolling(14).sum().round(9)
    found = output("vortex", columns)
    agrees(found["vortex_plus"], over((high - low.shift()).abs().rolling(14).sum().round(9), reach), 1e-7)
    agrees(found["vortex_minus"], over((low - high.shift()).abs().rolling(14).sum().round(9), reach), 1e-7)


def test_bop_is_the_share_of_the_range_that_the_body_gained():
    columns = {"open": [1.0, 2.0, 3.0], "high": [2.0, 4.0, 3.0], "low": [1.0, 2.0, 3.0], "close": [2.0, 2.5, 3.0]}
    columns = {name: np.array(column) for name, column in columns.items()}
    np.testing.assert_array_equal(output("bop", columns), [1.0, 0.25, 0.0])


def test_windows_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="ultimate_oscillator: windows must rise, got fast=7, middle=28 and slow=14"):
        catalog.feature("ultimate_oscillator", middle=28, slow=14)
    for name in ("dx", "adx", "adxr"):
        with pytest.raises(ValueError, match=f"{name}: n must be at least 2, got 1"):
            catalog.feature(name, n=1)
    with pytest.raises(ValueError, match="stochastic: slowing must be at least 1, got 0"):
        catalog.feature("stochastic", slowing=0)
    with pytest.raises(ValueError, match="stochastic_rsi: d must be at least 1, got 0"):
        catalog.feature("stochastic_rsi", d=0)
