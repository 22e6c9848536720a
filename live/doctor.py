"""`python -m live doctor`: is everything there that trading needs, and if not, what to do about it.

Looks at keys, account, market data, streams, clock, calendar, disk, files, stores of copies and the session, and sends
no order.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from live.brokers.rest import Rest
from live.control.courier import addresses_of, sinks_of
from live.errors import LiveError
from live.keeping import keeping_of
from live.keys import Keys, keys_of
from live.seal import Seal, seal_of
from live.stores.addresses import COPIES
from live.stores.probe import probe
from live.stores.protocol import Store
from live.watch.checks import Check, account, calendar, of_machine, premarket
from live.watch.ping import ping

TIMEOUT = 10.0  # seconds
PROBE = "SPY"  # a symbol that every plan may ask for
LOOSE = 0o077  # permissions of others
REFUSED_KEYS = ("answered 401", "402 auth failed")
OPEN, NOTHING = "the circuit is open", "there is no session in"
UNREACHABLE = ("found no connection", "does not answer", "Connection refused", "TimeoutError", "gaierror")
STORES = {"redis": "redis", "rediss": "redis", "file": "file", "s3": "s3"}  # by the scheme of their address
CURES = {
    "state": "set QUANT_PASSPHRASE, QUANT_PASSPHRASE_FILE and QUANT_STATE_COPIES as docs/state.md says",
    "redis": f"start the server; see address, user, password and database in {COPIES}, and that the user may HSET, "
    "HGET, HKEYS, HDEL and SCAN, with memory left",
    "file": f"mount the folder that {COPIES} names; chown it to who trades, mode 700, with space left",
    "s3": f"see bucket, endpoint and region in {COPIES} and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or the role, "
    "which needs s3:PutObject, GetObject, DeleteObject and ListBucket",
    "alerts": "set LIVE_ALERTS as docs/running.md says",
    "keys": "set APCA_API_KEY_ID and APCA_API_SECRET_KEY; new ones are made on the broker's dashboard",
    "account": "see the broker's dashboard; a suspended account is released there",
    "limits": "wait a minute; another program may use the same keys",
    "data": "set APCA_API_DATA_FEED=iex, or subscribe to the feed that is asked for",
    "stream": "end the other program that listens with these keys: one connection an account is allowed",
    "circuit": "after five failed calls none is made: mend what failed above, or ask again in a minute",
    "calendar": "upgrade exchange_calendars; until then the broker's hours are not ours",
    "machine": "set the clock (chrony, systemd-timesyncd) if it is wrong; else free disk or memory",
    "files": "chmod -R go= on the session's folder: it holds orders and tokens",
    "nothing": "see whether the name is mistyped; python -m live --session starts one",
    "session": "start it, or resume it once what stopped it is over",
    "journal": "start the session once, which mends what a crash left; else restore a copy",
    "positions": "stop, find out who traded, flatten at the broker or start afresh",
    "orders": "stop, find out who ordered, cancel at the broker or start afresh",
    "pulse": "start the session again",
}


class Finding(NamedTuple):
    """A check, and what to do if it is bad."""

    check: Check
    cure: str

    def __str__(self) -> str:
        return f"{self.check}" + (f"\n{'':18}cure: {self.cure}" if not self.check.good else "")


def findings(environment: Mapping[str, str], folder: Path | None = None) -> Iterator[Finding]:
    """Everything that was looked at, as it is found.

    Args:
        environment: with the keys.
        folder: of a session, if one is to be looked at too; where there is none, that is told.
    """
    for check in _checks(environment, folder):
        yield Finding(check, _cure(check))


def _cure(check: Check) -> str:
    if check.name in STORES:
        return CURES[STORES[check.name]]
    if any(sign in check.text for sign in REFUSED_KEYS):
        return CURES["keys"]
    if any(sign in check.text for sign in UNREACHABLE):
        return "see whether the APCA_API_* addresses are right and the network is up"
    if OPEN in check.text:
        return CURES["circuit"]
    if check.text.startswith(NOTHING):
        return CURES["nothing"]
    return CURES[check.name]


def _checks(environment: Mapping[str, str], folder: Path | None) -> Iterator[Check]:
    if folder is not None and not (folder / "journal").exists():
        yield Check("session", False, f"{NOTHING} {folder}")
        folder = None
    try:
        seal = seal_of(environment)
    except LiveError:  # told as the state's trouble; without it no session can be looked at
        seal = folder = None
    yield _tried("state", lambda: _state(environment))
    yield from _copies(environment)
    yield _tried("alerts", lambda: Check("alerts", True, f"{len(sinks_of(addresses_of(environment)))} addresses"))
    try:
        keys = keys_of(environment)
    except LiveError as error:
        yield Check("keys", False, str(error))
        return
    if keys is None:
        yield Check("keys", True, "none are set: python -m live shows the demo")
        if folder is not None:
            yield from premarket(folder, time.time_ns(), None, None, seal)
        else:
            yield of_machine(Path.cwd(), time.time_ns(), None)
    else:
        yield Check("keys", True, repr(keys))
        yield from _of_broker(keys, folder, seal)
    if folder is not None:
        yield _files(folder)


def _of_broker(keys: Keys, folder: Path | None, seal: Seal | None) -> Iterator[Check]:
    rest, now = Rest(keys), time.time_ns()
    try:
        yield _tried("account", lambda: account(rest.told("/account")))
        yield _limits(rest)
        yield _tried("data", lambda: _data(keys))
        yield _tried("stream", lambda: _stream(keys))
        if folder is not None:
            found = premarket(folder, now, rest.told, ping(keys), seal)
            yield from (one for one in found if one.name != "account")
        else:
            yield _tried("calendar", lambda: calendar(now, rest.told))
            yield of_machine(folder or Path.cwd(), now, ping(keys))
    finally:
        rest.close()


def _tried(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except (LiveError, OSError, WebSocketException, KeyError, TypeError, ValueError) as error:
        return Check(name, False, f"{type(error).__name__}: {error}")


def _state(environment: Mapping[str, str]) -> Check:
    """Whether passphrase and copies make sense."""
    keeping = keeping_of(environment)
    return Check("state", True, f"{'sealed' if keeping.seal is not None else 'not sealed'}")


def _copies(environment: Mapping[str, str]) -> Iterator[Check]:
    """Whether every store that is set takes a probe, gives it back and lets it go."""
    try:
        keeping = keeping_of(environment)
    except LiveError:
        return  # told already
    for store in keeping.stores:
        kind = store.name.partition(":")[0]
        try:
            yield _tried(kind, partial(_probed, kind, store, keeping.seal))
        finally:
            store.close()


def _probed(kind: str, store: Store, seal: Seal | None) -> Check:
    probe(store, seal)
    sealed = "a sealed probe" if seal is not None else "a probe"
    return Check(kind, True, f"{store.name} takes {sealed}, gives it back and lets it go")


def _limits(rest: Rest) -> Check:
    left = rest.budget.remaining
    return Check("limits", left > 0, f"{left} calls of this minute are left")


def _data(keys: Keys) -> Check:
    """Whether the plan allows the feed that is asked for."""
    headers = {"APCA-API-KEY-ID": keys.key, "APCA-API-SECRET-KEY": keys.secret}
    path = f"/v2/stocks/bars/latest?symbols={PROBE}&feed={keys.data_feed}"
    try:
        with urlopen(Request(keys.data + path, headers=headers), timeout=TIMEOUT) as answer:
            bars = json.loads(answer.read())["bars"]
    except HTTPError as error:
        with error:
            return Check("data", False, f"the {keys.data_feed} feed answered {error.code}: {error.read(200).decode()}")
    except URLError as error:
        return Check("data", False, f"{keys.data} does not answer: {error.reason}")
    return Check(
        "data",
        True,
        f"the {keys.data_feed} feed answers" + (f", last {PROBE} bar {bars[PROBE]['t']}" if PROBE in bars else ""),
    )


def _stream(keys: Keys) -> Check:
    """Whether the stream of market data takes these keys."""
    with connect(keys.stocks, open_timeout=TIMEOUT, close_timeout=1.0) as socket:
        first = _said(socket.recv(TIMEOUT))
        if first.get("T") == "error":
            return Check("stream", False, f"{first.get('code')} {first.get('msg')}")
        socket.send(json.dumps({"action": "auth", "key": keys.key, "secret": keys.secret}))
        answer = _said(socket.recv(TIMEOUT))
    if answer.get("msg") == "authenticated":
        return Check("stream", True, "the stream of market data takes these keys")
    if answer.get("code") == 406:
        return Check("stream", False, "another program listens with these keys; a running session of yours is one")
    return Check("stream", False, f"{answer.get('code')} {answer.get('msg')}")


def _said(frame: str | bytes) -> dict[str, Any]:
    said = json.loads(frame)
    return dict(said[0] if isinstance(said, list) else said)


def _files(folder: Path) -> Check:
    """Whether the session's files are ours alone."""
    open_to_others = [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & LOOSE]
    shown = ", ".join(str(path.relative_to(folder.parent)) for path in open_to_others[:3])
    return Check(
        "files", not open_to_others, f"others may read {shown}" if open_to_others else "are their owner's alone"
    )
