"""Memory as bytes, and back only if nothing else would come of it.

    magic 8 | version u32 | length of header u32 | header JSON | records of each feature | extras | crc32 u32

The header names each feature with its fingerprint (`core.fingerprint`), so that a snapshot taken by other code or
other parameters is refused with the feature's name.  Numbers are little-endian, as all machines that run this are.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from quantlib.core import Feature, Memory, fingerprint, title

MAGIC = b"QUANTMEM"
VERSION = 2
HEAD = struct.Struct("<8sII")
TAIL = struct.Struct("<I")


class SnapshotError(ValueError):
    """Bytes that are no whole snapshot of these features in this version."""


def dumped(features: Sequence[Feature], memory: Memory, extra: Mapping[str, bytes] | None = None) -> bytes:
    """A snapshot of memory, with further named bytes of the caller's own.

    Raises:
        SnapshotError: if memory is not of these features.
    """
    extra = extra or {}
    if len(features) != len(memory.records):
        raise SnapshotError(f"snapshot: memory is of {len(memory.records)} features, got {len(features)}")
    for feature, record in zip(features, memory.records, strict=True):
        if record.dtype != feature.blank.dtype:
            raise SnapshotError(f"snapshot: memory does not fit {title(feature)}: it holds {record.dtype}")
    header = {
        "symbols": list(memory.symbols),
        "features": [[title(f), fingerprint([f])] for f in features],
        "records": [r.nbytes for r in memory.records],
        "extra": {name: len(value) for name, value in extra.items()},
    }
    spelled = json.dumps(header).encode()
    parts = [HEAD.pack(MAGIC, VERSION, len(spelled)), spelled, *(r.tobytes() for r in memory.records), *extra.values()]
    body = b"".join(parts)
    return body + TAIL.pack(zlib.crc32(body))


def loaded(features: Sequence[Feature], data: bytes) -> tuple[Memory, dict[str, bytes]]:
    """The memory and the extras that `dumped` wrote.

    Raises:
        SnapshotError: if the bytes are no snapshot, cut short, damaged, of another version, or of other features.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise SnapshotError(f"snapshot: it is bytes, got {type(data).__name__}")
    header, start = _header(data)
    _compare(features, header["features"])
    pieces = []
    for size in [*header["records"], *header["extra"].values()]:
        pieces.append(data[start : start + size])
        start += size
    records = []
    for feature, piece in zip(features, pieces, strict=False):
        records.append(np.frombuffer(piece, feature.blank.dtype).copy())
    extra = dict(zip(header["extra"], pieces[len(features) :], strict=True))
    return Memory(tuple(header["symbols"]), tuple(records)), extra


def revised(data: bytes, name: str, revise: Callable[[bytes], bytes]) -> bytes:
    """The same snapshot with the caller's own bytes of one name revised; its features are neither needed nor looked at.

    Raises:
        SnapshotError: if the bytes are no snapshot, cut short, damaged, of another version, or have no such name.
    """
    header, start = _header(data)
    if name not in header["extra"]:
        raise SnapshotError(f"snapshot: it has no {name!r}; there are {sorted(header['extra'])}")
    records = data[start : start + sum(header["records"])]
    at, extra = start + len(records), dict[str, bytes]()
    for one, size in header["extra"].items():
        extra[one] = data[at : at + size]
        at += size
    extra[name] = revise(extra[name])
    spelled = json.dumps(header | {"extra": {one: len(value) for one, value in extra.items()}}).encode()
    body = HEAD.pack(MAGIC, VERSION, len(spelled)) + spelled + records + b"".join(extra.values())
    return body + TAIL.pack(zlib.crc32(body))


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise SnapshotError(f"snapshot: these {len(data)} bytes are no snapshot; one begins with {MAGIC!r}")
    if len(data) < HEAD.size + TAIL.size:
        raise SnapshotError(f"snapshot: cut short after {len(data)} bytes; take the one before it")
    _, version, length = HEAD.unpack_from(data)
    if version != VERSION:
        raise SnapshotError(
            f"snapshot: it is of version {version}, this library reads version {VERSION}; "
            f"restore it with the library that wrote it, or warm up afresh on recent rows"
        )
    if zlib.crc32(data[: -TAIL.size]) != TAIL.unpack(data[-TAIL.size :])[0]:
        raise SnapshotError(f"snapshot: the checksum of its {len(data)} bytes is wrong: cut short or damaged")
    return json.loads(data[HEAD.size : HEAD.size + length]), HEAD.size + length


def _compare(features: Sequence[Feature], written: list[list[str]]) -> None:
    given = [[title(f), fingerprint([f])] for f in features]
    names = [name for name, _ in given]
    if names != [name for name, _ in written]:
        raise SnapshotError(f"snapshot: it holds {[name for name, _ in written]}, got features {names}")
    other = [name for (name, ours), (_, theirs) in zip(given, written, strict=True) if ours != theirs]
    if other:
        raise SnapshotError(
            f"snapshot: {', '.join(other)} had other parameters or other code when it was taken; warm up afresh"
        )
