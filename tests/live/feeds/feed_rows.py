"""Bars as records, for tests of feeds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.feeds.history import BARS

MINUTE = 60_000_000_000
SECOND = 1_000_000_000
OPEN = 1_719_840_600_000_000_000  # Monday, 1 July 2024, 09:30 in New York


def row(minute: int, symbol: int, close: float = 100.0) -> NDArray[Any]:
    """A bar that ends `minute` minutes after the opening."""
    ts = OPEN + minute * MINUTE
    values = (ts, ts - MINUTE, symbol, close, close + 1.0, close - 1.0, close, 1000.0)
    return np.array([values], BARS)


def rows(*of: tuple[int, int] | tuple[int, int, float]) -> NDArray[Any]:
    """Bars of (minute, symbol[, close])."""
    return np.concatenate([np.empty(0, BARS), *(row(*one) for one in of)])
