"""What a fresh process pays: the first compilation, the import, the first answer; and what 10 million bars weigh."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.row import Row, Skipped, row
from benchmarks.timing import Scale, process

IMPORT = """
import numpy, polars
from time import perf_counter
begun = perf_counter()
import quantlib
print(perf_counter() - begun)
"""
FIRST = """
import backtest
from benchmarks.rows_desk import walk
from quantlib import presets
print(len(backtest.run(presets.trend(), walk(2000)).raw_fills))
"""


def compiling(name: str, scale: Scale) -> Row:
    """Seconds of `python -m backtest compile` with an empty cache."""
    runs = []
    for _ in range(max(1, scale.rounds - 1)):
        with TemporaryDirectory() as empty:
            begun = perf_counter()
            printed(["-m", "backtest", "compile"], NUMBA_CACHE_DIR=empty)
            runs.append(perf_counter() - begun)
    return row(name, "s", runs, "python -m backtest compile, empty NUMBA_CACHE_DIR")


def importing(name: str, scale: Scale) -> Row:
    """Seconds of `import quantlib` where numpy and polars are loaded."""
    return row(name, "s", [float(printed(["-c", IMPORT])) for _ in range(scale.repeat)], "fresh processes")


def first_answer(name: str, scale: Scale) -> Row:
    """Seconds from starting Python to the fills of a small backtest, everything compiled before."""
    printed(["-c", FIRST])
    runs = []
    for _ in range(scale.repeat):
        begun = perf_counter()
        printed(["-c", FIRST])
        runs.append(perf_counter() - begun)
    return row(name, "s", runs, "presets.trend on 2,000 bars, fresh processes, compiled before")


def memory(name: str, scale: Scale) -> Row:
    """Peak bytes of a process that backtests so many bars, rows included."""
    peak, bare, fills = map(int, printed(["-m", "benchmarks.long_backtest", str(scale.longest)]).split())
    note = f"{scale.longest:,} bars with volume, {fills:,} fills; {bare / 1e6:.0f} MB before the first row"
    return row(name, "bytes", [float(peak)], note)


def printed(arguments: list[str], **environment: str) -> str:
    """What a fresh process says.

    Raises:
        Skipped: if it fails, with its last word.
    """
    done = process(arguments, **environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise Skipped(f"python {' '.join(arguments[:3])} ended with {done.returncode}: {last}")
    return done.stdout.strip()


BENCHES: dict[str, Callable[[Scale], Row]] = {
    "compile.cold": partial(compiling, "compile.cold"),
    "import.warm": partial(importing, "import.warm"),
    "backtest.first": partial(first_answer, "backtest.first"),
    "memory.10m": partial(memory, "memory.10m"),
}
