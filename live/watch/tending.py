"""Tending: one command is kept running; it is started, taken on if it runs already, started again, and stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from live.control.alerts import CRITICAL, WARNING, Alert
from live.errors import SessionError
from live.lock import is_held
from live.watch.child import Child
from live.watch.restarts import AGAIN, DONE, FATAL, Patience, verdict, wait

LOG = logging.getLogger("live.supervisor")
RUNNING, WAITING, LOOPING = "running", "waiting", "crash loop"
LAST = 500  # bytes of its output that an alert may quote


class Phase(NamedTuple):
    """How a runner is: running, waiting (for its next start), done, fatal, or in a crash loop."""

    name: str = WAITING
    pid: int | None = None
    adopted: bool = False
    restarts: int = 0
    code: int | None = None  # of its last end


class Tending:
    """Keeps a session's runner running."""

    def __init__(
        self, folder: Path, words: Sequence[str], out: Path, patience: Patience, stop: float,
        tell: Callable[[Alert], None],
    ) -> None:  # fmt: skip
        """Nothing is started before `tend`.

        Args:
            folder: of the session, by whose lock a runner is known that runs already.
            words: the command.
            out: the file that takes what it prints.
            patience: when it is started again.
            stop: seconds that it may take to stop.
            tell: hears of each death.
        """
        self.folder, self.words, self.out, self.patience, self.stop, self.tell = (
            folder,
            words,
            out,
            patience,
            stop,
            tell,
        )
        self.child: Child | None = None
        self.phase = Phase()
        self.stopping = False
        self._deaths: list[float] = []
        self._due = 0.0  # monotonic: when the next start is made
        self._until: float | None = None  # monotonic: when a runner that was asked to end is killed

    def tend(self) -> None:
        """Take note of an end, start what is to be started, insist where it was asked to end."""
        now = time.monotonic()
        if self.child is not None and (end := self.child.end()) is not None:
            self._ended(end.code, now)
        if self.child is None:
            if self.phase.name == WAITING and now >= self._due and not self.stopping:
                self._begin()
        elif self.stopping and self._until is None:
            self.renew()
        elif self._until is not None and now > self._until:
            LOG.error("the runner does not stop and is killed", extra={"runner": self.child.pid})
            self.child.kill()

    def renew(self) -> None:
        """Ask the runner to end cleanly; it is started again unless we are `stopping`."""
        if self.child is not None and self._until is None:
            self._until = time.monotonic() + self.stop
            self.child.terminate()

    def kill(self) -> None:
        """End the runner at once."""
        if self.child is not None:
            self.child.kill()

    def lost(self) -> list[Alert]:
        """Whether nobody trades although somebody should."""
        if self.phase.name == FATAL:
            text = "the runner ended with an error that starting again does not cure"
        elif self.phase.name == LOOPING:
            text = f"the runner died {self.patience.deaths} times within {self.patience.within:.0f} s and is left"
        else:
            return []
        return [Alert("session down", CRITICAL, f"{text}: {self.said()}")]

    def said(self) -> str:
        """The last line that the runner printed."""
        if not self.out.exists():
            return ""
        with self.out.open("rb") as file:
            file.seek(max(0, self.out.stat().st_size - LAST))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _begin(self) -> None:
        """Take on the runner that is there, or start one."""
        if is_held(self.folder):
            self.child = Child.adopt(int((self.folder / "lock").read_text()))
        if self.child is None:
            try:
                self.child = Child.start(self.words, self.out)
            except SessionError as error:
                LOG.error("the runner cannot be started", extra={"why": str(error)})
                self.phase = self.phase._replace(name=FATAL)
                return
        self.phase = self.phase._replace(name=RUNNING, pid=self.child.pid, adopted=self.child.adopted)
        LOG.info("the runner runs", extra={"runner": self.child.pid, "adopted": self.child.adopted})

    def _ended(self, code: int | None, now: float) -> None:
        """The runner is gone: decide what that means."""
        asked, self._until, self.child = self._until is not None, None, None
        meaning = DONE if self.stopping else AGAIN if asked else verdict(code)
        level = logging.INFO if asked or meaning == DONE else logging.ERROR
        LOG.log(level, "the runner ended", extra={"code": code, "meaning": meaning, "said": self.said()})
        self.phase = self.phase._replace(name=meaning, pid=None, adopted=False, code=code)
        if meaning != AGAIN:
            return
        if not asked:
            self._deaths = [*self._deaths[-100:], now]
            self.tell(Alert("runner died", WARNING, f"exit code {code}; it is started again. {self.said()}".strip()))
        pause = wait(self._deaths, now, self.patience)
        if pause is None:
            self.phase = self.phase._replace(name=LOOPING)
            return
        self._due = now if asked else now + pause
        self.phase = self.phase._replace(name=WAITING, restarts=self.phase.restarts + 1)
