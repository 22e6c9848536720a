"""Copies are made by a thread for each store, so that nothing on the way from a row to an order waits for them.

What is offered while one is being made waits; something newer takes its place.  A store that fails is told once, left
alone for a while after a few failures in a row, and told again when it is back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Condition, Thread

import pybreaker

from live.errors import LiveError
from live.keeping import Keeping
from live.seal import Key
from live.stores import lineage
from live.stores.shelf import Saved, Shelf

log = logging.getLogger(__name__)

GAP = 1.0  # seconds between two copies, however much is offered
FAILURES, REST = 3, 30.0  # failures in a row after which a store is left alone, and seconds for which it is
PATIENCE = 10.0  # seconds that the end of a session waits for the last copy


class Copier:
    """The thread of one shelf.

    Args:
        shelf: what is written to.
        journal: the session's file.
        key: what heads are sealed with.
        gap, failures, rest: as the constants say.
    """

    def __init__(
        self, shelf: Shelf, journal: Path, key: Key | None = None, *, gap: float = GAP, failures: int = FAILURES,
        rest: float = REST,
    ) -> None:  # fmt: skip
        self.shelf, self._journal, self._key, self._gap = shelf, journal, key, gap
        self._breaker = pybreaker.CircuitBreaker(failures, rest, throw_new_error_on_trip=False)
        self._change = Condition()
        self._waiting: Saved | None = None
        self._kept: Saved | None = None
        self._closing = self._failing = False
        self._incidents: list[str] = []
        self._thread = Thread(target=self._run, name=f"copies to {shelf.store.name}", daemon=True)
        self._thread.start()

    @property
    def kept(self) -> Saved | None:
        """What the store holds of what was offered here."""
        return self._kept

    def offer(self, saved: Saved) -> None:
        """Have it copied, instead of what still waits; never waits itself."""
        with self._change:
            self._waiting = saved
            self._change.notify()

    def incidents(self) -> list[str]:
        """What went wrong, or is right again, since this was last asked."""
        with self._change:
            found, self._incidents = self._incidents, []
            return found

    def end(self) -> None:
        """Try what still waits once more, and then no longer."""
        with self._change:
            self._closing = True
            self._change.notify()

    def close(self, patience: float = PATIENCE) -> None:
        """End, and wait for it; a store that hangs is not waited for longer than `patience` seconds."""
        self.end()
        self._thread.join(patience)
        if self._thread.is_alive():
            log.warning("the last copy was not finished", extra={"store": self.shelf.store.name})
        else:
            self.shelf.store.close()

    def _run(self) -> None:
        while (saved := self._next()) is not None:
            done = self._tried(saved)
            with self._change:
                if self._closing and (not done or self._waiting is None):
                    break
                if not done and self._waiting is None:
                    self._waiting = saved
                self._change.wait_for(lambda: self._closing, self._gap)

        if self._failing:
            log.warning("the last copy was not made", extra={"store": self.shelf.store.name})

    def _next(self) -> Saved | None:
        """What is to be copied; None at the end."""
        with self._change:
            self._change.wait_for(lambda: self._waiting is not None or self._closing)
            saved, self._waiting = self._waiting, None
            return saved

    def _tried(self, saved: Saved) -> bool:
        """Copy; whether it was."""
        try:
            self._breaker.call(self.shelf.keep, saved, self._journal, self._key)
        except pybreaker.CircuitBreakerError:
            return False
        except Exception as error:  # the edge of a thread: whatever it is, it is told
            if not self._failing:
                self._tell(f"copies are not made: {error if isinstance(error, LiveError) else repr(error)}")
            self._failing = True
            return False
        self._kept = saved
        if self._failing:
            self._tell(f"copies are made again: {self.shelf.store.name}")
        self._failing = False
        return True

    def _tell(self, text: str) -> None:
        log.warning(text)
        with self._change:
            self._incidents.append(text)


class Copies:
    """All copiers of a session."""

    def __init__(self, copiers: Sequence[Copier] = ()) -> None:
        self.copiers = tuple(copiers)

    def offer(self, saved: Saved) -> None:
        """Have it copied everywhere."""
        for one in self.copiers:
            one.offer(saved)

    def incidents(self) -> list[str]:
        """What went wrong, or is right again, since this was last asked."""
        return [text for one in self.copiers for text in one.incidents()]

    def close(self) -> None:
        """End, all within one patience."""
        until = time.monotonic() + PATIENCE
        for one in self.copiers:
            one.end()
        for one in self.copiers:
            one.close(max(0.0, until - time.monotonic()))


def copying(folder: Path, keeping: Keeping, key: Key | None) -> Copies:
    """Copiers to every store, of the course that the session's files are on."""
    if not keeping.stores:
        return Copies()
    course = lineage.lineage_of(folder) or lineage.begin(folder)
    session = folder.resolve().name
    return Copies([Copier(Shelf(store, session, course), folder / "journal", key) for store in keeping.stores])
