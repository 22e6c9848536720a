"""Slips of the pen are told in one line: who, what, and how to put it right."""

import polars as pl
import pytest

import quantlib
from quantlib.core import FeatureError, rungs
from quantlib.features import ema, sma
from quantlib.schema import TableError
from quantlib.snapshot import SnapshotError
from quantlib.stream import Stream

BARS = pl.DataFrame({"ts": [1, 2, 3], "open": 1.0, "high": 3.0, "low": 1.0, "close": [1.0, 2.0, 3.0]})
BAR = {"ts": 4, "open": 1.0, "high": 3.0, "low": 1.0, "close": 2.0}


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (sma, r"compute: sma is no Feature; a factory is called first: sma\(\)"),
        ([sma(), ema], r"compute: ema is no Feature; a factory is called first: ema\(\)"),
        ("sma", r"compute: 'sma' is no Feature; catalog.feature\('sma'\) makes one"),
        (sma(price=""), "columns read and written have names"),
        (sma(out=""), "columns read and written have names"),
        (sma(price="symbol"), "none of them 'symbol'"),
    ],
)
def test_what_is_no_feature_is_refused(features, told):
    with pytest.raises(FeatureError, match=told):
        quantlib.compute(features, BARS)


def test_events_of_several_features_are_asked_one_by_one():
    with pytest.raises(FeatureError, match="events: sma is no Feature"):
        quantlib.events(sma, BARS)


def test_a_column_of_words_is_no_missing_column():
    with pytest.raises(TableError, match="bars: column 'name' holds String, and features read numbers"):
        quantlib.compute(sma(2, price="name"), BARS.with_columns(name=pl.lit("x")))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({}, "column 'ts' is missing"),
        (BAR | {"ts": 2**70}, "ts must be a moment within the years 1677 to 2262"),
        (BAR | {"ts": True}, "ts"),
        (BAR | {"close": [2.0]}, r"close must be a number, got \[2.0\]"),
        (BAR | {"symbol": 0.7}, "a symbol is a name or a whole number, got 0.7"),
        (BAR | {"symbol": ["X"]}, r"a symbol is a name or a whole number, got \['X'\]"),
    ],
)
@pytest.mark.parametrize("before", [0, 3])
def test_a_row_that_cannot_be_meant_is_refused_and_changes_nothing(row, told, before):
    stream = Stream([sma(2)], ["X"])
    for ts in range(before):
        stream.push(BAR | {"ts": ts})
    kept = stream.snapshot()
    with pytest.raises(TableError, match=told):
        stream.push(row)
    assert stream.snapshot() == kept


def test_what_nobody_reads_may_be_anything():
    stream = Stream([sma(2)], ["X"])
    for ts in (1, 2, 3):
        seen = stream.push(BAR | {"ts": ts, "conditions": ["@", "T"], "more": {"a": 1}, "close": float(ts)})
    assert seen == {"sma": 2.5}


def test_a_hold_names_its_columns_in_a_list():
    with pytest.raises(TableError, match=r"hold names columns in a list, got 'ask' for 'quote'; write \['ask'\]"):
        Stream([sma()], ["X"], hold={"quote": "ask"})


def test_nothing_is_no_snapshot():
    with pytest.raises(SnapshotError, match="snapshot: it is bytes, got NoneType"):
        Stream.restore([sma()], None)


def test_a_name_that_looks_like_a_ladder_of_a_billion_is_a_name():
    assert rungs("x_0..9999999999") == ("x_0..9999999999",)
    with pytest.raises(FeatureError, match="is missing"):
        quantlib.compute(sma(2, price="x_0..9999999999"), BARS)


def test_the_library_does_not_suggest_what_it_does_not_have():
    with pytest.raises(AttributeError, match=r"quantlib has no 'options'\.$"):
        _ = quantlib.options
    assert "options" not in dir(quantlib)
