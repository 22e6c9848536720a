"""A session's passphrase is changed whole or not at all, wherever it is killed; copies and earlier sessions too."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import pytest
from lost import Memory, half, lose
from scenes import Killed, dying, played, scoring

from live.__main__ import main
from live.errors import LiveError, SealError
from live.journal import read
from live.keeping import Keeping
from live.lock import alone
from live.parity import check
from live.resealing import BESIDE, TURNED, opens, reseal, settled
from live.seal import Seal, is_sealed
from live.session import there
from live.stores import lineage
from live.stores.renewing import courses, renewed
from live.watch.jobs import archived
from live.words import MAGIC

WORD, NEW_WORD = "correct horse battery", "another horse battery"
OLD, NEW = Seal(WORD, rounds=10), Seal(NEW_WORD, rounds=10)
FRIDAY = 1_795_194_000_000_000_000


def payloads(path: Path, seal: Seal | None, magic: bytes = MAGIC) -> list[bytes]:
    return [frame.payload for frame in read(path, magic, seal=seal).frames]


def changed(folder: Path, stores: tuple[Memory, ...] = ()) -> None:
    """What the command does."""
    with settled(folder):
        if not opens(folder, NEW):
            reseal(folder, OLD, NEW, courses(folder, stores))
        for name, trouble in renewed(folder, Keeping(NEW, stores)):
            assert not trouble, name


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("whole") / "s"
    played(folder)
    return payloads(folder / "journal", None)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed session that was stopped in the middle, with snapshots."""
    folder = tmp_path_factory.mktemp("begun") / "s"
    half(folder, keeping=Keeping(OLD))
    return folder


def taken(begun: Path, into: Path) -> Path:
    shutil.copytree(begun, into / "s")
    return into / "s"


def test_a_resealed_session_opens_under_the_new_passphrase_alone_and_goes_on_from_its_snapshot(
    tmp_path: Path, begun: Path, whole: list[bytes]
) -> None:
    folder = taken(begun, tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if is_sealed_file(path)}
    changed(folder)
    assert len(before) == 6
    for path, data in before.items():
        assert path.read_bytes() != data
    with pytest.raises(SealError):
        there(folder, OLD)
    done = played(folder, keeping=Keeping(NEW))
    assert done.notes[0].startswith("going on from the snapshot, step 25")
    assert payloads(folder / "journal", NEW) == whole
    assert check(folder, scoring(), NEW).holds
    assert not (folder / BESIDE).exists()
    assert not (folder / TURNED).exists()


def is_sealed_file(path: Path) -> bool:
    """An envelope, or a journal with one for its head."""
    return path.is_file() and (is_sealed(path.read_bytes()) or b"QLSEALED" in path.read_bytes()[:32])


def test_the_older_snapshot_is_good_after_it_too(tmp_path: Path, begun: Path, whole: list[bytes]) -> None:
    folder = taken(begun, tmp_path)
    changed(folder)
    (folder / "snapshot").unlink()
    (folder / "broker" / "broker.snapshot").unlink()
    assert played(folder, keeping=Keeping(NEW)).notes[0].startswith("going on from the snapshot, step 20")
    assert payloads(folder / "journal", NEW) == whole


def one_of(folder: Path) -> Seal:
    """The passphrase that a session is under now, as its owner finds out: exactly one opens it."""
    good = []
    for seal in (OLD, NEW):
        try:
            there(folder, seal)
            good.append(seal)
        except SealError:
            continue
    assert len(good) == 1
    return good[0]


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_killed_at_any_call_a_session_is_whole_under_one_of_both_and_the_next_reseal_ends_it(
    tmp_path: Path, begun: Path, whole: list[bytes], monkeypatch: Any, stride: int
) -> None:
    with dying(monkeypatch, 0) as count:
        changed(taken(begun, tmp_path / "count"))
    assert count[0] > 100
    last = range(max(1, count[0] - 40), count[0] + 1)  # around the turn and behind it: every call
    found = set()
    for at in sorted({*range(1, count[0] + 1, stride), *last}):
        folder = taken(begun, tmp_path / str(at))
        with dying(monkeypatch, at, at % 2 == 0), pytest.raises(Killed):
            changed(folder)
        seal = one_of(folder)
        found.add(seal)
        if at % 2:
            changed(folder)
            seal = NEW
        played(folder, keeping=Keeping(seal))
        assert payloads(folder / "journal", seal) == whole, f"killed at call {at}"
        assert not (folder / TURNED).exists()
        shutil.rmtree(folder.parent)
    assert found == {OLD, NEW}


def test_copies_are_under_the_new_passphrase_and_none_is_left_under_the_old(tmp_path: Path, whole: list[bytes]) -> None:
    store, folder = Memory(), tmp_path / "s"
    half(folder, keeping=Keeping(OLD, (store,)))
    before = {data for names in store.kept.values() for data in names.values()}
    changed(folder, (store,))
    after = {data for names in store.kept.values() for data in names.values()}
    assert before & after == set()
    assert len([kept for kept in store.kept.values() if kept]) == 4  # current, and one course of three kinds
    [snapshot] = next(names for kept, names in store.kept.items() if names and kept.endswith("snapshot")).values()
    assert snapshot == (folder / "snapshot").read_bytes()
    assert not (folder / lineage.FORMER).exists()
    lose(folder)
    done = played(folder, keeping=Keeping(NEW, (store,)))
    assert done.notes[0].startswith("state from the copy at memory, ")
    assert payloads(folder / "journal", NEW) == whole


def test_killed_at_any_write_to_a_store_a_copy_brings_the_session_back_under_one_of_both(
    tmp_path: Path, whole: list[bytes]
) -> None:
    class Dying(Memory):
        left = -1

        def put(self, folder: str, name: str, data: bytes) -> None:
            self.count()
            super().put(folder, name, data)

        def drop(self, folder: str, name: str) -> None:
            self.count()
            super().drop(folder, name)

        def count(self) -> None:
            self.left -= 1
            if self.left == 0:
                raise Killed("a store")

    for at in range(1, 30):
        store, folder = Dying(), tmp_path / str(at) / "s"
        half(folder, keeping=Keeping(OLD, (store,)))
        store.left = at
        try:
            changed(folder, (store,))
        except Killed:
            pass
        else:
            assert at > 5
            break
        store.left = -1
        if at % 2:
            changed(folder, (store,))
            assert not (folder / lineage.FORMER).exists()
        lose(folder)
        for seal in (NEW, OLD):
            try:
                played(folder, keeping=Keeping(seal, (store,)))
                break
            except LiveError:
                assert seal is NEW
                assert at % 2 == 0
        assert payloads(folder / "journal", seal) == whole, f"killed at write {at}"
    else:
        raise AssertionError("it never came to its end")


def test_a_store_that_is_silent_is_told_and_renewed_by_the_next_reseal(tmp_path: Path) -> None:
    store, folder = Memory(), tmp_path / "s"
    half(folder, keeping=Keeping(OLD, (store,)))
    old = lineage.lineage_of(folder)
    with settled(folder):
        reseal(folder, OLD, NEW, courses(folder, (store,)))
        store.away = True
        [(_, trouble)] = renewed(folder, Keeping(NEW, (store,)))
    assert "does not answer" in trouble
    assert lineage.former_of(folder) == (old,)
    store.away = False
    changed(folder, (store,))
    assert lineage.former_of(folder) == ()
    assert not any(names for kept, names in store.kept.items() if old in kept)


def test_earlier_sessions_and_archives_are_changed_and_what_does_not_open_is_left_and_told(
    tmp_path: Path, begun: Path
) -> None:
    folder = taken(begun, tmp_path)
    for number, seal in enumerate((OLD, Seal("a third passphrase", rounds=10), None), 1):
        half(tmp_path / str(number), keeping=Keeping(seal))
        shutil.move(tmp_path / str(number), folder / f"before-{number}")
    archived(folder, FRIDAY)
    third = (folder / "before-2" / "journal").read_bytes()
    with settled(folder):
        done = reseal(folder, OLD, NEW)
    assert len(done.left) == 2
    assert "before-2" in done.left[0]
    assert "before-3/journal: it is not sealed" in done.left[1]
    assert payloads(folder / "before-1" / "journal", NEW) == payloads(tmp_path / "s" / "journal", NEW)
    assert (folder / "before-2" / "journal").read_bytes() == third
    (tmp_path / "unpacked").write_bytes(gzip.decompress(next((folder / "archive").iterdir()).read_bytes()))
    assert payloads(tmp_path / "unpacked", NEW) == payloads(folder / "journal", NEW)
    assert [path.name for path in (folder / "archive").iterdir()] == ["journal-2026-11-20.gz"]


def test_a_snapshot_that_is_not_of_the_journal_is_left_as_it_was(tmp_path: Path, begun: Path) -> None:
    folder = taken(begun, tmp_path)
    half(tmp_path / "other" / "s", keeping=Keeping(OLD))
    shutil.copy(tmp_path / "other" / "s" / "snapshot", folder / "snapshot")  # same places, other ciphertext
    with settled(folder):
        done = reseal(folder, OLD, NEW)
    assert len(done.left) == 1
    assert "it is no snapshot of the journal beside it" in done.left[0]


@pytest.fixture
def quick(monkeypatch: Any) -> None:
    """Fewer rounds for what the command line seals."""
    monkeypatch.setattr("live.seal.ROUNDS", 10)
    monkeypatch.setattr(Seal.__init__, "__defaults__", (10,))


@pytest.mark.usefixtures("quick")
def test_the_command_changes_the_passphrase_and_says_what_to_do(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    folder = tmp_path / "s"
    half(folder, keeping=Keeping(Seal(WORD)))
    assert main(["reseal", str(folder)]) == 2
    assert "set QUANT_PASSPHRASE to the passphrase there is and QUANT_PASSPHRASE_NEW" in capsys.readouterr().err
    monkeypatch.setenv("QUANT_PASSPHRASE", WORD)
    monkeypatch.setenv("QUANT_PASSPHRASE_NEW", NEW_WORD)
    with alone(folder):
        assert main(["reseal", str(folder)]) == 2
    assert "stop that one first" in capsys.readouterr().err
    (folder / "seat").mkdir()
    with alone(folder / "seat"):
        assert main(["reseal", str(folder)]) == 2
    assert "s/seat is run by process" in capsys.readouterr().err
    assert main(["reseal", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "6 files are sealed under the new passphrase" in out
    assert "set QUANT_PASSPHRASE to the new one" in out
    assert WORD not in out
    assert NEW_WORD not in out
    monkeypatch.setenv("QUANT_PASSPHRASE", NEW_WORD)
    monkeypatch.delenv("QUANT_PASSPHRASE_NEW")
    assert main(["status", str(folder)]) == 0


@pytest.mark.usefixtures("quick")
def test_with_a_wrong_passphrase_nothing_is_changed(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    folder = tmp_path / "s"
    half(folder, keeping=Keeping(Seal(WORD)))
    before = {path: path.read_bytes() for path in folder.rglob("*") if is_sealed_file(path)}
    monkeypatch.setenv("QUANT_PASSPHRASE", "a wrong passphrase")
    monkeypatch.setenv("QUANT_PASSPHRASE_NEW", NEW_WORD)
    assert main(["reseal", str(folder)]) == 2
    assert "the passphrase is not the one it was sealed with" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before
    assert played(folder, keeping=Keeping(Seal(WORD))).resumed == 25


@pytest.mark.usefixtures("quick")
def test_the_command_renews_copies_and_says_what_is_left(
    tmp_path: Path, copies: Path, monkeypatch: Any, capsys: Any
) -> None:
    folder, store = tmp_path / "s", f"file://{copies}"
    monkeypatch.setenv("QUANT_STATE_COPIES", store)
    monkeypatch.setenv("QUANT_PASSPHRASE", WORD)
    words = ["replay", "--plain", "--from", "2018-06-01", "--to", "2018-09-01", "--session", str(folder)]
    assert main(words) == 0
    monkeypatch.setenv("QUANT_PASSPHRASE_NEW", NEW_WORD)
    monkeypatch.delenv("QUANT_STATE_COPIES")
    assert main(["reseal", str(folder)]) == 1
    assert "copies under the old passphrase are left; reseal once more" in capsys.readouterr().out
    monkeypatch.setenv("QUANT_STATE_COPIES", store)
    assert main(["reseal", str(folder)]) == 0
    assert f"copies at {store}: sealed under the new passphrase" in capsys.readouterr().out
    lose(folder)
    monkeypatch.setenv("QUANT_PASSPHRASE", NEW_WORD)
    assert main(words) == 0
    assert "state from the copy" in capsys.readouterr().out
