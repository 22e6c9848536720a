"""Volume against that of the rows before."""

from math import isnan, nan

from quantlib.core import Feature
from quantlib.features.rows import Window, row_count
from quantlib.features.statistics.moments import zscore
from quantlib.jit import kernel
from quantlib.kernels.lines import summed
from quantlib.kernels.sliding import gather, room_for, slide


@kernel
def _relative_volume(p, memory, symbol, volume, ratio):
    i = 0
    room = room_for(p.n)
    while i < volume.size:
        code = symbol[i]
        m = memory[code]
        ring, seen, unit, s, s_low = m.ring, m.seen, m.unit, m.s, m.s_low
        while i < volume.size and symbol[i] == code:
            ratio[i] = nan
            if not isnan(volume[i]):
                if seen >= p.n:
                    usual = (s + s_low) / p.n
                    ratio[i] = volume[i] / usual if usual > 0.0 else 1.0
                s, s_low = slide(s, s_low, unit, room, ring, seen, p.n, volume[i])
                seen += 1
                if isnan(s_low):
                    s, s_low, unit = gather(ring, m.parts, seen, p.n, room)
            i += 1
        m.seen, m.unit, m.s, m.s_low = seen, unit, s, s_low


def relative_volume(n: int = 20, *, volume: str = "volume", out: str = "relative_volume") -> Feature:
    """Relative volume (RVOL): volume over the mean of the n rows before.

    v[t] n / (v[t-1] + … + v[t-n]); 1 where nothing traded in them.

    Args:
        n: rows in the mean, at least 1.
        volume: column read. (rows,) float64, not negative, or NaN.
        out: column written. (rows,) float64, not negative, 1 is usual; NaN until the (n+1)-th volume of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: relative volume as charting platforms show it.
    Differs: of the rows just before, not of the same time of earlier days (`volume_ratio` is).
    """
    n = row_count("relative_volume", "n", n)
    return Feature(_relative_volume, Window(n), summed(n, "s", "s_low"), (volume,), (out,), warmup=n, horizon=n)


def volume_zscore(n: int = 20, *, volume: str = "volume", out: str = "volume_zscore") -> Feature:
    """How many standard deviations the volume lies from the mean of the last n rows, this one included.

    (v - mean) / σ; 0 where volumes do not differ.  At most sqrt(n - 1).

    Args:
        n: rows in the window, at least 1.
        volume: column read. (rows,) float64, not negative, or NaN.
        out: column written. (rows,) float64, standard deviations; NaN until the n-th volume of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: the standard score (`zscore`).
    """
    return zscore(row_count("volume_zscore", "n", n), value=volume, out=out)
