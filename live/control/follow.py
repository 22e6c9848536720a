"""A session folder read as it grows: the pulse, the journal's new frames, the ends of the logs.

Reading changes nothing and holds nobody up.  What cannot be read is told in `trouble`, and read again the next time.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live import operator
from live.config import Config, recorded
from live.control.curve import Curve
from live.control.expected import Decided
from live.control.logs import Redactor
from live.control.tail import FILES, Line, Tail, together
from live.errors import LiveError
from live.journal import BEGINNING, Contents, Frame, read
from live.pulse import Pulse, felt
from live.seal import Seal
from live.words import (
    BEAT,
    INPUT,
    MAGIC,
    NOTE,
    OPERATOR,
    OUTPUT,
    Output,
    action_of,
    beat_of,
    input_of,
    note_of,
    output_of,
)
from quantlib.desk import memory as desks
from quantlib.desk.memory import DECISIONS, NOTHING, REASONS
from quantlib.desk.messages import LEGS, ORDER_KINDS, SIDES, STATUSES

FILLS, ENDED, DECIDED, INCIDENTS = 5_000, 1_000, 1_000, 1_000  # of each the last ones are kept


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill beside the price its order was decided at; money in quote currency, what is not known is None."""

    number: int  # 1 for the first of the session
    ts: int
    order: int
    symbol: str
    side: str
    leg: str
    lots: int
    expected: float | None
    price: float
    slippage: float | None  # money lost between the two; below 0: won
    share: float | None  # the same as a fraction of the price expected
    fee: float
    realised: float
    position: int  # lots held after it


@dataclass(frozen=True, slots=True)
class Ended:
    """An order that has ended."""

    ts: int
    id: int
    symbol: str
    side: str
    kind: str
    leg: str
    lots: int
    filled: int
    average: float | None
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the desk decided of one row; a refusal says its reason."""

    ts: int
    symbol: str
    decision: str
    refused: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often the desk refused for one reason, and the last time it did."""

    reason: str
    count: int
    symbol: str = ""
    ts: int = 0


@dataclass(frozen=True, slots=True)
class Obeyed:
    """An operator's action that the session has obeyed, and before the rows of which moment; the last three fields
    are an override's."""

    number: int
    ts: int
    word: str
    who: str
    why: str
    limit: str
    value: float
    until: int


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened around the session, as its journal tells it."""

    ts: int
    kind: str
    text: str
    symbol: str


class Session:
    """What the journal of one session has said so far."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.instruments = desks.instrument_records(config.symbols, config.instrument_map)
        self.curve = Curve(config.cash)
        self.fills: deque[Fill] = deque(maxlen=FILLS)
        self.ended: deque[Ended] = deque(maxlen=ENDED)
        self.decisions: deque[Decision] = deque(maxlen=DECIDED)
        self.obeyed: list[Obeyed] = []
        self.refused: dict[str, Refusal] = {}
        self.incidents: deque[Incident] = deque(maxlen=INCIDENTS)
        self.steps = self.filled = 0
        self._decided = Decided(self.instruments)
        self._none = np.empty(0, config.layout)
        self._ts, self._rows = 0, self._none

    def hear(self, frame: Frame) -> None:
        """Take one frame."""
        if frame.kind == OPERATOR:
            self.obeyed.append(Obeyed(*action_of(frame.payload)))
        elif frame.kind == NOTE:
            note = note_of(frame.payload)
            self.incidents.append(Incident(note.ts, note.kind, note.text, note.symbol))
        elif frame.kind == INPUT:
            given = input_of(frame.payload, self.config.layout)
            self._hear(int(given.rows["ts"][0]), given.reports, given.rows)
            self.steps += 1
        elif frame.kind == BEAT:
            beat = beat_of(frame.payload)
            self._hear(beat.ts, beat.reports, self._none)
        elif frame.kind == OUTPUT:
            self._conclude(output_of(frame.payload))

    def _hear(self, ts: int, reports: NDArray[Any], rows: NDArray[Any]) -> None:
        self._decided.hear(reports)
        self._ts, self._rows = ts, rows

    def _conclude(self, output: Output) -> None:
        """The order matters: fills are of orders decided before these rows."""
        for fill in output.fills:
            self._fill(fill)
        self._decided.see(self._rows)
        self._decided.command(output.commands)
        self._decided.end(output.ended)
        self.ended.extend(self._end(order) for order in output.ended)
        for k in np.flatnonzero(output.decision != NOTHING).tolist():
            self._decision(self._ts, self.config.symbols[self._rows["symbol"][k]], int(output.decision[k]))
        self.curve.add(self._ts, output.equity)

    def _fill(self, f: Any) -> None:
        s, id, lots, price = int(f["symbol"]), int(f["id"]), int(f["lots"]), float(f["price"])
        expected, side = self._decided.price(id), int(f["side"])
        worse = side * (price - expected)
        self.filled += 1
        self.fills.append(
            Fill(
                self.filled, int(f["ts"]), id, self.config.symbols[s], SIDES[side], LEGS[int(f["leg"])], lots,
                _known(expected), price, _known(worse * lots * float(self.instruments["unit"][s])),
                _known(worse / expected), float(f["fee"]), float(f["realised"]), int(f["position"]),
            )
        )  # fmt: skip

    def _end(self, o: Any) -> Ended:
        filled = int(o["filled"])
        return Ended(
            int(o["done"]), int(o["id"]), self.config.symbols[o["symbol"]], SIDES[int(o["side"])],
            ORDER_KINDS[int(o["order"])], LEGS[int(o["leg"])], int(o["lots"]), filled,
            float(o["paid"]) / filled if filled else None, STATUSES[int(o["status"])],
            REASONS[int(o["reason"])] if o["reason"] else "",
        )  # fmt: skip

    def _decision(self, ts: int, symbol: str, code: int) -> None:
        said = DECISIONS[code] if code > 0 else REASONS[-code]
        self.decisions.append(Decision(ts, symbol, said, code < 0))
        if code < 0:
            before = self.refused.get(said)
            self.refused[said] = Refusal(said, before.count + 1 if before else 1, symbol, ts)


class Follower:
    """All that is known of a session's folder.  Safe to use from several threads.

    pulse     the last one written, None before the first
    session   what its journal has said, None before there is one
    trouble   why something could not be read, by what it was
    version   grows whenever anything of it has changed
    """

    def __init__(self, folder: Path, redact: Redactor, seal: Seal | None = None) -> None:
        self.folder, self.version, self._seal = folder, 0, seal
        self.pulse: Pulse | None = None
        self.session: Session | None = None
        self.trouble: dict[str, str] = {}
        self.lock = RLock()
        self._tails = [Tail(folder / name, redact) for name in FILES]
        self._place, self._seen, self._felt = BEGINNING, (0, 0), (0, 0)

    def catch_up(self) -> int:
        """Read what has been written since the last time; the version that makes."""
        with self.lock:
            before = dict(self.trouble)
            changed = [self._tried(self._pulse, "pulse"), self._tried(self._journal, "journal")]
            changed += [tail.catch_up() for tail in self._tails]
            self.version += any(changed) or self.trouble != before
            return self.version

    def fills(self, last: int, after: int = 0) -> list[Fill]:
        """The last fills whose number is above `after`, newest last."""
        with self.lock:
            found = [fill for fill in self.session.fills if fill.number > after] if self.session else []
            return found[-last:]

    @property
    def logged(self) -> int:
        """How many log lines there have been."""
        return sum(tail.count for tail in self._tails)

    def log(self, last: int) -> list[Line]:
        """The last lines of all logs together."""
        with self.lock:
            return together(self._tails, last)

    def waiting(self) -> list[operator.Wanted]:
        """Operator's actions that the session has not obeyed yet."""
        with self.lock:
            done = {action.number for action in self.session.obeyed} if self.session else set()
            return [wanted for wanted in operator.wanted_in(self.folder / "operator") if wanted.number not in done]

    def _tried(self, job: Any, name: str) -> bool:
        try:
            changed: bool = job()
        except (LiveError, OSError) as error:
            self.trouble[name] = str(error)
            return False
        self.trouble.pop(name, None)
        return changed

    def _pulse(self) -> bool:
        """Read the pulse if its file is another one than the last time."""
        try:
            there = os.stat(self.folder / "pulse.json")
        except FileNotFoundError:
            return False
        mark = (there.st_ino, there.st_mtime_ns)
        if mark == self._felt and "pulse" not in self.trouble:
            return False
        self.pulse = felt(self.folder)
        self._felt = mark
        return True

    def _journal(self) -> bool:
        """Read the journal's new frames; another file in its place is another session."""
        path = self.folder / "journal"
        try:
            there = os.stat(path)
        except FileNotFoundError:
            return False
        same = there.st_ino == self._seen[0] and there.st_size >= self._place.position
        if same and there.st_size == self._seen[1] and "journal" not in self.trouble:
            return False
        contents = read(path, MAGIC, self._place if same else BEGINNING, self._seal)
        self._take(path, contents, same and self.session is not None)
        self._seen = (there.st_ino, there.st_size)
        return bool(contents.frames)

    def _take(self, path: Path, contents: Contents, same: bool) -> None:
        if not same or self.session is None:
            self.session = Session(recorded(path, contents.identity))
        for frame in contents.frames:
            self.session.hear(frame)
        self._place = contents.end


def _known(value: float) -> float | None:
    return value if isfinite(value) else None
