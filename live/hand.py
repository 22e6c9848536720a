"""The session's look into the operator's folder: numbered actions, and what was dropped there by hand.

    touch sessions/x/operator/halt        also reduce, flatten

A dropped file becomes a numbered action as it lies there, by a second name of the same file.  So it is obeyed exactly
once whatever is killed in between: a file that has a number already is only taken away.  A file that is no action
throws halt, for somebody wanted something; it is put aside, and never stops a session.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from live.errors import SessionError
from live.journal import sync_folder
from live.operator import (
    CODES,
    FILE,
    HALT,
    LEAVE,
    MACHINES,
    PART,
    REDUCE,
    RESUME,
    Wanted,
    numbered,
    parsed,
    path_of,
    put_beside,
    read_action,
    refuse_no_folder,
)
from live.private import private_folder

DROPPED = HALT, REDUCE, LEAVE  # names of files that throw what they are called; resuming asks for a reason
ASIDE = ".unreadable"
GRAIN = 2_000_000_000  # ns: a folder may change again so long after its time, and its time stay what it is


class Hand:
    """Reads the folder as it grows; the session's lock is held.

    Where `holding`, a resume waits until it is released, and with it what was given after it; another word of a person
    since then ends the wait, for then nobody wants to resume.
    """

    def __init__(self, folder: Path, obeyed: set[int]) -> None:
        self.holding = False
        refuse_no_folder(folder)
        self.folder = private_folder(folder)
        self._waiting: list[Wanted] = []
        self._obeyed = obeyed
        self._next = 1
        self._released = 0  # the number of the resume that waits no more
        self._listed = 0  # the folder's time, ns, when it was listed last; 0: list it
        self._lost = self._displaced = False  # the folder is gone; something else has its place
        self._keep_numbers()

    def words(self, ts: int) -> list[str]:
        """Words of the kill switch that were given and would be obeyed now, but for a resume that is held."""
        return [w.word for w in self._timely(ts) if w.word in CODES]

    @property
    def waiting(self) -> list[Wanted]:
        """Actions given and not obeyed yet."""
        self._read_new()
        return list(self._waiting)

    def due(self, ts: int) -> list[Wanted]:
        """Actions to obey before the rows known at `ts`, in the order in which they were given."""
        now = self._timely(ts)
        held = self._held_of(now)
        if held is not None:
            now = now[: now.index(held)]
        if now:
            self._waiting = [w for w in self._waiting if w not in now]
        return now

    def held(self, ts: int) -> Wanted | None:
        """The resume that would be obeyed now if it were released."""
        return self._held_of(self._timely(ts))

    def release(self, resume: Wanted) -> None:
        """Let a resume go that waits."""
        self._released = resume.number

    def _held_of(self, timely: list[Wanted]) -> Wanted | None:
        words = [w for w in timely if w.word in CODES and w.who not in MACHINES] if self.holding else []
        return words[-1] if words and words[-1].word == RESUME and words[-1].number != self._released else None

    def _timely(self, ts: int) -> list[Wanted]:
        self._read_new()
        return [w for w in self._waiting if w.at is None or w.at <= ts] if self._waiting else []

    def _read_new(self) -> None:
        there = self._names()  # before the numbers, so that none given meanwhile seems to stand behind a gap
        self._read_numbers()
        strays = [name for name in there if self._is_stray(name)]
        for name in sorted(strays):
            self._number(self.folder / name)
        if strays:
            self._read_numbers()

    def _names(self) -> list[str]:
        """What lies in the folder if that may have changed: it has a file for every action ever given."""
        try:
            changed = os.stat(self.folder).st_mtime_ns
            if changed == self._listed:
                return []
            names = os.listdir(self.folder)
        except (FileNotFoundError, NotADirectoryError):
            self._miss()
            return []
        if self._lost:
            self._lost = self._displaced = False
            self._keep_numbers()
        self._listed = changed if time.time_ns() - changed > GRAIN else 0
        return names

    def _miss(self) -> None:
        """The folder was taken away: the next action makes it again, but where something else lies nobody can act."""
        self._lost, self._listed = True, 0
        try:
            refuse_no_folder(self.folder)
        except SessionError as error:
            if not self._displaced:
                self._waiting.append(Wanted(0, HALT, who=FILE, why=str(error)))  # of no file, so of no number
            self._displaced = True

    def _keep_numbers(self) -> None:
        """Numbers that were given stay taken though their files are lost: another action would pass for obeyed."""
        waiting = {w.number: w for w in self._waiting}
        given = max(self._next - 1, *self._obeyed, 0)
        lost = [n for n in range(1, given + 1) if not os.path.lexists(path_of(self.folder, n))]
        for number in lost:
            unknown = Wanted(number, HALT, who=FILE, why=f"the file of action {number} was lost")
            beside = put_beside(self.folder, waiting.get(number, unknown))
            with suppress(FileExistsError):
                os.link(beside, path_of(self.folder, number))
            os.unlink(beside)
        if lost:
            sync_folder(self.folder)

    def _read_numbers(self) -> None:
        while os.path.lexists(path := path_of(self.folder, self._next)):
            if self._next not in self._obeyed:
                self._waiting.append(_good(Path(path), self._next))
            self._next += 1

    def _is_stray(self, name: str) -> bool:
        """Whether a file has no number that was or will be read, and is none that is being written or was put aside."""
        if name.startswith(".") or name.endswith((PART, ASIDE)):
            return False
        number = int(name) if name.isascii() and name.isdecimal() else 0
        ours = number > 0 and path_of(self.folder, number) == f"{self.folder}/{name}"
        return not (ours and (number < self._next or number in self._obeyed))

    def _number(self, path: Path) -> None:
        """Make a dropped file an action, unless it was made one before a kill, and take its own name away."""
        try:
            known = os.lstat(path).st_nlink > 1 and self._has_number(path)
        except FileNotFoundError:
            return  # whoever put it there took it back
        if not known:
            if path.name in DROPPED:
                said = Wanted(0, path.name, who=FILE, why=f"operator/{path.name} was put there")
                if path.is_dir():
                    _put_aside(path)
            else:
                said = _good(path, 0)
            os.replace(put_beside(self.folder, said), path)  # ours, for nobody gives a name to files of others
            numbered(self.folder, path)
        os.unlink(path)
        sync_folder(self.folder)

    def _has_number(self, path: Path) -> bool:
        """Whether the file is one of the numbered actions already."""
        return any(
            os.path.samefile(path, one)
            for number in range(1, self._next)
            if os.path.exists(one := path_of(self.folder, number))
        )


def _good(path: Path, number: int) -> Wanted:
    """The action that a file stands for; one that holds none is put aside, and holds it from now on."""
    try:
        return parsed(path, number)
    except SessionError:
        wanted = read_action(path, number)
        _put_aside(path)
        os.replace(put_beside(path.parent, wanted), path)
        sync_folder(path.parent)
        return wanted


def _put_aside(path: Path) -> None:
    """Keep what a file holds under a name that tells it is no action; the file stays until another takes its place."""
    moved = path.is_dir() or path.is_symlink() or os.stat(path).st_uid != os.geteuid()  # which have no second name
    for copy in count(1):
        aside = _named(path, ASIDE if copy == 1 else f"-{copy}{ASIDE}")
        if not os.path.lexists(aside):
            (os.replace if moved else os.link)(path, aside)
            return
        if not moved and os.path.samefile(path, aside):
            return  # done before a kill


def _named(path: Path, end: str) -> Path:
    """The file's name with an end, cut where it would be longer than a name may be."""
    name, room = path.name, os.pathconf(path.parent, "PC_NAME_MAX") - len(end)
    while len(os.fsencode(name)) > room:
        name = name[:-1]
    return path.with_name(name + end)
