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
from live.words import Action, Output, columns_of, raw
from quantlib.core import Memory, advance, start
from quantlib.desk import memory as desks
from quantlib.desk.decide import operate
from quantlib.desk.memory import Desk
from quantlib.desk.messages import COMMAND
from quantlib.snapshot import SnapshotError, dumped, loaded
from quantlib.strategy import Strategy

NO_COMMANDS = np.empty(0, COMMAND)


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
        self.last_ts = 0

    @property
    def desk(self) -> Desk:
        """The desk as it is now."""
        return self.trader.desk

    def obey(self, action: Action) -> None:
        """Throw the kill switch; what it commands goes out with the step's own commands."""
        operate(self.desk, action.ts, action.action)
        self.obeyed.add(action.number)

    def advance(self, rows: NDArray[Any], reports: NDArray[Any]) -> Output:
        """Take one step: the rows of one timestamp and what the broker reported before them."""
        columns = columns_of(rows)
        columns |= advance(self.strategy.features, self.memory, columns)
        decision = self.trader.turn(self.trader.rows(columns), columns, reports)
        desk, account = self.desk, self.desk.account[0]
        long, short = float(account["long"]), float(account["short"])
        logs = (taken(desk, log) for log in ("commands", "fills", "finished"))
        output = Output(self.step, float(account["equity"]), long + short, long - short, decision, *logs)
        self.step += 1
        self.rows += len(rows)
        self.mark = zlib.crc32(raw(rows), self.mark)
        self.last, self.last_ts = output.commands, int(columns["ts"][0])
        self.commands += len(output.commands)
        self.fills += len(output.fills)
        return output

    def to_bytes(self, place: Place, identity: str) -> bytes:
        """A snapshot, taken between two steps."""
        meta = {
            "identity": identity, "place": list(place), "step": self.step, "rows": self.rows,
            "mark": self.mark, "commands": self.commands, "fills": self.fills, "obeyed": sorted(self.obeyed),
            "last_ts": self.last_ts,
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
        self.last, self.last_ts = last, meta["last_ts"]
        return Place(*meta["place"])
