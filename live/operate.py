"""What the operator's words of `python -m live` do: the kill switch, overrides, and looks at the broker."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import Namespace
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console

from live.asked import refuse_foreign
from live.brokers.rest import Rest
from live.config import Config
from live.control.acts import act as leave
from live.control.auth import OPERATOR, Person
from live.doctor import findings
from live.errors import ConfigError, SessionError
from live.journal import read
from live.keeping import Keeping
from live.keys import keys_of
from live.lock import alone, is_held
from live.operator import wanted_in
from live.pulse import felt
from live.resealing import opens, settled
from live.resealing import reseal as sealed_anew
from live.seal import NEXT, NEXT_FILE, PASSPHRASE, PASSPHRASE_FILE, Seal, seal_of
from live.session import there
from live.stores.addresses import COPIES, stores_of
from live.stores.lineage import former_of
from live.stores.protocol import Store
from live.stores.renewing import courses, renewed
from live.stores.restoring import restored
from live.tape import instant
from live.watch.checks import orders, positions, tried
from live.words import INPUT, MAGIC, OUTPUT, action_of, input_of, output_of
from live.words import OPERATOR as ACTED
from quantlib.schema import moment

SEAT = "seat"  # of the session's folder: the supervisor's lock is there


def act(asked: Namespace) -> int:
    """Note the operator's action in the audit log, and leave it for the session."""
    existing(asked)
    done = leave(
        asked.session, Person(getpass.getuser(), OPERATOR), asked.command, why=asked.why, at=instant(asked.at),
        limit=getattr(asked, "limit", ""), value=getattr(asked, "value", 0.0),
        until=instant(getattr(asked, "until", None)) or 0,
    )  # fmt: skip
    Console(highlight=False, soft_wrap=True).print(f"{done.wanted.word}: {asked.session} obeys {done.obeyed}")
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
    keys = keys_of(os.environ)
    if keys is None:
        raise SessionError("reconcile: it asks the broker, so set APCA_API_KEY_ID and APCA_API_SECRET_KEY")
    pulse, config = felt(asked.session), existing(asked)
    if pulse is None:
        raise SessionError(f"reconcile: {asked.session} has not said yet what it holds; start it")
    rest = Rest(keys)
    try:
        found = [
            tried("positions", lambda: positions(pulse, config, rest.told("/positions"))),
            tried("orders", lambda: orders(pulse, rest.told("/orders", {"status": "open", "limit": 500}))),
        ]
    finally:
        rest.close()
    for check in found:
        sys.stdout.write(f"{check}\n")
    return 0 if all(check.good for check in found) else 1


def reseal(asked: Namespace) -> int:
    """Seal a session under another passphrase, its copies too; 1 if some of it is left under the old one."""
    old, new, folder = seal_of(os.environ), seal_of(os.environ, NEXT, NEXT_FILE), asked.session
    if old is None or new is None:
        raise ConfigError(
            f"reseal: set {PASSPHRASE} to the passphrase there is and {NEXT} to the one there shall be, or "
            f"{PASSPHRASE_FILE} and {NEXT_FILE} to files of mode 600 that hold them"
        )
    if not folder.exists():
        raise SessionError(f"reseal: there is no session in {folder}")
    refuse_foreign(folder)
    with ExitStack() as held:
        if (folder / SEAT).is_dir():
            held.enter_context(alone(folder / SEAT))  # whose supervisor knows the old one
        held.enter_context(settled(folder))
        return _resealed(folder, old, new, stores_of(os.environ))


def _resealed(folder: Path, old: Seal, new: Seal, stores: tuple[Store, ...]) -> int:
    """The files, unless they are under the new passphrase already, then the copies."""
    say = partial(Console(highlight=False, soft_wrap=True).print, markup=False)
    whole = True
    if not opens(folder, new):
        former = courses(folder, stores)
        for note in restored(folder, Keeping(old, stores)):
            say(f"note: {note}")
        if not (folder / "journal").exists():
            raise SessionError(f"reseal: there is no session in {folder}")
        done = sealed_anew(folder, old, new, former)
        say(f"{folder}: {done.files} files are sealed under the new passphrase")
        for why in done.left:
            say(f"left as it was: {why}")
        whole = not done.left
    for name, trouble in renewed(folder, Keeping(new, stores)):
        say(f"copies at {name}: {trouble or 'sealed under the new passphrase'}")
        whole &= not trouble
    if former_of(folder):
        say(f"copies under the old passphrase are left; reseal once more, with {COPIES} set, when their stores answer")
        whole = False
    say(f"set {PASSPHRASE} to the new one before the session is started again")
    return 0 if whole else 1


def status(asked: Namespace) -> int:
    """Say what a session is and where it stands, without touching it."""
    config = existing(asked)
    contents = read(asked.session / "journal", MAGIC, seal=seal_of(os.environ))
    outputs = [output_of(frame.payload) for frame in contents.frames if frame.kind == OUTPUT]
    obeyed = [action_of(frame.payload) for frame in contents.frames if frame.kind == ACTED]
    rows = next((input_of(f.payload, config.layout).rows for f in reversed(contents.frames) if f.kind == INPUT), None)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"session   {asked.session}: {config.title} on {', '.join(config.symbols)}")
    console.print(f"process   {'running' if is_held(asked.session) else 'not running'}")
    console.print(f"steps     {sum(1 for output in outputs if len(output.decision)):,}")
    if rows is not None:
        equity = outputs[-1].equity if outputs else config.cash
        console.print(f"last      {moment(int(rows['ts'][0]))}, equity {equity:,.2f}")
    pulse = felt(asked.session)
    if pulse is not None:
        why = f": {pulse.why}" if pulse.why else ""
        console.print(f"mode      {pulse.mode}{why}")
        console.print(f"feed      {_well(pulse.feed.connected, pulse.feed.trouble)}, {pulse.feed.messages:,} messages")
        console.print(f"broker    {_well(pulse.broker.connected, pulse.broker.trouble)}, {pulse.broker.calls:,} calls")
    for action in obeyed:
        console.print(f"operator  {action.word}, before the rows of {moment(action.ts)}")
    done = {action.number for action in obeyed}
    for wanted in wanted_in(asked.session / "operator"):
        if wanted.number not in done:
            when = f" from {moment(wanted.at)} on" if wanted.at is not None else ""
            console.print(f"operator  {wanted.word} waits for the next step{when}")
    if contents.torn:
        console.print(f"journal   {contents.torn} bytes of a torn frame at its end; the next start cuts them off")
    return 0


def existing(asked: Namespace) -> Config:
    """The session of a folder.

    Raises:
        SessionError: naming the folder, if there is none.
    """
    config = there(asked.session, seal_of(os.environ))
    if config is None:
        raise SessionError(
            f"session: there is none in {asked.session}; python -m live --session {asked.session} starts one"
        )
    return config


def _well(connected: bool, trouble: str) -> str:
    return trouble or ("connected" if connected else "not connected")
