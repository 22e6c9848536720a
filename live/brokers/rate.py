"""How many calls of the broker's minute are left, and who may have them: orders before queries."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from numpy.typing import NDArray

from quantlib.desk.messages import CANCEL, ENTRY, REPLACE

PER_MINUTE = 200  # Alpaca's limit of trading calls
KEPT = 40  # of them that no query may have
LONGEST = 60.0  # seconds that the broker's word on its own clock is taken for
ACCOUNT = "account"


class Budget:
    """Calls left of the minute: as we count them, and as the broker does.

    Args:
        limit: calls in a moving window.
        kept: of them for orders alone.
        clock: seconds since the epoch, the clock that the broker's headers speak of.
    """

    def __init__(
        self, limit: RateLimitItem | None = None, kept: int = KEPT, clock: Callable[[], float] = time.time
    ) -> None:
        self.limit = limit or RateLimitItemPerMinute(PER_MINUTE)
        self.kept, self.clock = kept, clock
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._lock = Lock()
        self._told = -1  # calls left, by the broker's headers
        self._closed_until = 0.0

    @property
    def remaining(self) -> int:
        """Calls left, by the stricter of both counts."""
        ours = int(self._window.get_window_stats(self.limit, ACCOUNT).remaining)
        return ours if self._told < 0 else min(ours, self._told)

    def take(self, order: bool) -> float:
        """Have one call: 0.0, or the seconds to wait before asking again."""
        with self._lock:
            now = self.clock()
            if now < self._closed_until:
                return self._closed_until - now
            stats = self._window.get_window_stats(self.limit, ACCOUNT)
            if not order and stats.remaining <= self.kept:
                return max(0.05, (stats.reset_time - now) / max(1, self.kept))
            if self._window.hit(self.limit, ACCOUNT):
                return 0.0
            return max(0.05, stats.reset_time - now)

    def told(self, remaining: int, reset: float) -> None:
        """What the broker's headers say: calls left, and when its minute ends, seconds since the epoch."""
        with self._lock:
            self._told = remaining
            if remaining <= 0:
                self._closed_until = min(max(reset, self.clock() + 0.1), self.clock() + LONGEST)


def ranked(commands: NDArray[Any], notional: NDArray[np.float64]) -> list[int]:
    """The order in which commands go out where there is no room for all of them at once.

    Cancels free what exits need, exits before changes, changes before entries, entries by their size; those of one
    rank as the desk gave them.
    """
    cancels, replaces = commands["kind"] == CANCEL, commands["kind"] == REPLACE
    entries = (commands["leg"] == ENTRY) & ~cancels & ~replaces
    rank = np.select([cancels, replaces, entries], [0, 2, 3], 1)
    size = np.where(entries, -notional, 0.0)
    return [int(i) for i in np.lexsort((np.arange(len(commands)), size, rank))]


def notional(commands: NDArray[Any], unit: NDArray[np.float64], per_tick: NDArray[np.float64]) -> NDArray[np.float64]:
    """What orders come to, roughly: at their own prices, at what they held before, or by their lots alone.

    Args:
        unit, per_tick: of each command's symbol.
    """
    ticks = np.maximum.reduce([commands[name] for name in ("limit", "stop", "stop_leg", "target_leg")])
    value: NDArray[np.float64] = commands["lots"] * unit * np.where(ticks > 0, ticks / per_tick, 1.0)
    return value
