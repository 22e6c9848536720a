"""Crash law: the real process is killed by SIGKILL, started again, and ends as if it had never died.

Each seed is one kill: even ones at a random call that changes a file (before it, or half-way through a write), odd ones
at a random moment.  A few are killed a second time while they recover.  Rerun one: pytest -k "seed17-".
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from scenes import End, believed

from live.config import COSTS, config_of
from live.recovery import opened
from live.references import strategy_of
from live.tape import Tape
from quantlib.data.samples import indices
from quantlib.table import bars

ROOT = Path(__file__).parents[2]
KILLING = Path(__file__).with_name("killing.py")
QUICK = range(6)
ALL = range(200)
MEMORY = Path("/dev/shm")
AGAIN = 5  # every so many seeds a recovery is killed too
STRATEGY, PARAMS = "dip", ("depth=1.2",)  # about a thousand commands on the two indices


class Whole(NamedTuple):
    """The run that was never killed."""

    bars: Path
    end: End
    calls: int
    seconds: float  # from its first frame to its end


def arguments(tape: Path, folder: Path) -> list[str]:
    """What `python -m live` is asked for."""
    params = [word for param in PARAMS for word in ("--param", param)]
    return ["replay", "--plain", "--input", str(tape), "--strategy", STRATEGY, *params, "--session", str(folder)]


def started(words: list[str]) -> subprocess.Popen[str]:
    """A process of its own, from the root of the project."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment, text=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def finished(words: list[str]) -> str:
    """Run a process to its end, which must be a good one; what it said on stderr."""
    process = started(words)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said


def look(tape: Path, folder: Path) -> End:
    """What a session has come to: its files, and both sides after a start that reconciles them."""
    table = bars(pl.read_parquet(tape))
    strategy = strategy_of(STRATEGY, {"depth": 1.2})
    config = config_of(folder, strategy, table, reference=STRATEGY, params={"depth": 1.2}, costs=COSTS)
    files = (folder / "journal").read_bytes(), (folder / "broker" / "broker.journal").read_bytes()
    runner = opened(folder, config, strategy, Tape(table))
    try:
        assert runner.finished
        held = runner.broker.standing()
        working = tuple(held.working["id"].tolist())
        return End(*files, held.cash, tuple(held.lots.tolist()), working, believed(runner.state.desk))
    finally:
        runner.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The run that is never killed, its calls counted and its time taken."""
    place = tmp_path_factory.mktemp("whole")
    tape = place / "indices.parquet"
    indices().write_parquet(tape)
    said = finished([str(KILLING), "0", "before", *arguments(tape, place / "s")])
    calls = int(said.split("calls ")[1])
    process = started(["-m", "live", *arguments(tape, place / "timed" / "s")])
    begun = first_frame(process, place / "timed" / "s")
    process.communicate(timeout=120)
    seconds = time.monotonic() - begun
    end = look(tape, place / "s")
    assert len(end.journal) > 1_000_000
    return Whole(tape, end, calls, seconds)


def first_frame(process: subprocess.Popen[str], folder: Path) -> float:
    """Wait until a session has begun; the moment."""
    while process.poll() is None and not (folder / "broker" / "broker.journal").exists():
        time.sleep(0.001)
    return time.monotonic()


def killed_at_call(whole: Whole, folder: Path, rng: random.Random) -> str:
    at, how = rng.randint(1, whole.calls), rng.choice(["before", "half"])
    process = started([str(KILLING), str(at), how, *arguments(whole.bars, folder)])
    _, said = process.communicate(timeout=120)
    assert process.returncode in (-signal.SIGKILL, 0), said  # 0: a recovery with fewer calls than that
    return f"killed {how} call {at} of {whole.calls}"


def killed_at_a_moment(whole: Whole, folder: Path, rng: random.Random) -> str:
    delay = rng.uniform(0, whole.seconds)
    process = started(["-m", "live", *arguments(whole.bars, folder)])
    first_frame(process, folder)
    time.sleep(delay)
    process.kill()
    process.communicate(timeout=120)
    size = (folder / "journal").stat().st_size if (folder / "journal").exists() else 0
    return f"killed {delay:.3f} s after its first frame, journal of {size} bytes"


def crash(whole: Whole, folder: Path, seed: int) -> None:
    """One seed: kill, perhaps kill again, start once more, compare."""
    rng = random.Random(seed)
    kill = killed_at_call if seed % 2 == 0 else killed_at_a_moment
    told = [kill(whole, folder, rng)]
    if seed % AGAIN == 0:
        told.append(kill(whole, folder, rng))
    said = finished(["-m", "live", *arguments(whole.bars, folder)])
    end = look(whole.bars, folder)
    for name, ours, theirs in zip(End._fields, end, whole.end, strict=True):
        assert ours == theirs, f"seed {seed}: {name} differs; {', then '.join(told)}; the restart said {said!r}"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a session lives: in memory if there is such a place, since a killed process loses nothing written there."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as place:
        yield Path(place) / "s"


@pytest.mark.parametrize("seed", QUICK, ids="seed{}-".format)
def test_a_killed_process_ends_as_if_it_had_never_died(whole: Whole, folder: Path, seed: int) -> None:
    crash(whole, folder, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", ALL[len(QUICK) :], ids="seed{}-".format)
def test_a_process_killed_anywhere_ends_as_if_it_had_never_died(whole: Whole, folder: Path, seed: int) -> None:
    crash(whole, folder, seed)
