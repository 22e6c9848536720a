"""The pulse of a session: one small file, written whole several times a second, from which all who watch it read.

The runner writes it and reads nothing of theirs but the operator's folder; so a page, an alarm or a metric can never
hold up an order.  What was decided of each symbol is in a file beside it (`live.signals`), which only a step changes.
What is in neither is in the journal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from live import signals
from live.errors import StateError
from live.private import put

FILE = "pulse.json"
BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # seconds, of histograms


class Histogram(NamedTuple):
    """A histogram that only grows: how many took at most each of BOUNDS, how many there were, and their sum."""

    counts: Sequence[int] = (0,) * len(BOUNDS)
    number: int = 0
    seconds: float = 0.0
    longest: float = 0.0

    def with_one(self, seconds: float) -> Histogram:
        """One more."""
        counts = tuple(n + (seconds <= bound) for n, bound in zip(self.counts, BOUNDS, strict=True))
        return Histogram(counts, self.number + 1, self.seconds + seconds, max(self.longest, seconds))


class FeedHealth(NamedTuple):
    """How the market data is: counts since the start, ages in seconds."""

    name: str = ""
    connected: bool = False
    age: float = 0.0  # since the last message
    messages: int = 0
    rows: int = 0  # decided on
    late: int = 0  # came after their moment
    corrected: int = 0
    duplicates: int = 0
    refused: int = 0  # dropped at the door, each told in the log
    reconnects: int = 0
    backfilled: int = 0
    stale: bool = False
    trouble: str = ""  # what is wrong now, "" if nothing


class BrokerHealth(NamedTuple):
    """How the broker is."""

    name: str = ""
    connected: bool = False
    age: float = 0.0  # since its last answer or message
    calls: int = 0
    failures: int = 0
    breaker: str = "closed"  # closed, open, half-open
    remaining: int = -1  # calls left of the minute; -1: unknown
    unknown: int = 0  # orders of which we do not know whether they arrived
    trouble: str = ""


class Signal(NamedTuple):
    """What the desk last decided of a symbol, and the values it saw."""

    symbol: str
    ts: int
    decision: str
    values: dict[str, float]


class Pulse(NamedTuple):
    """A session at one moment.  Money in quote currency, fractions as fractions; rows of tables as dicts."""

    at: int  # wall clock, ns UTC
    pid: int
    session: str
    title: str
    kind: str  # replay, demo, paper or real money
    account: str
    step: int
    steps: int  # of the tape; 0 where there is no end
    ts: int  # last moment decided on
    mode: str  # ACTIVE, REDUCING, HALTED
    why: str  # why it is not ACTIVE
    equity: float
    cash: float
    begun: float  # cash at the very start
    day: float  # profit of the day
    drawdown: float
    long: float
    short: float
    commands: int
    fills: int
    positions: list[dict[str, Any]]  # fields of `live.figures.Position`
    orders: list[dict[str, Any]]  # fields of `live.figures.Working`
    limits: list[dict[str, Any]]  # fields of `live.figures.Used`; an override has "until"
    refusals: dict[str, int]
    signals: list[dict[str, Any]]  # fields of `Signal`
    feed: FeedHealth
    broker: BrokerHealth
    decision: Histogram  # seconds from the frame's arrival to the commands written down
    submit: Histogram  # seconds that the broker took to answer
    slippage: float  # quote currency lost between the price decided on and the fill
    statuses: dict[str, int]  # orders by status, counted since the start
    decisions: dict[str, int]  # on rows, by what was decided, counted since the start; refusals as one


def beat(folder: Path, pulse: Pulse) -> None:
    """Write the pulse, whole or not at all."""
    put(folder / FILE, json.dumps(spelled(pulse)).encode())


def felt(folder: Path) -> Pulse | None:
    """The last pulse of a session, with the signals that lie beside it; None if it has none yet.

    Raises:
        StateError: if a file is none of ours.
    """
    try:
        said = json.loads((folder / FILE).read_bytes())
        parts = {
            "feed": FeedHealth(**said["feed"]), "broker": BrokerHealth(**said["broker"]),
            "decision": Histogram(**said["decision"]), "submit": Histogram(**said["submit"]),
        }  # fmt: skip
        return Pulse(**(said | parts | {"signals": said["signals"] or signals.told(folder)}))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise StateError(f"pulse: {folder / FILE} is not of this version ({error}); remove it") from error


def spelled(pulse: Pulse) -> dict[str, Any]:
    """The pulse as JSON takes it: a number that is none is null."""
    plain: dict[str, Any] = _plain(pulse)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
