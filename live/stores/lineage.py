"""Which course of a session its copies belong to: a name drawn once, so that two courses are never mixed.

A fresh start is another course under the same name, and so is one that went on from an older copy: what the store holds
of the old one may then be longer, but it is not what happened.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

from live.journal import write_whole

FILE, FORMER = "lineage", "lineage.former"
FILES = FILE, FORMER
LENGTH = 8  # bytes


def lineage_of(folder: Path) -> str | None:
    """The course that the files in this folder are of; None if no copy was ever made of them."""
    path = folder / FILE
    return path.read_text("ascii") if path.exists() else None


def begin(folder: Path) -> str:
    """From now on this folder is another course, of which there are no copies yet."""
    name = secrets.token_hex(LENGTH)
    write_whole(folder / FILE, name.encode())
    return name


def renew(folder: Path, beside: Path, former: Iterable[str]) -> None:
    """Write into another folder what makes this one another course, and names those whose copies are to go."""
    gone = {*former, *former_of(folder)} | ({lineage_of(folder)} - {None})
    if gone:
        begin(beside)
        write_whole(beside / FORMER, "\n".join(sorted(map(str, gone))).encode())


def former_of(folder: Path) -> tuple[str, ...]:
    """Courses whose copies are to go, since a passphrase was changed."""
    path = folder / FORMER
    return tuple(path.read_text("ascii").split()) if path.exists() else ()


def forget_former(folder: Path) -> None:
    """They are gone."""
    (folder / FORMER).unlink(missing_ok=True)
