"""Earlier sessions of a folder, in numbered folders beside the files of the one that goes on.

1. the turn   `putting-aside/` is made: from here on the session is over
2. aside      each of its files goes there
3. the name   that folder becomes `before-N/`

Killed before the turn, the old session goes on.  Killed after it, the next start, or the next look at the session, does
the rest; what the operator wanted of the old session goes first, so that what is wanted later is for the new one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from live.config import Config, recorded
from live.errors import LiveError
from live.journal import read, sync_folder
from live.private import private_folder
from live.seal import Seal
from live.stores import lineage
from live.words import MAGIC

BEFORE, HALF = "before-", "putting-aside"
FILES = "operator", "journal", "snapshot", "snapshot.old", "broker", "pulse.json", "signals"


def put_aside(folder: Path) -> Path | None:
    """Move a session's files into a numbered folder beside the new ones: a fresh start loses nothing.

    Copies of it are copies of another course from now on.
    """
    if any((folder / name).exists() for name in FILES):
        private_folder(folder / HALF)
        sync_folder(folder)
        return finish(folder)
    lineage.begin(folder)
    return None


def finish(folder: Path) -> Path | None:
    """Do what is left to do of putting a session aside, whose lock is held; where it then is."""
    half = folder / HALF
    if not half.exists():
        return None
    lineage.begin(folder)
    for name in FILES:
        if (folder / name).exists() and not (half / name).exists():
            os.replace(folder / name, half / name)
    sync_folder(half)
    last = max((number for number, _ in _numbered(folder)), default=0)
    aside = folder / f"{BEFORE}{last + 1}"
    os.replace(half, aside)
    sync_folder(folder)
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
