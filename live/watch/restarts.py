"""When a runner that ended is started again: decided from how it ended, and how often that happened lately."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

DONE, FATAL, AGAIN = "done", "fatal", "again"
TOLD = 2  # exit code of an error that only a person can cure: it was told in one line
STOPPED = (0, 130, -2, -15)  # a clean end, Ctrl-C, and the signals by which somebody stops it


class Patience(NamedTuple):
    """How long is waited before a start, and when no more are made; seconds.

    first, most      the wait after one death, doubled for each further one up to `most`
    deaths, within   so many deaths within so long are a crash loop
    """

    first: float = 1.0
    most: float = 60.0
    deaths: int = 6
    within: float = 900.0


def verdict(code: int | None) -> str:
    """What an end means: DONE, FATAL or AGAIN.  Minus a signal's number if one killed it; None if nobody knows."""
    if code in STOPPED:
        return DONE
    return FATAL if code == TOLD else AGAIN


def wait(deaths: Sequence[float], now: float, patience: Patience) -> float | None:
    """Seconds until the next start; None in a crash loop.

    Args:
        deaths: when the runner died, the last one included, seconds of any clock.
        now: on the same clock.
        patience: as above.
    """
    lately = [death for death in deaths if now - death <= patience.within]
    if len(lately) >= patience.deaths:
        return None
    return min(patience.most, patience.first * 2.0 ** max(0, len(lately) - 1))
