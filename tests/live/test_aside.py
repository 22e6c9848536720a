"""A fresh start that is killed on the way: the session is the old one whole, or a new one that nothing old reaches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from scenes import Killed, dying, played

from live.aside import FILES, HALF, put_aside
from live.journal import read
from live.operator import want, wanted_in
from live.session import there
from live.words import MAGIC, OPERATOR, action_of


def halted(folder: Path) -> bytes:
    """A session that was halted; its journal."""
    played(folder, stop=stopping(10))
    want(folder / "operator", "halt", who="ann")
    assert played(folder, stop=stopping(10)).mode == "HALTED"
    (folder / "signals").write_bytes(b"old")
    (folder / "pulse.json").write_bytes(b"old")
    return (folder / "journal").read_bytes()


def stopping(after: int) -> Callable[[], bool]:
    """A stop after so many steps; it is asked twice before each."""
    asked = count()
    return lambda: next(asked) > 2 * after


def words(folder: Path) -> list[str]:
    frames = read(folder / "journal", MAGIC).frames
    return [action_of(frame.payload).word for frame in frames if frame.kind == OPERATOR]


def cuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, Path, bytes]]:
    """Halted sessions whose fresh start was killed at its first, second, ... call that changes a file."""
    for at in count(1):
        folder = tmp_path / f"{at}" / "s"
        journal = halted(folder)
        with dying(monkeypatch, at, at % 2 == 0):
            try:
                put_aside(folder)
            except Killed:
                yield at, folder, journal
            else:
                assert at > len(FILES)
                return


def test_killed_at_any_call_nothing_old_reaches_the_new_session(tmp_path, monkeypatch):
    for at, folder, journal in cuts(tmp_path, monkeypatch):
        assert played(folder).mode == "ACTIVE", f"killed at call {at}: the new session obeys the old one's operator"
        assert words(folder) == []
        aside = folder / "before-1"
        assert (aside / "journal").read_bytes() == journal
        assert [wanted.word for wanted in wanted_in(aside / "operator")] == ["halt"]
        assert {path.name for path in aside.iterdir()} >= set(FILES) - {"snapshot.old"}
        assert not (folder / HALF).exists()


def test_killed_before_the_turn_the_old_session_goes_on(tmp_path, monkeypatch):
    folder = tmp_path / "s"
    journal = halted(folder)

    def killed(*args, **named):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", killed)
        with pytest.raises(Killed):
            put_aside(folder)
    assert played(folder).mode == "HALTED"
    assert (folder / "journal").read_bytes().startswith(journal)


def test_killed_at_any_call_and_begun_anew_again_all_of_the_old_session_is_in_one_folder(tmp_path, monkeypatch):
    for at, folder, journal in cuts(tmp_path, monkeypatch):
        assert played(folder, fresh=True).mode == "ACTIVE", f"killed at call {at}"
        assert (folder / "before-1" / "journal").read_bytes() == journal
        assert not (folder / "before-2").exists()


def test_what_is_wanted_after_the_kill_is_for_the_new_session(tmp_path, monkeypatch):
    folder = tmp_path / "s"
    halted(folder)
    with dying(monkeypatch, 7), pytest.raises(Killed):
        put_aside(folder)
    assert not (folder / "operator").exists()
    want(folder / "operator", "reduce", who="bob")
    assert played(folder).mode == "REDUCING"
    assert words(folder) == ["reduce"]


def test_whoever_looks_at_a_session_half_put_aside_finds_none(tmp_path, monkeypatch):
    folder = tmp_path / "s"
    halted(folder)
    with dying(monkeypatch, 7), pytest.raises(Killed):
        put_aside(folder)
    assert (folder / "journal").exists()
    assert there(folder) is None
