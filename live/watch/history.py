"""What jobs ran, when, and how they ended: one JSON line when one begins, and one when it is over."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from live.journal import write_all

FILE = "jobs.jsonl"
PRIVATE = 0o600
RUNNING, OK, FAILED, TIMED_OUT, MISSED, INTERRUPTED = "running", "ok", "failed", "timed out", "missed", "interrupted"


class Ran(NamedTuple):
    """One run of a job; times in ns UTC.

    due      when it should have begun
    ended    0 while it runs
    outcome  running, ok, failed, timed out, missed (never begun) or interrupted
    code     of its process; None if there was none
    tail     the end of what it said
    """

    job: str
    due: int
    began: int
    ended: int = 0
    outcome: str = RUNNING
    code: int | None = None
    tail: str = ""


class History:
    """The runs of one session's jobs, in a file of its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, ran: Ran) -> None:
        """Write a run down; it is on the disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)
        try:
            end = os.fstat(file).st_size
            torn = end and os.pread(file, 1, end - 1) != b"\n"
            write_all(file, b"\n" * bool(torn) + json.dumps(ran._asdict()).encode() + b"\n")
            os.fsync(file)
        finally:
            os.close(file)

    def runs(self, job: str | None = None) -> list[Ran]:
        """All runs, or those of one job, in the order in which they began."""
        found: dict[tuple[str, int, int], Ran] = {}
        for ran in self._lines():
            if job is None or ran.job == job:
                found[ran.job, ran.due, ran.began] = ran
        return list(found.values())

    def last(self, job: str, outcome: str | None = None) -> Ran | None:
        """The last run of a job, or its last with this outcome."""
        runs = [ran for ran in self.runs(job) if outcome in (None, ran.outcome)]
        return runs[-1] if runs else None

    def mend(self, now: int) -> list[Ran]:
        """Call what still seems to run interrupted; only who knows that nothing runs may ask for it."""
        found = [ran._replace(ended=now, outcome=INTERRUPTED) for ran in self.runs() if ran.outcome == RUNNING]
        for ran in found:
            self.note(ran)
        return found

    def _lines(self) -> Iterator[Ran]:
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                yield Ran(**json.loads(line))
            except (ValueError, TypeError):
                continue  # torn when the machine stopped
