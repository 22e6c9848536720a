"""Days on which the New York Stock Exchange is closed or closes early, by its rules."""

from collections.abc import Iterator
from datetime import date, timedelta

MONDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = 1, 4, 5, 6, 7
CLOSED_ONCE = (  # mourning, attack and storm
    "1994-04-27", "2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11", "2007-01-02", "2012-10-29",
    "2012-10-30", "2018-12-05", "2025-01-09",
)  # fmt: skip
EARLY_ONCE = ("1997-12-26", "1999-12-31", "2003-12-26")


def new_york_closed(first: int = 2000, last: int = 2030) -> tuple[date, ...]:
    """Weekdays without a session at the New York Stock Exchange, in order.

    Args:
        first, last: years, 1990 at the earliest; what the exchange decides from now on is not known here.

    Raises:
        ValueError: if the years are out of order or too early.

    Source: New York Stock Exchange, Rule 7.2 (holidays) and its notices of special closings.
    """
    found = {day for year in _years("new_york_closed", first, last) for day in _holidays(year)}
    found |= {day for day in map(date.fromisoformat, CLOSED_ONCE) if first <= day.year <= last}
    return tuple(sorted(day for day in found if day.isoweekday() <= FRIDAY))


def new_york_early(first: int = 2000, last: int = 2030) -> dict[date, str]:
    """Days on which the New York Stock Exchange closes early, and the time at which it does: 13:00.

    Args:
        first, last: years, 1993 at the earliest: before that early closes were at other times.

    Raises:
        ValueError: if the years are out of order or too early.

    Source: New York Stock Exchange, Rule 7.2 and its yearly notices of holidays and early closings.
    """
    found = {day for year in _years("new_york_early", first, last, 1993) for day in _short_days(year)}
    found |= {day for day in map(date.fromisoformat, EARLY_ONCE) if first <= day.year <= last}
    closed = set(new_york_closed(first, last))
    return dict.fromkeys(sorted(found - closed), "13:00")


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar.

    Source: J. Meeus, Astronomical Algorithms, 2nd ed., 1998, ch. 8 (the rule of Butcher, 1876).
    """
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def _holidays(year: int) -> Iterator[date]:
    new_year = date(year, 1, 1)
    yield new_year + timedelta(1) if new_year.isoweekday() == SUNDAY else new_year  # on a Saturday it is not made up
    if year >= 1998:
        yield _nth(year, 1, MONDAY, 3)  # Martin Luther King
    yield _nth(year, 2, MONDAY, 3)  # Washington
    yield easter(year) - timedelta(2)  # Good Friday
    yield _nth(year, 6, MONDAY, 1) - timedelta(7)  # the last Monday of May: Memorial Day
    if year >= 2022:
        yield _made_up(date(year, 6, 19))  # Juneteenth
    yield _made_up(date(year, 7, 4))
    yield _nth(year, 9, MONDAY, 1)  # Labor Day
    yield _nth(year, 11, THURSDAY, 4)  # Thanksgiving
    yield _made_up(date(year, 12, 25))


def _short_days(year: int) -> Iterator[date]:
    yield _nth(year, 11, THURSDAY, 4) + timedelta(1)  # the day after Thanksgiving
    christmas_eve = date(year, 12, 24)
    if christmas_eve.isoweekday() <= THURSDAY:
        yield christmas_eve
    eve = date(year, 7, 3)
    if year >= 1995 and (eve.isoweekday() in (1, 2, 4) or (eve.isoweekday() == 3 and year >= 2013)):
        yield eve
    if 1996 <= year < 2013 and eve.isoweekday() == 3:
        yield date(year, 7, 5)  # then it was the day after, a Friday


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th such weekday of a month."""
    first = date(year, month, 1)
    return first + timedelta((weekday - first.isoweekday()) % 7 + 7 * (n - 1))


def _made_up(day: date) -> date:
    """A holiday on a Saturday is kept on Friday, one on a Sunday on Monday."""
    return day + timedelta({SATURDAY: -1, SUNDAY: 1}.get(day.isoweekday(), 0))


def _years(who: str, first: int, last: int, earliest: int = 1990) -> range:
    if not earliest <= first <= last:
        raise ValueError(f"{who}: years must ascend from {earliest} at the earliest, got {first} to {last}")
    return range(first, last + 1)
