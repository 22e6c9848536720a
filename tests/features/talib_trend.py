"""TA-Lib's columns and ours: trend."""

from quantlib.features.trend import ema, macd, sma

TREND = {
    "SMA_20": (sma(20), "sma"),
    "EMA_20": (ema(20), "ema"),
    "MACD": (macd(), "macd"),
    "MACD_signal": (macd(), "macd_signal"),
    "MACD_hist": (macd(), "macd_histogram"),
}
