"""The trading side over the wire: the real client's calls and stream, refusals, pages, faults, and a service alone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import websockets
from alpaca.common.exceptions import APIError
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    TrailingStopOrderRequest,
)

from live.errors import ConfigError
from live.sim.lifecycle import Twist
from live.sim.plan import Fault
from live.sim.server import Loopback
from quantlib.desk.memory import Instrument
from tests.live.scenes import scored
from tests.live.sim.wiring import listening, trading, until

TABLE = scored(12, missing=0.0)
DAY = {"time_in_force": "day"}


@pytest.fixture
def alpaca() -> Iterator[Loopback]:
    with Loopback(TABLE) as one:
        one.match()
        yield one


def market_order(name: str = "", symbol: str = "AAA", side: str = "buy", qty: float = 10) -> MarketOrderRequest:
    return MarketOrderRequest(symbol=symbol, qty=qty, side=side, client_order_id=name or None, **DAY)


def test_the_clients_models_take_every_answer(alpaca: Loopback) -> None:
    client = trading(alpaca)
    before = client.get_account()
    assert (before.cash, before.buying_power, before.multiplier) == ("100000", "200000", "2")
    order = client.submit_order(market_order("one"))
    assert order.status == "pending_new"
    alpaca.match()
    shown = client.get_order_by_id(order.id)
    assert (shown.status, shown.filled_qty, shown.client_order_id) == ("filled", "10", "one")
    assert client.get_order_by_client_id("one").filled_at == shown.filled_at
    position = client.get_open_position("AAA")
    assert (position.qty, position.side, position.avg_entry_price) == ("10", "long", shown.filled_avg_price)
    assert client.get_all_positions() == [position]
    after = client.get_account()
    assert float(after.cash) == 100_000 - 10 * float(shown.filled_avg_price)
    assert float(after.equity) == pytest.approx(float(after.cash) + float(position.market_value))
    history = client.get_portfolio_history()
    assert len(history.equity) == 2
    assert history.equity[-1] == float(after.equity)
    trailing = client.submit_order(
        TrailingStopOrderRequest(symbol="AAA", qty=10, side="sell", trail_percent=5.0, **DAY)
    )  # fmt: skip
    assert float(trailing.stop_price) == pytest.approx(float(trailing.hwm) * 0.95, abs=0.01)


def test_an_account_that_is_suspended_takes_no_order(alpaca: Loopback) -> None:
    client = trading(alpaca)
    flags = client.get_account_configurations()
    flags.suspend_trade = True
    assert client.set_account_configurations(flags).suspend_trade
    assert client.get_account().trade_suspended_by_user
    with pytest.raises(APIError, match="rejected by user request"):
        client.submit_order(market_order())
    flags.suspend_trade, flags.no_shorting = False, True
    client.set_account_configurations(flags)
    client.submit_order(market_order())
    with pytest.raises(APIError, match="not allowed to short"):
        client.submit_order(market_order(symbol="BBB", side="sell"))


SIMPLE = {"symbol": "AAA", "qty": "10", "side": "buy", "type": "market", "time_in_force": "day"}
LIMITED = SIMPLE | {"type": "limit"}
LEGS = {"take_profit": {"limit_price": 200}, "stop_loss": {"stop_price": 50}}


@pytest.mark.parametrize(
    ("asked", "status", "code", "message"),
    [
        ({**SIMPLE, "symbol": "ZZZ"}, 422, 42210000, 'asset "ZZZ" not found'),
        ({**SIMPLE, "symbol": None}, 422, 40010001, "symbol is required"),
        ({**SIMPLE, "qty": "0"}, 422, 40010001, "qty must be > 0"),
        ({**SIMPLE, "qty": "many"}, 422, 40010001, "qty must be a number"),
        ({**SIMPLE, "qty": None}, 422, 40010001, "qty or notional is required"),
        ({**SIMPLE, "notional": 5}, 422, 40010001, "only one of qty or notional"),
        ({**SIMPLE, "qty": "0.5"}, 403, 40310000, "not fractionable"),
        ({**SIMPLE, "side": "hold"}, 422, 40010001, "invalid side"),
        ({**SIMPLE, "type": "magic"}, 422, 40010001, "invalid type"),
        ({**SIMPLE, "time_in_force": "ever"}, 422, 40010001, "invalid time_in_force"),
        ({**SIMPLE, "limit_price": 5}, 422, 40010001, "market orders require no limit_price"),
        (LIMITED, 422, 40010001, "limit orders require a limit_price"),
        ({**LIMITED, "limit_price": "90.123"}, 422, 42210000, "invalid limit_price 90.123. sub-penny"),
        ({**SIMPLE, "type": "trailing_stop"}, 422, 40010001, "either trail_price or trail_percent"),
        ({**SIMPLE, "client_order_id": "x" * 129}, 422, 40010001, "no more than 128"),
        ({**SIMPLE, "client_order_id": "used"}, 422, 40010001, "client_order_id must be unique"),
        ({**SIMPLE, "extended_hours": True}, 422, 42210000, "extended hours order must be"),
        ({**SIMPLE, "time_in_force": "ioc", "order_class": "bracket", **LEGS}, 422, 42210000, "complex orders"),
        ({**SIMPLE, "order_class": "bracket"}, 422, 42210000, "require take_profit.limit_price and stop_loss"),
        ({**SIMPLE, **LEGS}, 422, 42210000, "require order_class"),
        ({**SIMPLE, "order_class": "oto", **LEGS}, 422, 42210000, "either take_profit"),
        ({**SIMPLE, "order_class": "mleg"}, 422, 40010001, "invalid order_class"),
        ({**SIMPLE, "order_class": "bracket", "take_profit": LEGS["take_profit"], "stop_loss": {"stop_price": 150}},
         422, 42210000, "stop_loss.stop_price must be <= base_price"),
        ({**SIMPLE, "position_intent": "buy_to_close"}, 422, 42210000, "position intent mismatch"),
        ({**SIMPLE, "qty": "100000"}, 403, 40310000, "insufficient buying power"),
        ({**SIMPLE, "symbol": "BBB", "side": "sell", "qty": "11"}, 403, 40310000,
         "insufficient qty available for order (requested: 11, available: 10)"),
        ({**SIMPLE, "symbol": "BBB", "side": "sell", "order_class": "bracket", "take_profit": {"limit_price": 50},
          "stop_loss": {"stop_price": 200}}, 422, 42210000, "entry orders"),
        ({**LIMITED, "side": "sell", "limit_price": 1}, 403, 40310000, "potential wash trade detected"),
        ([], 400, 40010000, "request body format is invalid"),
    ],
)  # fmt: skip
def test_every_refusal_has_its_status_its_code_and_its_words(
    alpaca: Loopback, asked: Any, status: int, code: int, message: str
) -> None:  # fmt: skip
    client = trading(alpaca)
    client.submit_order(market_order("used", "BBB"))
    alpaca.match()
    client.submit_order(LimitOrderRequest(symbol="AAA", qty=1, side="buy", limit_price=50.0, **DAY))
    calls = dict(client._session.headers) | client._get_auth_headers()
    answer = requests.post(f"{alpaca.address}/v2/orders", json=asked, headers=calls, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert message in answer.json()["message"]
    assert len(client.get_orders(GetOrdersRequest(status="all"))) == 2


def test_calls_without_the_keys_are_not_answered(alpaca: Loopback) -> None:
    for headers in ({}, {"APCA-API-KEY-ID": alpaca.keys.key, "APCA-API-SECRET-KEY": "wrong"}):
        for path in ("account", "orders", "positions", "account/activities/FILL"):
            answer = requests.get(f"{alpaca.address}/v2/{path}", headers=headers, timeout=5)
            assert (answer.status_code, answer.json()["code"]) == (401, 40110000)
    basic = requests.get(f"{alpaca.address}/v2/account", auth=(alpaca.keys.key, alpaca.keys.secret), timeout=5)
    assert basic.status_code == 200


@pytest.mark.parametrize("path", ["orders/none", "orders:by_client_order_id?client_order_id=none", "positions/AAA"])
def test_what_is_not_there_is_not_found(alpaca: Loopback, path: str) -> None:
    with pytest.raises(APIError) as caught:
        trading(alpaca).get(f"/{path}")
    assert (caught.value.status_code, caught.value.code) == (404, 40410000)


def test_orders_come_in_pages_by_time_and_by_what_is_asked_of_them(alpaca: Loopback) -> None:
    client = trading(alpaca, raw=True)
    for number in range(7):
        symbol, price = ("AAA", 50.0) if number % 2 else ("BBB", 60.0)
        client.submit_order(
            LimitOrderRequest(symbol=symbol, qty=1, side="buy", limit_price=price, client_order_id=f"n{number}", **DAY)
        )  # fmt: skip

    def names(**asked: Any) -> list[str]:
        return [order["client_order_id"] for order in client.get("/orders", asked)]

    assert names(limit=3) == ["n6", "n5", "n4"]
    first = client.get("/orders", {"limit": 3, "direction": "asc"})
    assert names(direction="asc", after=first[-1]["submitted_at"]) == ["n3", "n4", "n5", "n6"]
    assert names(direction="asc", after_order_id=first[0]["id"], limit=2) == ["n1", "n2"]
    assert names(until=first[1]["submitted_at"]) == ["n0"]
    assert names(symbols="AAA", direction="asc") == ["n1", "n3", "n5"]
    assert names(side="sell") == []
    client.cancel_order_by_id(first[0]["id"])
    alpaca.match()
    assert names(status="closed") == ["n0"]
    assert len(names(status="all")) == 7
    with pytest.raises(APIError, match="limit 1 to 500"):
        names(limit=501)


def test_legs_are_listed_beside_their_order_or_under_it(alpaca: Loopback) -> None:
    client = trading(alpaca)
    order = client.submit_order(
        MarketOrderRequest(symbol="AAA", qty=1, side="buy", order_class="bracket", **DAY, **LEGS)
    )  # fmt: skip
    flat = client.get_orders(GetOrdersRequest(status="open"))
    assert len(flat) == 3
    assert all(one.legs is None for one in flat)
    nested = client.get_orders(GetOrdersRequest(status="open", nested=True))
    assert [(one.id, len(one.legs)) for one in nested] == [(order.id, 2)]
    alpaca.match()
    assert {one.type.value for one in client.get_orders(GetOrdersRequest(status="open", nested=True))} == {
        "limit",
        "stop",
    }


def test_all_is_cancelled_and_closed_in_one_call_each(alpaca: Loopback) -> None:
    client = trading(alpaca)
    client.submit_order(market_order(symbol="AAA"))
    client.submit_order(market_order(symbol="BBB", side="sell"))
    alpaca.match()
    client.submit_order(LimitOrderRequest(symbol="AAA", qty=10, side="sell", limit_price=500.0, **DAY))
    refused = client.close_all_positions()
    assert [one.status for one in refused] == [403, 200]
    assert refused[0].body.held_for_orders == 10
    answers = client.cancel_orders()
    assert len(answers) == 2  # the limit order, and the one that closes BBB
    closed = client.close_all_positions(cancel_orders=True)
    assert [(one.symbol, one.status, one.body.position_intent) for one in closed] == [
        ("AAA", 200, "sell_to_close"), ("BBB", 200, "buy_to_close")
    ]  # fmt: skip
    alpaca.match()
    assert client.get_all_positions() == []


def test_a_position_is_closed_in_part(alpaca: Loopback) -> None:
    client = trading(alpaca)
    client.submit_order(market_order())
    alpaca.match()
    assert client.close_position("AAA", ClosePositionRequest(percentage="50")).qty == "5"
    assert client.close_position("AAA", ClosePositionRequest(qty="2")).qty == "2"
    alpaca.match()
    assert client.get_open_position("AAA").qty == "3"


def test_fractions_and_pairs_are_traded_where_lots_allow_it() -> None:
    coins = scored(5, ("BTC/USD",), missing=0.0)
    with Loopback(coins, instruments=Instrument(0.01, 1e-6)) as alpaca:
        alpaca.match()
        client = trading(alpaca)
        with pytest.raises(APIError, match="crypto orders must be"):
            client.submit_order(market_order(symbol="BTC/USD"))
        client.submit_order(MarketOrderRequest(symbol="BTC/USD", qty=0.125, side="buy", time_in_force="gtc"))
        alpaca.match()
        position = client.get_all_positions()[0]
        assert (position.symbol, position.qty) == ("BTCUSD", "0.125")
        assert client.get("/positions/BTC/USD")["symbol"] == "BTCUSD"
        assert client.close_position("BTCUSD").qty == "0.125"


def test_the_stream_tells_models_of_a_life_from_pending_to_filled(alpaca: Loopback) -> None:
    client = trading(alpaca)
    with listening(alpaca, raw=False) as heard:
        order = client.submit_order(market_order())
        assert alpaca.match() == 3
        until(lambda: len(heard) == 3)
    assert [update.event for update in heard] == ["pending_new", "new", "fill"]
    assert {update.order.id for update in heard} == {order.id}
    assert (heard[2].qty, heard[2].position_qty, heard[2].order.status) == (10.0, 10.0, "filled")


def test_a_fill_can_be_heard_before_the_call_that_ordered_returns() -> None:
    slow = Fault("slow", "POST /v2/orders", accepted=True, seconds=600)
    with Loopback(TABLE, twists=[Twist("early")], faults=[slow]) as alpaca:
        alpaca.match()
        client = trading(alpaca)
        with listening(alpaca) as heard:
            answers: list[Any] = []
            caller = threading.Thread(target=lambda: answers.append(client.submit_order(market_order())))
            caller.start()
            until(lambda: len(heard) == 3)
            assert heard[2]["data"]["event"] == "fill"
            assert not answers
            alpaca._loop.call_soon_threadsafe(alpaca.faults.release)
            caller.join()
            assert answers[0].status == "pending_new"


def test_what_nobody_heard_is_not_told_again_but_rest_knows_it(alpaca: Loopback) -> None:
    client = trading(alpaca)
    with listening(alpaca) as heard:
        client.submit_order(market_order("first"))
        until(lambda: len(heard) == 2)
    until(lambda: not alpaca.orders.listening)
    assert alpaca.match() == 2
    with listening(alpaca) as heard:
        client.submit_order(market_order("second"))
        until(lambda: len(heard) == 2)
        assert {update["data"]["order"]["client_order_id"] for update in heard} == {"second"}
    assert client.get_order_by_client_id("first").status == "filled"


def test_the_cancel_of_a_leg_may_be_lost_on_the_way() -> None:
    lost = Fault("drop", "trading/canceled/AAA")
    with Loopback(TABLE, faults=[lost]) as alpaca:
        alpaca.match()
        client = trading(alpaca)
        with listening(alpaca) as heard:
            legs = {"take_profit": {"limit_price": 99.0}, "stop_loss": {"stop_price": 50.0}}
            client.submit_order(
                MarketOrderRequest(symbol="AAA", qty=1, side="buy", order_class="bracket", **DAY, **legs)
            )
            while "filled" not in {leg.status.value for leg in client.get_orders(GetOrdersRequest(status="all"))[:2]}:
                told = alpaca.match()
            until(lambda: len(heard) == told)
            assert "canceled" not in {update["data"]["event"] for update in heard}
        assert client.get_orders() == []


def test_a_call_that_fails_after_it_was_accepted_leaves_one_order_and_a_used_name() -> None:
    broken = Fault("answer", "POST /v2/orders", code=504, accepted=True)
    with Loopback(TABLE, faults=[broken]) as alpaca:
        alpaca.match()
        client = trading(alpaca)
        client._retry_wait = 0
        with pytest.raises(APIError, match="must be unique"):
            client.submit_order(market_order("once"))
        assert client.get_order_by_client_id("once").status == "new"


async def _spoken(address: str, *said: Any) -> list[Any]:
    async with websockets.connect(address) as line:
        heard = []
        for one in said:
            await line.send(one if isinstance(one, str) else json.dumps(one))
            answer = await line.recv()
            assert isinstance(answer, bytes)  # as the paper service has it
            heard.append(json.loads(answer))
        return heard


def test_the_streams_handshake_takes_both_spellings_and_refuses_other_keys(alpaca: Loopback) -> None:
    keys = alpaca.keys
    old = {"action": "authenticate", "data": {"key_id": keys.key, "secret_key": keys.secret}}
    new = {"action": "auth", "key": keys.key, "secret": keys.secret}
    listen = {"action": "listen", "data": {"streams": ["trade_updates", "odd"]}}
    for first in (old, new):
        heard = asyncio.run(_spoken(keys.trade_updates, first, listen))
        assert heard == [
            {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}},
            {"stream": "listening", "data": {"streams": ["trade_updates"]}},
        ]
        until(lambda: alpaca.orders._line is None)
    heard = asyncio.run(_spoken(keys.trade_updates, "nonsense", new | {"secret": "wrong"}, listen))
    assert [one["data"].get("status", one["data"].get("error")) for one in heard] == [
        "invalid message", "unauthorized", "unauthorized"
    ]  # fmt: skip


def test_a_second_listener_is_turned_away_and_a_reset_makes_room(alpaca: Loopback) -> None:
    with listening(alpaca):
        with pytest.raises(websockets.exceptions.InvalidStatus) as caught:
            asyncio.run(_spoken(alpaca.keys.trade_updates))
        assert caught.value.response.status_code == 429
        alpaca.reset()
        until(lambda: alpaca.orders.listening)  # the real stream comes back by itself


def test_the_budget_of_calls_is_told_and_kept() -> None:
    with Loopback(TABLE, limit=3) as alpaca:
        alpaca.budget.clock = lambda: 120.0
        headers = {"APCA-API-KEY-ID": alpaca.keys.key, "APCA-API-SECRET-KEY": alpaca.keys.secret}
        answers = [requests.get(f"{alpaca.address}/v2/account", headers=headers, timeout=5) for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert [one.headers["X-RateLimit-Remaining"] for one in answers] == ["2", "1", "0", "0"]
        assert answers[3].json() == {"code": 42910000, "message": "rate limit exceeded"}
        assert {(one.headers["X-RateLimit-Limit"], one.headers["X-RateLimit-Reset"]) for one in answers} == {
            ("3", "180")
        }
        alpaca.budget.clock = lambda: 181.0
        assert requests.get(f"{alpaca.address}/v2/account", headers=headers, timeout=5).status_code == 200


def test_the_same_calls_give_the_same_ids_answers_and_updates() -> None:
    def told(seed: int) -> list[Any]:
        with Loopback(TABLE, seed=seed) as alpaca:
            alpaca.match()
            client = trading(alpaca, raw=True)
            said = [client.submit_order(market_order())]
            alpaca.match()
            return [*said, client.get("/account/activities/FILL"), client.get_all_positions(), client.get_account()]

    assert told(1) == told(1)
    assert told(1)[0]["id"] != told(2)[0]["id"]


def test_a_replay_ends_and_says_so(alpaca: Loopback) -> None:
    while not alpaca.finished:
        alpaca.match()
    with pytest.raises(ConfigError, match="come to its end"):
        alpaca.match()
    assert requests.post(f"{alpaca.address}/sim/match", timeout=5).status_code == 409


@pytest.mark.slow
def test_a_service_of_its_own_is_driven_and_scripted_over_http() -> None:
    command = [sys.executable, "-m", "live.sim", "--symbols", "SPX", "--from", "2018-01-01", "--cash", "50000"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONWARNINGS": "ignore"}
    )
    try:
        assert process.stdout is not None
        exported = dict(process.stdout.readline().removeprefix("export ").strip().split("=") for _ in range(5))
        address = exported["APCA_API_BASE_URL"]
        headers = {
            "APCA-API-KEY-ID": exported["APCA_API_KEY_ID"],
            "APCA-API-SECRET-KEY": exported["APCA_API_SECRET_KEY"],
        }
        assert requests.post(f"{address}/sim/match", timeout=5).json()["step"] > 4000  # what was before is history
        assert requests.post(f"{address}/sim/publish", timeout=5).status_code == 200
        twist = {"kind": "reject", "on": "SPX/doomed"}
        assert requests.post(f"{address}/sim/life", json=twist, timeout=5).json()["nth"] == 1
        assert requests.post(f"{address}/sim/life", json={"kind": "odd"}, timeout=5).status_code == 422
        for name in ("doomed", "spared"):
            asked = SIMPLE | {"symbol": "SPX", "qty": 2, "client_order_id": name}
            requests.post(f"{address}/v2/orders", json=asked, headers=headers, timeout=5)
        state = requests.post(f"{address}/sim/match", timeout=5).json()
        assert (state["positions"], state["executions"], state["events"]) == ({"SPX": 2}, 1, 5)
        assert [one["order"] for one in requests.get(f"{address}/sim/life", timeout=5).json()] == ["doomed"]
        requests.post(f"{address}/sim/play", json={"speed": 0}, timeout=5)
        until(lambda: requests.get(f"{address}/sim/state", timeout=5).json()["finished"])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stdout.close()


def test_the_service_lets_everything_go_when_it_ends() -> None:
    before = threading.active_count()
    with Loopback(TABLE) as alpaca:
        address = alpaca.address
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{address}/sim/state", timeout=5)
    alpaca.close()  # twice is as good as once
