"""Volume against what is usual at this time of day."""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.flow.clockwork import SECOND, nanoseconds
from quantlib.features.rows import FOREVER, known_clock, number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.civil import DAY
from quantlib.kernels.ordered import insert, remove
from quantlib.kernels.ring import window

MOST_CELLS = 4096  # of a day, so that the profile of a symbol stays below 100 kB


class TimeOfDay(NamedTuple):
    width: int  # of a cell, ns
    cells: int  # of a day
    days: int  # that a profile remembers
    least: int  # days that a cell must have been seen before it may tell an anomaly
    threshold: float  # standard deviations at which it does
    n: int  # complete cells that a percentile is among


@kernel
def _volume_ratio(p, memory, symbol, ts, size, ratio, volume, mean, deviation, zscore, percentile, event):
    i = 0
    while i < size.size:
        code = symbol[i]
        m = memory[code]
        seen, cell, total, usual, wide, below = m.seen, m.cell, m.total, m.usual, m.wide, m.below
        while i < size.size and symbol[i] == code:
            ratio[i] = volume[i] = mean[i] = deviation[i] = zscore[i] = percentile[i] = event[i] = nan
            if not isnan(size[i]):
                now = ts[i] // p.width
                if seen == 0 or now != cell:
                    if seen > 0:
                        _learn(p, m, cell % p.cells, total, usual)
                    usual, wide = m.means[now % p.cells], sqrt(m.variances[now % p.cells])
                    seen, cell, total, below = 1, now, 0.0, 0
                    m.told = 0.0 if m.days[now % p.cells] >= p.least else 1.0
                total += size[i]
                ratio[i] = total / usual if usual > 0.0 else 1.0
                volume[i], mean[i], deviation[i] = total, usual, wide
                zscore[i] = (total - usual) / wide if wide > 0.0 else 0.0
                while below < m.known and m.ordered[below] <= ratio[i]:
                    below += 1
                percentile[i] = below / m.known if m.known > 0 else 0.5
                event[i] = 1.0 if zscore[i] >= p.threshold and m.told == 0.0 else 0.0
                m.told += event[i]
            i += 1
        m.seen, m.cell, m.total, m.usual, m.wide, m.below = seen, cell, total, usual, wide, below


@block
def _learn(p, m, slot, total, usual):
    """A complete cell joins the profile of its time of day, and its ratio those that percentiles are among."""
    days = min(m.days[slot] + 1.0, float(p.days))
    away = total - usual
    m.means[slot] = usual + away / days
    m.variances[slot] = (1.0 - 1.0 / days) * (m.variances[slot] + away * away / days)
    m.days[slot] = days
    if usual > 0.0:
        mask = m.ratios.size - 1
        at = m.at
        if m.known == p.n:
            remove(m.ordered, p.n, m.ratios[(at - p.n) & mask])
            m.known = p.n - 1
        m.ratios[at & mask] = total / usual
        insert(m.ordered, m.known, total / usual)
        m.known += 1
        m.at = at + 1


def volume_ratio(
    seconds: float = 60.0,
    days: int = 20,
    n: int = 500,
    threshold: float = 3.0,
    *,
    least: int = 5,
    day: float = DAY / SECOND,
    size: str = "size",
    out: str = "volume_ratio",
    clock: str = "trade",
) -> Feature:
    """Volume of the running cell of time against the mean of that time of day on the days before.

    r = v / μ,  z = (v - μ) / σ,  v the volume of the cell so far, μ and σ those of whole cells at its time of day

    Time is cut into cells at the multiples of their width since 1970, so a day is one of UTC.  When a cell is over it
    joins the profile of its time of day: μ += w (v - μ),  σ^2 = (1 - w) (σ^2 + w (v - μ)^2),  w = 1 / k for the k-th
    day up to `days`, then 1 / days: plain mean and variance at first, exponential ones later.  Cells in which nothing
    traded are not learned, so a profile says what is usual on days that trade.

    v only grows while its cell lasts.  Early in a cell r and z are low, and an anomaly is told at the very trade that
    makes it one, once a cell.  That a cell is unusually quiet cannot be known before it is over, so no event says it.
    Squares of volumes must be float64 numbers: σ is finite for volumes of a cell up to 1e150.

    Args:
        seconds: width of a cell; it divides a day into at most 4096.
        days: days that a profile remembers, at least 1.
        n: complete cells that the percentile is among, at least 1.
        threshold: standard deviations at which volume is an anomaly, positive.
        least: days on which a time of day must have traded before it tells an anomaly, at least 1.
        day: seconds after which times of day repeat.
        size: column read. (rows,) float64, shares, contracts or coins, not negative, or NaN.  It reads `ts` too.
        out: columns written, (rows,) float64, finite from the first row: `out` r, 1 while this time of day was never
            seen; `out_volume` v, `out_mean` μ and `out_deviation` σ in the unit of size, 0 while unknown; `out_zscore`
            z, 0 where σ is; `out_percentile` the share of the last n complete cells whose ratio was not above r, 0.5
            while there are none; `out_event` 1 at the trade that lifts z to the threshold, else 0.
        clock: the rows it runs on; of bars, `size` is their volume.

    Raises:
        ValueError: if a count, span or threshold is out of range, or cells do not fill a day.

    Source: volume by time of day as benchmark: J. Białkowski, S. Darolles, G. Le Fol, Improving VWAP strategies: a
        dynamic volume approach, J. Bank. Finance 32, 2008; the recursion of mean and variance: D. H. D. West, Updating
        mean and variance estimates, Commun. ACM 22, 1979.
    Differs: they split volume into a common and a specific part; here each symbol has its own profile.
    """
    width, whole = nanoseconds("volume_ratio", "seconds", seconds), nanoseconds("volume_ratio", "day", day)
    if whole % width or whole // width > MOST_CELLS:
        raise ValueError(f"volume_ratio: seconds must divide a day into at most {MOST_CELLS} cells, got {seconds}")
    if not number("volume_ratio", "threshold", threshold) > 0.0:
        raise ValueError(f"volume_ratio: threshold must be positive, got {threshold}")
    counts = {"days": days, "least": least, "n": n}
    days, least, n = (row_count("volume_ratio", name, value) for name, value in counts.items())
    if least > days:
        raise ValueError(f"volume_ratio: least must be at most days, got least={least} and days={days}")
    cells = whole // width
    profile = window(cells, "means", "variances", "days")[:-1]
    numbers = [(name, "f8") for name in ("total", "usual", "wide", "told")]
    counters = [(name, "i8") for name in ("seen", "cell", "below", "known", "at")]
    blank = np.zeros((), [*counters, *numbers, *profile, *window(n, "ratios", "ordered")[:-1]])
    params = TimeOfDay(width, cells, days, least, threshold, n)
    names = ("volume", "mean", "deviation", "zscore", "percentile", "event")
    outputs = (out, *(f"{out}_{name}" for name in names))
    return Feature(_volume_ratio, params, blank, ("ts", size), outputs, 0, FOREVER, known_clock("volume_ratio", clock))
