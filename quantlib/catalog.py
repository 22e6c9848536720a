"""Every feature and signal by name.  What joins this table faces the laws.

catalog.feature("rsi", n=21)      catalog.names()
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from quantlib import features, signals
from quantlib.core import Feature, nearest


class Entry(NamedTuple):
    """A factory, and parameters that let a tape of a few hundred rows go beyond its horizon."""

    factory: Callable[..., Feature]
    short: Mapping[str, Any]


CATALOG: Mapping[str, Entry] = MappingProxyType(
    {
        "sma": Entry(features.sma, {"n": 7}),
        "ema": Entry(features.ema, {"n": 4}),
        "macd": Entry(features.macd, {"fast": 2, "slow": 4, "signal": 3}),
        "rsi": Entry(features.rsi, {"n": 3}),
        "atr": Entry(features.atr, {"n": 3}),
        "bollinger": Entry(features.bollinger, {"n": 7}),
        "zscore_vwap": Entry(features.zscore_vwap, {"n": 7}),
        "realised_volatility": Entry(features.realised_volatility, {"n": 7}),
        "cvd": Entry(features.cvd, {}),
        "taker_ratio": Entry(features.taker_ratio, {"n": 7}),
        "spread": Entry(features.spread, {}),
        "microprice": Entry(features.microprice, {}),
        "imbalance": Entry(features.imbalance, {"levels": 3}),
        "depth_change": Entry(features.depth_change, {"levels": 3}),
        "rank": Entry(features.rank, {}),
        "crossover": Entry(signals.crossover, {}),
        "cross_event": Entry(signals.cross_event, {}),
        "reversion": Entry(signals.reversion, {}),
    }
)


def names() -> tuple[str, ...]:
    """The names of all features and signals."""
    return tuple(CATALOG)


def feature(name: str, **params: Any) -> Feature:
    """The feature or signal of that name.

    Args:
        name: one of `names()`.
        params: what its factory takes; nothing for its defaults.

    Raises:
        ValueError: if there is no such name or parameter, or the factory refuses the value.
    """
    factory = _entry(name).factory
    known = inspect.signature(factory).parameters
    for given in params:
        if given not in known:
            raise ValueError(f"{name}: no parameter {given!r}; it takes {list(known)}.{nearest(given, known)}")
    return factory(**params)


def short(name: str) -> Feature:
    """The feature of that name with so short a memory that a few hundred rows go beyond its horizon.

    Raises:
        ValueError: if there is no such name.
    """
    entry = _entry(name)
    return entry.factory(**entry.short)


def _entry(name: str) -> Entry:
    if name not in CATALOG:
        raise ValueError(f"catalog: no feature {name!r}; there are {len(CATALOG)}.{nearest(name, CATALOG)}")
    return CATALOG[name]
