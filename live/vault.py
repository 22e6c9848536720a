"""Snapshots as files: written whole or not at all, with the one before kept beside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from live.journal import write_whole


def older(path: Path) -> Path:
    """Where the generation before is kept."""
    return path.with_name(path.name + ".old")


def keep(path: Path, data: bytes) -> None:
    """Put a snapshot in place; the one that was there becomes the older generation."""
    if path.exists():
        os.replace(path, older(path))
    write_whole(path, data)


def generations(path: Path) -> Iterator[tuple[Path, bytes]]:
    """The snapshots that are there, newest first."""
    for one in (path, older(path)):
        if one.exists():
            yield one, one.read_bytes()
