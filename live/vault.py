"""Snapshots as files: written whole or not at all, sealed if there is a key, with the one before kept beside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from live.journal import write_whole
from live.seal import Key, Seal, disclosed, enclosed


def older(path: Path) -> Path:
    """Where the generation before is kept."""
    return path.with_name(path.name + ".old")


def keep(path: Path, data: bytes, key: Key | None = None) -> bytes:
    """Put a snapshot in place; the one that was there becomes the older generation.  Returns what the file holds."""
    written = enclosed(data, path.name.encode(), key)
    if path.exists():
        os.replace(path, older(path))
    write_whole(path, written)
    return written


def generations(path: Path) -> Iterator[tuple[Path, bytes]]:
    """The files that are there, newest first, as they are."""
    for one in (path, older(path)):
        if one.exists():
            yield one, one.read_bytes()


def told(path: Path, file: Path, written: bytes, seal: Seal | None) -> bytes:
    """The snapshot that one of the generations of `path` holds.

    Raises:
        SealError: if it cannot be opened with this seal, or is sealed and there is none, or the other way round.
    """
    return disclosed(str(file), written, path.name.encode(), seal)
