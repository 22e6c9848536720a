"""How time and memory are taken: several runs, medians, and processes of their own where it matters."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

PATIENCE = 900.0  # seconds that a process may take
ROOT = Path(__file__).resolve().parent.parent


class Scale(NamedTuple):
    """How much work the benchmarks do, so that tests can run them tiny."""

    bars: int = 1_000_000  # one symbol
    each: int = 100_000  # bars of each of 20 symbols, or of each combination
    combinations: int = 100
    longest: int = 10_000_000  # bars whose memory is measured
    rows: int = 1_000_000  # rows through a feature
    pushes: int = 2_000  # live rows
    repeat: int = 5  # runs of our own
    rounds: int = 2  # alternations of ours and the peer's
    peers: bool = True  # may install and run peers
    wire: tuple[int, int, int, int] = (
        500,
        75,
        5,
        20_000,
    )  # symbols, seconds, seconds a bar, trades and quotes a second
    whole: bool = False  # all of what otherwise is sampled, however long it takes


TINY = Scale(3_000, 300, 2, 20_000, 2_000, 20, 2, 1, peers=False, wire=(20, 3, 1, 200))


def seconds(work: Callable[[], object], repeat: int, warm: int = 1) -> list[float]:
    """Seconds of each of `repeat` runs, after `warm` runs that compile and fill the caches."""
    for _ in range(warm):
        work()
    taken = []
    for _ in range(repeat):
        gc.collect()
        begun = perf_counter()
        work()
        taken.append(perf_counter() - begun)
    return taken


def process(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """This Python, fresh, in the project's root; its output is kept."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


def on_one_core() -> None:
    """Bind this process, and every thread it starts from now on, to one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def machine() -> str:
    """One line about where this was measured."""
    names = ("numba", "numpy", "polars")
    versions = ", ".join([f"Python {platform.python_version()}", *(f"{n} {version(n)}" for n in names)])
    load = os.getloadavg()[0]
    return f"{_processor()}, {os.cpu_count()} cores; {versions}; load {load:.1f} when it began"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def peak_bytes() -> int:
    """Most memory this process ever held, bytes; of this program alone, not of the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    import resource

    usage: Any = resource.getrusage(resource.RUSAGE_SELF)
    return int(usage.ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
