"""The thread that copies: it never holds up who offers, the newest wins, and trouble is told once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from live.errors import StoreError
from live.journal import Journal
from live.stores.copier import Copier, Copies
from live.stores.files import FileStore
from live.stores.shelf import Head, Saved, Shelf

MAGIC, COURSE = b"QTESTING", "0123456789abcdef"
DEADLINE = 20.0


def until(what: Callable[[], Any]) -> None:
    end = time.monotonic() + DEADLINE
    turn = threading.Event()
    while not what():
        assert time.monotonic() < end, "it did not happen"
        turn.wait(0.005)


class Moody(FileStore):
    """A folder that fails, or hangs, while it is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.failing, self.calls = False, 0
        self.free = threading.Event()
        self.free.set()
        self.inside = threading.Event()

    def put(self, folder: str, name: str, data: bytes) -> None:
        self.calls += 1
        self.inside.set()
        self.free.wait(DEADLINE)
        if self.failing:
            raise StoreError("it is away")
        super().put(folder, name, data)


class Scene:
    """A journal that grows and a copier of it."""

    def __init__(self, tmp_path: Path, **named: Any) -> None:
        self.journal = Journal.create(tmp_path / "j", MAGIC, {})
        (tmp_path / "copies").mkdir()
        self.store = Moody(tmp_path / "copies")
        self.copier = Copier(Shelf(self.store, "s", COURSE), tmp_path / "j", gap=0.001, **named)

    def grow(self) -> Saved:
        self.journal.append(1, b"x" * 50)
        saved = Saved(self.journal.place)
        self.copier.offer(saved)
        return saved

    def close(self) -> None:
        self.store.free.set()
        self.copier.close()
        self.journal.close()

    def newest(self) -> Head:
        head = next(Shelf(self.store, "s", COURSE).heads(None))
        assert isinstance(head, Head)
        return head


def test_what_is_offered_is_copied_and_the_end_waits_for_the_last(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    first = scene.grow()
    until(lambda: scene.copier.kept == first)
    last = [scene.grow() for _ in range(20)][-1]
    scene.close()
    assert scene.newest().end == last.end
    assert scene.copier.incidents() == []


def test_offering_never_waits_for_a_store_that_hangs_and_the_newest_wins(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.store.free.clear()
    scene.grow()
    assert scene.store.inside.wait(DEADLINE)
    begun = time.monotonic()
    last = [scene.grow() for _ in range(1000)][-1]
    assert time.monotonic() - begun < DEADLINE / 4
    assert scene.copier.kept is None
    calls = scene.store.calls
    scene.store.free.set()
    until(lambda: scene.copier.kept == last)
    scene.close()
    assert scene.store.calls - calls < 20  # not a thousand copies


def test_a_store_that_fails_is_told_once_and_told_again_when_it_is_back(tmp_path: Path) -> None:
    scene = Scene(tmp_path, failures=1000)
    scene.store.failing = True
    last = scene.grow()
    until(lambda: scene.store.calls >= 4)
    assert scene.copier.incidents() == ["copies are not made: it is away"]
    assert scene.copier.incidents() == []
    scene.store.failing = False
    until(lambda: scene.copier.kept == last)
    until(lambda: scene.copier.incidents() == [f"copies are made again: {scene.store.name}"])
    scene.close()


def test_a_store_that_fails_again_and_again_is_left_alone_for_a_while(tmp_path: Path) -> None:
    scene = Scene(tmp_path, failures=3, rest=3600.0)
    scene.store.failing = True
    scene.grow()
    until(lambda: scene.copier._breaker.current_state == "open")
    calls = scene.store.calls
    assert calls == 3
    for _ in range(50):
        scene.grow()
    scene.close()
    assert scene.store.calls == calls


def test_a_store_is_tried_again_after_its_rest(tmp_path: Path) -> None:
    scene = Scene(tmp_path, failures=2, rest=0.05)
    scene.store.failing = True
    last = scene.grow()
    until(lambda: scene.copier._breaker.current_state == "open")
    scene.store.failing = False
    until(lambda: scene.copier.kept == last)
    scene.close()


def test_the_end_of_a_session_is_not_held_up_by_a_store_that_hangs(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.store.free.clear()
    scene.grow()
    assert scene.store.inside.wait(DEADLINE)
    begun = time.monotonic()
    scene.copier.close(patience=0.01)
    assert time.monotonic() - begun < 5.0
    scene.close()


def test_a_session_without_stores_has_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    copies = Copies()
    copies.offer(Saved(Journal.create(tmp_path / "j", MAGIC, {}).place))
    assert threading.active_count() == before
    assert copies.incidents() == []
    copies.close()


def test_what_nobody_expected_is_told_and_ends_no_thread(tmp_path: Path) -> None:
    scene = Scene(tmp_path, failures=1000)
    real, scene.store.newest = scene.store.newest, lambda folder: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    last = scene.grow()
    told: list[str] = []
    until(lambda: told.extend(scene.copier.incidents()) or told)
    assert "ZeroDivisionError" in told[0]
    scene.store.newest = real  # type: ignore[method-assign]
    until(lambda: scene.copier.kept == last)
    scene.close()
