"""The tape in polars: whole ticks and lots become prices and sizes, microseconds of session become instants."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib.synthetic.arrivals import MICRO
from quantlib.synthetic.engine import Told
from quantlib.synthetic.plants import BOTH, KINDS

BEGUN = 1_704_205_800_000_000_000  # 2024-01-02T14:30:00Z: the first open
DAY = 86_400_000_000_000
DELAY = 500  # ns from an event to the quote and the book that show it; its trades are known at once


class Units(NamedTuple):
    """What a tick, a lot and a microsecond are."""

    prices: NDArray[np.float64]  # of each tick
    lot: float
    session: float  # seconds

    def instants(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Nanoseconds UTC of microseconds in session: a session a day."""
        day, rest = np.divmod(at, round(self.session * MICRO))
        return BEGUN + day * DAY + rest * 1000

    def framed(self, at: NDArray[np.int64], happened: NDArray[np.int64], columns: dict[str, Any]) -> pl.DataFrame:
        """Rows with `ts` and `ts_event` before their columns."""
        moments = pl.Datetime("ns", "UTC")
        head = [pl.Series("ts", at).cast(moments), pl.Series("ts_event", happened).cast(moments)]
        return pl.DataFrame([*head, *(pl.Series(name, column) for name, column in columns.items())])


def trades(tape: Told, rows: int, units: Units) -> pl.DataFrame:
    """One row for each price at which a taker traded."""
    at = units.instants(tape.at[:rows])
    columns = {
        "price": units.prices[tape.tick[:rows]],
        "size": units.lot * tape.lots[:rows],
        "side": tape.aggressor[:rows].astype(np.float64),
    }
    return units.framed(at, at, columns)


def quotes(tape: Told, rows: int, units: Units) -> pl.DataFrame:
    """One row for each change of the best prices or of what rests there."""
    at, quote = units.instants(tape.quote_at[:rows]), tape.quote[:rows]
    columns = {
        "bid": units.prices[quote[:, 0]],
        "ask": units.prices[quote[:, 1]],
        "bid_size": units.lot * quote[:, 2],
        "ask_size": units.lot * quote[:, 3],
    }
    return units.framed(at + DELAY, at, columns)


def books(tape: Told, rows: int, units: Units, delay: int) -> pl.DataFrame:
    """One row for each state of the book."""
    levels = len(tape.book) // 4
    columns = {}
    for k in range(levels):
        for part, stem in enumerate(("bid", "bid_size", "ask", "ask_size")):
            columns[f"{stem}_{k}"] = tape.book[part * levels + k, :rows]
    at, last = units.instants(tape.book_at[:rows]), units.instants(tape.book_last[:rows])
    return units.framed(at + delay, last, columns)


def truth(planned: NDArray[Any], units: Units) -> pl.DataFrame:
    """One row for each plant."""
    moments = pl.Datetime("ns", "UTC")
    order = np.argsort(planned["begin"], kind="stable")
    p = planned[order]
    sided = np.where(p["side"] == BOTH, 0, 1 - 2 * p["side"])
    return pl.DataFrame(
        {
            "kind": pl.Series(np.array(KINDS)[p["kind"]].tolist(), dtype=pl.String),
            "side": sided.astype(np.int64),
            "ts_begin": pl.Series(units.instants(p["begin"])).cast(moments),
            "ts_end": pl.Series(units.instants(p["end"])).cast(moments),
            "price": units.prices[p["tick"]],
            "size": units.lot * p["lots"],
            "hidden": units.lot * p["reserve"],
            "executed": units.lot * p["executed"],
            "refills": p["refills"],
        }
    )
