"""The one door for files: whose format it is, what rows it holds, and which were left out.

frame = read(path)            rows, ready for quantlib.bars, trades, quotes, books, chains
rows = load(path)             the same with format, clock and what was dropped, and why
for rows in scan(path): ...   piece by piece, for files larger than memory
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from quantlib.core import nearest
from quantlib.data import generic
from quantlib.data.fit import fit
from quantlib.data.format import DROPPED, Ask, DataError, Format, Rows
from quantlib.data.formats import FORMATS
from quantlib.data.lengths import span
from quantlib.data.sources import PACKED, Member, glimpse, members
from quantlib.data.text import LONGEST
from quantlib.schema import moment
from quantlib.table import bars

BLOCK = 1 << 25  # bytes of text at a time; what is in hand is about ten times that


class DroppedRows(UserWarning):
    """Rows of a file that were left out of what `read` gave."""


def read(
    path: str | Path, symbol: str | None = None, *, starts: str | None = None, clock: str | None = None
) -> pl.DataFrame:
    """Rows of a file, ready for the door of their clock (`quantlib.bars`, `trades`, `quotes`, `books`, `chains`).

    Formats are told apart by what is inside (`quantlib.data.FORMATS`, and the page on readers), packed in zip, gz, xz
    or zst or not.  Rows that break a rule of their clock are left out with a warning; `load` says which.

    Bars of no vendor in particular, parquet or CSV: column names are recognised in any case and by their common
    synonyms (Date, time, timestamp, Open, vol, ticker, …); further columns keep their names in lower case.  Stamps may
    be instants, dates, ISO text or epochs in s, ms, us or ns.  A stamp is taken for the bar's end, when we knew it,
    unless it is called `open_time` or `starts` is given: then it becomes `ts_event` and the bar is known one length
    later.  The length is `starts`, else what a `close_time` says, else the smallest step between stamps.  A date is
    known when its day is over in UTC.  Such bars break no rule, or the file is refused.

    Args:
        path: a file.
        symbol: the name of rows in a file that has none for them; by default from the file's name.
        starts: the bars' length, such as "1m" or "1d", if stamps are their first moments.
        clock: which rows, of a file that holds several kinds: "trade", "quote", "book", …

    Returns:
        ts (and ts_event) as Datetime in UTC, symbol, the clock's columns as float64, and what else there is.

    Raises:
        DataError: if there is no such file, it is of no known format or cut short, or a stamp cannot be read.
        TableError: if a column is missing, or bars of no vendor break a rule.
    """
    rows = load(path, symbol, starts=starts, clock=clock)
    if rows.dropped.height:
        first = rows.dropped.row(0, named=True)
        warnings.warn(
            f"read: {rows.dropped.height} rows of {path} were dropped, the first on line {first['line']} "
            f"({first['rule']}: {first['values']}); quantlib.data.load(path).dropped tells all",
            DroppedRows,
            stacklevel=2,
        )
    return rows.frame


def load(
    path: str | Path,
    symbol: str | None = None,
    *,
    starts: str | None = None,
    clock: str | None = None,
    block: int = BLOCK,
) -> Rows:
    """Rows of a file with their format and clock, and what was dropped; as `read`."""
    found = list(_pieces(Path(path), symbol, starts, clock, block))
    frames = [rows.frame for rows in found if rows.frame.width]
    frame = pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()
    if frame.width and not frame["ts"].is_sorted():
        frame = frame.sort(
            ["ts", "symbol"] if found[0].format == generic.FORMATS[0].name else ["ts"], maintain_order=True
        )
    notes = dict.fromkeys(note for rows in found for note in rows.notes)
    dropped = pl.concat([rows.dropped for rows in found]).sort("member", "line", maintain_order=True)
    return Rows(found[0].format, found[0].clock, frame, dropped, tuple(notes))


def scan(
    path: str | Path,
    symbol: str | None = None,
    *,
    starts: str | None = None,
    clock: str | None = None,
    block: int = BLOCK,
) -> Iterator[Rows]:
    """Rows of a file piece by piece, in order of ts, with memory for a piece only; otherwise as `load`.

    Bars of no vendor in particular, an option zip of LEAN and a page of Alpaca come as one piece.

    Args:
        path, symbol, starts, clock: as for `read`.
        block: bytes of text (unpacked) read at a time.

    Raises:
        DataError: also if a piece begins before the one before it ended: such a file must be read at once.
        ValueError: if block is less than 1.
    """
    last = None
    for rows in _pieces(Path(path), symbol, starts, clock, block):
        if rows.frame.height:
            first = rows.frame["ts"][0]
            if last is not None and first < last:
                at = moment(rows.frame["ts"].head(1).to_physical()[0])
                raise DataError(f"scan: {path} goes back in time at {at}; read it at once: quantlib.read(path)")
            last = rows.frame["ts"][-1]
        yield rows


def format_of(path: str | Path) -> Format:
    """Whose format a file is.

    Raises:
        DataError: if there is no such file, or it is of no known format.
    """
    return _known(Path(path))[0]


def _known(path: Path) -> tuple[Format, list[Member], pl.DataFrame]:
    """The one format of a file, its members, and those of no format, as `dropped` tells them."""
    streams = members(path)
    seen = [glimpse(path, [stream]) for stream in streams]
    kinds = [next((one for one in FORMATS if one.known(each)), None) for each in seen]
    vendors = list(dict.fromkeys(kind for kind in kinds if kind and kind not in generic.FORMATS))
    if len(vendors) > 1:
        first, second = (f"{streams[kinds.index(kind)].name} ({kind.name})" for kind in vendors[:2])
        raise DataError(f"read: {path} holds files of two kinds, {first} and {second}; unpack it and read each")
    found = vendors[0] if vendors else next((kind for kind in kinds if kind), None)
    if found is None:
        names = ", ".join(dict.fromkeys(one.name.split()[0] for one in FORMATS[:-1]))
        raise DataError(
            f"read: {path} is of unknown kind {Path(seen[0].member).suffix!r}; known are "
            f"{', '.join((*generic.PARQUET, *generic.CSV))} with bars, and files of {names}"
        )
    strays = [
        (stream.name, 1, f"the member is no {found.name}", "".join(each.lines[:1])[:LONGEST])
        for stream, each, kind in zip(streams, seen, kinds, strict=True)
        if kind is not found
    ]
    ours = [stream for stream, kind in zip(streams, kinds, strict=True) if kind is found]
    return found, ours, pl.DataFrame(strays, DROPPED, orient="row")


def _pieces(path: Path, symbol: str | None, starts: str | None, clock: str | None, block: int) -> Iterator[Rows]:
    if block < 1:
        raise ValueError(f"read: block must be at least 1 byte, got {block}")
    if starts is not None:
        span(starts)
    one, streams, strays = _known(path)
    clock = clock or one.clocks[0]
    if clock not in one.clocks:
        raise DataError(
            f"read: {path} ({one.name}) holds {' and '.join(one.clocks)} rows, no {clock} rows."
            f"{nearest(clock, one.clocks)}"
        )
    ask = Ask(str(path), clock, symbol or _name(path, one), starts, block)
    some = strays.height > 0
    if some:
        yield Rows(one.name, clock, pl.DataFrame(), strays)
    for piece in one.pieces(streams, ask):
        some = True
        if one in generic.FORMATS:
            frame = (
                piece.frame.sort("ts", "symbol", maintain_order=True) if "ts" in piece.frame.columns else piece.frame
            )
            bars(frame)
            yield Rows(one.name, clock, frame, piece.dropped)
            continue
        fitted, notes = fit(clock, piece)
        frame = fitted.frame.drop("line", "member", strict=False)
        yield Rows(one.name, clock, frame, _whose(fitted.dropped, streams), tuple(notes))
    if not some:
        yield Rows(one.name, clock, pl.DataFrame(), pl.DataFrame(schema=DROPPED))


def _whose(dropped: pl.DataFrame, streams: list[Member]) -> pl.DataFrame:
    """What was dropped, of the file's one member where nothing else is said."""
    return dropped.with_columns(pl.lit(streams[0].name).alias("member")) if len(streams) == 1 else dropped


def _name(path: Path, one: Format) -> str:
    """The symbol that a file's name says: all before the first point, and of Binance's dumps before the first dash."""
    name = path.name
    while Path(name).suffix.lower() in PACKED:
        name = Path(name).stem
    name = name.split(".")[0]
    return name.split("-")[0] if one.name.startswith("binance") else name
