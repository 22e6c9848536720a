"""Features with one bug each, to see that the laws bite."""

from math import isnan, nan
from typing import Any, NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.jit import kernel


class Nothing(NamedTuple):
    pass


class Weights(NamedTuple):
    weights: Any  # as many as the window is long: a tuple's length is part of its type


SUM = np.zeros((), [("total", "f8"), ("seen", "i8")])
RING = np.zeros((), [("total", "f8"), ("seen", "i8"), ("ring", "f8", 8)])


@kernel
def _look_ahead(p, memory, symbol, close, out):
    for i in range(close.size):
        out[i] = close[min(i + 1, close.size - 1)] if not isnan(close[i]) else nan


@kernel
def _reset_at_each_call(p, memory, symbol, close, out):
    for m in memory:
        m.total = 0.0
    for i in range(close.size):
        out[i] = nan
        if not isnan(close[i]):
            memory[symbol[i]].total += close[i]
            out[i] = memory[symbol[i]].total


@kernel
def _shared(p, memory, symbol, close, out):
    for i in range(close.size):
        out[i] = nan
        if not isnan(close[i]):
            memory[0].total += close[i]
            out[i] = memory[0].total


@kernel
def _poisoned(p, memory, symbol, close, out):
    for i in range(close.size):
        memory[symbol[i]].total += close[i]
        out[i] = memory[symbol[i]].total


@kernel
def _remembering_what_is_missing(p, memory, symbol, close, out):
    for i in range(close.size):
        memory[symbol[i]].seen += 1
        out[i] = close[i]


@kernel
def _drifting_sum(p, memory, symbol, close, out):
    for i in range(close.size):
        out[i] = nan
        if not isnan(close[i]):
            m = memory[symbol[i]]
            m.total += close[i] - m.ring[m.seen & 7]
            m.ring[m.seen & 7] = close[i]
            m.seen += 1
            out[i] = m.total if m.seen >= 8 else nan


@kernel
def _early(p, memory, symbol, close, out):
    for i in range(close.size):
        out[i] = close[i]


@kernel
def _overwriting(p, memory, symbol, close, out):
    for i in range(close.size):
        if close[i] > 100.0:
            close[i] = 100.0
        out[i] = close[i]


@kernel
def _weighted(p, memory, symbol, close, out):
    for i in range(close.size):
        out[i] = close[i] * p.weights[0]


def plain_sum(p: Any, memory: Any, symbol: Any, close: Any, out: Any) -> None:
    """No bug and no compiler: what a user writes in a notebook cell."""
    for i in range(close.size):
        out[i] = nan
        if not isnan(close[i]):
            m = memory[symbol[i]]
            m["total"] += close[i]
            out[i] = m["total"]


def made(loop: Any, blank: Any = SUM, params: Any = Nothing(), warmup: int = 0, horizon: int = 2**62) -> Feature:  # noqa: B008
    """A feature of a loop over `close`."""
    return Feature(loop, params, blank, ("close",), ("out",), warmup, horizon)


BUGS = {
    "look_ahead": ("causality", made(_look_ahead)),
    "reset_at_each_call": ("resume", made(_reset_at_each_call)),
    "memory_shared_between_symbols": ("separation", made(_shared)),
    "missing_value_that_poisons": ("silence", made(_poisoned)),
    "memory_of_missing_rows": ("silence", made(_remembering_what_is_missing)),
    "window_that_depends_on_where_history_began": ("horizon", made(_drifting_sum, RING, warmup=7, horizon=7)),
    "outputs_before_the_warmup": ("warm_up", made(_early, warmup=1, horizon=0)),
    "input_overwritten": ("purity", made(_overwriting, horizon=0)),
}
SECOND_SIGNATURE = [made(_weighted, params=Weights((1.0,) * n), horizon=0) for n in (2, 3)]
PLAIN = made(plain_sum)
