"""Crypto at a broker that takes its fee out of what is received: desk and broker count the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from backtest.costs import Costs
from live.brokers.alpaca import AlpacaBroker
from live.reconcile import differences
from live.sim.server import Loopback
from quantlib.desk.memory import Instrument
from quantlib.desk.messages import CANCEL, CANCELLED, CARRY, EXIT, FILL, REPLACED, SELL
from quantlib.desk.policy import Exits, fixed_fraction
from quantlib.table import Table, bars
from tests.live.brokers.driving import Driver, asked, connected, sent, until
from tests.live.brokers.test_alpaca_faults import step
from tests.live.brokers.test_alpaca_parity import CASH
from tests.live.brokers.test_alpaca_restart import Rejoining, record
from tests.live.scenes import scored, scoring

COIN = Instrument(tick=0.01, lot=0.0001)
FINE = Instrument(tick=0.01, lot=1e-9)
PAIRS = ("BTC/USD", "ETH/USD", "SOL/USD")
STRATEGY = scoring(short=False, exits=Exits(max_rows=6), sizing=fixed_fraction(0.03))
MINUTE = 60_000_000_000


def pair(rows: int = 12, price: float = 100.0, volume: float = 1e6) -> Table:
    ts = [MINUTE * (k + 1000) for k in range(rows)]
    flat = {name: [price] * rows for name in ("open", "high", "low", "close")}
    return bars({"ts": ts, "symbol": ["BTC/USD"] * rows, **flat, "volume": [volume] * rows})


class Desk:
    """The lots and the money of a desk that books what it is told."""

    def __init__(self, cash: float = 100_000.0) -> None:
        self.lots, self.cash, self.kinds = 0, cash, []

    def hear(self, reports: Any) -> None:
        for one in reports:
            self.kinds.append(int(one["kind"]))
            if one["kind"] == FILL:
                self.lots += int(one["side"]) * int(one["lots"])
                self.cash -= int(one["side"]) * int(one["lots"]) * 1e-4 * float(one["price"])
            if one["kind"] in (FILL, CARRY):
                self.cash -= float(one["fee"])


def agreed(driver: Driver) -> None:
    """The desk counts what the broker holds, to the last lot and to a millionth of a cent."""
    standing, desk = driver.broker.standing(), driver.state.desk
    np.testing.assert_array_equal(desk.holdings["lots"], standing.lots)
    assert float(desk.account["cash"][0]) == pytest.approx(standing.cash, abs=1e-8)
    assert differences(desk, driver.tape.symbols, standing, 0.01) == []


@pytest.mark.parametrize("coin", [COIN, FINE], ids=["coarse", "fine"])
@pytest.mark.parametrize("every", [10**9, 3, 1], ids=["lives", "dies at times", "dies at each step"])
def test_a_desk_of_several_pairs_counts_what_the_broker_has_at_every_step(coin: Instrument, every: int) -> None:
    table = scored(40, PAIRS)
    with (
        Loopback(table, cash=CASH, instruments=coin, crypto_tier=1) as alpaca,
        connected(alpaca, table.symbols, coin) as first,
    ):
        broker = Rejoining(alpaca, first, table.symbols, every)
        driver = Driver(alpaca, broker, STRATEGY, table, CASH, coin)  # type: ignore[arg-type]
        broker.driver = driver
        incidents = []
        for _ in range(driver.tape.steps):
            driver.step(hearing=driver.state.step % every != 0)
            incidents += driver.broker.incidents()
            driver.broker.standing = broker.broker.standing  # type: ignore[method-assign]
            agreed(driver)
        broker.broker.close()
        done, fees = driver.end(), alpaca.venue.account.fees
    paid = sum(float(fee.coins) * fee.price + fee.dollars for fee in fees)
    rounding = len(fees) * 150 * (1e-9 if coin is FINE else 1e-4)
    assert float(done.state.desk.account["fees"][0]) == pytest.approx(paid, abs=rounding)
    assert len(done.fills) > 20
    assert {one.kind for one in incidents} <= {"dust"}
    assert coin is FINE or every == 1 or incidents


def test_an_order_that_fills_in_parts_is_booked_with_its_fee_at_the_last_one() -> None:
    with thin() as (alpaca, broker, desk):
        sent(broker, asked(1, 1000, ts=alpaca.market.now))
        for _ in range(3):
            step(alpaca, broker)
            desk.hear(broker.reports(0, None))
            assert differences_of(broker, desk) <= 0.0025 * desk.lots + 1
        assert desk.lots == 997
        assert desk.kinds[-2:] == [REPLACED, FILL]
        same(broker, desk)


@pytest.mark.parametrize("fills", [1, 2, 3])
def test_one_that_is_met_again_in_the_middle_of_its_fills_is_booked_with_the_fee_of_all(fills: int) -> None:
    with thin() as (alpaca, broker, desk):
        sent(broker, asked(1, 1000, ts=alpaca.market.now))
        step(alpaca, broker)
        desk.hear(broker.reports(0, None))
        assert desk.lots == 400
        for _ in range(fills - 1):
            alpaca.match()  # nobody hears of these
            alpaca.publish()
        broker.close()
        before = alpaca.settle()
        with connected(alpaca, ("BTC/USD",), COIN) as other:
            desk.hear(other.catch_up(record(1, 1000, filled=400, paid=40_000, status=3)))
            for _ in range(3 - fills):
                moved(alpaca, other, before)
                desk.hear(other.reports(0, None))
            assert desk.lots == 997
            same(other, desk)


def test_what_fees_took_of_a_cancelled_entry_goes_with_the_next_exit() -> None:
    with thin() as (alpaca, broker, desk):
        sent(broker, asked(1, 1000, ts=alpaca.market.now))
        step(alpaca, broker)
        sent(broker, asked(1, 1000, kind=CANCEL, ts=alpaca.market.now))
        step(alpaca, broker)
        desk.hear(broker.reports(0, None))
        left = desk.lots
        assert CANCELLED in desk.kinds
        assert differences_of(broker, desk) == {400: 1, 800: 2}[left]
        sent(broker, asked(4, left // 2, SELL, leg=EXIT, ts=alpaca.market.now))
        for _ in range(4):
            step(alpaca, broker)
        desk.hear(broker.reports(0, None))
        assert desk.lots == left - left // 2
        same(broker, desk)
        sent(broker, asked(5, desk.lots, SELL, leg=EXIT, ts=alpaca.market.now))
        for _ in range(4):
            step(alpaca, broker)
        desk.hear(broker.reports(0, None))
        assert desk.lots == 0
        same(broker, desk)
        assert broker.incidents() == []


def test_an_exit_of_a_desk_that_counts_too_many_coins_is_not_refused() -> None:
    """A position of whose fee nobody told it: the exit is refused, and sent again without what is missing."""
    with trading_coins() as (alpaca, broker, desk):
        sent(broker, asked(1, 1000, ts=alpaca.market.now))
        step(alpaca, broker)
        broker.reports(0, None)
        desk.lots, desk.cash = 1000, 99_990.0
        broker.ledger.lots[0] = 1000  # as if it had never looked
        sent(broker, asked(4, 1000, SELL, leg=EXIT, ts=alpaca.market.now))
        until(lambda: len(alpaca.venue.ledger.orders) == 2, "that it was sent again")
        step(alpaca, broker)
        desk.hear(broker.reports(0, None))
        assert desk.lots == 0
        same(broker, desk)
        assert [one.text for one in broker.incidents()] == [
            "BTC/USD: order 4 is sent without 3 lots that fees took",
            "BTC/USD: 0.00005 stay at the broker, which the desk does not count",
        ]


def test_an_exit_that_is_met_again_still_takes_what_was_not_sent() -> None:
    with trading_coins() as (alpaca, broker, desk):
        sent(broker, asked(1, 1000, ts=alpaca.market.now))
        step(alpaca, broker)
        broker.reports(0, None)
        desk.lots, desk.cash = 1000, 99_990.0
        sent(broker, asked(4, 1000, SELL, leg=EXIT, ts=alpaca.market.now))
        broker.close()
        before = alpaca.match()
        with connected(alpaca, ("BTC/USD",), COIN) as other:
            desk.hear(other.catch_up(record(4, 1000, SELL, leg=EXIT, status=1)))
            assert desk.lots == 0
            same(other, desk)
            sent(other, asked(7, 1000, ts=alpaca.market.now))
            moved(alpaca, other, before)
            desk.hear(other.reports(0, None))
            assert desk.lots == 998  # with the half of a lot that was left of the first thousand
            same(other, desk)


def test_a_desk_that_is_met_again_counting_too_many_coins_gets_rid_of_them_with_its_exit() -> None:
    with trading_coins() as (alpaca, broker, desk):
        sent(broker, asked(1, 1000, ts=alpaca.market.now))
        step(alpaca, broker)
        desk.lots, desk.cash = 1000, 99_990.0
        broker.close()
        before = alpaca.settle()
        with connected(alpaca, ("BTC/USD",), COIN) as other:
            sent(other, asked(4, 1000, SELL, leg=EXIT, ts=alpaca.market.now))
            for id in (0, 7):
                if id:
                    sent(other, asked(id, 1000, ts=alpaca.market.now))
                moved(alpaca, other, before)
                desk.hear(other.reports(0, None))
                same(other, desk)
            assert not [one for one in other.incidents() if one.kind == "refused"]


def test_a_sale_that_cost_less_than_was_thought_gives_the_difference_back_at_the_next_look() -> None:
    with trading_coins() as (alpaca, broker, desk):
        sent(broker, asked(1, 100_000, ts=alpaca.market.now))
        step(alpaca, broker)
        desk.hear(broker.reports(0, None))
        same(broker, desk)
        sent(broker, asked(4, desk.lots, SELL, leg=EXIT, limit=10_000, ts=alpaca.market.now))
        step(alpaca, broker)  # its limit is the price: a maker's, 0.15 % and not 0.25 %
        desk.hear(broker.reports(0, None))
        assert alpaca.venue.account.cash - desk.cash == pytest.approx(997.5 * 0.001, abs=1e-6)
        broker.standing()
        desk.hear(broker.reports(0, None))
        assert desk.kinds[-1] == CARRY
        same(broker, desk)
        desk.hear(broker.reports(0, None))
        assert desk.kinds.count(CARRY) == 1


def test_coins_that_cost_less_than_was_thought_go_to_the_next_entry() -> None:
    with trading_coins() as (alpaca, broker, desk):
        for id in (1, 4):
            sent(broker, asked(id, 10_000, limit=10_000, ts=alpaca.market.now))
            step(alpaca, broker)
            desk.hear(broker.reports(0, None))
            assert differences_of(broker, desk) == -10  # and not 20: the first ten were found by a look
        assert desk.lots == 9_975 + 9_985


def test_a_broker_that_charges_no_fee_is_asked_and_none_is_booked() -> None:
    with trading_coins(crypto_tier=0) as (alpaca, broker, desk):
        sent(broker, asked(1, 1000, ts=alpaca.market.now))
        step(alpaca, broker)
        desk.hear(broker.reports(0, None))
        assert (desk.lots, desk.cash) == (1000, 99_990.0)
        assert broker.standing().coin_fee == 0.0


@contextmanager
def trading_coins(table: Table | None = None, **service: Any) -> Iterator[tuple[Loopback, AlpacaBroker, Desk]]:
    """A service that has a price, a broker, and a desk of flat minutes."""
    given = {"cash": 100_000.0, "instruments": COIN, "crypto_tier": 1} | service
    with Loopback(table or pair(), **given) as alpaca, connected(alpaca, ("BTC/USD",), COIN) as broker:
        step(alpaca, broker)
        yield alpaca, broker, Desk()


def moved(alpaca: Loopback, broker: AlpacaBroker, before: int) -> None:
    """One bar, heard by a broker that connected when so many updates had been told."""
    said = alpaca.match()
    until(lambda: broker.heard >= said - before, "that all updates were heard")


def thin() -> Any:
    """A market that gives 400 lots a bar."""
    return trading_coins(pair(volume=0.04), costs=Costs(participation=1.0))


def differences_of(broker: AlpacaBroker, desk: Desk) -> int:
    """Lots that the desk counts and the broker has not."""
    return desk.lots - int(broker.standing().lots[0])


def same(broker: AlpacaBroker, desk: Desk) -> None:
    standing = broker.standing()
    assert desk.lots == standing.lots[0]
    assert desk.cash == pytest.approx(standing.cash, abs=1e-8)
