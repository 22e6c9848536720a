"""The operator's hand: a folder of numbered actions that a running session obeys before its next step.

An action is a small file, put in place whole and never removed, so that one is obeyed exactly once whatever is killed
in between: the journal knows the numbers that were obeyed.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from itertools import count
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from live.errors import SessionError
from live.private import FILE, private_folder
from live.words import Action
from quantlib.core import nearest
from quantlib.desk.memory import OPERATOR
from quantlib.desk.policy import Limits

CODES = {word: code for code, word in OPERATOR.items()}
OVERRIDE = "override"
WORDS = (*CODES, OVERRIDE)
OVERRIDABLE = {name: f"limits_{name}" for name in Limits._fields} | {"session_close": "session_close"}  # in a policy


class Wanted(NamedTuple):
    """What the operator wants, and from which moment of the tape on (None: at once).

    An override sets one of `quantlib.desk.policy.Limits`, or `session_close`, to a value until a moment, ns UTC.
    """

    number: int
    word: str
    at: int | None = None
    who: str = ""
    why: str = ""
    limit: str = ""
    value: float = 0.0
    until: int = 0

    def action(self, ts: int) -> Action:
        """The action, obeyed before the rows of `ts`."""
        return Action(self.number, ts, self.word, self.who, self.why, self.limit, self.value, self.until)


class Hand:
    """Reads the folder as it grows."""

    def __init__(self, folder: Path, obeyed: set[int]) -> None:
        self.folder = folder
        self._waiting: list[Wanted] = []
        self._obeyed = obeyed
        self._next = 1

    @property
    def waiting(self) -> list[Wanted]:
        """Actions given and not obeyed yet."""
        self._read_new()
        return list(self._waiting)

    def due(self, ts: int) -> list[Wanted]:
        """Actions to obey before the rows known at `ts`, in the order in which they were given."""
        self._read_new()
        if not self._waiting:
            return []
        now = [w for w in self._waiting if w.at is None or w.at <= ts]
        self._waiting = [w for w in self._waiting if w not in now]
        return now

    def _read_new(self) -> None:
        while os.path.exists(path := _path(self.folder, self._next)):
            wanted = _read(Path(path), self._next)
            if wanted.number not in self._obeyed:
                self._waiting.append(wanted)
            self._next += 1


def want(
    folder: Path, word: str, at: int | None = None, *, who: str = "", why: str = "", limit: str = "",
    value: float = 0.0, until: int = 0,
) -> Wanted:  # fmt: skip
    """Leave an action for the session that runs in `folder`'s parent, or will.

    Args:
        folder: the session's `operator` folder.
        word: resume, reduce, halt, flatten or override.
        at: the moment of the tape from which on, ns UTC; None: at once.
        who, why: for the record.
        limit, value, until: of an override: a field of `Limits`, its value, and the moment (ns UTC) it ends.

    Raises:
        SessionError: if there is no such action or limit, or an override says no value or end.
    """
    wanted = Wanted(0, word, at, who, why, limit, value, until)
    _check(wanted)
    beside = _beside(folder, wanted)
    number = 1
    while True:
        try:
            os.link(beside, _path(folder, number))
            break
        except FileExistsError:
            number += 1
    beside.unlink()
    return wanted._replace(number=number)


def recall(folder: Path, obeyed: Iterable[Action]) -> None:
    """Put actions that were obeyed back into a folder that was lost, so that no new one takes their numbers.

    What was wanted since the folder was lost took their numbers and would pass for obeyed: it is given others, in its
    order; killed on the way, some of it stands there twice, and none is lost.
    """
    known = {action.number: action for action in obeyed}
    waiting = [one for one in wanted_in(folder) if not _same(one, known.get(one.number))]
    free = (number for number in count(1) if number not in known)
    for number, wanted in reversed(list(zip(free, waiting, strict=False))):
        if wanted.number != number:
            os.replace(_beside(folder, wanted), _path(folder, number))
    for number, action in known.items():
        path = Path(_path(folder, number))
        if not path.exists() or not _same(_read(path, number), action):
            os.replace(_beside(folder, Wanted(number, action.word, *_rest(action))), path)


def wanted_in(folder: Path) -> list[Wanted]:
    """All actions ever given."""
    found: list[Wanted] = []
    while os.path.exists(path := _path(folder, len(found) + 1)):
        found.append(_read(Path(path), len(found) + 1))
    return found


def _beside(folder: Path, wanted: Wanted) -> Path:
    """An action as a file that has no number yet."""
    beside = private_folder(folder) / f"{os.getpid()}-{threading.get_ident()}.part"
    beside.touch(FILE)
    beside.write_text(json.dumps({name: value for name, value in wanted._asdict().items() if name != "number"}))
    return beside


def _same(wanted: Wanted, action: Action | None) -> bool:
    """Whether an action that was obeyed is this one; it was obeyed at a moment, and wanted from another on."""
    return action is not None and wanted.action(action.ts) == action


def _rest(action: Action) -> tuple[Any, ...]:
    return action.ts, action.who, action.why, action.limit, action.value, action.until


def _path(folder: Path, number: int) -> str:
    return f"{folder}/{number:06d}"


def _read(path: Path, number: int) -> Wanted:
    try:
        wanted = Wanted(number, **json.loads(path.read_text()))
        _check(wanted)
    except (ValueError, TypeError, SessionError) as error:
        raise SessionError(f"operator: {path} holds no action ({error}); remove it") from error
    return wanted


def _check(wanted: Wanted) -> None:
    if wanted.word not in WORDS:
        raise SessionError(f"operator: action must be one of {sorted(WORDS)}, got {wanted.word!r}")
    if wanted.at is not None and not isinstance(wanted.at, int):
        raise SessionError(f"operator: at must be whole nanoseconds or None, got {wanted.at!r}")
    if wanted.word != OVERRIDE:
        return
    if wanted.limit not in OVERRIDABLE:
        near = nearest(wanted.limit, OVERRIDABLE)
        raise SessionError(f"operator: there is no limit {wanted.limit!r}.{near} There are {', '.join(OVERRIDABLE)}")
    if not (isinstance(wanted.value, (int, float)) and 0 <= wanted.value < inf):
        raise SessionError(f"operator: {wanted.limit} must be set to a number of 0 or more, got {wanted.value!r}")
    if not (isinstance(wanted.until, int) and wanted.until > 0):
        raise SessionError(f"operator: an override of {wanted.limit} must end, at `until` ns UTC; got {wanted.until!r}")
