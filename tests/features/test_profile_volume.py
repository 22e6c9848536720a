"""Profiles of volume by price, against a dictionary of bins."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flow_rows import SECOND, outputs, real_trades, trades
from hypothesis import given
from hypothesis import strategies as st

from quantlib.features.profile.rolling_profile import rolling_profile
from quantlib.features.profile.session_profile import volume_profile

MARKS = ("poc", "low", "high", "node", "valley")


def marks(profile, here, share, step, reach):
    """(poc, low, high, node, valley) as bins, of a dictionary from bin to volume."""
    held = {k: v for k, v in profile.items() if v > 0}
    if not held:
        return (here,) * 5
    lowest, highest = min(held), max(held)
    top = min(k for k in held if held[k] == max(held.values()))
    first, last, inside, wanted = top, top, float(held[top]), share * float(sum(held.values()))
    while inside < wanted and (first > lowest or last < highest):
        above = sum(float(held.get(last + j, 0.0)) for j in range(1, step + 1))
        below = sum(float(held.get(first - j, 0.0)) for j in range(1, step + 1))
        if last < highest and (above >= below or first == lowest):
            inside, last = inside + above, min(last + step, highest)
        else:
            inside, first = inside + below, max(first - step, lowest)
    at = max(lowest, min(highest, here))
    around = range(-reach, reach + 1)
    nodes = [k for k in held if all(held[k] >= held.get(k + j, 0.0) for j in around)]
    everywhere = range(lowest - 1, highest + 2)
    valleys = [k for k in everywhere if all(held.get(k, 0.0) <= held.get(k + j, 0.0) for j in around)]
    node, valley = (min(ks, key=lambda k: (abs(k - at), k)) for ks in (nodes, valleys))
    return top, first, last, node, valley


@pytest.mark.parametrize(("step", "reach", "share"), [(2, 2, 0.7), (1, 1, 0.7), (2, 5, 0.4), (1, 3, 1.0)])
def test_the_profile_of_a_session_is_that_of_a_dictionary(step, reach, share):
    rows = trades(1500, seed=1)
    rows["size"] = np.round(rows["size"])
    feature = volume_profile(0.01, 500, share=share, step=step, reach=reach, length=100.0, offset=30.0)
    got = outputs(feature, rows)
    session, profile = None, {}
    for t in range(1500):
        if (rows["ts"][t] - 30 * SECOND) // (100 * SECOND) != session:
            session, profile = (rows["ts"][t] - 30 * SECOND) // (100 * SECOND), {}
        k = math.floor(rows["price"][t] / 0.01 + 0.5)
        profile[k] = profile.get(k, 0.0) + rows["size"][t]
        wanted = marks(profile, k, share, step, reach)
        told = [round(got[f"volume_profile_{name}"][t] / 0.01) for name in MARKS]
        assert told == list(wanted), t
        assert got["volume_profile_volume"][t] == sum(profile.values())


@given(seed=st.integers(0, 10_000), bins=st.integers(1, 40), jump=st.sampled_from([3, 30, 10**9]))
def test_the_profile_of_a_window_is_that_of_its_trades_alone(seed, bins, jump):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    place = np.cumsum(np.where(rng.random(120) < 0.05, rng.integers(-jump, jump + 1, 120), rng.integers(-2, 3, 120)))
    size = np.where(rng.random(120) < 0.1, 0.0, np.exp(rng.normal(0.0, rng.choice([1.0, 30.0]), 120)))
    got = outputs(rolling_profile(n, 2.0, bins), {"price": 2.0 * place, "size": size})
    for t in range(n - 1, 120):
        window = [(int(k), Fraction(float(v))) for k, v in zip(place, size, strict=True)][t - n + 1 : t + 1]
        held = [k for k, v in window if v]
        here = int(place[t])
        if held and max(held) - min(held) >= bins:
            window = [(k, v) for k, v in window if here - bins // 2 <= k < here - bins // 2 + bins]
        exact = {k: float(sum(v for j, v in window if j == k)) for k, _ in window}
        wanted = marks(exact, here, 0.7, 2, 2)
        told = tuple(int(got[f"rolling_profile_{name}"][t] / 2.0) for name in MARKS)
        share = 0.7 * got["rolling_profile_volume"][t]
        assert got["rolling_profile_volume"][t] == pytest.approx(float(sum(exact.values())), rel=1e-14)
        if told != wanted:  # only where the value area ends within rounding of its share
            inside = sum(v for k, v in exact.items() if told[1] <= k <= told[2])
            assert told[0] == wanted[0]
            assert told[3:] == wanted[3:]
            assert min(abs(inside - share), abs(inside - 0.7 * sum(exact.values()))) < 1e-9 * share


def test_what_a_profile_has_no_room_for_is_dropped_at_the_far_end():
    price = np.array([10.0, 11.0, 14.0, 15.0, 9.0, 1e12, 10.0])
    size = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
    got = outputs(volume_profile(1.0, 5), {"ts": np.arange(7), "price": price, "size": size})
    assert got["volume_profile_volume"].tolist() == [1.0, 3.0, 7.0, 14.0, 18.0, 32.0, 64.0]
    assert got["volume_profile_poc"].tolist() == [10.0, 11.0, 14.0, 15.0, 9.0, 1e12, 10.0]


def test_a_price_beyond_all_bins_is_still_a_price():
    price = np.array([1e300, 5e-324, 1.0])
    got = outputs(volume_profile(1e-9, 5), {"ts": np.arange(3), "price": price, "size": np.ones(3)})
    assert np.isfinite(np.stack(list(got.values()))).all()


def test_the_value_area_is_the_one_worked_out_by_hand():
    """Two rows at a time from the row of most volume: 15 of 20, then up 3 + 1 against down 2 + 0 … until 70 %."""
    volumes = {100: 2.0, 101: 6.0, 102: 9.0, 103: 15.0, 104: 8.0, 105: 4.0, 106: 3.0, 107: 1.0}
    price = np.array([float(k) for k in volumes])
    rows = {"ts": np.arange(8), "price": price, "size": np.array(list(volumes.values()))}
    got = outputs(volume_profile(1.0), rows)
    # 48 x 0.7 = 33.6: 15, then down 9 + 6 = 15 against up 8 + 4 = 12: 30, then up 12 against down 2: 42
    assert [got[f"volume_profile_{name}"][-1] for name in ("poc", "low", "high")] == [103.0, 101.0, 105.0]


def test_recorded_trades_lie_in_their_value_area_most_of_the_time():
    rows = real_trades("spot")
    got = outputs(volume_profile(1.0), rows)
    np.testing.assert_allclose(got["volume_profile_volume"][1000], rows["size"][:1001].sum(), rtol=1e-9)
    for name, low, high in (("volume_profile", 0.5, 1.0), ("rolling_profile", 0.3, 1.0)):
        told = got if name == "volume_profile" else outputs(rolling_profile(1000), rows)
        inside = (rows["price"] >= told[f"{name}_low"] - 0.5) & (rows["price"] <= told[f"{name}_high"] + 0.5)
        assert low < np.average(inside[1000:], weights=rows["size"][1000:]) <= high


@pytest.mark.parametrize("factory", [volume_profile, rolling_profile])
def test_profiles_refuse_what_makes_no_sense(factory):
    name = factory.__name__
    for given_, says in (
        ({"width": 0.0}, "width must be positive and finite, got 0.0"),
        ({"share": 1.5}, "share must be above 0 and at most 1, got 1.5"),
        ({"step": 3}, "step must be at most 2, got 3"),
        ({"bins": 0}, "bins must be at least 1, got 0"),
        ({"reach": 17}, "reach must be at most 16, got 17"),
    ):
        with pytest.raises(ValueError, match=f"{name}: {says}"):
            factory(**given_)
