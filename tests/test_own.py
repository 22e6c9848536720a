"""A plain function is a feature in one line."""

import pickle
import subprocess
import sys
from math import isnan, nan

import numpy as np
import pytest

from quantlib.core import Feature, fingerprint, run, start
from quantlib.laws import LawBroken, check
from quantlib.own import ALL_ROWS, feature, python_feature


@feature(memory={"last": nan}, warmup=1, horizon=1)
def jump(m, close, scale=1.0):
    """How far the close went."""
    change = scale * (close - m.last)
    m.last = close
    return change


@python_feature(memory={"last": nan}, warmup=1, horizon=1)
def slow_jump(m, close, scale=1.0):
    change = scale * (close - m.last)
    m.last = close
    return change


@feature(outputs=("mid", "width"))
def shape(ts, high, low):
    return 0.5 * (high + low), high - low


@feature(memory={"window": np.full(4, nan), "n": np.int64(0)}, warmup=lambda p: p.n - 1, horizon=lambda p: p.n - 1)
def highest(m, close, n=3):
    m.window[m.n & 3] = close
    m.n += 1
    top = close
    for k in range(n):
        top = max(top, m.window[(m.n - 1 - k) & 3])
    return top if m.n >= n else nan


@feature(memory={"total": 0.0})
def forever(m, volume):
    m.total += volume
    return m.total


ROWS = {
    "close": np.array([1.0, 2.0, nan, 4.0]),
    "high": np.array([2.0, 3.0, 4.0, 5.0]),
    "low": np.array([1.0, 2.0, 2.0, nan]),
    "ts": np.arange(4),
}


def outputs(*features: Feature):
    return run(features, start(features, ["A"]), ROWS)[1]


@pytest.mark.parametrize(
    "one", [jump(), jump(scale=3), slow_jump(), shape(), highest(n=2), forever()], ids=lambda f: "-".join(f.outputs)
)
def test_a_users_feature_obeys_the_laws(one):
    check(one)


def test_the_laws_bite_a_users_feature():
    @feature(memory={"last": nan})
    def late(m, close):
        change = close - m.last
        m.last = close
        return change

    with pytest.raises(LawBroken, match="warm_up"):
        check(late())


def test_what_the_function_returns_is_what_is_written():
    got = outputs(jump(), jump(scale=100, out="cents"), shape())
    np.testing.assert_array_equal(got["jump"], [nan, 1.0, nan, 2.0])
    np.testing.assert_array_equal(got["cents"], [nan, 100.0, nan, 200.0])
    np.testing.assert_array_equal(got["width"], [1.0, 1.0, 2.0, nan])


def test_plain_python_gives_the_bits_of_the_compiled_loop():
    got = outputs(jump(scale=0.1), slow_jump(scale=0.1))
    assert got["jump"].tobytes() == got["slow_jump"].tobytes()
    assert fingerprint([slow_jump()]) == fingerprint([slow_jump()])
    assert "0x" not in repr(slow_jump().kernel)


def test_columns_and_outputs_take_other_names():
    one = jump(close="vwap", out="vwap_jump")
    assert (one.inputs, one.outputs) == (("vwap",), ("vwap_jump",))
    assert shape(out=("a", "b")).outputs == ("a", "b")


def test_the_signature_says_what_a_feature_reads_and_forgets():
    assert shape() == Feature(shape.loop, (), shape.plan.blank, ("ts", "high", "low"), ("mid", "width"), 0, 0)
    assert (jump().warmup, jump().horizon, forever().horizon) == (1, 1, ALL_ROWS)
    assert highest(n=4).warmup == 3
    assert jump.__doc__ == "How far the close went."
    assert "jump(close, scale)" in repr(jump)


def test_a_number_remembered_is_never_cut_to_an_integer():
    @feature(memory={"total": 0})
    def sums(m, close):
        m.total += 0.5 * close
        return m.total

    np.testing.assert_array_equal(outputs(sums())["sums"], [0.5, 1.5, nan, 3.5])


def test_parameters_keep_their_kind():
    assert jump(scale=3).params == (3.0,)
    assert type(jump(scale=3).params.scale) is float
    with pytest.raises(ValueError, match=r"highest: n must be an int, got 2.5"):
        highest(n=2.5)
    with pytest.raises(ValueError, match="jump: scale must be a number, got 'big'"):
        jump(scale="big")
    with pytest.raises(ValueError, match="jump: close names a column, got 3"):
        jump(close=3)
    with pytest.raises(ValueError, match=r"no argument 'scael'; it takes .* Did you mean 'scale'"):
        jump(scael=3)
    with pytest.raises(ValueError, match="writes 1 columns, out has 2"):
        jump(out=("a", "b"))


def no_inputs():
    return 1.0


def with_star(*close):
    return 1.0


def with_text(close, how="fast"):
    return 1.0


@pytest.mark.parametrize(
    ("function", "arguments", "says"),
    [
        (no_inputs, {}, "must read at least one column"),
        (with_star, {}, "must be plain"),
        (with_text, {}, "parameter how must be a number, got 'fast'"),
        (no_inputs, {"memory": {"a": 0.0}}, "its first argument is what is remembered"),
        (jump.function, {"memory": {"last": "x"}}, "memory last must begin as a number"),
        (jump.function, {"clock": "bars"}, r"no clock 'bars'.* Did you mean 'bar'"),
        (len, {}, r"wants a plain function.*with parentheses"),
    ],
)
def test_what_cannot_be_a_feature_is_refused(function, arguments, says):
    with pytest.raises(ValueError, match=says):
        feature(**arguments)(function)


def test_a_users_kernel_is_found_again_by_name():
    assert pickle.loads(pickle.dumps(jump().kernel)) is jump().kernel
    assert pickle.loads(pickle.dumps(jump(scale=2.0).params)) == (2.0,)


def test_a_users_feature_is_compiled_once_and_read_from_disk_in_the_next_process(tmp_path):
    tmp_path.joinpath("mine.py").write_text(
        "from quantlib.own import feature\n\n\n@feature()\ndef twice(close, times=2.0):\n    return times * close\n"
    )
    script = (
        "import mine, numpy as np\nfrom quantlib.core import run, start\n"
        "one = mine.twice()\nrun([one], start([one], ['A']), {'close': np.ones(1)})\n"
        "print(sum(one.kernel.dispatcher.stats.cache_hits.values()))"
    )
    root = __file__.rsplit("/tests/", 1)[0]
    environment = {
        "PYTHONPATH": f"{root}:{tmp_path}",
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
    }
    hits = [
        subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert [h.strip() for h in hits] == ["0", "1"]


def test_a_missing_row_never_reaches_the_function():
    @python_feature()
    def strict(close):
        assert not isnan(close)
        return close

    np.testing.assert_array_equal(outputs(strict())["strict"], [1.0, 2.0, nan, 4.0])


def test_no_two_functions_share_the_name_of_their_parameters():
    assert type(jump().params).__name__ != type(slow_jump().params).__name__  # else numba calls are 40 times slower
    assert type(jump().params) is type(feature(memory={"last": nan})(jump.function)().params)  # a cell that runs again
