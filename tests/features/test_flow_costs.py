"""Spreads as quoted, paid and kept, impact and ticks, against their formulas."""

import numpy as np
import pytest
from flow_rows import outputs, real_trades, trades

from quantlib.features.flow.impact import kyle_lambda, tick_imbalance
from quantlib.features.flow.realised_spread import realised_spread, realised_spread_time
from quantlib.features.quotes.spreads import effective_spread, spread_zscore


def last_score(values):
    wide = values.std()
    return (values[-1] - values.mean()) / wide if wide > 1e-9 * np.abs(values).max() else 0.0


def test_the_spread_is_scored_among_the_last_quotes():
    rows = trades(800)
    got = outputs(spread_zscore(50), rows)
    fraction = 2.0 * (rows["ask"] - rows["bid"]) / (rows["ask"] + rows["bid"])
    np.testing.assert_allclose(got["spread_zscore_fraction"][49:], fraction[49:], rtol=1e-15)
    for t in range(49, 800, 11):
        assert got["spread_zscore"][t] == pytest.approx(last_score(fraction[t - 49 : t + 1]), abs=1e-6)


def test_a_spread_that_stands_still_has_no_score():
    rows = {"bid": np.full(90, 99.99), "ask": np.full(90, 100.01)}
    assert (outputs(spread_zscore(50), rows)["spread_zscore"][49:] == 0.0).all()


def test_a_trade_at_the_touch_pays_the_quoted_spread():
    rows = trades(800)
    rows["price"] = np.where(rows["side"] > 0.0, rows["ask"], rows["bid"])
    got = outputs(effective_spread(50), rows)
    np.testing.assert_allclose(got["effective_spread"][49:], (rows["ask"] - rows["bid"])[49:], rtol=1e-9)
    mid = 0.5 * (rows["bid"] + rows["ask"])
    np.testing.assert_allclose(got["effective_spread_fraction"], got["effective_spread"] / mid, rtol=1e-14)
    for t in range(49, 800, 11):
        wanted = last_score(got["effective_spread_fraction"][max(49, t - 49) : t + 1]) if t >= 98 else None
        assert wanted is None or got["effective_spread_zscore"][t] == pytest.approx(wanted, abs=1e-6)


def test_effective_is_realised_and_impact_and_all_are_of_the_trade_some_trades_ago():
    rows = trades(900, seed=6)
    lag, n = 13, 40
    got = outputs(realised_spread(lag, n), rows)
    mid = 0.5 * (rows["bid"] + rows["ask"])
    for t in range(lag + n - 1, 900):
        side, price = 2.0 * rows["side"][t - lag], rows["price"][t - lag]
        assert got["realised_spread"][t] == pytest.approx(side * (price - mid[t]), abs=1e-12)
        assert got["realised_spread_impact"][t] == pytest.approx(side * (mid[t] - mid[t - lag]), abs=1e-12)
    total = got["realised_spread"] + got["realised_spread_impact"]
    np.testing.assert_allclose(total, got["realised_spread_effective"], atol=1e-12)
    assert np.isnan(got["realised_spread"][: lag + n - 1]).all()


def slow_means(rows, delay, n, room):
    """(realised, impact, effective, count) by a list of trades that wait."""
    waiting, costs, moves, result = [], [], [], []
    mids = 0.5 * (rows["bid"] + rows["ask"])
    for ts, price, side, mid in zip(rows["ts"], rows["price"], rows["side"], mids, strict=True):
        while waiting and waiting[0][0] <= ts - delay:
            _, old_side, old_mid, cost = waiting.pop(0)
            costs.append(cost)
            moves.append(2.0 * old_side * (mid - old_mid))
        waiting = (
            waiting[-(room - 1) :] if len(waiting) == room and room > 1 else waiting if len(waiting) < room else []
        )
        waiting.append((ts, side, mid, 2.0 * side * (price - mid)))
        cost, move = (float(np.mean(x[-n:])) if x else 0.0 for x in (costs, moves))
        result.append((cost - move, move, cost, len(costs)))
    return np.array(result).T


@pytest.mark.parametrize("room", [1, 4, 4000])
def test_trades_are_measured_when_they_are_old_enough_and_never_before(room):
    rows = trades(900, seed=7)
    got = outputs(realised_spread_time(2.0, 25, room=room), rows)
    wanted = slow_means(rows, 2_000_000_000, 25, room)
    for name, column in zip(("", "_impact", "_effective", "_count"), wanted, strict=True):
        np.testing.assert_allclose(got[f"realised_spread_time{name}"], column, atol=1e-10)


@pytest.mark.parametrize("n", [2, 7, 60])
def test_lambda_is_the_slope_of_a_regression_with_intercept(n):
    from scipy import stats

    rows = trades(400, seed=8)
    got = outputs(kyle_lambda(n), rows)["kyle_lambda"]
    signed, change = rows["size"] * rows["side"], np.diff(rows["price"])
    for t in range(n, 400, 3):
        x, y = signed[t - n + 1 : t + 1], change[t - n : t]
        if np.ptp(x) > 1e-9:
            assert got[t] == pytest.approx(stats.linregress(x, y).slope, rel=1e-9, abs=1e-12)


def test_lambda_finds_the_impact_that_was_put_in():
    rng = np.random.default_rng(9)
    signed = np.round(rng.normal(0.0, 50.0, 500))
    price = 100.0 + np.cumsum(0.002 * signed)
    got = outputs(kyle_lambda(100), {"price": price, "size": np.abs(signed), "side": np.sign(signed)})
    np.testing.assert_allclose(got["kyle_lambda"][100:], 0.002, rtol=1e-9)
    still = outputs(kyle_lambda(5), {"price": price, "size": np.full(500, 3.0), "side": np.ones(500)})
    assert (still["kyle_lambda"][5:] == 0.0).all()


def test_a_price_that_stands_still_keeps_its_last_tick():
    price = np.array([5.0, 5.0, 6.0, 6.0, 6.0, 5.5, 5.5, 7.0])
    got = outputs(tick_imbalance(4), {"price": price})
    assert got["tick_imbalance_tick"][3:].tolist() == [1.0, 1.0, -1.0, -1.0, 1.0]
    assert got["tick_imbalance"][3:].tolist() == [0.5, 0.75, 0.5, 0.0, 0.0]


def test_on_recorded_trades_buyers_push_the_price_up_and_takers_pay():
    rows = real_trades("perpetual")
    mid = 0.5 * (rows["bid"] + rows["ask"])
    slope = outputs(kyle_lambda(500), rows | {"price": mid})["kyle_lambda"]
    assert np.nanmedian(slope) > 0.0
    assert np.nanmean(outputs(effective_spread(100), rows)["effective_spread"]) > 0.0
    got = outputs(realised_spread_time(5.0), rows)
    assert got["realised_spread_time_impact"][-1] > 0.0  # who takes moves the price against the maker
