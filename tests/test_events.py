"""Event rows are the rows in which something happened."""

import polars as pl
import pytest

import quantlib
from quantlib.core import FeatureError
from quantlib.features import sma
from quantlib.own import feature


@feature(memory={"last": 0.0}, outputs=("turn", "turn_event"), warmup=0, horizon=1)
def turn(m, close):
    change, m.last = close - m.last, close
    return change, 1.0 if change > 2.0 else -1.0 if change < -2.0 else 0.0


ROWS = pl.DataFrame({"ts": [1, 2, 3, 4, 5], "symbol": ["A", "B", "A", "A", "B"], "close": [1.0, 5.0, 4.0, None, 1.0]})
BARS = ROWS.with_columns(open="close", high="close", low="close")


def test_an_event_has_its_moment_its_kind_and_the_values_that_made_it():
    found = quantlib.events(turn(), BARS)
    assert found.columns == ["ts", "symbol", "turn_event", "turn", "close"]
    assert found.rows() == [(2, "B", 1.0, 5.0, 5.0), (3, "A", 1.0, 3.0, 4.0), (5, "B", -1.0, -4.0, 1.0)]


def test_columns_that_are_there_are_not_computed_again():
    frame = quantlib.compute(turn(), BARS)
    assert quantlib.events(turn(), frame).equals(quantlib.events(turn(), BARS))
    assert quantlib.events(turn(), frame.head(2)).height == 1


def test_a_feature_without_events_says_so():
    assert quantlib.event_column(turn()) == "turn_event"
    with pytest.raises(FeatureError, match=r"sma\(sma\) tells no events"):
        quantlib.events(sma(), BARS)
