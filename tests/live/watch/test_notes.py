"""Incidents that a journal notes become alerts, those from before we looked do not."""

import os

import pytest
from scenes import played, scored

from live.control.alerts import CRITICAL, INFO, WARNING
from live.journal import Journal, read
from live.watch.notes import Notes, alert_of
from live.words import MAGIC, NOTE, Note, note_bytes


@pytest.fixture
def journal(tmp_path):
    played(tmp_path / "s", scored(5))
    made, _ = Journal.resume(tmp_path / "s" / "journal", MAGIC)
    yield made
    made.close()


def noted(journal: Journal, kind: str, text: str = "x", symbol: str = "") -> None:
    journal.append(NOTE, note_bytes(Note(7, kind, text, symbol)))


def test_only_what_is_noted_from_now_on_is_told_and_once(journal):
    noted(journal, "stale", "long ago")
    notes = Notes(journal.path)
    assert notes.catch_up() == []
    assert notes.catch_up() == []
    noted(journal, "stale", "silent for 31 s", "AAPL")
    noted(journal, "bust")
    first, second = notes.catch_up()
    assert (first.name, first.severity, first.text, first.about) == ("stale", WARNING, "silent for 31 s", "AAPL")
    assert second.severity == CRITICAL
    assert notes.catch_up() == []


def test_a_session_that_begins_while_we_look_is_told_from_its_beginning(tmp_path):
    notes = Notes(tmp_path / "s" / "journal")
    assert notes.catch_up() == []
    played(tmp_path / "s", scored(5))
    made, _ = Journal.resume(tmp_path / "s" / "journal", MAGIC)
    noted(made, "lost")
    made.close()
    assert [alert.name for alert in notes.catch_up()] == ["lost"]


def test_a_session_begun_anew_is_another_journal(journal, tmp_path):
    notes = Notes(journal.path)
    notes.catch_up()
    played(tmp_path / "other", scored(5))
    made, _ = Journal.resume(tmp_path / "other" / "journal", MAGIC)
    noted(made, "lost")
    made.close()
    os.replace(tmp_path / "other" / "journal", journal.path)
    assert [alert.name for alert in notes.catch_up()] == ["lost"]


def test_a_note_half_written_is_told_when_it_is_whole(journal):
    notes = Notes(journal.path)
    notes.catch_up()
    noted(journal, "lost")
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-3])
    assert notes.catch_up() == []
    with journal.path.open("ab") as file:
        file.write(whole[-3:])
    assert [alert.name for alert in notes.catch_up()] == ["lost"]


def test_a_damaged_journal_is_told_once(journal):
    frames = read(journal.path, MAGIC).frames
    data = bytearray(journal.path.read_bytes())
    data[frames[1].end - 10] ^= 1
    notes = Notes(journal.path.with_name("none"))
    notes.catch_up()
    notes.path = journal.path
    journal.path.write_bytes(data)
    assert [(alert.name, alert.severity) for alert in notes.catch_up()] == [("journal damaged", CRITICAL)]
    assert notes.catch_up() == []


@pytest.mark.parametrize(
    ("kind", "severity"), [("fatal", CRITICAL), ("kill switch", CRITICAL), ("connected", INFO), ("never seen", WARNING)]
)
def test_a_kind_that_nobody_knows_is_a_warning(kind, severity):
    assert alert_of(Note(0, kind, "")).severity == severity
