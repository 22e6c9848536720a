"""The average price at which volume traded, told by bars."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, Nothing
from quantlib.jit import kernel
from quantlib.kernels.exact import two_sum
from quantlib.kernels.ring import NOTHING

SUMS = np.zeros((), [(name, "f8") for name in ("paid", "paid_rest", "traded", "traded_rest")])


@kernel
def _typical_price(p, memory, symbol, high, low, close, price):
    for i in range(close.size):
        price[i] = (high[i] + low[i] + close[i]) / 3.0


@kernel
def _vwap(p, memory, symbol, high, low, close, volume, vwap):
    i = 0
    while i < close.size:
        code = symbol[i]
        m = memory[code]
        paid, paid_rest, traded, traded_rest = m.paid, m.paid_rest, m.traded, m.traded_rest
        while i < close.size and symbol[i] == code:
            price = (high[i] + low[i] + close[i]) / 3.0
            vwap[i] = nan
            if not isnan(price + volume[i]):
                paid, error = two_sum(paid, price * volume[i])
                paid_rest += error
                traded, error = two_sum(traded, volume[i])
                traded_rest += error
                total = traded + traded_rest
                vwap[i] = (paid + paid_rest) / total if total > 0.0 else price
            i += 1
        m.paid, m.paid_rest, m.traded, m.traded_rest = paid, paid_rest, traded, traded_rest


def typical_price(*, high: str = "high", low: str = "low", close: str = "close", out: str = "typical_price") -> Feature:
    """Typical price of a bar: (h + l + c) / 3.

    Args:
        high, low, close: columns read. (rows,) float64, one unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN where one of them is.

    Source: TA-Lib, function TYPPRICE.
    """
    return Feature(_typical_price, Nothing(), NOTHING, (high, low, close), (out,), warmup=0, horizon=0)


def vwap(
    *, high: str = "high", low: str = "low", close: str = "close", volume: str = "volume", out: str = "vwap"
) -> Feature:
    """Volume-weighted average price of bars since the first.

    sum(v (h + l + c) / 3) / sum(v); the bar's own price while nothing has traded.

    Of a session it is `typical_price()` and `session_vwap(price="typical_price", volume="volume", clock="bar")`, of the
    last n bars `rolling_vwap`, since an instant `anchored_vwap`, each with the same columns.

    Args:
        high, low, close: columns read. (rows,) float64, one unit, or NaN.
        volume: column read. (rows,) float64, not negative, or NaN; a row missing one of the four is missing.
        out: column written. (rows,) float64, in the unit of price; finite from the first row.

    It forgets nothing: its level depends on where the rows began, and it goes on only from carried memory.

    Source: S. A. Berkowitz, D. E. Logue, E. A. Noser, The total cost of transactions on the NYSE, J. Finance 43, 1988.
    Differs: theirs is of trades; a bar is taken to have traded at its typical price.
    """
    return Feature(_vwap, Nothing(), SUMS, (high, low, close, volume), (out,), warmup=0, horizon=FOREVER)
