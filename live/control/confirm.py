"""Critical acts are asked for twice: the seat hands out a word for one act of one person, good once, for a minute."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple

from live.control.auth import Person

SECONDS = 60
MOST = 256  # words that wait to be spent


class Confirmation(NamedTuple):
    """A word to be given back with the act that it is for."""

    nonce: str
    until: int  # wall clock, ns UTC


class _Waiting(NamedTuple):
    person: Person
    act: str
    until: int


class Confirmations:
    """Words handed out and not yet spent."""

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now, self._lock = now, Lock()
        self._waiting: dict[str, _Waiting] = {}

    def issue(self, person: Person, word: str, fields: Mapping[str, Any]) -> Confirmation:
        """A word for this act with these very fields."""
        with self._lock:
            now = self._now()
            alive = {nonce: kept for nonce, kept in self._waiting.items() if kept.until > now}
            self._waiting = dict(list(alive.items())[-MOST + 1 :])
            given = Confirmation(secrets.token_urlsafe(18), now + SECONDS * 10**9)
            self._waiting[given.nonce] = _Waiting(person, _spelled(word, fields), given.until)
            return given

    def spend(self, nonce: str, person: Person, word: str, fields: Mapping[str, Any]) -> str:
        """Why the word does not confirm this act, "" if it does.  Either way it is spent."""
        with self._lock:
            kept = self._waiting.pop(nonce, None)
        if kept is None:
            return "that confirmation was never given, or is spent"
        if kept.until <= self._now():
            return f"that confirmation was good for {SECONDS} seconds, which are over"
        if kept.person != person:
            return "that confirmation was given to somebody else"
        if kept.act != _spelled(word, fields):
            return "that confirmation is for another act"
        return ""


def _spelled(word: str, fields: Mapping[str, Any]) -> str:
    return json.dumps([word, dict(fields)], sort_keys=True)
