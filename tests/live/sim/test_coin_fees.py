"""What trades in crypto cost at the venue: coins of what is bought, dollars of what is sold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.errors import Denied
from live.fees import TIERS
from live.sim.fees import posted
from quantlib.desk.memory import Instrument
from tests.live.sim.test_trading_venue import MINUTE, Market

COIN = Instrument(tick=0.01, lot=0.0001)
DAY = 24 * 60 * MINUTE


def coin(**named: object) -> Market:
    market = Market(symbol="BTC/USD", instruments=COIN, cash=10_000.0, crypto_tier=1, **named)
    market.flat(100.0)
    return market


def buy(market: Market, qty: float, **more: object) -> None:
    market.order("buy", qty, time_in_force="gtc", **more)


def sell(market: Market, qty: float, **more: object) -> None:
    market.order("sell", qty, time_in_force="gtc", **more)


def test_a_buyer_gets_fewer_coins_and_pays_no_dollars_beyond_the_price() -> None:
    market = coin()
    buy(market, 0.1)
    market.flat(100.0)
    (position,) = market.venue.positions()
    assert position["qty"] == "0.09975"
    assert position["qty_available"] == "0.0997"
    assert market.venue.account.cash == 9990.0
    assert market.last[-1]["qty"] == "0.1"
    assert market.last[-1]["position_qty"] == "0.09975"
    assert market.last[-1]["order"]["filled_qty"] == "0.1"


def test_more_than_is_there_cannot_be_sold_and_a_sale_costs_dollars() -> None:
    market = coin()
    buy(market, 0.1)
    market.flat(100.0)
    with pytest.raises(Denied, match=r"insufficient balance for BTC \(requested: 0.1, available: 0.0997\)"):
        sell(market, 0.1)
    sell(market, 0.0997)
    market.flat(100.0)
    (position,) = market.venue.positions()
    assert position["qty"] == "0.00005"
    assert market.venue.account.cash == pytest.approx(9990.0 + 9.97 * 0.9975, abs=1e-9)
    assert market.venue.position(market.venue.held("BTC/USD"))["side"] == "long"


def test_an_order_that_the_market_came_to_costs_less() -> None:
    market = coin()
    buy(market, 0.1, type="limit", limit_price=99.0)
    market.bar(100.0, 100.0, 98.0, 99.0)
    assert market.venue.positions()[0]["qty"] == "0.09985"
    buy(market, 0.1, type="limit", limit_price=101.0)
    market.flat(100.0)
    assert market.venue.positions()[0]["qty"] == "0.1996"


def test_stocks_cost_nothing_and_without_a_tier_nor_do_coins() -> None:
    stock = Market(crypto_tier=1)
    stock.flat(100.0)
    stock.order()
    stock.flat(100.0)
    assert stock.venue.account.holdings[0].lots == 10
    assert stock.venue.account_json()["crypto_tier"] == 1
    free = Market(symbol="BTC/USD", instruments=COIN)
    free.flat(100.0)
    buy(free, 0.1)
    free.flat(100.0)
    assert free.venue.positions()[0]["qty"] == "0.1"
    assert free.venue.account_json()["crypto_tier"] is None


def test_fees_are_posted_when_their_day_is_over() -> None:
    market = coin()
    buy(market, 0.1)
    market.flat(100.0)
    sell(market, 0.05)
    market.flat(100.0)
    fees = market.venue.account.fees
    assert posted(fees, market.ts) == []
    sold, bought = posted(fees, market.ts + DAY)
    assert (bought["qty"], bought["net_amount"], bought["symbol"]) == ("-0.000250000", "0", "BTCUSD")
    assert (sold["qty"], sold["net_amount"]) == ("0", "-0.0125")


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 9999), min_size=1, max_size=12), tier=st.integers(1, 8))
def test_what_is_held_is_what_was_bought_less_all_fees_to_the_last_coin(sizes: list[int], tier: int) -> None:
    market = Market(symbol="BTC/USD", instruments=COIN, cash=1e6, crypto_tier=tier)
    market.flat(100.0)
    for lots in sizes:
        buy(market, round(lots * 1e-4, 4))
        market.flat(100.0)
    bought = sum(sizes) * Decimal("0.0001")
    left = bought - sum(fee.coins for fee in market.venue.account.fees)
    holding = market.venue.account.holdings[0]
    assert Decimal(holding.quantity) == left
    assert 0 <= holding.dust < Decimal("0.0001")
    assert 0 <= bought * (1 - TIERS[tier - 1].taker) - left <= len(sizes) * Decimal("1e-9")
    if holding.lots:
        sell(market, round(holding.lots * 1e-4, 4))
        market.flat(100.0)
        assert holding.lots == 0
