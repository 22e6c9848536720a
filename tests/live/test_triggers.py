"""What throws the kill switch by itself."""

from __future__ import annotations

import pytest

from live.pulse import BrokerHealth, FeedHealth
from live.safety.triggers import Terms, due
from quantlib.desk.memory import ACTIVE, HALTED, REDUCING

WELL = FeedHealth("feed", connected=True), BrokerHealth("broker", connected=True)


def test_nothing_is_thrown_while_all_is_well():
    assert due(Terms(), ACTIVE, *WELL, True) is None


def test_a_feed_gone_for_two_minutes_halts_in_session_only():
    feed, broker = WELL
    assert due(Terms(), ACTIVE, feed._replace(age=120.5), broker, True).word == "halt"
    assert due(Terms(), ACTIVE, feed._replace(age=120.0), broker, True) is None
    assert due(Terms(), ACTIVE, feed._replace(age=9999.0), broker, False) is None


def test_an_open_circuit_halts_and_says_how_often_the_broker_failed():
    thrown = due(Terms(), ACTIVE, WELL[0], WELL[1]._replace(breaker="open", failures=5), True)
    assert thrown.word == "halt"
    assert "failed 5 times" in thrown.why


def test_a_broker_that_does_not_answer_for_two_minutes_halts():
    assert due(Terms(), ACTIVE, WELL[0], WELL[1]._replace(connected=False, age=121.0), False).word == "halt"
    assert due(Terms(), ACTIVE, WELL[0], WELL[1]._replace(connected=False, age=20.0), False) is None


@pytest.mark.parametrize("mode", [REDUCING, HALTED])
def test_what_is_halted_is_not_thrown_again_and_what_reduces_or_leaves_goes_on_with_it(mode):
    feed, broker = WELL[0]._replace(age=1e9), WELL[1]._replace(breaker="open", connected=False, age=1e9)
    assert due(Terms(), mode, feed, broker, True) is None
