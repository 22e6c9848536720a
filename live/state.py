"""All that a session has become after its steps so far, and its snapshot.

State = fold of the journal's frames: features' memory, the desk, and a few counts
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtest.stepwise import Trader, taken
from live.errors import StateError
from live.journal import Place
from live.operator import CODES, OVERRIDABLE, OVERRIDE, is_barred
from live.words import Action, Beat, Output, columns_of, raw
from quantlib.core import Columns, Memory, advance, start
from quantlib.desk import memory as desks
from quantlib.desk.decide import operate
from quantlib.desk.execute import leave
from quantlib.desk.hear import hear_all
from quantlib.desk.memory import Desk
from quantlib.desk.messages import COMMAND, REPORT
from quantlib.desk.policy import record
from quantlib.snapshot import SnapshotError, dumped, loaded
from quantlib.strategy import Strategy

NO_COMMANDS = np.empty(0, COMMAND)
IMPOSSIBLE = "the broker told of something that does not fit the desk's books"  # an anomaly, which halts


class State:
    """A strategy, its features' memory and its desk, moved on step by step."""

    def __init__(self, strategy: Strategy, symbols: tuple[str, ...], desk: Desk) -> None:
        self.strategy, self.symbols = strategy, symbols
        self.memory: Memory = start(strategy.features, symbols)
        self.trader = Trader(strategy, symbols, desk)
        self.step = self.rows = self.mark = 0  # steps taken, rows decided on, checksum of those rows
        self.commands = self.fills = 0  # how many so far
        self.obeyed: set[int] = set()
        self.last = NO_COMMANDS  # the last step's commands, which the broker may not have got
        self.last_ts = self.row_ts = 0  # of the last step or beat, and of the last rows
        self.overrides: dict[str, tuple[float, int]] = {}  # limit -> its value, and until when
        self.why = ""  # of the kill switch
        self._anomalies = int(desk.account["anomalies"][0])
        self.heard = np.empty(0, REPORT)  # the reports of the last step or beat
        self.seen: Columns = {}  # the last step's rows with their features, to be looked at

    @property
    def desk(self) -> Desk:
        """The desk as it is now."""
        return self.trader.desk

    def obey(self, action: Action) -> None:
        """Throw the kill switch, or set a limit for a time; what it commands goes out with the next step's commands.

        A machine's word that would loosen it is heard, and changes nothing: the mode may have got stricter meanwhile.
        """
        account = self.desk.account[0]
        if action.word == OVERRIDE:
            self.overrides[action.limit] = action.value, action.until
            self._set_limits()
        elif not is_barred(action.word, action.who, int(account["mode"]), bool(account["flatten"])):
            operate(self.desk, action.ts, CODES[action.word])
            self.why = f"{action.why} ({action.who})" if action.who else action.why
        self.obeyed.add(action.number)

    def past(self, rows: NDArray[Any]) -> None:
        """Move the features on over rows that are not decided on."""
        advance(self.strategy.features, self.memory, columns_of(rows))

    def beat(self, said: Beat) -> Output:
        """Hear the broker between two moments; told to flatten, command what no row will."""
        self._expire(said.ts)
        self.heard = said.reports
        hear_all(self.desk, said.ts, said.reports, len(said.reports))
        if self.desk.account["flatten"][0]:
            left = np.flatnonzero(self.desk.holdings["lots"])
            for s in np.setdiff1d(left, said.held).tolist():
                leave(self.desk, s, said.ts)
        return self._output(np.empty(0, np.int8), said.ts)

    def advance(self, rows: NDArray[Any], reports: NDArray[Any]) -> Output:
        """Take one step: the rows of one timestamp and what the broker reported before them."""
        self._expire(int(rows["ts"][0]))
        self.heard = reports
        columns = columns_of(rows)
        columns |= advance(self.strategy.features, self.memory, columns)
        decision = self.trader.turn(self.trader.rows(columns), columns, reports)
        output = self._output(decision, int(columns["ts"][0]))
        self.step += 1
        self.rows += len(rows)
        self.mark = zlib.crc32(raw(rows), self.mark)
        self.seen, self.row_ts = columns, self.last_ts
        return output

    def _output(self, decision: NDArray[np.int8], ts: int) -> Output:
        desk, account = self.desk, self.desk.account[0]
        long, short = float(account["long"]), float(account["short"])
        logs = (taken(desk, log) for log in ("commands", "fills", "finished"))
        output = Output(self.step, float(account["equity"]), long + short, long - short, decision, *logs)
        self.last, self.last_ts = output.commands, ts
        if int(account["anomalies"]) > self._anomalies:
            self._anomalies, self.why = int(account["anomalies"]), IMPOSSIBLE
        self.commands += len(output.commands)
        self.fills += len(output.fills)
        return output

    def _expire(self, ts: int) -> None:
        """Overrides end."""
        if any(until <= ts for _, until in self.overrides.values()):
            self.overrides = {limit: kept for limit, kept in self.overrides.items() if kept[1] > ts}
            self._set_limits()

    def _set_limits(self) -> None:
        """The policy's numbers, but for those that are overridden."""
        own = record(self.strategy.policy)[0]
        for name, field in OVERRIDABLE.items():
            self.desk.policy[field] = self.overrides.get(name, (own[field], 0))[0]

    def to_bytes(self, place: Place, identity: str) -> bytes:
        """A snapshot, taken between two steps."""
        meta = {
            "identity": identity, "place": list(place), "step": self.step, "rows": self.rows,
            "mark": self.mark, "commands": self.commands, "fills": self.fills, "obeyed": sorted(self.obeyed),
            "last_ts": self.last_ts, "row_ts": self.row_ts, "overrides": self.overrides, "why": self.why,
        }  # fmt: skip
        extra = {
            "meta": json.dumps(meta).encode(), "desk": desks.to_bytes(self.desk), "last": self.last.tobytes(),
        }  # fmt: skip
        return dumped(self.strategy.features, self.memory, extra)

    def restore(self, data: bytes, identity: str) -> Place:
        """Become what a snapshot holds; says where in the journal that is.  Nothing changes if it is refused.

        Raises:
            StateError: if it is cut short, damaged, or of another version, strategy or session.
        """
        try:
            memory, extra = loaded(self.strategy.features, data)
            meta = json.loads(extra["meta"])
            if meta["identity"] != identity or memory.symbols != self.symbols:
                raise StateError("snapshot: it is of another session")
            desk = desks.restored(self.desk, extra["desk"])
            last = np.frombuffer(extra["last"], COMMAND).copy()
        except (SnapshotError, KeyError, ValueError) as error:
            raise StateError(str(error)) from error
        self.memory, self.trader = memory, Trader(self.strategy, self.symbols, desk)
        self.step, self.rows, self.mark = meta["step"], meta["rows"], meta["mark"]
        self.commands, self.fills, self.obeyed = meta["commands"], meta["fills"], set(meta["obeyed"])
        self.last, self.why = last, meta["why"]
        self._anomalies = int(desk.account["anomalies"][0])
        self.last_ts, self.row_ts = meta["last_ts"], meta["row_ts"]
        self.overrides = {limit: (value, until) for limit, (value, until) in meta["overrides"].items()}
        self._set_limits()
        return Place(*meta["place"])
