"""One session in one store.

    SESSION/current                        the course that copies are made of
    SESSION/COURSE/journal/BEGIN-END       pieces of the journal, bytes from BEGIN to before END
    SESSION/COURSE/snapshot/PLACE          snapshots
    SESSION/COURSE/head/END                written last: what is whole, and its checksums

Whatever is killed or fails in between, a head tells only of what was there before it.  Pieces since the last snapshot
are put together when the next one comes, so that there are few.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from live.errors import SealError, StateError
from live.journal import Place
from live.seal import Key, Seal, disclosed, enclosed
from live.stores.protocol import Store

PIECE = 8_000_000  # bytes of the journal in one value at most
KEPT = 2  # heads, and snapshots
ABOUT = b"head of a copy"  # what a head's envelope is about
COURSE = re.compile(r"[0-9a-f]{16}")


class Saved(NamedTuple):
    """What is to be copied: the last snapshot and where in the journal it was taken, and how far the journal goes."""

    end: Place
    snapshot: bytes = b""
    place: Place = Place()


class Head(NamedTuple):
    """What a copy holds: journal up to `end` and a snapshot taken at `place` (there is none at 0), with SHA-256."""

    end: Place
    place: Place
    journal: str
    snapshot: str


class Shelf:
    """Copies of one course of a session.

    Args:
        store: where they are.
        session: its name, that of its folder.
        course: `live.stores.lineage`.
    """

    def __init__(self, store: Store, session: str, course: str) -> None:
        self.store, self.session, self.course = store, session, course
        self._head: Head | None = None  # the last one written
        self._hash = hashlib.sha256()  # of the journal up to there
        self._whole = 0  # the journal's pieces up to here are not put together again
        self._begun = self._pointed = False  # whether `current` says this course

    def keep(self, saved: Saved, journal: Path, key: Key | None = None) -> None:
        """Copy what is new.

        Args:
            saved: it goes at least as far as what was kept before.
            journal: the file, read and not changed.
            key: what heads are sealed with; the rest is as in the session's files.

        Raises:
            StateError: if there are copies of another course under this one's name.
            StoreError: if the store fails.
        """
        if not self._begun:
            self._begin(journal, key.seal if key is not None else None)
        if self._head is None or (self._head.end, self._head.place) != (saved.end, saved.place):
            self._write(saved, journal, key)
        if not self._pointed:
            self.store.put(self.session, "current", self.course.encode())
            self._pointed = True

    def heads(self, seal: Seal | None) -> Iterator[Head | StateError | SealError]:
        """What is there, the newest first; instead of one that cannot be read, why.

        Raises:
            StoreError: if the store fails.
        """
        for name in self.store.newest(self._folder("head"))[:KEPT]:
            data = self.store.get(self._folder("head"), name) or b""
            try:
                yield _head(self.who, data, seal)
            except (StateError, SealError) as error:
                yield error

    def journal(self, head: Head) -> bytes:
        """The journal up to a head's end.

        Raises:
            StateError: if a piece is missing, or not what was put there.
            StoreError: if the store fails.
        """
        chain = _chain(self.store.newest(self._folder("journal")), head.end.position)
        data = b"".join(self.store.get(self._folder("journal"), name) or b"" for name in chain)
        data = data[: head.end.position]
        if hashlib.sha256(data).hexdigest() != head.journal:
            raise StateError(f"{self.who}: its journal is incomplete or damaged")
        return data

    def snapshot(self, head: Head) -> bytes | None:
        """The snapshot of a head; None if there was none.

        Raises:
            StateError: if it is missing, or not what was put there.
            StoreError: if the store fails.
        """
        if not head.place.position:
            return None
        data = self.store.get(self._folder("snapshot"), f"{head.place.position:020d}") or b""
        if hashlib.sha256(data).hexdigest() != head.snapshot:
            raise StateError(f"{self.who}: its snapshot is missing or damaged")
        return data

    def _begin(self, journal: Path, seal: Seal | None) -> None:
        """Find out how far copies go, and that they are of this journal; what no head tells of is dropped."""
        newest = next(self.heads(seal), None)
        if isinstance(newest, Exception):
            raise newest
        end = newest.end.position if newest is not None else 0
        hash = hashlib.sha256(_bytes(journal, 0, end))
        if newest is not None and hash.hexdigest() != newest.journal:
            raise StateError(f"{self.who}: it is of another course than the journal here, and is left as it is")
        for name in self.store.newest(self._folder("journal")):
            if _reach(name)[1] > end:
                self.store.drop(self._folder("journal"), name)
        self._pointed = self.store.get(self.session, "current") == self.course.encode()
        self._head, self._hash, self._whole, self._begun = newest, hash, end, True

    def _write(self, saved: Saved, journal: Path, key: Key | None) -> None:
        """The journal's new bytes, or all since the last snapshot if there is a new one; the snapshot; the head."""
        reach, end = self._head.end.position if self._head else 0, saved.end.position
        whole = self._head is None or self._head.place != saved.place
        begin = self._whole if whole else reach
        data = _bytes(journal, begin, end)
        if len(data) < end - begin:
            raise StateError(f"{journal}: it has fewer than the {end} bytes that were written")
        hash = self._hash.copy()
        hash.update(data[reach - begin :])
        pieces = list(_pieces(begin, end))
        for first, last in pieces:
            self.store.put(self._folder("journal"), _piece(first, last), data[first - begin : last - begin])
        if whole and saved.place.position:
            self.store.put(self._folder("snapshot"), f"{saved.place.position:020d}", saved.snapshot)
        head = Head(saved.end, saved.place, hash.hexdigest(), hashlib.sha256(saved.snapshot).hexdigest())
        self.store.put(self._folder("head"), f"{end:020d}", enclosed(json.dumps(head).encode(), ABOUT, key))
        self._head, self._hash = head, hash
        self._tidy(begin, end, pieces)
        self._whole = end if whole else self._whole

    def _tidy(self, begin: int, end: int, pieces: list[tuple[int, int]]) -> None:
        """Drop pieces that others hold whole, and all but the last heads and snapshots."""
        for name in self.store.newest(self._folder("journal")):
            first, last = _reach(name)
            if begin <= first and last <= end and (first, last) not in pieces:
                self.store.drop(self._folder("journal"), name)
        for kind in ("head", "snapshot"):
            for name in self.store.newest(self._folder(kind))[KEPT:]:
                self.store.drop(self._folder(kind), name)

    def _folder(self, kind: str) -> str:
        return f"{self.session}/{self.course}/{kind}"

    @property
    def who(self) -> str:
        """As an error calls it."""
        return f"copy of {self.session} at {self.store.name}"


def course_at(store: Store, session: str) -> str | None:
    """The course of which a store has copies; None if it has none.

    Raises:
        StateError: if what says so makes no sense.
        StoreError: if the store fails.
    """
    data = store.get(session, "current")
    if data is None:
        return None
    name = data.decode("ascii", "replace")
    if not COURSE.fullmatch(name):
        raise StateError(f"copy of {session} at {store.name}: it calls its course {name!r}, which is none")
    return name


def refuse_headless(store: Store, session: str, course: str | None) -> None:
    """Refuse to take for nothing what a store holds of a session, though no head says what of it is whole.

    Args:
        store, session: as in `Shelf`.
        course: that the files here are of; None where they are gone.  What is of another one then is of a session
            that was put aside.

    Raises:
        StateError: saying what is there.
        StoreError: if the store fails.
    """
    who, current = f"copy of {session} at {store.name}", course_at(store, session)
    courses = sorted({name.partition("/")[0] for name in store.below(session)} - {"current"})
    held = f"; it holds {', '.join(courses)}" if courses else ""
    if current is not None and course in (None, current):
        raise StateError(f"{who}: {session}/current names the course {current}, of which there is no head{held}")
    if course is None and courses:
        raise StateError(f"{who}: nothing says which course is the last one: there is no {session}/current{held}")
    if course in courses:
        raise StateError(f"{who}: it holds pieces of the course {course}, of which there is no head")


def _head(who: str, data: bytes, seal: Seal | None) -> Head:
    try:
        end, place, *sums = json.loads(disclosed(who, data, ABOUT, seal))
        return Head(Place(*end), Place(*place), *sums)
    except (ValueError, TypeError) as error:
        raise StateError(f"{who}: its head is damaged ({error})") from error


def _bytes(path: Path, begin: int, end: int) -> bytes:
    """A file's bytes; fewer if it is not as long."""
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(end - begin)


def _pieces(begin: int, end: int) -> Iterator[tuple[int, int]]:
    for first in range(begin, end, PIECE):
        yield first, min(first + PIECE, end)


def _piece(begin: int, end: int) -> str:
    return f"{begin:020d}-{end:020d}"


def _reach(name: str) -> tuple[int, int]:
    begin, _, end = name.partition("-")
    return int(begin), int(end)


def _chain(names: list[str], end: int) -> Iterator[str]:
    """Pieces one after the other from 0 to `end`, of those that begin at one place the longest."""
    longest = dict(sorted(_reach(name) for name in names))
    at = 0
    while at < end and at in longest:
        begin, at = at, longest[at]
        yield _piece(begin, at)
