"""Every gate, size and limit of the desk refuses with its reason, and exactly where it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backtest
from backtest import Costs
from quantlib import presets
from quantlib.desk.consult import decision
from quantlib.desk.memory import REASONS
from quantlib.desk.policy import (
    DAY_NS,
    Exits,
    Gates,
    Limits,
    Policy,
    PolicyError,
    fixed_fraction,
    fixed_lots,
    risk_per_trade,
    volatility_scaled,
)
from quantlib.desk.wishes import cancel, enter_long, leave, order, replace
from quantlib.strategy import Strategy, StrategyError

MINUTE = 60_000_000_000
NOON = DAY_NS // 2
CASH = 100_000.0


def rows(scores, close=100.0, *, symbols=1, step=MINUTE, begin=NOON, **more):
    """Still bars with these scores; with several symbols all of them at each moment."""
    n = len(scores)
    price = np.broadcast_to(np.asarray(close, float), n)
    first = np.append(price[0], price[:-1])
    columns = {
        "ts": begin + step * np.arange(n), "open": first, "high": np.maximum(first, price),
        "low": np.minimum(first, price), "close": price.copy(), "score": np.asarray(scores, float),
    } | {name: np.asarray(values, float) for name, values in more.items()}  # fmt: skip
    if symbols > 1:
        columns = {name: np.repeat(values, symbols) for name, values in columns.items()}
        columns["symbol"] = np.array([f"S{k}" for k in range(symbols)] * n)
    return columns


def run(table, policy, **settings):
    """Run by the score."""
    names = {"volatility": "sigma", "distance": "away"}
    given_names = {k: v for k, v in names.items() if v in table}
    return backtest.run(Strategy((), policy, **given_names), table, cash=CASH, **settings)


def reasons(result):
    """Why the desk refused, by row."""
    return [REASONS[-c] if c < 0 else "" for c in result.decision]


FREE = Policy(limits=Limits.off(), sizing=fixed_lots(10))


@pytest.mark.parametrize(
    ("limits", "below", "at", "reason"),
    [
        (Limits.off()._replace(position=0.05), 49, 50, "position size"),
        (Limits.off()._replace(gross=0.05), 49, 50, "gross exposure"),
        (Limits.off()._replace(trade_risk=0.0025, stopless_move=0.05), 49, 50, "risk per trade"),
    ],
)  # fmt: skip
def test_a_limit_is_strict_at_its_threshold(limits, below, at, reason):
    assert reasons(run(rows([1, 1, 1]), FREE._replace(limits=limits, sizing=fixed_lots(below))))[0] == ""
    assert reasons(run(rows([1, 1, 1]), FREE._replace(limits=limits, sizing=fixed_lots(at))))[0] == reason


def test_the_risk_of_a_trade_is_its_stop_distance():
    limits = Limits.off()._replace(trade_risk=0.001)
    for lots, reason in ((99, ""), (100, "risk per trade")):
        policy = FREE._replace(limits=limits, sizing=fixed_lots(lots), exits=Exits(stop=0.01))
        assert reasons(run(rows([1]), policy)) == [reason]


def test_working_entries_count_towards_every_limit():
    policy = FREE._replace(limits=Limits.off()._replace(gross=0.019), limit_ticks=100, gtc=True)
    result = run(rows([1, 1], symbols=2), policy)
    assert reasons(result) == ["", "gross exposure", "entry already working", "gross exposure"]


def test_so_many_symbols_are_held_or_being_entered():
    policy = FREE._replace(limits=Limits.off()._replace(positions=2))
    assert reasons(run(rows([1], symbols=3), policy)) == ["", "", "open positions"]


def test_the_default_limits_hold_thirty_positions():
    policy = Policy(sizing=fixed_fraction(0.01))
    got = reasons(run(rows([1], symbols=32), policy))
    assert got == [""] * 30 + ["open positions"] * 2


def test_so_many_trades_a_day():
    policy = FREE._replace(limits=Limits.off()._replace(trades=2))
    scores = [1, -1] * 4
    scores = np.repeat(scores, 2)
    table = rows(scores)
    table["ts"][-4:] += DAY_NS
    result = run(table, policy)
    assert result.refusals.rows() == [("trades a day", 2)]
    assert len(result.raw_orders) == 6


def test_a_short_share_is_measured_after_the_command():
    policy = FREE._replace(limits=Limits.off()._replace(short_share=0.5), short=True)
    table = rows([1], symbols=3)
    table["score"] = np.array([1.0, -1.0, -1.0])
    assert reasons(run(table, policy)) == ["", "short share", "short share"]
    table["score"] = np.array([-1.0, 1.0, 1.0])
    assert reasons(run(table, policy)) == ["short share", "", ""]
    more = run(rows([1, 1], symbols=3), policy._replace(limits=Limits.off()._replace(short_share=0.51)))
    assert reasons(more) == [""] * 6


@pytest.mark.parametrize(("fall", "breached"), [(0.0199, False), (0.02, True)])
def test_the_daily_drawdown_ends_the_day_and_leaves_all_positions(fall, breached):
    limits = Limits.off()._replace(daily_drawdown=0.02, flatten_on_drawdown=True)
    prices = [100, 100, 100 * (1 - fall), 100 * (1 - fall), 100, 100, 100]
    table = rows([1] * 7, np.round(prices, 2))
    table["ts"][-1] += DAY_NS
    result = run(table, FREE._replace(limits=limits, sizing=fixed_lots(1000)))
    assert (3 in result.decision[2:3]) == breached
    assert ("daily drawdown" in reasons(result)) == breached
    if breached:
        assert result.decision[6] == 1  # a new day
        assert set(reasons(result)[3:6]) == {"daily drawdown"}


@pytest.mark.parametrize(("pause", "resumes"), [(0, False), (4 * MINUTE, True)])
def test_losses_in_a_row_pause_the_desk(pause, resumes):
    falling = 100 - 0.1 * np.arange(24)
    limits = Limits.off()._replace(losses=3, pause=pause)
    result = run(rows([1, 1, -1, -1] * 6, np.round(falling, 2)), FREE._replace(limits=limits))
    assert reasons(result).index("paused after losses") == 12
    assert (1 in result.decision[13:]) == resumes


def test_a_new_day_ends_a_pause():
    falling = np.round(100 - 0.1 * np.arange(24), 2)
    table = rows([1, 1, -1, -1] * 6, falling)
    table["ts"][20:] += DAY_NS
    result = run(table, FREE._replace(limits=Limits.off()._replace(losses=3)))
    assert result.decision[16] < 0 < result.decision[20]


@pytest.mark.parametrize("wait", [0, 1, 3])
def test_a_symbol_cools_for_so_many_rows_from_the_row_that_closed_it(wait):
    result = run(rows([1, 1, -1] + [1] * 6), FREE._replace(gates=Gates(cooldown_rows=wait)))
    assert [r for r in reasons(result)[3:] if r] == ["cooldown"] * wait
    assert result.decision[3 + wait] == 1


def test_a_fresh_signal_trades_once():
    policy = FREE._replace(gates=Gates(fresh=True), exits=Exits(max_rows=1))
    result = run(rows([1, 1, 1, 1, 1, 0.2, 1, 1]), policy)
    assert reasons(result)[3] == "signal already traded"
    assert (result.decision == 1).tolist() == [True, False, False, False, False, False, True, False]


def test_entries_are_made_within_the_session():
    gates = Gates(session_open=NOON + MINUTE, session_close=NOON + 3 * MINUTE)
    result = run(rows([0, 1, -1, 1, 1]), FREE._replace(gates=gates))
    assert reasons(run(rows([1]), FREE._replace(gates=gates))) == ["outside session"]
    assert result.decision[1] == 1
    assert reasons(result)[4] == "outside session"


def test_positions_and_working_entries_are_gone_by_the_close():
    gates = Gates(session_close=NOON + 3 * MINUTE, flat_by_close=True)
    result = run(rows([1] * 7), FREE._replace(gates=gates))
    assert result.decision.tolist()[:4] == [1, 0, 0, 3]
    waiting = run(rows([1] * 7), FREE._replace(gates=gates, limit_ticks=50))
    assert waiting.orders["status"].to_list() == ["cancelled"]
    assert waiting.decision[3] == 5


def test_a_position_is_left_after_so_many_rows():
    result = run(rows([1] * 8), FREE._replace(exits=Exits(max_rows=2)))
    assert result.decision.tolist() == [1, 0, 3, 1, 0, 3, 1, 0]


@pytest.mark.parametrize(
    ("action", "reason", "leaves"),
    [("halt", "halted", False), ("reduce", "reducing only", False), ("flatten", "reducing only", True)],
)  # fmt: skip
def test_the_kill_switch_takes_back_entries_and_refuses_new_ones(action, reason, leaves):
    table = rows([1] * 8, symbols=1)
    held = run(table, FREE, events=[(int(table["ts"][3]), action)])
    assert (3 in held.decision) == leaves
    waiting = run(table, FREE._replace(limit_ticks=50, gtc=True), events=[(int(table["ts"][3]), action)])
    assert waiting.orders["status"].to_list() == ["cancelled"]
    assert reasons(waiting)[4] == reason
    resumed = run(
        table, FREE._replace(limit_ticks=50), events=[(int(table["ts"][k]), a) for k, a in ((3, action), (6, "resume"))]
    )
    assert resumed.decision[6] == 1


def test_a_halted_desk_does_not_even_leave_and_a_reducing_one_does():
    table = rows([1, 1, 1, -1, -1])
    halted = run(table, FREE, events=[(int(table["ts"][2]), "halt")])
    reducing = run(table, FREE, events=[(int(table["ts"][2]), "reduce")])
    assert reasons(halted)[3] == "halted"
    assert reducing.decision[3] == 3


@pytest.mark.parametrize(
    ("sizing", "lots"),
    [
        (fixed_lots(7), 7), (fixed_fraction(0.0199), 19), (volatility_scaled(1e-5, 1.0), 25),
        (volatility_scaled(1.0, 0.05), 50), (risk_per_trade(0.001, 1.0), 50), (risk_per_trade(0.001, 0.02), 20),
    ],
)  # fmt: skip
def test_sizes_are_whole_lots_by_their_formula(sizing, lots):
    table = rows([1, 1], sigma=[0.02, 0.02], away=[1.0, 1.0])
    policy = FREE._replace(sizing=sizing, exits=Exits(stop_distances=2.0))
    assert run(table, policy).raw_fills["lots"].tolist() == [lots]


@pytest.mark.parametrize("missing", ["sigma", "away"])
def test_a_missing_value_that_the_size_needs_is_a_refusal(missing):
    table = rows([1], sigma=[0.02], away=[1.0]) | {missing: np.array([np.nan])}
    policy = FREE._replace(sizing=volatility_scaled(1e-5), exits=Exits(stop_distances=2.0))
    assert reasons(run(table, policy)) == ["missing value"]


def test_a_size_below_one_lot_is_a_refusal():
    assert reasons(run(rows([1]), FREE._replace(sizing=fixed_fraction(0.0009)))) == ["too small for one lot"]


def test_a_desk_without_equity_enters_nothing():
    table = rows([1, 1, -1, 1, 1], [100, 100, 1, 1, 1])
    result = run(table, FREE._replace(sizing=fixed_lots(2000)))
    assert result.curve[-1] < 0
    assert reasons(result)[4] == "no equity"


def ask(script, n=6, limits=Limits.off(), **policy):  # noqa: B008
    """Wishes by row."""
    table = rows([0.0] * n)
    times = table["ts"].tolist()
    strategy = Strategy((), FREE._replace(limits=limits, **policy), lambda view: script.get(times.index(view.ts)))
    return backtest.run(strategy, table, cash=CASH)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (order("sell", 5, reduce=True), "would not reduce"), (cancel(99), "unknown order"),
        (replace(99, lots=3), "unknown order"), (order("buy", 0.5), "too small for one lot"),
        (order("buy", 5, limit=np.nan), "price outside rule"), (order("buy", 5, limit=-3.0), "price outside rule"),
        (order("buy", 5, limit=0.001), "price outside rule"), (order("buy", 5, stop=np.inf), "price outside rule"),
        (enter_long(5, stop=1.0), "price outside rule"), (enter_long(5, stop=np.nan), "missing value"),
        (enter_long(5, target=np.inf), "price outside rule"), (order("buy", np.inf), "missing value"),
    ],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_is_refused_with_its_reason(wish, reason):
    result = ask({0: wish})
    assert result.refusals.rows() == [(reason, 1)]
    assert len(result.raw_orders) == 0


def test_an_order_that_would_turn_the_position_round_is_refused():
    result = ask({0: enter_long(5), 2: order("sell", 6)})
    assert result.refusals.rows() == [("closes and opens at once", 1)]


def test_a_missing_lot_count_in_a_compiled_wish_is_refused():
    @decision()
    def wild(view, x, wishes):
        w = wishes[0]
        if view[0].position == 0:
            w.action = 1
        else:
            w.action, w.side, w.lots, w.reduce = 4, -1, np.nan, 1
        return 1

    result = backtest.run(Strategy((), FREE, wild), rows([0.0] * 4), cash=CASH)
    assert result.refusals.rows() == [("missing value", 3)]
    assert len(result.raw_fills) == 1


def test_growing_an_entry_is_checked_like_a_new_one():
    limits = Limits.off()._replace(position=0.05)
    result = ask({0: order("buy", 10, limit=90.0), 1: replace(1, lots=60), 2: replace(1, lots=40)}, limits=limits)
    assert result.refusals.rows() == [("position size", 1)]
    assert result.raw_orders["lots"].tolist() == [40]


def test_the_order_table_keeps_room_for_legs_and_exits():
    many = [order("sell", 1, limit=200.0, gtc=True)] * 4
    result = ask({0: enter_long(50, stop=0.5)} | dict.fromkeys(range(1, 30), many), n=34)
    assert result.refusals["reason"].to_list() == ["order table full"]
    left = ask({0: enter_long(50, stop=0.5)} | dict.fromkeys(range(1, 30), many) | {30: leave()}, n=34)
    assert left.raw_fills["lots"].tolist() == [50, 50]


BAD = [
    (Policy(enter=0.0), "enter must be above 0"), (Policy(leave=0.6), "leave must be below enter"),
    (Policy(leave=np.nan), "leave must be"), (Policy(limit_ticks=-1), "limit_ticks must be 0 or more"),
    (Policy(limit_ticks=0.5), "limit_ticks must be a whole number"), (Policy(enter="high"), "enter must be a number"),
    (Policy(sizing=fixed_fraction(0.0)), "sizing.amount must be above 0"),
    (Policy(sizing=risk_per_trade(0.003)), "risk_per_trade sizing needs a stop"),
    (Policy(exits=Exits(stop=1.0)), r"exits.stop must be in \[0, 1\)"),
    (Policy(exits=Exits(stop=0.1, stop_distances=1.0)), "two stops"),
    (Policy(exits=Exits(target=0.1, target_distances=1.0)), "two targets"),
    (Policy(gates=Gates(session_open=10, session_close=5)), "session_close must be after open"),
    (Policy(gates=Gates(flat_by_close=True)), "flat_by_close needs a gates.session_close"),
    (Policy(limits=Limits(gross=np.nan)), "limits.gross must be a number"),
    (Policy(limits=Limits(pause=-1)), "limits.pause must be 0 or more"),
    (Policy(exits=(0.1, 0.2)), "exits must be a Exits"),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "says"), BAD, ids=[says for _, says in BAD])
def test_a_policy_that_contradicts_itself_is_refused(policy, says):
    with pytest.raises(PolicyError, match=says):
        run(rows([1]), policy)


def test_a_column_that_nobody_brings_is_named_with_the_nearest():
    table = rows([1]) | {"scores": np.array([1.0])}
    del table["score"]
    with pytest.raises(StrategyError, match=r"score reads column 'score', .* Did you mean 'scores'\?"):
        run(table, FREE)
    with pytest.raises(StrategyError, match="volatility='column'"):
        run(rows([1]), FREE._replace(sizing=volatility_scaled(1e-5)))
    with pytest.raises(StrategyError, match="distance='column'"):
        run(rows([1]), FREE._replace(exits=Exits(stop_distances=2.0)))


def test_operator_events_are_checked():
    with pytest.raises(ValueError, match="action must be one of"):
        run(rows([1]), FREE, events=[(NOON, "panic")])
    with pytest.raises(ValueError, match="times go back"):
        run(rows([1]), FREE, events=[(NOON, "halt"), (NOON - 1, "resume")])
    with pytest.raises(ValueError, match="cash must be above 0"):
        backtest.run(Strategy((), FREE), rows([1]), cash=0.0)


@given(n=st.integers(0, 3))
def test_few_rows_are_rows_too(n):
    assert len(run(rows([1.0] * 3), FREE, chunk=max(n, 1)).curve) == 3


def test_a_reserved_entry_stays_reserved_until_its_replacement_is_answered():
    limits = Limits.off()._replace(position=0.02)
    script = {0: order("buy", 19, limit=90.0, gtc=True), 1: replace(1, lots=2), 2: replace(1, lots=18)}
    table = rows([0.0] * 6)
    times = table["ts"].tolist()
    strategy = Strategy((), FREE._replace(limits=limits), lambda view: script.get(times.index(view.ts)))
    result = backtest.run(strategy, table, cash=CASH, costs=Costs(latency=3 * MINUTE))
    assert result.refusals.rows() == [("unknown order", 1)]  # it is being replaced already
    assert result.desk.account["pending_long"][0] == pytest.approx(2 * 100.0)


@pytest.mark.parametrize("strategy", ["trend", presets.trend])
def test_only_a_strategy_is_run(strategy):
    with pytest.raises(TypeError, match="strategy must be a Strategy"):
        backtest.run(strategy, rows([1, 1]))


def test_costs_are_costs():
    with pytest.raises(TypeError, match="costs must be Costs"):
        backtest.run(presets.trend(), rows([1, 1]), costs={"rate": 1e-4})


@pytest.mark.parametrize("ts", ["2020", 1.5, None])
def test_an_event_has_a_time_in_nanoseconds(ts):
    with pytest.raises(ValueError, match="ts must be int64 nanoseconds UTC"):
        backtest.run(presets.trend(), rows([1, 1]), events=[(ts, "halt")])
