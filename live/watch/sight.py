"""Sight: what watchdogs judge by, gathered from the session's files, the machine, and the broker's clock."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from live.control.machine import machine, usage
from live.errors import FeedError, StateError
from live.keys import Keys
from live.pulse import Pulse, felt
from live.watch.child import Child
from live.watch.hours import SECOND, open_since
from live.watch.ping import TIMEOUT, Ping, ping
from live.watch.watchdogs import Look

LOG = logging.getLogger("live.supervisor")
PLAYED = ("replay", "demo", "rehearsal")  # kinds of session whose market has no hours
WHILE = 60 * SECOND  # over which it is judged what happened lately


class Sight:
    """Looks at one session."""

    def __init__(self, folder: Path, clock: Callable[[], int], hours: Callable[[int], int | None] = open_since) -> None:
        """`hours` says since when the market is open, None while it is not."""
        self.folder, self.clock, self.hours = folder, clock, hours
        self.ping: Ping | None = None
        self._before: Pulse | None = None
        self._last: Pulse | None = None

    def look(self, child: Child | None) -> Look:
        """All that is seen now."""
        now, pulse = self.clock(), self._felt()
        used = usage(child.pid) if child is not None else None
        self._keep(pulse)
        seen = Look(
            now, pulse=pulse, before=self._before, open_since=self._open(pulse, now), machine=machine(self.folder),
            ping=self.ping,
        )  # fmt: skip
        if child is None:
            return seen
        return seen._replace(pid=child.pid, started=child.started, memory=used.memory if used is not None else 0)

    def _felt(self) -> Pulse | None:
        try:
            return felt(self.folder)
        except StateError as error:
            LOG.warning("the pulse cannot be read", extra={"why": str(error)})
            return None

    def _keep(self, pulse: Pulse | None) -> None:
        """Remember a pulse of a while ago, of the process that gives them now."""
        if pulse is None:
            return
        if self._last is None or self._last.pid != pulse.pid:
            self._last = self._before = pulse
        elif pulse.at - self._last.at >= WHILE:
            self._before, self._last = self._last, pulse

    def _open(self, pulse: Pulse | None, now: int) -> int | None:
        if pulse is None or pulse.kind in PLAYED:
            return None
        try:
            return self.hours(now)
        except FeedError as error:
            LOG.warning("nobody knows whether the market is open", extra={"why": str(error)})
            return None


class Pinging:
    """Asks for the broker's clock now and then, from a thread of its own, which a slow answer may keep."""

    def __init__(self, keys: Keys, sight: Sight, every: float, told: Callable[[Ping], None]) -> None:
        self._keys, self._sight, self._every, self._told = keys, sight, every, told
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ping, name="ping", daemon=True)

    def __enter__(self) -> Pinging:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(2 * TIMEOUT)

    def _ping(self) -> None:
        while not self._over.is_set():
            self._sight.ping = ping(self._keys, self._sight.ping, clock=self._sight.clock)
            self._told(self._sight.ping)
            self._over.wait(self._every)
