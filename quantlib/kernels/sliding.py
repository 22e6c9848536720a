"""Sliding sums that are exact and cheap: what left a window is forgotten to the last bit, whatever it was.

Every value is cut at one place, `unit`, into a high and a low part.  The high parts are whole multiples of a unit u and
the low parts of a far smaller one, and both are so few bits long that their sums have no rounding at all: `high + low`
is the exact sum, rounded once by that addition.  So a row costs two additions to what is carried on, in place of the
dozen that a pair of doubles needs, and the answer depends on the window alone.

    high, low = slide(high, low, unit, room, ring, seen, n, x)
    seen += 1
    if isnan(low):  # x does not fit the unit: seldom, and at the first row, where unit is NaN
        high, low, unit = gather(ring, m.parts, seen, n, room)
    mean = (high + low) / n

`gather` chooses the unit anew for the values in the ring.  Where none fits them all (they differ by more than 2^43, for
windows of up to 32 values) it sums them by `exact.ring_sum`, and the next row comes back to it.

Bounds, for room >= n a power of two and unit = 1.5 2^52 u: |x| <= unit / room, so the high parts' sum stays below
2^53 u; low parts are at most u / 2 and multiples of v = u room / 2^54, so their sum is at most 2^53 v.

Source: J. Demmel, H. D. Nguyen, Fast reproducible floating-point summation, 21st IEEE Symposium on Computer Arithmetic,
2013, whose bins these are; S. M. Rump, T. Ogita, S. Oishi, Accurate floating-point summation, part I, SIAM J. Sci.
Comput. 31, 2008, sec. 3 (the cut).
"""

from math import frexp, isnan, ldexp, nan

from quantlib.jit import block, kernel
from quantlib.kernels.exact import ring_sum

ULP = 2.0**-54  # of unit and room: what low parts are multiples of


@kernel
def room_for(n):
    """The least power of two that is at least n and at least 4: how much room a sum of n values needs."""
    room = 4.0
    while room < n:
        room *= 2.0
    return room


@block
def slide(high, low, unit, room, ring, seen, n, new):
    """Put a value into a ring that holds `seen`: (high, low) of the last n, this one included; low is NaN if it does
    not fit the unit.
    """
    old = ring[(seen - n) & (ring.size - 1)]
    ring[seen & (ring.size - 1)] = new
    top = (new + unit) - unit
    old_top = (old + unit) - unit
    bottom = new - top
    fine = unit * (room * ULP)
    fits = (abs(new) * room <= unit) & ((bottom + fine) - fine == bottom)
    return high + (top - old_top), low + (bottom - (old - old_top)) if fits else nan


@kernel
def gather(ring, parts, seen, n, room):
    """(high, low, unit) of the last n of `seen` values in a ring, summed anew; unit is NaN if no unit fits them all.

    `parts` is room for n + 3 numbers to work in.
    """
    most = 0.0
    for j in range(max(0, seen - n), seen):
        most = max(most, abs(ring[j & (ring.size - 1)]))
    _, bits = frexp(room)  # 1 + log2
    for spare in ((52 - 2 * (bits - 1)) // 4, 0):
        high, low, unit = _cut_sums(ring, seen, n, room, most, spare)
        if not isnan(unit):
            return high, low, unit
    high, low, _ = ring_sum(ring, parts, seen, n)
    return (
        high,
        low - low * 2.0**-52 if high + low != high else low,
        nan,
    )  # `high` was rounded with all the rest in view


@kernel
def _cut_sums(ring, seen, n, room, most, spare):
    """(high, low, unit) of values up to `most`, the unit chosen so that ones larger by 2^spare fit too; NaN if the
    smallest do not fit.
    """
    _, above = frexp(most) if most > 0.0 else (0.0, 0)
    _, bits = frexp(room)
    unit = ldexp(1.5, above + bits - 1 + spare)
    fine = unit * (room * ULP)
    high = low = 0.0
    fits = most * room <= unit < 2.0**1000
    for j in range(max(0, seen - n), seen):
        x = ring[j & (ring.size - 1)]
        top = (x + unit) - unit
        bottom = x - top
        fits &= (bottom + fine) - fine == bottom
        high += top
        low += bottom
    return high, low, unit if fits else nan
