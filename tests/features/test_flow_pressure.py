"""Reversals of volume delta, the takers' share by the clock and VPIN, each against a loop in plain Python."""

import math

import numpy as np
import pytest
from flow_rows import SECOND, outputs, real_trades, trades
from hypothesis import given
from hypothesis import strategies as st

from quantlib.features.flow.cvd_events import cvd_events
from quantlib.features.flow.takers import taker_ratio_time
from quantlib.features.flow.vpin import bulk_vpin, vpin


def zscores(values, n):
    """Of each value among the last n, or those there are, as plain doubles."""
    result = []
    for t in range(len(values)):
        window = np.array(values[max(0, t - n + 1) : t + 1])
        wide = window.std()
        result.append((values[t] - window.mean()) / wide if wide > 1e-9 * (1e-300 + np.abs(window).max()) else 0.0)
    return np.array(result)


def test_the_change_of_volume_delta_and_its_score_are_their_formulas():
    rows = trades(2000)
    n, window = 20, 150
    got = outputs(cvd_events(n, window), rows)
    level = np.cumsum(rows["size"] * rows["side"])
    delta = level - np.concatenate([np.zeros(n), level])[:-n]
    first = n + window - 2
    np.testing.assert_allclose(got["cvd"][first:], level[first:], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(got["cvd_delta"][first:], delta[first:], atol=1e-9)
    np.testing.assert_allclose(got["cvd_zscore"][first:], zscores(delta[n - 1 :], window)[window - 1 :], atol=1e-9)


@pytest.mark.parametrize("leave", [0.0, -1.5, 0.5])
def test_a_reversal_is_told_where_a_stretch_of_scores_ends(leave):
    got = outputs(cvd_events(20, 150, enter=1.5, leave=leave), trades(4000, seed=3))
    stretch, extreme, events = 0, 0.0, 0
    for z, event, told in zip(got["cvd_zscore"], got["cvd_event"], got["cvd_extreme"], strict=True):
        if math.isnan(z):
            continue
        ended = stretch and stretch * z <= leave
        assert event == (-stretch if ended else 0)
        farthest, events = extreme, events + abs(event)
        if ended:
            stretch, extreme = 0, 0.0
        if stretch == 0 and abs(z) >= 1.5:
            stretch, extreme = (1 if z > 0 else -1), z
        elif stretch * z > stretch * extreme:
            extreme = z
        assert told == (farthest if ended else extreme)
    assert events > 20


def test_sellers_for_buyers_turn_every_reversal_round():
    rows = trades(3000, seed=5)
    a = outputs(cvd_events(20, 150), rows)
    b = outputs(cvd_events(20, 150), rows | {"side": -rows["side"]})
    for name in ("cvd", "cvd_delta", "cvd_zscore", "cvd_event", "cvd_extreme"):
        np.testing.assert_allclose(a[name], -b[name], atol=1e-9)


def test_the_takers_share_counts_whole_cells_of_the_clock_and_the_running_one():
    rows = trades(1500, seed=1)
    got = outputs(taker_ratio_time(5.0, 4), rows)["taker_ratio_time"]
    cell = rows["ts"] // (5 * SECOND)
    for t in range(0, 1500, 7):
        inside = (cell >= cell[t] - 4) & (np.arange(1500) <= t)
        buys = rows["size"][inside & (rows["side"] > 0)].sum()
        sells = rows["size"][inside & (rows["side"] < 0)].sum()
        assert got[t] == pytest.approx(buys / (buys + sells) if buys + sells else 0.5, rel=1e-12)


def test_the_takers_share_forgets_all_in_a_long_silence():
    rows = {
        "ts": np.array([0, 10, 900, 901], np.int64) * SECOND,
        "size": np.array([5.0, 5.0, 2.0, 1.0]),
        "side": np.array([1.0, 1.0, -1.0, 1.0]),
    }
    np.testing.assert_allclose(outputs(taker_ratio_time(1.0, 60), rows)["taker_ratio_time"], [1.0, 1.0, 0.0, 1 / 3])


def slow_vpin(sizes, tilts, bucket, n, window, threshold):
    """(average, score, buckets, event) of each row; volume is poured in trade by trade, bucket by bucket."""
    held = tilted = 0.0
    imbalances, averages, rows = [], [], []
    beyond = 0
    for size, tilt in zip(sizes, tilts, strict=True):
        before = len(imbalances)
        while size > 0.0:
            part = min(size, bucket - held)
            held, tilted, size = held + part, tilted + part * tilt, size - part
            if held >= bucket - 1e-9:
                imbalances.append(abs(tilted))
                averages.append(sum(imbalances[-n:]) / (bucket * len(imbalances[-n:])))
                held = tilted = 0.0
        z = zscores(averages[-window:], window)[-1] if averages else 0.0
        event = 0
        if len(imbalances) > before:
            now = 1 if z >= threshold else -1 if z <= -threshold else 0
            event, beyond = (now if now != beyond else 0), now
        rows.append((averages[-1] if averages else 0.0, z, len(imbalances), event))
    return np.array(rows).T


@given(seed=st.integers(0, 1000), bucket=st.sampled_from([4.0, 25.0, 400.0]))
def test_vpin_is_that_of_volume_poured_into_buckets(seed, bucket):
    rows = trades(300, seed)
    rows["size"] = np.round(rows["size"])  # whole numbers, so that the slow way has no rounding either
    got = outputs(vpin(bucket, 5, 12, 1.0), rows)
    average, z, buckets, event = slow_vpin(rows["size"], rows["side"], bucket, 5, 12, 1.0)
    np.testing.assert_allclose(got["vpin"], average, atol=1e-12)
    np.testing.assert_allclose(got["vpin_zscore"], z, atol=1e-8)
    np.testing.assert_array_equal(got["vpin_buckets"], buckets)
    near = np.abs(np.abs(z) - 1.0) < 1e-7
    if not near.any():
        np.testing.assert_array_equal(got["vpin_event"], event)


def test_a_trade_that_fills_countless_buckets_costs_no_more_than_it_matters():
    size = np.array([30.0, 1e300, 20.0, 7.0])
    got = outputs(vpin(10.0, 4, 8), {"size": size, "side": np.array([1.0, -1.0, 1.0, -1.0])})
    assert got["vpin"].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert got["vpin_buckets"][1] == pytest.approx(1e299)
    assert (got["vpin_zscore"] == 0.0).all()


def test_vpin_is_one_where_one_side_trades_and_zero_where_both_do_alike():
    size = np.full(400, 5.0)
    assert outputs(vpin(10.0, 4), {"size": size, "side": np.ones(400)})["vpin"][-1] == 1.0
    assert outputs(vpin(10.0, 4), {"size": size, "side": np.resize([1.0, -1.0], 400)})["vpin"][-1] == 0.0


@pytest.mark.parametrize("freedom", [math.inf, 0.25])
def test_bulk_volume_is_classified_by_the_standardised_change_of_price(freedom):
    from scipy import stats

    rows = trades(600, seed=4)
    rows["size"] = np.round(rows["size"])
    columns = {"close": rows["price"], "volume": rows["size"]}
    got = outputs(bulk_vpin(50.0, 5, 12, 1.0, changes=40, freedom=freedom), columns)
    change = np.diff(rows["price"])
    for t in range(1, 600):
        window = change[max(0, t - 40) : t]
        wide = window.std(ddof=1) if len(window) > 1 else 0.0
        if wide < 1e-12:
            wanted = 0.5 + 0.5 * np.sign(change[t - 1])
        else:
            z = change[t - 1] / wide
            wanted = stats.norm.cdf(z) if freedom == math.inf else stats.t.cdf(z, freedom)
        assert got["bulk_vpin_bought"][t] == pytest.approx(wanted, abs=1e-9)
    tilts = 2.0 * got["bulk_vpin_bought"] - 1.0
    average, _, _, _ = slow_vpin(rows["size"], tilts, 50.0, 5, 12, 1.0)
    np.testing.assert_allclose(got["bulk_vpin"], average, atol=1e-7)


def test_recorded_trades_are_more_one_sided_than_coins_tossed():
    rows = real_trades("spot")
    told = outputs(vpin(2.0), rows)
    tossed = rows | {"side": np.random.default_rng(0).choice([-1.0, 1.0], len(rows["ts"]))}
    full = told["vpin_buckets"] >= 50
    assert full.sum() > 1000
    assert told["vpin"][full].mean() > outputs(vpin(2.0), tossed)["vpin"][full].mean()
