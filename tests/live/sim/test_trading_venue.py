"""What becomes of orders at the venue, event by event; no socket and no clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.costs import Costs
from live.errors import ConfigError, Denied
from live.sim.admission import Rules
from live.sim.lifecycle import KINDS, Lifecycle, Twist
from live.sim.trading_day import new_york
from live.sim.venue import Venue
from quantlib.desk.memory import Instrument

MINUTE = 60_000_000_000
OPENING = 1_764_340_200_000_000_000  # 2025-11-28 14:30 UTC, the day after Thanksgiving: New York closes at 13:00
CLOSING = OPENING + 210 * MINUTE


class Market:
    """A venue, and bars of one symbol that go on minute by minute."""

    def __init__(self, ts: int = MINUTE * 1000, symbol: str = "AAA", **named: Any) -> None:
        self.venue, self.ts, self.symbol = Venue((symbol,), now=ts, **named), ts, symbol

    def bar(self, open: float, high: float, low: float, close: float, *, at: int = 0, volume: float = 1e6) -> list[str]:
        """A bar; the events that it brought."""
        self.ts = at or self.ts + MINUTE
        prices = {"open": open, "high": high, "low": low, "close": close, "volume": volume}
        columns = {name: np.array([value]) for name, value in prices.items()}
        self.venue.match(self.ts, columns | {"ts": np.array([self.ts]), "symbol": np.zeros(1, np.int32)})
        return self.events()

    def flat(self, price: float, **named: Any) -> list[str]:
        return self.bar(price, price, price, price, **named)

    def order(self, side: str = "buy", qty: Any = 10, type: str = "market", **more: Any) -> dict[str, Any]:
        asked = {"symbol": self.symbol, "side": side, "qty": qty, "type": type, "time_in_force": "day"}
        return self.venue.submit(asked | more)

    def events(self) -> list[str]:
        """What was told since it was last asked: event, kind of order, and price if there was one."""
        said = [update["data"] for update in self.venue.updates]
        self.last = said
        self.venue.updates.clear()
        return [" ".join(filter(None, (u["event"], u["order"]["type"], u.get("price")))) for u in said]


def bracket(market: Market, **more: Any) -> dict[str, Any]:
    legs = {"take_profit": {"limit_price": 110}, "stop_loss": {"stop_price": 95}}
    return market.order(order_class="bracket", **legs, **more)


def test_a_market_order_is_pending_then_new_then_filled_at_the_next_open() -> None:
    market = Market()
    market.flat(100)
    assert market.order()["status"] == "pending_new"
    assert market.events() == ["pending_new market", "new market"]
    assert market.bar(101, 103, 100, 102) == ["fill market 101"]
    assert market.last[0]["order"]["status"] == "filled"
    assert (market.last[0]["qty"], market.last[0]["position_qty"]) == ("10", "10")
    assert market.venue.account.cash == 100_000 - 1010


def test_a_limit_order_fills_in_parts_where_the_volume_is_thin_and_keeps_them_when_it_is_cancelled() -> None:
    market = Market(costs=Costs(participation=0.01))
    market.flat(100)
    order = market.order(qty=25, type="limit", limit_price=100)
    market.events()
    assert market.flat(100, volume=1000) == ["partial_fill limit 100"]
    assert market.flat(100, volume=1000) == ["partial_fill limit 100"]
    assert [update["order"]["filled_qty"] for update in market.last] == ["20"]
    market.venue.cancel(order["id"])
    assert market.events() == ["pending_cancel limit"]
    assert market.flat(100, volume=1000) == ["canceled limit"]
    assert market.last[0]["order"]["filled_qty"] == "20"
    assert market.venue.positions()[0]["qty"] == "20"


def test_a_replacement_is_a_new_order_and_the_old_one_says_so() -> None:
    market = Market()
    market.flat(100)
    old = market.order(type="limit", limit_price=90, client_order_id="old")
    new = market.venue.replace(old["id"], {"qty": 5, "limit_price": "100.5", "client_order_id": "new"})
    assert (new["replaces"], new["qty"], new["limit_price"], new["status"]) == (old["id"], "5", "100.5", "pending_new")
    market.events()
    assert market.bar(101, 102, 100, 101) == ["replaced limit", "new limit", "fill limit 100.5"]
    shown = market.venue.order(old["id"]).json()
    assert (shown["status"], shown["replaced_by"]) == ("replaced", new["id"])
    assert market.venue.order(new["id"]).status == "filled"


def test_with_prompt_answers_a_cancel_and_a_replacement_wait_for_no_bar() -> None:
    market = Market(prompt=True)
    market.flat(100)
    old = market.order(type="limit", limit_price=90)
    new = market.venue.replace(old["id"], {"limit_price": 91})
    assert market.events()[2:] == ["pending_replace limit", "replaced limit", "new limit"]
    market.venue.cancel(new["id"])
    assert market.events() == ["pending_cancel limit", "canceled limit"]
    with pytest.raises(Denied, match='already in "canceled" state'):
        market.venue.cancel(new["id"])


def test_the_legs_of_a_bracket_are_held_then_new_and_one_cancels_the_other() -> None:
    market = Market()
    market.flat(100)
    order = bracket(market)
    assert [(leg["type"], leg["status"], leg["side"]) for leg in order["legs"]] == [
        ("limit", "held", "sell"), ("stop", "held", "sell")
    ]  # fmt: skip
    market.events()
    assert market.flat(100) == ["fill market 100", "new stop", "new limit"]
    assert market.bar(100, 111, 99, 105) == ["fill limit 110", "canceled stop"]
    assert not market.venue.ledger.working
    assert not market.venue.positions()


def test_a_bracket_that_never_filled_takes_its_held_legs_with_it() -> None:
    market = Market()
    market.flat(100)
    order = bracket(market, type="limit", limit_price=98)
    market.venue.cancel(order["legs"][0]["id"])  # a held leg is cancelled with all of its bracket
    market.events()
    assert market.flat(100) == ["canceled limit", "canceled limit", "canceled stop"]
    assert not market.venue.ledger.working


def test_a_working_leg_is_cancelled_with_its_sibling() -> None:
    market = Market()
    market.flat(100)
    order = bracket(market)
    market.flat(100)
    market.venue.cancel(order["legs"][1]["id"])
    market.events()
    assert sorted(market.flat(100)) == ["canceled limit", "canceled stop"]
    assert market.venue.positions()[0]["qty_available"] == "10"


def test_a_held_leg_is_replaced_before_its_entry_fills() -> None:
    market = Market()
    market.flat(100)
    order = bracket(market)
    leg = market.venue.replace(order["legs"][1]["id"], {"stop_price": 97})
    market.flat(100)
    assert market.bar(100, 100, 96.5, 99) == ["fill stop 97", "canceled limit"]
    assert market.venue.order(leg["id"]).status == "filled"


def test_the_legs_of_a_replaced_entry_stand_by_the_new_one() -> None:
    market = Market()
    market.flat(100)
    old = bracket(market, type="limit", limit_price=96)
    new = market.venue.replace(old["id"], {"limit_price": 98, "qty": 4})
    market.events()
    told = market.bar(99, 99, 97, 98.5)
    assert told == ["replaced limit", "new limit", "fill limit 98", "new stop", "new limit"]
    assert [(leg["status"], leg["qty"]) for leg in market.venue.order(new["id"]).json()["legs"]] == [("new", "4")] * 2
    assert market.venue.order(old["id"]).json()["legs"] is None
    assert market.flat(111) == ["fill limit 111", "canceled stop"]


@pytest.mark.parametrize(
    "quoted",
    [{"price": 100.0, "size": 7.0}, {"bid": 99.5, "ask": 100.5}, {"bid_0": 99.0, "ask_0": 101.0, "bid_size_0": 1.0}],
)
def test_trades_quotes_and_books_are_matched_as_bars_of_one_price(quoted: dict[str, float]) -> None:
    market = Market()
    market.order()
    market.events()
    market.ts += MINUTE
    columns: dict[str, Any] = {name: np.array([value]) for name, value in quoted.items()}
    market.venue.match(market.ts, columns | {"ts": np.array([market.ts]), "symbol": np.zeros(1, np.int32)})
    assert market.events() == ["fill market 100"]


def test_a_stop_leg_with_a_limit_rests_at_its_limit_after_a_gap() -> None:
    market = Market()
    market.flat(100)
    loss = {"stop_price": 95, "limit_price": 94.5}
    market.order(order_class="oto", stop_loss=loss)
    market.flat(100)
    assert market.flat(90) == []  # triggered, but the market is below its limit
    assert market.bar(92, 95, 92, 95) == ["fill stop_limit 94.5"]


def test_an_oco_order_closes_at_the_stop_or_at_the_target() -> None:
    market = Market()
    market.flat(100)
    market.order()
    market.flat(100)
    asked = {"take_profit": {"limit_price": 104}, "stop_loss": {"stop_price": 97}}
    order = market.order("sell", type="limit", order_class="oco", **asked)
    assert (order["limit_price"], order["legs"][0]["stop_price"]) == ("104", "97")
    assert market.venue.positions()[0]["qty_available"] == "0"
    market.events()
    assert market.bar(100, 101, 96, 97) == ["fill stop 97", "canceled limit"]


def test_a_trailing_stop_follows_the_best_price_and_stops_at_its_distance() -> None:
    market = Market()
    market.flat(100)
    market.order()
    market.flat(100)
    order = market.order("sell", type="trailing_stop", trail_price=2, time_in_force="gtc")
    assert (order["hwm"], order["stop_price"]) == ("100", "98")
    assert market.bar(100, 105, 100, 104)[-1] == "new trailing_stop"
    assert market.venue.order(order["id"]).json()["stop_price"] == "103"
    assert market.bar(104, 104, 102.5, 103) == ["fill trailing_stop 103"]


@pytest.mark.parametrize(
    ("tif", "limit", "told"),
    [
        ("ioc", 100, "fill limit 100"), ("ioc", 99.5, "canceled limit"), ("fok", 100, "fill limit 100"),
        ("opg", 99.5, "canceled limit"), ("cls", 99.5, "fill limit 99"), ("cls", 98, "canceled limit"),
    ],
)  # fmt: skip
def test_orders_for_one_moment_trade_there_or_end(tif: str, limit: float, told: str) -> None:
    market = Market()
    market.flat(100)
    market.order(type="limit", limit_price=limit, time_in_force=tif)
    market.events()
    assert market.bar(100, 101, 98.5, 99) == [told]


def test_a_fill_or_kill_order_that_is_larger_than_the_volume_trades_nothing() -> None:
    market = Market(costs=Costs(participation=0.01))
    market.flat(100)
    market.order(qty=11, time_in_force="fok")
    market.order(qty=11, time_in_force="ioc")
    market.events()
    assert market.flat(100, volume=1000) == ["partial_fill market 100", "canceled market", "canceled market"]


def test_an_order_in_notional_buys_what_the_open_gives_for_it() -> None:
    market = Market(instruments=Instrument(0.01, 0.001))
    market.flat(100)
    market.venue.submit(
        {"symbol": "AAA", "side": "buy", "notional": "1000", "type": "market", "time_in_force": "day"}
    )  # fmt: skip
    market.events()
    assert market.bar(80, 90, 70, 85) == ["fill market 80"]
    assert market.last[0]["order"]["filled_qty"] == "12.5"


def test_what_is_ordered_while_the_market_is_closed_is_accepted_and_new_at_the_open() -> None:
    market = Market(OPENING - 60 * MINUTE, hours=new_york)
    market.flat(100)
    assert market.order()["status"] == "accepted"
    assert market.events() == ["accepted market"]
    assert market.flat(101, at=OPENING) == []  # a bar of before the session
    assert market.flat(102, at=OPENING + MINUTE) == ["new market", "fill market 102"]
    assert market.last[0]["timestamp"].startswith("2025-11-28T14:30:00")


def test_day_orders_expire_at_an_early_close_and_others_sleep_over_night() -> None:
    market = Market(OPENING, hours=new_york)
    market.flat(100)
    day = market.order(type="limit", limit_price=90)
    late = market.order(type="limit", limit_price=90, time_in_force="gtc")
    market.events()
    assert market.flat(100, at=CLOSING) == ["expired limit"]
    assert market.venue.order(day["id"]).json()["expired_at"] == "2025-11-28T18:00:00.000000000Z"
    assert market.flat(85, at=CLOSING + MINUTE) == []
    assert market.flat(85, at=OPENING + 3 * 1440 * MINUTE + MINUTE) == ["fill limit 85"]
    assert market.venue.order(late["id"]).status == "filled"


def test_only_orders_for_extended_hours_trade_outside_the_session() -> None:
    market = Market(OPENING - 90 * MINUTE, hours=new_york)
    market.flat(100)
    order = market.order(type="limit", limit_price=101, extended_hours=True)
    assert order["status"] == "pending_new"
    market.events()
    assert market.flat(100, at=OPENING - 60 * MINUTE) == ["fill limit 100"]


def test_auctions_are_at_the_first_bar_and_at_the_last_of_a_session() -> None:
    market = Market(OPENING - 60 * MINUTE, hours=new_york)
    market.flat(100)
    market.order(time_in_force="opg")
    market.order(time_in_force="cls")
    assert market.bar(101, 102, 100, 101, at=OPENING + MINUTE)[-3:] == ["new market", "new market", "fill market 101"]
    assert market.bar(103, 104, 102, 103) == []
    assert market.bar(105, 106, 104, 104.5, at=CLOSING) == ["fill market 104.5"]


def test_an_order_of_the_evening_ends_when_the_next_session_opens() -> None:
    market = Market(CLOSING, hours=new_york)
    market.flat(100)
    market.order(type="limit", limit_price=90, extended_hours=True)
    market.events()
    assert market.flat(95, at=CLOSING + 10 * MINUTE) == []
    assert market.flat(85, at=OPENING + 3 * 1440 * MINUTE + MINUTE) == ["expired limit"]


def test_an_order_for_the_opening_that_comes_after_it_trades_no_more_that_day() -> None:
    market = Market(OPENING, hours=new_york)
    market.flat(100)
    market.order(time_in_force="opg")
    market.events()
    assert market.flat(100) == []
    assert market.flat(100, at=CLOSING) == ["expired market"]


def test_a_cancel_that_found_no_further_bar_happens_at_the_close() -> None:
    market = Market(OPENING, hours=new_york)
    market.flat(100)
    order = market.order(type="limit", limit_price=90, time_in_force="gtc")
    market.venue.cancel(order["id"])
    market.events()
    assert market.flat(80, at=CLOSING + MINUTE) == ["canceled limit"]


def test_a_replacement_at_once_brings_no_order_nearer_to_its_first_bar_or_its_end() -> None:
    day = 1440 * MINUTE
    market = Market(10 * day, prompt=True, costs=Costs(latency_bars=1))
    market.flat(100, at=10 * day)
    order = market.order(type="limit", limit_price=101)
    market.venue.replace(order["id"], {"limit_price": 102})
    market.events()
    assert market.flat(100, at=11 * day - MINUTE) == []
    assert market.flat(100, at=11 * day) == ["fill limit 100"]


def test_what_was_filled_before_a_replacement_stays_filled_after_it() -> None:
    market = Market(costs=Costs(participation=0.01))
    market.flat(100)
    old = market.order(qty=30, type="limit", limit_price=100)
    market.flat(100, volume=1000)
    new = market.venue.replace(old["id"], {"qty": 15})
    market.events()
    assert market.flat(100, volume=1000) == ["replaced limit", "new limit", "fill limit 100"]
    assert market.venue.order(new["id"]).json()["filled_qty"] == "15"
    assert market.venue.account.holdings[0].lots == 15


def test_orders_of_which_one_cancels_the_other_hold_a_position_once() -> None:
    market = Market()
    market.flat(100)
    market.order(qty=5)
    bracket(market)
    market.flat(100)
    assert market.venue.positions()[0]["qty_available"] == "5"
    market.order("sell", qty=5)
    with pytest.raises(Denied, match="requested: 1, available: 0") as caught:
        market.order("sell", qty=1)
    assert (caught.value.body["held_for_orders"], caught.value.body["existing_qty"]) == ("15", "15")


def test_open_entries_take_buying_power_until_their_cancel() -> None:
    market = Market()
    market.flat(100)
    order = market.order(qty=1500, type="limit", limit_price=100)
    assert market.venue.account_json()["buying_power"] == "50000"
    with pytest.raises(Denied, match="insufficient buying power"):
        market.order(qty=501)
    market.venue.cancel(order["id"])
    assert market.venue.account_json()["buying_power"] == "200000"


def test_a_cancel_of_an_oco_order_takes_both() -> None:
    market = Market(prompt=True)
    market.flat(100)
    market.order()
    market.flat(100)
    order = market.order(
        "sell", type="limit", order_class="oco", take_profit={"limit_price": 104}, stop_loss={"stop_price": 97}
    )  # fmt: skip
    market.venue.cancel(order["id"])
    assert sorted(market.events()[-4:]) == [
        f"{word} {leg}" for word in ("canceled", "pending_cancel") for leg in ("limit", "stop")
    ]
    assert not market.venue.ledger.working


def test_fees_leave_the_account_and_a_day_begins_with_the_equity_of_the_one_before() -> None:
    day = 1440 * MINUTE
    market = Market(day, costs=Costs(per_share=0.5))
    market.flat(100, at=day)
    market.order()
    market.flat(100, at=2 * day - MINUTE)
    market.flat(110, at=2 * day)
    market.flat(105, at=2 * day + MINUTE)
    said = market.venue.account_json()
    assert (said["cash"], said["last_equity"], said["equity"]) == ("98995", "99995", "100045")
    position = market.venue.positions()[0]
    assert (position["lastday_price"], position["unrealized_intraday_pl"]) == ("100", "50")


# against the ordinary


def test_a_trade_at_once_disturbs_neither_other_orders_nor_when_bars_begin() -> None:
    venue = Venue(("AAA", "BBB"), life=Lifecycle([Twist("early", "AAA/first")]))

    def bar(ts: int, code: int, price: float) -> list[str]:
        columns = {name: np.array([price]) for name in ("open", "high", "low", "close")}
        venue.match(ts, columns | {"ts": np.array([ts]), "symbol": np.array([code], np.int32)})
        said = [f"{update['data']['event']} {update['data']['order']['client_order_id']}" for update in venue.updates]
        venue.updates.clear()
        return said

    def order(name: str, **more: Any) -> None:
        asked = {"symbol": "AAA", "qty": 1, "side": "buy", "type": "market", "time_in_force": "gtc"}
        venue.submit(asked | {"client_order_id": name} | more)

    bar(MINUTE, 0, 100.0)
    order("resting", type="limit", limit_price=100)
    bar(2 * MINUTE, 1, 50.0)
    order("first")
    order("second")
    assert [update["data"]["event"] for update in venue.updates if "price" in update["data"]] == ["fill"]
    venue.updates.clear()
    assert bar(3 * MINUTE, 0, 100.0) == ["fill resting"]  # the bar had begun when the second order came
    assert bar(4 * MINUTE, 0, 100.0) == ["fill second"]


def test_of_two_twists_that_meet_the_first_strikes_and_both_count() -> None:
    life = Lifecycle([Twist("reject"), Twist("reject", nth=2)])
    market = Market(life=life)
    market.flat(100)
    market.order(client_order_id="a")
    market.order(client_order_id="b")
    market.order(client_order_id="c")
    assert [one.order for one in life.log] == ["a", "b"]


def test_an_order_is_rejected_after_it_was_taken() -> None:
    market = Market(life=Lifecycle([Twist("reject", "AAA/doomed")]))
    market.flat(100)
    assert market.order(client_order_id="doomed")["status"] == "pending_new"
    assert market.events() == ["pending_new market", "rejected market"]
    market.order(client_order_id="spared")
    assert market.flat(100)[-1] == "fill market 100"


def test_a_fill_is_told_before_the_order_is_answered() -> None:
    market = Market(life=Lifecycle([Twist("early")]))
    market.flat(100)
    assert market.order()["status"] == "pending_new"
    assert market.venue.urgent
    assert market.events() == ["pending_new market", "new market", "fill market 100"]


def test_a_cancel_loses_its_race_against_a_fill() -> None:
    market = Market(life=Lifecycle([Twist("cancel_race")]))
    market.flat(100)
    order = market.order(type="limit", limit_price=99)
    market.venue.cancel(order["id"])
    told = ["pending_new limit", "new limit", "pending_cancel limit", "fill limit 99", "order_cancel_rejected limit"]
    assert market.events() == told
    assert market.venue.order(order["id"]).status == "filled"


def test_a_leg_that_loses_its_race_ends_its_sibling_for_good() -> None:
    market = Market(life=Lifecycle([Twist("cancel_race")]), prompt=True)
    market.flat(100)
    order = bracket(market)
    market.flat(100)
    market.venue.cancel(order["legs"][1]["id"])
    assert [market.venue.order(leg["id"]).status for leg in order["legs"]] == ["filled", "canceled"]
    assert not market.venue.ledger.working


@pytest.mark.parametrize("kind", ["cancel_refused", "replace_refused"])
def test_a_change_is_refused_after_it_was_taken_and_the_order_works_on(kind: str) -> None:
    market = Market(life=Lifecycle([Twist(kind)]))
    market.flat(100)
    order = market.order(type="limit", limit_price=99)
    if kind == "cancel_refused":
        market.venue.cancel(order["id"])
    else:
        new = market.venue.replace(order["id"], {"limit_price": 98})
        assert market.venue.order(new["id"]).status == "rejected"
    assert market.events()[-1] == f"order_{kind.split('_')[0]}_rejected limit"
    assert market.venue.order(order["id"]).status == "new"
    assert market.flat(98.5) == ["fill limit 98.5"]


def test_an_execution_is_split_broken_and_corrected() -> None:
    twists = [Twist("split", parts=3), Twist("bust", nth=2), Twist("correct", nth=2, price=99.5)]
    market = Market(life=Lifecycle(twists))
    market.flat(100)
    market.order()
    market.events()
    told = ["partial_fill market 100", "partial_fill market 100", "trade_bust market 100"]
    assert market.flat(100)[:3] == told
    held = [update["position_qty"] for update in market.last]
    assert held[:3] == ["4", "7", "4"]
    assert market.venue.exchange.books["lots"][0] == market.venue.account.holdings[0].lots
    assert "trade_correct market 99.5" in [f"{u['event']} {u['order']['type']} {u.get('price')}" for u in market.last]
    paid = sum(one.lots * one.price for one in market.venue.account.executions)
    assert market.venue.account.cash == 100_000 - paid


def test_chances_strike_the_same_orders_for_the_same_seed_and_others_for_another() -> None:
    def struck(seed: int) -> list[str]:
        market = Market(life=Lifecycle([Twist("reject", rate=0.3)], seed))
        market.flat(100)
        for number in range(40):
            market.order(qty=1, client_order_id=f"n{number}")
        return [one.order for one in market.venue.life.log]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 4 <= len(struck(1)) <= 22


@pytest.mark.parametrize(
    "twist", [{"kind": "odd"}, {"kind": "bust", "nth": 0}, {"kind": "bust", "rate": 2.0}, {"kind": "correct"}]
)
def test_a_twist_that_makes_no_sense_is_refused(twist: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="lifecycle"):
        Lifecycle([Twist(**twist)])


# whatever is asked


ASKS = st.fixed_dictionaries({
    "side": st.sampled_from(["buy", "sell"]), "qty": st.integers(1, 40), "away": st.integers(-300, 300),
    "type": st.sampled_from(["market", "limit", "stop"]), "class": st.sampled_from(["", "", "bracket", "oco"]),
    "tif": st.sampled_from(["day", "gtc", "ioc", "cls"]),
})  # fmt: skip
ACTS = st.one_of(
    st.tuples(st.just("order"), ASKS), st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("replace"), st.integers(0, 30)), st.tuples(st.just("bar"), st.integers(-250, 250)),
    st.tuples(st.just("close"), st.just(0)),
)  # fmt: skip


@given(acts=st.lists(ACTS, max_size=40), prompt=st.booleans(), seed=st.integers(0, 9), thin=st.booleans())
@settings(deadline=None, max_examples=60)
def test_whatever_is_asked_money_positions_and_fills_agree(
    acts: list[Any], prompt: bool, seed: int, thin: bool
) -> None:
    life = Lifecycle([Twist(kind, rate=0.05, price=100.0) for kind in KINDS], seed)
    market = Market(
        prompt=prompt, life=life, costs=Costs(participation=1e-5 if thin else 0.0), rules=Rules(wash_trades=False)
    )
    market.flat(100)
    price, refusals = 10_000, set()
    for act, value in acts:
        try:
            _act(market, act, value, price)
        except Denied as denied:
            refusals.add(denied.status)
        if act == "bar":
            price = max(1000, price + value)
            market.bar(price / 100, price / 100 + 1, price / 100 - 1, price / 100)
    assert refusals <= {403, 404, 422}
    venue = market.venue
    signed = sum(one.side * one.lots for one in venue.account.executions)
    assert signed == venue.account.holdings[0].lots == venue.exchange.books["lots"][0]
    paid = sum(one.side * one.lots * one.price for one in venue.account.executions)
    assert venue.account.cash == pytest.approx(100_000 - paid, abs=1e-6)
    assert all(0 <= order.filled <= order.lots for order in venue.ledger.orders.values())
    assert all(not order.ended for order in venue.ledger.working.values())
    assert len({order.submitted for order in venue.ledger.orders.values()}) == len(venue.ledger.orders)


def _act(market: Market, act: str, value: Any, price: int) -> None:
    venue = market.venue
    if act == "order":
        at = (price + value["away"]) / 100
        asked = {"limit": {"limit_price": at}, "stop": {"stop_price": at}}.get(value["type"], {})
        asked |= {"time_in_force": value["tif"], "order_class": value["class"]}
        up = 1 if (value["side"] == "buy") == (value["class"] == "bracket") else -1
        if value["class"]:
            asked |= {
                "take_profit": {"limit_price": (price + 500 * up) / 100},
                "stop_loss": {"stop_price": (price - 500 * up) / 100},
            }
        market.order(value["side"], value["qty"], value["type"], **asked)
    elif act == "close":
        venue.close("AAA")
    elif act != "bar":
        ids = list(venue.ledger.orders)
        id = ids[value % len(ids)] if ids else "none"
        if act == "cancel":
            venue.cancel(id)
        else:
            venue.replace(id, {"qty": value + 1})
