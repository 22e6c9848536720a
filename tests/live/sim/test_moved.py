"""A recorded table played as if it were now: the service's clock is the wall's."""

from __future__ import annotations

import time

import numpy as np
import pytest

from live.errors import ConfigError
from live.sim.__main__ import main
from live.sim.moved import moved
from live.sim.server import Loopback
from live.watch.ping import ping
from quantlib.table import Table, bars
from tests.live.brokers.driving import until

MINUTE = 60_000_000_000
NOW = 1_790_000_000_123_456_789  # within a minute


def recorded(rows: int = 5) -> Table:
    ts = MINUTE * (np.arange(rows) + 1000)
    flat = {name: [100.0] * rows for name in ("open", "high", "low", "close")}
    return bars({"ts": ts, "ts_event": ts - MINUTE, "symbol": ["BTC/USD"] * rows, **flat})


def test_the_first_bar_is_known_at_the_next_whole_minute_and_all_others_as_far_from_it_as_ever() -> None:
    table = recorded()
    there, first = moved(table, NOW)
    assert first % MINUTE == 0
    assert 0 < first - NOW <= MINUTE
    assert there.columns["ts"][0] == first
    for name in ("ts", "ts_event"):
        np.testing.assert_array_equal(np.diff(there.columns[name]), np.diff(table.columns[name]))
    assert (there.columns["ts"] - there.columns["ts_event"] == MINUTE).all()
    assert there.columns["close"] is table.columns["close"]
    assert moved(table, first)[1] == first + MINUTE


def test_what_is_before_the_beginning_is_history() -> None:
    table = recorded()
    there, first = moved(table, NOW, int(table.columns["ts"][3]))
    assert there.columns["ts"].tolist() == [first + k * MINUTE for k in (-3, -2, -1, 0, 1)]
    with pytest.raises(ConfigError, match="nothing is left to replay"):
        moved(table, NOW, int(table.columns["ts"][-1]) + 1)


def test_the_clock_of_the_service_runs_towards_the_first_bar_and_tells_the_time_of_the_wall() -> None:
    now = time.time_ns()
    table, first = moved(recorded(), now)
    first += 10 * MINUTE  # far enough off that it does not come while we look
    table.columns["ts"] += 10 * MINUTE
    table.columns["ts_event"] += 10 * MINUTE
    with Loopback(table, begin=first, timeframe=20 * MINUTE) as alpaca:
        alpaca.play(1.0, wait=(first - time.time_ns()) / 1e9)
        until(lambda: alpaca.market.now >= now, "that the clock is the wall's")
        assert alpaca.market.upcoming() == first
        assert abs(ping(alpaca.keys).skew) < 1.0  # as the watchdog asks it


def test_another_speed_than_the_clocks_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--now", "--speed", "60"]) == 2
    assert "--now plays at the speed of the clock, got --speed 60; leave it out" in capsys.readouterr().err
