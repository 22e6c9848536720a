"""`python -m live` with keys: the very command that trades a paper account, its addresses pointing at the loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live.journal import read
from live.parity import check
from live.pulse import felt
from live.sim.server import Loopback
from live.words import INPUT, MAGIC
from quantlib.desk.memory import Instrument
from quantlib.table import Table, bars

ROOT = Path(__file__).parents[2]
MINUTE = 60_000_000_000
APART = 15_000_000_000  # bars of a minute, one every quarter of it: tests have no patience
PAST, AHEAD = 60, 20  # bars
SECRET = "loopback-secret-that-must-not-be-seen"
STRATEGY = """
from quantlib.desk.policy import Limits, Policy, fixed_fraction
from quantlib.features import roc
from quantlib.strategy import Strategy

def up():
    policy = Policy(enter=1e-6, leave=-1.0, sizing=fixed_fraction(0.03), limits=Limits(trade_risk=0.01))
    return Strategy((roc(5, out="score"),), policy, name="up")
"""


def climbing(now: int) -> Table:
    """Minutes of a pair that climbs, of the past and of what comes."""
    ts = now + (np.arange(PAST + AHEAD) - PAST + 1) * APART
    close = np.linspace(60_000.0, 61_000.0, len(ts)).round(2)
    return bars({
        "ts": ts, "ts_event": ts - APART, "symbol": ["BTC/USD"] * len(ts), "open": close, "high": close + 5,
        "low": close - 5, "close": close, "volume": np.full(len(ts), 3.0),
    })  # fmt: skip


def until(what: Callable[[], Any], seconds: float, process: subprocess.Popen[str]) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return found


@pytest.mark.slow
def test_with_keys_in_the_environment_the_command_paper_trades_watched_and_shown(tmp_path):
    """Takes a minute of the clock: an account trades what happens now."""
    (tmp_path / "up.py").write_text(STRATEGY)
    folder, now = tmp_path / "s", time.time_ns()
    with Loopback(
        climbing(now), cash=1e6, instruments=Instrument(0.01, 1e-4), begin=now + 1, timeframe=MINUTE, secret=SECRET
    ) as loopback:  # fmt: skip
        keys = loopback.keys
        environment = os.environ | {
            "APCA_API_KEY_ID": keys.key, "APCA_API_SECRET_KEY": SECRET, "APCA_API_BASE_URL": keys.trading,
            "APCA_API_DATA_URL": keys.data, "APCA_API_STREAM_URL": keys.stream, "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }  # fmt: skip
        words = [
            "--strategy",
            f"{tmp_path}/up.py:up",
            "--symbols",
            "BTC/USD",
            "--session",
            "s",
            "--port",
            "0",
            "--metrics",
            "0",
        ]
        while time.time_ns() < now + APART:
            time.sleep(0.01)
        loopback.play(1.0)  # its clock is the wall's from now on
        process = subprocess.Popen(
            [sys.executable, "-m", "live", *words], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until(lambda: (folder / "pulse.json").exists() and felt(folder).feed.connected, 60, process)
            until(lambda: loopback.venue.ledger.orders, 40, process)  # the next bar was decided on
            until(lambda: felt(folder).fills, 40, process)  # and filled in the one after it
            state = json.loads((folder / "seat" / "state.json").read_text())
            with urllib.request.urlopen(state["services"]["metrics"], timeout=5) as answer:
                metrics = answer.read().decode()
            assert "equity" in metrics
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=40)
        finally:
            process.kill()
        assert process.returncode == 0, said
        held = {one.symbol: one.lots for one in loopback.venue.account.holdings if one.lots}
    assert set(held) == {"BTC/USD"}
    frames = read(folder / "journal", MAGIC).frames
    assert sum(frame.kind == INPUT for frame in frames) >= 2
    found = check(folder)  # the strategy is found again by its reference, from where the command was given
    assert found.holds, found
    for path in [*folder.rglob("*"), tmp_path / "state"]:
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
            assert path.stat().st_mode & 0o077 == 0, path
    assert SECRET not in said
    assert SECRET not in metrics
