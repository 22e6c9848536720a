"""How far a row ranges, the gap from the row before included."""

from quantlib.jit import block


@block
def true_range(high, low, last):
    """The largest of high - low, |high - last| and |low - last|, `last` the close before."""
    return max(high - low, abs(high - last), abs(low - last))
