"""Replay law: on any tape the live runner decides, commands, fills and values what the backtest does, to the bit."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scenes import scored

import backtest
from backtest.costs import Costs
from live.brokers.simulated import SimulatedBroker
from live.parity import check
from live.session import replay
from quantlib.desk.consult import decision
from quantlib.desk.memory import LEAVE, LONG, Instrument
from quantlib.desk.policy import Exits, Gates, Limits, Policy, fixed_fraction, fixed_lots, risk_per_trade
from quantlib.desk.wishes import Wish, enter_long, leave, order
from quantlib.features import ema
from quantlib.strategy import Strategy


def one_of(**choices: list[Any]) -> Any:
    """Named values, each one of its choices."""
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in choices.items()})


costs = one_of(
    rate=[0.0, 1e-4], spread=[0.0, 3e-4], per_order=[0.0, 1.0], range_share=[0.0, 0.05], borrow=[0.0, 0.03],
    participation=[0.0, 1e-3], latency_bars=[0, 1],
).map(lambda chosen: Costs(**chosen))  # fmt: skip
policies = one_of(
    short=[False, True], limit_ticks=[0, 25], gtc=[False, True],
    sizing=[fixed_lots(7), fixed_fraction(0.03), risk_per_trade(0.002)],
    exits=[Exits(0.01), Exits(0.04, 0.03), Exits(0.02, 0.01, max_rows=5)],
    gates=[Gates(), Gates(cooldown_rows=2), Gates(fresh=True)],
    limits=[Limits(), Limits.off(), Limits(short_share=1.1, losses=0, daily_drawdown=0.001)],
).map(lambda chosen: Policy(**chosen))  # fmt: skip
tapes = one_of(symbols=[("AAA",), ("AAA", "BBB"), ("AAA", "BBB", "CCC")], missing=[0.0, 0.2]).flatmap(
    lambda chosen: st.builds(
        scored, st.integers(1, 60), st.just(chosen["symbols"]), st.integers(0, 10_000), st.just(chosen["missing"])
    )
)


@decision("ema", "close")
def follows(view: Any, x: Any, wishes: Any) -> int:
    """A compiled decision of the tests' own."""
    v, w = view[0], wishes[0]
    if x[0] != x[0]:
        return 0
    if v.position == 0.0 and x[1] > x[0]:
        w.action = LONG
        w.stop_fraction = 0.02
        return 1
    if v.position > 0.0 and x[1] < x[0]:
        w.action = LEAVE
        return 1
    return 0


def asks(view: Any) -> Wish | list[Wish] | None:
    """A plain decision of the tests' own."""
    if view.position == 0 and view["score"] > 0.5:
        return enter_long(stop=0.02, target=0.03)
    if view.position > 0 and view["score"] < -0.5:
        return leave()
    if view.position > 1 and view.exits == 0 and view["score"] == 0:
        return order("sell", 1, limit=round(view.close * 1.01, 2), reduce=True)
    return None


def agree(strategy: Strategy, table: Any, paid: Costs, **named: Any) -> None:
    """Replay, then compare with the backtest in every way there is."""
    with tempfile.TemporaryDirectory() as folder:
        done = replay(strategy, table, Path(folder) / "s", costs=paid, every=17, **named)
        found = check(Path(folder) / "s", strategy)
        assert found.differences == []
        assert found.decisions == table.rows
        expected = backtest.run(strategy, table, costs=paid, **named)
        assert done.equity == expected.curve[-1]
        assert done.fills == len(expected.raw_fills)
        assert sum(done.refusals.values()) == expected.desk.account["refused"][0].sum()


@given(tape=tapes, policy=policies, paid=costs)
def test_live_replay_is_the_backtest(tape: Any, policy: Policy, paid: Costs) -> None:
    agree(Strategy(policy=policy), tape, paid)


@given(tape=tapes, paid=costs)
def test_a_compiled_decision_replays_as_its_backtest(tape: Any, paid: Costs) -> None:
    policy = Policy(sizing=fixed_fraction(0.03), limits=Limits(losses=0))
    agree(Strategy((ema(3),), policy, decide=follows), tape, paid)


@given(tape=tapes, paid=costs)
def test_a_plain_decision_replays_as_its_backtest(tape: Any, paid: Costs) -> None:
    policy = Policy(sizing=fixed_fraction(0.03), limits=Limits(losses=0))
    agree(Strategy(policy=policy, decide=asks), tape, paid)


@given(tape=tapes, tick=st.sampled_from([0.01, 0.25]), multiplier=st.sampled_from([1.0, 50.0]))
def test_other_instruments_replay_as_their_backtest(tape: Any, tick: float, multiplier: float) -> None:
    policy = Policy(sizing=fixed_lots(3), exits=Exits(stop=0.02), limits=Limits.off())
    one = Instrument(tick, 0.5, multiplier)
    agree(Strategy(policy=policy), tape, Costs(rate=1e-4), instruments=one)


def test_the_law_bites_a_broker_that_reports_a_fill_late(monkeypatch: Any, tmp_path: Path) -> None:
    held: list[Any] = []
    real = SimulatedBroker.reports

    def late(self: SimulatedBroker, step: int, rows: Any) -> Any:
        now = real(self, step, rows)
        held.append(now)
        return held[-2] if len(held) > 1 else now[:0]

    monkeypatch.setattr(SimulatedBroker, "reports", late)
    strategy = Strategy(policy=Policy(sizing=fixed_fraction(0.03), limits=Limits(losses=0)))
    replay(strategy, scored(60), tmp_path / "s")
    assert not check(tmp_path / "s", strategy).holds
