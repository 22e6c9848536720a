"""Rows as the door of their clock wants them: what breaks a rule is taken out and told, the rest passes whole."""

from __future__ import annotations

import polars as pl

from quantlib import rules
from quantlib.arrays import codes, converted, require
from quantlib.data.format import Piece, told
from quantlib.rules import Broken
from quantlib.schema import Schema, levels_of, schema_of

MARKETS = ("bar", "trade", "quote", "book", "chain")
BLOCK = 4096  # rows checked together once one of them is broken


def fit(clock: str, piece: Piece) -> tuple[Piece, list[str]]:
    """The piece in order of ts without rows that break a rule of their clock, and notes on what was set right.

    Raises:
        TableError: if a column is missing or holds what it cannot.
    """
    frame, notes = _events_before(piece.frame)
    if "ts" in frame.columns and not frame["ts"].is_sorted():
        frame = frame.sort("ts", maintain_order=True)
    if clock not in MARKETS or not frame.height:
        return Piece(frame, piece.dropped), notes
    schema = schema_of(clock, max(1, levels_of(frame.columns)))
    frame = frame.with_columns(pl.col(n).cast(pl.Float64) for n in schema.market if n in frame.columns)
    dropped = [piece.dropped]
    if clock == "bar":
        again = ~frame.select(pl.struct("ts", "symbol").is_first_distinct()).to_series()
        dropped.append(told(frame.filter(again), "repeats a bar of its symbol", ["ts", "symbol"]))
        frame = frame.filter(~again)
    bad = _broken(schema, frame)
    for row, broken in bad.items():
        rule = broken.rule
        what = f"{rule.column} {rule.relation} {rule.other}: " if rule.other else ""
        columns = [name for name in (rule.column, rule.other) if name]
        dropped.append(told(frame.slice(row, 1), what + rule.reason, columns))
    if bad:
        frame = frame.with_row_index("row").filter(~pl.col("row").is_in(list(bad))).drop("row")
    return Piece(frame, pl.concat(dropped)), notes


def _events_before(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Rows whose event is after we knew of it, which clocks that disagree make: it is as early as it can be."""
    if "ts_event" not in frame.columns or "ts" not in frame.columns:
        return frame, []
    after = int((frame["ts_event"] > frame["ts"]).sum())
    if not after:
        return frame, []
    note = f"ts_event was after ts in {after} rows, and is ts there: the local clock was behind"
    return frame.with_columns(pl.min_horizontal("ts", "ts_event").alias("ts_event")), [note]


def _broken(schema: Schema, frame: pl.DataFrame) -> dict[int, Broken]:
    """The rows that break a rule of their own values, and which."""
    given = {name: frame[name] for name in frame.columns if name != "line"}
    require(schema, list(given))
    columns = converted(schema, given)
    names, columns["symbol"] = codes(schema.door, given["symbol"], None)
    first = rules.broken(schema, columns, rules.unseen(len(names)))
    bad: dict[int, Broken] = {}
    row = first.row
    while 0 <= row < frame.height:
        until = min(row - row % BLOCK + BLOCK, frame.height)
        part = {name: column[row:until] for name, column in columns.items()}
        broken = rules.broken(schema, part, rules.unseen(len(names)))
        if broken.row >= 0:
            bad[row + broken.row] = broken
        row = until if broken.row < 0 else row + broken.row + 1
    return bad
