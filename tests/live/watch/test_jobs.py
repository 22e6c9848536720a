"""Jobs as processes: what they say, leave behind and answer."""

import gzip
import json
import os
import shutil
import stat
import sys
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pulses import SECOND
from scenes import scored

from live.errors import SessionError
from live.journal import read
from live.session import replay
from live.watch.hours import AfterClose, Hour
from live.watch.jobs import archived, main, standard
from live.watch.schedule import Schedule
from live.words import MAGIC

NIGHT = datetime(2024, 6, 12, 2, tzinfo=ZoneInfo("America/New_York"))
QUIET = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sessions") / "trend"
    replay("trend", scored(60), folder, params={"fast": 3, "slow": 9})
    return folder


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in QUIET:
        monkeypatch.delenv(name, raising=False)


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND


def test_the_jobs_of_a_session_have_the_hours_of_the_exchange(folder):
    jobs = standard(folder, ("python", "retrain.py"))
    assert [(job.name, job.when) for job in jobs] == [
        ("premarket", Hour(time(8, 30))), ("end-of-day", AfterClose(1800)), ("nightly", Hour(time(2), daily=True)),
    ]  # fmt: skip
    assert jobs[2].words[-3:] == ("--", "python", "retrain.py")
    assert standard(folder)[2].words[-1] == str(folder)


def test_the_end_of_the_day_leaves_a_report_and_its_verdict(folder, capsys):
    assert main(["end-of-day", str(folder)]) == 0
    out = capsys.readouterr().out
    assert f"parity: 0 differences in {scored(60).rows} decisions" in out
    report = json.loads(next((folder / "reports").glob("*.json")).read_text())
    assert report["parity"]["holds"] is True


@pytest.mark.slow
def test_before_the_open_a_session_that_does_not_run_is_bad_and_is_compiled_anyway(folder, capsys):
    assert main(["premarket", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "BAD  session" in out
    assert "ok   journal" in out
    assert "ok   compiled" in out


def test_a_folder_without_a_session_is_told_in_a_line(tmp_path, capsys):
    assert main(["end-of-day", str(tmp_path)]) == 2
    assert main(["nightly", str(tmp_path)]) == 2
    assert capsys.readouterr().out.count("there is no session") == 2


def test_at_night_the_journal_is_archived_and_a_command_is_run(folder):
    told = "import sys; print('retrained'); sys.exit(3)"
    (night,) = [job for job in standard(folder, (sys.executable, "-c", told)) if job.name == "nightly"]
    ran = Schedule(folder, [night]).run("nightly")
    assert (ran.outcome, ran.code) == ("failed", 3)
    assert ran.tail.startswith("archived ")
    assert ran.tail.endswith("retrained\n")


def test_an_archive_is_the_journal_and_nobody_elses(folder):
    path = archived(folder, ns(NIGHT))
    assert path.name == "journal-2024-06-12.gz"
    assert gzip.decompress(path.read_bytes()) == (folder / "journal").read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = folder.parent / "again"
    again.mkdir()
    (again / "journal").write_bytes(gzip.decompress(path.read_bytes()))
    assert len(read(again / "journal", MAGIC).frames) == len(read(folder / "journal", MAGIC).frames)


def test_old_archives_go_and_nothing_else(folder, tmp_path):
    shutil.copy(folder / "journal", tmp_path / "journal")
    folder = tmp_path
    other = folder / "archive" / "journal-of-mine.gz"
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(b"mine")
    for day in range(5):
        archived(folder, ns(NIGHT + timedelta(day)), kept=3)
    names = sorted(path.name for path in other.parent.iterdir() if "2024" in path.name)
    assert names == ["journal-2024-06-14.gz", "journal-2024-06-15.gz", "journal-2024-06-16.gz"]
    assert other.exists()


def test_an_archive_that_cannot_be_read_again_does_not_count(folder, monkeypatch):
    archived(folder, ns(NIGHT))
    before = sorted(path.name for path in (folder / "archive").iterdir())
    monkeypatch.setattr(os, "fsync", lambda file: os.ftruncate(file, os.fstat(file).st_size // 2))
    with pytest.raises((SessionError, EOFError)):
        archived(folder, ns(NIGHT + timedelta(30)))
    assert sorted(path.name for path in (folder / "archive").iterdir()) == before
