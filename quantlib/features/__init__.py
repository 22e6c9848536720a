"""Features: each factory gives a value that holds a resumable loop."""

from quantlib.features.book import depth_change, imbalance
from quantlib.features.convergence import macd
from quantlib.features.cross import rank
from quantlib.features.exponential import ema
from quantlib.features.flow import cvd, taker_ratio
from quantlib.features.means import sma
from quantlib.features.momentum import rsi
from quantlib.features.quotes import microprice, spread
from quantlib.features.ranges import atr, bollinger
from quantlib.features.volatility import realised_volatility
from quantlib.features.volume import zscore_vwap

__all__ = [
    "atr",
    "bollinger",
    "cvd",
    "depth_change",
    "ema",
    "imbalance",
    "macd",
    "microprice",
    "rank",
    "realised_volatility",
    "rsi",
    "sma",
    "spread",
    "taker_ratio",
    "zscore_vwap",
]
