"""From rows at any times to days, and from days to months and years.

Performance is measured on days, so that a curve of minutes and a curve of days compare.  A day is a UTC calendar day
and its value is the last one known in it; days without rows do not exist.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

DAY = 86_400_000_000_000  # nanoseconds


def day_ends(ts: NDArray[np.int64]) -> tuple[Days, NDArray[np.int64]]:
    """The UTC days that have rows, and the index of the last row of each.

    Args:
        ts: (rows,) int64, nanoseconds UTC, never decreasing.

    Returns:
        (days,) datetime64[D] and (days,) int64 row numbers; both empty if there are no rows.  Needs memory for days,
        not for rows: borders of days are looked up in `ts`.
    """
    if not ts.size:
        return np.empty(0, "M8[D]"), np.empty(0, np.int64)
    first, last = int(ts[0]) // DAY, int(ts[-1]) // DAY
    days = np.arange(first, last + 1)
    past = np.searchsorted(ts, (days + 1) * DAY)  # the first row after each day
    held = np.diff(past, prepend=0) > 0
    return days[held].astype("M8[D]"), past[held] - 1


def trading_days_per_year(days: Days) -> int:
    """365 if weekends trade, else 252.

    Weekends trade if Saturdays and Sundays each make up at least one day in fourteen, half of their fair share.  Both
    are asked for, because one alone is an artefact of the clock: currency markets open on Sunday evening UTC, and a
    Friday bar that is known at midnight bears Saturday's date.
    """
    if not days.size:
        return 252
    weekday = (days.astype(np.int64) + 3) % 7  # Monday is 0; the epoch was a Thursday
    return 365 if min((weekday == 5).mean(), (weekday == 6).mean()) * 14 >= 1 else 252


def compounded(days: Days, returns: Floats, unit: str) -> tuple[Days, Floats]:
    """Returns of days multiplied up to months or years.

    R = prod(1 + r[t]) - 1 over the days of one month or year.

    Args:
        days: (days,) datetime64[D], increasing.
        returns: (days,) float64, fractions.
        unit: "M" for months, "Y" for years.

    Returns:
        (periods,) datetime64[unit], only those that have days, and (periods,) float64 fractions.  A NaN day makes its
        period NaN.

    Source: Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed., 2008, ch. 2 (chain linking).
    """
    if unit not in ("M", "Y"):
        raise ValueError(f"compounded: unit must be 'M' (months) or 'Y' (years), got {unit!r}")
    periods = days.astype(f"M8[{unit}]")
    if not days.size:
        return periods, np.empty(0)
    starts = np.flatnonzero(np.concatenate(([True], periods[1:] != periods[:-1])))
    return periods[starts], np.multiply.reduceat(1.0 + returns, starts) - 1.0
