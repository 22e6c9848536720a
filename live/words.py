"""What frames of a session say: rows and reports in, decisions and commands out, and what the operator did.

INPUT      step u64 | rows u32 | reports u32 | row records | report records
OUTPUT     step u64 | rows u32 | commands u32 | fills u32 | ended orders u32 | equity, gross, net f64
           | decision codes i8 | command records | booked fills | ended orders
BEAT       ts i64 | reports u32 | report records: heard between two moments; its OUTPUT has no rows
PAST       rows u32 | row records: history and filled gaps, which move features on and are never decided on
OPERATOR   JSON of an action; NOTE  JSON of what happened around: it changes nothing
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import Columns
from quantlib.desk.messages import CANCEL, COMMAND, FILLED_ROW, ORDER, REJECTED, REPORT, SUBMIT

MAGIC = b"QLIVEJRN"
INPUT, OUTPUT, OPERATOR, BEAT, PAST, NOTE = 1, 2, 3, 4, 5, 6
_INPUT, _OUTPUT, _BEAT, _PAST = (struct.Struct(f) for f in ("<QII", "<QIIIIddd", "<qI", "<I"))


class Input(NamedTuple):
    """One timestamp's rows, and what the broker had to say before them."""

    step: int
    rows: NDArray[Any]
    reports: NDArray[Any]


class Output(NamedTuple):
    """What the desk made of one timestamp."""

    step: int
    equity: float
    gross: float
    net: float
    decision: NDArray[np.int8]
    commands: NDArray[Any]
    fills: NDArray[Any]
    ended: NDArray[Any]


class Beat(NamedTuple):
    """What the broker had to say between two moments, and symbols that a flatten does not ask for now."""

    ts: int
    reports: NDArray[Any]
    held: NDArray[np.int32] = np.empty(0, np.int32)  # never written to


class Action(NamedTuple):
    """What the operator did, and before the rows of which `ts`; an override says which limit, to what, until when."""

    number: int
    ts: int
    word: str
    who: str = ""
    why: str = ""
    limit: str = ""
    value: float = 0.0
    until: int = 0


class Note(NamedTuple):
    """Something around the session: an incident, a correction of a row; nothing is decided by it."""

    ts: int
    kind: str
    text: str
    symbol: str = ""
    values: dict[str, float] = {}  # noqa: RUF012 (never written to)


def input_bytes(said: Input) -> bytes:
    """An INPUT payload."""
    return _INPUT.pack(said.step, len(said.rows), len(said.reports)) + raw(said.rows) + raw(said.reports)


def input_of(payload: bytes, layout: np.dtype[Any]) -> Input:
    """What an INPUT payload says; `layout` is that of the session's rows."""
    step, rows, reports = _INPUT.unpack_from(payload)
    parts = _arrays(payload, _INPUT.size, ((layout, rows), (REPORT, reports)))
    return Input(step, *parts)


def output_bytes(said: Output) -> bytes:
    """An OUTPUT payload."""
    sizes = len(said.decision), len(said.commands), len(said.fills), len(said.ended)
    head = _OUTPUT.pack(said.step, *sizes, said.equity, said.gross, said.net)
    return head + b"".join(raw(part) for part in said[4:])


def output_of(payload: bytes) -> Output:
    """What an OUTPUT payload says."""
    step, rows, commands, fills, ended, *curve = _OUTPUT.unpack_from(payload)
    kinds = ((np.dtype(np.int8), rows), (COMMAND, commands), (FILLED_ROW, fills), (ORDER, ended))
    return Output(step, *curve, *_arrays(payload, _OUTPUT.size, kinds))


def beat_bytes(said: Beat) -> bytes:
    """A BEAT payload."""
    return _BEAT.pack(said.ts, len(said.reports)) + raw(said.reports) + said.held.tobytes()


def beat_of(payload: bytes) -> Beat:
    """What a BEAT payload says."""
    ts, reports = _BEAT.unpack_from(payload)
    held = (len(payload) - _BEAT.size - REPORT.itemsize * reports) // np.dtype(np.int32).itemsize
    return Beat(ts, *_arrays(payload, _BEAT.size, ((REPORT, reports), (np.dtype(np.int32), held))))


def past_bytes(rows: NDArray[Any]) -> bytes:
    """A PAST payload."""
    return _PAST.pack(len(rows)) + raw(rows)


def past_of(payload: bytes, layout: np.dtype[Any]) -> NDArray[Any]:
    """The rows of a PAST payload."""
    return _arrays(payload, _PAST.size, ((layout, _PAST.unpack_from(payload)[0]),))[0]


def action_bytes(said: Action) -> bytes:
    """An OPERATOR payload."""
    return json.dumps(said._asdict()).encode()


def action_of(payload: bytes) -> Action:
    """What an OPERATOR payload says."""
    return Action(**json.loads(payload))


def note_bytes(said: Note) -> bytes:
    """A NOTE payload."""
    return json.dumps(said._asdict()).encode()


def note_of(payload: bytes) -> Note:
    """What a NOTE payload says."""
    return Note(**json.loads(payload))


def layout_of(columns: Columns) -> np.dtype[Any]:
    """One record per row, of these columns."""
    return np.dtype([(name, column.dtype) for name, column in columns.items()], align=True)


def records_of(columns: Columns) -> NDArray[Any]:
    """The rows as records."""
    records = np.zeros(len(columns["ts"]), layout_of(columns))
    for name, column in columns.items():
        records[name] = column
    return records


def raw(records: NDArray[Any]) -> bytes:
    """The bytes of records with zeros between their fields, where numpy and compiled code leave what they like."""
    if not len(records) or records.dtype.names is None:
        return records.tobytes()
    clean = np.zeros(len(records), records.dtype)
    for name in records.dtype.names:
        clean[name] = records[name]
    return clean.tobytes()


def columns_of(records: NDArray[Any]) -> Columns:
    """The records as columns that compiled code takes."""
    return {name: records[name].copy() for name in records.dtype.names or ()}


def tickets(session: str, commands: NDArray[Any]) -> list[str]:
    """The names under which a broker knows commands: the same command has the same name, however often it is sent."""
    names = []
    for kind, id, ts in zip(commands["kind"].tolist(), commands["id"].tolist(), commands["ts"].tolist(), strict=True):
        suffix = "" if kind == SUBMIT else f"-{'cancel' if kind == CANCEL else 'replace'}-{ts}"
        names.append(f"{session}-{id}{suffix}")
    return names


def asked_by(session: str, ticket: str) -> tuple[str, str]:
    """The name of the order that a ticket of a session is about, and what becomes of it: "", "cancel" or "replace"."""
    id, _, change = ticket.removeprefix(f"{session}-").partition("-")
    return f"{session}-{id}", change.partition("-")[0]


def declined(commands: NDArray[Any], reason: int) -> NDArray[Any]:
    """The answers to commands that do not go out."""
    answers = np.zeros(len(commands), REPORT)
    for name in ("ts", "id", "group", "lots", "limit", "stop", "symbol", "side", "order", "leg"):
        answers[name] = commands[name]
    answers["kind"], answers["reason"] = REJECTED, reason
    return answers


def spelling() -> str:
    """Hex digest of the record layouts that frames are made of: another one cannot be read."""
    kinds = [repr(dtype.descr) for dtype in (COMMAND, REPORT, FILLED_ROW, ORDER)]
    return hashlib.sha256("".join(kinds).encode()).hexdigest()[:16]


def _arrays(payload: bytes, at: int, kinds: tuple[tuple[np.dtype[Any], int], ...]) -> list[NDArray[Any]]:
    arrays = []
    for dtype, count in kinds:
        end = at + dtype.itemsize * count
        arrays.append(np.frombuffer(bytearray(payload[at:end]), dtype, count))
        at = end
    return arrays
