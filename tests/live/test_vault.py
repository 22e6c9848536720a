"""What a session leaves on the disk is its owner's alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scenes import COSTS as REPLAY_COSTS
from scenes import played, scored, scoring
from test_wire_law import COSTS, day, momentum

from live.control import audit
from live.keeping import Keeping
from live.operator import want
from live.private import narrow, private_folder
from live.rehearsal import rehearse
from live.session import replay
from live.stores.files import FileStore
from live.vault import generations, keep


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """A machine whose user lets everybody read what they do not forbid."""
    before = os.umask(0)
    yield
    os.umask(before)


def wide(folder: Path) -> dict[str, str]:
    """What others may look into, with its mode."""
    found = [folder, *folder.rglob("*")]
    wanted = {path: 0o700 if path.is_dir() else 0o600 for path in found}
    modes = {path: path.stat().st_mode & 0o777 for path in found}
    return {str(path.relative_to(folder)): f"{modes[path]:o}" for path in found if modes[path] != wanted[path]}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def test_a_replay_leaves_nothing_that_others_may_read(tmp_path: Path) -> None:
    folder, copies = tmp_path / "s", tmp_path / "copies"
    copies.mkdir(0o700)
    kept = Keeping(None, (FileStore(copies),))
    played(folder, keeping=kept)
    want(folder / "operator", "reduce")
    audit.note(folder / audit.FILE, who="ada", role="operator", what="reduce")
    played(folder, fresh=True, keeping=kept)
    assert {"journal", "snapshot", "snapshot.old", "broker.journal", "broker.snapshot"} <= names(folder)
    assert {"000001", "lock", "lineage", "before-1", "audit.jsonl"} <= names(folder)
    assert len(names(copies)) > 5
    assert wide(folder) == wide(copies) == {}


def test_a_session_through_the_wire_leaves_nothing_that_others_may_read(tmp_path: Path) -> None:
    folder = tmp_path / "wire"
    rehearse(momentum(), day(10), folder, cash=1e5, costs=COSTS)
    assert {"journal", "snapshot", "pulse.json", "lock"} <= names(folder)
    assert wide(folder) == {}


def test_a_folder_that_was_made_wide_is_narrowed_by_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    left = iter(range(20))
    played(folder, stop=lambda: next(left, None) is None)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    played(folder)
    held = {"snapshot.old", "broker/broker.snapshot.old"}  # a generation that no start has written again
    assert wide(folder).keys() <= held


def test_what_others_own_is_left_to_them(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "theirs").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    narrow(private_folder(tmp_path / "theirs"), 0o700)
    assert (tmp_path / "theirs").stat().st_mode & 0o777 == 0o777


def test_a_mode_is_never_widened(tmp_path: Path) -> None:
    (tmp_path / "own").touch(0o400)
    narrow(tmp_path / "own")
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o400


def test_a_kept_snapshot_is_told_as_it_was_written(tmp_path: Path) -> None:
    assert keep(tmp_path / "x", b"one") == b"one"
    keep(tmp_path / "x", b"two")
    assert [data for _, data in generations(tmp_path / "x")] == [b"two", b"one"]


def test_where_a_session_goes_on_from_is_said_in_one_line(tmp_path: Path) -> None:
    left = iter(range(40))
    replay(scoring(), scored(), tmp_path / "s", costs=REPLAY_COSTS, stop=lambda: next(left, None) is None, every=10)
    done = played(tmp_path / "s")
    assert done.notes == (f"going on from the snapshot, step {done.resumed}, and 0 frames after it",)
