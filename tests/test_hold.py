"""The last value known of another clock."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlib.asof import held, hold, hold_start
from quantlib.core import FeatureError

SYMBOLS = ("A", "B", "C")
NAMES = ("x", "y")


VALUES = st.one_of(st.floats(-5, 5), st.just(float("nan")))


@st.composite
def sides(draw):
    """Left and source rows on few moments, so that ties are many."""
    made = []
    for columns in ((), NAMES):
        ts = sorted(draw(st.lists(st.integers(0, 12), max_size=25)))
        rows = {"ts": np.array(ts, np.int64)}
        rows["symbol"] = np.array(draw(st.lists(st.integers(0, 2), min_size=len(ts), max_size=len(ts))), np.int32)
        for name in columns:
            rows[name] = np.array(draw(st.lists(VALUES, min_size=len(ts), max_size=len(ts))))
        made.append(rows)
    return made


def only(rows, chosen):
    return {name: column[chosen] for name, column in rows.items()}


def by_polars(left, source, ties):
    """polars' join_asof per symbol and column, on the values that are not NaN."""
    rows = pl.DataFrame(left).with_row_index()
    out = {}
    for name in NAMES:
        news = pl.DataFrame(source).select("ts", "symbol", name).filter(pl.col(name).is_not_nan())
        news = news.with_columns(pl.col("ts").set_sorted())
        asof = rows.with_columns(pl.col("ts").set_sorted()).join_asof(
            news, on="ts", by="symbol", allow_exact_matches=ties, check_sortedness=False
        )
        out[name] = asof.sort("index")[name].fill_null(float("nan")).to_numpy()
    return out


@given(
    rows=sides(), clocks=st.sampled_from([("bar", "quote", True), ("quote", "bar", False), ("trade", "trade", False)])
)
@settings(deadline=None)
def test_hold_is_the_asof_join_of_polars(rows, clocks):
    left, source = rows
    _, got = hold(hold_start(SYMBOLS, NAMES), left, source, left_clock=clocks[0], source_clock=clocks[1])
    for name, wanted in by_polars(left, source, clocks[2]).items():
        np.testing.assert_array_equal(got[name], wanted)


@given(
    rows=sides(),
    cuts=st.lists(st.tuples(st.integers(0, 13), st.integers(0, 1)), max_size=4),
    clocks=st.sampled_from([("bar", "quote"), ("quote", "bar")]),
)
@settings(deadline=None)
def test_cutting_the_merged_tape_changes_no_bit(rows, cuts, clocks):
    left, source = rows
    names = {"left_clock": clocks[0], "source_clock": clocks[1]}
    whole_memory, whole = hold(hold_start(SYMBOLS, NAMES), left, source, **names)
    left_phase, source_phase = (1, 0) if clocks[1] == "quote" else (0, 1)
    memory, parts = hold_start(SYMBOLS, NAMES), []
    begin = (-1, 0)
    for end in [*sorted(cuts), (99, 0)]:
        inside = [
            np.array([begin <= (int(t), phase) < end for t in side["ts"]], bool)
            for side, phase in ((left, left_phase), (source, source_phase))
        ]
        before = memory.last.copy()
        after, part = hold(memory, only(left, inside[0]), only(source, inside[1]), **names)
        np.testing.assert_array_equal(memory.last, before)  # what was given stays
        memory, begin = after, end
        parts.append(part)
    for name in NAMES:
        np.testing.assert_array_equal(np.concatenate([p[name] for p in parts]), whole[name])
    assert memory.last.tobytes() == whole_memory.last.tobytes()
    np.testing.assert_array_equal(memory.border, whole_memory.border)


def rows(*ts, **columns):
    return {"ts": np.array(ts, np.int64), "symbol": np.zeros(len(ts), np.int32)} | columns


def test_a_quote_of_the_moment_a_bar_ends_is_known_to_it():
    _, got = hold(hold_start(["A"], ["x"]), rows(5), rows(5, x=np.array([2.0])))
    assert got["x"][0] == 2.0


def test_a_bar_is_known_only_to_later_quotes():
    names = {"left_clock": "quote", "source_clock": "bar"}
    _, got = hold(hold_start(["A"], ["x"]), rows(5, 6), rows(5, x=np.array([2.0])), **names)
    np.testing.assert_array_equal(got["x"], [np.nan, 2.0])


def test_a_missing_value_does_not_overwrite_what_is_known():
    _, got = hold(hold_start(["A"], ["x"]), rows(9), rows(1, 2, x=np.array([3.0, np.nan])))
    assert got["x"][0] == 3.0


def test_symbols_do_not_know_each_other():
    left = {"ts": np.array([9, 9]), "symbol": np.array([0, 1], np.int32)}
    _, got = hold(hold_start(["A", "B"], ["x"]), left, rows(1, x=np.array([3.0])))
    np.testing.assert_array_equal(got["x"], [3.0, np.nan])


def test_going_back_in_time_is_refused():
    memory, _ = hold(hold_start(["A"], ["x"]), rows(5), rows(x=np.empty(0)))
    with pytest.raises(FeatureError, match=r"quote of 1970-01-01T00:00:00.000000005Z comes after rows up to"):
        hold(memory, rows(), rows(5, x=np.array([1.0])))
    with pytest.raises(FeatureError, match="sort by ts first"):
        hold(memory, rows(7, 6), rows(x=np.empty(0)))


def test_bad_columns_are_refused_by_name():
    memory = hold_start(["A"], ["spread"])
    with pytest.raises(FeatureError, match=r"quotes lack column 'spread'.* Did you mean 'spreads'"):
        hold(memory, rows(5), rows(5, spreads=np.ones(1)))
    with pytest.raises(FeatureError, match="must be float64 x 1, got int64 x 1"):
        hold(memory, rows(5), rows(5, spread=np.ones(1, np.int64)))
    with pytest.raises(FeatureError, match="bars lack column 'ts'"):
        hold(memory, {}, rows(5, spread=np.ones(1)))
    with pytest.raises(FeatureError, match="memory holds 2 symbols"):
        hold(hold_start(["A", "B"], ["x"]), {"ts": np.array([1])}, rows(x=np.empty(0)))
    with pytest.raises(FeatureError, match="its code is not in 0 to 0"):
        hold(memory, {"ts": np.array([1]), "symbol": np.array([1], np.int32)}, rows(spread=np.empty(0)))
    with pytest.raises(FeatureError, match="need 'ts' int64"):
        hold(memory, {"ts": np.array([1.0])}, rows(spread=np.empty(0)))
    with pytest.raises(ValueError, match="no clock 'tick'"):
        hold(memory, rows(), rows(spread=np.empty(0)), source_clock="tick")
    with pytest.raises(FeatureError, match="names must be distinct"):
        hold_start(["A"], ["x", "x"])


def bar_frame(ts, symbol):
    flat = [1.0] * len(ts)
    return pl.DataFrame({"ts": ts, "symbol": symbol, "open": flat, "high": flat, "low": flat, "close": flat})


def test_held_puts_quotes_beside_bars():
    quotes = pl.DataFrame(
        {"ts": [1, 2, 3], "symbol": ["B", "A", "B"], "bid": [1.0, 2.0, 3.0], "ask": [2.0, 3.0, 4.0]}
    ).with_columns(bid_size=1.0, ask_size=1.0)
    got = held(bar_frame([2, 2, 5], ["A", "B", "B"]), quotes, ["bid"])
    assert got["bid"].to_list() == [2.0, 1.0, 3.0]
    assert got["symbol"].to_list() == ["A", "B", "B"]
    with pytest.raises(FeatureError, match="already have a column 'close'"):
        held(bar_frame([2], ["A"]), quotes, ["close"])
