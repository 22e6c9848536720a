"""Watchdogs bark at what is wrong, once, and at nothing else; all without waiting for anything."""

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulses import NOON, SECOND, pulse

from live.control.machine import Machine
from live.pulse import BOUNDS, Histogram
from live.watch.latency import quantile, since, slower
from live.watch.ping import Ping
from live.watch.watchdogs import HALT, KILL, REDUCE, RESTART, Finding, Look, Thresholds, findings, fresh

LIMITS = Thresholds()
ROOMY = Machine(8 * 10**9, 0.4, 10**11, 0.2, 0.1)
HOUR = 3600 * SECOND


def look(**changes) -> Look:
    """All is well at NOON, in session, but for the changes."""
    well = Look(NOON, 7, NOON - HOUR, pulse(pid=7), None, NOON - HOUR, 10**9, ROOMY, Ping(NOON, 0.05, 0.01))
    return well._replace(**changes)


def said(seen: Look, limits: Thresholds = LIMITS) -> list[tuple[str, str]]:
    return [(one.name, one.action) for one in findings(seen, limits)]


def after(seconds: float) -> int:
    return NOON + int(seconds * SECOND)


def test_a_session_that_is_well_has_no_findings():
    assert said(look()) == []


@pytest.mark.parametrize(
    ("age", "expected"),
    [(4.9, []), (5.1, [("pulse late", "")]), (60.1, [("runner hung", KILL)]), (9e5, [("runner hung", KILL)])],
)
def test_a_pulse_that_does_not_come_is_late_then_the_runner_hangs(age, expected):
    assert said(look(now=after(age), open_since=None)) == expected


def test_a_runner_that_starts_has_time_to_compile_whatever_the_last_one_left():
    old = pulse(pid=6, at=NOON - 9 * HOUR)
    for last in (None, old):
        assert said(look(pulse=last, started=NOON - 299 * SECOND)) == []
        assert said(look(pulse=last, started=NOON - 301 * SECOND)) == [("runner hung", KILL)]


def test_no_runner_is_not_a_runner_that_hangs():
    assert said(look(pid=None, now=after(9e5))) == []


@pytest.mark.parametrize(
    ("age", "expected"),
    [(29.0, []), (31.0, [("feed silent", "")]), (119.0, [("feed silent", "")]), (121.0, [("feed gone", HALT)])],
)
def test_a_silent_feed_is_told_and_after_two_minutes_trading_halts(age, expected):
    assert said(look(pulse=pulse(pid=7, feed={"age": age}))) == expected


def test_the_age_of_the_pulse_counts_for_the_feed_too():
    assert said(look(now=after(4), pulse=pulse(pid=7, feed={"age": 27.0}))) == [("feed silent", "")]


def test_silence_counts_from_the_open_and_from_the_runners_start():
    night = pulse(pid=7, feed={"age": 60_000.0})
    assert said(look(pulse=night, open_since=None)) == []
    assert said(look(pulse=night, open_since=NOON - 20 * SECOND)) == []
    assert said(look(pulse=night, open_since=NOON - 40 * SECOND)) == [("feed silent", "")]
    assert said(look(pulse=night, started=NOON - 20 * SECOND)) == []


def test_a_feed_of_minutes_may_be_silent_for_a_minute_more():
    minutes = LIMITS._replace(rhythm=60.0)
    assert said(look(pulse=pulse(pid=7, feed={"age": 89.0})), minutes) == []
    assert said(look(pulse=pulse(pid=7, feed={"age": 91.0})), minutes) == [("feed silent", "")]
    assert said(look(pulse=pulse(pid=7, feed={"age": 181.0})), minutes) == [("feed gone", HALT)]


@pytest.mark.parametrize(
    ("away", "expected"), [(29, []), (31, [("broker silent", "")]), (121, [("broker gone", REDUCE)])]
)
def test_a_broker_that_does_not_answer_stops_new_positions(away, expected):
    lost = Ping(NOON, trouble="connection refused", failing=NOON - away * SECOND)
    assert said(look(ping=lost)) == expected


@pytest.mark.parametrize(
    ("skew", "seconds", "expected"),
    [
        (0.9, 0.0, []), (-1.1, 0.0, [("clock skewed", "")]), (5.1, 0.0, [("clock wrong", REDUCE)]),
        (3.0, 4.2, []), (3.0, 3.0, [("clock skewed", "")]),
    ],
)  # fmt: skip
def test_clocks_that_differ_are_told_by_what_is_certain(skew, seconds, expected):
    assert said(look(ping=Ping(NOON, seconds, skew))) == expected


def test_decisions_are_judged_by_those_of_lately():
    before = Histogram()
    for _ in range(1000):
        before = before.with_one(3.0)  # long ago
    now = before
    for _ in range(100):
        now = now.with_one(0.001)
    then, fast = pulse(pid=7, decision=before), pulse(pid=7, decision=now)
    assert said(look(pulse=fast, before=then)) == []
    for _ in range(6):
        now = now.with_one(0.8)
    slow = pulse(pid=7, decision=now)
    assert said(look(pulse=slow, before=then)) == [("decisions slow", "")]
    assert "6% of 106 decisions" in findings(look(pulse=slow, before=then), LIMITS)[0].text
    assert said(look(pulse=slow, before=then._replace(pid=6))) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"memory": 5 * 10**9}, [("runner large", RESTART)]),
        ({"machine": ROOMY._replace(memory_used=0.96)}, [("memory short", "")]),
        ({"machine": ROOMY._replace(disk_free=10**9)}, [("disk short", "")]),
        ({"machine": ROOMY._replace(disk_free=10**8)}, [("disk full", REDUCE)]),
    ],
)
def test_memory_and_disk_are_watched(changes, expected):
    assert said(look(**changes)) == expected


def test_an_action_is_taken_once_for_as_long_as_its_reason_lasts():
    gone = findings(look(pulse=pulse(pid=7, feed={"age": 200.0})), LIMITS)
    acted, due = fresh({}, gone, "ACTIVE")
    assert [one.action for one in due] == [HALT]
    acted, due = fresh(acted, gone, "ACTIVE")  # the operator resumed, with open eyes
    assert due == []
    acted, due = fresh(acted, [], "ACTIVE")
    _, due = fresh(acted, gone, "ACTIVE")
    assert [one.action for one in due] == [HALT]


@pytest.mark.parametrize(
    ("mode", "left"),
    [("ACTIVE", [REDUCE, HALT, KILL]), ("REDUCING", [KILL]), ("HALTED", [KILL])],
)
def test_what_is_in_force_already_is_not_asked_for(mode, left):
    found = [Finding(str(n), "critical", "", action) for n, action in enumerate((REDUCE, HALT, KILL))]
    _, due = fresh({}, found, mode)
    assert [one.action for one in due] == left


def test_an_alert_says_what_is_done():
    (gone,) = findings(look(pulse=pulse(pid=7, feed={"age": 200.0})), LIMITS)
    assert gone.alert.text == "no market data for 200 s while the market is open; trading is to halt"
    (hung,) = findings(look(now=after(61), open_since=None), LIMITS)
    assert hung.alert.text == "process 7 gave no sign for 61 s; it is killed and started again"


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_between_the_bounds_of_the_true_one(seconds, q):
    one = Histogram()
    for s in seconds:
        one = one.with_one(s)
    true = sorted(seconds)[max(0, -(-int(q * len(seconds) * 1e9) // 10**9) - 1)]
    above = next((b for b in BOUNDS if b >= true), max(seconds))
    below = max((b for b in BOUNDS if b < true), default=0.0)
    assert below - 1e-9 <= quantile(one, q) <= max(above, true) + 1e-9
    assert quantile(one, 1.0) <= max(seconds) + 1e-9


def test_nothing_has_no_quantile_and_is_not_slow():
    assert isnan(quantile(Histogram(), 0.5))
    assert slower(Histogram(), 0.1) == 0.0


def test_a_histogram_that_began_anew_is_taken_whole():
    old = Histogram().with_one(1.0).with_one(2.0)
    anew = Histogram().with_one(0.1)
    assert since(old, anew) == anew
    assert since(anew, anew.with_one(0.3)).number == 1
