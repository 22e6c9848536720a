"""Event rows: those rows of a feature in which something happened, with all values that made it.

A feature that tells events writes a column `…_event`: 0 where nothing happened, another number where something did
(which one its docstring says).  Its other outputs are the values behind it.  So an event is no message of another
kind: it is a row, at the `ts` when it was known, and what is true of rows is true of it.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from quantlib.core import Feature, FeatureError, listed, title
from quantlib.table import compute

MARK = "_event"  # how the name of the column that tells events ends


def event_column(feature: Feature) -> str:
    """The output of a feature that tells its events.

    Raises:
        FeatureError: if it has none.
    """
    (feature,) = listed("events", feature)
    for name in feature.outputs:
        if name.endswith(MARK):
            return name
    raise FeatureError(f"events: {title(feature)} tells no events; a feature that does writes a column …{MARK}")


def events(feature: Feature, rows: Any) -> pl.DataFrame:
    """The event rows of a feature.

    Args:
        feature: one that writes a column `…_event`.
        rows: a frame that has the feature's columns already (`compute` puts them there), or rows to compute them on: a
            Table, or whatever the door of the feature's clock takes.

    Returns:
        ts, symbol if rows have it, the event column, the feature's other outputs, then the columns that it reads; one
        row for each event, in the order of the rows.

    Raises:
        FeatureError: if the feature tells no events.
        What `compute` raises.
    """
    told = event_column(feature)
    (feature,) = listed("events", feature)
    done = isinstance(rows, pl.DataFrame) and set(feature.outputs) <= set(rows.columns)
    frame = rows if done else compute(feature, rows)
    values = [name for name in feature.outputs if name != told]
    read = [name for name in dict.fromkeys(feature.inputs) if name in frame.columns and name != "ts"]
    head = [name for name in ("ts", "symbol") if name in frame.columns]
    happened = frame[told].is_not_nan() & (frame[told] != 0.0)
    return frame.filter(happened).select(*head, told, *values, *read)
