"""A pulse of a session that is well, for the tests of what watches it."""

from __future__ import annotations

import os
from typing import Any

from live.pulse import BrokerHealth, FeedHealth, Histogram, Pulse

SECOND = 1_000_000_000
NOON = 1_795_194_000_000_000_000  # Friday 2026-11-20, noon in New York


def pulse(**changes: Any) -> Pulse:
    """All is well at NOON, but for the changes; those of `feed` and `broker` are fields of theirs."""
    feed = FeedHealth("alpaca", True, 0.4, 5_000, 900, 2, 1, 3, 4, 1, 7)
    broker = BrokerHealth("alpaca", True, 0.3, 120, 1, "closed", 180)
    feed = feed._replace(**changes.pop("feed", {}))
    broker = broker._replace(**changes.pop("broker", {}))
    decision, submit = Histogram(), Histogram()
    for seconds in (0.0004, 0.0009, 0.003, 0.04):
        decision = decision.with_one(seconds)
    submit = submit.with_one(0.08)
    well = Pulse(
        at=NOON, pid=os.getpid(), session="trend", title="trend", kind="paper", account="PA1…", step=450, steps=0,
        ts=NOON - 2 * SECOND, mode="ACTIVE", why="", equity=1_002_500.0, cash=900_000.0, begun=1_000_000.0, day=2_500.0,
        drawdown=0.004, long=102_500.0, short=0.0, commands=30, fills=12,
        positions=[
            {"symbol": "AAPL", "lots": 100, "average": 200.0, "mark": 205.0, "value": 20_500.0, "profit": 500.0},
            {"symbol": "SPY", "lots": 164, "average": 495.0, "mark": 500.0, "value": 82_000.0, "profit": 820.0},
        ],
        orders=[
            {"id": 31, "symbol": "AAPL", "side": "sell", "kind": "stop", "lots": 100, "limit": None, "stop": 195.0,
             "leg": "stop"},
        ],
        limits=[
            {"name": "gross exposure", "now": 0.1022, "limit": 1.0, "fraction": True},
            {"name": "losses in a row", "now": 1.0, "limit": None, "fraction": False},
        ],
        refusals={"cooldown": 5, "gross exposure": 1},
        signals=[
            {"symbol": "AAPL", "ts": NOON, "decision": "nothing", "values": {"score": 0.1}},
            {"symbol": "SPY", "ts": NOON, "decision": "enter long", "values": {"score": 0.8}},
        ],
        feed=feed, broker=broker, decision=decision, submit=submit, slippage=18.0,
        statuses={"filled": 12, "cancelled": 3, "rejected": 1},
        decisions={"nothing": 880, "enter long": 14, "exit": 0, "refused": 6},
    )  # fmt: skip
    return well._replace(**changes)
