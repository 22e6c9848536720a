"""The runner of a campaign's session: a process that trades as `live.trading.trade` does, and kills itself as planned.

It is forked from a server that has imported and compiled everything, so a life begins within a tenth of a second.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from limits import RateLimitItemPerMinute

from live.brokers.alpaca import AlpacaBroker
from live.brokers.breaker import Circuit
from live.brokers.keeper import Patience
from live.brokers.rate import Budget
from live.errors import LiveError
from live.feeds.alpaca import AlpacaFeed
from live.feeds.alpaca_history import AlpacaHistory
from live.feeds.alpaca_stream import Waits
from live.feeds.calendar import Calendar, new_york
from live.feeds.hours import ALL
from live.feeds.settings import FeedSettings
from live.keys import Keys
from live.loop import Terms
from live.runner import Runner
from live.safety import triggers
from live.trading import Watch, trade
from live.words import Output
from quantlib.desk.memory import instrument_records
from tests.live.campaign_plan import CASH, DISK, RECEIVED, SENT, Kill, Plan, strategy_of

REFUSED = 3  # exit code of a runner that would not trade
NAME = "campaign"
OPENED = 1_704_205_800_000_000_000  # 2024-01-02 14:30 UTC
PATIENCE = Patience(
    begin=3.0, timeout=(1.0, 0.6), settle=1.6, room=0.3, current=1.0, poll=0.4, away=0.15, mute=0.5, tick=0.02,
    ask=0.1, backoff=0.05,
)  # fmt: skip
SETTINGS = FeedSettings(
    timeframe=60_000_000_000, quotes=False, bands=False, hours=ALL, patience=0.15, hold=0.5, again=0.4,
    waits=Waits(answer=0.5, stale=1.5, first=0.05, longest=0.3, same=0.05),
)  # fmt: skip
CALLS = RateLimitItemPerMinute(1_000_000)


class Shared(ctypes.Structure):
    """What harness and runner tell each other through memory: no call is counted for it."""

    _fields_ = (
        ("now", ctypes.c_int64),  # the replay's clock, ns UTC
        ("stop", ctypes.c_int64),  # the harness wants a clean end
        ("began", ctypes.c_int64),  # the runner has joined both sides
        ("decided", ctypes.c_int64),  # ts of the last rows decided on
        ("mode", ctypes.c_int64),  # the kill switch after the last step or beat
        ("turns", ctypes.c_int64),  # looks for something to do
    )


def armed(kill: Kill) -> None:
    """Count calls of this process, and die at the one that is planned: before it, after half of it, or after it."""
    count = 0

    def patched(where: Any, name: str, what: str) -> None:
        real = getattr(where, name)

        def call(*args: Any, **named: Any) -> Any:
            nonlocal count
            if what != kill.what or not _counted(what, name, args):
                return real(*args, **named)
            count += 1
            if count != kill.nth:
                return real(*args, **named)
            if what == RECEIVED or (kill.half and name in ("sendall", "send", "replace", "fsync")):
                real(*args, **named)
            elif kill.half:
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            return os.kill(os.getpid(), signal.SIGKILL)

        setattr(where, name, call)

    for name in ("write", "fsync", "replace"):
        patched(os, name, DISK)
    for name in ("send", "sendall"):
        patched(socket.socket, name, SENT)
    for name in ("recv", "recv_into"):
        patched(socket.socket, name, RECEIVED)


def _counted(what: str, name: str, args: tuple[Any, ...]) -> bool:
    """Calls that the clock makes, and those within the process, are none of the plan's."""
    if what != DISK:
        return bool(args[0].family == socket.AF_INET)
    return not (args[0] in (1, 2) or (name == "replace" and str(args[1]).endswith("pulse.json")))


def live(plan: Plan, life: int, folder: Path, keys: Keys, shared: Shared) -> None:
    """One life of the runner; exits with `REFUSED` if it would not trade, having said why."""
    said = os.open(folder.parent / f"life-{life}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    kill = plan.kills[life] if life < len(plan.kills) else None
    if kill is not None:
        armed(kill)
    try:
        traded(plan, folder, keys, shared)
    except LiveError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
        os._exit(REFUSED)


def traded(plan: Plan, folder: Path, keys: Keys, shared: Shared) -> None:
    """Trade until told to stop."""

    def clock() -> int:
        return int(shared.now)

    feed = AlpacaFeed(
        keys, plan.symbols, SETTINGS, history=AlpacaHistory(keys, 0.6), calendar=calendar(), clock=clock
    )  # fmt: skip
    broker = AlpacaBroker(
        keys, NAME, plan.symbols, instrument_records(plan.symbols, None), patience=PATIENCE, budget=Budget(CALLS),
        circuit=Circuit(failures=5, rest=0.5, again=0.3),
    )  # fmt: skip

    def began(runner: Runner) -> None:
        shared.mode = int(runner.state.desk.account["mode"][0])
        shared.decided = max(shared.decided, runner.state.row_ts)
        shared.began = 1

    def stepped(runner: Runner, output: Output) -> None:
        shared.mode = int(runner.state.desk.account["mode"][0])
        shared.decided = runner.state.row_ts

    def stop() -> bool:
        shared.turns += 1
        return bool(shared.stop)

    trade(
        strategy_of(plan.style), folder, feed, broker, cash=CASH, costs=plan.costs, name=NAME, clock=clock, stop=stop,
        watch=Watch(began, stepped),
        terms=Terms(
            triggers=triggers.Terms(feed_gone=4.0, broker_gone=4.0), beats=0.03, every=plan.snapshots,
            reconcile=plan.reconcile,
        ),
    )  # fmt: skip


_CALENDARS: list[Calendar] = []


def calendar() -> Calendar:
    """Of the day that is replayed; made once, before the fork."""
    if not _CALENDARS:
        _CALENDARS.append(new_york(OPENED))
    return _CALENDARS[0]
