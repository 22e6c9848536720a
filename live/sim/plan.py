"""What goes wrong: a plan of faults that every answer and every message of the loopback service is held against.

    calls       answer     status `code` (429, 500, 504 …) with the body that goes with it
                slow       the answer takes `seconds` longer
                hang       it never comes
                cut        the connection breaks
    messages    drop       is not sent
                duplicate  is sent twice
                delay      is sent after `by` further messages, or when the replay is `seconds` further
                reset      the connection breaks without a close frame
                close      the connection is closed with `code`
                mute       nothing more is sent on this connection, though it answers pings
                error      error `code` (402, 405, 406, 407, 409 …) is sent in its stead
                unknown    has an event or kind that no client knows
                status     has a status that no client knows
                skew       comes from a clock that is `seconds` ahead
                short      a subscription's answer lacks a symbol, and so does the service
                revise     a bar is told again as an updated bar, `seconds` of the replay later

A fault with `accepted` strikes when the call has had its effect already.  `on` is a glob: `POST /v2/orders`,
`GET /v2/stocks/*`, `stocks/b/AAPL`, `trading/fill/*` (`distortions.address`).  It strikes the `nth` match and the
`times - 1` after it, or each match with the chance `rate`; matches before the replay time `after` are not counted.

The chance of a match is a hash of the seed, the fault's place in the plan and the match's number: so the same seed
strikes the same calls and messages, however calls of different kinds interleave.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from hashlib import blake2b
from typing import NamedTuple

from live.errors import ConfigError

CALLS = ("answer", "slow", "hang", "cut")
MESSAGES = (
    "drop", "duplicate", "delay", "reset", "close", "mute", "error", "unknown", "status", "skew", "short", "revise",
)  # fmt: skip
CLOSES = frozenset(range(1000, 1015)) - {1004, 1005, 1006}  # codes that a close frame may carry


class Fault(NamedTuple):
    """One thing that goes wrong; the fields are explained above."""

    kind: str
    on: str = "*"
    nth: int = 1  # the first match that it strikes
    times: int = 1
    rate: float | None = None  # instead of nth and times
    after: int = 0  # ns UTC of the replay
    accepted: bool = False
    code: int = 0
    seconds: float = 0.0
    by: int = 0  # messages


class Injected(NamedTuple):
    """A fault that struck."""

    ts: int  # replay time
    kind: str
    where: str
    match: int  # which match of its glob it was
    code: int
    accepted: bool


@dataclass(slots=True)
class Watch:
    """A fault, the pattern of its glob, and how many matches there have been."""

    fault: Fault
    place: int
    pattern: re.Pattern[str]
    seen: int = 0

    @property
    def spent(self) -> bool:
        return self.fault.rate is None and self.seen >= self.fault.nth + self.fault.times - 1

    def strikes(self, where: str, now: int, seed: int) -> bool:
        fault = self.fault
        if now < fault.after or not self.pattern.match(where):
            return False
        self.seen += 1
        if fault.rate is None:
            return fault.nth <= self.seen < fault.nth + fault.times
        return _chance(seed, self.place, self.seen) < fault.rate


class Plan:
    """Faults, how far each has been counted, and what has struck.

    Args:
        faults: of several that strike at once the first does.
        seed: of those with a rate.

    Raises:
        ConfigError: if a fault makes no sense.
    """

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self.seed = seed
        self.log: list[Injected] = []
        self.watches: list[Watch] = []
        self._placed = 0
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """One more fault; its matches are counted from now on."""
        watch = Watch(checked(fault), self._placed, re.compile(translate(fault.on)))
        self._placed += 1
        self.watches = [*self.watches, watch]

    def clear(self) -> None:
        """No faults any more; the log stays."""
        self.watches = []

    def struck(self, where: str, kinds: tuple[str, ...], now: int, accepted: bool = False) -> Fault | None:
        """The fault of these kinds that strikes what passes at `where`, if any; every match is counted."""
        chosen = None
        for watch in self.watches:
            fault = watch.fault
            if fault.kind not in kinds or fault.accepted != accepted or not watch.strikes(where, now, self.seed):
                continue
            if chosen is None:
                chosen = fault
                self.log.append(Injected(now, fault.kind, where, watch.seen, fault.code, accepted))
        return chosen

    def concerns(self, stream: str) -> bool:
        """Whether any message of a stream may still be struck."""
        return any(
            watch.fault.kind in MESSAGES and not watch.spent and fnmatchcase(stream, watch.fault.on.split("/")[0])
            for watch in self.watches
        )


def checked(fault: Fault) -> Fault:
    """The fault, if it makes sense.

    Raises:
        ConfigError: if its kind is none, or a number is out of range.
    """
    if fault.kind not in CALLS + MESSAGES:
        raise ConfigError(f"faults: kind must be one of {', '.join(CALLS + MESSAGES)}, got {fault.kind!r}")
    numbers = (fault.nth, fault.times, fault.rate or 0.0, fault.after, fault.code, fault.seconds, fault.by)
    if not isinstance(fault.on, str) or not all(isinstance(one, (int, float)) for one in numbers):
        raise ConfigError(f"faults: on is a glob, and all but kind, on and accepted are numbers, got {fault}")
    if (fault.seconds < 0 and fault.kind != "skew") or fault.by < 0:
        raise ConfigError(f"faults: seconds and by are not negative, got {fault.seconds} and {fault.by} ({fault.kind})")
    if fault.nth < 1 or fault.times < 1:
        raise ConfigError(f"faults: nth and times count from 1, got {fault.nth} and {fault.times} ({fault.kind})")
    if fault.rate is not None and not 0.0 <= fault.rate <= 1.0:
        raise ConfigError(f"faults: rate must be a chance in [0, 1], got {fault.rate} ({fault.kind})")
    if fault.kind == "answer" and not 400 <= fault.code <= 599:
        raise ConfigError(f"faults: an answer that fails has a code of 400 to 599, got {fault.code} (code)")
    if fault.kind == "close" and not (fault.code in CLOSES or 3000 <= fault.code <= 4999):
        raise ConfigError(f"faults: a connection is closed with 1000 to 1014 or 3000 to 4999, got {fault.code} (code)")
    if fault.kind in ("delay", "revise") and not (fault.by > 0 or fault.seconds > 0):
        raise ConfigError(f"faults: {fault.kind} wants by (messages) or seconds (of the replay), got neither")
    if fault.accepted and fault.kind not in CALLS:
        raise ConfigError(f"faults: only calls are accepted before they fail, {fault.kind} is of messages")
    return fault


def weather(rate: float) -> tuple[Fault, ...]:
    """All that a good client gets over by itself, each with this chance."""
    calls = (
        Fault("answer", code=429), Fault("answer", code=500), Fault("answer", code=504), Fault("cut"),
        Fault("answer", code=504, accepted=True), Fault("cut", accepted=True),
    )  # fmt: skip
    told = "*/*/?*"  # messages of a symbol: all but those of the handshake
    messages = (
        Fault("duplicate", told), Fault("delay", told, by=3), Fault("unknown", told), Fault("reset", told),
        Fault("close", told, code=1011), Fault("drop", "trading/*/?*"),
    )  # fmt: skip
    return tuple(fault._replace(rate=rate) for fault in calls + messages)


def _chance(seed: int, place: int, match: int) -> float:
    """A number in [0, 1) that is the same for the same arguments everywhere."""
    digest = blake2b(struct.pack("<qqq", seed, place, match), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
