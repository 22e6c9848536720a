"""Rows of members only, as of their day."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from recorded import SHARED, there

from quantlib.data import within
from quantlib.schema import TableError

INTERVALS = pl.DataFrame(
    {
        "symbol": ["A", "A", "B"],
        "from": [date(2020, 1, 2), date(2020, 3, 2), date(2020, 1, 1)],
        "to": [date(2020, 2, 3), None, date(2020, 1, 3)],
    }
)


def rows(symbol, days):
    ends = [datetime(*day, 21, tzinfo=UTC) for day in days]
    return pl.DataFrame({"ts": ends, "symbol": [symbol] * len(days), "close": range(len(days))})


def test_the_day_of_joining_is_inside_and_that_of_leaving_outside():
    days = [(2020, 1, 1), (2020, 1, 2), (2020, 1, 31), (2020, 2, 3), (2020, 3, 1), (2020, 3, 2), (2025, 1, 1)]
    assert within(rows("A", days), INTERVALS)["close"].to_list() == [1, 2, 5, 6]
    assert within(rows("B", days), INTERVALS)["close"].to_list() == [0, 1]
    assert within(rows("C", days), INTERVALS).height == 0


def test_rows_may_be_marked_and_kept():
    marked = within(rows("B", [(2020, 1, 2), (2020, 1, 3)]), INTERVALS, mark="member")
    assert marked["member"].to_list() == [1.0, 0.0]
    with pytest.raises(TableError, match="have a column 'member' already"):
        within(marked, INTERVALS, mark="member")


def test_a_bar_of_the_last_day_is_inside_though_it_is_known_later():
    bar = pl.DataFrame(
        {
            "ts_event": [datetime(2020, 1, 2, 5, tzinfo=UTC)],
            "ts": [datetime(2020, 1, 3, 5, tzinfo=UTC)],
            "symbol": ["B"],
        }
    )
    assert within(bar, INTERVALS).height == 1
    assert within(bar.drop("ts_event"), INTERVALS).height == 0
    dated = pl.DataFrame({"ts": [date(2020, 1, 2), date(2020, 1, 3)], "symbol": ["B", "B"]})
    assert within(dated, INTERVALS).height == 1
    assert within(dated.with_columns(ts=pl.lit(1_577_977_200_000_000_000)), INTERVALS).height == 2


def test_slips_are_told():
    with pytest.raises(TableError, match="intervals need a column 'from'"):
        within(rows("A", [(2020, 1, 1)]), INTERVALS.drop("from"))
    with pytest.raises(TableError, match="rows need 'symbol' and 'ts'"):
        within(pl.DataFrame({"close": [1.0]}), INTERVALS)


def test_the_index_of_2020_has_tesla_from_the_day_it_joined_and_not_the_one_it_replaced():
    intervals = pl.read_parquet(there(SHARED / "ref" / "sp500_membership_intervals.parquet"))
    days = [(2020, 12, 18), (2020, 12, 21), (2020, 12, 22)]
    assert within(rows("TSLA", days), intervals)["close"].to_list() == [1, 2]
    assert within(rows("AIV", days), intervals)["close"].to_list() == [0]
    again = rows("AAL", [(1996, 6, 3), (2000, 1, 3), (2015, 3, 23), (2024, 9, 23)])
    assert within(again, intervals)["close"].to_list() == [0, 2]


def test_about_five_hundred_are_members_on_any_day():
    intervals = pl.read_parquet(there(SHARED / "ref" / "sp500_membership_intervals.parquet"))
    symbols = intervals["ticker"].unique().to_list()
    for day in ((2000, 6, 1), (2010, 6, 1), (2020, 6, 1)):
        ends = pl.DataFrame({"ts": [datetime(*day, 21, tzinfo=UTC)] * len(symbols), "symbol": symbols})
        assert 480 <= within(ends, intervals).height <= 510
