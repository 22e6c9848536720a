"""What a histogram of seconds says of a while: the difference of two looks at it, and its quantiles."""

from __future__ import annotations

from math import inf, nan

from live.pulse import BOUNDS, Histogram


def since(before: Histogram, now: Histogram) -> Histogram:
    """What came between two looks; all of `now` if the histogram began anew.  `longest` is that of all."""
    if now.number < before.number:
        return now
    counts = tuple(n - b for n, b in zip(now.counts, before.counts, strict=True))
    return Histogram(counts, now.number - before.number, now.seconds - before.seconds, now.longest)


def slower(one: Histogram, seconds: float) -> float:
    """The fraction that took longer than `seconds`, which is taken up to the next of `live.pulse.BOUNDS`; 0 of none."""
    within = next((n for bound, n in zip(BOUNDS, one.counts, strict=True) if bound >= seconds), one.number)
    return 1.0 - within / one.number if one.number else 0.0


def quantile(one: Histogram, q: float) -> float:
    """The seconds within which a fraction `q` was done, straight between two bounds; NaN of none.

    Above the last bound nothing is known but the longest.
    """
    if not one.number:
        return nan
    wanted, low, below = q * one.number, 0.0, 0
    for bound, count in zip((*BOUNDS, inf), (*one.counts, one.number), strict=True):
        if count >= wanted and count > below:
            high = min(bound, one.longest)
            return max(low, low + (high - low) * (wanted - below) / (count - below))
        low, below = bound, count
    return one.longest
