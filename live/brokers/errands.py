"""What is to be tried again, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from live.brokers.tracked import Tracked, Wire

SEND, LOOK_UP, DELETE, AMEND = "send", "look up", "cancel", "replace"
SHORT, LONG = 0.25, 4.0  # seconds between two attempts


@dataclass(slots=True, eq=False)
class Errand:
    """Something that is to be tried again."""

    kind: str
    order: Tracked
    wire: Wire | None  # at the broker, where it is about one
    command: Any  # of a replacement
    since: float  # seconds of the clock
    due: float
    pause: float = SHORT


class Errands:
    """All errands, in the order in which they were first tried."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._waiting: list[Errand] = []
        self._running: list[Errand] = []
        self._lock = Lock()

    def again(
        self, kind: str, order: Tracked, wire: Wire | None = None, before: Errand | None = None, *,
        after: float = 0.0, command: Any = None,
    ) -> None:  # fmt: skip
        """Try, or try again what was tried before; each time after a longer pause, or after the seconds given."""
        now = self.clock()
        tried = before if before is not None and before.kind == kind else None
        errand = Errand(kind, order, wire, command, tried.since if tried else now, now)
        if tried is not None:
            errand.pause = min(LONG, tried.pause * 2)
        first = kind == LOOK_UP and tried is None  # it may have arrived by now
        errand.due = now + (after or (0.0 if first else errand.pause))
        with self._lock:
            self._waiting.append(errand)

    def due(self, most: int) -> list[Errand]:
        """So many at most of what is to be tried now, the first; they are waiting no longer."""
        now = self.clock()
        with self._lock:
            self._running = [one for one in self._waiting if one.due <= now][:most]
            running = {id(one) for one in self._running}
            self._waiting = [one for one in self._waiting if id(one) not in running]
            return list(self._running)

    def done(self, errand: Errand) -> None:
        """An errand was tried; what is left of it waits again by now."""
        with self._lock:
            self._running = [one for one in self._running if one is not errand]

    def drop(self, kind: str, order: Tracked) -> bool:
        """Forget what waits to be tried; whether there was anything."""
        with self._lock:
            kept = [one for one in self._waiting if one.kind != kind or one.order is not order]
            dropped = len(kept) < len(self._waiting)
            self._waiting = kept
            return dropped

    def about(self) -> set[int]:
        """Ids of the orders that they are about."""
        with self._lock:
            return {one.order.id for one in (*self._waiting, *self._running)}

    def count(self, kind: str) -> int:
        """How many there are of a kind."""
        with self._lock:
            return sum(one.kind == kind for one in (*self._waiting, *self._running))
