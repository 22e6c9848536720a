"""What a bar does to working orders, rule by rule, on tapes small enough to read."""

import numpy as np
import pytest

import backtest
from backtest import Costs
from quantlib.desk.memory import Instrument
from quantlib.desk.policy import DAY_NS, Exits, Limits, Policy, fixed_lots
from quantlib.desk.wishes import cancel, enter_long, enter_short, leave, order, replace
from quantlib.strategy import Strategy

MINUTE = 60_000_000_000
NOON = DAY_NS // 2


def tape(*rows, ts=None, volume=1000.0):
    """Bars of (open, high, low, close), a minute apart from noon on."""
    values = np.array(rows, float).T
    times = NOON + MINUTE * np.arange(len(rows)) if ts is None else np.array(ts)
    names = ("open", "high", "low", "close")
    return {"ts": times, **dict(zip(names, values, strict=True)), "volume": np.full(len(rows), volume)}


def play(rows, script, costs=None, policy=Policy(limits=Limits.off(), sizing=fixed_lots(10)), **settings):  # noqa: B008
    """Wish on row n what `script[n]` says; a plain decision, so that every rule can be asked for."""
    ts = list(rows["ts"])
    return backtest.run(
        Strategy((), policy, lambda view: script.get(ts.index(view.ts))), rows, costs=costs, **settings
    )  # fmt: skip


def filled(result):
    """(row, side, lots, price, leg) of every fill."""
    row = {int(t): i for i, t in enumerate(result.table.columns["ts"])}
    legs = {1: "entry", 2: "exit", 3: "stop", 4: "target"}
    return [
        (row[f["ts"]], "buy" if f["side"] > 0 else "sell", int(f["lots"]), round(float(f["price"]), 6), legs[f["leg"]])
        for f in result.raw_fills
    ]  # fmt: skip


FLAT = (100, 101, 99, 100)


def test_a_market_order_fills_at_the_next_open():
    assert filled(play(tape(FLAT, (103, 104, 102, 103)), {0: enter_long()})) == [(1, "buy", 10, 103, "entry")]


def test_a_stop_that_the_open_has_passed_fills_at_the_open():
    result = play(tape(FLAT, FLAT, (90, 91, 89, 90)), {0: enter_long(stop=0.05)})
    assert filled(result)[1] == (2, "sell", 10, 90, "stop")


def test_a_target_that_the_open_has_passed_fills_at_the_better_open():
    result = play(tape(FLAT, FLAT, (110, 111, 109, 110)), {0: enter_long(target=0.05)})
    assert filled(result)[1] == (2, "sell", 10, 110, "target")


def test_a_bar_that_holds_stop_and_target_fills_the_stop():
    result = play(tape(FLAT, FLAT, (100, 110, 90, 105)), {0: enter_long(stop=0.05, target=0.05)})
    assert filled(result)[1:] == [(2, "sell", 10, 95, "stop")]


def test_after_an_entry_at_the_open_the_whole_bar_counts_for_its_bracket():
    result = play(tape(FLAT, (100, 106, 99, 101)), {0: enter_long(stop=0.05, target=0.05)})
    assert filled(result) == [(1, "buy", 10, 100, "entry"), (1, "sell", 10, 105, "target")]


@pytest.mark.parametrize(
    ("bar", "leg"),
    [((100, 106, 97, 98), None), ((100, 106, 92, 98), "stop"), ((100, 106, 97, 105), "target")],
    ids=["silent", "stop reached", "close beyond target"],
)
def test_after_an_entry_inside_the_bar_only_the_stop_and_the_close_count(bar, leg):
    result = play(tape(FLAT, bar), {0: enter_long(limit=98.0, stop=0.05, target=0.05)})
    legs = [f[4] for f in filled(result)]
    assert legs == ["entry"] + ([leg] if leg else [])


def test_a_limit_is_filled_at_its_price_or_at_a_better_open():
    inside = play(tape(FLAT, (100, 101, 97, 99)), {0: enter_long(limit=98.0)})
    gapped = play(tape(FLAT, (96, 99, 95, 98)), {0: enter_long(limit=98.0)})
    assert filled(inside) == [(1, "buy", 10, 98, "entry")]
    assert filled(gapped) == [(1, "buy", 10, 96, "entry")]


@pytest.mark.parametrize(("low", "fills"), [(98.0, 0), (97.99, 0), (97.98, 1)])
def test_a_limit_asks_the_market_to_trade_through_it_by_so_many_ticks(low, fills):
    result = play(tape(FLAT, (100, 101, low, 99)), {0: enter_long(limit=98.0)}, Costs(through_ticks=2))
    assert len(filled(result)) == fills


def test_an_open_at_the_limit_is_no_trade_through_it():
    result = play(tape(FLAT, (98, 101, 98, 99)), {0: enter_long(limit=98.0)}, Costs(through_ticks=1))
    assert filled(result) == []


def test_a_buy_stop_enters_where_it_stands_and_a_stop_limit_not_beyond_its_limit():
    stop = play(tape(FLAT, (100, 104, 99, 103)), {0: order("buy", 5, stop=102.0)})
    held = play(tape(FLAT, (104, 105, 103, 104), (104, 104, 101, 103)), {0: order("buy", 5, stop=102.0, limit=102.5)})
    assert filled(stop) == [(1, "buy", 5, 102, "entry")]
    assert filled(held) == [(2, "buy", 5, 102.5, "entry")]


def test_a_share_of_the_volume_fills_and_the_rest_waits():
    bars = tape(FLAT, FLAT, FLAT, FLAT, volume=40.0)
    result = play(bars, {0: enter_long(stop=0.5)}, Costs(participation=0.1))
    assert [f[2] for f in filled(result)] == [4, 4, 2]
    assert result.raw_orders["lots"].tolist() == [10, 10]  # the leg grew with its entry


def test_a_stop_filled_in_part_shrinks_the_target():
    bars = tape(FLAT, FLAT, (93, 93.5, 92, 93), (100, 101, 99, 100), ts=NOON + MINUTE * np.arange(4))
    bars["volume"] = np.array([100.0, 100.0, 40.0, 40.0])
    result = play(bars, {0: enter_long(stop=0.05, target=0.2)}, Costs(participation=0.1))
    assert filled(result) == [
        (1, "buy", 10, 100, "entry"), (2, "sell", 4, 93, "stop"), (3, "sell", 4, 100, "stop"),
    ]  # fmt: skip
    assert result.raw_orders["lots"].tolist() == [10, 10, 2]


def test_an_order_that_reduces_is_cut_to_the_position_and_ends_with_it():
    script = {0: enter_long(stop=0.05), 1: order("sell", 4, reduce=True), 3: enter_long(5)}
    result = play(tape(FLAT, FLAT, FLAT, (95, 96, 94, 95), FLAT, FLAT), script)
    assert filled(result)[:3] == [(1, "buy", 10, 100, "entry"), (2, "sell", 4, 100, "exit"), (3, "sell", 6, 95, "stop")]


def test_legs_left_by_a_position_that_was_closed_do_not_wait_for_the_next_one():
    script = {0: enter_long(stop=0.05), 1: order("sell", 10, reduce=True), 2: enter_long(7)}
    result = play(tape(FLAT, FLAT, FLAT, FLAT, (94, 95, 93, 94)), script)
    assert [f[4] for f in filled(result)] == ["entry", "exit", "entry"]
    assert result.orders["status"].to_list() == ["filled", "cancelled", "filled", "filled"]


def test_orders_of_a_group_cancel_each_other():
    script = {0: enter_long(), 1: [order("sell", 10, limit=105.0, group=1), order("sell", 10, stop=95.0, group=1)]}
    result = play(tape(FLAT, FLAT, (100, 106, 99, 100), (94, 95, 93, 94)), script)
    assert filled(result)[1:] == [(2, "sell", 10, 105, "exit")]
    assert result.orders["status"].to_list() == ["filled", "filled", "cancelled"]


@pytest.mark.parametrize(("gtc", "fills"), [(False, 0), (True, 1)])
def test_a_day_order_does_not_see_the_next_day(gtc, fills):
    bars = tape(FLAT, FLAT, (97, 98, 96, 97), ts=[NOON, NOON + MINUTE, NOON + DAY_NS])
    result = play(bars, {0: order("buy", 5, limit=98.0, gtc=gtc)})
    assert len(filled(result)) == fills
    assert result.orders["status"].to_list() == (["filled"] if gtc else ["expired"])


@pytest.mark.parametrize(("latency", "row"), [(0, 1), (1, 2), (MINUTE, 2), (MINUTE + 1, 3)])
def test_an_order_takes_part_once_it_had_arrived_when_the_bar_began(latency, row):
    result = play(tape(*[FLAT] * 5), {0: enter_long()}, Costs(latency=latency))
    assert filled(result)[0][0] == row


@pytest.mark.parametrize("kind", [{}, {"limit": 100.5}, {"stop": 99.5}], ids=["market", "limit", "stop"])
@pytest.mark.parametrize("bars", [0, 1, 3])
def test_an_order_lets_so_many_bars_pass(bars, kind):
    result = play(tape(*[FLAT] * 6), {0: order("buy", 5, **kind)}, Costs(latency_bars=bars))
    assert filled(result)[0][0] == 1 + bars


def test_a_cancel_that_arrives_late_finds_the_order_filled():
    bars = tape(FLAT, FLAT, FLAT, (97, 98, 96, 97), FLAT)
    late = play(bars, {0: order("buy", 5, limit=98.0), 2: cancel()}, Costs(latency=MINUTE // 2))
    in_time = play(bars, {0: order("buy", 5, limit=98.0), 2: cancel()})
    assert (len(filled(late)), len(filled(in_time))) == (1, 0)


def test_a_replacement_holds_from_its_arrival():
    bars = tape(FLAT, FLAT, (98, 99, 97.5, 98), (97, 97.5, 96.5, 97))
    script = {0: order("buy", 5, limit=98.0), 1: replace(1, limit=97.0, lots=3)}
    assert filled(play(bars, script)) == [(3, "buy", 3, 97, "entry")]
    assert filled(play(bars, script, Costs(latency=1)))[0] == (2, "buy", 5, 98, "entry")


def test_a_cancel_overtakes_a_replacement_of_the_same_moment():
    script = {0: order("buy", 5, limit=98.0), 1: [replace(1, limit=99.5), cancel()]}
    result = play(tape(FLAT, FLAT, FLAT, FLAT), script)
    assert filled(result) == []
    assert result.orders["status"].to_list() == ["cancelled"]


def test_slippage_is_rounded_to_the_tick_against_us():
    costs = Costs(spread=1e-4, range_share=0.001)  # 0.005 + 0.002 at 100
    bought = play(tape(FLAT, FLAT, FLAT), {0: enter_long(), 1: leave()}, costs)
    assert [f[3] for f in filled(bought)] == [100.01, 99.99]
    assert bought.desk.account["slippage"][0] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("costs", "fee"),
    [
        (Costs(per_share=0.005), 0.05), (Costs(per_share=0.005, minimum=1.0), 1.0), (Costs(rate=1e-4), 0.1),
        (Costs(per_order=2.0, rate=1e-4), 2.1), (Costs(per_order=2.0, minimum=1.0), 3.0),
    ],
)  # fmt: skip
def test_commission_is_per_share_by_rate_at_least_the_minimum_and_once_per_order(costs, fee):
    assert play(tape(FLAT, FLAT), {0: enter_long()}, costs).raw_fills["fee"][0] == pytest.approx(fee)


def test_the_fee_of_an_order_is_paid_on_its_first_fill_alone():
    result = play(tape(*[FLAT] * 4, volume=40.0), {0: enter_long()}, Costs(per_order=2.0, participation=0.1))
    assert result.raw_fills["fee"].tolist() == [2.0, 0.0, 0.0]


def test_a_short_pays_for_borrowed_stock_day_by_day():
    times = NOON + DAY_NS * np.arange(5)
    result = play(tape(*[FLAT] * 5, ts=times), {0: enter_short()}, Costs(borrow=0.365))
    assert result.desk.account["carry"][0] == pytest.approx(3 * 1000 * 0.001)
    assert result.curve[-1] == pytest.approx(1e6 - 3.0)


def test_ticks_and_lots_come_from_the_instrument():
    coin = Instrument(tick=0.5, lot=0.001, multiplier=2.0)
    result = play(tape(FLAT, (100, 101, 97, 99)), {0: enter_long(40, limit=98.3)}, instruments=coin)
    assert filled(result) == [(1, "buy", 40, 98.5, "entry")]
    assert result.fills["quantity"].to_list() == [0.04]
    assert result.desk.account["cash"][0] == pytest.approx(1e6 - 0.04 * 2 * 98.5)


@pytest.mark.parametrize(
    ("costs", "says"),
    [
        (Costs(rate=-1e-4), "rate must be 0 or more"), (Costs(spread=np.nan), "spread must be 0 or more"),
        (Costs(latency=0.5), "latency must be a whole number"),
    ],
)  # fmt: skip
def test_costs_that_make_no_sense_are_refused(costs, says):
    with pytest.raises(ValueError, match=f"costs: {says}"):
        play(tape(FLAT, FLAT), {}, costs)


@pytest.mark.parametrize("field", ["tick", "lot", "multiplier"])
def test_instruments_that_make_no_sense_are_refused(field):
    with pytest.raises(ValueError, match=f"desk: {field} of X must be above 0"):
        play(tape(FLAT, FLAT), {}, instruments=Instrument()._replace(**{field: 0.0}))


def test_an_instrument_that_is_not_given_is_named():
    with pytest.raises(ValueError, match="no instrument for X; given are"):
        play(tape(FLAT, FLAT), {}, instruments={"Y": Instrument()})


def test_a_bracket_survives_its_entry_and_fills_once():
    policy = Policy(limits=Limits.off(), sizing=fixed_lots(10), exits=Exits(stop=0.02, target=0.02))
    result = play(tape(FLAT, FLAT, (101, 103, 101, 102), (97, 98, 96, 97)), {0: enter_long()}, policy=policy)
    assert [f[4] for f in filled(result)] == ["entry", "target"]
    assert result.orders["status"].to_list() == ["filled", "cancelled", "filled"]
