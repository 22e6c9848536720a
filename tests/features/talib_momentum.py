"""TA-Lib's columns and ours: momentum."""

from quantlib.features.momentum import rsi

MOMENTUM = {
    "RSI_14": (rsi(14), "rsi"),
}
