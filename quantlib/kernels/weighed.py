"""At which price volume traded over the last n rows, and how far prices lay from it: sums of which no digit is lost.

    m = memory[symbol[i]]   # a record with the fields of weighed_fields(n)
    w, w_low, s, s_low, q, q_low = weighed(m, n, price, volume)   # right once m.seen >= n
    wide = variance(w, w_low, s, s_low, q, q_low)                 # `kernels.moments`

The volume, the money paid (price times volume) and the price times that slide as exact sums, and so does what rounding
lost of the two products.
"""

from quantlib.jit import block
from quantlib.kernels.exact import two_product, two_sum
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum

SUMS = ("w", "s", "t", "q", "r")  # of volume; of price x volume and its error; of price^2 x volume and its error


def weighed_fields(n: int) -> list[tuple[str, str] | tuple[str, str, int]]:
    """Fields of a record that `weighed` works in; all are 0 at first."""
    numbers = [(name + end, "f8") for name in SUMS for end in ("", "_low", "_unit")]
    return [("seen", "i8"), *numbers, *window(n, *(name + "s" for name in SUMS))]


@block
def weighed(m, n, x, v):
    """(w, w_low, s, s_low, q, q_low): sums of v, v x and v x^2 over the last n rows, this one included, as pairs."""
    paid, lost = two_product(x, v)
    square, square_lost = two_product(x, paid)
    square_lost += x * lost
    m.w, m.w_low, m.w_unit, _ = window_sum(m.w, m.w_low, m.w_unit, m.ws, m.parts, m.seen, n, v)
    m.s, m.s_low, m.s_unit, _ = window_sum(m.s, m.s_low, m.s_unit, m.ss, m.parts, m.seen, n, paid)
    m.t, m.t_low, m.t_unit, t = window_sum(m.t, m.t_low, m.t_unit, m.ts, m.parts, m.seen, n, lost)
    m.q, m.q_low, m.q_unit, _ = window_sum(m.q, m.q_low, m.q_unit, m.qs, m.parts, m.seen, n, square)
    m.r, m.r_low, m.r_unit, r = window_sum(m.r, m.r_low, m.r_unit, m.rs, m.parts, m.seen, n, square_lost)
    m.seen += 1
    w, w_low = two_sum(m.w, m.w_low)
    s, s_low = two_sum(m.s, m.s_low)
    q, q_low = two_sum(m.q, m.q_low)
    return w, w_low, s, s_low + t, q, q_low + r
