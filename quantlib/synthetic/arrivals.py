"""When orders arrive: each draws others after it, and the rate is high at the open and the close."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MICRO = 1_000_000  # ticks of the clock in a second: no two orders arrive in one


def season(at: NDArray[np.float64], session: float, depth: float) -> NDArray[np.float64]:
    """Activity over the session: a parabola whose mean is 1, from 1 + 2/3 depth at both ends to 1 - depth / 3 at noon.

    Args:
        at: (n,) float64, seconds since the first open.
        session: seconds from open to close; the next session follows at once.
        depth: 0 (none) to 3 (nothing happens at noon).
    """
    x = 2.0 * np.mod(at, session) / session - 1.0
    return 1.0 + depth * (x * x - 1.0 / 3.0)


def hawkes(
    rng: Any, seconds: float, *, rate: float, branching: float, decay: float, session: float, depth: float
) -> NDArray[np.int64]:
    """Arrival times of a self-exciting process with an exponential kernel, whole microseconds, all different.

    intensity(t) = (1 - branching) rate season(t) + sum over earlier s of branching decay exp(-decay (t - s))

    It is drawn by its families: what comes unprovoked, then the children of each, then theirs, until nobody has any.

    Args:
        rng: numpy Generator; it is drawn from.
        seconds: from 0 to here.
        rate: mean arrivals per second.
        branching: children per arrival, in [0, 1).
        decay: per second; a child follows 1 / decay seconds later on average.
        session, depth: of `season`.

    Source: A. G. Hawkes, D. Oakes, A cluster process representation of a self-exciting process, J. Appl. Probab. 11,
        1974; P. A. W. Lewis, G. S. Shedler, Simulation of nonhomogeneous Poisson processes by thinning, Nav. Res.
        Logist. Q. 26, 1979 (the season).
    """
    most = 1.0 + depth * 2.0 / 3.0
    tried = np.sort(rng.random(rng.poisson((1.0 - branching) * rate * most * seconds)) * seconds)
    born = tried[rng.random(len(tried)) * most < season(tried, session, depth)]
    families = [born]
    while len(born):
        born = np.repeat(born, rng.poisson(branching, len(born)))
        born = born + rng.exponential(1.0 / decay, len(born))
        born = born[born < seconds]
        families.append(born)
    return distinct(np.sort(np.concatenate(families)))


def distinct(at: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sorted seconds as whole microseconds, each later than the one before."""
    rank = np.arange(len(at))
    return np.maximum.accumulate((at * MICRO).astype(np.int64) - rank) + rank
