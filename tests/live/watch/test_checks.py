"""What is looked at before the open: the session's own files, and the real broker API over the wire."""

import pytest
from pulses import NOON, SECOND, pulse
from scenes import played, scored

from live.brokers.rest import Rest
from live.config import recorded
from live.journal import read
from live.lock import alone
from live.pulse import beat
from live.session import replay
from live.sim.server import Loopback
from live.watch.checks import Check, account, calendar, journal, orders, positions, premarket, running, tried
from live.watch.ping import Ping, ping
from live.words import MAGIC
from quantlib.desk.memory import Instrument


@pytest.fixture
def folder(tmp_path):
    replay("trend", scored(40), tmp_path / "trend", params={"fast": 3, "slow": 9})
    return tmp_path / "trend"


def flat(**changes):
    return pulse(positions=[], orders=[], **changes)


def good(checks: list[Check]) -> dict[str, bool]:
    return {check.name: check.good for check in checks}


def test_without_a_broker_the_session_and_the_machine_are_looked_at(folder):
    beat(folder, flat())
    with alone(folder):
        checks = premarket(folder, NOON + SECOND, None, None)
    assert good(checks) == {"session": True, "journal": True, "machine": True}
    assert "frames" in str(checks[1])


def test_a_session_that_is_not_there_hangs_or_may_not_trade_is_bad(folder):
    assert "no process runs it" in running(folder, flat(), NOON).text
    with alone(folder):
        assert "no sign yet" in running(folder, None, NOON).text
        assert "no sign for 9 s" in running(folder, flat(), NOON + 9 * SECOND).text
        halted = running(folder, flat(mode="HALTED", why="feed gone"), NOON)
        assert (halted.good, "feed gone" in halted.text) == (False, True)
        assert running(folder, flat(), NOON).good


def test_a_journal_that_is_torn_or_damaged_is_bad(folder):
    path = folder / "journal"
    whole = path.read_bytes()
    assert journal(folder).good
    path.write_bytes(whole[:-3])
    assert not journal(folder).good
    path.write_bytes(whole[:2000] + b"?" + whole[2001:])
    assert "cannot be looked at: Corrupted" in tried("journal", lambda: journal(folder)).text


def test_a_clock_that_differs_makes_the_machine_bad(folder):
    checks = {c.name: c for c in premarket(folder, NOON, None, Ping(NOON, 0.1, 3.0))}
    assert (checks["machine"].good, "see to NTP" in checks["machine"].text) == (False, True)


def test_the_broker_is_asked_over_the_wire_and_agrees(folder):
    with Loopback(scored(5), cash=100_000) as loopback:
        rest = Rest(loopback.keys)
        try:
            clock = ping(loopback.keys)
            assert clock.trouble == ""
            beat(folder, flat())
            with alone(folder):
                said = {c.name: c for c in premarket(folder, NOON + SECOND, rest.told, None)}
            assert good(list(said.values())) == dict.fromkeys(
                ("session", "journal", "machine", "account", "calendar", "positions", "orders"), True
            )
            assert "ACTIVE" in said["account"].text
            beat(folder, pulse())
            with alone(folder):
                said = {c.name: c for c in premarket(folder, NOON + SECOND, rest.told, None)}
        finally:
            rest.close()
    assert (said["positions"].good, said["orders"].good) == (False, True)


def test_an_account_that_may_not_trade_is_bad():
    fine = {"status": "ACTIVE", "equity": "1000.5", "trading_blocked": False}
    assert account(fine).good
    assert not account(fine | {"trading_blocked": True}).good
    assert not account(fine | {"status": "ACCOUNT_CLOSED"}).good
    assert not tried("account", lambda: account({})).good


def test_a_calendar_without_the_early_close_is_bad():
    def ask(path: str) -> list[dict[str, str]]:
        assert path == "/calendar?start=2026-11-20&end=2026-11-30"
        days = ("2026-11-20", "2026-11-23", "2026-11-24", "2026-11-25", "2026-11-27", "2026-11-30")
        return [{"date": day, "open": "09:30", "close": "16:00"} for day in days]

    found = calendar(NOON, ask)
    assert (found.good, found.text.startswith("2026-11-27: XNYS")) == (False, True)


def config(folder):
    played(folder, scored(5))
    there = recorded(folder / "journal", read(folder / "journal", MAGIC).identity)
    return there._replace(
        symbols=["AAPL", "SPY", "BTC/USD"], instruments=[[0.01, 1, 1], [0.01, 1, 1], [0.01, 0.001, 1]]
    )


def test_positions_agree_in_quantity_whatever_the_lots(tmp_path):
    rows = [{"symbol": "AAPL", "lots": -5}, {"symbol": "BTC/USD", "lots": 250}]
    held = [{"symbol": "AAPL", "qty": "-5"}, {"symbol": "BTCUSD", "qty": "0.25"}]
    one = config(tmp_path / "s")
    assert one.instrument_map["BTC/USD"] == Instrument(0.01, 0.001, 1)
    assert positions(pulse(positions=rows), one, held) == Check("positions", True, "2 agree")
    found = positions(pulse(positions=rows), one, [*held[:1], {"symbol": "TSLA", "qty": "1"}])
    assert found.text == "BTCUSD: desk 0.25, broker 0; TSLA: desk 0, broker 1"


def test_orders_agree_by_their_names_and_legs_are_the_brokers():
    rows = [{"id": 31, "leg": "stop"}, {"id": 30, "leg": "entry"}, {"id": 28, "leg": "exit"}]
    names = ["trend-30", "trend-28-replace-1600041600000000000", "5f1c-uuid-of-a-leg", "other-30", "trend-now"]
    assert orders(pulse(orders=rows), [{"client_order_id": name} for name in names]).good
    found = orders(pulse(orders=rows), [{"client_order_id": "trend-27"}, {"client_order_id": "trend-30"}])
    assert found.text == "order 27 works for the broker alone; order 28 works for us alone"
