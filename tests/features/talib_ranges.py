"""TA-Lib's columns and ours: ranges."""

from quantlib.features.ranges.bands import bollinger
from quantlib.features.ranges.channels import donchian, keltner
from quantlib.features.ranges.reach import atr, natr, true_range

RANGES = {
    "TRANGE": (true_range(), "true_range"),
    "ATR_14": (atr(14), "atr"),
    "NATR_14": (natr(14), "natr"),
    "BB_upper_20_2": (bollinger(20), "bollinger_upper"),
    "BB_mid_20_2": (bollinger(20), "bollinger_middle"),
    "BB_lower_20_2": (bollinger(20), "bollinger_lower"),
    "DONCHIAN_20_0": (donchian(20), "donchian_upper"),
    "DONCHIAN_20_1": (donchian(20), "donchian_middle"),
    "DONCHIAN_20_2": (donchian(20), "donchian_lower"),
    "KC_0": (keltner(20, 2.0, ranges=10), "keltner_upper"),
    "KC_1": (keltner(20, 2.0, ranges=10), "keltner_middle"),
    "KC_2": (keltner(20, 2.0, ranges=10), "keltner_lower"),
}
