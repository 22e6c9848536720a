"""Where the price has been, and where it is going."""

from quantlib.catalog.entry import Entry
from quantlib.features.trend.adaptive import kama
from quantlib.features.trend.candles import heikin_ashi
from quantlib.features.trend.cloud import ichimoku, ichimoku_cloud
from quantlib.features.trend.convergence import apo, macd, ppo, trix
from quantlib.features.trend.exponential import dema, ema, rma, t3, tema
from quantlib.features.trend.hull import hma
from quantlib.features.trend.means import sma, vwma
from quantlib.features.trend.regression import linearreg, linearreg_angle, linearreg_intercept, linearreg_slope, tsf
from quantlib.features.trend.reversal import sar
from quantlib.features.trend.supertrend import supertrend, supertrend_side
from quantlib.features.trend.weighted import trima, wma

TREND = {
    "sma": Entry(sma, {"n": 7}),
    "vwma": Entry(vwma, {"n": 7}),
    "wma": Entry(wma, {"n": 7}),
    "trima": Entry(trima, {"n": 7}),
    "hma": Entry(hma, {"n": 9}),
    "linearreg": Entry(linearreg, {"n": 7}),
    "linearreg_slope": Entry(linearreg_slope, {"n": 7}),
    "linearreg_angle": Entry(linearreg_angle, {"n": 7}),
    "linearreg_intercept": Entry(linearreg_intercept, {"n": 7}),
    "tsf": Entry(tsf, {"n": 7}),
    "ema": Entry(ema, {"n": 4}),
    "rma": Entry(rma, {"n": 3}),
    "dema": Entry(dema, {"n": 3}),
    "tema": Entry(tema, {"n": 2}),
    "t3": Entry(t3, {"n": 2}),
    "kama": Entry(kama, {"n": 4, "fast": 1, "slow": 3}),
    "macd": Entry(macd, {"fast": 2, "slow": 4, "signal": 3}),
    "apo": Entry(apo, {"fast": 2, "slow": 4}),
    "ppo": Entry(ppo, {"fast": 2, "slow": 4}),
    "trix": Entry(trix, {"n": 2}),
    "sar": Entry(sar, {}),
    "supertrend": Entry(supertrend, {"n": 3, "width": 1.5}),
    "supertrend_side": Entry(supertrend_side, {"n": 3, "width": 1.5}),
    "heikin_ashi": Entry(heikin_ashi, {}),
    "ichimoku": Entry(ichimoku, {"fast": 2, "base": 4, "slow": 7}),
    "ichimoku_cloud": Entry(ichimoku_cloud, {"fast": 2, "base": 4, "slow": 7, "ahead": 3}),
}
