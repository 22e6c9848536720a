"""The folder of a session is lost, and its store holds something that is no copy to go on from: nothing is begun."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lost import half, lose
from scenes import played

from live.aside import put_aside
from live.errors import StateError, StoreError
from live.keeping import Keeping
from live.stores.addresses import COPIES, stores_of
from live.stores.files import FileStore
from live.stores.lineage import lineage_of
from live.stores.protocol import Store

OTHER = b"fedcba9876543210"
every_kind = pytest.mark.parametrize("address", ["file", "redis", "s3"], indirect=True)


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    one = stores_of({COPIES: address})[0]
    yield one
    one.close()


def course_of(folder: Path) -> str:
    course = lineage_of(folder)
    assert course is not None
    return course


def headless(store: Store, course: str) -> None:
    for name in store.newest(f"s/{course}/head"):
        store.drop(f"s/{course}/head", name)


def refused(folder: Path, store: Store, why: str) -> None:
    """The start is, and the store is left as it was."""
    before = sorted(store.below("s"))
    with pytest.raises(StateError, match=why) as error:
        played(folder, keeping=Keeping(None, (store,)))
    assert "begin anew with --fresh" in str(error.value)
    assert not (folder / "journal").exists()
    assert sorted(store.below("s")) == before


@every_kind
def test_all_that_a_store_holds_of_a_session_is_found_and_nothing_of_its_neighbours(store: Store) -> None:
    for folder in ("s", "s/c/head", "s/c/head/deep", "st", "s*", "a/s"):
        store.put(folder, "name", b"x")
        store.put(folder, "name", b"y")
    assert sorted(store.below("s")) == ["c/head/deep/name", "c/head/name", "name"]
    assert store.below("s/c/head/deep") == ["name"]
    assert store.below("s*") == ["name"]
    assert store.below("nothing") == []


@every_kind
def test_a_current_that_names_a_course_without_copies_is_refused(store: Store, tmp_path: Path) -> None:
    half(tmp_path / "s", keeping=Keeping(None, (store,)))
    course = course_of(tmp_path / "s")
    lose(tmp_path / "s")
    store.put("s", "current", OTHER)
    refused(tmp_path / "s", store, f"names the course fedcba9876543210, .* no head.* holds {course}")
    store.put("s", "current", course.encode())
    assert played(tmp_path / "s", keeping=Keeping(None, (store,))).resumed == 25


@every_kind
def test_courses_without_a_current_are_refused(store: Store, tmp_path: Path) -> None:
    half(tmp_path / "s", keeping=Keeping(None, (store,)))
    course = course_of(tmp_path / "s")
    lose(tmp_path / "s")
    store.drop("s", "current")
    refused(tmp_path / "s", store, f"nothing says which course .* holds {course}")


@every_kind
def test_pieces_without_a_head_are_refused(store: Store, tmp_path: Path) -> None:
    half(tmp_path / "s", keeping=Keeping(None, (store,)))
    course = course_of(tmp_path / "s")
    headless(store, course)
    (tmp_path / "s" / "journal").unlink()  # the folder still says which course it was
    refused(tmp_path / "s", store, f"names the course {course}, .* no head")
    store.put("s", "current", OTHER)
    refused(tmp_path / "s", store, f"pieces of the course {course}, .* no head")
    lose(tmp_path / "s")
    store.drop("s", "current")
    refused(tmp_path / "s", store, "nothing says which course")


def test_files_here_are_gone_on_with_whatever_a_store_holds_and_its_copies_are_made_whole(
    tmp_path: Path, copies: Path
) -> None:
    store = FileStore(copies)
    half(tmp_path / "s", keeping=Keeping(None, (store,)))
    headless(store, course_of(tmp_path / "s"))
    store.put("s", "current", OTHER)
    half(tmp_path / "s", 1, keeping=Keeping(None, (store,)))
    lose(tmp_path / "s" / "broker")
    (tmp_path / "s" / "journal").unlink()
    assert played(tmp_path / "s", keeping=Keeping(None, (store,))).resumed == 26


def test_a_session_that_was_put_aside_begins_anew_though_copies_of_it_stay(tmp_path: Path, copies: Path) -> None:
    kept = Keeping(None, (FileStore(copies),))
    half(tmp_path / "s", keeping=kept)
    put_aside(tmp_path / "s")
    assert played(tmp_path / "s", keeping=kept).resumed == 0


def test_a_folder_of_copies_that_is_not_there_is_silent_and_is_never_made(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "mount")
    with pytest.raises(StoreError, match=r"mount: there is no such folder; mount it, or make it .*--fresh"):
        played(tmp_path / "s", keeping=Keeping(None, (store,)))
    for ask in (lambda: store.put("s", "n", b"x"), lambda: store.drop("s", "n"), lambda: store.newest("s")):
        with pytest.raises(StoreError, match="there is no such folder"):
            ask()
    assert not (tmp_path / "mount").exists()
    (tmp_path / "mount").mkdir()
    assert half(tmp_path / "s", keeping=Keeping(None, (store,))).resumed == 0
    shutil.move(tmp_path / "mount", tmp_path / "away")
    done = half(tmp_path / "s", 1, keeping=Keeping(None, (store,)))
    assert done.resumed == 25
    assert any("could not be asked" in note and "no such folder" in note for note in done.notes)
    assert not (tmp_path / "mount").exists()


def test_a_folder_of_copies_that_is_a_file_is_silent(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"file: it is no folder"):
        played(tmp_path / "s", keeping=Keeping(None, (FileStore(tmp_path / "file"),)))
    assert not (tmp_path / "s" / "journal").exists()
