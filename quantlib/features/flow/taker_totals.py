"""What aggressors have taken so far, for features of other clocks to hold: a difference of two totals is what was taken
between two of their rows.
"""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, Nothing
from quantlib.jit import kernel
from quantlib.kernels.exact import two_sum

TAKEN = np.zeros((), [(name, "f8") for name in ("buy", "buy_rest", "sell", "sell_rest")])


@kernel
def _taker_totals(p, memory, symbol, size, side, bought, sold):
    i = 0
    while i < size.size:
        code = symbol[i]
        m = memory[code]
        buy, buy_rest, sell, sell_rest = m.buy, m.buy_rest, m.sell, m.sell_rest
        while i < size.size and symbol[i] == code:
            bought[i] = sold[i] = nan
            if not isnan(size[i] + side[i]):
                buy, error = two_sum(buy, size[i] if side[i] > 0.0 else 0.0)
                buy_rest += error
                sell, error = two_sum(sell, size[i] if side[i] < 0.0 else 0.0)
                sell_rest += error
                bought[i], sold[i] = buy + buy_rest, sell + sell_rest
            i += 1
        m.buy, m.buy_rest, m.sell, m.sell_rest = buy, buy_rest, sell, sell_rest


def taker_totals(*, size: str = "size", side: str = "side", bought: str = "bought", sold: str = "sold") -> Feature:
    """What buyers and what sellers have taken since the first trade.

    bought[t] = sum of size[s] over s <= t with side[s] > 0,  sold[t] with side[s] < 0

    Held onto books (`quantlib.held(books, trades, ["bought", "sold"], clocks=("book", "trade"))`) the difference of
    two rows is what was taken from the book between them.

    Args:
        size: column read. (rows,) float64, shares, contracts or coins, not negative, or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN;
            a row missing either is missing.
        bought, sold: columns written. (rows,) float64, in the unit of size; finite from the first trade.  The sums are
            kept in two numbers each, so whole sizes below 2^53 in all give whole totals.

    It forgets nothing: its level depends on where the rows began, and it goes on only from carried memory.

    Source: the sums that `cvd` is the difference of.
    """
    return Feature(_taker_totals, Nothing(), TAKEN, (size, side), (bought, sold), 0, FOREVER, clock="trade")
