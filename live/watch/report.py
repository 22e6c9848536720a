"""The report of a day: what a session earned, what its fills cost against what was expected, what went wrong.

`daily` reads the session's files and changes nothing; `live.watch.page` leaves the report as a page and as JSON.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from live.config import Config, recorded
from live.control.follow import Fill, Incident, Obeyed, Session
from live.errors import LiveError, SessionError
from live.feeds.calendar import NEW_YORK
from live.journal import Contents, read
from live.parity import check, explained, wired
from live.pulse import Histogram, Pulse, felt
from live.seal import Seal
from live.watch.hours import SECOND
from live.watch.latency import quantile
from live.words import BEAT, INPUT, MAGIC, OUTPUT, beat_of, input_of, output_of

SHOWN = 20  # differences and incidents in full


class Verdict(NamedTuple):
    """What the comparison with the backtest gave, of the whole session."""

    holds: bool
    text: str
    differences: list[str]  # the first of them
    parts: dict[str, float] = {}  # noqa: RUF012 (never written to): where profit parted from the backtest's


class Taken(NamedTuple):
    """How long something took since the session's process began, seconds; None if it never happened."""

    number: int
    half: float | None
    most: float | None  # 95 of 100
    nearly_all: float | None  # 99 of 100
    longest: float | None


class Report(NamedTuple):
    """One day of a session; a day begins at midnight in New York.  Money in quote currency.

    equity      (ts, value) of each moment of the day
    opened      equity before the day
    fills       each beside the price its order was decided at
    slippage    lost between the two
    orders      ended, by status
    """

    session: str
    title: str
    kind: str
    account: str
    day: str
    equity: list[tuple[int, float]]
    opened: float
    closed: float
    drawdown: float
    fills: list[Fill]
    realised: float
    fees: float
    slippage: float
    orders: dict[str, int]
    refusals: dict[str, int]
    incidents: list[Incident]
    actions: list[Obeyed]
    positions: list[dict[str, Any]]
    decision: Taken
    submit: Taken
    parity: Verdict

    @property
    def profit(self) -> float:
        """Of the day, marked."""
        return self.closed - self.opened

    @property
    def share(self) -> float:
        """The profit as a fraction of the equity before the day."""
        return self.profit / self.opened


def daily(
    folder: Path, day: date | None = None, *, compared: Callable[[Path], Verdict] | None = None,
    seal: Seal | None = None,
) -> Report:  # fmt: skip
    """The report of a day; by default of the last that the session decided on.

    Args:
        folder: of the session.
        day: in New York.
        compared: how the session compares with its backtest; `verdict` if None, which runs all of it again.
        seal: of a sealed session.

    Raises:
        LiveError: if there is no session, or its journal cannot be trusted.
    """
    path = folder / "journal"
    if not path.exists():
        raise SessionError(f"report: there is no session in {folder}")
    contents = read(path, MAGIC, seal=seal)
    config = recorded(path, contents.identity)
    moments = list(moments_of(contents, config))
    if not moments:
        raise SessionError(f"report: the session in {folder} has decided on nothing yet")
    day = day or date_of(moments[-1][0])
    said, pulse = _said(contents, config), felt(folder)
    here = [(ts, equity) for ts, equity in moments if date_of(ts) == day]
    opened = next((equity for ts, equity in reversed(moments) if date_of(ts) < day), config.cash)
    fills = [fill for fill in said.fills if date_of(fill.ts) == day]
    return Report(
        config.name, config.title, pulse.kind if pulse else "replay", pulse.account if pulse else "", str(day), here,
        opened, here[-1][1] if here else opened, _deepest(opened, here), fills, sum(f.realised for f in fills),
        sum(f.fee for f in fills), sum(f.slippage or 0.0 for f in fills),
        dict(Counter(o.status for o in said.ended if date_of(o.ts) == day)),
        dict(Counter(d.decision for d in said.decisions if d.refused and date_of(d.ts) == day).most_common()),
        [i for i in said.incidents if date_of(i.ts) == day], [a for a in said.obeyed if date_of(a.ts) == day],
        pulse.positions if pulse else [], _taken(pulse, "decision"), _taken(pulse, "submit"),
        compared(folder) if compared else verdict(folder, seal),
    )  # fmt: skip


def verdict(folder: Path, seal: Seal | None = None) -> Verdict:
    """Whether the session equals its backtest; one that cannot be compared does not."""
    try:
        found = check(folder, seal=seal)
        parts = explained(folder, seal=seal).parts if wired(folder, seal) else {}
    except LiveError as error:
        return Verdict(False, f"parity: {error}", [])
    return Verdict(found.holds, str(found), [str(one) for one in found.differences[:SHOWN]], parts)


def as_json(report: Report) -> str:
    """The report for machines; what is not known is null."""
    said: dict[str, Any] = report._asdict() | {"profit": report.profit, "return": report.share}
    for name in ("fills", "incidents", "actions"):
        said[name] = [asdict(one) for one in said[name]]
    for name in ("decision", "submit", "parity"):
        said[name] = said[name]._asdict()
    return json.dumps(_finite(said), indent=1, ensure_ascii=False)


def date_of(ts: int) -> date:
    """The day in New York."""
    return datetime.fromtimestamp(ts // SECOND, NEW_YORK).date()


def moments_of(contents: Contents, config: Config) -> Iterable[tuple[int, float]]:
    """Each moment that was decided on or heard at, and the equity after it."""
    ts = 0
    for frame in contents.frames:
        if frame.kind == INPUT:
            ts = int(input_of(frame.payload, config.layout).rows["ts"][0])
        elif frame.kind == BEAT:
            ts = beat_of(frame.payload).ts
        elif frame.kind == OUTPUT and ts:
            yield ts, output_of(frame.payload).equity


def _said(contents: Contents, config: Config) -> Session:
    """All that the journal says, none of it forgotten."""
    said = Session(config)
    said.fills, said.ended, said.decisions, said.incidents = deque(), deque(), deque(), deque()
    for frame in contents.frames:
        said.hear(frame)
    return said


def _deepest(opened: float, moments: Iterable[tuple[int, float]]) -> float:
    curve = np.array([opened, *(equity for _, equity in moments)])
    return float((1.0 - curve / np.maximum.accumulate(curve)).max())


def _taken(pulse: Pulse | None, name: str) -> Taken:
    one: Histogram = getattr(pulse, name) if pulse else Histogram()
    if not one.number:
        return Taken(0, None, None, None, None)
    half, most, nearly_all = (quantile(one, q) for q in (0.5, 0.95, 0.99))
    return Taken(one.number, half, most, nearly_all, one.longest)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, (list, tuple)) else value
