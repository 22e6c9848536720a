"""What the seat answers.  Times are ns UTC, money is quote currency, fractions are fractions; null is not known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from live.control.audit import Entry
from live.control.curve import Point
from live.control.follow import Refusal
from live.operator import OVERRIDE, Wanted


@dataclass(frozen=True, slots=True)
class Mistake:
    """What was wrong, in one sentence."""

    error: str


@dataclass(frozen=True, slots=True)
class You:
    """Who you are; `proof` is to be sent as X-Seat-Proof with whatever a log-in asks to be done."""

    name: str
    role: str
    may_act: bool
    proof: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An act that the session has not obeyed yet."""

    number: int
    word: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class State:
    """The session at one moment.  Where it is not `fresh`, the pulse tells what was, not what is."""

    session: str
    running: bool  # a process holds the session
    fresh: bool
    age: float | None  # seconds since the pulse
    now: int  # the seat's wall clock
    moment: int  # the session's own time
    pulse: dict[str, Any] | None  # fields of `live.pulse.Pulse`
    trouble: dict[str, str]  # what cannot be read, and why
    waiting: list[Waiting]


@dataclass(frozen=True, slots=True)
class Equity:
    """The equity since the start, thinned so that no extreme is lost."""

    begun: float
    points: list[Point]


@dataclass(frozen=True, slots=True)
class Health:
    """Feed, broker and latencies, as the pulse tells them; `fresh` as in State."""

    fresh: bool
    age: float | None
    feed: dict[str, Any] | None
    broker: dict[str, Any] | None
    decision: dict[str, Any] | None
    submit: dict[str, Any] | None
    bounds: list[float]  # seconds, of the histograms' counts


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often the desk refused, by reason, most first."""

    refusals: list[Refusal]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each limit is used, the overrides that stand, and what may be overridden."""

    used: list[dict[str, Any]]
    overrides: list[Overridden]
    overridable: list[Overridable]


@dataclass(frozen=True, slots=True)
class Overridden:
    """A limit that is another one until a moment of the session's time."""

    limit: str
    value: float
    until: int
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Overridable:
    """A limit by its name, as the page spells it; `fraction` where 0.02 is 2 %; what the policy says it is."""

    limit: str
    spelled: str
    fraction: bool
    value: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the audit log."""

    number: int
    at: int
    who: str
    role: str
    what: str
    why: str
    detail: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Trail:
    """The audit log's last lines; `broken` says where its chain does not hold."""

    entries: list[Line]
    broken: str | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A word for one act, good once and until a moment; `says` is what the act will do."""

    nonce: str
    until: int
    act: str
    says: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taken:
    """The act was noted and left for the session."""

    number: int  # of the operator's action
    word: str
    audit: int  # line of the audit log
    obeyed: str  # when


@dataclass(frozen=True, slots=True)
class Alive:
    """The seat answers."""

    alive: bool = True


def line(entry: Entry) -> Line:
    """An entry as it is shown."""
    return Line(
        entry.number, entry.at, entry.who, entry.role, entry.what, entry.why, entry.detail, entry.hash
    )  # fmt: skip


def waiting(wanted: Wanted) -> Waiting:
    """An action as it is shown."""
    word = f"{OVERRIDE} {wanted.limit} = {wanted.value:g}" if wanted.word == OVERRIDE else wanted.word
    return Waiting(wanted.number, word, wanted.who, wanted.why)
