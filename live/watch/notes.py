"""Incidents as alerts: what a session's journal notes from now on, told to whom it concerns."""

from __future__ import annotations

from pathlib import Path

from live.control.alerts import CRITICAL, INFO, WARNING, Alert
from live.errors import LiveError
from live.journal import BEGINNING, read
from live.safety.brake import REFUSED
from live.seal import Seal
from live.words import MAGIC, NOTE, Note, note_of

GRAVE = frozenset({"fatal", "anomaly", "kill switch", "bust", "missing", "overflow", REFUSED})
QUIET = frozenset({"connected", "history", "correction", "cancelled", "warm-up", "resume"})


class Notes:
    """The notes of one journal as it grows."""

    def __init__(self, path: Path, seal: Seal | None = None) -> None:
        self.path, self.seal = path, seal
        self._place, self._inode, self._looked, self._damage = BEGINNING, 0, False, ""

    def catch_up(self) -> list[Alert]:
        """Alerts of what was noted since the last time; what there was at the first look is past."""
        past, self._looked = not self._looked, True
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return []
        same = there.st_ino == self._inode  # else a session was begun anew
        if same and there.st_size == self._place.position:
            return []
        try:
            contents = read(self.path, MAGIC, self._place if same else BEGINNING, self.seal)
        except LiveError as error:
            return self._told_once(str(error))
        self._place, self._inode, self._damage = contents.end, there.st_ino, ""
        return [] if past else [alert_of(note_of(f.payload)) for f in contents.frames if f.kind == NOTE]

    def _told_once(self, damage: str) -> list[Alert]:
        new = damage != self._damage
        self._damage = damage
        return [Alert("journal damaged", CRITICAL, damage)] if new else []


def alert_of(note: Note) -> Alert:
    """How grave a note is, by its kind; one of a kind that is not known is a warning."""
    severity = CRITICAL if note.kind in GRAVE else INFO if note.kind in QUIET else WARNING
    return Alert(note.kind, severity, note.text, note.symbol)
