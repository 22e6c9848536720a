"""Recorded rows as if they were now: their times are moved alike, so that a session that trades takes them for news."""

from __future__ import annotations

import numpy as np

from live.errors import ConfigError
from live.sim.market import MINUTE
from quantlib.table import Table

TIMES = ("ts", "ts_event")


def moved(table: Table, now: int, begin: int | None = None) -> tuple[Table, int]:
    """A table whose first row from `begin` on is known at the next whole minute; and that minute, ns UTC.

    Args:
        table: of bars; rows before `begin` are moved with it, and are history.
        now: the wall's clock, ns UTC.
        begin: ns UTC, of the recorded times; None: the first row.

    Raises:
        ConfigError: if no row is left to replay.
    """
    ts = table.columns["ts"]
    place = 0 if begin is None else int(np.searchsorted(ts, begin))
    if place == len(ts):
        raise ConfigError("market: nothing is left to replay; give rows, and a begin before the last of them")
    first = (now // MINUTE + 1) * MINUTE
    shift = first - int(ts[place])
    columns = {name: column + shift if name in TIMES else column for name, column in table.columns.items()}
    return Table(table.clock, table.symbols, columns), first
