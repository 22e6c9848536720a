"""What the live runner holds: a market over the wire in real time, a whole day replayed, an order sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from limits import RateLimitItemPerMinute

from benchmarks.row import Row, Skipped, row
from benchmarks.rows_peers import WrongResult
from benchmarks.rows_processes import printed
from benchmarks.timing import Scale
from benchmarks.wire_market import Wire, day
from benchmarks.wire_session import CASH, Took, strategy
from live.brokers.alpaca import AlpacaBroker
from live.brokers.keeper import Patience
from live.brokers.rate import Budget
from live.rehearsal import rehearse
from live.session import Summary, replay
from live.sim.server import Loopback
from live.trading import EXPECTED
from live.words import tickets
from quantlib.desk.memory import instrument_records
from quantlib.desk.messages import BUY, COMMAND, ENTRY, GTC, MARKET, SUBMIT

WHOLE = Wire(500, 600, 60, 20_000)  # what is measured if the row is asked for by its name
OPEN = 1_704_205_800_000_000_000  # 2024-01-02 14:30 UTC
SYMBOLS, MINUTES = 500, 390
LATE = 0.5  # seconds by which a market that is made up may begin after its time
FEW = 5  # seconds of a pace at which few of the symbols trade
ORDERS = 30


def wire(name: str, scale: Scale) -> Row:
    """Seconds from a moment's first frame to its commands on the disk: the 99th percentile, with a market behind it."""
    asked = WHOLE if scale.whole else Wire(*scale.wire)
    took = Took(**json.loads(printed(["-m", "benchmarks.wire_session", *map(str, asked)]).splitlines()[-1]))
    if took.early < 0.0 or took.late > LATE:
        raise Skipped(
            f"this machine is too busy: ready {took.early:.1f} s before the market, which was {took.late:.1f} s late"
        )
    wrong = {word: getattr(took, word) for word in ("lost", "refused", "late_rows", "trouble") if getattr(took, word)}
    if wrong or took.decided != asked.moments * asked.symbols:
        raise WrongResult(f"{name}: {took.decided:,} rows decided on, {wrong}")
    worst = float(np.quantile(took.latency, 0.99, method="higher"))
    session, service = (spent / asked.seconds for spent in (took.cpu, took.service_cpu))
    note = (
        f"99 % of {len(took.latency)} moments, median {median(took.latency) * 1e3:.2g} ms; {asked.symbols} symbols, "
        f"a bar each {asked.pace} s, {asked.rate:,} trades and quotes a second, {asked.seconds} s: {took.heard:,} "
        f"messages, none lost; {took.commands} commands; memory {took.growth / 1e6:+.1f} of "
        f"{took.memory / 1e6:.0f} MB, {session:.0%} of a core, the service {service:.0%}"
    )
    return Row(name, worst, "s", tuple(took.latency), note=note)


def a_day(name: str, through: Callable[[Path, int], Summary], scale: Scale) -> Row:
    """Seconds in which a day of one-minute bars is replayed."""
    minutes = min(MINUTES, scale.pushes)
    with TemporaryDirectory() as folder:
        through(Path(folder) / "warm", 3)
        runs, done = [], None
        for k in range(min(3, scale.repeat)):
            done = through(Path(folder) / str(k), minutes)
            runs.append(done.seconds)
    said = f", {done.commands:,} commands, {done.fills:,} fills" if done else ""
    return row(name, "s", runs, f"{SYMBOLS} symbols, {minutes} minutes, 61 features{said}")


def replayed(folder: Path, minutes: int) -> Summary:
    """Through the runner with the broker in its own process."""
    return replay(strategy(FEW), day(minutes, SYMBOLS, OPEN), folder, cash=CASH, costs=EXPECTED)


def rehearsed(folder: Path, minutes: int) -> Summary:
    """Through the loopback service and the real client, in lockstep."""
    return rehearse(strategy(FEW), day(minutes, SYMBOLS, OPEN), folder, cash=CASH, costs=EXPECTED)


def one_order(name: str, scale: Scale) -> Row:
    """Seconds that an order takes from the runner to the broker and its answer back, one after the other."""
    table = day(3, SYMBOLS, OPEN)
    records, runs = instrument_records(table.symbols, None), []
    with Loopback(table, cash=CASH) as alpaca:
        ample = Budget(RateLimitItemPerMinute(1_000_000))
        broker = AlpacaBroker(
            alpaca.keys, "orders", table.symbols, records, patience=Patience(hold=float("inf")), budget=ample
        )  # fmt: skip
        try:
            broker.begin()
            alpaca.match()
            for k in range(scale.repeat + 1):
                commands = _entries(1 + 3 * ORDERS * k, alpaca.market.now)
                begun = perf_counter()
                broker.submit(tickets("orders", commands), commands, alpaca.market.now)
                runs.append((perf_counter() - begun) / ORDERS)
        finally:
            broker.close()
    return row(name, "s", runs[1:], f"mean of {ORDERS} market orders a run, the loopback in the same process")


def _entries(first: int, ts: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    commands = np.zeros(ORDERS, COMMAND)
    commands["id"], commands["symbol"], commands["ts"] = first + 3 * np.arange(ORDERS), np.arange(ORDERS), ts
    for field, value in {"kind": SUBMIT, "side": BUY, "order": MARKET, "tif": GTC, "leg": ENTRY, "lots": 1}.items():
        commands[field] = value
    return commands


BENCHES: dict[str, Callable[[Scale], Row]] = {
    "live.wire": partial(wire, "live.wire"),
    "live.day": partial(a_day, "live.day", replayed),
    "live.day.wire": partial(a_day, "live.day.wire", rehearsed),
    "live.order": partial(one_order, "live.order"),
}
