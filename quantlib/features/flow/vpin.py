"""How one-sided volume is, counted in buckets of equal volume: VPIN."""

from math import inf, isnan, nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, known_clock, number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.cdf import normal_cdf, student_cdf
from quantlib.kernels.ring import window as rings
from quantlib.kernels.score import FINE, grid_for, on_grid, score, scores, spread
from quantlib.kernels.sums import window_sum


class Buckets(NamedTuple):
    bucket: float  # volume of one
    n: int  # buckets in the average
    window: int  # averages that one is compared with
    threshold: float  # standard deviations at which one is told
    changes: int  # price changes whose deviation scales one; for the bulk classification
    freedom: float  # degrees of freedom of Student's t, infinite for the normal


@kernel
def _vpin(p, memory, symbol, size, side, average, zscore, buckets, event):
    for i in range(size.size):
        average[i] = zscore[i] = buckets[i] = event[i] = nan
        if not isnan(size[i] + side[i]):
            m = memory[symbol[i]]
            event[i] = _filled(p, m, size[i], side[i])
            average[i], zscore[i], buckets[i] = m.average, m.score, m.buckets


@kernel
def _bulk_vpin(p, memory, symbol, price, size, bought, average, zscore, buckets, event):
    for i in range(size.size):
        bought[i] = average[i] = zscore[i] = buckets[i] = event[i] = nan
        if not isnan(price[i] + size[i]):
            m = memory[symbol[i]]
            bought[i] = 0.5
            if m.rows > 0:
                bought[i] = _bought(p, m, price[i] - m.price)
            m.price = price[i]
            m.rows += 1
            event[i] = _filled(p, m, size[i], 2.0 * bought[i] - 1.0)
            average[i], zscore[i], buckets[i] = m.average, m.score, m.buckets


@block
def _bought(p, m, change):
    """The share of a row's volume that buyers took, judged by how far the price went."""
    m.grid = grid_for(change, m.grid)
    _, variance = spread(m.change, m.rows - 1, p.changes, on_grid(change, m.grid))
    count = float(min(m.rows, p.changes))
    if change == 0.0 or not variance > 0.0:
        return 0.5 if change == 0.0 else 1.0 if change > 0.0 else 0.0
    z = change / sqrt(variance * count / (count - 1.0))
    return normal_cdf(z) if p.freedom == inf else student_cdf(z, p.freedom)


@block
def _filled(p, m, volume, tilt):
    """The event of a row, whose volume (bought less sold is `tilt` of it) has been put into buckets."""
    space = p.bucket - m.held
    if volume < space:
        m.held += volume
        m.tilted += volume * tilt
        return 0.0
    _close(p, m, abs(m.tilted + space * tilt))
    rest = volume - space
    held = rest % p.bucket
    whole = np.floor((rest - held) / p.bucket + 0.5)  # buckets that this row fills alone
    for _ in range(int(min(whole, float(p.n + p.window)))):  # more of one kind change no number any more
        _close(p, m, p.bucket * abs(tilt))
    m.buckets += 1.0 + whole
    m.held, m.tilted = held, held * tilt
    beyond = 1.0 if m.score >= p.threshold else -1.0 if m.score <= -p.threshold else 0.0
    event = beyond if beyond != m.beyond else 0.0
    m.beyond = beyond
    return event


@kernel
def _close(p, m, imbalance):
    m.total, m.rest, m.unit, total = window_sum(
        m.total, m.rest, m.unit, m.imbalances, m.parts, m.closed, p.n, imbalance
    )
    m.average = total / (p.bucket * min(m.closed + 1, p.n))
    m.score = score(m.z, m.closed, p.window, on_grid(m.average, FINE))
    m.closed += 1


def vpin(
    bucket: float = 1000.0,
    n: int = 50,
    window: int = 250,
    threshold: float = 2.0,
    *,
    size: str = "size",
    side: str = "side",
    out: str = "vpin",
    clock: str = "trade",
) -> Feature:
    """Volume-synchronised probability of informed trading, from the aggressors' sides.

    VPIN = sum |B - S| / (n V), the sum over the last n complete buckets of volume V = B + S

    Volume is poured into buckets of equal size; a trade that spans buckets is split between them.

    Args:
        bucket: volume V of one, in the unit of size, positive and finite. The source takes a fiftieth of a day's.
        n: buckets in the average, at least 1.
        window: averages, one a bucket, in the window of the z-score, at least 2.
        threshold: standard deviations at which an average is told, positive.
        size: column read. (rows,) float64, shares, contracts or coins, not negative, or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 for half and
            half, or NaN; a row missing either is missing.
        out: columns written, (rows,) float64, finite from the first row, as of the last complete bucket: `out` VPIN, 0
            to 1, of the buckets there are while they are fewer than n and 0 before the first; `out_zscore` its z-score
            among the last `window` of them (of those there are while fewer), 0 where they do not differ; `out_buckets`
            how many are complete; `out_event` 1 at the row that takes z to the threshold or above, -1 at the one that
            takes it to minus that or below, else 0.
        clock: the rows it runs on.

    A row that fills more than n + window buckets alone is counted as if it filled so many: no later number differs.
    Any number of trades may fit into a bucket, so no number of rows is its horizon.

    Raises:
        ValueError: if an argument is out of range.

    Source: D. Easley, M. López de Prado, M. O'Hara, Flow toxicity and liquidity in a high-frequency world, Rev. Financ.
        Stud. 25, 2012, sec. 1.2 and algorithm in the appendix.
    Differs: they classify in bulk (`bulk_vpin`); with the true side nothing has to be guessed.
    """
    params = _checked("vpin", bucket, n, window, threshold, 2, inf)
    blank = np.zeros((), _fields(params))
    return Feature(_vpin, params, blank, (size, side), _outputs(out), 0, FOREVER, known_clock("vpin", clock))


def bulk_vpin(
    bucket: float = 1_000_000.0,
    n: int = 50,
    window: int = 250,
    threshold: float = 2.0,
    *,
    changes: int = 500,
    freedom: float = inf,
    price: str = "close",
    size: str = "volume",
    out: str = "bulk_vpin",
    clock: str = "bar",
) -> Feature:
    """Volume-synchronised probability of informed trading, where nobody says who the aggressor was.

    B = v F((p - p') / σ),  S = v - B,  then VPIN as in `vpin`

    p' is the price of the row before, σ the sample deviation of the last `changes` price changes, this one included, F
    the distribution function of the normal or of Student's t.  An unchanged price is half bought; one that changed is
    all bought or all sold while σ is 0.

    Args:
        bucket: volume of one, in the unit of size, positive and finite.
        n: buckets in the average, at least 1.
        window: averages, one a bucket, in the window of the z-score, at least 2.
        threshold: standard deviations at which an average is told, positive.
        changes: price changes in σ, at least 2.
        freedom: degrees of freedom of Student's t, positive; infinite for the normal.
        price: column read. (rows,) float64, any unit, or NaN.
        size: column read, volume of the row. (rows,) float64, not negative, or NaN; a row missing either is missing.
        out: columns written as by `vpin`, and `out_bought`, the share of the row's volume that was bought.
        clock: the rows it runs on: bars as in the source, or trades.

    Raises:
        ValueError: if an argument is out of range.

    Source: D. Easley, M. López de Prado, M. O'Hara, Flow toxicity and liquidity in a high-frequency world, Rev. Financ.
        Stud. 25, 2012, eq. 7 (normal); the same, Discerning information from trade data, J. Financ. Econ. 120, 2016
        (Student's t with 0.25 degrees of freedom).
    Differs: their σ is that of a whole sample, which live trading does not know yet.
    """
    if not number("bulk_vpin", "freedom", freedom) > 0.0:
        raise ValueError(f"bulk_vpin: freedom must be positive, got {freedom}")
    params = _checked("bulk_vpin", bucket, n, window, threshold, changes, float(freedom))
    fields = [("price", "f8"), ("grid", "f8"), ("rows", "i8"), ("change", scores(params.changes)), *_fields(params)]
    outputs = (f"{out}_bought", *_outputs(out))
    return Feature(
        _bulk_vpin, params, np.zeros((), fields), (price, size), outputs, 0, FOREVER, known_clock("bulk_vpin", clock)
    )


def _checked(who: str, bucket: float, n: int, window: int, threshold: float, changes: int, freedom: float) -> Buckets:
    if not 0.0 < number(who, "bucket", bucket) < inf:
        raise ValueError(f"{who}: bucket must be positive and finite, got {bucket}")
    if not number(who, "threshold", threshold) > 0.0:
        raise ValueError(f"{who}: threshold must be positive, got {threshold}")
    counts = row_count(who, "n", n), row_count(who, "window", window, 2)
    return Buckets(bucket, *counts, threshold, row_count(who, "changes", changes, 2), freedom)


def _fields(p: Buckets) -> list[Any]:
    numbers = ("held", "tilted", "buckets", "beyond", "total", "rest", "unit", "average", "score")
    return [
        ("closed", "i8"),
        *((name, "f8") for name in numbers),
        *rings(p.n, "imbalances"),
        ("z", scores(p.window)),
    ]


def _outputs(out: str) -> tuple[str, ...]:
    return (out, *(f"{out}_{name}" for name in ("zscore", "buckets", "event")))
