"""What a session writes is its owner's alone: files are made 0600, folders 0700, and what is wider is narrowed."""

from __future__ import annotations

import os
from pathlib import Path

FILE, FOLDER = 0o600, 0o700


def private_folder(path: Path) -> Path:
    """The folder, made if it is not there, with nobody else let in; so are those above it that have to be made."""
    if not path.parent.exists():
        private_folder(path.parent)
    path.mkdir(exist_ok=True, mode=FOLDER)
    narrow(path, FOLDER)
    return path


def narrow(there: Path | int, mode: int = FILE) -> None:
    """Take from a file or folder of ours what `mode` does not grant; what others own is theirs to grant."""
    stat = os.stat(there)
    if stat.st_mode & 0o777 & ~mode and stat.st_uid == os.geteuid():
        os.chmod(there, stat.st_mode & mode)


def put(path: Path, data: bytes) -> None:
    """Put a file in place that readers see whole or not at all; nobody waits for the disk."""
    beside = path.with_name(f".{path.name}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE)
    with os.fdopen(file, "wb") as out:
        out.write(data)
    os.replace(beside, path)
