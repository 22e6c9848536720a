"""Books from orders hold exactly what is alive, and say so where the venue and the orders do not agree."""

import numpy as np
import polars as pl
import pytest
import venue
from hypothesis import given
from hypothesis import strategies as st

from quantlib.rebuild import RebuildError, books, orders
from quantlib.rebuild.orders import ADD, CLEAR, LEVEL, LOSE, REDUCE, REMOVE, SET

SEEDS = st.integers(0, 2**32 - 1)


def built(rows, symbols=("A",), **options):
    options = {"levels": venue.LEVELS, **options}
    return orders.build(orders.start(symbols, **options), venue.columns(rows, venue.ORDER))


def incidents(found):
    return found.incidents()["what"].cast(str).to_list()


@given(seed=SEEDS)
def test_books_are_the_sums_of_the_orders_alive(seed):
    tape = venue.order_tape(np.random.default_rng(seed), 120)
    _, found = orders.build(orders.start(("A",), levels=venue.LEVELS, units=10.0), tape.events)
    assert found.books["row"].tolist() == list(tape.truth)
    np.testing.assert_array_equal(venue.written(found), list(tape.truth.values()))
    assert set(incidents(found)) <= {"crossed"}


@given(seed=SEEDS, cuts=st.lists(st.integers(0, 100), max_size=5).map(sorted))
def test_cut_anywhere_the_bits_are_the_same(seed, cuts):
    events = venue.order_tape(np.random.default_rng(seed), 100).events
    fresh = orders.start(("A",), levels=venue.LEVELS, units=10.0, capacity=64)
    whole, found = orders.build(fresh, events)
    memory, parts = fresh, []
    for first, last in zip([0, *cuts], [*cuts, 100], strict=True):
        memory, part = orders.build(memory, {n: c[first:last] for n, c in events.items()})
        parts.append(part)
    assert [field.tobytes() for field in memory[5:]] == [field.tobytes() for field in whole[5:]]
    np.testing.assert_array_equal(np.concatenate([venue.written(p) for p in parts]), venue.written(found))
    assert fresh.depth.tolist() == [0, 0]


@given(seed=SEEDS)
def test_a_symbol_does_not_see_another(seed):
    random = np.random.default_rng(seed)
    first, second = (venue.order_tape(np.random.default_rng(seed + k), 60).events for k in (0, 1))
    order = np.argsort(np.concatenate([np.sort(random.random(60)), np.sort(random.random(60))]), kind="stable")
    mixed = {n: np.concatenate([first[n], second[n]])[order] for n in first}
    mixed |= {"symbol": np.repeat([0, 1], 60).astype(np.int32)[order], "ts": np.arange(120), "ts_event": np.arange(120)}
    _, found = orders.build(orders.start(("A", "B"), levels=venue.LEVELS, units=10.0), mixed)
    for code, events in enumerate((first, second)):
        _, alone = orders.build(orders.start(("A",), levels=venue.LEVELS, units=10.0), events)
        np.testing.assert_array_equal(venue.written(found)[found.books["symbol"] == code], venue.written(alone))


def test_a_seeded_book_gives_unnamed_size_to_orders_never_seen():
    rows = [
        (0, 0, LEVEL, 1, 10.0, 5.0, 0),
        (0, 0, LEVEL, 1, 9.0, 4.0, 0),
        (0, 0, LEVEL, -1, 11.0, 3.0, 1),
        (0, 7, REDUCE, 1, 10.0, 2.0, 1),
        (0, 8, REMOVE, 1, 9.0, 4.0, 1),
        (0, 9, REMOVE, 1, 9.0, 1.0, 1),
        (0, 6, SET, -1, 11.0, 1.0, 1),
    ]
    _, found = built(rows, empty=False)
    assert found.books["bid_size_0"].tolist() == [5.0, 3.0, 3.0, 3.0, 3.0]
    assert found.books["ask_size_0"].tolist() == [3.0] * 5
    np.testing.assert_array_equal(found.books["bid_size_1"], [4.0, 4.0, np.nan, np.nan, np.nan])
    assert incidents(found) == ["unknown", "unknown"]


def test_a_venue_that_denies_known_orders_is_right():
    rows = [
        (0, 1, ADD, 1, 12.0, 1.0, 1),
        (0, 2, ADD, 1, 10.0, 3.0, 1),
        (0, 0, LEVEL, 1, 10.0, 2.0, 0),
        (0, 0, LEVEL, 1, 9.0, 1.0, 1),
        (0, 2, REMOVE, 1, 10.0, 2.0, 1),
    ]
    memory, found = built(rows)
    assert found.books["bid_0"].tolist() == [12.0, 12.0, 10.0, 9.0]
    assert found.books["bid_size_0"].tolist() == [1.0, 1.0, 2.0, 1.0]
    assert incidents(found) == ["denied"]
    assert memory.head["orders"].tolist() == [0]


def test_what_should_not_be_is_told():
    rows = [
        (0, 1, ADD, 1, 10.0, 2.0, 1),
        (0, 1, ADD, 1, 9.0, 1.0, 1),
        (0, 1, REDUCE, 1, 9.0, 3.0, 1),
        (0, 5, SET, 0, np.nan, 3.0, 1),
        (0, 0, LOSE, 0, np.nan, np.nan, 1),
        (0, 6, ADD, 1, 8.0, 1.0, 1),
        (0, 0, CLEAR, 0, np.nan, np.nan, 1),
    ]
    _, found = built(rows)
    assert incidents(found) == ["repeated", "overdrawn", "unknown", "lost", "unsynced"]
    np.testing.assert_array_equal(found.books["bid_0"], [10.0, 9.0, np.nan, np.nan, np.nan])


def test_sizes_leave_nothing_behind():
    sizes = [0.1, 0.2, 0.3, 1.1]
    rows = [(0, k, ADD, 1, 10.0, s, 1) for k, s in enumerate(sizes)]
    rows += [(0, k, REMOVE, 0, np.nan, np.nan, 1) for k in range(3)]
    _, found = built(rows, units=1e8)
    assert found.books["bid_size_0"].tolist() == [0.1, 0.3, 0.6, 1.7, 1.6, 1.4, 1.1]


def test_no_order_is_lost_when_there_is_no_room():
    rows = [(0, k, ADD, 1, 10.0, 1.0, 1) for k in range(5)]
    assert built(rows, capacity=5)[1].books["bid_size_0"].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    with pytest.raises(
        RebuildError, match=r"row 4 \(A, .*\) needs room for more than 4 orders or levels; start with a"
    ):
        built(rows, capacity=4)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ((0, 1, ADD, 0, 10.0, 1.0, 1), "side 0"),
        ((0, 1, ADD, 1, np.nan, 1.0, 1), "price nan"),
        ((0, 1, ADD, 1, 10.0, 0.5, 1), "size 0.5; .* whole number of units, of which there are 1 in 1"),
        ((0, 1, REDUCE, 1, 10.0, np.nan, 1), "size nan"),
        ((0, 1, 9, 1, 10.0, 1.0, 1), "action 9"),
    ],
)
def test_a_row_that_cannot_be_is_refused(row, says):
    with pytest.raises(RebuildError, match=f"orders: row 0 has order 1, .*{says}"):
        built([row])


def test_frames_name_actions_in_words():
    frame = pl.DataFrame({"ts": [1, 2], "order": [1, 1], "action": ["add", "remove"], "side": [1, None]}).with_columns(
        price=pl.Series([2.0, None]), size=pl.Series([3, None]), last=1
    )
    with pytest.raises(RebuildError, match="row 1 has no side"):
        books(frame)
    frame = frame.with_columns(pl.col("side").fill_null(0))
    np.testing.assert_array_equal(books(frame).books["bid_0"], [2.0, np.nan])
    with pytest.raises(RebuildError, match="row 1 has action 'gone'; there are nothing, add, set"):
        books(frame.with_columns(action=pl.Series(["add", "gone"])))


def test_units_that_cannot_be_are_refused():
    with pytest.raises(RebuildError, match="units must be from 1 to 1e12, got 0"):
        orders.start(("A",), units=0)


def test_orders_that_end_inside_a_message_are_told_and_ids_may_fill_64_bits():
    frame = pl.DataFrame({"ts": [1, 2], "order": pl.Series([2**64 - 1, 5], dtype=pl.UInt64), "action": ["add", "add"]})
    frame = frame.with_columns(side=1, price=pl.Series([2.0, 3.0]), size=3, last=pl.Series([1, 0]))
    found = books(frame)
    assert found.books["bid_0"].tolist() == [2.0]
    assert found.incidents().rows() == [(1, "unfinished")]
