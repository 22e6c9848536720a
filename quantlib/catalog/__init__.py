"""Every feature and signal by name.  What joins this table faces the laws.

catalog.feature("rsi", n=21)      catalog.names()
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from quantlib.catalog.book import BOOK
from quantlib.catalog.calendar import CALENDAR
from quantlib.catalog.cross import CROSS
from quantlib.catalog.entry import Entry
from quantlib.catalog.flow import FLOW
from quantlib.catalog.liquidity import LIQUIDITY
from quantlib.catalog.models import MODELS
from quantlib.catalog.momentum import MOMENTUM
from quantlib.catalog.profile import PROFILE
from quantlib.catalog.quotes import QUOTES
from quantlib.catalog.ranges import RANGES
from quantlib.catalog.returns import RETURNS
from quantlib.catalog.signals import SIGNALS
from quantlib.catalog.statistics import STATISTICS
from quantlib.catalog.trend import TREND
from quantlib.catalog.volatility import VOLATILITY
from quantlib.catalog.volume import VOLUME
from quantlib.core import Feature, nearest

FAMILIES: Mapping[str, Mapping[str, Entry]] = MappingProxyType(
    {
        "trend": TREND,
        "momentum": MOMENTUM,
        "ranges": RANGES,
        "statistics": STATISTICS,
        "returns": RETURNS,
        "volatility": VOLATILITY,
        "volume": VOLUME,
        "liquidity": LIQUIDITY,
        "calendar": CALENDAR,
        "flow": FLOW,
        "profile": PROFILE,
        "quotes": QUOTES,
        "book": BOOK,
        "models": MODELS,
        "cross": CROSS,
        "signals": SIGNALS,
    }
)
CATALOG: Mapping[str, Entry] = MappingProxyType({n: e for family in FAMILIES.values() for n, e in family.items()})


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
