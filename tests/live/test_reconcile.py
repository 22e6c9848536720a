"""What counts as a difference between desk and broker, and what is only on its way."""

from __future__ import annotations

import numpy as np
from scenes import scored, scoring

from live.brokers.protocol import Standing
from live.reconcile import differences, working
from live.state import State
from live.tape import Tape
from quantlib.desk import memory
from quantlib.desk.messages import REPORT


def test_an_order_that_is_on_its_way_is_no_difference_and_any_other_is() -> None:
    table, one = scored(), scoring()
    state, tape = State(one, table.symbols, memory.opened(one.policy, table.symbols, 1e6)), Tape(table)
    while len(working(state.desk)) < 2:
        state.advance(tape.rows(state.step), np.empty(0, REPORT))
    sent = working(state.desk)
    none = Standing(1e6, np.zeros(len(table.symbols), np.int64), sent[:0])
    found = differences(state.desk, table.symbols, none)
    assert [text.split(":")[0] for text in found] == [f"order {id}" for id in sent["id"]]
    first = int(sent["id"][0])
    assert differences(state.desk, table.symbols, none._replace(pending=frozenset({first}))) == found[1:]
    assert differences(state.desk, table.symbols, none._replace(pending=frozenset(sent["id"].tolist()))) == []
