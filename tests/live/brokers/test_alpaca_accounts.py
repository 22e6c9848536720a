"""What accounts and instruments a broker takes: crypto in fractions, blocked accounts, symbols that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backtest
from live.brokers.alpaca import AlpacaBroker
from live.brokers.rate import Budget
from live.errors import BrokerError
from live.sim.server import Loopback
from quantlib.desk.memory import Instrument, instrument_records
from quantlib.desk.policy import Exits, fixed_fraction
from tests.live.brokers.driving import AMPLE, QUICK, SESSION, Driver, asked, connected, sent, until
from tests.live.brokers.test_alpaca_faults import RECORDS, flat, orders, step
from tests.live.brokers.test_alpaca_parity import CASH, assert_alike
from tests.live.scenes import scored, scoring

COIN = Instrument(tick=0.01, lot=0.0001)


def refused(alpaca: Loopback, symbols: tuple[str, ...] = ("AAA",), records: Any = RECORDS) -> str:
    """Why a session cannot begin."""
    broker = AlpacaBroker(alpaca.keys, SESSION, symbols, records, patience=QUICK, budget=Budget(AMPLE))
    try:
        with pytest.raises(BrokerError) as caught:
            broker.begin()
        return str(caught.value)
    finally:
        broker.close()


def test_crypto_trades_in_fractions_through_the_wire_as_in_the_backtest() -> None:
    frame = scored(50, ("BTC/USD", "ETH/USD"))
    strategy = scoring(short=False, exits=Exits(max_rows=6), sizing=fixed_fraction(0.03))
    with (
        Loopback(frame, cash=CASH, instruments=COIN) as alpaca,
        connected(alpaca, frame.symbols, COIN) as broker,
    ):
        driver = Driver(alpaca, broker, strategy, frame, CASH, COIN)
        for _ in range(driver.tape.steps):
            driver.step()
        held = broker.standing().lots
        through = driver.end()
    assert_alike(through, backtest.run(strategy, frame, cash=CASH, instruments=COIN))
    np.testing.assert_array_equal(held, through.state.desk.holdings["lots"])
    assert len(through.fills) > 20
    assert (through.fills["lots"] % 10_000 != 0).any()


def test_an_account_that_may_not_trade_is_refused_with_its_cure() -> None:
    with Loopback(flat()) as alpaca:
        alpaca.venue.account.flags["suspend_trade"] = True
        assert "trade_suspended_by_user; allow it in the account's settings" in refused(alpaca)


def test_a_symbol_that_is_none_or_cannot_be_traded_so_is_refused_with_its_cure() -> None:
    none, tenths = instrument_records(("NONE",), None), instrument_records(("AAA",), Instrument(lot=0.1))
    with Loopback(flat()) as alpaca:
        assert "NONE is no asset there; correct it, or leave it out" in refused(alpaca, ("NONE",), none)
    with Loopback(flat(), reference={"changes": {"AAA": {"fractionable": False}}}) as alpaca:
        assert "AAA has no fractions; trade it with Instrument(lot=1)" in refused(alpaca, ("AAA",), tenths)
    with Loopback(flat(), reference={"changes": {"AAA": {"tradable": False}}}) as alpaca:
        assert "AAA cannot be traded there now" in refused(alpaca)


def test_a_session_whose_name_is_too_long_for_orders_is_refused() -> None:
    with Loopback(flat()) as alpaca, pytest.raises(BrokerError, match="must have 1 to 78 characters, got 90"):
        AlpacaBroker(alpaca.keys, "x" * 90, ("AAA",), RECORDS)


def test_what_a_broker_shows_of_itself_hides_its_keys() -> None:
    with Loopback(flat()) as alpaca, connected(alpaca, ("AAA",)) as broker:
        alpaca.faults.clear()
        shown = repr((broker, broker.rest, broker.updates, broker.keys, broker.health(), broker.incidents()))
        assert alpaca.keys.secret not in shown


def test_many_symbols_are_looked_up_at_once_and_orders_of_all_go_out() -> None:
    symbols = tuple(f"S{k:02}" for k in range(30))
    table = scored(4, symbols, missing=0.0)
    with Loopback(table) as alpaca, connected(alpaca, symbols) as broker:
        step(alpaca, broker)
        sent(broker, *(asked(1 + 3 * k, 1, symbol=k) for k in range(30)))
        until(lambda: broker.heard == alpaca.settle())
        assert len(orders(alpaca)) == 30
        assert broker.health().calls < 50


def test_health_tells_calls_and_age() -> None:
    with Loopback(flat()) as alpaca, connected(alpaca, ("AAA",)) as broker:
        health = broker.health()
        assert (health.name, health.connected, health.breaker, health.unknown) == ("alpaca", True, "closed", 0)
        assert health.calls >= 3
        assert 0.0 <= health.age < 5.0
