"""Local time: days, weekdays and summer time, by arithmetic, so that no table of zones is needed.

Days count from 1970-01-01, times are nanoseconds.  Summer time is one hour, in the United States (rule 1) from 1987 on
and in Europe (rule 2) from 1996 on as the law has it now and had it then; rule 0 has none.

Source: H. Hinnant, chrono-compatible low-level date algorithms, 2013 (days_from_civil, civil_from_days); Energy Policy
Act of 2005, sec. 110, and Uniform Time Act as amended in 1986; Directive 2000/84/EC.
"""

from quantlib.jit import block, kernel

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
NONE, UNITED_STATES, EUROPE = 0, 1, 2


@kernel
def day_of(year, month, day):
    """The number of a day of the Gregorian calendar."""
    y = year - 1 if month <= 2 else year
    century = y // 400
    of_century = y - century * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return century * 146097 + of_century * 365 + of_century // 4 - of_century // 100 + of_year - 719468


@kernel
def year_of(day):
    """The year in which a day lies."""
    z = day + 719468
    century = z // 146097
    of_century = z - century * 146097
    year = (of_century - of_century // 1460 + of_century // 36524 - of_century // 146096) // 365
    of_year = of_century - (365 * year + year // 4 - year // 100)
    return year + century * 400 + (1 if of_year >= 306 else 0)  # years begin in March there


@block
def weekday(day):
    """1 on Mondays to 7 on Sundays."""
    return (day + 3) % 7 + 1


@block
def sunday_from(day):
    """The first Sunday on a day or after it."""
    return day + 7 - weekday(day)


@kernel
def offset(ts, base, rule):
    """How far local time is ahead of UTC, where winter time is `base` ahead."""
    if rule == NONE:
        return base
    year = year_of((ts + base) // DAY)
    if rule == EUROPE:
        first = sunday_from(day_of(year, 3, 25)) * DAY + HOUR
        last = sunday_from(day_of(year, 10, 25)) * DAY + HOUR
    elif year >= 2007:
        first = sunday_from(day_of(year, 3, 8)) * DAY + 2 * HOUR - base
        last = sunday_from(day_of(year, 11, 1)) * DAY + HOUR - base
    else:
        first = sunday_from(day_of(year, 4, 1)) * DAY + 2 * HOUR - base
        last = sunday_from(day_of(year, 10, 25)) * DAY + HOUR - base
    return base + HOUR if first <= ts < last else base


@block
def instant(day, time, base, rule):
    """The moment at which local clocks show a time (nanoseconds after midnight) of a day."""
    local = day * DAY + time
    return local - offset(local - base, base, rule)


@kernel
def local_day(ts, start, base, rule):
    """(day, from, to): the local day of a moment, and the moments at which it and the next one begin.

    A day begins at `start`, nanoseconds after its midnight; before it if negative.
    """
    day = (ts + offset(ts, base, rule) - start) // DAY
    first, last = instant(day, start, base, rule), instant(day + 1, start, base, rule)
    if ts < first:  # clocks were set back over the start of the day
        return day - 1, instant(day - 1, start, base, rule), first
    if ts >= last:
        return day + 1, last, instant(day + 2, start, base, rule)
    return day, first, last
