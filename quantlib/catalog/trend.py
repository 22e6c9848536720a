"""Where the price has been, and where it is going."""

from quantlib.catalog.entry import Entry
from quantlib.features.trend import ema, macd, sma

TREND = {
    "sma": Entry(sma, {"n": 7}),
    "ema": Entry(ema, {"n": 4}),
    "macd": Entry(macd, {"fast": 2, "slow": 4, "signal": 3}),
}
