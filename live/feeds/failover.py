"""Several sources of bars as one: the next is asked for what the one before did not give, and each answer is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from live.errors import FeedError, HistoryError
from live.feeds.history import History, checked
from quantlib.data.quality import QualityLimits, quality

REFUSABLE = 0.01  # share of a source's rows that may be impossible before the source is passed over
SUSPECT = QualityLimits(gap=1e9, late=1e9, stale=10**9)  # nights are no gaps, and quiet symbols stand still


class Attempt(NamedTuple):
    """What came of asking one source."""

    source: str
    asked: tuple[str, ...]
    rows: int  # taken
    why: str  # what is wrong with it, "" if nothing

    def __str__(self) -> str:
        trouble = f": {self.why}" if self.why else ""
        return f"{self.source} gave {self.rows:,} bars of {len(self.asked)} symbols{trouble}"


class Failover:
    """Sources in the order in which they are asked.  `attempts` tells what came of the last call.

    A source is passed over if it fails, gives nothing, or too many of its rows are impossible; for symbols of which it
    has nothing the next is asked.  A symbol's rows are all of one source, since venues and volumes differ.
    """

    def __init__(self, sources: Sequence[History]) -> None:
        if not sources:
            raise FeedError("history: no source is given; AlpacaHistory(keys) is one")
        self.sources = tuple(sources)
        self.name = " -> ".join(source.name for source in sources)
        self.attempts: list[Attempt] = []

    def bars(self, symbols: Sequence[str], begin: int, end: int, timeframe: int) -> pl.DataFrame:
        """As `History` says.

        Raises:
            HistoryError: if every source failed, with what each said.
        """
        self.attempts, missing, parts = [], list(symbols), []
        for source in self.sources:
            if not missing:
                break
            frame, attempt = _attempt(source, missing, begin, end, timeframe)
            self.attempts.append(attempt)
            if frame is not None:
                parts.append(frame)
                there = set(frame["symbol"].unique())
                missing = [symbol for symbol in missing if symbol not in there]
        if not parts:
            raise HistoryError(
                f"history: no source gave bars: {'; '.join(map(str, self.attempts))}. Look at keys, plans and network"
            )
        return pl.concat(parts).sort("ts", maintain_order=True)


def _attempt(
    source: History, symbols: Sequence[str], begin: int, end: int, timeframe: int
) -> tuple[pl.DataFrame | None, Attempt]:
    asked = tuple(symbols)
    try:
        answer = source.bars(symbols, begin, end, timeframe)
    except FeedError as error:
        return None, Attempt(source.name, asked, 0, str(error))
    passed = checked(answer, symbols, begin, end)
    if not passed.frame.height and not passed.refused:
        return passed.frame, Attempt(source.name, asked, 0, "it has none")
    if len(passed.refused) > REFUSABLE * answer.height:
        why = f"{len(passed.refused)} of {answer.height} rows are impossible, the first: {passed.refused[0]}"
        return None, Attempt(source.name, asked, 0, why)
    found = quality(passed.frame.drop("ts_event"), SUSPECT)
    notes = [*passed.refused[:1], *str(found).splitlines()[1:3]] if not found.good else list(passed.refused[:1])
    return passed.frame, Attempt(source.name, asked, passed.frame.height, "; ".join(notes))
