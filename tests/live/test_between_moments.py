"""What a session does between two moments: hear, obey, flatten; and limits that are overridden for a time."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import DAY, START, scored, scoring

from live.errors import SessionError
from live.journal import Place
from live.operator import want
from live.state import State
from live.words import Action, Beat, raw, records_of
from quantlib.desk import memory as desks
from quantlib.desk.messages import CANCEL, ENTRY, EXIT, FILL, REPORT, SUBMIT


def state() -> State:
    one, table = scoring(), scored()
    return State(one, table.symbols, desks.opened(one.policy, table.symbols, 1e6))


def after(steps: int) -> tuple[State, np.ndarray]:
    """A state after so many days without a report, and the rows of all days."""
    here, records = state(), records_of(scored().columns)
    days = np.unique(records["ts"])
    for day in days[:steps]:
        here.advance(records[records["ts"] == day], np.empty(0, REPORT))
    return here, records


def entries(here: State) -> np.ndarray:
    orders = here.desk.orders[1:]
    return orders[(orders["id"] > 0) & (orders["leg"] == ENTRY) & (orders["status"] <= 3)]


def filled(order: np.void) -> np.ndarray:
    report = np.zeros(1, REPORT)
    for name in ("id", "group", "lots", "symbol", "side", "order", "leg"):
        report[name] = order[name]
    report["ts"], report["kind"], report["price"] = START + 100 * DAY, FILL, 100.0
    return report


def test_a_beat_hears_a_fill_before_the_next_rows_come():
    here, _ = after(1)
    one = entries(here)[0]
    output = here.beat(Beat(START + 100 * DAY, filled(one)))
    assert output.fills["id"].tolist() == [one["id"]]
    assert here.desk.holdings["lots"][one["symbol"]] == one["lots"] * one["side"]
    assert len(output.decision) == 0


def test_told_to_flatten_a_beat_leaves_every_position_though_no_row_comes():
    here, _ = after(1)
    one = entries(here)[0]
    here.beat(Beat(START + 100 * DAY, filled(one)))
    here.obey(Action(1, START + 101 * DAY, "flatten"))
    output = here.beat(Beat(START + 101 * DAY, np.empty(0, REPORT)))
    exits = output.commands[output.commands["leg"] == EXIT]
    assert exits["symbol"].tolist() == [one["symbol"]]
    assert exits["lots"].tolist() == [one["lots"]]
    again = here.beat(Beat(START + 102 * DAY, np.empty(0, REPORT)))
    assert not (again.commands["kind"] == SUBMIT).any(), "one exit works already"


def test_halted_a_beat_takes_back_working_entries_only():
    here, _ = after(1)
    ids = sorted(entries(here)["id"].tolist())
    here.obey(Action(1, START + 101 * DAY, "halt", who="ann", why="news"))
    output = here.beat(Beat(START + 101 * DAY, np.empty(0, REPORT)))
    assert sorted(output.commands["id"].tolist()) == ids
    assert set(output.commands["kind"].tolist()) == {CANCEL}
    assert here.why == "news (ann)"


def test_a_limit_is_overridden_until_its_moment_and_then_stands_again():
    here, records = after(1)
    days = np.unique(records["ts"])
    until = int(days[3])
    here.obey(Action(1, int(days[1]), "override", limit="trades", value=0.0, until=until))
    assert here.desk.policy["limits_trades"][0] == 0
    here.advance(records[records["ts"] == days[1]], np.empty(0, REPORT))
    here.advance(records[records["ts"] == days[2]], np.empty(0, REPORT))
    assert here.desk.policy["limits_trades"][0] == 0
    here.advance(records[records["ts"] == days[3]], np.empty(0, REPORT))
    assert here.desk.policy["limits_trades"][0] == scoring().policy.limits.trades
    assert here.overrides == {}


def test_an_override_outlives_a_restart_from_a_snapshot():
    here, records = after(1)
    here.obey(Action(1, START, "override", limit="position", value=0.01, until=START + 1000 * DAY))
    other = state()
    other.restore(here.to_bytes(Place(), "same"), "same")
    assert other.desk.policy["limits_position"][0] == 0.01
    day = np.unique(records["ts"])[1]
    rows = records[records["ts"] == day]
    ours, theirs = (one.advance(rows, np.empty(0, REPORT)) for one in (here, other))
    assert raw(ours.commands) == raw(theirs.commands)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"word": "override", "limit": "postion", "value": 1.0, "until": 5}, "no limit 'postion'.*position"),
        (
            {"word": "override", "limit": "position", "value": -1.0, "until": 5},
            "number of 0 or more and below 2\\*\\*62, got -1",
        ),
        ({"word": "override", "limit": "positions", "value": 1e19, "until": 5}, "below 2\\*\\*62, got 1e\\+19"),
        ({"word": "override", "limit": "position", "value": 1.0}, "must end"),
        ({"word": "stop"}, "action must be one of"),
    ],
)
def test_an_action_that_makes_no_sense_is_refused_and_leaves_no_file(tmp_path, asked, told):
    with pytest.raises(SessionError, match=told):
        want(tmp_path / "operator", **asked)
    assert not (tmp_path / "operator").exists()
