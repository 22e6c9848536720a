"""The end of log files that grow and are turned over, without secrets."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live.control.logs import Redactor

FILES = ("runner.log", "seat.log")
LINES = 400  # kept of each file
FIRST = 262_144  # bytes read of a file that was there before
LONGEST = 4_000  # characters of one line that are shown
TOLD = ("time", "level", "event")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log; `fields` are what it says beside its event."""

    source: str
    time: str
    level: str
    event: str
    fields: dict[str, Any] = field(default_factory=dict)


class Tail:
    """The last lines of one file."""

    def __init__(self, path: Path, redact: Redactor, lines: int = LINES) -> None:
        self.path, self.lines = path, deque[Line](maxlen=lines)
        self.count = 0  # of all lines so far
        self._redact, self._inode, self._at, self._rest = redact, 0, 0, b""

    def catch_up(self) -> bool:
        """Read what was written since; whether there was something."""
        try:
            with self.path.open("rb") as file:
                there = self.path.stat()
                if there.st_ino != self._inode or there.st_size < self._at:
                    self._inode, self._rest = there.st_ino, b""
                    self._at = 0 if self._at else max(0, there.st_size - FIRST)
                if there.st_size == self._at:
                    return False
                file.seek(self._at)
                data = file.read(there.st_size - self._at)
        except FileNotFoundError:
            return False
        self._at += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        said = [self._line(line) for line in whole if line.strip()]
        self.lines.extend(said)
        self.count += len(said)
        return bool(said)

    def _line(self, raw: bytes) -> Line:
        text = self._redact(raw.decode("utf-8", "replace"))[:LONGEST]
        try:
            said = json.loads(text)
            fields = {name: value for name, value in said.items() if name not in TOLD}
            time, level, event = (str(said.get(name, "")) for name in TOLD)
            return Line(self.path.stem, time, level, event, fields)
        except (ValueError, AttributeError):
            return Line(self.path.stem, "", "", text)


def together(tails: Sequence[Tail], last: int) -> list[Line]:
    """The last lines of several files in the order of their times."""
    lines = [line for tail in tails for line in tail.lines]
    return sorted(lines, key=lambda line: line.time)[-last:]
