"""An act of the operator, from the page or the command line: first it is in the audit log, then the session is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from live import operator
from live.control import audit
from live.control.audit import Entry
from live.control.auth import Person
from live.errors import SessionError, StateError
from live.lock import is_held
from live.operator import Wanted
from live.pulse import felt
from quantlib.schema import moment

ANEW = ("demo", "rehearsal")  # kinds of session of which every start is another


class Done(NamedTuple):
    """The action that the session will obey, when it will, and the line of the audit log that tells of it."""

    wanted: Wanted
    entry: Entry
    obeyed: str


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
        SessionError: if there is no such act or limit, or nobody will obey; the audit log says that it failed.
    """
    log = folder / audit.FILE
    fields: dict[str, Any] = {"limit": limit, "value": value, "until": until} if word == operator.OVERRIDE else {}
    detail = fields | ({} if at is None else {"at": at})
    entry = audit.note(log, who=person.name, role=person.role, what=word, why=why, detail=detail, at=now)
    try:
        runs, who = _obeying(folder), operator.signature(person.name, person.role)
        wanted = operator.want(folder / "operator", word, at, who=who, why=why, **fields)
    except SessionError as error:
        audit.note(log, who=person.name, role=person.role, what=f"{word} failed", why=str(error), detail=detail, at=now)
        raise
    return Done(wanted, entry, _when(runs, at))


def _obeying(folder: Path) -> bool:
    """Whether the session runs now; one that never goes on must.

    Raises:
        SessionError: if nobody will ever look for what the operator wants.
    """
    runs = is_held(folder)
    try:
        pulse = None if runs else felt(folder)
    except StateError:
        pulse = None  # of another version, which says nothing of what goes on
    if pulse is not None and pulse.kind in ANEW:
        raise SessionError(
            f"operator: the {pulse.kind} in {folder} is over, and the next one begins anew, so nothing would obey; act "
            f"while it runs"
        )
    return runs


def _when(runs: bool, at: int | None) -> str:
    """When an action is obeyed, as the operator is told."""
    told = f"before the rows of {moment(at)}" if at is not None else "before the session's next step"
    return told if runs else f"{told}, once it is started again; not if that begins anew (--fresh)"
