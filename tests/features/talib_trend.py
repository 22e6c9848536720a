"""TA-Lib's columns and ours: trend."""

from quantlib.features.trend.adaptive import kama
from quantlib.features.trend.candles import heikin_ashi
from quantlib.features.trend.convergence import macd, ppo, trix
from quantlib.features.trend.exponential import dema, ema, rma, t3, tema
from quantlib.features.trend.hull import hma
from quantlib.features.trend.means import sma, vwma
from quantlib.features.trend.regression import linearreg, linearreg_slope
from quantlib.features.trend.reversal import sar
from quantlib.features.trend.supertrend import supertrend, supertrend_side
from quantlib.features.trend.weighted import trima, wma

TREND = {
    "SMA_20": (sma(20), "sma"),
    "VWMA_20": (vwma(20), "vwma"),
    "WMA_20": (wma(20), "wma"),
    "TRIMA_20": (trima(20), "trima"),
    "HMA_20": (hma(20), "hma"),
    "LINEARREG_20": (linearreg(20), "linearreg"),
    "EMA_20": (ema(20), "ema"),
    "RMA_14": (rma(14), "rma"),
    "DEMA_20": (dema(20), "dema"),
    "TEMA_20": (tema(20), "tema"),
    "T3_5": (t3(5), "t3"),
    "KAMA_10": (kama(10), "kama"),
    "MACD": (macd(), "macd"),
    "MACD_signal": (macd(), "macd_signal"),
    "MACD_hist": (macd(), "macd_histogram"),
    "PPO_12_26": (ppo(12, 26), "ppo"),
    "TRIX_15": (trix(15), "trix"),
    "SAR": (sar(), "sar"),
    "SUPERTREND_0": (supertrend(10, 3.0), "supertrend"),
    "SUPERTREND_1": (supertrend_side(10, 3.0), "supertrend_side"),
    "HA_0": (heikin_ashi(), "ha_open"),
    "HA_1": (heikin_ashi(), "ha_high"),
    "HA_2": (heikin_ashi(), "ha_low"),
    "HA_3": (heikin_ashi(), "ha_close"),
    "LINEARREG_SLOPE_20": (linearreg_slope(20), "linearreg_slope"),
}

# The reference's running sums are off by up to 2.4e-12 and do not come back to 0 where prices stand; ours is exact.
DRIFTED = {"LINEARREG_SLOPE_20": 5e-12}
