"""Who did what and why: an append-only file of JSON lines, each of which carries the hash of the one before it.

    hash = SHA-256 of the line's other fields, `previous` among them, as JSON with sorted keys

A changed, missing or inserted line breaks the chain from there on.  Lines cut off at the end do not: who must know
of that too keeps the last hash elsewhere (the seat logs it) and gives it to `verified`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from live.errors import AuditError
from live.journal import write_all

FILE = "audit.jsonl"
PRIVATE = 0o600
GENESIS = "0" * 64  # what the first line has before it
BLOCK = 65_536  # bytes read at a time while looking for the last line


class Entry(NamedTuple):
    """One line.  `detail` is whatever belongs to the act: a limit, a value, a torn end that was cut off."""

    number: int
    at: int  # wall clock, ns UTC
    who: str
    role: str
    what: str
    why: str
    detail: dict[str, Any]
    previous: str
    hash: str


class Broken(NamedTuple):
    """The first line that does not fit, and what is wrong with it."""

    line: int
    what: str


def note(
    path: Path, *, who: str, role: str, what: str, why: str = "", detail: Mapping[str, Any] | None = None,
    at: int | None = None,
) -> Entry:  # fmt: skip
    """Append one line; it is on the disk when this returns.  Any number of processes may do so at once.

    Args:
        path: of the audit log; it is made, readable by its owner alone, if it is not there.
        who, role: as authenticated, not as claimed.
        what, why: the act and its reason.
        detail: further fields, as JSON takes them.
        at: ns UTC; now if None.

    Raises:
        AuditError: if the last line cannot be read, so that nothing can be chained to it.
    """
    with _held(path) as file:
        last, torn = _last(path, file)
        said = dict(detail or {})
        if torn:
            os.ftruncate(file, os.fstat(file).st_size - torn)  # never acknowledged: the act it told of was not done
            said["torn"] = torn
        number, previous = (last.number + 1, last.hash) if last else (1, GENESIS)
        fields = {
            "number": number, "at": time.time_ns() if at is None else at, "who": who, "role": role, "what": what,
            "why": why, "detail": json.loads(json.dumps(said)), "previous": previous,
        }  # fmt: skip
        entry = Entry(**fields, hash=_hash(fields))
        write_all(file, _line(entry) + b"\n")
        os.fsync(file)
    return entry


def entries(path: Path, last: int = 200) -> list[Entry]:
    """The last lines, oldest first; lines that are none are left out (`verified` names them)."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    found = (_entry(line) for line in lines[-last:])
    return [entry for entry in found if entry is not None]


def verified(path: Path, head: str | None = None) -> Broken | None:
    """The first broken link of the chain; None if it holds from the first line to the last.

    Args:
        path: of the audit log; one that is not there holds.
        head: hash of a line that was seen before; the chain must go through it.
    """
    previous, seen = GENESIS, head is None
    data = path.read_bytes() if path.exists() else b""
    *lines, torn = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        entry = _entry(line)
        if entry is None or line != _line(entry):
            return Broken(number, "it is not as an audit log spells its lines")
        if entry.number != number:
            return Broken(number, f"it calls itself line {entry.number}: lines are missing or were put in")
        if entry.previous != previous:
            return Broken(number, "the line before it is not the one it was chained to")
        if entry.hash != _hash({name: value for name, value in entry._asdict().items() if name != "hash"}):
            return Broken(number, "its fields are not those it was sealed with")
        previous, seen = entry.hash, seen or entry.hash == head
    if torn:
        return Broken(len(lines) + 1, "it was torn while it was written")
    return None if seen else Broken(len(lines) + 1, f"line with hash {head} is not there: the end was cut off")


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """The file, for one writer at a time."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _last(path: Path, file: int) -> tuple[Entry | None, int]:
    """The last whole line, and how many bytes of a torn one follow it."""
    end = os.fstat(file).st_size
    begin, tail = end, b""
    while begin > 0 and tail.count(b"\n") < 2:
        size = min(BLOCK, begin)
        begin -= size
        tail = os.pread(file, size, begin) + tail
    whole, newline, torn = tail.rpartition(b"\n")
    if not newline:
        return None, len(torn)
    entry = _entry(whole.rpartition(b"\n")[2])
    if entry is None:
        raise AuditError(f"audit: the last line of {path} is no line of an audit log; put the file aside, keep it")
    return entry, len(torn)


def _entry(line: bytes) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _line(entry: Entry) -> bytes:
    return json.dumps(entry._asdict(), sort_keys=True).encode()


def _hash(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
