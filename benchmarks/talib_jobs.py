"""What TA-Lib does too: each of its functions beside the feature of the catalog that gives the same numbers.

Read by this project and, as a plain file beside it, by `peer_talib.py`, which runs where only TA-Lib is installed.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Job(NamedTuple):
    """One function of TA-Lib and its arguments, which are also the feature's."""

    function: str
    columns: tuple[str, ...]
    parameters: dict[str, Any]
    feature: str
    ours: dict[str, Any]


CLOSE, HLC, HL, HLCV = ("close",), ("high", "low", "close"), ("high", "low"), ("high", "low", "close", "volume")
BAR, OHLC = ("open", "high", "low", "close", "volume"), ("open", "high", "low", "close")
JOBS = {
    job.feature: job
    for job in (
        Job("SMA", CLOSE, {"timeperiod": 20}, "sma", {"n": 20}),
        Job("EMA", CLOSE, {"timeperiod": 20}, "ema", {"n": 20}),
        Job("WMA", CLOSE, {"timeperiod": 20}, "wma", {"n": 20}),
        Job("DEMA", CLOSE, {"timeperiod": 20}, "dema", {"n": 20}),
        Job("TEMA", CLOSE, {"timeperiod": 20}, "tema", {"n": 20}),
        Job("KAMA", CLOSE, {"timeperiod": 10}, "kama", {"n": 10}),
        Job("T3", CLOSE, {"timeperiod": 5}, "t3", {"n": 5}),
        Job("TRIMA", CLOSE, {"timeperiod": 20}, "trima", {"n": 20}),
        Job("MACD", CLOSE, {}, "macd", {}),
        Job("PPO", CLOSE, {"matype": 1}, "ppo", {}),
        Job("APO", CLOSE, {"matype": 1}, "apo", {}),
        Job("TRIX", CLOSE, {"timeperiod": 15}, "trix", {"n": 15}),
        Job("LINEARREG", CLOSE, {"timeperiod": 20}, "linearreg", {"n": 20}),
        Job("LINEARREG_SLOPE", CLOSE, {"timeperiod": 20}, "linearreg_slope", {"n": 20}),
        Job("LINEARREG_ANGLE", CLOSE, {"timeperiod": 20}, "linearreg_angle", {"n": 20}),
        Job("LINEARREG_INTERCEPT", CLOSE, {"timeperiod": 20}, "linearreg_intercept", {"n": 20}),
        Job("TSF", CLOSE, {"timeperiod": 20}, "tsf", {"n": 20}),
        Job("SAR", HL, {}, "sar", {}),
        Job("RSI", CLOSE, {"timeperiod": 14}, "rsi", {"n": 14}),
        Job("CMO", CLOSE, {"timeperiod": 14}, "cmo", {"n": 14}),
        Job("ROC", CLOSE, {"timeperiod": 10}, "roc", {"n": 10}),
        Job("ROCP", CLOSE, {"timeperiod": 10}, "rocp", {"n": 10}),
        Job("ROCR", CLOSE, {"timeperiod": 10}, "rocr", {"n": 10}),
        Job("MOM", CLOSE, {"timeperiod": 10}, "mom", {"n": 10}),
        Job("PLUS_DM", HL, {"timeperiod": 14}, "plus_dm", {"n": 14}),
        Job("MINUS_DM", HL, {"timeperiod": 14}, "minus_dm", {"n": 14}),
        Job("PLUS_DI", HLC, {"timeperiod": 14}, "plus_di", {"n": 14}),
        Job("MINUS_DI", HLC, {"timeperiod": 14}, "minus_di", {"n": 14}),
        Job("DX", HLC, {"timeperiod": 14}, "dx", {"n": 14}),
        Job("ADX", HLC, {"timeperiod": 14}, "adx", {"n": 14}),
        Job("ADXR", HLC, {"timeperiod": 14}, "adxr", {"n": 14}),
        Job("STOCH", HLC, {"fastk_period": 14, "slowk_period": 3, "slowd_period": 3}, "stochastic", {}),
        Job("STOCHF", HLC, {"fastk_period": 14, "fastd_period": 3}, "stochastic_fast", {}),
        Job("STOCHRSI", CLOSE, {}, "stochastic_rsi", {}),
        Job("WILLR", HLC, {"timeperiod": 14}, "williams_r", {"n": 14}),
        Job("CCI", HLC, {"timeperiod": 20}, "cci", {"n": 20}),
        Job("MFI", HLCV, {"timeperiod": 14}, "mfi", {"n": 14}),
        Job("AROON", HL, {"timeperiod": 14}, "aroon", {"n": 14}),
        Job("AROONOSC", HL, {"timeperiod": 14}, "aroon_oscillator", {"n": 14}),
        Job("ULTOSC", HLC, {}, "ultimate_oscillator", {}),
        Job("BOP", OHLC, {}, "bop", {}),
        Job("TRANGE", HLC, {}, "true_range", {}),
        Job("ATR", HLC, {"timeperiod": 14}, "atr", {"n": 14}),
        Job("NATR", HLC, {"timeperiod": 14}, "natr", {"n": 14}),
        Job("BBANDS", CLOSE, {"timeperiod": 20}, "bollinger", {"n": 20}),
        Job("STDDEV", CLOSE, {"timeperiod": 20}, "stddev", {"n": 20}),
        Job("VAR", CLOSE, {"timeperiod": 20}, "var", {"n": 20}),
        Job("MAX", CLOSE, {"timeperiod": 20}, "rolling_max", {"n": 20}),
        Job("MIN", CLOSE, {"timeperiod": 20}, "rolling_min", {"n": 20}),
        Job("SUM", CLOSE, {"timeperiod": 20}, "rolling_sum", {"n": 20}),
        Job("CORREL", ("close", "open"), {"timeperiod": 60}, "correl", {"n": 60, "value": "close", "other": "open"}),
        Job("BETA", ("open", "close"), {"timeperiod": 60}, "beta", {"n": 60, "price": "close", "market": "open"}),
        Job("OBV", ("close", "volume"), {}, "obv", {}),
        Job("AD", HLCV, {}, "ad", {}),
        Job("ADOSC", HLCV, {}, "adosc", {}),
    )
}
