"""Order flow imbalance and bands of the book: published vectors, a slow reference, and what must be so."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quantlib import catalog
from quantlib.core import run, start
from quantlib.features.book.l2 import l2_delta
from quantlib.features.book.ofi import ofi, ofi_levels
from quantlib.features.flow.taker_totals import taker_totals
from quantlib.tapes import tape

FOLDER = Path(__file__).parents[2].parent / "shared" / "reference"


def outputs(feature, columns, symbols=("X",)):
    return run([feature], start([feature], symbols), columns)[1]


@pytest.fixture(scope="module")
def published():
    if not FOLDER.exists():
        pytest.skip("the vectors are not here (../shared/reference/micro_events.parquet)")
    rows = pl.read_parquet(FOLDER / "micro_events.parquet")
    names = {"bid": "bid_px", "ask": "ask_px", "bid_size": "bid_sz", "ask_size": "ask_sz"}
    wanted = json.loads((FOLDER / "micro_vectors.json").read_text())["microstructure"]
    return {name: rows[column].to_numpy().astype(float) for name, column in names.items()}, wanted


def test_the_steps_and_sums_of_order_flow_are_the_published_ones(published):
    columns, wanted = published
    rows = len(columns["bid"])
    np.testing.assert_array_equal(outputs(ofi(1), columns)["ofi_step"][1:7], wanted["ofi_e_1_6"])
    assert outputs(ofi(20), columns)["ofi"][-1] == wanted["ofi20_last"]
    assert outputs(ofi(rows - 1), columns)["ofi"][-1] == wanted["ofi_sum"]


def test_what_comes_to_the_bid_counts_as_what_leaves_the_ask():
    still = {"bid": np.full(2, 10.0), "ask": np.full(2, 10.1), "bid_size": np.full(2, 5.0), "ask_size": np.full(2, 5.0)}
    more_bid = still | {"bid_size": np.array([5.0, 8.0])}
    less_ask = still | {"ask_size": np.array([5.0, 2.0])}
    assert outputs(ofi(1), more_bid)["ofi"][1] == outputs(ofi(1), less_ask)["ofi"][1] == 3.0
    better = still | {"bid": np.array([10.0, 10.01])}
    assert outputs(ofi(1), better)["ofi"][1] == 5.0  # the whole new queue came
    assert outputs(ofi(1), better | {"bid": np.array([10.0, 9.99])})["ofi"][1] == -5.0  # the whole old one left


def test_swapping_the_sides_turns_the_sign_of_order_flow():
    columns = tape(ofi_levels(3), 300, 1, missing=0.0, seed=4).columns
    turned = dict(columns)
    for k in range(3):
        turned[f"bid_{k}"], turned[f"ask_{k}"] = -columns[f"ask_{k}"], -columns[f"bid_{k}"]
        turned[f"bid_size_{k}"], turned[f"ask_size_{k}"] = columns[f"ask_size_{k}"], columns[f"bid_size_{k}"]
    one, other = outputs(ofi_levels(3), columns), outputs(ofi_levels(3), turned)
    for name in one:
        np.testing.assert_allclose(one[name], -other[name], rtol=1e-12)


def test_the_best_level_of_many_is_the_flow_of_quotes():
    columns = tape(ofi_levels(4, 9), 300, 1, missing=0.0, seed=5).columns
    best = {name: columns[f"{name}_0"] for name in ("bid", "ask", "bid_size", "ask_size")}
    np.testing.assert_array_equal(outputs(ofi_levels(4, 9), columns)["ofi_levels"], outputs(ofi(9), best)["ofi"])


def test_several_levels_are_the_sum_of_their_flows_over_their_depth():
    levels, n = 3, 5
    columns = tape(ofi_levels(levels, n), 120, 1, missing=0.0, seed=6).columns
    steps, depth = np.zeros(119), np.zeros(119)
    for k in range(levels):
        one = {name: columns[f"{name}_{k}"] for name in ("bid", "ask", "bid_size", "ask_size")}
        steps += outputs(ofi(1), one)["ofi"][1:]
        depth += (one["bid_size"] + one["ask_size"])[1:] / 2
    flow, rests = (np.convolve(x, np.ones(n), "valid") for x in (steps, depth))
    seen = outputs(ofi_levels(levels, n), columns)
    np.testing.assert_allclose(seen["ofi_levels_deep"][n:], flow, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(seen["ofi_levels_scaled"][n:], (flow / levels) / (rests / (n * levels)), rtol=1e-12)


def test_bands_tell_changes_and_imbalances_of_their_levels():
    feature = l2_delta(2, 3, 5, 7, 2.0)
    columns = tape(feature, 200, 1, missing=0.0, seed=7).columns
    bid, ask = (np.array([columns[f"{side}_size_{k}"] for k in range(5)]) for side in ("bid", "ask"))
    seen = outputs(feature, columns)
    for name, first, end in (("near", 0, 2), ("middle", 2, 3), ("far", 3, 5)):
        b, a = bid[first:end].sum(axis=0), ask[first:end].sum(axis=0)
        np.testing.assert_allclose(seen[f"l2_delta_bid_{name}"][7:], np.diff(b)[6:])
        np.testing.assert_allclose(seen[f"l2_delta_ask_{name}"][7:], np.diff(a)[6:])
        both = np.where(a + b > 0, a + b, 1.0)
        np.testing.assert_allclose(seen[f"l2_delta_imbalance_{name}"][7:], ((b - a) / both)[7:])


def test_a_rare_change_near_the_best_price_is_an_event_of_its_side():
    rng = np.random.default_rng(0)
    columns = {
        f"{side}_size_{k}": rng.integers(90, 111, 300).astype(float) for side in ("bid", "ask") for k in range(20)
    }
    for k in range(5):
        columns[f"bid_size_{k}"][200] += 300.0
        columns[f"ask_size_{k}"][250] += 300.0
    event = outputs(l2_delta(n=100, threshold=4.0), columns)["l2_delta_event"]
    assert np.flatnonzero(event == 1.0).tolist() == [200, 251]  # bids came; the asks that had come left
    assert np.flatnonzero(event == -1.0).tolist() == [201, 250]


def test_the_z_score_of_a_change_is_the_plain_one():
    feature = l2_delta(2, 3, 5, 20, 2.0)
    columns = tape(feature, 150, 1, missing=0.0, seed=8).columns
    b, a = (sum(columns[f"{side}_size_{k}"] for k in range(2)) for side in ("bid", "ask"))
    d = (np.diff(b) - np.diff(a)) / (b[1:] + a[1:] + b[:-1] + a[:-1])
    wanted = [(d[t] - d[t - 19 : t + 1].mean()) / d[t - 19 : t + 1].std() for t in range(19, len(d))]
    np.testing.assert_allclose(outputs(feature, columns)["l2_delta_zscore"][20:], wanted, rtol=1e-8)


def test_totals_of_takers_are_exact_and_their_difference_is_the_volume_delta():
    columns = tape(taker_totals(), 400, 1, missing=0.0, seed=9).columns
    seen = outputs(taker_totals(), columns)
    for name, side in (("bought", 1.0), ("sold", -1.0)):
        np.testing.assert_array_equal(seen[name], np.cumsum(np.where(columns["side"] == side, columns["size"], 0.0)))
    delta = outputs(catalog.feature("cvd"), columns)["cvd"]
    np.testing.assert_array_equal(seen["bought"] - seen["sold"], delta)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ofi(0), "ofi: n must be at least 1"),
        (lambda: ofi_levels(0), "ofi_levels: levels must be at least 1"),
        (lambda: l2_delta(5, 5, 20), "bands must grow"),
        (lambda: l2_delta(n=10, threshold=3.0), "below sqrt"),
    ],
)
def test_what_makes_no_sense_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
