"""The runner's process: started by us, or found running because it outlived the supervisor before us."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from live.errors import SessionError

PRIVATE = 0o600
LARGEST = 5_000_000  # bytes of its output, beyond which the next start puts the file aside
SECOND = 1_000_000_000


class End(NamedTuple):
    """How a process ended: its exit code, minus a signal's number, or None if it was not ours to know."""

    code: int | None


class Child:
    """One process."""

    def __init__(self, process: psutil.Process, ours: subprocess.Popen[bytes] | None) -> None:
        self._process, self._ours = process, ours
        self.pid = process.pid
        self.started = int(process.create_time() * SECOND)  # ns UTC

    @classmethod
    def start(cls, words: Sequence[str], out: Path) -> Child:
        """Start a command; what it prints goes to a file, which stays its own should we die.

        It is in a session of its own, so that Ctrl-C at our terminal reaches it through us alone.

        Raises:
            SessionError: if it cannot be started.
        """
        if out.exists() and out.stat().st_size > LARGEST:
            os.replace(out, out.with_name(out.name + ".old"))
        file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
        try:
            ours = subprocess.Popen(
                list(words), stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )
        except OSError as error:
            raise SessionError(f"supervisor: {words[0]} cannot be started ({error})") from error
        finally:
            os.close(file)
        return cls(psutil.Process(ours.pid), ours)

    @classmethod
    def adopt(cls, pid: int) -> Child | None:
        """A process that runs already; None if it is gone."""
        try:
            return cls(psutil.Process(pid), None)
        except psutil.NoSuchProcess:
            return None

    @property
    def adopted(self) -> bool:
        """Whether somebody else started it."""
        return self._ours is None

    def end(self) -> End | None:
        """How it ended; None while it runs."""
        if self._ours is not None:
            code = self._ours.poll()
            return None if code is None else End(code)
        try:
            runs = self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            runs = False
        return None if runs else End(None)

    def terminate(self) -> None:
        """Ask it to finish its step and stop."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, which a session survives."""
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        with suppress(psutil.NoSuchProcess):  # it is gone, as was wanted
            self._process.send_signal(number)
