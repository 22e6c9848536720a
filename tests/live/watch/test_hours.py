"""Jobs are due when New York says so: early closes, holidays and both changes of the clocks included."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from pulses import SECOND

from live.watch.hours import AfterClose, Hour, dues, last_due, next_due, on, open_since

NEW_YORK = ZoneInfo("America/New_York")
BEFORE, AFTER, NIGHT = Hour(time(8, 30)), AfterClose(1800), Hour(time(2), daily=True)


def ny(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND


def told(ts: int) -> str:
    return datetime.fromtimestamp(ts // SECOND, NEW_YORK).strftime("%a %d %b %H:%M")


def test_a_week_of_thanksgiving_has_a_holiday_and_an_early_close():
    begin, end = ny("2024-11-27 00:00"), ny("2024-12-02 23:59")
    assert [told(ts) for ts in dues(BEFORE, begin, end)] == ["Wed 27 Nov 08:30", "Fri 29 Nov 08:30", "Mon 02 Dec 08:30"]
    assert [told(ts) for ts in dues(AFTER, begin, end)] == ["Wed 27 Nov 16:30", "Fri 29 Nov 13:30", "Mon 02 Dec 16:30"]
    assert len(list(dues(NIGHT, begin, end))) == 6


def test_an_hour_that_the_change_of_the_clocks_leaves_out_comes_an_hour_later_and_one_that_comes_twice_once():
    assert told(on(NIGHT, date(2024, 3, 10))) == "Sun 10 Mar 03:00"
    assert on(Hour(time(1, 30), daily=True), date(2024, 11, 3)) == int(
        datetime(2024, 11, 3, 5, 30, tzinfo=UTC).timestamp() * SECOND
    )
    begin = ny("2024-11-02 12:00")
    twice = list(dues(Hour(time(1, 30), daily=True), begin, begin + 48 * 3600 * SECOND))
    assert [told(ts) for ts in twice] == ["Sun 03 Nov 01:30", "Mon 04 Nov 01:30"]


@pytest.mark.parametrize("when", [BEFORE, AFTER, NIGHT])
def test_the_next_of_the_last_is_the_next(when):
    ts = ny("2024-07-03 20:00")
    for _ in range(30):
        following = next_due(when, ts)
        assert following > ts
        assert last_due(when, following) == following
        assert last_due(when, following - 1) < following
        ts = following


def test_the_exchange_is_open_from_its_opening_to_its_close():
    assert open_since(ny("2024-11-29 09:29:59")) is None
    assert open_since(ny("2024-11-29 09:30")) == ny("2024-11-29 09:30")
    assert open_since(ny("2024-11-29 12:59:59")) == ny("2024-11-29 09:30")
    assert open_since(ny("2024-11-29 13:00")) is None
    assert open_since(ny("2024-11-28 12:00")) is None


def test_hours_say_what_they_are():
    assert [str(when) for when in (BEFORE, AFTER, NIGHT)] == [
        "08:30 New York, days with a session", "30 min after the close", "02:00 New York, every day",
    ]  # fmt: skip
