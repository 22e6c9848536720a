"""`python -m live` as a user meets it: its words, its one-line errors, its exit codes."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console
from scenes import played, scored, scoring

from live.__main__ import main
from live.lock import alone
from live.pulse import felt
from live.screen import Log, Screen

OWN = """
from quantlib.desk.policy import Exits, Limits, Policy, fixed_fraction
from quantlib.strategy import Strategy

def mine(stop=0.03):
    return Strategy(policy=Policy(sizing=fixed_fraction(0.03), exits=Exits(stop=stop), limits=Limits(losses=0)))

READY = mine()
NUMBER = 7
"""


STEPS = len(set(scored(150).columns["ts"].tolist()))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: Any) -> Path:
    """A folder with bars and a strategy, which is where we are."""
    scored(150).frame().with_columns(pl.col("symbol").cast(pl.String)).write_parquet(tmp_path / "bars.parquet")
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def live(*words: str) -> int:
    """The command line, in this process."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        return main(list(words))
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])


def test_a_replay_and_its_parity_need_two_commands(bench: Path, capsys: Any) -> None:
    assert live("replay", "--strategy", "own.py:mine", "--input", "bars.parquet") == 0
    out = capsys.readouterr().out
    assert f"{STEPS}/{STEPS}" in out
    assert "python -m live parity sessions/own" in out
    pulse = felt(bench / "sessions" / "own")
    assert pulse is not None
    assert (pulse.kind, pulse.step, pulse.steps) == ("replay", STEPS, STEPS)
    assert live("parity", "sessions/own") == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last == f"parity: 0 differences in {scored(150).rows} decisions"


def test_a_session_goes_on_without_being_told_again_what_it_is(bench: Path, capsys: Any) -> None:
    words = ("replay", "--strategy", "own.py:mine", "--param", "stop=0.02", "--input", "bars.parquet", "--session", "s")
    assert live(*words, "--symbols", "AAA", "--cash", "5e5", "--to", "2020-11-01") == 0
    assert live("replay", "--session", "s", "--to", "2020-12-01") == 0
    assert "going on after step" in capsys.readouterr().out
    assert live("parity", "s") == 0


def test_the_operator_is_obeyed_at_the_next_start(bench: Path, capsys: Any) -> None:
    assert (
        live("replay", "--strategy", "own.py:mine", "--input", "bars.parquet", "--session", "s", "--to", "2020-11-01")
        == 0
    )
    assert live("flatten", "s") == 0
    assert capsys.readouterr().out.endswith(
        "\nflatten: s obeys before the session's next step, once it is started again; "
        "not if that begins anew (--fresh)\n"
    )
    assert live("resume", "s", "--at", "2020-12-24") == 0
    assert live("status", "s") == 0
    out = capsys.readouterr().out
    assert "flatten waits for the next step" in out
    assert "resume waits for the next step from 2020-12-24" in out
    assert live("replay", "--session", "s", "--to", "2021-02-01") == 0
    assert live("status", "s") == 0
    assert "operator  flatten, before the rows of 2020-11-0" in capsys.readouterr().out
    assert live("parity", "s") == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("replay", "--strategy", "trnd"), "there is no preset 'trnd'. Did you mean 'trend'?"),
        (("replay", "--strategy", "own.py:miine"), "own.py has no 'miine'. Did you mean 'mine'?"),
        (("replay", "--strategy", "own.py:NUMBER"), "must be a Strategy or a function that returns one, got 7"),
        (("replay", "--strategy", "other.py:mine"), "there is no file other.py"),
        (("replay", "--strategy", "nowhere.at:all"), "cannot import nowhere.at"),
        (
            ("replay", "--strategy", "own.py:mine", "--param", "stopp=1"),
            "has no parameter 'stopp'. Did you mean 'stop'?",
        ),
        (
            ("replay", "--strategy", "own.py:mine", "--param", "stop=2", "--input", "bars.parquet"),
            "exits.stop must be in [0, 1)",
        ),
        (("replay", "--strategy", "own.py:mine", "--param", "stop"), "wants name=value"),
        (("replay", "--strategy", "own.py:READY", "--param", "stop=1"), "takes no parameters"),
        (("replay", "--input", "none.parquet"), "there is no file"),
        (("replay", "--input", "bars.parquet", "--symbols", "AAB"), "no rows of 'AAB'. Did you mean 'AAA'?"),
        (("replay", "--input", "bars.parquet", "--from", "2031-01-01"), "no rows between --from and --to"),
        (("replay", "--input", "bars.parquet", "--from", "yesterday"), "wants a date or time like 2008-09-15"),
        (("replay", "--input", "bars.parquet", "--cash", "-5"), "cash must be above 0, got -5.0"),
        (("replay", "--input", "bars.parquet", "--cost", "rat=1"), "there is no cost 'rat'. Did you mean 'rate'?"),
        (("replay", "--input", "bars.parquet", "--cost", "rate=-1"), "rate must be 0 or more, got -1"),
        (("replay", "--input", "bars.parquet", "--speed", "-1"), "speed must be 0"),
        (("parity", "nowhere"), "there is no session in nowhere"),
        (("status", "nowhere"), "there is none in nowhere"),
        (("halt", "nowhere"), "there is none in nowhere"),
        (("hlat", "s"), "there is no word 'hlat'. Did you mean 'halt'? There are run, replay, parity, status, halt,"),
        (("bogus",), "there is no word 'bogus'. There are run, replay,"),
        (("--symbols", "SPX", "SPX"), "--symbols: each may be named once, got SPX more than once; leave the rest out"),
        (("run", "--symbols", "IXIC", "SPX", "SPX", "SPX"), "got SPX more than once"),
        (("replay", "--symbols", "SPX", "SPX", "--session", "s"), "--symbols: each may be named once"),
        (("replay", "--input", "bars.parquet", "--cash", "inf"), "cash must be finite, got inf"),
        (("replay", "--param", "n=1", "--param", "n=1"), "--param: each may be named once, got n more than once"),
        (("replay", "--cost", "rate=1", "--cost", "rate=2"), "--cost: each may be named once, got rate more than once"),
        (("replay", "--cost", "rate"), "--cost: wants name=value, got 'rate'"),
    ],
)
def test_an_error_is_one_line_and_the_code_is_2(bench: Path, capsys: Any, words: tuple[str, ...], told: str) -> None:
    assert live(*words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_the_words_beside_it_tell_a_wrong_word_and_a_repeated_symbol_too(bench: Path, capsys: Any) -> None:
    from live.sim.__main__ import main as sim
    from live.watch.__main__ import main as watch

    assert sim(["--symbols", "SPX", "SPX"]) == 2
    assert capsys.readouterr().err.startswith("live.sim: --symbols: each may be named once, got SPX")
    assert watch(["reprot", "s"]) == 2
    assert capsys.readouterr().err == (
        "live.watch: there is no word 'reprot'. Did you mean 'report'? There are run, job, jobs, history, report\n"
    )


def test_a_half_written_input_file_is_refused_and_nothing_is_begun(bench: Path, capsys: Any) -> None:
    data = (bench / "bars.parquet").read_bytes()
    (bench / "half.parquet").write_bytes(data[: len(data) // 2])
    assert live("replay", "--input", "half.parquet") == 2
    assert "is cut short" in capsys.readouterr().err
    (bench / "half.csv").write_text("ts,open,high,low,close\n2020-01-01,1,1,1,1\n2020-01-02,1,1")
    assert live("replay", "--input", "half.csv") == 2
    assert "is cut short" in capsys.readouterr().err
    assert not (bench / "sessions").exists()


def test_a_second_process_is_refused(bench: Path, capsys: Any) -> None:
    (bench / "s").mkdir()
    with alone(bench / "s"):
        assert live("replay", "--strategy", "own.py:mine", "--input", "bars.parquet", "--session", "s") == 2
    assert f"is run by process {os.getpid()}" in capsys.readouterr().err


def test_parity_exits_with_1_where_something_differs(bench: Path, capsys: Any) -> None:
    assert live("replay", "--strategy", "own.py:mine", "--input", "bars.parquet", "--session", "s") == 0
    (bench / "own.py").write_text(OWN.replace("stop=0.03", "stop=0.01"))
    assert live("parity", "s") == 1
    assert "strategy" in capsys.readouterr().out


def test_ctrl_c_finishes_the_step_and_a_new_start_goes_on(bench: Path) -> None:
    root = Path(__file__).parents[2]
    words = ["-m", "live", "replay", "--strategy", "own.py:mine", "--input", "bars.parquet", "--session", "s"]
    process = subprocess.Popen(
        [sys.executable, *words, "--speed", "400000"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if f"/{STEPS} " in line:
            break
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0
    assert error == "stopping after this step\n"
    assert "stopped" in out
    assert (bench / "s" / "snapshot").exists()
    assert live("replay", "--session", "s") == 0
    assert live("parity", "s") == 0


def test_the_live_table_shows_the_session(tmp_path: Path) -> None:
    console = Console(record=True, width=120, height=45, force_terminal=True)
    with Screen(console) as screen:
        played(tmp_path / "s", scored(60), observer=screen, idle=screen.waited)
        screen_text = ""
    from live.screen import closing

    console.print(closing(played(tmp_path / "s", scored(60))))
    screen_text = console.export_text()
    for word in ("scoring on AAA, BBB", "limits used", "gross exposure", "working orders", "last fills", "ACTIVE"):
        assert word in screen_text, word


def test_a_plain_log_has_about_ten_lines_and_each_fill_on_request(tmp_path: Path) -> None:
    console = Console(record=True, width=200)
    done = played(tmp_path / "a", scored(60), observer=Log(console))
    lines = console.export_text().strip().splitlines()
    assert 11 <= len(lines) <= 13
    assert f"fills {done.fills}" in lines[-1]
    played(tmp_path / "b", scored(60), observer=Log(console, each_fill=True))
    assert console.export_text().count("  fill ") == done.fills


def test_the_strategy_of_the_tests_trades(tmp_path: Path) -> None:
    done = played(tmp_path / "s", strategy=scoring())
    assert done.fills > 20
    assert done.refusals


def test_a_demo_never_takes_the_folder_of_another_session(bench: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("APCA_API_KEY_ID", raising=False)
    monkeypatch.delenv("APCA_API_SECRET_KEY", raising=False)
    assert live("replay", "--strategy", "own.py:mine", "--input", "bars.parquet", "--session", "s") == 0
    before = (bench / "s" / "journal").read_bytes()
    assert live("--session", "s", "--no-dashboard") == 2
    assert "is no demo; set APCA_API_KEY_ID" in capsys.readouterr().err
    assert (bench / "s" / "journal").read_bytes() == before


@pytest.fixture
def demo(bench: Path, monkeypatch: Any) -> Path:
    """Bars, and no keys."""
    monkeypatch.delenv("APCA_API_KEY_ID", raising=False)
    monkeypatch.delenv("APCA_API_SECRET_KEY", raising=False)
    return bench


OTHER = ("--input", "bars.parquet", "--session", "d", "--port", "0")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--cash", "-5"), "cash must be above 0, got -5"),
        (("--cash", "inf"), "cash must be finite, got inf; say what the account holds"),
        (("--cash", "nan"), "cash must be finite, got nan"),
        (("--speed", "inf"), "--speed must be 0"),
        (("--metrics", "9101"), "run: --metrics is of an account's supervisor, a demo serves none; leave it out"),
        (("--param", "fast=20", "--param", "fast=30"), "--param: each may be named once, got fast more than once"),
        (("--strategy", "own.py:mine"), "score reads column 'score', which neither"),
        (("--strategy", "own.py:miine"), "own.py has no 'miine'"),
        (("--speed", "-1"), "--speed must be 0"),
        (("--port", "99999"), "cannot listen on 127.0.0.1:99999"),
    ],
)
def test_a_demo_that_is_refused_opens_no_dashboard_and_leaves_the_folder_as_it_was(
    demo: Path, capsys: Any, words: tuple[str, ...], told: str
) -> None:
    assert live(*OTHER, *words) == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert printed.err.count("\n") == 1
    assert "dashboard" not in printed.out
    assert not (demo / "d").exists()


@pytest.mark.parametrize("words", [("--port", "0"), ("replay",), ("reseal",)], ids=["demo", "replay", "reseal"])
def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_was(
    demo: Path, capsys: Any, monkeypatch: Any, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("QUANT_PASSPHRASE", "correct horse battery")
    monkeypatch.setenv("QUANT_PASSPHRASE_NEW", "another one of those")
    (demo / "shared").mkdir()
    (demo / "shared").chmod(0o1777)
    (demo / "shared" / "letter").write_text("dear all")
    (demo / "a file").write_text("")
    given = words[0] == "reseal"
    for folder, why in (("shared", "is not empty and holds no session"), ("a file", "is no folder")):
        assert live(*words, *([folder] if given else ["--input", "bars.parquet", "--session", folder])) == 2
        assert f"session: {folder} {why}; give " in capsys.readouterr().err
    assert (demo / "shared").stat().st_mode & 0o7777 == 0o1777
    assert [path.name for path in (demo / "shared").iterdir()] == ["letter"]


def test_an_empty_folder_and_one_with_earlier_sessions_or_acts_alone_may_be_a_sessions(
    bench: Path, capsys: Any
) -> None:
    for folder in ("empty", "disk/lost+found", "earlier/before-1", "acts/operator"):
        (bench / folder).mkdir(parents=True)
        words = ("replay", "--strategy", "own.py:mine", "--input", "bars.parquet", "--to", "2020-09-20")
        assert live(*words, "--session", folder.partition("/")[0]) == 0


def test_a_demo_in_the_folder_of_a_running_one_opens_no_dashboard(demo: Path, capsys: Any) -> None:
    (demo / "d").mkdir()
    with alone(demo / "d"):
        assert live(*OTHER) == 2
    printed = capsys.readouterr()
    assert f"is run by process {os.getpid()}" in printed.err
    assert "dashboard" not in printed.out
    assert not (demo / "d" / "tokens.json").exists()


def test_a_demo_keeps_three_of_those_before_it_and_what_is_no_demo(demo: Path, capsys: Any) -> None:
    assert live("replay", "--strategy", "own.py:mine", "--input", "bars.parquet", "--session", "d/before-1") == 0
    for _ in range(6):
        assert live(*OTHER, "--symbols", "BBB", "AAA", "--to", "2020-09-20") == 0
        assert "dashboard http://127.0.0.1:" in capsys.readouterr().out
    assert sorted(path.name for path in (demo / "d").glob("before-*")) == [
        "before-1", "before-4", "before-5", "before-6",
    ]  # fmt: skip


def test_what_is_wanted_of_a_demo_that_is_over_is_refused_and_noted(demo: Path, capsys: Any) -> None:
    assert live(*OTHER, "--no-dashboard", "--to", "2020-09-20") == 0
    assert live("halt", "d") == 2
    assert "the demo in d is over, and the next one begins anew, so nothing would obey" in capsys.readouterr().err
    assert not any((demo / "d" / "operator").iterdir())
    assert '"what": "halt failed"' in (demo / "d" / "audit.jsonl").read_text()


def test_a_strategy_that_fails_and_a_cost_that_is_no_number_are_told_in_one_line(bench: Path, capsys: Any) -> None:
    (bench / "broken.py").write_text("def fails():\n    return 1 / 0\n")
    assert live("replay", "--strategy", "broken.py:fails", "--input", "bars.parquet") == 2
    assert "broken.py:fails fails: ZeroDivisionError" in capsys.readouterr().err
    assert live("replay", "--input", "bars.parquet", "--cost", "rate=x") == 2
    assert "rate must be 0 or more, got x" in capsys.readouterr().err
