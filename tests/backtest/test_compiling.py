"""What is compiled ahead is what runs; whoever waits for a compiler is told."""

import sys

import numpy as np
import polars as pl
import pytest

import backtest
from backtest.ahead import MACHINERY, compiled, parts
from backtest.compiling import announced, heard
from quantlib import presets
from quantlib.jit import kernel

DAY = 86_400_000_000_000


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    close = 100.0 + np.cumsum(np.random.default_rng(5).normal(0, 1, 400))
    ts = 1_600_000_000_000_000_000 + DAY * np.arange(400)
    names = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": np.full(400, 1e6)}
    return pl.DataFrame({"ts": ts, "symbol": ["A"] * 400, **names})


def fresh() -> object:
    """A kernel that no cache keeps, as if typed at a prompt."""
    scope: dict[str, object] = {"__name__": "__main__"}
    exec("def newborn(x):\n    return x + 1\n", scope)
    return kernel(scope["newborn"])


def test_nothing_is_left_to_compile_for_a_backtest_after_all_parts_are(frame):
    for part in (*MACHINERY, "door bar", "preset trend"):
        assert compiled(part) == part
    late: list[str] = []
    with heard(late.append):
        result = backtest.run(presets.trend(), frame)
    assert late == []
    assert len(result.fills) > 0


def test_every_part_belongs_to_one_wave():
    first, second = parts()
    assert len({*first, *second}) == len(first) + len(second)
    assert set(MACHINERY) <= {*first, *second}


def test_an_unknown_part_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no part 'feature smaa'; there are \['desk decides'"):
        compiled("feature smaa")


def test_a_compilation_is_heard_once_and_only_while_it_happens():
    newborn, names = fresh(), []
    with heard(names.append):
        newborn(1)
        newborn(2)
    newborn(1.0)
    assert names == ["newborn"]


def test_who_waits_is_told_in_one_line_where_there_is_no_terminal(capsys):
    first, second = fresh(), fresh()
    with announced():
        first(1)
        second(1)
    assert capsys.readouterr().err == "compiling, once (ahead of time: python -m backtest compile)\n"


def test_the_line_follows_the_work_and_goes_away_on_a_terminal(capsys, monkeypatch):
    newborn = fresh()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with announced():
        newborn(1)
    assert capsys.readouterr().err == "\r\x1b[2Kcompiling, once: newborn (1)\r\x1b[2K"


def test_nothing_is_said_where_nothing_is_compiled(capsys):
    with announced():
        pass
    assert capsys.readouterr().err == ""
