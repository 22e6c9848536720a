"""All that research, backtest and live replay run, compiled ahead of the first use, on two cores.

Each part is compiled by what it is called with, on no rows.  Parts of a later wave are made of those before it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np

from backtest import exchange, loop
from backtest.costs import Costs
from backtest.engine import NO_TIMES, NOTHING, Record
from quantlib import catalog
from quantlib.asof import hold, hold_start
from quantlib.core import FLOAT, INTEGERS, Columns, Feature, inputs_of, run, start
from quantlib.desk import consult, memory, turn
from quantlib.desk.messages import REPORT
from quantlib.desk.policy import Policy
from quantlib.jit import Kernel
from quantlib.presets import PRESETS
from quantlib.schema import schema_of
from quantlib.table import DOORS

SYMBOLS = ("X",)
KINDS: dict[str, Any] = {**INTEGERS, "expiry": np.dtype(np.int64)}


def parts() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of all parts, in two waves; long ones come first, so that two cores end together."""
    doors = tuple(f"door {clock}" for clock in DOORS)
    features = tuple(f"feature {name}" for name in catalog.names())
    ready = tuple(f"preset {name}" for name in PRESETS)
    return ("desk decides", "exchange", "desk hears", *ready, *features, *doors, "hold"), ("backtest", "live turn")


def compiled(part: str) -> str:
    """Compile one part; returns its name.

    Raises:
        ValueError: if there is no such part.
    """
    kind, _, name = part.partition(" ")
    if kind == "feature" and name in catalog.names():
        _on_no_rows(catalog.feature(name))
    elif kind == "preset" and name in PRESETS:
        for feature in PRESETS[name]().features:
            _on_no_rows(feature)
    elif kind == "door" and name in DOORS:
        DOORS[name](_empty(c.name for c in schema_of(name).columns if c.name != "symbol"), SYMBOLS[0])
    elif part == "hold":
        rows = _empty(("ts", "value"))
        hold(hold_start(SYMBOLS, ("value",)), rows, rows)
    elif part in MACHINERY:
        for one in MACHINERY[part]:
            _compile(one)
    else:
        raise ValueError(f"compile: no part {part!r}; there are {[n for wave in parts() for n in wave]}")
    return part


def shared(part: str) -> bool:
    """Whether every backtest runs this part: a feature of the catalog compiles when it is first used."""
    return not part.startswith("feature ")


def compile_all(only: Callable[[str], bool] = bool, workers: int | None = None) -> Iterator[tuple[str, int, int]]:
    """Compile all parts that `only` wants, in as many processes as there are cores, at most two.

    Yields:
        after each part its name, how many are done, and how many there are.
    """
    waves = [[part for part in wave if only(part)] for wave in parts()]
    total, done = sum(map(len, waves)), 0
    workers = workers or min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for wave in waves:
            for future in as_completed([pool.submit(compiled, part) for part in wave]):
                done += 1
                yield future.result(), done, total


def _compile(one: Kernel) -> None:
    """Compile a kernel of the machinery for what its parameters are called."""
    from numba import typeof

    named = _nothing()
    names = one.function.__code__.co_varnames[: one.function.__code__.co_argcount]
    one.dispatcher.compile(tuple(typeof(named[name]) for name in names))


def _on_no_rows(feature: Feature) -> None:
    run([feature], start([feature], SYMBOLS), _empty(("symbol", *inputs_of([feature]))))


def _empty(names: Iterable[str]) -> Columns:
    return {name: np.empty(0, KINDS.get(name, FLOAT)) for name in names}


@cache
def _nothing() -> dict[str, Any]:
    """A desk, an exchange and rows, none of which holds anything, by the names that kernels give them."""
    desk, own, out = memory.opened(Policy(), SYMBOLS, 1.0), consult.own(None), Record(0).out(0, 0)
    venue = exchange.opened(SYMBOLS, desk.instruments, Costs())
    rows = consult.Rows(NO_TIMES, NO_TIMES, np.empty(0, np.int32), *[NOTHING] * (len(consult.Rows._fields) - 3))
    numbers = dict.fromkeys(("begin", "end", "count", "ts", "now", "group"), 0)
    return {
        "desk": desk, "exchange": venue, "x": venue, "rows": rows, "events": loop.Events(NO_TIMES, NO_TIMES),
        "reports": np.zeros(1, REPORT), "commands": desk.commands, "choose": own.choose, "room": own.room,
        "out": out, "decision": out.decision, **numbers,
    }  # fmt: skip


MACHINERY = {
    "desk decides": (consult.decide_rows,),
    "exchange": (loop.match_rows, exchange.accept),
    "desk hears": (turn.observe,),
    "backtest": (loop.replay,),
    "live turn": (turn.turned,),
}
