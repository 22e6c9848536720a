"""A session that died between writing its commands down and sending them, started again at a broker over the wire."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from limits import RateLimitItemPerSecond
from scenes import scored, scoring

from live.brokers.alpaca import AlpacaBroker
from live.brokers.rate import Budget
from live.config import config_of
from live.feeds.history import MINUTE
from live.operator import want
from live.reconcile import working
from live.recovery import opened
from live.rejoin import rejoin
from live.runner import Runner
from live.sim.server import Loopback
from live.tape import Tape
from live.words import INPUT, OPERATOR, OUTPUT, Action, Input, action_bytes, input_bytes, output_bytes
from quantlib.desk.memory import ACTIVE, HALTED, instrument_records
from quantlib.desk.messages import REPORT
from quantlib.desk.policy import Exits
from tests.live.brokers.driving import QUICK, until

TABLE, ONE = scored(), scoring(exits=Exits(stop=0.03, target=0.04, anchored=True))
CALLS = Budget(RateLimitItemPerSecond(100_000))


def runner_of(alpaca: Loopback, folder: Path) -> tuple[Runner, AlpacaBroker]:
    """One life of the session."""
    records = instrument_records(TABLE.symbols, None)
    broker = AlpacaBroker(alpaca.keys, "s", TABLE.symbols, records, patience=QUICK, budget=CALLS)
    config = config_of(folder, ONE, TABLE, name="s", source={"broker": "alpaca"})
    return opened(folder, config, ONE, broker=broker), broker


def died_before_sending(alpaca: Loopback, folder: Path) -> int:
    """Decide until something is commanded, write it down, and send nothing; how many commands."""
    runner, _ = runner_of(alpaca, folder)
    tape, state = Tape(TABLE), runner.state
    while not len(state.last):
        rows = tape.rows(state.step)
        alpaca.match()
        runner.journal.append(INPUT, input_bytes(Input(state.step, rows, np.empty(0, REPORT))))
        runner.journal.append(OUTPUT, output_bytes(state.advance(rows, np.empty(0, REPORT))))
    runner.journal.close()
    return len(state.last)


@pytest.mark.parametrize("halted", ["", "before", "meanwhile"])
def test_entries_that_were_not_sent_are_sent_unless_the_kill_switch_was_thrown(tmp_path: Path, halted: str) -> None:
    with Loopback(TABLE, cash=1e6) as alpaca:
        commands = died_before_sending(alpaca, tmp_path)
        assert commands > 0
        if halted == "meanwhile":
            want(tmp_path / "operator", "halt", who="ann")
        elif halted:
            runner, _ = runner_of(alpaca, tmp_path)
            runner.journal.append(OPERATOR, action_bytes(Action(1, alpaca.market.now, "halt")))
            runner.journal.close()
        runner, broker = runner_of(alpaca, tmp_path)
        try:
            broker.begin()
            rejoin(runner, broker, lambda: alpaca.market.now, lambda: None, MINUTE)
            sent = [order for order in alpaca.venue.ledger.orders.values() if order.parent is None]
            assert len(sent) == (0 if halted else commands)
            assert runner.state.desk.account["mode"][0] == (HALTED if halted else ACTIVE)
            until(lambda: not broker.errands.about())
            assert len(working(runner.state.desk)) == len(sent)
        finally:
            runner.close()


def test_an_entry_is_taken_back_however_long_ago_that_was_wanted(tmp_path: Path) -> None:
    with Loopback(TABLE, cash=1e6) as alpaca:
        died_before_sending(alpaca, tmp_path)
        runner, broker = runner_of(alpaca, tmp_path)
        broker.begin()
        rejoin(runner, broker, lambda: alpaca.market.now, lambda: None, MINUTE)
        want(tmp_path / "operator", "halt", who="ann")
        runner.send = lambda commands: None  # type: ignore[method-assign]  # it dies before that
        assert len(runner.beat(alpaca.market.now).commands)  # type: ignore[union-attr]
        runner.close()
        runner, broker = runner_of(alpaca, tmp_path)
        try:
            broker.begin()
            rejoin(runner, broker, lambda: alpaca.market.now + 100 * MINUTE, lambda: None, MINUTE)
            entries = [order for order in alpaca.venue.ledger.orders.values() if order.parent is None]
            assert {order.status for order in entries} <= {"pending_cancel", "canceled"}
        finally:
            runner.close()
