"""The operator's hand: a folder of numbered actions that a running session obeys before its next step.

An action is a small file, put in place whole and never removed, so that one is obeyed exactly once whatever is killed
in between: the journal knows the numbers that were obeyed.  It is on the disk before whoever gave it is answered.
What is dropped there by hand is given a number by the session (`live.hand`).
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from live.errors import SessionError
from live.journal import sync_folder, write_all
from live.private import FILE as MODE
from live.private import private_folder
from live.words import Action
from quantlib.core import nearest
from quantlib.desk.memory import ACTIVE, FLATTEN, HALTED, OPERATOR, REDUCING
from quantlib.desk.policy import Limits

CODES = {word: code for code, word in OPERATOR.items()}
OVERRIDE = "override"
RESUME, HALT, REDUCE, LEAVE = OPERATOR[ACTIVE], OPERATOR[HALTED], OPERATOR[REDUCING], OPERATOR[FLATTEN]
FILE = "file"  # who acted, where nobody said who dropped a file
RUNNER, WATCHDOG = "runner", "watchdog"  # who acted, where nobody did: the session itself, and who watches it
MACHINES = RUNNER, WATCHDOG
PART = ".part"  # of files that are being written
WORDS = (*CODES, OVERRIDE)
STRICTER = RESUME, REDUCE, LEAVE, HALT  # each than those before it
MOST = 2**62  # of an override: some limits are whole numbers of 64 bits
OVERRIDABLE = {name: f"limits_{name}" for name in Limits._fields} | {"session_close": "session_close"}  # in a policy


def is_barred(word: str, who: str, mode: int, leaving: bool) -> bool:
    """Whether a word of the kill switch is not for whoever said it: what a machine says never loosens anything.

    Args:
        word, who: said, and by whom.
        mode, leaving: the kill switch as it stands, and whether every position is being left.
    """
    now = LEAVE if leaving and mode == REDUCING else OPERATOR[mode]
    return who in MACHINES and STRICTER.index(word) < STRICTER.index(now)


def signature(name: str, role: str) -> str:
    """How a person signs an action: never as a machine does."""
    return f"{role} {name}" if name in MACHINES else name


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
    beside = put_beside(folder, wanted)
    number = numbered(folder, beside)
    os.unlink(beside)
    return wanted._replace(number=number)


def numbered(folder: Path, path: Path) -> int:
    """Give a file that holds an action the first free number, under which it is on the disk before this returns."""
    for number in count(1):
        try:
            os.link(path, path_of(folder, number))
            break
        except FileExistsError:
            continue
    sync_folder(folder)
    return number


def recall(folder: Path, obeyed: Iterable[Action]) -> None:
    """Put actions that were obeyed back into a folder that was lost, so that no new one takes their numbers.

    What was wanted since the folder was lost took their numbers and would pass for obeyed: it is given others, in its
    order; killed on the way, some of it stands there twice, and none is lost.
    """
    known = {action.number: action for action in obeyed if action.number}  # what has none had no file
    waiting = [one for one in wanted_in(folder) if not _same(one, known.get(one.number))]
    free = (number for number in count(1) if number not in known)
    for number, wanted in reversed(list(zip(free, waiting, strict=False))):
        if wanted.number != number:
            os.replace(put_beside(folder, wanted), path_of(folder, number))
    for number, action in known.items():
        path = Path(path_of(folder, number))
        if not path.exists() or not _same(read_action(path, number), action):
            os.replace(put_beside(folder, Wanted(number, action.word, *_rest(action))), path)
    if folder.exists():
        sync_folder(folder)


def wanted_in(folder: Path) -> list[Wanted]:
    """All actions ever given, but for files that were dropped by hand and that no session has given a number yet."""
    found: list[Wanted] = []
    while os.path.lexists(path := path_of(folder, len(found) + 1)):
        found.append(read_action(Path(path), len(found) + 1))
    return found


def put_beside(folder: Path, wanted: Wanted) -> Path:
    """An action as a file that has no number yet; its bytes are on the disk."""
    refuse_no_folder(folder)
    if not folder.exists():
        sync_folder(private_folder(folder).parent)
    beside = private_folder(folder) / f"{os.getpid()}-{threading.get_ident()}{PART}"
    said = json.dumps({name: value for name, value in wanted._asdict().items() if name != "number"})
    beside.unlink(missing_ok=True)  # not written over: one that was left may be an action by now, by a second name
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    try:
        write_all(file, said.encode())
        os.fsync(file)
    finally:
        os.close(file)
    return beside


def refuse_no_folder(folder: Path) -> None:
    """Say that something else lies where actions are given.

    Raises:
        SessionError: if it does.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise SessionError(f"operator: {folder} is no folder; move it away, so that actions can be given there")


def _same(wanted: Wanted, action: Action | None) -> bool:
    """Whether an action that was obeyed is this one; it was obeyed at a moment, and wanted from another on."""
    return action is not None and wanted.action(action.ts) == action


def _rest(action: Action) -> tuple[Any, ...]:
    return action.ts, action.who, action.why, action.limit, action.value, action.until


def path_of(folder: Path, number: int) -> str:
    """The file of an action."""
    return f"{folder}/{number:06d}"


def read_action(path: Path, number: int) -> Wanted:
    """The action that a file holds; one that holds none stands for a halt, whatever was meant by it."""
    try:
        return parsed(path, number)
    except SessionError as error:
        return Wanted(number, HALT, who=FILE, why=str(error))


def parsed(path: Path, number: int) -> Wanted:
    """The action that a file holds.

    Raises:
        SessionError: saying why it holds none.
    """
    try:
        if not path.is_file():
            raise ValueError("it is no file")  # and one that is a pipe would be waited for
        wanted = Wanted(number, **json.loads(path.read_text()))
        _check(wanted)
    except (OSError, ValueError, TypeError, RecursionError, SessionError) as error:
        raise SessionError(f"operator/{path.name} cannot be read as an action ({error})") from error
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
    if not (isinstance(wanted.value, (int, float)) and 0 <= wanted.value < MOST):
        raise SessionError(
            f"operator: {wanted.limit} must be set to a number of 0 or more and below 2**62, got {wanted.value!r}"
        )
    if not (isinstance(wanted.until, int) and wanted.until > 0):
        raise SessionError(f"operator: an override of {wanted.limit} must end, at `until` ns UTC; got {wanted.until!r}")
