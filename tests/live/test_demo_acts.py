"""A demo in which the operator acted is held against its rerun with those acts, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from test_wire_law import day, momentum

from live.launch import Compared, compared
from live.operator import RUNNER, want
from live.rehearsal import rehearse
from live.runner import Runner
from live.trading import Watch
from live.words import Output

CASH = 1e5
TABLE = day(60)
Acts = dict[int, Callable[[Path], object]]  # by the step after which they are given


def demo(folder: Path, acts: Acts) -> Compared:
    """A demo with these acts, and what it is held against."""

    def stepped(runner: Runner, output: Output) -> None:
        if runner.state.step in acts:
            acts[runner.state.step](folder / "operator")

    rehearse(momentum(), TABLE, folder, cash=CASH, watch=Watch(stepped=stepped))
    return compared(folder, momentum(), TABLE, CASH)


def word(text: str, **named: object) -> Callable[[Path], object]:
    return lambda folder: want(folder, text, who="ann", why="a test", **named)  # type: ignore[arg-type]


def test_a_demo_that_was_left_alone_is_held_against_its_backtest(tmp_path: Path) -> None:
    found = demo(tmp_path / "d", {})
    assert str(found) == f"against its backtest: parity: 0 differences in {TABLE.rows} decisions"


@pytest.mark.parametrize(
    ("acts", "told"),
    [
        ({20: word("halt")}, "an act"),
        ({15: word("halt"), 25: word("resume")}, "2 acts"),
        (
            {
                10: word("override", limit="gross", value=0.02, until=2**62), 20: word("reduce"), 30: word("resume"),
                40: word("flatten"),
            },
            "4 acts",
        ),
    ],
    ids=["halt", "halt and resume", "all of them"],
)  # fmt: skip
def test_a_demo_with_acts_of_the_operator_is_held_against_its_rerun_with_them(
    tmp_path: Path, acts: Acts, told: str
) -> None:
    found = demo(tmp_path / "d", acts)
    assert found.parity.holds
    assert str(found).startswith(f"against its rerun with {told} of the operator: parity: 0 differences in 180")


def test_a_halt_that_the_session_threw_itself_is_no_act_of_the_operator(tmp_path: Path) -> None:
    found = demo(tmp_path / "d", {20: lambda folder: want(folder, "halt", who=RUNNER, why="a test")})
    assert found.against == "backtest"
    assert not found.parity.holds
