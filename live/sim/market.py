"""What is replayed: recorded rows, a clock that goes from timestamp to timestamp, and what is known at it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from live.errors import ConfigError
from live.sim.track import Track
from live.sim.wire import SECOND
from quantlib.table import Table

BEATS = ("bar", "trade", "quote", "book")  # the first of these that there is makes the clock go
RANKS = {"quote": 0, "book": 1, "trade": 2, "bar": 3}  # the order in which rows of one timestamp are told
MINUTE = 60 * SECOND


class News(NamedTuple):
    """Rows that have become known, in the order in which they are told."""

    rank: NDArray[np.int64]  # of their clock, by RANKS
    place: NDArray[np.int64]  # in the table of that clock


class Market:
    """Recorded rows and the replay's clock.

    The clock goes by the timestamps of one of the tables: bars if there are any, else trades, quotes or books.  Rows
    of the others become known with the first timestamp at or after them.  `advance` moves the clock, and what the
    exchange matches are `rows` then; `news` is what there is to tell the world, which only then the world knows.

    Args:
        tables: bars, trades, quotes, books: at most one of each, all with the same symbols.  A symbol with a slash
            is crypto, every other a stock.
        timeframe: of bars, ns; by default the shortest time between two bars of one symbol, a minute if there is none.
        begin: the first moment of the replay, ns UTC: what was before is history; by default all is replayed.

    Raises:
        ConfigError: if tables do not go together.
    """

    def __init__(self, *tables: Table, timeframe: int | None = None, begin: int | None = None) -> None:
        if not tables or any(table.symbols != tables[0].symbols for table in tables):
            raise ConfigError("market: tables must have the same symbols in one order; make each with symbols=")
        if len({table.clock for table in tables} & set(BEATS)) != len(tables):
            kinds = [table.clock for table in tables]
            raise ConfigError(f"market: at most one table each of {', '.join(BEATS)}, got {', '.join(kinds)}")
        self.symbols = tables[0].symbols
        self.timeframe = timeframe or next((shortest(one) for one in tables if one.clock == "bar"), MINUTE)
        self.tracks = {table.clock: Track(table, self.timeframe if table.clock == "bar" else 0) for table in tables}
        self.beat = next(self.tracks[clock] for clock in BEATS if clock in self.tracks)
        self.moments: NDArray[np.int64] = np.unique(self.beat.ts)
        self.step = 0 if begin is None else int(np.searchsorted(self.moments, begin))
        if self.step == len(self.moments):
            raise ConfigError("market: nothing is left to replay; give rows, and a begin before the last of them")
        first = int(self.moments[self.step])
        self.now = first - (self.timeframe if self.beat.clock == "bar" else 1)
        self.known = int(self.moments[self.step - 1]) if self.step else self.now - 1

    @property
    def steps(self) -> int:
        """How many timestamps there are, those of the past included."""
        return len(self.moments)

    @property
    def finished(self) -> bool:
        """Whether the clock stands at the last timestamp."""
        return self.step == self.steps

    def upcoming(self) -> int | None:
        """The next timestamp, ns UTC; None after the last."""
        return None if self.finished else int(self.moments[self.step])

    def advance(self) -> NDArray[Any]:
        """Move the clock to the next timestamp: the records of the clock's table that the exchange matches there.

        Raises:
            ConfigError: if there is no further one.
        """
        if self.finished:
            raise ConfigError("market: the replay has come to its end; ask `finished` first")
        self.now = int(self.moments[self.step])
        self.step += 1
        return self.beat.records(self.beat.past(self.now - 1), self.beat.past(self.now))

    def run(self, ts: int) -> None:
        """Let the clock run towards the next timestamp, as far as `ts`: trades and quotes become known between bars."""
        upcoming = self.upcoming()
        self.now = max(self.now, ts if upcoming is None else min(ts, upcoming - 1))

    def news(self) -> News:
        """Rows that have become known and were not told yet; from now on all know them."""
        ts, rank, place = [], [], []
        for clock, track in self.tracks.items():
            places = np.arange(track.past(self.known), track.past(self.now))
            places = places[track.told[places]]
            ts.append(track.ts[places])
            rank.append(np.full(len(places), RANKS[clock]))
            place.append(places)
        self.known = max(self.known, self.now)
        ranks, places = np.concatenate(rank), np.concatenate(place)
        order = np.lexsort((places, ranks, np.concatenate(ts)))
        return News(ranks[order], places[order])

    def halt(self, symbol: str, begin: int, end: int) -> None:
        """Between two moments, ns UTC, a symbol neither trades nor is told of.

        Raises:
            ConfigError: if there is no such symbol.
        """
        if symbol not in self.symbols:
            raise ConfigError(f"market: no symbol {symbol!r} to halt; there are {', '.join(self.symbols)}")
        for track in self.tracks.values():
            track.silence(symbol, begin, end)


def shortest(table: Table) -> int:
    """The shortest time between two bars of one symbol, ns; a minute if no symbol has two."""
    codes, ts = table.columns["symbol"], table.columns["ts"]
    order = np.argsort(codes, kind="stable")
    gaps = np.diff(ts[order])[np.diff(codes[order]) == 0]
    return int(gaps.min()) if gaps.size else MINUTE
