"""Features: each factory gives a value that holds a resumable loop."""

from quantlib.features.book.depth import depth_change, imbalance
from quantlib.features.book.iceberg import hidden_liquidity
from quantlib.features.book.l2 import l2_delta
from quantlib.features.book.ofi import ofi, ofi_levels
from quantlib.features.book.spoofing import spoofing
from quantlib.features.book.vacuum import vacuum
from quantlib.features.calendar.holidays import new_york_closed, new_york_early
from quantlib.features.calendar.hours import Hours
from quantlib.features.calendar.sessions import (
    day_of_week,
    days_until,
    distance_to_event,
    minute_of_session,
    time_to_close,
)
from quantlib.features.cross.benchmark import benchmark_beta, of_symbol
from quantlib.features.cross.section import cross_zscore, rank, winsorised, winsorised_mad
from quantlib.features.cross.sector import sector_correlation, sector_neutral
from quantlib.features.cross.strength import cross_strength
from quantlib.features.flow.cvd_events import cvd_events
from quantlib.features.flow.imbalance_bars import dollar_imbalance_bars, tick_imbalance_bars, volume_imbalance_bars
from quantlib.features.flow.impact import kyle_lambda, tick_imbalance
from quantlib.features.flow.realised_spread import realised_spread, realised_spread_time
from quantlib.features.flow.sampled_bars import dollar_bars, tick_bars, time_bars, volume_bars
from quantlib.features.flow.taker_totals import taker_totals
from quantlib.features.flow.takers import cvd, taker_ratio, taker_ratio_time
from quantlib.features.flow.volume_ratio import volume_ratio
from quantlib.features.flow.vpin import bulk_vpin, vpin
from quantlib.features.liquidity.bar_spreads import amihud, corwin_schultz, roll_spread
from quantlib.features.liquidity.edge import edge
from quantlib.features.models.garch import fit_garch, garch
from quantlib.features.models.kalman import hedge_ratio, local_level, local_trend
from quantlib.features.models.kalman_fit import fit_hedge, fit_local_level, fit_local_trend
from quantlib.features.models.refit import refitted
from quantlib.features.momentum.aroon import aroon, aroon_oscillator
from quantlib.features.momentum.change import mom, roc, rocp, rocr
from quantlib.features.momentum.directional import minus_di, minus_dm, plus_di, plus_dm
from quantlib.features.momentum.directional_index import adx, adxr, dx
from quantlib.features.momentum.one_sided import cmo, rsi, tsi
from quantlib.features.momentum.oscillators import bop, cci, mfi
from quantlib.features.momentum.stochastic import stochastic, stochastic_fast, stochastic_rsi, williams_r
from quantlib.features.momentum.ultimate import ultimate_oscillator
from quantlib.features.momentum.vortex import vortex
from quantlib.features.profile.rolling_profile import rolling_profile
from quantlib.features.profile.session_profile import volume_profile
from quantlib.features.profile.vwaps import anchored_vwap, multi_vwap, rolling_vwap, session_vwap
from quantlib.features.quotes.spreads import effective_spread, spread_zscore
from quantlib.features.quotes.stoikov import fit_stoikov, stoikov_microprice
from quantlib.features.quotes.touch import microprice, spread
from quantlib.features.ranges.bands import bandwidth, bollinger, percent_b
from quantlib.features.ranges.channels import donchian, keltner, rolling_max, rolling_min
from quantlib.features.ranges.reach import atr, natr, true_range
from quantlib.features.ranges.squeeze import volatility_state
from quantlib.features.returns.changes import (
    log_price,
    log_return,
    price_ratio,
    price_to_mean,
    relative_strength,
    simple_return,
)
from quantlib.features.returns.dependence import autocorrelation
from quantlib.features.returns.drawdown import drawdown, rolling_drawdown
from quantlib.features.returns.entropy import permutation_entropy, sign_entropy
from quantlib.features.returns.fractional import fractional_difference
from quantlib.features.returns.gaps import gap, gap_fill
from quantlib.features.returns.hurst import hurst
from quantlib.features.statistics.moments import rolling_sum, stddev, var, zscore
from quantlib.features.statistics.quantiles import median, percentile, percentrank
from quantlib.features.statistics.relation import beta, correl
from quantlib.features.statistics.shape import kurtosis, skew
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
from quantlib.features.volatility.range_volatility import garman_klass, parkinson, rogers_satchell, yang_zhang
from quantlib.features.volatility.return_volatility import annual_volatility, ewma_volatility, realised_volatility
from quantlib.features.volume.accumulation import ad, adosc, cmf, obv
from quantlib.features.volume.relative_volume import relative_volume, volume_zscore
from quantlib.features.volume.vwap import typical_price, vwap
from quantlib.features.volume.zscore_vwap import zscore_vwap

__all__ = [
    "Hours",
    "ad",
    "adosc",
    "adx",
    "adxr",
    "amihud",
    "anchored_vwap",
    "annual_volatility",
    "apo",
    "aroon",
    "aroon_oscillator",
    "atr",
    "autocorrelation",
    "bandwidth",
    "benchmark_beta",
    "beta",
    "bollinger",
    "bop",
    "bulk_vpin",
    "cci",
    "cmf",
    "cmo",
    "correl",
    "corwin_schultz",
    "cross_strength",
    "cross_zscore",
    "cvd",
    "cvd_events",
    "day_of_week",
    "days_until",
    "dema",
    "depth_change",
    "distance_to_event",
    "dollar_bars",
    "dollar_imbalance_bars",
    "donchian",
    "drawdown",
    "dx",
    "edge",
    "effective_spread",
    "ema",
    "ewma_volatility",
    "fit_garch",
    "fit_hedge",
    "fit_local_level",
    "fit_local_trend",
    "fit_stoikov",
    "fractional_difference",
    "gap",
    "gap_fill",
    "garch",
    "garman_klass",
    "hedge_ratio",
    "heikin_ashi",
    "hidden_liquidity",
    "hma",
    "hurst",
    "ichimoku",
    "ichimoku_cloud",
    "imbalance",
    "kama",
    "keltner",
    "kurtosis",
    "kyle_lambda",
    "l2_delta",
    "linearreg",
    "linearreg_angle",
    "linearreg_intercept",
    "linearreg_slope",
    "local_level",
    "local_trend",
    "log_price",
    "log_return",
    "macd",
    "median",
    "mfi",
    "microprice",
    "minus_di",
    "minus_dm",
    "minute_of_session",
    "mom",
    "multi_vwap",
    "natr",
    "new_york_closed",
    "new_york_early",
    "obv",
    "of_symbol",
    "ofi",
    "ofi_levels",
    "parkinson",
    "percent_b",
    "percentile",
    "percentrank",
    "permutation_entropy",
    "plus_di",
    "plus_dm",
    "ppo",
    "price_ratio",
    "price_to_mean",
    "rank",
    "realised_spread",
    "realised_spread_time",
    "realised_volatility",
    "refitted",
    "relative_strength",
    "relative_volume",
    "rma",
    "roc",
    "rocp",
    "rocr",
    "rogers_satchell",
    "roll_spread",
    "rolling_drawdown",
    "rolling_max",
    "rolling_min",
    "rolling_profile",
    "rolling_sum",
    "rolling_vwap",
    "rsi",
    "sar",
    "sector_correlation",
    "sector_neutral",
    "session_vwap",
    "sign_entropy",
    "simple_return",
    "skew",
    "sma",
    "spoofing",
    "spread",
    "spread_zscore",
    "stddev",
    "stochastic",
    "stochastic_fast",
    "stochastic_rsi",
    "stoikov_microprice",
    "supertrend",
    "supertrend_side",
    "t3",
    "taker_ratio",
    "taker_ratio_time",
    "taker_totals",
    "tema",
    "tick_bars",
    "tick_imbalance",
    "tick_imbalance_bars",
    "time_bars",
    "time_to_close",
    "trima",
    "trix",
    "true_range",
    "tsf",
    "tsi",
    "typical_price",
    "ultimate_oscillator",
    "vacuum",
    "var",
    "volatility_state",
    "volume_bars",
    "volume_imbalance_bars",
    "volume_profile",
    "volume_ratio",
    "volume_zscore",
    "vortex",
    "vpin",
    "vwap",
    "vwma",
    "williams_r",
    "winsorised",
    "winsorised_mad",
    "wma",
    "yang_zhang",
    "zscore",
    "zscore_vwap",
]
