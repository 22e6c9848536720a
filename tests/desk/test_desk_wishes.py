"""What a plain decision may answer, and what it is told if it answers something else."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantlib.desk.consult import decision
from quantlib.desk.memory import WISH, WISHES
from quantlib.desk.wishes import Wish, cancel, enter_long, leave, order, written

ROOT = Path(__file__).parents[2]


def room():
    return np.zeros(WISHES + 1, WISH)


def test_wishes_fill_their_room():
    wishes = room()
    assert written(None, wishes) == 0
    assert written(enter_long(5, stop=0.01), wishes) == 1
    assert wishes["lots"][0] == 5
    assert wishes["stop_fraction"][0] == 0.01
    assert written([leave(), cancel(7)], wishes) == 2
    assert wishes["id"][1] == 7


@pytest.mark.parametrize("answer", [True, "buy", 3, Wish, [enter_long(), "sell"], {"lots": 3}])
def test_anything_but_wishes_is_refused(answer):
    with pytest.raises(TypeError, match="must answer None, a wish or a list of wishes"):
        written(answer, room())


def test_a_wish_of_no_known_action_is_refused():
    with pytest.raises(ValueError, match="action must be one of"):
        written(Wish(99), room())


def test_a_wish_holds_numbers():
    with pytest.raises(TypeError, match="lots of a wish must be a number, got 'a'"):
        written(enter_long("a"), room())


def test_more_wishes_than_there_is_room_for_are_refused():
    with pytest.raises(ValueError, match="at most 4 wishes a row, got 5"):
        written([leave()] * 5, room())


@pytest.mark.parametrize(("side", "lots", "says"), [("long", 1, "'buy' or 'sell'"), ("buy", 0, "above 0")])
def test_an_order_needs_a_side_and_a_size(side, lots, says):
    with pytest.raises(ValueError, match=says):
        order(side, lots)


def test_a_compiled_decision_may_not_raise():
    def careless(view, x, wishes):
        if view[0]["position"] > 0:
            raise ValueError("no")
        return 0

    with pytest.raises(ValueError, match="careless raises or asserts"):
        decision()(careless)


def test_an_index_beyond_its_arrays_ends_a_compiled_decision_without_a_wish():
    code = """
import numpy as np
import backtest
from quantlib import presets
from quantlib.data.samples import sp500
from quantlib.desk.consult import decision

@decision("close")
def beyond(view, x, wishes):
    wishes[0]["action"] = 1
    wishes[0]["lots"] = x[50]
    return 1

result = backtest.run(presets.trend()._replace(decide=beyond), sp500().head(40))
print(len(result.raw_orders))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "0\n"
    assert "IndexError" in done.stderr
