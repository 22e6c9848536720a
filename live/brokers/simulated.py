"""A broker that is simulated, and keeps its own books on disk.

It is as independent of the runner as a real one: it has a journal and snapshots of its own, knows commands by their
tickets, and a runner that comes back after a crash finds it as it was left.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtest import exchange
from backtest.costs import Costs
from backtest.engine import NO_TIMES, NOTHING
from backtest.exchange import accept
from backtest.loop import match_rows
from live.brokers.protocol import Standing
from live.errors import BrokerError, SealError
from live.journal import Journal, Place
from live.private import private_folder
from live.seal import Key
from live.vault import generations, keep, told
from live.words import columns_of, raw
from quantlib.core import Memory
from quantlib.desk.consult import Rows
from quantlib.desk.messages import CARRY, COMMAND, FILL, PARTIAL, REPORT
from quantlib.snapshot import SnapshotError, dumped, loaded

MAGIC = b"QLBROKER"
STEP, ACCEPT = 1, 2
NO_REPORTS = np.empty(0, REPORT)


class SimulatedBroker:
    """The simulated exchange with an account, recovered from its own journal.

    Args:
        folder: of its files; made if it is not there.
        symbols, instruments: as the desk counts them.
        costs: of the exchange.
        cash: quote currency at the start.
        layout: dtype of the row records.
        key: what its files are sealed with, if they are.

    Raises:
        JournalError, SealError: if its journal cannot be trusted, or opened.
        BrokerError: if the journal is of another account.
    """

    def __init__(
        self, folder: Path, symbols: Sequence[str], instruments: NDArray[Any], costs: Costs, cash: float,
        layout: np.dtype[Any], key: Key | None = None,
    ) -> None:  # fmt: skip
        private_folder(folder)
        self.folder, self.symbols, self.layout, self._key = folder, tuple(symbols), layout, key
        self.exchange = exchange.opened(symbols, instruments, costs)
        self.cash, self.made, self.torn = cash, 0, 0
        self._tickets: set[str] = set()
        self._recent: dict[int, tuple[int, NDArray[Any]]] = {}  # step -> checksum of its rows, its reports
        self._saved = 0  # step of the last snapshot
        identity = _identity(self.symbols, instruments, costs, cash)
        path = folder / "broker.journal"
        if not path.exists():
            self._log = Journal.create(path, MAGIC, identity, key)
            return
        self._recover(path, identity)

    def reports(self, step: int, rows: NDArray[Any]) -> NDArray[Any]:
        """The rows happen, if they have not; what came of it, answers to commands before included."""
        data = raw(rows)
        if step == self.made:
            self._log.append(STEP, step.to_bytes(8, "little") + data)
            return self._happen(step, data)
        if step > self.made:
            raise BrokerError(
                f"broker: asked for step {step}, though it has made only {self.made}; its files are gone or of another "
                f"session: restore {self.folder}, or start afresh with --fresh"
            )
        if step not in self._recent:
            raise BrokerError(f"broker: step {step} is forgotten; it remembers steps {min(self._recent)} and later")
        check, reports = self._recent[step]
        if check != zlib.crc32(data):
            raise BrokerError(f"broker: step {step} was made with other rows than these {len(rows)}")
        return reports

    def unheard(self, step: int) -> NDArray[Any]:
        """Reports of steps from `step` on, and answers that wait for the next."""
        waiting = self.exchange.reports[: self.exchange.state["reports"][0]]
        told = [reports for at, (_, reports) in sorted(self._recent.items()) if at >= step]
        return np.concatenate([NO_REPORTS, *told, waiting])

    def submit(self, tickets: Sequence[str], commands: NDArray[Any], ts: int) -> None:
        """Write new commands down, safely, and give them to the exchange."""
        new = [k for k, ticket in enumerate(tickets) if not self.knows(ticket)]
        if not new:
            return
        names = "\n".join(tickets[k] for k in new).encode()
        head = ts.to_bytes(8, "little", signed=True) + len(names).to_bytes(4, "little")
        payload = head + names + raw(commands[new])
        self._log.append(ACCEPT, payload)
        self._log.sync()
        self._accept(payload)

    def knows(self, ticket: str) -> bool:
        """Whether a command of this ticket was accepted."""
        return ticket in self._tickets

    def standing(self) -> Standing:
        """Cash, lots and working orders as the exchange has them."""
        slots = self.exchange.orders[1:]
        working = slots[(slots["id"] > 0) & (slots["status"] <= PARTIAL)]
        return Standing(self.cash, self.exchange.books["lots"], working[np.argsort(working["id"], kind="stable")])

    def save(self) -> None:
        """Take a snapshot; reports of before the last one are forgotten."""
        self._log.sync()
        self._recent = {step: kept for step, kept in self._recent.items() if step >= self._saved}
        self._saved = self.made
        meta = {
            "place": list(self._log.place), "made": self.made, "cash": self.cash,
            "recent": [[step, check, len(reports)] for step, (check, reports) in self._recent.items()],
        }  # fmt: skip
        extra = {
            "meta": json.dumps(meta).encode(),
            "exchange": exchange.to_bytes(self.exchange),
            "reports": b"".join(reports.tobytes() for _, reports in self._recent.values()),
            "tickets": "\n".join(sorted(self._tickets)).encode(),
        }
        keep(self.folder / "broker.snapshot", dumped((), Memory(self.symbols, ()), extra), self._key)

    def close(self) -> None:
        """Let the files go."""
        self._log.close()

    def _recover(self, path: Path, identity: Mapping[str, Any]) -> None:
        """The newest whole snapshot, and the journal after it."""
        place, snapshot = Place(), self.folder / "broker.snapshot"
        seal = self._key.seal if self._key is not None else None
        for file, data in generations(snapshot):
            try:
                _, extra = loaded((), told(snapshot, file, data, seal))
                place = self._restore(extra)
                break
            except (SnapshotError, SealError, ValueError, KeyError):
                continue  # the journal holds all that it held
        self._log, contents = Journal.resume(path, MAGIC, place, seal)
        self.torn = contents.torn
        other = [name for name, value in identity.items() if contents.identity.get(name) != value]
        if other:
            raise BrokerError(f"broker: the account in {path} has other {', '.join(other)} than asked for")
        for frame in contents.frames:
            if frame.kind == STEP:
                self._happen(int.from_bytes(frame.payload[:8], "little"), frame.payload[8:])
            else:
                self._accept(frame.payload)

    def _restore(self, extra: Mapping[str, bytes]) -> Place:
        meta = json.loads(extra["meta"])
        self.exchange = exchange.restored(self.exchange, extra["exchange"])
        self.cash, self.made = meta["cash"], meta["made"]
        self._saved = self.made
        reports = np.frombuffer(extra["reports"], REPORT).copy()
        at = 0
        for step, check, count in meta["recent"]:
            self._recent[step] = check, reports[at : at + count]
            at += count
        self._tickets = set(extra["tickets"].decode().split("\n")) - {""}
        return Place(*meta["place"])

    def _happen(self, step: int, data: bytes) -> NDArray[Any]:
        records = np.frombuffer(data, self.layout)
        rows = market(records)
        match_rows(self.exchange, rows, 0, rows.ts.size)
        state = self.exchange.state
        if state["lost"][0]:
            raise BrokerError(f"broker: the exchange's report queue was full {state['lost'][0]} times")
        reports = self.exchange.reports[: state["reports"][0]].copy()
        state["reports"] = 0
        self.cash = _cash_after(self.cash, reports, self.exchange.instruments)
        self._recent[step] = zlib.crc32(data), reports
        self.made = step + 1
        return reports

    def _accept(self, payload: bytes) -> None:
        ts, size = int.from_bytes(payload[:8], "little", signed=True), int.from_bytes(payload[8:12], "little")
        self._tickets.update(payload[12 : 12 + size].decode().split("\n"))
        commands = np.frombuffer(payload, COMMAND, offset=12 + size).copy()
        accept(self.exchange, commands, len(commands), ts)


def _cash_after(cash: float, reports: NDArray[Any], instruments: NDArray[Any]) -> float:
    """Cash after fills and carry, in the order of operations in which the desk books them."""
    for r in reports:
        if r["kind"] == FILL:
            notional = int(r["lots"]) * float(instruments["unit"][r["symbol"]]) * float(r["price"])
            cash -= int(r["side"]) * notional
            cash -= float(r["fee"])
        elif r["kind"] == CARRY:
            cash -= float(r["fee"])
    return cash


def market(records: NDArray[Any]) -> Rows:
    """Rows as the exchange reads them."""
    c = columns_of(records)
    return Rows(
        c["ts"], c.get("ts_event", NO_TIMES), c["symbol"], c["open"], c["high"], c["low"], c["close"],
        c.get("volume", NOTHING), NOTHING, NOTHING, NOTHING,
    )  # fmt: skip


def _identity(symbols: Sequence[str], instruments: NDArray[Any], costs: Costs, cash: float) -> dict[str, Any]:
    return {
        "symbols": list(symbols), "instruments": [list(row) for row in instruments.tolist()],
        "costs": costs._asdict(), "cash": cash,
    }  # fmt: skip
