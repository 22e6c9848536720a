"""An act of the operator, from the page or the command line: first it is in the audit log, then the session is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from live import operator
from live.control import audit
from live.control.audit import Entry
from live.control.auth import Person
from live.errors import SessionError
from live.operator import Wanted


class Done(NamedTuple):
    """The action that the session will obey, and the line of the audit log that tells of it."""

    wanted: Wanted
    entry: Entry


def act(
    folder: Path, person: Person, word: str, *, why: str = "", limit: str = "", value: float = 0.0, until: int = 0,
    at: int | None = None, now: int | None = None,
) -> Done:  # fmt: skip
    """Note an act, then leave it for the session that runs in `folder`, or will.

    Args:
        folder: of the session.
        person: who acts, as authenticated.
        word, at, why, limit, value, until: as in `live.operator.want`.
        now: wall clock, ns UTC, for the audit log; None: the machine's.

    Raises:
        AuditError: if the act cannot be noted; then nothing was done.
        SessionError: if there is no such act or limit; the audit log says that it failed.
    """
    log = folder / audit.FILE
    fields: dict[str, Any] = {"limit": limit, "value": value, "until": until} if word == operator.OVERRIDE else {}
    detail = fields | ({} if at is None else {"at": at})
    entry = audit.note(log, who=person.name, role=person.role, what=word, why=why, detail=detail, at=now)
    try:
        wanted = operator.want(folder / "operator", word, at, who=person.name, why=why, **fields)
    except SessionError as error:
        audit.note(log, who=person.name, role=person.role, what=f"{word} failed", why=str(error), detail=detail, at=now)
        raise
    return Done(wanted, entry)
