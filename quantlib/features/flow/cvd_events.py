"""When one side has overdone it: stretches of the cumulative volume delta, and their ends."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.exact import two_sum
from quantlib.kernels.ring import window as rings
from quantlib.kernels.score import grid_for, on_grid, score, scores
from quantlib.kernels.sums import window_sum


class Stretch(NamedTuple):
    n: int  # trades that a change spans
    window: int  # changes that one is compared with
    enter: float  # standard deviations at which a stretch begins
    leave: float  # at which it ends, counted in its direction


@kernel
def _cvd_events(p, memory, symbol, size, side, level, delta, zscore, event, extreme):
    i = 0
    while i < size.size:
        code = symbol[i]
        m = memory[code]
        seen, total, rest, change, change_low, unit = m.seen, m.total, m.rest, m.change, m.change_low, m.unit
        grid = m.grid
        while i < size.size and symbol[i] == code:
            level[i] = delta[i] = zscore[i] = event[i] = extreme[i] = nan
            x = size[i] * side[i]
            if not isnan(x):
                total, error = two_sum(total, x)
                rest += error
                change, change_low, unit, d = window_sum(change, change_low, unit, m.taken, m.parts, seen, p.n, x)
                seen += 1
                if seen >= p.n:
                    grid = grid_for(d, grid)
                    z = score(m.z, seen - p.n, p.window, on_grid(d, grid))
                    if seen >= p.n + p.window - 1:
                        event[i], extreme[i] = _turned(m, z, p.enter, p.leave)
                        level[i], delta[i], zscore[i] = total + rest, d, z
            i += 1
        m.seen, m.total, m.rest, m.change, m.change_low, m.unit = seen, total, rest, change, change_low, unit
        m.grid = grid


@block
def _turned(m, z, enter, leave):
    """(event, extreme) of a row, after which the record knows the stretch that goes on."""
    event, extreme = 0.0, m.extreme
    if m.stretch != 0.0 and m.stretch * z <= leave:
        event = -m.stretch
        m.stretch = m.extreme = 0.0
    if m.stretch == 0.0 and abs(z) >= enter:
        m.stretch = 1.0 if z > 0.0 else -1.0
        m.extreme = z
    elif m.stretch * z > m.stretch * m.extreme:
        m.extreme = z
    return event, extreme if event != 0.0 else m.extreme


def cvd_events(
    n: int = 100,
    window: int = 1000,
    enter: float = 2.0,
    leave: float = 0.0,
    *,
    size: str = "size",
    side: str = "side",
    out: str = "cvd",
) -> Feature:
    """Cumulative volume delta, and the rows at which its runs turn.

    d[t] = cvd[t] - cvd[t-n],  z[t] = (d[t] - mean) / σ, mean and σ those of the last `window` changes, d[t] included

    A stretch of buyers begins when z is at least `enter`, one of sellers when z is at most -enter.  It ends at the
    first row where z, counted in the direction of the stretch, is at most `leave`: that row is an event.  The same row
    may begin the opposite stretch.  With leave = -enter a stretch only ends where the opposite one begins.

    Args:
        n: trades that a change spans, at least 1.
        window: changes that one is compared with, at least 2.
        enter: standard deviations at which a stretch begins, positive and finite.
        leave: where it ends, from -enter to below enter; 0 is the mean itself.
        size: column read. (rows,) float64, shares, contracts or coins, not negative, or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN;
            a row missing either is missing.
        out: columns written, (rows,) float64, NaN for the first n + window - 2 trades of a symbol: `out` the delta
            since the first trade and `out_delta` its change d, in the unit of size; `out_zscore` z, 0 where changes do
            not differ; `out_event` 1 where a stretch of sellers ends, -1 where one of buyers does, else 0;
            `out_extreme` the z farthest out in the stretch that goes on, or that ends here, 0 outside.

    It forgets nothing: the level depends on where the rows began, and a stretch may be as old as it likes.

    Raises:
        ValueError: if a count of rows or a threshold is out of range.

    Source: the thresholds are those of E. Gatev, W. Goetzmann, K. G. Rouwenhorst, Pairs trading, Rev. Financ. Stud. 19,
        2006, sec. 2 (open beyond two standard deviations, close where prices cross), put to volume delta.
    Differs: mean and deviation move with the rows; theirs are those of a formation period.
    """
    n, window = row_count("cvd_events", "n", n), row_count("cvd_events", "window", window, 2)
    if not 0.0 < number("cvd_events", "enter", enter) < float("inf"):
        raise ValueError(f"cvd_events: enter must be positive and finite, got {enter}")
    if not -enter <= number("cvd_events", "leave", leave) < enter:
        raise ValueError(f"cvd_events: leave must be from -enter to below enter, got {leave} with enter={enter}")
    numbers = ("total", "rest", "change", "change_low", "unit", "grid", "stretch", "extreme")
    fields = [("seen", "i8"), *((name, "f8") for name in numbers), *rings(n, "taken"), ("z", scores(window))]
    outputs = (out, *(f"{out}_{name}" for name in ("delta", "zscore", "event", "extreme")))
    params = Stretch(n, window, enter, leave)
    return Feature(
        _cvd_events, params, np.zeros((), fields), (size, side), outputs, n + window - 2, FOREVER, clock="trade"
    )
