"""Sets that come with the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from quantlib import catalog
from quantlib.core import nearest
from quantlib.sets.feature_set import FeatureSet

Chosen = str | tuple[str, Mapping[str, Any]]  # a name of the catalog, alone or with parameters

CLASSIC: tuple[Chosen, ...] = (
    # where the price has been, and where it is going
    "sma",
    ("sma", {"n": 50, "out": "sma_50"}),
    "wma",
    "hma",
    "ema",
    ("ema", {"n": 50, "out": "ema_50"}),
    "dema",
    "tema",
    "t3",
    "kama",
    "linearreg_slope",
    "macd",
    "ppo",
    "trix",
    "sar",
    "supertrend",
    "heikin_ashi",
    "ichimoku",
    # how fast it moves
    "rsi",
    ("rsi", {"n": 2, "out": "rsi_2"}),
    "stochastic",
    "stochastic_rsi",
    "williams_r",
    "cci",
    "mfi",
    "ultimate_oscillator",
    "cmo",
    "tsi",
    "roc",
    "mom",
    "bop",
    "adx",
    "plus_di",
    "minus_di",
    "aroon_oscillator",
    "vortex",
    # how far it swings
    "true_range",
    "atr",
    "natr",
    "bollinger",
    "bandwidth",
    "percent_b",
    "donchian",
    "keltner",
    "stddev",
    "zscore",
    "skew",
    "kurtosis",
    # returns and their volatility
    "log_return",
    ("log_return", {"n": 5, "out": "log_return_5"}),
    ("log_return", {"n": 20, "out": "log_return_20"}),
    "drawdown",
    "realised_volatility",
    "ewma_volatility",
    "yang_zhang",
    "garch",
    # volume
    "obv",
    "cmf",
    "relative_volume",
    "zscore_vwap",
)
MICROSTRUCTURE: tuple[Chosen, ...] = (
    "cvd",
    "taker_ratio",
    "vpin",
    "kyle_lambda",
    "tick_imbalance",
    "rolling_vwap",
    "spread",
    "spread_zscore",
    "microprice",
    "ofi",
    "imbalance",
    "depth_change",
    "ofi_levels",
)


def of_catalog(name: str, chosen: Sequence[Chosen]) -> FeatureSet:
    """A set of features of the catalog, each by its name, or by its name and parameters.

    Raises:
        ValueError: if the catalog has no such name or parameter, or features do not fit each other.
    """
    pairs = [(one, {}) if isinstance(one, str) else one for one in chosen]
    return FeatureSet(name, tuple(catalog.feature(one, **params) for one, params in pairs))


def classic_60() -> FeatureSet:
    """Sixty features of bars: open, high, low, close and volume are all they read."""
    return of_catalog("classic_60", CLASSIC)


def microstructure() -> FeatureSet:
    """Order flow from trades, quotes and books of five levels: each clock's features run on its rows."""
    return of_catalog("microstructure", MICROSTRUCTURE)


SETS: Mapping[str, Callable[[], FeatureSet]] = MappingProxyType(
    {"classic_60": classic_60, "microstructure": microstructure}
)


def named(name: str) -> FeatureSet:
    """The set of that name.

    Raises:
        ValueError: if there is no such name.
    """
    if name not in SETS:
        raise ValueError(f"sets: no set {name!r}; there are {list(SETS)}.{nearest(name, SETS)}")
    return SETS[name]()
