"""Earlier sessions of a folder, in numbered folders beside the files of the one that goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from live.config import Config, recorded
from live.errors import LiveError
from live.journal import read
from live.private import private_folder
from live.seal import Seal
from live.stores import lineage
from live.words import MAGIC

BEFORE = "before-"
FILES = "journal", "snapshot", "snapshot.old", "broker", "operator", "pulse.json", "signals"


def put_aside(folder: Path) -> Path | None:
    """Move a session's files into a numbered folder beside the new ones: a fresh start loses nothing.

    Copies of it are copies of another course from now on.
    """
    lineage.begin(folder)
    there = [folder / name for name in FILES if (folder / name).exists()]
    if not there:
        return None
    last = max((number for number, _ in _numbered(folder)), default=0)
    aside = private_folder(folder / f"{BEFORE}{last + 1}")
    for path in there:
        os.replace(path, aside / path.name)
    return aside


def forget(folder: Path, kept: int, which: Callable[[Config], bool], seal: Seal | None = None) -> None:
    """Remove earlier sessions but for the last `kept`: those that can be read and are such as `which` says."""
    for _, aside in sorted(_numbered(folder))[:-kept]:
        try:
            config = recorded(aside, read(aside / "journal", MAGIC, seal=seal).identity)
        except (LiveError, OSError):
            continue  # whatever it is, it is not ours to remove
        if which(config):
            shutil.rmtree(aside)


def _numbered(folder: Path) -> Iterator[tuple[int, Path]]:
    """The earlier sessions with their numbers, in no order."""
    for path in folder.glob(f"{BEFORE}*"):
        number = path.name.removeprefix(BEFORE)
        if number.isdecimal() and path.is_dir():
            yield int(number), path
