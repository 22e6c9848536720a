"""What a feature is, how features are wired, and what `run` promises."""

import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

import quantlib
from quantlib.core import (
    Feature,
    FeatureError,
    Memory,
    advance,
    fingerprint,
    inputs_of,
    ladder,
    run,
    rungs,
    start,
    title,
    typed,
)
from quantlib.features import imbalance, sma
from quantlib.jit import kernel


class Decay(NamedTuple):
    weight: float
    n: int = 1


BLANK = np.array((0.0,), [("value", "f8")])


@kernel
def _fading(p, memory, symbol, price, out):
    for i in range(price.size):
        m = memory[symbol[i]]
        if price[i] != price[i]:
            out[i] = np.nan
            continue
        m.value = p.weight * m.value + price[i]
        out[i] = m.value


def fading(weight=0.5, price="close", out="fading", clock="bar"):
    return Feature(_fading, Decay(weight), BLANK, (price,), (out,), 0, 100, clock)


ROWS = {"close": np.array([1.0, 2.0, 3.0]), "symbol": np.array([0, 1, 0], np.int32)}


def test_run_changes_nothing_that_it_is_given():
    before = start([fading()], ["A", "B"])
    after, columns = run([fading()], before, ROWS)
    np.testing.assert_array_equal(columns["fading"], [1.0, 2.0, 3.5])
    assert before.records[0]["value"].tolist() == [0.0, 0.0]
    assert after.records[0]["value"].tolist() == [3.5, 2.0]


def test_advance_changes_the_memory_it_owns():
    memory = start([fading()], ["A", "B"])
    advance([fading()], memory, ROWS)
    assert memory.records[0]["value"].tolist() == [3.5, 2.0]


def test_a_feature_reads_what_an_earlier_one_wrote():
    both = [fading(), fading(price="fading", out="twice")]
    _, columns = run(both, start(both, ["A", "B"]), ROWS)
    np.testing.assert_array_equal(columns["twice"], [1.0, 2.0, 4.0])
    assert inputs_of(both) == ("close",)


def test_rows_of_one_symbol_need_not_name_it():
    _, columns = run([fading()], start([fading()], ["A"]), {"close": ROWS["close"]})
    np.testing.assert_array_equal(columns["fading"], [1.0, 2.5, 4.25])


def test_read_only_and_strided_columns_need_no_second_compile():
    close = np.arange(6.0)
    frozen = close[:3].copy()
    frozen.flags.writeable = False
    memory = start([fading()], ["A"])
    for given in (close, close[::2], frozen, close[:0]):
        run([fading(), fading(1, out="b")][:1], memory, {"close": given})
    run([fading(1)], memory, {"close": close})
    assert _fading.signatures == 1


def test_no_rows_give_no_rows():
    memory = start([fading()], ["A"])
    after, columns = run([fading()], memory, {"close": np.empty(0)})
    assert columns["fading"].size == 0
    assert after.records[0].tobytes() == memory.records[0].tobytes()


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ([fading(), fading()], r"fading\(fading\): column 'fading' is already written by fading\(fading\); .*out="),
        (
            [fading(price="b"), fading(out="b")],
            r"reads 'b', which fading\(b\) writes only later; put fading\(b\) before",
        ),
        ([fading(), fading(out="b", clock="quote")], r"share a clock, got \['bar', 'quote'\]"),
    ],
)
def test_features_that_cannot_be_wired_are_refused(features, says):
    with pytest.raises(FeatureError, match=says):
        start(features, ["A"])


@pytest.mark.parametrize("symbols", [[], ["A", "A"]])
def test_symbols_are_distinct_and_at_least_one(symbols):
    with pytest.raises(FeatureError, match="symbols must be distinct and at least one"):
        start([fading()], symbols)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            {"closse": np.ones(1)},
            r"column 'close' is missing; rows bring \['closse', 'symbol'\]. Did you mean 'closse'",
        ),
        ({"close": np.ones(1, np.int64)}, "column 'close' must be float64, got int64"),
        ({"close": np.ones(2)}, "columns must have one length"),
        (
            {"close": np.ones(1), "symbol": np.array([2], np.int32)},
            "row 0 has symbol code 2, memory holds codes 0 to 1",
        ),
        ({"close": np.ones(1), "symbol": np.array([-1], np.int32)}, "row 0 has symbol code -1"),
        ({"close": np.ones(1), "symbol": np.array([0])}, "must hold int32 codes, got int64; quantlib.table makes them"),
    ],
)
def test_bad_rows_are_refused_by_column(rows, says):
    with pytest.raises(FeatureError, match=says):
        run([fading()], start([fading()], ["A", "B"]), {"symbol": np.zeros(1, np.int32)} | rows)


def test_rows_of_several_symbols_must_say_whose_they_are():
    with pytest.raises(FeatureError, match="'symbol' is missing; memory holds 2 symbols"):
        run([fading()], start([fading()], ["A", "B"]), {"close": np.ones(1)})


def test_memory_of_other_features_is_refused():
    with pytest.raises(FeatureError, match="memory is for 1 features, got 2"):
        run([fading(), fading(out="b")], start([fading()], ["A"]), {"close": np.ones(1)})


def test_a_fingerprint_follows_parameters_columns_and_code():
    prints = {fingerprint([f]) for f in (fading(), fading(0.25), fading(out="b"), fading(price="open"))}
    assert len(prints) == 4
    assert fingerprint([fading()]) == fingerprint([fading()])
    assert fingerprint([fading(1.0)]) == fingerprint([fading(1)])


def test_params_take_their_declared_kinds():
    assert typed(Decay(1, True)) == Decay(1.0, 1)
    assert type(typed(Decay(1)).weight) is float
    assert typed(()) == ()


def test_a_feature_is_named_by_kernel_and_outputs():
    assert title(fading(out="x")) == "fading(x)"
    assert isinstance(start([fading()], ["A"]), Memory)


def test_importing_quantlib_loads_nothing_heavy():
    script = "import quantlib, sys; print(sorted({'numba', 'numpy', 'polars', 'pandas', 'arch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_of_quantlib_is_there_and_a_wrong_one_finds_its_neighbour():
    assert set(quantlib.__all__) == set(quantlib.HOME)
    for name in quantlib.__all__:
        assert getattr(quantlib, name) is not None
        assert name in dir(quantlib)
    assert quantlib.hold is quantlib.asof.hold
    with pytest.raises(AttributeError, match=r"quantlib has no 'barz'. Did you mean 'bars'"):
        quantlib.barz  # noqa: B018


def test_a_factory_is_called_before_it_is_a_feature():
    with pytest.raises(FeatureError, match=r"sma is no Feature; a factory is called first: sma\(\)"):
        start([sma], ["A"])


def test_a_ladder_is_its_columns_one_beneath_the_other():
    assert ladder("bid_size", 3) == "bid_size_0..2"
    assert rungs("bid_size_0..2") == ("bid_size_0", "bid_size_1", "bid_size_2")
    assert rungs("close") == ("close",)
    feature = imbalance(2)
    assert inputs_of([feature]) == ("bid_size_0", "bid_size_1", "ask_size_0", "ask_size_1")
    with pytest.raises(ValueError, match="ladder: levels must be 1 to 1000, got 0"):
        ladder("bid", 0)
    columns = {name: np.array([1.0, 2.0]) for name in inputs_of([feature])}
    del columns["ask_size_1"]
    with pytest.raises(FeatureError, match=r"imbalance.*: column 'ask_size_1' is missing"):
        run([feature], start([feature], ["X"]), columns)
