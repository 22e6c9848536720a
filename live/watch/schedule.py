"""The schedule: jobs at their hours, each in a process of its own, one at a time, and what was missed is known.

APScheduler keeps the hours.  A machine that sleeps, or a seat that was not there, makes a job late: within its grace it
runs when it can, later it is written down as missed.  One lock keeps two jobs apart, in whatever processes they are.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock
from typing import Any, NamedTuple

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from live.control.logs import Redactor
from live.errors import SessionError, SessionInUse
from live.lock import alone
from live.watch.history import FAILED, FILE, INTERRUPTED, MISSED, OK, TIMED_OUT, History, Ran
from live.watch.hours import SECOND, When, dues, next_due
from quantlib.core import nearest

LOG = logging.getLogger("live.jobs")
FOLDER = "jobs"  # of the session's folder: lock and history
TAIL = 8_000  # characters kept of what a job says
NICE = 10  # jobs give way to whoever trades
FAR = 14 * 86_400 * SECOND  # what was missed before that is forgotten
LOOK = 0.2  # seconds between two looks whether a job is over


class Job(NamedTuple):
    """Something to do at its hours.

    words    of the command; nothing else is run through a shell
    timeout  seconds after which it is ended
    grace    seconds that it may begin late
    """

    name: str
    told: str
    when: When
    words: tuple[str, ...]
    timeout: float = 3600.0
    grace: float = 3600.0


class Planned(NamedTuple):
    """A job as it is listed; `next` in ns UTC."""

    name: str
    told: str
    hours: str
    next: int
    last: Ran | None


class Schedule:
    """The jobs of one session, and their history."""

    def __init__(
        self, folder: Path, jobs: Sequence[Job], *, redact: Redactor | None = None,
        told: Callable[[Ran], None] = lambda ran: None, clock: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        """Nothing runs before `start`.

        Args:
            folder: of the session.
            jobs: with names of their own.
            redact: hides secrets in what jobs say.
            told: hears each run that is over, or was missed.
            clock: ns UTC.

        Raises:
            SessionError: if two jobs have one name.
        """
        names = [job.name for job in jobs]
        if len(set(names)) < len(names):
            raise SessionError(f"jobs: each needs a name of its own, got {', '.join(names)}")
        self.folder, self.jobs = folder / FOLDER, {job.name: job for job in jobs}
        self.history = History(self.folder / FILE)
        self._redact, self._told, self._clock = redact or Redactor(), told, clock
        self._stopping, self._planning = Event(), Lock()
        self._scheduler: Any = None

    def start(self) -> None:
        """Keep the hours from now on; what was missed meanwhile is run, or written down."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with alone(self.folder):
                self.history.mend(self._clock())
        except SessionInUse:
            pass  # a job that somebody began by hand runs
        self._scheduler = BackgroundScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(1)}, job_defaults={"max_instances": 9}
        )  # one worker: never two at once  # fmt: skip
        self._scheduler.start()
        now = self._clock()
        for job in self.jobs.values():
            before = self.history.last(job.name)  # a job that never ran has missed nothing
            waiting = list(dues(job.when, max(before.due, now - FAR), now)) if before else []
            if waiting:
                self._at(now, job, waiting[0])
            else:
                self._plan(job)

    def wake(self) -> None:
        """Look at the clock: it may have jumped while the machine slept, which no timer notices."""
        if self._scheduler is not None:
            self._scheduler.wakeup()

    def close(self) -> None:
        """End what runs, and keep no hours any more."""
        with self._planning:  # a job that plans while APScheduler waits for jobs would wait for ever
            self._stopping.set()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def listed(self) -> list[Planned]:
        """All jobs, when they are due, and how they last went."""
        now = self._clock()
        return [
            Planned(job.name, job.told, str(job.when), next_due(job.when, now), self.history.last(job.name))
            for job in self.jobs.values()
        ]

    def begin(self, name: str) -> None:
        """Have a job run now, after the one that runs.

        Raises:
            SessionError: if there is no such job, or the schedule is not kept.
        """
        job = self._job(name)
        if self._scheduler is None:
            raise SessionError("jobs: the schedule is not kept here; use run()")
        self._at(self._clock(), job, self._clock())

    def run(self, name: str) -> Ran:
        """Run a job here and now, and wait for it.

        Raises:
            SessionError: if there is no such job, or one runs already.
        """
        job = self._job(name)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with alone(self.folder):
                return self._ran(job, self._clock())
        except SessionInUse:
            raise SessionError(f"jobs: another job runs in {self.folder}; wait for it, then run {name}") from None

    def _job(self, name: str) -> Job:
        if name not in self.jobs:
            raise SessionError(
                f"jobs: there is no {name!r}.{nearest(name, self.jobs)} There are {', '.join(self.jobs)}"
            )
        return self.jobs[name]

    def _plan(self, job: Job) -> None:
        due = next_due(job.when, self._clock())
        self._at(due, job, due, id=job.name, replace_existing=True)

    def _at(self, moment: int, job: Job, due: int, **named: Any) -> None:
        when = datetime.fromtimestamp(moment / SECOND, UTC)
        with self._planning:
            if not self._stopping.is_set():
                self._scheduler.add_job(
                    self._scheduled, "date", (job, due), run_date=when, misfire_grace_time=None, **named
                )

    def _scheduled(self, job: Job, due: int) -> None:
        """A job's hour has come, and maybe several since: the last of them counts."""
        *earlier, last = due, *dues(job.when, due, self._clock())
        for one in earlier:
            self._missed(job, one, "the next one had come")
        with self._turn(job, last) as mine:
            if mine:
                self._ran(job, last)
        self._plan(job)

    @contextmanager
    def _turn(self, job: Job, due: int) -> Iterator[bool]:
        """While inside no other job runs; False if that is not to be had within the grace."""
        while not self._stopping.is_set():
            if self._clock() - due > job.grace * SECOND:
                self._missed(job, due, "it came up later than its grace")
                break
            try:
                with alone(self.folder):
                    yield True
                    return
            except SessionInUse:
                self._stopping.wait(LOOK)
        yield False

    def _ran(self, job: Job, due: int) -> Ran:
        ran = Ran(job.name, due, self._clock())
        self.history.note(ran)
        with tempfile.TemporaryFile() as said:
            outcome, code = self._carried_out(job, said)
            end = said.seek(0, os.SEEK_END)
            said.seek(max(0, end - 4 * TAIL))
            tail = self._redact(said.read().decode("utf-8", "replace"))[-TAIL:]
        ran = ran._replace(ended=self._clock(), outcome=outcome, code=code, tail=tail)
        self.history.note(ran)
        level = logging.INFO if outcome == OK else logging.ERROR
        LOG.log(level, "job %s", outcome, extra={"job": job.name, "code": code, "tail": tail[-500:]})
        self._told(ran)
        return ran

    def _carried_out(self, job: Job, said: Any) -> tuple[str, int | None]:
        try:
            process = subprocess.Popen(
                ["nice", "-n", str(NICE), *job.words], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            said.write(f"it cannot be started: {error}".encode())
            return FAILED, None
        ends = time.monotonic() + job.timeout
        while process.poll() is None and time.monotonic() < ends and not self._stopping.is_set():
            self._stopping.wait(LOOK)
        if process.poll() is None:
            _end(process)
            return (INTERRUPTED if self._stopping.is_set() else TIMED_OUT), process.returncode
        return (OK if process.returncode == 0 else FAILED), process.returncode

    def _missed(self, job: Job, due: int, why: str) -> None:
        now = self._clock()
        ran = Ran(job.name, due, now, now, MISSED, None, why)
        self.history.note(ran)
        LOG.error("job missed", extra={"job": job.name, "why": why})
        self._told(ran)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a job and all that it began, kindly first."""
    for sign, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            process.wait()
            return
