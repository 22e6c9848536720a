"""Sessions, weekdays and events against the time zones of the standard library and the days that were traded."""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.core import run, start
from quantlib.features.calendar.holidays import easter, new_york_closed, new_york_early
from quantlib.features.calendar.hours import ZONES, Hours, zone_of
from quantlib.features.calendar.sessions import (
    day_of_week,
    days_until,
    distance_to_event,
    minute_of_session,
    time_to_close,
)
from quantlib.kernels.civil import DAY, HOUR, day_of, offset, year_of

DATA = Path(__file__).parents[2].parent / "shared" / "data"
NEW_YORK = ZoneInfo("America/New_York")
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2039, 12, 31), timezones=st.just(UTC))


def output(feature, ts, **columns):
    columns = {"ts": np.asarray(ts, np.int64)} | {n: np.asarray(c, np.float64) for n, c in columns.items()}
    return run([feature], start([feature], ["X"]), columns)[1]


def ns(moment):
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


def local(*parts, zone=NEW_YORK):
    return ns(datetime(*parts, tzinfo=zone))


def data(name):
    if not (DATA / name).exists():
        pytest.skip(f"real data is not here (../shared/data/{name})")
    return pl.read_parquet(DATA / name)


@pytest.mark.parametrize("zone", ZONES)
def test_local_time_is_that_of_the_zone(zone):
    base, rule = zone_of("test", zone)
    info = ZoneInfo(zone)
    year = 1987 if zone.startswith("America") else 1996
    hours = 1 if zone in ("America/New_York", "Europe/London") else 7
    moment = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    while moment < 2_208_988_800:  # 2040
        wanted = datetime.fromtimestamp(moment, info).utcoffset() // timedelta(seconds=1)
        assert offset(moment * 1_000_000_000, base, rule) == wanted * 1_000_000_000, datetime.fromtimestamp(moment, UTC)
        moment += hours * 3600


def test_clocks_change_at_the_very_second():
    base, rule = zone_of("test", "America/New_York")
    for year, spring, autumn in ((1999, (4, 4), (10, 31)), (2006, (4, 2), (10, 29)), (2024, (3, 10), (11, 3))):
        forward, back = ns(datetime(year, *spring, 7, tzinfo=UTC)), ns(datetime(year, *autumn, 6, tzinfo=UTC))
        assert (offset(forward - 1, base, rule), offset(forward, base, rule)) == (-5 * HOUR, -4 * HOUR)
        assert (offset(back - 1, base, rule), offset(back, base, rule)) == (-4 * HOUR, -5 * HOUR)


@given(day=st.dates(date(1800, 1, 1), date(2300, 1, 1)))
def test_days_and_years_are_those_of_the_calendar(day):
    number = day_of(day.year, day.month, day.day)
    assert number == day.toordinal() - date(1970, 1, 1).toordinal()
    assert year_of(number) == day.year


HOLIDAYS = Hours(closed=("2024-07-04", date(2024, 12, 25)), early={"2024-07-03": "13:00", date(2024, 11, 29): "13:00"})


def test_a_session_has_390_minutes_and_its_ends_belong_to_it():
    ts = [local(2024, 7, 2, 9, 30) - 1, local(2024, 7, 2, 9, 30), local(2024, 7, 2, 16), local(2024, 7, 2, 16) + 1]
    np.testing.assert_array_equal(output(minute_of_session(), ts)["minute_of_session"], [-1.0, 0.0, 390.0, -1.0])
    np.testing.assert_array_equal(output(time_to_close(), ts)["time_to_close"], [-1.0, 390.0, 0.0, -1.0])


def test_weekends_holidays_and_early_closes_are_minded():
    noon = [local(2024, 7, day, 12, 30) for day in (3, 4, 5, 6, 7)]
    np.testing.assert_array_equal(
        output(minute_of_session(HOLIDAYS), noon)["minute_of_session"], [180, -1, 180, -1, -1]
    )
    np.testing.assert_array_equal(output(time_to_close(HOLIDAYS), noon)["time_to_close"], [30, -1, 210, -1, -1])
    afternoon = [local(2024, 7, 3, 13, 1), local(2024, 11, 29, 13, 1), local(2024, 12, 24, 13, 1)]
    np.testing.assert_array_equal(output(minute_of_session(HOLIDAYS), afternoon)["minute_of_session"], [-1, -1, 211])


@given(moments=st.lists(MOMENTS, min_size=1, max_size=20))
def test_minutes_are_those_of_the_local_clock_whatever_the_order_of_rows(moments):
    got = output(minute_of_session(), [ns(m) for m in moments])["minute_of_session"]
    for moment, minute in zip(moments, got, strict=True):
        there = moment.astimezone(NEW_YORK)
        since = there.replace(tzinfo=None) - there.replace(hour=9, minute=30, second=0, microsecond=0, tzinfo=None)
        held = there.isoweekday() <= 5 and timedelta(0) <= since <= timedelta(minutes=390)
        assert minute == pytest.approx(since / timedelta(minutes=1) if held else -1.0)


@given(moment=MOMENTS)
def test_minutes_since_the_open_and_to_the_close_make_up_the_session(moment):
    ts = [ns(moment)]
    since, until = output(minute_of_session(), ts)["minute_of_session"], output(time_to_close(), ts)["time_to_close"]
    assert since[0] == until[0] == -1.0 or since[0] + until[0] == pytest.approx(390.0)


def test_a_session_may_begin_on_the_evening_before():
    globex = Hours("18:00", "17:00", days=(1, 2, 3, 4, 5))
    ts = [local(2024, 3, 10, 17, 59), local(2024, 3, 10, 18), local(2024, 3, 11, 16, 59), local(2024, 3, 11, 17, 30)]
    np.testing.assert_array_equal(output(minute_of_session(globex), ts)["minute_of_session"], [-1, 0, 1379, -1])
    friday_evening, sunday_noon = local(2024, 3, 8, 18, 30), local(2024, 3, 10, 12)
    assert (output(minute_of_session(globex), [friday_evening, sunday_noon])["minute_of_session"] == -1.0).all()


def test_a_market_that_never_sleeps_has_sessions_of_a_day():
    always = Hours("00:00", "24:00", zone="UTC", days=range(1, 8))
    ts = np.arange(400) * HOUR * 7 + ns(datetime(2024, 1, 1, tzinfo=UTC))
    minute = output(minute_of_session(always), ts)["minute_of_session"]
    np.testing.assert_array_equal(minute, ts % DAY / (HOUR / 60))


def test_bars_of_a_real_session_lie_in_it():
    rows = data("klines_1m/equity/us_SPY_2022-2024.parquet")
    ends = rows["open_time"].dt.offset_by("1m").dt.timestamp("ns").to_numpy()
    hours = Hours(closed=new_york_closed(2022, 2024), early=new_york_early(2022, 2024))
    minute = output(minute_of_session(hours), ends)["minute_of_session"]
    late = rows.filter(pl.Series(minute < 0.0))["open_time"].to_list()  # the minute after an early close, both times
    assert late == [datetime(year, 7, 3, 17, tzinfo=UTC) for year in (2023, 2024)]
    assert set(minute) == {-1.0, *map(float, range(1, 391))}


@pytest.mark.parametrize("zone", ZONES)
@given(moment=st.datetimes(datetime(1997, 1, 1), datetime(2039, 12, 31), timezones=st.just(UTC)))
def test_a_weekday_is_that_of_the_local_date(zone, moment):
    got = output(day_of_week(zone), [ns(moment)])["day_of_week"][0]
    assert got == moment.astimezone(ZoneInfo(zone)).isoweekday()


def test_the_exchange_was_closed_on_its_holidays_and_traded_on_all_other_weekdays():
    for name, symbols in (("us_lean_raw_with_factors", ["spy"]), ("us_sp500_members_20130208-20180207", None)):
        rows = data(f"daily/{name}.parquet")
        if symbols:
            rows = rows.filter(pl.col("symbol").str.to_lowercase().is_in(symbols))
        traded = sorted(set(rows["date"].to_list()))
        closed = set(new_york_closed(traded[0].year, traded[-1].year))
        days = (traded[0] + timedelta(d) for d in range((traded[-1] - traded[0]).days + 1))
        weekdays = [day for day in days if day.isoweekday() <= 5]
        assert len(traded) > 1_000
        assert [day for day in weekdays if day not in closed] == traded


def test_easter_and_early_closes_are_those_of_the_almanac():
    assert [easter(year) for year in (1998, 2000, 2008, 2024, 2038)] == [
        date(1998, 4, 12), date(2000, 4, 23), date(2008, 3, 23), date(2024, 3, 31), date(2038, 4, 25),
    ]  # fmt: skip
    assert list(new_york_early(2023, 2025)) == [
        date(2023, 7, 3), date(2023, 11, 24), date(2024, 7, 3), date(2024, 11, 29), date(2024, 12, 24),
        date(2025, 7, 3), date(2025, 11, 28), date(2025, 12, 24),
    ]  # fmt: skip


@given(moments=st.lists(MOMENTS, min_size=1, max_size=30), seed=st.integers(0, 2**32 - 1), count=st.integers(0, 80))
def test_distance_is_to_the_nearest_event_on_either_side(moments, seed, count):
    days = np.random.default_rng(seed).integers(7_300, 25_500, count).astype("datetime64[D]")
    events = sorted({local(*day.astype(object).timetuple()[:3], 14) for day in days})
    ts = [ns(m) for m in moments] + events[:3]
    got = output(distance_to_event(days, "14:00", most=200.0), ts)
    for row, moment in enumerate(ts):
        after, before = bisect_left(events, moment), bisect_right(events, moment) - 1
        until = (events[after] - moment) / DAY if after < len(events) else np.inf
        since = (moment - events[before]) / DAY if before >= 0 else np.inf
        assert got["distance_to_event_next"][row] == pytest.approx(min(until, 200.0))
        assert got["distance_to_event_last"][row] == pytest.approx(min(since, 200.0))


def test_the_committee_meets_every_six_weeks_or_so():
    days = data("ref/fomc_dates.parquet")["date"].to_list()
    ts = [local(2015, 1, 28, 13), local(2015, 1, 28, 14), local(2015, 1, 29, 14)]
    got = output(distance_to_event(days, "14:00", out="fomc"), ts)
    np.testing.assert_allclose(got["fomc_next"][:2], [1.0 / 24.0, 0.0])
    np.testing.assert_allclose(got["fomc_last"][1:], [0.0, 1.0])
    middles = [local(a.year, a.month, a.day, 14) for a, b in pairwise(days) if b.year < 2026]
    ahead = output(distance_to_event(days, "14:00", out="fomc"), np.array(middles) + 1)["fomc_next"]
    assert 35.0 < np.median(ahead) < 55.0


def test_each_company_has_its_own_next_report():
    reports = data("ref/us_earnings_calendar.parquet").filter(pl.col("symbol").is_in(["AAL", "DAL"]))
    reports = reports.select("symbol", next_event=pl.col("date").cast(pl.Datetime("ns"))).sort("next_event")
    days = pl.datetime_range(datetime(2015, 1, 1), datetime(2016, 1, 1), "1d", time_unit="ns", eager=True)
    rows = pl.DataFrame({"ts": days}).join(reports.select("symbol").unique(), how="cross").sort("ts")
    rows = rows.join_asof(reports, left_on="ts", right_on="next_event", by="symbol", strategy="forward")
    known = rows.filter(pl.col("symbol") == "AAL").drop_nulls()
    assert len(known) > 300
    got = output(days_until(), known["ts"].to_physical(), next_event=known["next_event"].to_physical())["days_until"]
    wanted = (known["next_event"] - known["ts"]).dt.total_days().to_numpy()
    np.testing.assert_allclose(got, wanted, atol=1e-9)
    assert 0.0 <= got.min() <= got.max() < 120.0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: minute_of_session(Hours(open="9.30")), "a time of day is written 'HH:MM', got '9.30'"),
        (lambda: minute_of_session(Hours(zone="Mars")), "zone must be one of UTC, .*, got 'Mars'"),
        (lambda: time_to_close(Hours(days=(0,))), r"days must be some of 1 \(Monday\) to 7 \(Sunday\), got \(0,\)"),
        (lambda: time_to_close(Hours(closed=("soon",))), "a date is written 'YYYY-MM-DD', got 'soon'"),
        (lambda: day_of_week("Moon"), "day_of_week: zone must be one of"),
        (lambda: distance_to_event(["tomorrow"]), "a date is written 'YYYY-MM-DD'"),
        (lambda: distance_to_event(most=0.0), "most must be positive and finite, got 0.0"),
        (lambda: new_york_closed(1980, 1990), "years must ascend from 1990 at the earliest, got 1980 to 1990"),
        (lambda: new_york_early(2010, 2000), "years must ascend from 1993 at the earliest, got 2010 to 2000"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        wrong()
