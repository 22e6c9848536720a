"""How far the price swings."""

from quantlib.catalog.entry import Entry
from quantlib.features.ranges.bands import bandwidth, bollinger, percent_b
from quantlib.features.ranges.channels import donchian, keltner
from quantlib.features.ranges.reach import atr, natr, true_range
from quantlib.features.ranges.squeeze import volatility_state

RANGES = {
    "true_range": Entry(true_range, {}),
    "atr": Entry(atr, {"n": 3}),
    "natr": Entry(natr, {"n": 3}),
    "bollinger": Entry(bollinger, {"n": 7}),
    "bandwidth": Entry(bandwidth, {"n": 7}),
    "percent_b": Entry(percent_b, {"n": 7}),
    "donchian": Entry(donchian, {"n": 7}),
    "keltner": Entry(keltner, {"n": 4, "ranges": 3}),
    "volatility_state": Entry(volatility_state, {"n": 5, "past": 12}),
}
