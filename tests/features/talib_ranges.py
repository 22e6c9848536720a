"""TA-Lib's columns and ours: ranges."""

from quantlib.features.ranges import atr, bollinger, natr, true_range

RANGES = {
    "TRANGE": (true_range(), "true_range"),
    "ATR_14": (atr(14), "atr"),
    "NATR_14": (natr(14), "natr"),
    "BB_upper_20_2": (bollinger(20), "bollinger_upper"),
    "BB_mid_20_2": (bollinger(20), "bollinger_middle"),
    "BB_lower_20_2": (bollinger(20), "bollinger_lower"),
}
