"""What an operator leaves in the folder by hand: obeyed once, never lost, and nothing there stops the session."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from scenes import Killed, dying, played

from live import operator
from live.errors import SessionError
from live.hand import ASIDE, Hand
from live.journal import read
from live.operator import FILE, recall, want, wanted_in
from live.words import MAGIC, NOTE, OPERATOR, Action, Note, action_of, note_of

MODES = {"halt": "HALTED", "reduce": "REDUCING", "flatten": "REDUCING"}


def left(folder: Path, name: str, text: str = "") -> Path:
    """A file in the operator's folder, as a shell would leave it there."""
    path = folder / "operator" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def journalled(folder: Path) -> tuple[list[Action], list[Note]]:
    frames = read(folder / "journal", MAGIC).frames
    acts = [action_of(frame.payload) for frame in frames if frame.kind == OPERATOR]
    return acts, [note_of(frame.payload) for frame in frames if frame.kind == NOTE]


@pytest.mark.parametrize("word", MODES)
def test_a_file_named_as_a_word_throws_it_and_is_taken_away(tmp_path, word):
    path = left(tmp_path / "s", word)
    assert played(tmp_path / "s").mode == MODES[word]
    assert not path.exists()
    acts, notes = journalled(tmp_path / "s")
    assert [(a.number, a.word, a.who, a.why) for a in acts] == [(1, word, FILE, f"operator/{word} was put there")]
    assert [(n.kind, n.text) for n in notes] == [("kill switch", f"{word}: operator/{word} was put there")]


def test_the_folder_is_there_from_the_start_so_that_touch_finds_it(tmp_path):
    played(tmp_path / "s")
    assert (tmp_path / "s" / "operator").stat().st_mode & 0o777 == 0o700


def test_the_same_word_is_thrown_again_by_another_file(tmp_path):
    hand = Hand(tmp_path / "operator", set())
    for number in (1, 2):
        left(tmp_path, "halt")
        assert [(w.number, w.word) for w in hand.due(0)] == [(number, "halt")]
    assert hand.due(0) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("000001", "halt"), ("000007", "halt"), ("000001", ""), ("000001", "[]"), ("000001", '{"word": "stop"}'),
        ("000001", '{"word": "halt", "number": 3}'), ("resume", ""), ("HALT", ""), ("stop", "now"), ("7", "{}"),
        ("000001", '{"word": "override", "limit": ["gross"], "value": 1, "until": 5}'),
    ],
)  # fmt: skip
def test_a_file_that_is_no_action_throws_halt_and_is_put_aside(tmp_path, name, text):
    left(tmp_path / "s", name, text)
    assert played(tmp_path / "s").mode == "HALTED"
    acts, notes = journalled(tmp_path / "s")
    assert [(a.word, a.who) for a in acts] == [("halt", FILE)]
    assert acts[0].why.startswith(f"operator/{name} cannot be read as an action")
    assert [n.kind for n in notes] == ["kill switch"]
    assert (tmp_path / "s" / "operator" / f"{name}{ASIDE}").read_text() == text
    assert played(tmp_path / "s").mode == "HALTED"
    assert len(journalled(tmp_path / "s")[0]) == 1, "obeyed once"


def test_bytes_that_are_no_text_links_and_folders_do_not_stop_a_session_either(tmp_path):
    left(tmp_path / "s", "000001").write_bytes(b"\xff\xfe")
    (tmp_path / "s" / "operator" / "000002").mkdir()
    (tmp_path / "s" / "operator" / "000003").symlink_to("nowhere")
    os.mkfifo(tmp_path / "s" / "operator" / "000004")
    left(tmp_path / "s", "000005", "[" * 100_000)
    (tmp_path / "s" / "operator" / "halt").mkdir()
    assert played(tmp_path / "s").mode == "HALTED"
    assert len(journalled(tmp_path / "s")[0]) == 6


def test_a_folder_that_was_taken_away_does_not_stop_a_session(tmp_path):
    hand = Hand(tmp_path / "operator", set())
    (tmp_path / "operator").rmdir()
    assert hand.due(0) == []
    want(tmp_path / "operator", "halt")
    assert [w.word for w in hand.due(0)] == ["halt"]


def test_a_folder_that_has_not_changed_is_not_listed_again(tmp_path, monkeypatch):
    listed = list[str]()
    real = os.listdir

    def listing(path):
        listed.append(str(path))
        return real(path)

    monkeypatch.setattr(os, "listdir", listing)
    hand = Hand(tmp_path / "operator", set())
    long_ago = 1_700_000_000 * 10**9
    os.utime(tmp_path / "operator", ns=(long_ago, long_ago))
    for _ in range(3):
        assert hand.due(0) == []
    assert len(listed) == 1
    left(tmp_path, "halt")
    assert [w.word for w in hand.due(0)] == ["halt"]


def test_a_file_that_comes_while_the_time_of_the_folder_stands_still_is_seen(tmp_path):
    hand = Hand(tmp_path / "operator", set())
    changed = (tmp_path / "operator").stat().st_mtime_ns
    assert hand.due(0) == []
    left(tmp_path, "halt")
    os.utime(tmp_path / "operator", ns=(changed, changed))
    assert [w.word for w in hand.due(0)] == ["halt"]


def test_whoever_looks_at_the_folder_sees_what_will_be_obeyed_of_a_file_that_is_no_action(tmp_path):
    left(tmp_path, "000001", "halt")
    assert [(w.number, w.word, w.who) for w in wanted_in(tmp_path / "operator")] == [(1, "halt", FILE)]


def test_another_file_of_the_same_name_is_put_aside_under_another(tmp_path):
    hand = Hand(tmp_path / "operator", set())
    for _ in range(2):
        left(tmp_path, "stop", "now")
        assert [w.word for w in hand.due(0)] == ["halt"]
    names = sorted(path.name for path in (tmp_path / "operator").glob("stop*"))
    assert names == [f"stop-2{ASIDE}", f"stop{ASIDE}"]


def test_an_action_that_bears_no_number_of_ours_is_given_one(tmp_path):
    hand = Hand(tmp_path / "operator", set())
    want(tmp_path / "operator", "reduce")
    left(tmp_path, "000009", '{"word": "halt", "who": "ann"}')
    assert [(w.number, w.word, w.who) for w in hand.due(0)] == [(1, "reduce", ""), (2, "halt", "ann")]


def test_what_was_obeyed_behind_a_gap_stays_as_it_is(tmp_path):
    for _ in range(3):
        want(tmp_path / "operator", "reduce")
    (tmp_path / "operator" / "000002").unlink()
    assert Hand(tmp_path / "operator", {1, 2, 3}).due(0) == []
    assert (tmp_path / "operator" / "000003").exists()


def test_files_that_are_being_written_beside_are_left_alone(tmp_path):
    for name in (".halt.swp", "17-4.part", f"old{ASIDE}"):
        left(tmp_path, name)
    assert Hand(tmp_path / "operator", set()).due(0) == []


@pytest.mark.parametrize(("name", "text"), [("halt", ""), ("stop", "now"), ("000001", "halt"), ("000004", "halt")])
def test_killed_at_any_call_a_file_is_obeyed_once_and_not_lost(tmp_path, monkeypatch, name, text):
    real = os.link, os.unlink
    at, folder = 0, tmp_path / "0" / "s"
    while True:
        at, folder = at + 1, tmp_path / f"{at}" / "s"
        path = left(folder, name, text)
        count = [0]

        def cut(call, count=count, at=at):
            def counted(*args, **named):
                count[0] += 1
                if count[0] == at:
                    raise Killed
                return call(*args, **named)

            return counted

        with monkeypatch.context() as patch:
            for call in ("link", "unlink", "replace", "fsync", "write"):
                patch.setattr(os, call, cut(getattr(os, call)))
            try:
                Hand(folder / "operator", set()).due(0)
            except Killed:
                pass
            else:
                break
        assert [w.word for w in Hand(folder / "operator", set()).due(0)] == ["halt"], f"killed at call {at}"
        assert not path.exists() or name == "000001"
        assert Hand(folder / "operator", {1}).due(0) == []
    assert at > 5
    assert real == (os.link, os.unlink)


def test_an_action_is_on_the_disk_with_its_name_before_it_is_acknowledged(tmp_path, monkeypatch):
    calls = list[str]()

    def told(name):
        real = getattr(os, name)

        def call(*args, **named):
            calls.append(name if name != "fsync" else "folder" if _is_folder(args[0]) else "file")
            return real(*args, **named)

        return call

    for name in ("link", "fsync"):
        monkeypatch.setattr(os, name, told(name))
    want(tmp_path / "operator", "halt")
    assert calls == ["folder", "file", "link", "folder"], "of a folder made for it, its own name first"
    calls.clear()
    want(tmp_path / "operator", "halt")
    assert calls == ["file", "link", "link", "folder"]


def _is_folder(file: int) -> bool:
    return Path(f"/proc/self/fd/{file}").resolve().is_dir()


def test_a_power_cut_in_the_middle_leaves_no_half_action(tmp_path, monkeypatch):
    with dying(monkeypatch, 1, half=True), pytest.raises(Killed):
        want(tmp_path / "operator", "halt")
    assert wanted_in(tmp_path / "operator") == []


@pytest.mark.parametrize("name", ["x" * 245, "x" * 255, "ä" * 127, "halt " + "€" * 83])
def test_a_name_too_long_for_another_is_put_aside_under_a_shorter_one(tmp_path, name):
    hand = Hand(tmp_path / "operator", set())
    for number in (1, 2):
        left(tmp_path, name, "now")
        assert [(w.number, w.word) for w in hand.due(0)] == [(number, "halt")]
    kept = sorted(path.name for path in (tmp_path / "operator").iterdir() if path.name.endswith(ASIDE))
    assert len(kept) == 2
    assert all(name.startswith(one.removesuffix(ASIDE).removesuffix("-2")) for one in kept)
    assert all((tmp_path / "operator" / one).read_text() == "now" for one in kept)


def test_a_file_where_the_folder_should_be_is_told_at_the_start(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "operator").write_text("halt")
    with pytest.raises(SessionError, match="operator is no folder; move it away"):
        played(tmp_path / "s")
    with pytest.raises(SessionError, match="operator is no folder; move it away"):
        want(tmp_path / "s" / "operator", "halt")


def test_a_file_that_takes_the_place_of_the_folder_throws_halt_once(tmp_path):
    hand = Hand(tmp_path / "operator", set())
    for _ in range(2):
        (tmp_path / "operator").rmdir()
        (tmp_path / "operator").write_text("halt")
        [thrown] = hand.waiting
        assert (thrown.number, thrown.word, thrown.who) == (0, "halt", FILE)
        assert "is no folder; move it away" in thrown.why
        assert hand.due(0) == [thrown]
        assert hand.due(0) == []
        (tmp_path / "operator").unlink()
        (tmp_path / "operator").mkdir()
        assert hand.due(0) == []


@pytest.mark.parametrize("there", [Path.touch, lambda path: None])
def test_numbers_of_a_folder_that_was_lost_are_not_given_again(tmp_path, there):
    folder, hand = tmp_path / "operator", Hand(tmp_path / "operator", set())
    for word in ("halt", "resume"):
        want(folder, word)
    assert [w.number for w in hand.due(0)] == [1, 2]
    want(folder, "flatten", 10)
    assert len(hand.waiting) == 1
    shutil.rmtree(folder)
    there(folder)
    hand.due(0)
    folder.unlink(missing_ok=True)
    folder.mkdir()
    assert hand.due(0) == []
    assert want(folder, "halt").number == 4
    assert [w.number for w in hand.due(0)] == [4]
    assert [w.number for w in Hand(folder, {1, 2, 4}).due(10)] == [3], "what waited is there again"


def test_a_session_that_starts_without_its_folder_gives_no_number_again(tmp_path):
    hand = Hand(tmp_path / "operator", {1, 2})
    assert want(tmp_path / "operator", "halt").number == 3
    assert [w.number for w in hand.due(0)] == [3]


def test_an_action_that_was_lost_before_it_was_obeyed_throws_halt(tmp_path):
    [lost] = Hand(tmp_path / "operator", {1, 3}).due(0)
    assert (lost.number, lost.word, lost.who, lost.why) == (2, "halt", FILE, "the file of action 2 was lost")


def test_a_halt_of_no_file_is_not_put_back_as_one(tmp_path):
    recall(tmp_path / "operator", [Action(0, 1, "halt", FILE), Action(1, 2, "resume", "ann")])
    assert [path.name for path in (tmp_path / "operator").iterdir()] == ["000001"]


def test_an_action_that_was_not_written_to_its_end_does_not_become_another(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(operator, "sync_folder", _failing)
        with pytest.raises(OSError, match="the disk"):
            want(tmp_path, "halt", who="bob")
    want(tmp_path, "resume", who="ann")
    assert [(w.word, w.who) for w in wanted_in(tmp_path)] == [("halt", "bob"), ("resume", "ann")]


def _failing(folder: Path) -> None:
    raise OSError("the disk")
