"""The operator's hand: a folder of numbered actions that a running session obeys before its next step.

An action is a small file, put in place whole and never removed, so that one is obeyed exactly once whatever is killed
in between: the journal knows the numbers that were obeyed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from live.errors import SessionError
from quantlib.desk.memory import OPERATOR

CODES = {word: code for code, word in OPERATOR.items()}


class Wanted(NamedTuple):
    """What the operator wants, and from which moment of the tape on (None: at once)."""

    number: int
    word: str
    at: int | None


class Hand:
    """Reads the folder as it grows."""

    def __init__(self, folder: Path, obeyed: set[int]) -> None:
        self.folder = folder
        self._waiting: list[Wanted] = []
        self._obeyed = obeyed
        self._next = 1

    def due(self, ts: int) -> list[Wanted]:
        """Actions to obey before the rows known at `ts`, in the order in which they were given."""
        while os.path.exists(path := _path(self.folder, self._next)):
            wanted = _read(Path(path), self._next)
            if wanted.number not in self._obeyed:
                self._waiting.append(wanted)
            self._next += 1
        if not self._waiting:
            return []
        now = [w for w in self._waiting if w.at is None or w.at <= ts]
        self._waiting = [w for w in self._waiting if w not in now]
        return now


def want(folder: Path, word: str, at: int | None = None) -> Wanted:
    """Leave an action for the session that runs in `folder`'s parent, or will.

    Raises:
        SessionError: if there is no such action.
    """
    if word not in CODES:
        raise SessionError(f"operator: action must be one of {sorted(CODES)}, got {word!r}")
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"{os.getpid()}.part"
    beside.write_text(json.dumps({"action": word, "at": at}))
    number = 1
    while True:
        try:
            os.link(beside, _path(folder, number))
            break
        except FileExistsError:
            number += 1
    beside.unlink()
    return Wanted(number, word, at)


def wanted_in(folder: Path) -> list[Wanted]:
    """All actions ever given."""
    found: list[Wanted] = []
    while os.path.exists(path := _path(folder, len(found) + 1)):
        found.append(_read(Path(path), len(found) + 1))
    return found


def _path(folder: Path, number: int) -> str:
    return f"{folder}/{number:06d}"


def _read(path: Path, number: int) -> Wanted:
    try:
        said = json.loads(path.read_text())
        at = said["at"]
        if said["action"] not in CODES or not (at is None or isinstance(at, int)):
            raise ValueError(said)
    except (ValueError, KeyError, TypeError) as error:
        raise SessionError(f"operator: {path} holds no action ({error}); remove it") from error
    return Wanted(number, said["action"], at)
