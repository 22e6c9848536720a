"""Days that end early, and whether a flatten was seen through."""

from __future__ import annotations

import numpy as np
import pytest
from test_between_moments import after, filled
from test_wire_law import COSTS, day, momentum

from live.brokers.protocol import Standing
from live.journal import read
from live.loop import Terms
from live.operator import want
from live.rehearsal import rehearse
from live.safety.closing import LEAD, Earlier, earlier, is_flat, left_at, seen_through
from live.trading import Watch
from live.watch.notes import alert_of
from live.words import MAGIC, NOTE, Action, Beat, Note, note_of
from quantlib.desk.messages import ORDER, REPORT
from quantlib.desk.policy import DAY_NS, Gates

HOUR = 3_600_000_000_000
DAY = 19_000 * DAY_NS
INTRADAY = Gates(session_open=14 * HOUR, session_close=20 * HOUR, flat_by_close=True)


def test_a_day_that_ends_before_the_policy_does_ends_five_minutes_before_the_market():
    assert earlier(INTRADAY, DAY + 18 * HOUR) == Earlier(18 * HOUR - LEAD, DAY + DAY_NS)


@pytest.mark.parametrize("close", [20 * HOUR + LEAD, 21 * HOUR])
def test_a_day_that_lasts_as_long_as_the_policy_needs_no_word(close):
    assert earlier(INTRADAY, DAY + close) is None


def test_who_may_hold_over_night_does_not_mind_the_close():
    assert earlier(INTRADAY._replace(flat_by_close=False), DAY + 18 * HOUR) is None


def test_the_days_of_a_policy_begin_when_it_says():
    gates = INTRADAY._replace(day_start=5 * HOUR, session_open=9 * HOUR, session_close=15 * HOUR)
    assert earlier(gates, DAY + 18 * HOUR) == Earlier(13 * HOUR - LEAD, DAY + 5 * HOUR + DAY_NS)


def test_an_early_close_reaches_the_desk_as_an_override_and_ends_with_the_day():
    here, records = after(1)
    days = np.unique(records["ts"])
    here.obey(Action(1, int(days[1]), "override", limit="session_close", value=18.0 * HOUR, until=int(days[2])))
    assert here.desk.policy["session_close"][0] == 18 * HOUR
    here.advance(records[records["ts"] == days[2]], np.empty(0, REPORT))
    assert here.desk.policy["session_close"][0] == DAY_NS


def test_a_desk_is_flat_when_it_holds_nothing_and_nothing_works():
    here, _ = after(0)
    assert is_flat(here.desk)
    here, _ = after(1)
    orders = here.desk.orders[1:]
    assert not is_flat(here.desk), "entries work"
    one = orders[orders["id"] > 0][0].copy()
    here.beat(Beat(int(one["placed"]) + 1, filled(one)))
    assert not is_flat(here.desk)


def test_what_a_broker_still_has_is_said_in_words():
    assert left_at(Standing(0.0, np.zeros(2, np.int64), np.empty(0, ORDER))) == ""
    assert left_at(Standing(0.0, np.array([0, -3]), np.zeros(2, ORDER))) == "1 positions and 2 orders"


def test_what_became_of_a_flatten_tells_what_is_left_and_gravely_what_was_refused():
    assert seen_through("", 0) == ("flatten", "flat: the broker holds nothing")
    assert seen_through("1 positions and 2 orders", 0) == ("flatten", "the broker still has 1 positions and 2 orders")
    grave = seen_through("", 1138)
    assert grave.text == "flat: the broker holds nothing; 1,138 orders were refused on the way"
    assert alert_of(Note(0, *grave)).severity == "critical"


def test_a_flatten_through_the_wire_is_seen_through_at_the_broker_and_told(tmp_path):
    folder = tmp_path / "wire"

    def stepped(runner, output):
        if runner.state.step == 20:
            want(folder / "operator", "flatten", who="ann", why="done for today")

    done = rehearse(
        momentum(), day(40), folder, cash=1e5, costs=COSTS, watch=Watch(stepped=stepped), terms=Terms(beats=0.0)
    )  # fmt: skip
    assert done.mode == "REDUCING"
    notes = [note_of(f.payload) for f in read(folder / "journal", MAGIC).frames if f.kind == NOTE]
    assert [n.text for n in notes if n.kind == "flatten"] == ["flat: the broker holds nothing"]
