"""The best bid and ask: how far apart, and where between them the price leans."""

from math import isnan, nan

from quantlib.core import Feature
from quantlib.features.rows import Nothing
from quantlib.jit import kernel
from quantlib.kernels.ring import NOTHING


@kernel
def _spread(p, memory, symbol, bid, ask, spread, fraction):
    for i in range(bid.size):
        spread[i] = ask[i] - bid[i] if not isnan(bid[i] + ask[i]) else nan
        fraction[i] = 2.0 * spread[i] / (ask[i] + bid[i]) if not isnan(spread[i]) else nan


@kernel
def _microprice(p, memory, symbol, bid, ask, bid_size, ask_size, price):
    for i in range(bid.size):
        price[i] = nan
        size = bid_size[i] + ask_size[i]
        if not isnan(bid[i] + ask[i] + size):
            lean = bid_size[i] / size if size > 0.0 else 0.5
            price[i] = bid[i] + lean * (ask[i] - bid[i])


def spread(*, bid: str = "bid", ask: str = "ask", out: str = "spread") -> Feature:
    """Quoted spread.

    spread = ask - bid,  fraction = spread / mid,  mid = (bid + ask) / 2

    Args:
        bid, ask: columns read. (rows,) float64, one unit, positive or NaN; a row missing either is missing.
        out: columns written: `out` in the unit of price, `out_fraction` a fraction of mid. (rows,) float64.

    Source: J. Hasbrouck, Empirical Market Microstructure, 2007.
    """
    return Feature(_spread, Nothing(), NOTHING, (bid, ask), (out, f"{out}_fraction"), 0, 0, clock="quote")


def microprice(
    *,
    bid: str = "bid",
    ask: str = "ask",
    bid_size: str = "bid_size",
    ask_size: str = "ask_size",
    out: str = "microprice",
) -> Feature:
    """Mid price weighted by the sizes across: it leans to the side where less is offered.

    m = (bid ask_size + ask bid_size) / (bid_size + ask_size); the mid where both sizes are 0.

    Args:
        bid, ask: columns read. (rows,) float64, one unit, positive or NaN.
        bid_size, ask_size: columns read. (rows,) float64, not negative, or NaN; a row missing any of these is missing.
        out: column written. (rows,) float64, in the unit of price.

    Source: J. Gatheral, R. Oomen, Zero-intelligence realized variance estimation, Finance Stoch. 14, 2010.
    Differs: S. Stoikov, The micro-price, Quant. Finance 18, 2018, calls this the weighted mid and adjusts it further.
    """
    return Feature(_microprice, Nothing(), NOTHING, (bid, ask, bid_size, ask_size), (out,), 0, 0, clock="quote")
