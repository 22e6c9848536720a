"""One process a session: a lock that dies with whoever holds it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from live import private
from live.errors import SessionInUse

TRIES, PAUSE = 5, 0.02  # of taking it, and seconds between them


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the session's lock while inside.

    Raises:
        SessionInUse: if another process holds it.
    """
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, private.FILE)
    try:
        private.narrow(file)
        if not _taken(file):
            holder = os.pread(file, 32, 0).decode().strip() or "unknown"
            raise SessionInUse(
                f"session: {folder} is run by process {holder}; stop that one first, or use another --session"
            )
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(file)


def is_held(folder: Path) -> bool:
    """Whether a process runs the session now."""
    if not (folder / "lock").exists():
        return False
    file = os.open(folder / "lock", os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _taken(file: int) -> bool:
    """Take the lock; who only asks whether it is held lets go of it at once, so a few tries tell the two apart."""
    for _ in range(TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(PAUSE)
    return False
