"""A desk that trades through the wire in lockstep with the loopback service, and small pieces for the tests of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from limits import RateLimitItemPerSecond
from numpy.typing import NDArray

from live.brokers.alpaca import AlpacaBroker
from live.brokers.breaker import Circuit
from live.brokers.keeper import Patience
from live.brokers.protocol import Trouble
from live.brokers.rate import Budget
from live.sim.server import Loopback
from live.state import State
from live.tape import Tape
from live.words import Beat, tickets
from quantlib.desk import memory
from quantlib.desk.memory import instrument_records
from quantlib.desk.messages import BUY, COMMAND, ENTRY, EXIT, GTC, LIMIT, MARKET, STOP, STOP_LIMIT, SUBMIT
from quantlib.strategy import Strategy
from quantlib.table import Table

LONGEST = 15.0  # seconds that a test waits for what must come
QUICK = Patience(
    begin=5.0, timeout=(1.0, 0.5), settle=0.6, room=0.2, current=3.0, poll=600.0, away=0.1, mute=0.3, tick=0.02,
    ask=0.1, backoff=0.02, hold=float("inf"),
)  # fmt: skip
PATIENT = QUICK._replace(timeout=(LONGEST, LONGEST))  # no answer is late, however busy the machine
SESSION = "test"
AMPLE = RateLimitItemPerSecond(100_000)


def until(true: Callable[[], Any], what: str = "it") -> None:
    """Wait for something to be true."""
    deadline = time.monotonic() + LONGEST
    while not true():
        assert time.monotonic() < deadline, f"{what} never came true"
        threading.Event().wait(0.002)


@contextmanager
def connected(
    alpaca: Loopback, symbols: tuple[str, ...], instruments: Any = None, *, patience: Patience = PATIENT,
    budget: Budget | None = None, circuit: Circuit | None = None, session: str = SESSION,
) -> Iterator[AlpacaBroker]:  # fmt: skip
    """A broker that has begun."""
    records = instrument_records(symbols, instruments)
    broker = AlpacaBroker(
        alpaca.keys, session, symbols, records, patience=patience, budget=budget or Budget(AMPLE), circuit=circuit
    )  # fmt: skip
    try:
        broker.begin()
        assert broker.keeper.settled(LONGEST)
        yield broker
    finally:
        broker.close()


def asked(id: int, lots: int, side: int = BUY, *, ts: int = 0, symbol: int = 0, kind: int = SUBMIT, **more: int) -> Any:
    """One command; a limit or stop makes it an order of that kind."""
    command = np.zeros(1, COMMAND)
    limit, stop = more.get("limit", 0), more.get("stop", 0)
    order = STOP_LIMIT if limit and stop else LIMIT if limit else STOP if stop else MARKET
    given = {"leg": ENTRY, "tif": GTC, "order": order} | more
    given |= {"ts": ts, "id": id, "lots": lots, "side": side, "symbol": symbol, "kind": kind}
    for name, value in given.items():
        command[name] = value
    command["reduce"] = command["leg"] == EXIT
    return command


def sent(broker: AlpacaBroker, *commands: Any, ts: int = 0) -> None:
    """Submit commands under their names."""
    together = np.concatenate(commands)
    broker.submit(tickets(broker.ledger.session, together), together, ts)


class Driven(NamedTuple):
    """What a strategy came to through the wire."""

    state: State
    decision: NDArray[np.int8]
    equity: NDArray[np.float64]
    fills: NDArray[Any]
    ended: NDArray[Any]
    incidents: list[Trouble]


class Driver:
    """Steps a desk and the loopback together."""

    def __init__(
        self, alpaca: Loopback, broker: AlpacaBroker, strategy: Strategy, table: Table, cash: float,
        instruments: Any = None,
    ) -> None:  # fmt: skip
        self.alpaca, self.broker, self.tape = alpaca, broker, Tape(table)
        self.state = State(strategy, table.symbols, memory.opened(strategy.policy, table.symbols, cash, instruments))
        self.outputs: list[Any] = []

    def step(self, hearing: bool = True) -> None:
        """One timestamp; not `hearing` where updates are lost on purpose."""
        told = self.alpaca.match()
        if hearing:
            until(lambda: self.broker.heard >= told, "that all updates were heard")
        rows = self.tape.rows(self.state.step)
        output = self.state.advance(rows, self.broker.reports(self.state.step, rows))
        self.outputs.append(output)
        if len(output.commands):
            self.broker.submit(tickets(SESSION, output.commands), output.commands, self.state.last_ts)
        self.alpaca.publish()

    def beat(self) -> None:
        """Between two timestamps: hear what there is."""
        said = Beat(self.state.last_ts, self.broker.reports(self.state.step, np.empty(0)))
        self.outputs.append(self.state.beat(said))

    def end(self) -> Driven:
        """All that came of it."""
        outputs = self.outputs
        equity = np.array([o.equity for o in outputs if len(o.decision)])
        return Driven(
            self.state, np.concatenate([o.decision for o in outputs]), equity,
            np.concatenate([o.fills for o in outputs]), np.concatenate([o.ended for o in outputs]),
            self.broker.incidents(),
        )  # fmt: skip


def driven(strategy: Strategy, table: Table, cash: float = 1e6, **service: Any) -> Driven:
    """A strategy over a whole tape, through the wire."""
    with Loopback(table, cash=cash, **service) as alpaca, connected(alpaca, table.symbols) as broker:
        driver = Driver(alpaca, broker, strategy, table, cash)
        for _ in range(driver.tape.steps):
            driver.step()
        return driver.end()
