"""What was last decided of each symbol and the values it was decided on: a file beside the pulse, written after a step.

The pulse is spelled as text several times a second.  Five hundred symbols of sixty features are thirty thousand
numbers: as text they would hold up the next decision for longer than the decision takes, as bytes they hold up nothing.

file    length u32 | JSON: names of columns, symbols | ts i64 | decision codes i8 | values f8, column by column
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.errors import StateError
from live.private import put
from quantlib.core import Columns
from quantlib.desk.memory import DECISIONS, REASONS

FILE = "signals"
HEAD = struct.Struct("<I")
ROW = {"ts", "ts_event", "symbol"}  # columns that are no values


class Signals:
    """The last decision and values of each symbol, in the order of their codes; a ts of 0 is none yet."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols, self.names = tuple(symbols), tuple[str, ...]()
        self.ts, self.code = np.zeros(len(symbols), np.int64), np.zeros(len(symbols), np.int8)
        self.values = np.empty((0, len(symbols)))
        self._changed = True

    def see(self, columns: Columns, decision: NDArray[np.int8]) -> None:
        """The rows of a step with their features, and what was decided of each."""
        names = tuple(name for name in columns if name not in ROW)
        if names != self.names:
            self.names, self.values = names, np.full((len(names), len(self.symbols)), np.nan)
        codes = columns["symbol"]
        self.ts[codes], self.code[codes] = columns["ts"], decision
        for known, name in zip(self.values, names, strict=True):
            known[codes] = columns[name]
        self._changed = True

    def write(self, folder: Path) -> None:
        """Put the file in place, if something was decided since the last time."""
        if self._changed:
            self._changed = False
            head = json.dumps([self.names, self.symbols]).encode()
            parts = self.ts.tobytes(), self.code.tobytes(), self.values.tobytes()
            put(folder / FILE, b"".join((HEAD.pack(len(head)), head, *parts)))


def told(folder: Path) -> list[dict[str, Any]]:
    """What the file says, as fields of `live.pulse.Signal`; a value that is no number is None.

    Raises:
        StateError: if the file is none of ours.
    """
    try:
        data = (folder / FILE).read_bytes()
        at = HEAD.size + HEAD.unpack_from(data)[0]
        names, symbols = json.loads(data[HEAD.size : at])
        count = len(symbols)
        ts = np.frombuffer(data, np.int64, count, at)
        code = np.frombuffer(data, np.int8, count, at + ts.nbytes)
        values = np.frombuffer(data, np.float64, len(names) * count, at + ts.nbytes + code.nbytes)
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, struct.error) as error:
        raise StateError(f"signals: {folder / FILE} is not of this version ({error}); remove it") from error
    table = values.reshape(len(names), count).T
    rows = table.astype(object)
    rows[~np.isfinite(table)] = None
    return [
        {
            "symbol": symbols[k], "ts": int(ts[k]), "decision": worded(int(code[k])),
            "values": dict(zip(names, rows[k].tolist(), strict=True)),
        }
        for k in np.flatnonzero(ts).tolist()
    ]  # fmt: skip


def worded(code: int) -> str:
    """A decision's code in words."""
    return DECISIONS[code] if code >= 0 else f"refused: {REASONS[-code]}"
