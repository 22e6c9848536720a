"""What the operator's words of `python -m live` do: the kill switch, overrides, and looks at the broker."""

from __future__ import annotations

import getpass
import os
import sys
import time
from argparse import Namespace

from rich.console import Console

from live.brokers.rest import Rest
from live.control.acts import act as leave
from live.control.auth import OPERATOR, Person
from live.doctor import findings
from live.errors import SessionError
from live.keys import keys_of
from live.lock import is_held
from live.seal import seal_of
from live.session import there
from live.tape import instant
from live.watch.checks import premarket
from quantlib.schema import moment

COMPARED = ("positions", "orders")


def act(asked: Namespace) -> int:
    """Note the operator's action in the audit log, and leave it for the session."""
    existing(asked)
    wanted = leave(
        asked.session, Person(getpass.getuser(), OPERATOR), asked.command, why=asked.why, at=instant(asked.at),
        limit=getattr(asked, "limit", ""), value=getattr(asked, "value", 0.0),
        until=instant(getattr(asked, "until", None)) or 0,
    ).wanted  # fmt: skip
    when = "before its next step" if is_held(asked.session) else "at its next start, before its next step"
    if wanted.at is not None:
        when = f"before the rows of {moment(wanted.at)}"
    Console(highlight=False, soft_wrap=True).print(f"{wanted.word}: {asked.session} obeys {when}")
    return 0


def doctor(asked: Namespace) -> int:
    """Look at all that trading needs; 1 unless all of it is well."""
    well = True
    for finding in findings(os.environ, asked.session):
        sys.stdout.write(f"{finding}\n")
        well &= finding.check.good
    return 0 if well else 1


def reconcile(asked: Namespace) -> int:
    """Hold a session's positions and orders against the broker's; 1 if they differ."""
    existing(asked)
    keys = keys_of(os.environ)
    if keys is None:
        raise SessionError("reconcile: it asks the broker, so set APCA_API_KEY_ID and APCA_API_SECRET_KEY")
    rest = Rest(keys)
    try:
        found = [
            one
            for one in premarket(asked.session, time.time_ns(), rest.told, None, seal_of(os.environ))
            if one.name in COMPARED
        ]
    finally:
        rest.close()
    if not found:
        raise SessionError(f"reconcile: {asked.session} does not run, so it holds nothing to compare; start it")
    for check in found:
        sys.stdout.write(f"{check}\n")
    return 0 if all(check.good for check in found) else 1


def existing(asked: Namespace) -> None:
    """Refuse a folder without a session.

    Raises:
        SessionError: naming it.
    """
    if there(asked.session, seal_of(os.environ)) is None:
        raise SessionError(
            f"session: there is none in {asked.session}; python -m live --session {asked.session} starts one"
        )
