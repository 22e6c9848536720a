"""Rows that a stream did not bring: what happened before it began, and while it was away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.errors import FeedError, HistoryError
from live.feeds.calendar import Calendar
from live.feeds.history import DAY, History, checked, records
from live.feeds.mailbox import Filled, Gap
from live.feeds.protocol import Incident
from quantlib.schema import moment

GENEROUS = 2  # times the horizon is asked for, as quiet symbols have no bar in many a minute


class Backfill:
    """Asks a history and answers with letters; it never raises, since its caller has a market to listen to.

    Args:
        history: source of bars.
        symbols: names in the order of their codes.
        layout: dtype of the row records.
        timeframe: length of a bar, ns.
        inside: of bars' `ts` and codes, which are of hours that count.
    """

    def __init__(
        self, history: History, symbols: Sequence[str], layout: np.dtype[Any], timeframe: int,
        inside: Callable[[NDArray[Any], NDArray[Any]], NDArray[np.bool_]],
    ) -> None:  # fmt: skip
        self.history, self.symbols, self.layout, self.timeframe = history, tuple(symbols), layout, timeframe
        self.inside = inside
        self._codes: Mapping[str, int] = {name: k for k, name in enumerate(symbols)}

    def gap(self, symbols: Sequence[str], begin: int, end: int, fresh: int) -> Filled:
        """Rows known after `begin` and until `end`; those from `fresh` on may still be decided on."""
        try:
            rows, incidents = self._asked(symbols, begin, end)
        except FeedError as error:
            text = f"feed: {moment(begin)} to {moment(end)} is not filled yet: {error}"
            open_gap = Gap(tuple(symbols), begin)
            return Filled(np.empty(0, self.layout), fresh, "gap", (Incident("history", text),), open_gap)
        return Filled(rows, fresh, "gap", tuple(incidents))

    def warm_up(self, begins: Mapping[str, int], end: int, horizon: int) -> Filled:
        """The last `horizon` rows of each symbol until `end`, looked for from its own beginning on.

        None of them is decided on.
        """
        parts: list[NDArray[Any]] = []
        incidents: list[Incident] = []
        for begin in sorted(set(begins.values())):
            symbols = [symbol for symbol in begins if begins[symbol] == begin]
            try:
                rows, said = self._asked(symbols, begin, end)
            except FeedError as error:
                incidents.append(Incident("history", f"feed: nothing to warm {', '.join(symbols[:5])} up on: {error}"))
                continue
            parts.append(rows)
            incidents += said
        rows = np.concatenate([np.empty(0, self.layout), *parts])
        rows = rows[np.lexsort((rows["symbol"], rows["ts"]))]
        newest_first = np.arange(len(rows))[::-1]
        kept = np.zeros(len(rows), np.bool_)
        for name, code in self._codes.items():
            of = newest_first[rows["symbol"][newest_first] == code][:horizon]
            kept[of] = True
            if len(of) < horizon and name in begins:
                text = f"feed: {name} has {len(of)} of the {horizon} rows to warm up on; it trades once it has them"
                incidents.append(Incident("warm-up", text, name))
        return Filled(rows[kept], end + 1, "warm-up", tuple(incidents))

    def _asked(self, symbols: Sequence[str], begin: int, end: int) -> tuple[NDArray[Any], list[Incident]]:
        try:
            answer = self.history.bars(symbols, begin, end, self.timeframe)
            passed = checked(answer, symbols, begin, end)
        except FeedError:
            raise
        except Exception as error:  # a source may be anybody's, and its thread must not die unsaid
            raise HistoryError(f"{self.history.name}: {type(error).__name__} {error}") from error
        incidents = [Incident("refused", f"feed: {self.history.name}: {text}") for text in passed.refused]
        attempts = getattr(self.history, "attempts", ())
        incidents += [Incident("history", f"feed: {attempt}") for attempt in attempts if attempt.why]
        rows = records(passed.frame, self._codes, self.layout)
        return rows[self.inside(rows["ts"], rows["symbol"])], incidents


def begin_of(calendar: Calendar | None, end: int, rows: int, timeframe: int) -> int:
    """From when on a symbol should have had `rows` rows until `end`; without a calendar it trades always."""
    duration = GENEROUS * rows * timeframe
    if calendar is None or timeframe >= DAY:
        return end - duration
    return calendar.back(end, duration)
