"""Every world obeys the laws of the desk."""

import desk_laws as laws
import numpy as np
import pytest
from desk_worlds import WORLDS, scripted_plainly
from hypothesis import given
from hypothesis import strategies as st

from quantlib.desk.consult import decision
from quantlib.desk.policy import Limits, fixed_lots
from quantlib.desk.wishes import enter_long, enter_short, leave


@given(world=WORLDS)
def test_money_counters_life_cycles_and_limits_hold_after_every_event(world):
    laws.account(world)


@given(world=WORLDS, cuts=st.tuples(st.integers(1, 5), st.integers(6, 60)))
def test_cutting_a_run_and_carrying_memory_as_bytes_changes_no_bit(world, cuts):
    laws.resume(world, cuts)


@given(world=WORLDS, share=st.floats(0, 0.99))
def test_what_comes_later_changes_nothing_before(world, share):
    laws.causality(world, int(world.rows * share))


@given(world=WORLDS)
def test_rows_without_prices_are_silent(world):
    laws.silence(world._replace(missing=0.15, events=()))


@given(world=WORLDS)
def test_symbols_that_share_no_limit_trade_as_if_alone(world):
    policy = world.policy._replace(limits=Limits.off(), sizing=fixed_lots(3))
    laws.separation(world._replace(policy=policy, scripted=False, events=()))


@given(world=WORLDS)
def test_a_plain_decision_does_what_the_compiled_one_does(world):
    world = world._replace(scripted=True)
    laws.same("compiled == plain", laws.run(world), laws.run(world, decide=scripted_plainly))


@decision("score")
def by_score(view, x, wishes):
    v, w = view[0], wishes[0]
    if (v.position > 0 and x[0] <= 0.0) or (v.position < 0 and -x[0] <= 0.0):
        w.action = 3
    elif v.position == 0 and x[0] >= 0.5:
        w.action = 1
    elif v.position == 0 and x[0] <= -0.5:
        w.action = 2
    return 1


def by_score_plainly(view):
    score = view["score"]
    if view.position != 0:
        return leave() if (score if view.position > 0 else -score) <= 0.0 else None
    return enter_long() if score >= 0.5 else enter_short() if score <= -0.5 else None


@pytest.mark.parametrize("decide", [by_score, by_score_plainly], ids=["compiled", "plain"])
@given(world=WORLDS)
def test_a_decision_that_follows_the_score_trades_as_the_score_does(world, decide):
    gates = world.policy.gates._replace(fresh=False)
    policy = world.policy._replace(enter=0.5, leave=0.0, short=True, limit_ticks=0, gtc=False, gates=gates)
    world = world._replace(
        policy=policy, scripted=False, costs=world.costs._replace(latency=0, latency_bars=0, participation=0.0)
    )
    a, b = laws.run(world), laws.run(world, decide=decide)
    np.testing.assert_array_equal(a.raw_fills, b.raw_fills)
    np.testing.assert_array_equal(a.curve, b.curve)
    np.testing.assert_array_equal(a.decision, b.decision)
