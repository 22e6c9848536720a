"""All that the parts of the API share: the session followed, the door, confirmations, the audit log, and the rates."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from math import ceil
from pathlib import Path
from typing import NamedTuple

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from live.control import audit, auth
from live.control.audit import Broken
from live.control.auth import Door
from live.control.confirm import Confirmations
from live.control.follow import Follower
from live.control.guard import hosts_of
from live.control.logs import Redactor, secrets_of
from live.pulse import Pulse
from live.seal import seal_of

STALE = 5.0  # seconds: an older pulse is told as what it was, never as what is
SOCKETS = 16  # websockets at a time
CLOCKED = ("replay", "demo")  # kinds of session whose time is the tape's


class Allowed(NamedTuple):
    """How often, in words of the library `limits`; each person has their own count, knocking is everybody's."""

    knocking: str = "10/minute"  # tokens and log-ins that are wrong
    looking: str = "1200/minute"
    acting: str = "30/minute"
    halting: str = "120/minute"  # never held up by the others


class Seat:
    """One session's seat."""

    def __init__(
        self, folder: Path, port: int, *, tokens: Path | None = None, hosts: Iterable[str] = (),
        allowed: Allowed | None = None, now: Callable[[], int] = time.time_ns,
        environment: Mapping[str, str] = os.environ,
    ) -> None:  # fmt: skip
        self.folder, self.port, self.now = folder, port, now
        self.door = Door(tokens or folder / auth.FILE, now)
        self.hosts = hosts_of(port, hosts)
        self.follower = Follower(
            folder, Redactor({*secrets_of(environment), *self.door.secrets()}), seal_of(environment)
        )
        self.confirmations = Confirmations(now)
        self.sockets = 0
        self.audit = folder / audit.FILE
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._allowed: dict[str, RateLimitItem] = {
            name: parse(often) for name, often in (allowed or Allowed())._asdict().items()
        }
        self._checked: tuple[tuple[int, int], Broken | None] = ((0, 0), None)

    @property
    def cookie(self) -> str:
        """Name of the log-in's cookie; browsers do not keep those of two ports apart."""
        return f"seat_{self.port}"

    def wait(self, doing: str, who: str) -> int:
        """Count one more; 0 if it is allowed, else seconds until it is."""
        item = self._allowed[doing]
        return 0 if self._limiter.hit(item, doing, who) else self._until(item, doing, who)

    def barred(self, doing: str, who: str) -> int:
        """The same without counting."""
        item = self._allowed[doing]
        return 0 if self._limiter.test(item, doing, who) else self._until(item, doing, who)

    def pulse(self) -> tuple[Pulse | None, float | None]:
        """The last pulse, and its age in seconds."""
        self.follower.catch_up()
        pulse = self.follower.pulse
        return pulse, None if pulse is None else (self.now() - pulse.at) / 1e9

    def moment(self) -> int:
        """The session's own time, ns UTC, by which overrides end: the tape's where a tape is played."""
        pulse = self.follower.pulse
        return pulse.ts if pulse is not None and pulse.kind in CLOCKED else self.now()

    def broken(self) -> Broken | None:
        """The audit log's first broken link; the file is read again only where it has changed."""
        there = self.audit.stat() if self.audit.exists() else None
        mark = (there.st_size, there.st_mtime_ns) if there else (0, 0)
        if mark != self._checked[0]:
            self._checked = mark, audit.verified(self.audit)
        return self._checked[1]

    def _until(self, item: RateLimitItem, doing: str, who: str) -> int:
        reset: float = self._limiter.get_window_stats(item, doing, who).reset_time
        return max(1, ceil(reset - time.time()))
