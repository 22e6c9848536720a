"""Copies of one session: whatever is killed in between, a head tells only of what is whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import live.stores.shelf
from live.errors import SealError, StateError, StoreError
from live.journal import Journal
from live.seal import Seal
from live.stores.files import FileStore
from live.stores.shelf import Head, Saved, Shelf, course_at

MAGIC, COURSE, OTHER = b"QTESTING", "0123456789abcdef", "fedcba9876543210"


class Mortal(FileStore):
    """A folder whose `dies_at`-th change fails."""

    def __init__(self, root: Path, dies_at: int = 0) -> None:
        super().__init__(root)
        self.changes, self.dies_at = 0, dies_at

    def put(self, folder: str, name: str, data: bytes) -> None:
        self._count()
        super().put(folder, name, data)

    def drop(self, folder: str, name: str) -> None:
        self._count()
        super().drop(folder, name)

    def _count(self) -> None:
        self.changes += 1
        if self.changes == self.dies_at:
            raise StoreError("the connection broke")


def grown(journal: Journal, frames: int) -> None:
    for k in range(frames):
        journal.append(1, bytes([k]) * 90)


def moments(path: Path) -> tuple[Journal, list[Callable[[], Saved]]]:
    """A session that grows: pieces, a snapshot, pieces, a snapshot; what there is to copy each time."""
    journal = Journal.create(path, MAGIC, {"name": "test"})
    last = [Saved(journal.place)]

    def step() -> Saved:
        grown(journal, 5)
        return last[0]._replace(end=journal.place)

    def snapshot() -> Saved:
        grown(journal, 5)
        last[0] = Saved(journal.place, b"snapshot %d" % journal.place.sequence, journal.place)
        return last[0]

    return journal, [step, step, snapshot, step, step, step, snapshot, step]


def only(shelf: Shelf) -> Head:
    """The newest head, which is good."""
    found = next(shelf.heads(None))
    assert isinstance(found, Head)
    return found


def check(shelf: Shelf, saved: Saved, path: Path) -> None:
    """The newest copy is what was kept."""
    head = only(shelf)
    assert (head.end, head.place) == (saved.end, saved.place)
    assert shelf.journal(head) == path.read_bytes()[: saved.end.position]
    assert (shelf.snapshot(head) or b"") == saved.snapshot


def test_what_is_kept_comes_back(tmp_path: Path, copies: Path) -> None:
    journal, jobs = moments(tmp_path / "j")
    shelf = Shelf(FileStore(copies), "s", COURSE)
    for job in jobs:
        saved = job()
        shelf.keep(saved, tmp_path / "j")
        check(shelf, saved, tmp_path / "j")
    journal.close()
    assert course_at(shelf.store, "s") == COURSE


def test_pieces_are_put_together_and_few_heads_and_snapshots_stay(tmp_path: Path, copies: Path) -> None:
    journal, jobs = moments(tmp_path / "j")
    store = FileStore(copies)
    shelf = Shelf(store, "s", COURSE)
    for job in jobs:
        shelf.keep(job(), tmp_path / "j")
    journal.close()
    assert len(store.newest(f"s/{COURSE}/journal")) == 4  # at the start, two snapshots, one step after
    assert len(store.newest(f"s/{COURSE}/head")) == len(store.newest(f"s/{COURSE}/snapshot")) == 2


def test_a_long_journal_is_kept_in_pieces(tmp_path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.stores.shelf, "PIECE", 100)
    journal, jobs = moments(tmp_path / "j")
    shelf = Shelf(FileStore(copies), "s", COURSE)
    for job in jobs:
        saved = job()
        shelf.keep(saved, tmp_path / "j")
        check(shelf, saved, tmp_path / "j")
    journal.close()
    assert len(shelf.store.newest(f"s/{COURSE}/journal")) > 30


def changes(folder: Path) -> int:
    """How many there are in a whole session."""
    (folder / "copies").mkdir(parents=True)
    journal, jobs = moments(folder / "j")
    store = Mortal(folder / "copies")
    shelf = Shelf(store, "s", COURSE)
    for job in jobs:
        shelf.keep(job(), folder / "j")
    journal.close()
    return store.changes


@pytest.mark.parametrize("again", [True, False], ids=["the next process", "the same process"])
def test_a_copy_that_breaks_off_anywhere_leaves_the_one_before_and_is_made_by(tmp_path: Path, again: bool) -> None:
    total = changes(tmp_path / "whole")
    assert total > 25
    for at in range(1, total + 1):
        folder = tmp_path / str(at)
        (folder / "copies").mkdir(parents=True)
        journal, jobs = moments(folder / "j")
        store, last = Mortal(folder / "copies", at), Saved(journal.place)
        shelf = Shelf(store, "s", COURSE)
        for job in jobs:
            saved = job()
            try:
                shelf.keep(saved, folder / "j")
            except StoreError:
                other = Shelf(store, "s", COURSE)
                if last.end.sequence or list(other.heads(None)):
                    check(other, saved if only(other).end == saved.end else last, folder / "j")
                shelf = other if again else shelf
                shelf.keep(saved, folder / "j")
            check(shelf, saved, folder / "j")
            last = saved
        journal.close()
        assert course_at(store, "s") == COURSE


def test_another_course_is_never_written_over(tmp_path: Path, copies: Path) -> None:
    store = FileStore(copies)
    for name, payload in (("a", b"one"), ("b", b"two")):
        journal = Journal.create(tmp_path / name, MAGIC, {})
        journal.append(1, payload)
        saved = Saved(journal.place)
        journal.close()
        if name == "a":
            Shelf(store, "s", COURSE).keep(saved, tmp_path / name)
            continue
        with pytest.raises(StateError, match="of another course"):
            Shelf(store, "s", COURSE).keep(saved, tmp_path / name)
        Shelf(store, "s", OTHER).keep(saved, tmp_path / name)
    for course, name in ((COURSE, "a"), (OTHER, "b")):
        shelf = Shelf(store, "s", course)
        assert shelf.journal(only(shelf)) == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("kind", ["journal", "snapshot", "head"])
@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: b"", lambda data: b"{" + data[1:]])
def test_a_damaged_copy_is_told_as_one(
    tmp_path: Path, copies: Path, kind: str, spoil: Callable[[bytes], bytes]
) -> None:
    journal, jobs = moments(tmp_path / "j")
    store = FileStore(copies)
    shelf = Shelf(store, "s", COURSE)
    for job in jobs[:3]:
        shelf.keep(job(), tmp_path / "j")
    journal.close()
    [name, *_] = store.newest(f"s/{COURSE}/{kind}")
    store.put(f"s/{COURSE}/{kind}", name, spoil(store.get(f"s/{COURSE}/{kind}", name) or b""))

    def look() -> None:
        head = next(shelf.heads(None))
        if isinstance(head, Exception):
            raise head
        shelf.journal(head)
        shelf.snapshot(head)

    with pytest.raises(StateError, match="copy of s at file://"):
        look()


def test_a_missing_piece_is_told(tmp_path: Path, copies: Path) -> None:
    journal, jobs = moments(tmp_path / "j")
    store = FileStore(copies)
    shelf = Shelf(store, "s", COURSE)
    for job in jobs:
        shelf.keep(job(), tmp_path / "j")
    journal.close()
    store.drop(f"s/{COURSE}/journal", store.newest(f"s/{COURSE}/journal")[1])
    with pytest.raises(StateError, match="incomplete"):
        shelf.journal(only(shelf))


def test_a_course_that_is_none_is_told(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    assert course_at(store, "s") is None
    store.put("s", "current", b"../../elsewhere")
    with pytest.raises(StateError, match="which is none"):
        course_at(store, "s")


def test_heads_of_a_sealed_session_are_sealed(tmp_path: Path, copies: Path) -> None:
    seal = Seal("correct horse", rounds=10)
    key = seal.fresh()
    journal = Journal.create(tmp_path / "j", MAGIC, {"name": "test"}, key)
    journal.append(1, b"payload")
    shelf = Shelf(FileStore(copies), "s", COURSE)
    shelf.keep(Saved(journal.place), tmp_path / "j", key)
    journal.close()
    assert isinstance(next(shelf.heads(seal)), Head)
    for other in (None, Seal("wrong horse", rounds=10)):
        assert isinstance(next(shelf.heads(other)), SealError)
    [name] = shelf.store.newest(f"s/{COURSE}/head")
    assert b"position" not in (shelf.store.get(f"s/{COURSE}/head", name) or b"")
