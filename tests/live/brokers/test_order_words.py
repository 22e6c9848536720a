"""How orders are spelled for Alpaca, and which are refused before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.brokers.orders import (
    codes,
    id_in,
    instant,
    is_grid,
    lasting,
    listings,
    moment,
    plain,
    prices,
    request,
    said,
)
from live.errors import BrokerError, Refused
from live.words import tickets
from quantlib.desk.memory import Instrument, instrument_records
from quantlib.desk.messages import CANCEL, DAY, GTC, REPLACE, SELL
from tests.live.brokers.driving import asked

SYMBOLS = ("AAA", "BTC/USD")
LISTED = listings(
    SYMBOLS,
    instrument_records(SYMBOLS, {"AAA": Instrument(), "BTC/USD": Instrument(tick=0.01, lot=0.0001)}),
)


def asks(*said: int, symbol: int = 0, **more: int) -> dict[str, Any]:
    return request(asked(*said, symbol=symbol, **more)[0], "s-1", LISTED[symbol])


def test_a_bracket_is_spelled_with_its_legs_and_outlives_the_day() -> None:
    body = asks(1, 10, stop_leg=14000, target_leg=20050, tif=DAY)
    assert body == {
        "symbol": "AAA", "qty": "10", "side": "buy", "type": "market", "time_in_force": "gtc",
        "client_order_id": "s-1", "order_class": "bracket", "take_profit": {"limit_price": "200.5"},
        "stop_loss": {"stop_price": "140"},
    }  # fmt: skip
    assert asks(1, 10, limit=15000, stop_leg=14000, tif=DAY)["time_in_force"] == "day"
    assert asks(1, 10, stop_leg=14000)["order_class"] == "oto"


def test_orders_with_limits_and_stops_have_their_kind() -> None:
    assert asks(1, 3, SELL, limit=15001)["limit_price"] == "150.01"
    assert asks(1, 3, stop=15001)["type"] == "stop"
    assert asks(1, 3, stop=15001, limit=15002)["type"] == "stop_limit"
    assert prices(asked(1, 3, limit=99)[0], LISTED[0]) == {"limit_price": "0.99"}


def test_crypto_is_counted_in_fractions_and_named_with_and_without_its_slash() -> None:
    body = asks(1, 12345, symbol=1, tif=DAY)
    assert (body["qty"], body["time_in_force"], body["symbol"]) == ("1.2345", "gtc", "BTC/USD")
    assert LISTED[1].lots("1.23459") == 12345
    assert codes(SYMBOLS) == {"AAA": 0, "BTC/USD": 1, "BTCUSD": 1}


def test_fractional_shares_are_good_for_the_day() -> None:
    fractional = listings(("AAA",), instrument_records(("AAA",), Instrument(lot=0.001)))[0]
    assert lasting(asked(1, 1500, tif=GTC)[0], fractional) == "day"
    assert lasting(asked(1, 2000, tif=GTC)[0], fractional) == "gtc"
    with pytest.raises(Refused, match="brackets of fractional shares; trade whole ones"):
        request(asked(1, 1500, stop_leg=9000)[0], "s-1", fractional)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"lots": 0}, "an order of 0 lots"),
        ({"symbol": 1, "stop_leg": 5}, "brackets in crypto"),
        ({"symbol": 1, "stop": 5}, "stop orders in crypto"),
        ({"symbol": 1, "limit": 5, "tif": DAY}, "day orders in crypto"),
    ],
)
def test_what_alpaca_does_not_take_is_refused_with_the_reason(more: dict[str, int], why: str) -> None:
    named = {"lots": 5} | more
    with pytest.raises(Refused, match=f"Alpaca takes no {why}"):
        asks(1, named.pop("lots"), **named)


def test_legs_at_fractions_of_the_fill_price_are_refused_with_their_cure() -> None:
    command = asked(1, 10)
    command["stop_fraction"] = 0.02
    with pytest.raises(Refused, match=r"use Exits\(anchored=True\)"):
        request(command[0], "s-1", LISTED[0])


@pytest.mark.parametrize(
    ("price", "good"),
    [("1", True), ("1.01", True), ("1.005", False), ("0.9999", True), ("0.99995", False), ("290.123", False)],
)
def test_shares_are_quoted_in_cents_from_a_dollar_and_in_hundredths_of_a_cent_below(price: str, good: bool) -> None:
    assert is_grid(Decimal(price)) is good


@given(st.floats(1e-9, 1e12))
def test_a_price_reads_back_to_the_same_bits(price: float) -> None:
    assert float(plain(price)) == price
    assert "e" not in plain(price)


@given(st.integers(1, 10**9), st.sampled_from([1.0, 0.1, 0.001, 1e-8]))
def test_lots_read_back_whole(lots: int, lot: float) -> None:
    listing = listings(("A",), instrument_records(("A",), Instrument(lot=lot)))[0]
    assert listing.lots(listing.quantity(lots)) == lots


@given(st.integers(1, 4_000_000_000 * 10**9))
def test_an_instant_reads_back_to_the_nanosecond(ts: int) -> None:
    assert moment(instant(ts)) == ts


def test_instants_of_all_spellings_are_read() -> None:
    assert moment("2026-11-20T14:30:00Z") == 1_795_185_000 * 10**9
    assert moment("2026-11-20T09:30:00.5-05:00") == 1_795_185_000_500_000_000
    assert moment(None) == 0
    with pytest.raises(BrokerError, match="is no instant"):
        moment("yesterday")


def test_names_of_orders_and_replacements_tell_the_id_and_those_of_others_none() -> None:
    command = asked(7, 1, ts=5)
    replaced, cancelled = asked(7, 1, ts=5, kind=REPLACE), asked(7, 1, ts=5, kind=CANCEL)
    names = [tickets("my-run", one)[0] for one in (command, replaced, cancelled)]
    assert [id_in(name, "my-run") for name in names] == [7, 7, 0]
    assert id_in("my-run-7-open", "my-run") == 7
    assert [id_in(name, "my-run") for name in ("other-7", "my-run", "my-run-x", "my-run-7-8")] == [0, 0, 0, 0]


def test_an_answer_is_told_in_one_line() -> None:
    assert said({"message": "no\n  room"}) == "no room"
    assert said("<html>\n504</html>") == "<html> 504</html>"
