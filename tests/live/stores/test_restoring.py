"""The newest good state wins, wherever it is; what is not used is told; nothing is ever guessed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from lost import Become, Memory, become, half, lose
from scenes import Killed, dying, played, scored, scoring

from live.errors import Corrupted, LiveError, SealError, StateError, StoreError
from live.journal import read
from live.keeping import Keeping
from live.lock import alone
from live.operator import want, wanted_in
from live.seal import Seal
from live.stores.addresses import COPIES, stores_of
from live.stores.lineage import lineage_of
from live.stores.restoring import recovered, restored
from live.words import MAGIC, OPERATOR, action_of

SEAL = Seal("correct horse", rounds=10)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Become:
    """The session that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole") / "s"
    played(folder)
    return become(folder)


def keeping(*stores: Memory) -> Keeping:
    return Keeping(None, stores)


def told(notes: tuple[str, ...], word: str) -> bool:
    return any(word in note for note in notes)


@pytest.mark.parametrize("address", ["file", "redis", "s3"], indirect=True)
def test_a_session_whose_folder_is_lost_goes_on_from_a_copy(address: str, tmp_path: Path, whole: Become) -> None:
    kept = Keeping(None, stores_of({COPIES: address}))
    half(tmp_path / "s", keeping=kept)
    lose(tmp_path / "s")
    done = played(tmp_path / "s", keeping=kept)
    assert done.notes[0].startswith(f"state from the copy at {kept.stores[0].name}, ")
    assert done.notes[0].endswith("since there are no files here")
    assert done.resumed == 25
    assert become(tmp_path / "s") == whole


def test_files_that_are_ahead_of_every_copy_are_gone_on_with(tmp_path: Path, whole: Become) -> None:
    store = Memory()
    half(tmp_path / "s", 12, keeping=keeping(store))
    half(tmp_path / "s", 10)
    done = played(tmp_path / "s", keeping=keeping(store))
    assert done.resumed == 22
    assert not told(done.notes, "copy")
    assert become(tmp_path / "s") == whole


def test_files_of_an_old_backup_give_way_to_a_newer_copy(tmp_path: Path, whole: Become) -> None:
    store = Memory()
    half(tmp_path / "s", 12, keeping=keeping(store))
    shutil.copytree(tmp_path / "s", tmp_path / "backup" / "s")
    half(tmp_path / "s", 15, keeping=keeping(store))
    lose(tmp_path / "s")
    shutil.move(tmp_path / "backup" / "s", tmp_path / "s")
    before = (tmp_path / "s" / "journal").read_bytes()
    done = played(tmp_path / "s", keeping=keeping(store))
    assert done.resumed == 27
    assert told(done.notes, "since the journal here ends before it, after ")
    assert (tmp_path / "s" / "replaced-1" / "journal").read_bytes() == before
    assert become(tmp_path / "s") == whole


def test_a_damaged_journal_is_mended_by_a_copy_and_loses_nothing(tmp_path: Path, whole: Become) -> None:
    store = Memory()
    half(tmp_path / "s", 12, keeping=keeping(store))
    half(tmp_path / "s", 10)  # no copy was made of these
    path = tmp_path / "s" / "journal"
    frames = len(read(path, MAGIC).frames)
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 1
    path.write_bytes(data)
    done = played(tmp_path / "s", keeping=keeping(store))
    assert done.resumed == 22
    assert told(done.notes, f"{frames:,} frames of the journal, since the files here are damaged (")
    assert (tmp_path / "s" / "replaced-1" / "journal").read_bytes() == data
    assert become(tmp_path / "s") == whole


@pytest.mark.parametrize("content", [b"", b"PAR1" * 20])
def test_a_file_that_is_no_journal_gives_way_to_a_copy(tmp_path: Path, whole: Become, content: bytes) -> None:
    store = Memory()
    half(tmp_path / "s", keeping=keeping(store))
    (tmp_path / "s" / "journal").write_bytes(content)
    assert played(tmp_path / "s", keeping=keeping(store)).resumed == 25
    assert (tmp_path / "s" / "replaced-1" / "journal").read_bytes() == content
    assert become(tmp_path / "s") == whole


def test_the_newest_of_several_copies_wins_and_of_equal_ones_the_first(tmp_path: Path, whole: Become) -> None:
    old, new, same = Memory("old"), Memory("new"), Memory("same")
    half(tmp_path / "s", 12, keeping=keeping(old, new, same))
    old.away = True
    half(tmp_path / "s", 5, keeping=keeping(old, new, same))
    old.away = False
    lose(tmp_path / "s")
    done = played(tmp_path / "s", keeping=keeping(old, new, same))
    assert done.resumed == 17
    assert told(done.notes, "state from the copy at new, ")
    assert become(tmp_path / "s") == whole


@pytest.mark.parametrize("kind", ["journal", "head"])
def test_a_damaged_copy_is_told_and_the_next_one_is_used(tmp_path: Path, whole: Become, kind: str) -> None:
    bad, good = Memory("bad"), Memory("good")
    half(tmp_path / "s", keeping=keeping(bad, good))
    lose(tmp_path / "s")
    bad.spoil(kind)
    done = played(tmp_path / "s", keeping=keeping(bad, good))
    assert done.notes[0].startswith("not used: copy of s at bad: its ")
    assert told(done.notes, "state from the copy at good, ")
    assert become(tmp_path / "s") == whole


def test_nothing_is_begun_while_a_store_that_may_know_more_is_silent(tmp_path: Path) -> None:
    store = Memory()
    half(tmp_path / "s", keeping=keeping(store))
    lose(tmp_path / "s")
    store.away = True
    with pytest.raises(StoreError, match="there are no files here, and memory: it does not answer") as error:
        played(tmp_path / "s", keeping=keeping(store))
    assert "--fresh" in str(error.value)
    assert not (tmp_path / "s" / "journal").exists()


def test_nothing_is_begun_over_copies_that_cannot_be_used(tmp_path: Path) -> None:
    store = Memory()
    half(tmp_path / "s", 5, keeping=keeping(store))
    lose(tmp_path / "s")
    store.spoil("journal")
    with pytest.raises(StateError, match="its journal is incomplete or damaged"):
        played(tmp_path / "s", keeping=keeping(store))
    assert played(tmp_path / "s", keeping=keeping(store), fresh=True).resumed == 0


def test_files_here_are_gone_on_with_while_a_store_is_silent_and_that_is_told(tmp_path: Path, whole: Become) -> None:
    store = Memory()
    half(tmp_path / "s", keeping=keeping(store))
    store.away = True
    done = played(tmp_path / "s", keeping=keeping(store))
    assert done.resumed == 25
    assert told(done.notes, "a store could not be asked, the files here are gone on with: memory: it does not answer")
    notes = [f for f in read(tmp_path / "s" / "journal", MAGIC).frames if b"copies are not made" in f.payload]
    assert len(notes) <= 1  # told in the journal too, if it came in time, and once
    store.away = False
    assert become(tmp_path / "s").lots == whole.lots


def test_a_fresh_start_is_not_undone_by_copies_of_the_session_before(tmp_path: Path, whole: Become) -> None:
    store = Memory()
    played(tmp_path / "s", keeping=keeping(store))
    half(tmp_path / "s", 3, keeping=keeping(store), fresh=True)
    assert half(tmp_path / "s", 3, keeping=keeping(store)).resumed == 3
    lose(tmp_path / "s")
    done = played(tmp_path / "s", keeping=keeping(store))
    assert done.resumed == 6
    assert become(tmp_path / "s") == whole


def test_a_fresh_start_needs_no_store_to_answer(tmp_path: Path) -> None:
    store = Memory()
    half(tmp_path / "s", keeping=keeping(store))
    store.away = True
    assert half(tmp_path / "s", 3, keeping=keeping(store), fresh=True).resumed == 0


def test_a_session_gone_on_from_an_older_copy_is_another_course(tmp_path: Path, whole: Become) -> None:
    old, new = Memory("old"), Memory("new")
    half(tmp_path / "s", 12, keeping=keeping(old, new))
    first = lineage_of(tmp_path / "s")
    old.away = True
    half(tmp_path / "s", 10, keeping=keeping(old, new))
    lose(tmp_path / "s")
    old.away, new.away = False, True
    assert half(tmp_path / "s", 2, keeping=keeping(old, new)).resumed == 12
    assert lineage_of(tmp_path / "s") != first
    new.away = False  # it has 22 steps of what is no longer so
    assert half(tmp_path / "s", 2, keeping=keeping(old, new)).resumed == 14
    lose(tmp_path / "s")
    assert played(tmp_path / "s", keeping=keeping(old, new)).resumed == 16
    assert become(tmp_path / "s") == whole


def test_a_copy_of_another_course_is_told_once_and_left_alone_from_then_on(tmp_path: Path) -> None:
    store = Memory()
    half(tmp_path / "s", 20, keeping=keeping(store))
    course = lineage_of(tmp_path / "s")
    lose(tmp_path / "s")
    half(tmp_path / "s", 10, table=scored(seed=6), strategy=scoring())
    (tmp_path / "s" / "lineage").write_text(str(course))
    before = (tmp_path / "s" / "journal").read_bytes()
    assert told(recovered(tmp_path / "s", keeping(store)), "not used: copy of s at memory: it is of another course")
    assert recovered(tmp_path / "s", keeping(store)) == ()
    assert (tmp_path / "s" / "journal").read_bytes() == before
    assert lineage_of(tmp_path / "s") != course


def test_a_copy_of_a_session_with_another_description_is_not_used(tmp_path: Path) -> None:
    store = Memory()
    half(tmp_path / "s", keeping=keeping(store), cash=5e5)
    lose(tmp_path / "s")
    with pytest.raises(StateError, match="other cash"):
        played(tmp_path / "s", keeping=keeping(store))
    lose(tmp_path / "s")
    with pytest.raises(StateError, match="other strategy"):
        played(tmp_path / "s", keeping=keeping(store), strategy=scoring(enter=0.9), cash=5e5)


def test_without_any_copy_a_session_begins(tmp_path: Path, whole: Become) -> None:
    assert played(tmp_path / "s", keeping=keeping(Memory())).notes == ()
    assert become(tmp_path / "s") == whole


def test_actions_that_were_obeyed_are_known_again_and_new_ones_are_obeyed(tmp_path: Path) -> None:
    store, folder = Memory(), tmp_path / "s"
    half(folder, 5, keeping=keeping(store))
    want(folder / "operator", "reduce", who="ada", why="lunch")
    want(folder / "operator", "override", limit="gross", value=0.5, until=1_601_000_000_000_000_000)
    half(folder, 5, keeping=keeping(store))
    before = wanted_in(folder / "operator")
    lose(folder)
    assert half(folder, 1, keeping=keeping(store)).mode == "REDUCING"
    again = wanted_in(folder / "operator")
    assert [(w.number, w.word, w.who, w.why, w.limit, w.value) for w in again] == [
        (w.number, w.word, w.who, w.why, w.limit, w.value) for w in before
    ]
    assert want(folder / "operator", "halt").number == 3
    assert half(folder, 1, keeping=keeping(store)).mode == "HALTED"
    obeyed = [f for f in read(folder / "journal", MAGIC).frames if f.kind == OPERATOR]
    assert len(obeyed) == 3


def test_what_is_wanted_while_the_folder_is_lost_is_obeyed_in_its_order(tmp_path: Path) -> None:
    store, folder = Memory(), tmp_path / "s"
    half(folder, 5, keeping=keeping(store))
    want(folder / "operator", "reduce", who="ada", why="lunch")
    half(folder, 5, keeping=keeping(store))
    lose(folder)
    for word in ("flatten", "resume", "halt"):
        want(folder / "operator", word, who="ada", why="it is gone")
    assert half(folder, 1, keeping=keeping(store)).mode == "HALTED"
    obeyed = [action_of(f.payload) for f in read(folder / "journal", MAGIC).frames if f.kind == OPERATOR]
    assert [(a.number, a.word) for a in obeyed] == [(1, "reduce"), (2, "flatten"), (3, "resume"), (4, "halt")]


def test_a_sealed_session_is_brought_back_with_its_passphrase_alone(tmp_path: Path, whole: Become) -> None:
    store = Memory()
    half(tmp_path / "s", keeping=Keeping(SEAL, (store,)))
    lose(tmp_path / "s")
    for other in (None, Seal("wrong horse", rounds=10)):
        with pytest.raises(StateError, match=r"copy of s at memory: .*seal"):
            played(tmp_path / "s", keeping=Keeping(other, (store,)))
        assert not (tmp_path / "s" / "journal").exists()
    assert played(tmp_path / "s", keeping=Keeping(SEAL, (store,))).resumed == 25
    assert become(tmp_path / "s", SEAL) == whole


def test_a_sealed_journal_without_its_passphrase_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    store = Memory()
    half(tmp_path / "s", keeping=Keeping(SEAL, (store,)))
    before = (tmp_path / "s" / "journal").read_bytes()
    for other in (None, Seal("wrong horse", rounds=10)):
        with pytest.raises(SealError):
            played(tmp_path / "s", keeping=Keeping(other, (store,)))
    assert (tmp_path / "s" / "journal").read_bytes() == before


def test_a_damaged_journal_without_copies_is_still_refused(tmp_path: Path) -> None:
    half(tmp_path / "s", keeping=keeping(Memory()))
    path = tmp_path / "s" / "journal"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Corrupted):
        played(tmp_path / "s", keeping=keeping(Memory("empty")))


def test_recovery_holds_the_lock_and_makes_the_folder(tmp_path: Path) -> None:
    store = Memory()
    half(tmp_path / "s", keeping=keeping(store))
    with alone(tmp_path / "s"), pytest.raises(LiveError, match="is run by process"):
        recovered(tmp_path / "s", keeping(store))
    lose(tmp_path / "s")
    assert told(recovered(tmp_path / "s", keeping(store)), "state from the copy at memory")
    assert recovered(tmp_path / "s", keeping(store)) == ()
    assert recovered(tmp_path / "nothing", Keeping()) == ()
    assert not (tmp_path / "nothing").exists()


def gone(folder: Path) -> None:
    """No files at all."""


def backup(folder: Path) -> None:
    """Files of an earlier moment."""
    half(folder, 7)


def damage(folder: Path) -> None:
    """A journal damaged in its middle, and further than the copy."""
    half(folder, 27)
    data = bytearray((folder / "journal").read_bytes())
    data[len(data) // 4] ^= 1
    (folder / "journal").write_bytes(data)


@pytest.mark.parametrize("scene", [gone, backup, damage])
def test_bringing_back_can_be_killed_at_any_call(tmp_path: Path, monkeypatch: Any, whole: Become, scene: Any) -> None:
    store = Memory()
    (tmp_path / "first").mkdir()
    half(tmp_path / "first" / "s", 20, keeping=keeping(store))
    course = lineage_of(tmp_path / "first" / "s")

    def lost(folder: Path) -> Path:
        folder.mkdir(parents=True)
        scene(folder)
        if scene is not gone:
            (folder / "lineage").write_text(str(course))
        return folder

    folder = lost(tmp_path / "count" / "s")
    with dying(monkeypatch, 0) as count:
        restored(folder, keeping(store))
    assert count[0] >= 6
    for at in range(1, count[0] + 1):
        for cut in (False, True):
            folder = lost(tmp_path / f"{at}-{cut}" / "s")
            with dying(monkeypatch, at, cut), pytest.raises(Killed):
                restored(folder, keeping(store))
            played(folder, keeping=keeping(store))
            assert become(folder) == whole, f"killed at call {at}, half {cut}"


def test_a_session_killed_at_any_call_whose_folder_is_then_lost_ends_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: Any, whole: Become
) -> None:
    with dying(monkeypatch, 0) as count:
        played(tmp_path / "count" / "s", keeping=keeping(Memory()))
    resumed = []
    for at in range(1, count[0] + 1, 3):
        store, folder = Memory(), tmp_path / f"{at}" / "s"
        with dying(monkeypatch, at, at % 2 == 0), pytest.raises(Killed):
            played(folder, keeping=keeping(store))
        lose(folder)
        resumed.append(played(folder, keeping=keeping(store)).resumed)
        assert become(folder) == whole, f"killed at call {at}"
    assert max(resumed) > 30
