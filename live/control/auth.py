"""Who may sit at the seat: bearer tokens from a private file, and the page's log-ins.

    {"operator": {"role": "operator", "token": "…"}, "viewer": {"role": "viewer", "token": "…"}}

The file is made at the first start, readable by its owner alone; further names may be added, and every change of it
holds at once.  A log-in is a cookie sealed with the token that it was made with: nothing is kept of it here, so it
outlives a restart of the seat, and another token in the file ends it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from live.errors import SeatError

VIEWER, OPERATOR = "viewer", "operator"
ROLES = (VIEWER, OPERATOR)
FILE = "tokens.json"
PRIVATE = 0o600
NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
SHORTEST = 20  # characters of a token
LOGGED_IN = 12 * 3600  # seconds that a log-in lasts
NANOSECONDS = 10**9


class Person(NamedTuple):
    """Someone who has shown a token."""

    name: str
    role: str

    @property
    def may_act(self) -> bool:
        """Whether more than looking is allowed."""
        return self.role == OPERATOR


class _Known(NamedTuple):
    person: Person
    token: str


class Door:
    """Knows people by their token or by the cookie of their log-in.

    Args:
        path: of the token file; it is made if it is not there.
        now: wall clock, ns UTC.

    Raises:
        SeatError: if others may read the file, or it is none of ours.
    """

    def __init__(self, path: Path, now: Callable[[], int] = time.time_ns) -> None:
        self.path, self._now = path, now
        self._left: dict[str, int] = {}  # cookies logged out before their time
        if not path.exists():
            _made(path)
        self._mark, self._known = _read(path)

    def by_token(self, token: str) -> Person | None:
        """Who this token is of.  Every token is compared, each in constant time."""
        given, found = token.encode("utf-8", "surrogatepass"), None
        for known in self._people():
            if hmac.compare_digest(given, known.token.encode()):
                found = known.person
        return found

    def cookie(self, person: Person) -> str:
        """A log-in."""
        until = self._now() // NANOSECONDS + LOGGED_IN
        said = f"{person.name}.{until}.{secrets.token_urlsafe(12)}"
        return f"{said}.{self._seal(person.name, said)}"

    def by_cookie(self, value: str) -> Person | None:
        """Whose log-in this is; None if it is over or was never ours."""
        said, _, seal = value.rpartition(".")
        name, *rest = said.split(".")
        if len(rest) != 2 or not rest[0].isascii() or not rest[0].isdigit() or value in self._left:
            return None
        person = next((known.person for known in self._people() if known.person.name == name), None)
        if person is None or not hmac.compare_digest(seal.encode("utf-8", "replace"), self._seal(name, said).encode()):
            return None
        return person if int(rest[0]) * NANOSECONDS > self._now() else None

    def proof(self, value: str) -> str:
        """What a page of ours, and no other, can say beside this cookie."""
        return self._seal(value.partition(".")[0], f"page {value}")

    def proves(self, value: str, given: bytes) -> bool:
        """Whether that was said."""
        return hmac.compare_digest(given, self.proof(value).encode())

    def leave(self, value: str) -> None:
        """Log out."""
        now = self._now()
        self._left = {kept: until for kept, until in self._left.items() if until > now}
        if self.by_cookie(value) is not None:
            self._left[value] = int(value.split(".")[1]) * NANOSECONDS

    def secrets(self) -> list[str]:
        """What no log may show."""
        return [known.token for known in self._people()]

    def _people(self) -> list[_Known]:
        """As the file says now; a change of it that makes no sense lets nobody in."""
        try:
            if _mark(self.path) != self._mark:
                self._mark, self._known = _read(self.path)
        except (OSError, SeatError):
            self._mark, self._known = (0, 0), []
        return self._known

    def _seal(self, name: str, said: str) -> str:
        token = next((known.token for known in self._people() if known.person.name == name), None)
        key = hashlib.sha256(f"log-in {token}".encode()).digest() if token else secrets.token_bytes(32)
        return hmac.new(key, said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _made(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    people = {role: {"role": role, "token": secrets.token_urlsafe(32)} for role in (OPERATOR, VIEWER)}
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(file, "w") as out:
        out.write(json.dumps(people, indent=1) + "\n")


def _mark(path: Path) -> tuple[int, int]:
    there = path.stat()
    return there.st_ino, there.st_mtime_ns


def _read(path: Path) -> tuple[tuple[int, int], list[_Known]]:
    there = path.stat()
    if there.st_mode & 0o077:
        raise SeatError(f"seat: {path} holds tokens and others may read it (mode {there.st_mode & 0o777:o}); chmod 600")
    try:
        said = json.loads(path.read_bytes())
        known = [_Known(Person(name, one["role"]), one["token"]) for name, one in said.items()]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SeatError(
            f"seat: {path} is no file of tokens ({type(error).__name__}); remove it, the next start makes one"
        ) from None
    for one in known:
        sound = isinstance(one.token, str) and len(one.token) >= SHORTEST and one.token.isascii()
        if not NAME.fullmatch(one.person.name) or one.person.role not in ROLES or not sound:
            raise SeatError(
                f"seat: {path} must give {one.person.name!r} a role ({' or '.join(ROLES)}) and a token of {SHORTEST} "
                f"or more ASCII characters; names are letters, digits, - and _"
            )
    if len({one.token for one in known}) < len(known):
        raise SeatError(f"seat: {path} gives one token to two people; each needs their own")
    return _mark(path), known
