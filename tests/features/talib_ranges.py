"""TA-Lib's columns and ours: ranges."""

from quantlib.features.ranges import atr, bollinger

RANGES = {
    "ATR_14": (atr(14), "atr"),
    "BB_upper_20_2": (bollinger(20), "bollinger_upper"),
    "BB_mid_20_2": (bollinger(20), "bollinger_middle"),
    "BB_lower_20_2": (bollinger(20), "bollinger_lower"),
}
