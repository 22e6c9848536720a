"""Icebergs, spoofs and vacuums: small books told by hand, slow references, and the market that plants them."""

from datetime import timedelta

import numpy as np
import pytest

import quantlib
from quantlib.core import run, start
from quantlib.features.book.iceberg import hidden_liquidity
from quantlib.features.book.spoofing import spoofing
from quantlib.features.book.vacuum import vacuum
from quantlib.features.flow.taker_totals import taker_totals
from quantlib.kernels.median import median, median_fields
from quantlib.synthetic import NOTHING_PLANTED, market

LEVELS, TICK = 6, 0.25


def outputs(feature, columns):
    return run([feature], start([feature], ["X"]), columns)[1]


def still(rows, size=10.0):
    """A book in which nothing happens: bids from 100 down, asks from 100.25 up."""
    columns = {"bought": np.zeros(rows), "sold": np.zeros(rows)}
    for k in range(LEVELS):
        columns[f"bid_{k}"] = np.full(rows, 100.0 - TICK * k)
        columns[f"ask_{k}"] = np.full(rows, 100.0 + TICK * (k + 1))
        columns[f"bid_size_{k}"] = np.full(rows, size)
        columns[f"ask_size_{k}"] = np.full(rows, size)
    return columns


def refilled(times, shown=10.0, taken=12.0):
    """The best bid is taken `times` times by more than it shows, and shows the same again."""
    columns = still(times + 2, shown)
    columns["sold"] = np.concatenate([[0.0], np.cumsum(np.full(times, taken)), [times * taken]])
    return columns


def test_the_row_of_the_third_refill_is_an_event_with_all_that_made_it():
    seen = outputs(hidden_liquidity(refills=3, multiple=3.0), refilled(5))
    assert seen["hidden_event"][1:].tolist() == [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    told = {name: column[3] for name, column in seen.items()}
    assert told == {
        "hidden_event": 1.0, "hidden_side": 1.0, "hidden_price": 100.0, "hidden_executed": 36.0,
        "hidden_displayed": 10.0, "hidden_refills": 3.0, "hidden_hidden": 36.0,
    }  # fmt: skip


def test_what_is_taken_from_what_was_shown_hides_nothing():
    columns = refilled(4, 50.0)
    columns["bid_size_0"] = 50.0 - columns["sold"]
    seen = outputs(hidden_liquidity(refills=1, multiple=0.1), columns)
    assert not seen["hidden_event"][1:].any()
    assert not seen["hidden_hidden"][1:].any()
    assert seen["hidden_executed"][4] == 48.0


def test_a_best_price_that_moves_begins_anew_and_one_that_comes_back_goes_on():
    columns = refilled(6)
    columns["bid_0"][3] = 99.0
    seen = outputs(hidden_liquidity(refills=4, multiple=1.0), columns)
    assert np.flatnonzero(seen["hidden_event"] == 1.0).tolist() == [6]  # rows 1, 2, 5 and 6 held the price
    assert seen["hidden_refills"][6] == 4.0


def test_asks_are_bids_seen_from_the_other_side():
    columns = refilled(5)
    turned = columns | {"bought": columns["sold"], "sold": columns["bought"]}
    seen = outputs(hidden_liquidity(refills=3, multiple=3.0), turned)
    assert seen["hidden_event"][3] == -1.0
    assert seen["hidden_price"][3] == 100.25


def test_refills_longer_ago_than_n_rows_do_not_count():
    columns = still(40)
    columns["sold"] = np.repeat(12.0 * np.arange(4), 10)  # one refill every ten rows
    assert outputs(hidden_liquidity(21, 3, 1.0), columns)["hidden_event"][1:].sum() == 1.0
    assert outputs(hidden_liquidity(20, 3, 1.0), columns)["hidden_event"][1:].sum() == 0.0


def spoofed(rows=12, size=80.0):
    """A large bid three ticks behind the best comes at row 3 and goes at row 8; buyers take asks at row 5."""
    columns = still(rows)
    columns["bid_size_3"][3:8] += size
    columns["bought"][5:] = 20.0
    return columns


def test_a_large_bid_that_goes_once_the_asks_have_traded_is_a_spoof():
    seen = outputs(spoofing(LEVELS, 20), spoofed())
    assert np.flatnonzero(seen["spoofing_event"][1:]).tolist() == [7]
    told = {name: column[8] for name, column in seen.items()}
    assert told == {
        "spoofing_event": 1.0, "spoofing_score": 1.0, "spoofing_price": 99.25, "spoofing_size": 80.0,
        "spoofing_rows": 5.0, "spoofing_traded": 20.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda c: c | {"bought": c["sold"], "sold": c["bought"]}, "its own side traded"),
        (lambda c: c | {"bought": c["sold"]}, "nobody traded"),
        (lambda c: c | {"sold": np.where(np.arange(12) >= 8, 80.0, 0.0)}, "it was taken, not cancelled"),
        (lambda c: c | {"bid_size_3": c["bid_size_2"], "bid_size_0": c["bid_size_3"]}, "it was the best price"),
        (lambda c: c | {"bid_size_3": np.minimum(c["bid_size_3"], 45.0)}, "it was not large"),
        (lambda c: c | {"bid_size_3": np.where(np.arange(12) >= 3, 90.0, 10.0)}, "it stayed"),
    ],
)
def test_it_is_no_spoof_if(change, why):
    assert not outputs(spoofing(LEVELS, 20), change(spoofed()))["spoofing_event"][1:].any(), why


def test_an_order_that_stays_longer_than_n_rows_is_no_spoof():
    assert outputs(spoofing(LEVELS, 5), spoofed())["spoofing_event"][8] == 1.0
    assert not outputs(spoofing(LEVELS, 4), spoofed())["spoofing_event"][1:].any()


def test_a_level_that_comes_into_view_did_not_appear():
    columns = still(10)
    columns["bid_size_5"][4:] = 500.0
    columns["bid_5"][4:] = 98.0  # deeper than anything shown before
    columns["bought"][5:] = 20.0
    columns["bid_size_5"][7:] = 10.0
    assert not outputs(spoofing(LEVELS, 20), columns)["spoofing_event"][1:].any()


def test_a_spoof_on_the_ask_is_told_with_the_other_sign():
    columns = still(12)
    columns["ask_size_3"][3:8] += 80.0
    columns["sold"][5:] = 20.0
    seen = outputs(spoofing(LEVELS, 20), columns)
    assert seen["spoofing_event"][8] == -1.0
    assert seen["spoofing_price"][8] == 101.0


def thinned(rows=30, begin=12, end=20):
    columns = still(rows)
    for k in range(LEVELS):
        columns[f"ask_size_{k}"][begin:end] = 1.0
    return columns


def test_a_side_that_thins_out_is_a_vacuum_until_its_void_is_filled():
    seen = outputs(vacuum(3, LEVELS, 10, 0.4, 0.8, 50), thinned())
    event = seen["vacuum_event"]
    assert np.isnan(event[:9]).all()
    assert {int(k): event[k] for k in np.flatnonzero(event[9:]) + 9} == {12: 2.0, 20: -2.0}
    assert (seen["vacuum_ask_low"][12:20] == 100.25).all()
    assert (seen["vacuum_ask_high"][12:20] == 100.75).all()
    assert (seen["vacuum_ask_share"][12], seen["vacuum_bid_share"][12]) == (0.1, 1.0)
    for name in ("vacuum_ask_low", "vacuum_ask_high"):
        assert (seen[name][20:] == 100.25).all()


def test_bids_that_come_into_the_void_of_asks_fill_it():
    columns = thinned(30, 12, 30)
    for k in range(LEVELS):
        columns[f"bid_{k}"][16:] += 4 * TICK
        columns[f"ask_{k}"][16:] += 4 * TICK
    event = outputs(vacuum(3, LEVELS, 20, 0.4, 0.8, 50), columns)["vacuum_event"]
    assert not event[19:].any()  # too early to know: the median needs twenty rows
    event = outputs(vacuum(3, LEVELS, 10, 0.4, 0.8, 50), columns)["vacuum_event"]
    assert event[12] == 2.0
    assert event[16] == -2.0


def test_both_sides_at_once_are_one_event_and_a_void_is_forgotten_in_time():
    columns = thinned(30, 12, 30)
    for k in range(LEVELS):
        columns[f"bid_size_{k}"] = columns[f"ask_size_{k}"]
    seen = outputs(vacuum(3, LEVELS, 10, 0.4, 0.8, 5), columns)
    assert seen["vacuum_event"][12] == 3.0
    assert not seen["vacuum_event"][13:].any()
    assert seen["vacuum_bid_low"][16] == 99.5
    assert seen["vacuum_bid_low"][17] == 100.0


@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_the_median_is_that_of_the_last_n_values(n):
    rng = np.random.default_rng(n)
    values = np.where(rng.random(300) < 0.3, 5.0, rng.normal(0.0, 3.0, 300).round(1))
    memory = np.zeros(1, median_fields(n))
    for i, x in enumerate(values):
        assert median(memory[0], i, n, x) == pytest.approx(np.median(values[max(0, i + 1 - n) : i + 1]), rel=1e-15)


@pytest.fixture(scope="module")
def planted():
    made = market(21, 3600.0)
    totals = quantlib.compute(taker_totals(), made.trades)
    return made, quantlib.held(made.books, totals, ["bought", "sold"], clocks=("book", "trade"))


def shares(planted, kind, feature, price):
    """(precision, recall) of a detector: events during a plant of that kind, on its side and at its price."""
    made, rows = planted
    found = quantlib.events(feature, rows).to_dicts()
    name = feature.outputs[0]
    plants = [t for t in made.truth.to_dicts() if t["kind"] == kind and (kind != "iceberg" or t["refills"] >= 3)]

    def meets(event, plant):
        late = plant["ts_end"] + timedelta(seconds=0.5)
        sided = event[name] in ({1: (1, 3), -1: (2, 3), 0: (1, 2, 3)}[plant["side"]] if not price else (plant["side"],))
        return plant["ts_begin"] <= event["ts"] <= late and sided and (not price or event[price] == plant["price"])

    told = [e for e in found if price or e[name] > 0]
    assert len(plants) >= 10
    return np.mean([any(meets(e, p) for p in plants) for e in told]), np.mean(
        [any(meets(e, p) for e in told) for p in plants]
    )


@pytest.mark.parametrize(
    ("kind", "feature", "price"),
    [
        ("iceberg", hidden_liquidity(), "hidden_price"),
        ("spoof", spoofing(), "spoofing_price"),
        ("vacuum", vacuum(), ""),
    ],
)
def test_what_is_planted_into_a_made_up_market_is_found_and_little_else(planted, kind, feature, price):
    precision, recall = shares(planted, kind, feature, price)
    assert precision > 0.5
    assert recall > 0.5


def test_where_nothing_is_planted_little_is_found():
    made = market(22, 3600.0, plants=NOTHING_PLANTED)
    rows = quantlib.held(
        made.books, quantlib.compute(taker_totals(), made.trades), ["bought", "sold"], clocks=("book", "trade")
    )
    assert len(quantlib.events(hidden_liquidity(), rows)) < 10
    assert len(quantlib.events(spoofing(), rows)) == 0
    assert len(quantlib.events(vacuum(), rows)) < 10


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: hidden_liquidity(multiple=0.0), "multiple must be positive"),
        (lambda: hidden_liquidity(refills=0), "refills must be at least 1"),
        (lambda: spoofing(levels=1), "levels must be more than away"),
        (lambda: spoofing(share=1.5), r"share in \(0, 1\]"),
        (lambda: spoofing(least=-1.0), "least must be finite and not negative"),
        (lambda: vacuum(near=6, levels=5), "levels must be at least near"),
        (lambda: vacuum(drop=0.5, back=0.4), "back at least drop"),
    ],
)
def test_what_makes_no_sense_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
