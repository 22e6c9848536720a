"""Sessions: early closes, holidays, summer time, and a broker that says otherwise."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from live.errors import FeedError
from live.feeds.calendar import Calendar, differences, new_york, of_broker
from live.feeds.hours import Hours


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


HOUR = 3600 * 10**9
AROUND = ns("2024-11-20")


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return new_york(AROUND)


def test_the_opening_is_in_the_session_and_the_close_is_not(calendar: Calendar) -> None:
    assert not calendar.is_open(ns("2024-11-20T14:30") - 1)
    assert calendar.is_open(ns("2024-11-20T14:30"))
    assert calendar.is_open(ns("2024-11-20T21:00") - 1)
    assert not calendar.is_open(ns("2024-11-20T21:00"))


def test_the_day_after_thanksgiving_closes_early_and_thanksgiving_has_no_session(calendar: Calendar) -> None:
    assert calendar.close_of(date(2024, 11, 28)) is None
    assert calendar.open_of(date(2024, 11, 28)) is None
    assert calendar.close_of(date(2024, 11, 29)) == ns("2024-11-29T18:00")
    assert calendar.next_open(ns("2024-11-27T21:00")) == ns("2024-11-29T14:30")
    assert calendar.next_close(ns("2024-11-28T12:00")) == ns("2024-11-29T18:00")
    assert calendar.opened(ns("2024-11-28T12:00")) == ns("2024-11-27T14:30")


def test_summer_time_moves_the_opening(calendar: Calendar) -> None:
    assert calendar.open_of(date(2024, 3, 8)) == ns("2024-03-08T14:30")
    assert calendar.open_of(date(2024, 3, 11)) == ns("2024-03-11T13:30")


def test_a_bar_lies_in_a_session_if_any_of_it_does(calendar: Calendar) -> None:
    assert calendar.within(ns("2024-11-20T00:00"), ns("2024-11-21T00:00"))
    assert not calendar.within(ns("2024-11-28T00:00"), ns("2024-11-29T00:00"))
    assert not calendar.within(ns("2024-11-20T14:29"), ns("2024-11-20T14:30"))


def test_going_back_counts_only_sessions(calendar: Calendar) -> None:
    assert calendar.back(ns("2024-11-20T15:30"), HOUR) == ns("2024-11-20T14:30")
    assert calendar.back(ns("2024-11-20T15:30"), 2 * HOUR) == ns("2024-11-19T20:00")
    assert calendar.back(ns("2024-12-02T14:30"), HOUR) == ns("2024-11-29T17:00")  # over a weekend, early close
    assert calendar.back(ns("2024-11-23T12:00"), HOUR) == ns("2024-11-22T20:00")


def test_outside_of_the_calendar_is_refused_with_the_cure(calendar: Calendar) -> None:
    with pytest.raises(FeedError, match="make one around that time"):
        calendar.is_open(ns("1999-01-04T15:00"))
    with pytest.raises(FeedError, match="2031-01-01 lies outside"):
        calendar.close_of(date(2031, 1, 1))


def test_a_broker_that_agrees_differs_in_nothing_and_one_that_does_not_is_told(calendar: Calendar) -> None:
    days = [
        {"date": "2024-11-27", "open": "09:30", "close": "16:00"},
        {"date": "2024-11-29", "open": "09:30", "close": "13:00"},
    ]
    assert differences(calendar, of_broker(days)) == []
    days[1]["close"] = "16:00"
    days.insert(1, {"date": "2024-11-28", "open": "09:30", "close": "16:00"})
    assert differences(calendar, of_broker(days)) == [
        "2024-11-28: XNYS closed, the broker 2024-11-28T14:30:00Z to 2024-11-28T21:00:00Z",
        "2024-11-29: XNYS 2024-11-29T14:30:00Z to 2024-11-29T18:00:00Z, "
        "the broker 2024-11-29T14:30:00Z to 2024-11-29T21:00:00Z",
    ]
    assert differences(calendar, of_broker([])) == ["the broker has no sessions"]


def test_sessions_are_whole_and_ascend(calendar: Calendar) -> None:
    assert (calendar.opens < calendar.closes).all()
    assert (calendar.closes[:-1] < calendar.opens[1:]).all()
    assert len(calendar.days) == len(np.unique(calendar.days))


MINUTE = 60 * 10**9


def test_stocks_bars_count_in_sessions_and_crypto_s_always(calendar: Calendar) -> None:
    hours = Hours(np.array([False, True]), calendar, MINUTE, "session")
    first, close = ns("2024-11-20T14:30"), ns("2024-11-20T21:00")
    ts = np.array([first, first, first + MINUTE, close, close + MINUTE, ns("1999-01-04T15:00")])
    codes = np.array([0, 1, 0, 0, 0, 0], np.int32)
    assert hours.inside(ts, codes).tolist() == [False, True, True, True, False, False]
    assert hours.expected(close).tolist() == [True, True]
    assert hours.expected(close + MINUTE).tolist() == [False, True]
    assert Hours(np.array([False, True]), calendar, MINUTE, "all").inside(ts, codes).all()


def test_trade_is_counted_from_the_opening_on(calendar: Calendar) -> None:
    hours = Hours(np.array([False]), calendar, MINUTE, "session")
    assert hours.trading(ns("2024-11-20T14:31"), crypto=False) == 60.0
    assert hours.trading(ns("2024-11-20T21:00"), crypto=False) == 0.0
    assert hours.trading(ns("2024-11-23T12:00"), crypto=True) == float("inf")
    assert hours.trading(ns("1999-01-04T15:00"), crypto=False) == 0.0
