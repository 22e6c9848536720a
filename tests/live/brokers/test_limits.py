"""The rate limit, the order in which commands go out under it, and the circuit breaker."""

from __future__ import annotations

import numpy as np
import pytest
from limits import RateLimitItemPerHour

from live.brokers.breaker import Circuit
from live.brokers.rate import Budget, ranked
from live.errors import Broken, Unanswered
from quantlib.desk.messages import CANCEL, EXIT, REPLACE, SELL
from tests.live.brokers.driving import asked, until


def test_queries_leave_calls_for_orders() -> None:
    budget = Budget(RateLimitItemPerHour(5), kept=2)
    assert [budget.take(order=False) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert budget.take(order=False) > 0.0
    assert [budget.take(order=True) for _ in range(2)] == [0.0, 0.0]
    assert budget.take(order=True) > 0.0
    assert budget.remaining == 0


def test_the_brokers_own_count_closes_until_its_minute_ends() -> None:
    now = [1000.0]
    budget = Budget(RateLimitItemPerHour(100), clock=lambda: now[0])
    budget.told(0, 1030.0)
    assert budget.take(order=True) == 30.0
    assert budget.remaining == 0
    now[0] = 1030.0
    assert budget.take(order=True) == 0.0
    budget.told(0, 99_999.0)  # a clock that is wrong closes for a minute at most
    assert budget.take(order=True) == 60.0


def test_cancels_go_first_then_exits_changes_and_entries_by_their_size() -> None:
    commands = np.concatenate(
        [asked(1, 1), asked(4, 9), asked(7, 2, SELL, leg=EXIT), asked(10, 1, kind=REPLACE), asked(13, 1, kind=CANCEL),
         asked(16, 5), asked(19, 3, SELL, leg=EXIT)]
    )  # fmt: skip
    order = ranked(commands, commands["lots"].astype(float))
    assert commands["id"][order].tolist() == [13, 7, 19, 10, 4, 16, 1]


def fails() -> None:
    raise Unanswered("no answer")


def test_the_circuit_opens_for_all_lanes_and_closes_by_one_success() -> None:
    circuit = Circuit(failures=3, rest=0.05, again=0.05)
    one, other = circuit.lane(), circuit.lane()
    for lane in (one, other, one):
        with pytest.raises(Unanswered):
            lane.call(fails)
    assert circuit.state == "open"
    with pytest.raises(Broken, match="circuit is open"):
        other.call(lambda: 1)

    def closes() -> bool:
        try:
            return other.call(lambda: True)
        except Broken:
            return False

    until(closes)
    assert circuit.state == "closed"
    assert one.call(lambda: 2) == 2


def test_a_failed_trial_opens_the_circuit_for_the_shorter_time() -> None:
    circuit = Circuit(failures=1, rest=0.02, again=3600.0)
    lane = circuit.lane()
    with pytest.raises(Unanswered):
        lane.call(fails)

    def tried() -> bool:
        try:
            lane.call(fails)
        except Unanswered:
            return True
        except Broken:
            return False
        return False

    until(tried)
    assert circuit.state == "open"
    with pytest.raises(Broken):
        lane.call(lambda: 1)


def test_a_success_between_failures_starts_the_count_anew() -> None:
    circuit = Circuit(failures=2)
    lane = circuit.lane()
    for _ in range(3):
        with pytest.raises(Unanswered):
            lane.call(fails)
        assert lane.call(lambda: 1) == 1
    assert circuit.state == "closed"
