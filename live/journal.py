"""An append-only file of frames: what happened, in order, each frame checked by a checksum.

    file    magic 8s | version u32 | length u32 | identity JSON | crc32 u32 | frames
    frame   length u32 | kind u8 | sequence u64 | payload | crc32 u32 of all before it

In a sealed file (version 2) the identity is an envelope of `live.seal`, and payloads are sealed about their file, kind
and sequence; all else stays in the clear, so that a torn end is told from a damaged middle without the passphrase.

A process killed while it writes leaves a torn last frame: it is cut off at the next start, and said.  A frame that is
damaged although whole ones follow it is an error.  There is no wall clock inside: the same events give the same
bytes, unless they are sealed.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from live import private
from live.errors import Corrupted, ForeignFile, OtherVersion, SealError
from live.seal import PASSPHRASE, Key, Seal, missing

VERSION, SEALED = 1, 2
HEAD = struct.Struct("<8sII")
FRAME = struct.Struct("<IBQ")
CHECK = struct.Struct("<I")
ABOUT = struct.Struct("<BQ")


class Frame(NamedTuple):
    """One event: `end` is the offset of the byte after it."""

    kind: int
    sequence: int
    payload: bytes
    end: int


class Lock(NamedTuple):
    """A key for the frames of one file: what it seals opens at no other place and in no other file."""

    key: Key
    file: bytes  # digest of its header

    def sealed(self, kind: int, sequence: int, payload: bytes) -> bytes:
        """A payload as it is written."""
        return self.key.sealed(payload, self.file + ABOUT.pack(kind, sequence))

    def opened(self, path: Path, frame: Frame) -> Frame:
        """The frame with its payload as it was given."""
        about = self.file + ABOUT.pack(frame.kind, frame.sequence)
        return frame._replace(payload=self.key.opened(f"{path}: frame {frame.sequence}", frame.payload, about))


class Contents(NamedTuple):
    """What a file of frames holds: `torn` bytes at its end belong to no whole frame."""

    identity: dict[str, Any]
    frames: list[Frame]
    end: Place
    torn: int
    lock: Lock | None = None


class Place(NamedTuple):
    """A place between two frames: its offset (0: before the first), the next sequence, and the check before it."""

    position: int = 0
    sequence: int = 0
    check: int = 0


BEGINNING = Place()


class Journal:
    """A file of frames, open for appending at `place`."""

    def __init__(self, path: Path, identity: dict[str, Any], place: Place, lock: Lock | None) -> None:
        self.path, self.identity, self.place = path, identity, place
        self._lock = lock
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
        private.narrow(self._file)

    @property
    def key(self) -> Key | None:
        """What it is sealed with; None if it is not."""
        return self._lock.key if self._lock is not None else None

    @classmethod
    def create(cls, path: Path, magic: bytes, identity: Mapping[str, Any], key: Key | None = None) -> Journal:
        """A new file with no frames, sealed if there is a key; it appears whole or not at all."""
        data = header(magic, identity, key)
        write_whole(path, data)
        place = Place(len(data), 0, _check_at(data, len(data)))
        return cls(path, dict(identity), place, Lock(key, _digest(data)) if key is not None else None)

    @classmethod
    def resume(
        cls, path: Path, magic: bytes, place: Place = BEGINNING, seal: Seal | None = None
    ) -> tuple[Journal, Contents]:  # fmt: skip
        """Open an existing file, read its frames from a known place on, and cut a torn end off.

        Raises:
            JournalError: if the file is none of ours, of another version, or damaged before its end.
            SealError: if it cannot be opened with this seal.
        """
        contents = read(path, magic, place, seal)
        if contents.torn:
            os.truncate(path, contents.end.position)
        return cls(path, contents.identity, contents.end, contents.lock), contents

    def append(self, kind: int, payload: bytes) -> None:
        """Write one frame; it outlives the process, and after `sync` the machine."""
        position, sequence, _ = self.place
        if self._lock is not None:
            payload = self._lock.sealed(kind, sequence, payload)
        head = FRAME.pack(len(payload), kind, sequence)
        check = zlib.crc32(payload, zlib.crc32(head))
        frame = head + payload + CHECK.pack(check)
        write_all(self._file, frame)
        self.place = Place(position + len(frame), sequence + 1, check)

    def sync(self) -> None:
        """Wait until all frames are on the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)


def read(path: Path, magic: bytes, place: Place = BEGINNING, seal: Seal | None = None) -> Contents:
    """The frames of a file from a place on; nothing is changed.

    Raises:
        JournalError: if the file is none of ours, of another version, or damaged before its end.
        SealError: if it cannot be opened with this seal, or is sealed and there is none, or the other way round.
    """
    with path.open("rb") as file:
        start = file.read(HEAD.size)
        start += file.read(_rest(start))
        identity, lock = _identity(path, magic, start, seal)
        offset = place.position or len(start)
        file.seek(offset - CHECK.size)
        before = file.read(CHECK.size)
        data = file.read()
    if place.position and before != CHECK.pack(place.check):
        raise Corrupted(f"{path}: frame {place.sequence} does not begin at byte {offset}, where one was known to begin")
    frames, at = _frames(path, data, offset, place.sequence)
    end = Place(offset + at, place.sequence + len(frames), _check_at(before + data, CHECK.size + at))
    if lock is not None:
        frames = [lock.opened(path, frame) for frame in frames]
    return Contents(identity, frames, end, len(data) - at, lock)


def header(magic: bytes, identity: Mapping[str, Any], key: Key | None = None) -> bytes:
    """How a file begins."""
    spelled = json.dumps(identity, sort_keys=True).encode()
    version = VERSION
    if key is not None:
        version, spelled = SEALED, key.envelope(spelled, magic)
    data = HEAD.pack(magic, version, len(spelled)) + spelled
    return data + CHECK.pack(zlib.crc32(data))


def write_all(file: int, data: bytes) -> None:
    """Write every byte, however many calls it takes."""
    done = os.write(file, data)
    while done < len(data):
        done += os.write(file, data[done:])


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place that is whole or absent, whatever happens meanwhile."""
    beside = path.with_name(path.name + ".part")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, private.FILE)
    try:
        private.narrow(file)
        write_all(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(beside, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until names in this folder are on the disk."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _check_at(data: bytes, end: int) -> int:
    return int(CHECK.unpack_from(data, end - CHECK.size)[0])


def _rest(start: bytes) -> int:
    return HEAD.unpack(start)[2] + CHECK.size if len(start) == HEAD.size else 0


def _identity(path: Path, magic: bytes, data: bytes, seal: Seal | None) -> tuple[dict[str, Any], Lock | None]:
    """What a header says; with the lock of its frames if it is sealed."""
    if data[: len(magic)] != magic:
        raise ForeignFile(f"{path}: it begins with {data[: len(magic)]!r}, one of ours begins with {magic!r}")
    if len(data) < HEAD.size:
        raise Corrupted(f"{path}: its header is cut short after {len(data)} bytes; start afresh with --fresh")
    _, version, length = HEAD.unpack_from(data)
    if version not in (VERSION, SEALED):
        raise OtherVersion(
            f"{path}: it is of version {version}, this library reads version {VERSION} and, sealed, {SEALED}; "
            f"continue it with the library that wrote it, or start afresh with --fresh"
        )
    end = HEAD.size + length
    if len(data) < end + CHECK.size or zlib.crc32(data[:end]) != CHECK.unpack_from(data, end)[0]:
        raise Corrupted(f"{path}: its header is damaged; start afresh with --fresh")
    said = data[HEAD.size : end]
    if version == VERSION and seal is None:
        return json.loads(said), None
    if seal is None:
        raise missing(str(path))
    if version == VERSION:
        raise SealError(
            f"{path}: it is not sealed, though a passphrase is set: it was begun without one, or exchanged; "
            f"unset {PASSPHRASE} to go on in the clear, or start afresh with --fresh"
        )
    plain, key = seal.opened(str(path), said, magic)
    return json.loads(plain), Lock(key, _digest(data))


def _digest(header: bytes) -> bytes:
    return hashlib.sha256(header).digest()


def _frames(path: Path, data: bytes, offset: int, sequence: int) -> tuple[list[Frame], int]:
    frames, at = [], 0
    while (frame := _frame(data, at, sequence, offset)) is not None:
        frames.append(frame)
        at = frame.end - offset
        sequence += 1
    later = _whole_frame_after(data, at, sequence)
    if later is not None:
        raise Corrupted(
            f"{path}: frame {sequence} at byte {offset + at} is damaged, though frame {later} after it is whole; "
            f"nothing was changed; restore the file from a copy, or start afresh with --fresh"
        )
    return frames, at


def _frame(data: bytes, at: int, sequence: int, offset: int) -> Frame | None:
    """The whole frame that begins here, or None."""
    if len(data) - at < FRAME.size + CHECK.size:
        return None
    length, kind, found = FRAME.unpack_from(data, at)
    end = at + FRAME.size + length
    if found != sequence or end + CHECK.size > len(data):
        return None
    if zlib.crc32(memoryview(data)[at:end]) != CHECK.unpack_from(data, end)[0]:
        return None
    return Frame(kind, found, data[at + FRAME.size : end], end + CHECK.size + offset)


def _whole_frame_after(data: bytes, at: int, sequence: int) -> int | None:
    """The sequence of a whole frame anywhere behind a broken one: a torn end has none."""
    least = FRAME.size + CHECK.size
    for begin in range(at + 1, len(data) - least + 1):
        length, _, found = FRAME.unpack_from(data, begin)
        plausible = sequence < found <= sequence + len(data) // least and begin + least + length <= len(data)
        if plausible and _frame(data, begin, found, 0) is not None:
            return int(found)
    return None
