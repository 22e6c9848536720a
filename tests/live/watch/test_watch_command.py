"""`python -m live.watch` as a user meets it, and a session that is killed under it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest
from scenes import scored
from sink import sink

from live.lock import is_held
from live.parity import check
from live.session import replay
from live.watch.__main__ import main
from live.watch.command import Served, supervised
from live.watch.supervisor import Terms

ROOT = Path(__file__).parents[3]
PARAMS = {"fast": 3, "slow": 9}


@pytest.fixture
def folder(tmp_path):
    replay("trend", scored(40), tmp_path / "trend", params=PARAMS)
    return tmp_path / "trend"


def until(what: Callable[[], Any], patience: float = 120.0) -> Any:
    end = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_jobs_are_listed_run_by_hand_and_remembered(folder, capsys):
    assert main(["jobs", str(folder)]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("premarket", "end-of-day", "nightly", "New"))
    assert main(["job", str(folder), "nightly", "--nightly", f"{sys.executable} -c 'print(7 * 6)'"]) == 0
    assert capsys.readouterr().out.endswith("\n42\n")
    assert main(["history", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "nightly" in out
    assert "ok" in out


def test_a_report_is_written_by_hand(folder, capsys):
    assert main(["report", str(folder)]) == 0
    assert "parity: 0 differences" in capsys.readouterr().out
    assert main(["report", str(folder), "--day", "2020-10-01"]) == 0
    assert (folder / "reports" / "2020-10-01.html").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "S"), "give it after --"),
        (("run", "S", "--", "python", "-m", "live", "--fresh"), "begin once by hand"),
        (("job", "S", "nihgtly"), "Did you mean 'nightly'?"),
        (("report", "S"), "there is no session in S"),
    ],
)
def test_an_error_is_one_line_and_the_code_is_2(tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    assert main(list(words)) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_a_session_that_cannot_run_is_told_where_the_environment_says(tmp_path):
    told = "import sys; sys.stderr.write('live: there is no strategy mine\\n'); sys.exit(2)"
    with sink() as posted:
        code = supervised(
            tmp_path / "s", (sys.executable, "-c", told), stay=False, ports=Served(0, 0),
            environment={"LIVE_ALERTS": f"critical={posted.address}"}, terms=Terms(look=0.05),
        )  # fmt: skip
        (body,) = posted.wait(1)
    assert code == 2
    assert body["title"] == "s: critical: session down"
    assert "there is no strategy mine" in body["message"]
    lines = [json.loads(line) for line in (tmp_path / "s" / "seat.log").read_text().splitlines()]
    assert {"served", "the runner ended", "session down"} <= {line["event"] for line in lines}
    assert not (tmp_path / "s" / "seat.log").stat().st_mode & 0o077


@pytest.mark.slow
def test_a_session_that_is_killed_under_the_supervisor_ends_as_if_nothing_had_been(tmp_path):
    scored(150).frame().with_columns(pl.col("symbol").cast(pl.String)).write_parquet(tmp_path / "bars.parquet")
    folder = tmp_path / "sessions" / "trend"
    run = [
        sys.executable, "-m", "live", "replay", "--strategy", "trend", "--param", "fast=3", "--param", "slow=9",
        "--input", str(tmp_path / "bars.parquet"), "--session", str(folder), "--speed", "1500000", "--plain",
    ]  # fmt: skip
    watch = [sys.executable, "-m", "live.watch", "run", str(folder), "--leave", "--port", "0", "--metrics", "0", "--"]
    with sink() as posted:
        seat = subprocess.Popen([*watch, *run], cwd=ROOT, env=os.environ | {"LIVE_ALERTS": posted.address})
        try:
            state = folder / "seat" / "state.json"
            killed: set[int] = set()
            while len(killed) < 2:
                until(lambda: is_held(folder) and (folder / "journal").exists())
                size = (folder / "journal").stat().st_size
                until(lambda size=size: (folder / "journal").stat().st_size > size + 3_000)
                runner = int((folder / "lock").read_text())
                if runner not in killed:
                    os.kill(runner, signal.SIGKILL)
                    killed.add(runner)
            restarts = until(lambda: json.loads(state.read_text())["runner"]["restarts"] == 2)
            assert restarts
            address = json.loads(state.read_text())["services"]["metrics"]
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert b"live_runner_restarts_total 2.0" in answer.read()
            assert seat.wait(240) == 0
        finally:
            if seat.poll() is None:
                seat.terminate()
                seat.wait(60)
        assert posted.wait(1)[0]["title"] == "trend: warning: runner died"
    assert not [p for p in killed if psutil.pid_exists(p)]
    replay("trend", scored(150), tmp_path / "whole" / "trend", params=PARAMS)
    found = check(folder)
    assert found.holds
    assert found.decisions == scored(150).rows
    whole, here = (check(f) for f in (tmp_path / "whole" / "trend", folder))
    assert whole == here
