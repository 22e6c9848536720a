"""Many loops behind one call do what the loops do one after the other."""

from typing import NamedTuple

import numpy as np
import pytest

from quantlib.core import start, typed
from quantlib.features import bollinger, ema, imbalance, macd, rsi, sma
from quantlib.fused import fused
from quantlib.jit import kernel


class Mixed(NamedTuple):
    """Numbers of both kinds."""

    count: int
    weight: float


@kernel
def _scaled(p, memory, symbol, x, y):
    for i in range(x.size):
        y[i] = p.count * x[i] + p.weight


@kernel
def _failing(p, memory, symbol, x, y):
    if x[0] > 1.0:
        raise ValueError("too large")
    y[0] = x[0]


def calls(features, columns):
    made = []
    known = dict(columns)
    for feature in features:
        known |= {name: np.full(1, -1.0) for name in feature.outputs}
        record = start([feature], ["X"]).records[0]
        columns_of = [known[name] for name in (*feature.inputs, *feature.outputs)]
        made.append((feature.kernel, (typed(feature.params), record, np.zeros(1, np.int32), *columns_of)))
    return made, known


def test_one_call_gives_the_bits_of_many():
    features = [sma(3), ema(3), rsi(3), bollinger(4), macd(2, 3, 2)]
    price = np.empty(1)
    together, ours = calls(features, {"close": price})
    apart, theirs = calls(features, {"close": price})
    go = fused(together)
    for value in np.random.default_rng(0).normal(100.0, 1.0, 40):
        price[0] = value
        go()
        for loop, arguments in apart:
            loop(*arguments)
        for name in ours:
            assert ours[name].tobytes() == theirs[name].tobytes(), name


def test_a_ladder_travels_too():
    sizes = np.array([[3.0], [1.0]]), np.array([[2.0], [2.0]])
    made, known = calls([imbalance(2)], dict(zip(imbalance(2).inputs, sizes, strict=True)))
    fused(made)()
    assert known["imbalance"][0] == 0.0


def test_parameters_of_both_kinds_arrive():
    x, y, nothing = np.array([2.0, 3.0]), np.empty(2), np.zeros(1)
    fused([(_scaled, (Mixed(3, 0.5), nothing, np.zeros(2, np.int32), x, y))])()
    assert y.tolist() == [6.5, 9.5]


def test_no_calls_are_no_work():
    fused([])()


def test_a_loop_that_fails_is_named_and_those_after_it_are_not_called():
    x, y, z = np.array([1.0]), np.zeros(1), np.zeros(1)
    symbol, nothing = np.zeros(1, np.int32), np.zeros(1)
    go = fused([(_failing, (Mixed(1, 0.0), nothing, symbol, x, y)), (_scaled, (Mixed(1, 0.0), nothing, symbol, x, z))])
    go()
    assert (y[0], z[0]) == (1.0, 1.0)
    x[0] = 2.0
    with pytest.raises(RuntimeError, match=r"test_fused._failing> failed"):
        go()
    assert z[0] == 1.0
