"""A user's own bars from parquet or CSV: column names recognised, stamps made instants, broken files refused."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from quantlib.arrays import instants
from quantlib.schema import BAR, moment, plain, synonym
from quantlib.table import bars

PARQUET, CSV = (".parquet", ".pq"), (".csv", ".txt")
EPOCHS = (("s", 10**8, 10**10), ("ms", 10**11, 10**13), ("us", 10**14, 10**16))  # years 1973 to 2286; larger is ns
NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3}


class DataError(ValueError):
    """A file that cannot be read as what it should be: which file, what is wrong, and the cure."""


def read(path: str | Path, symbol: str | None = None, *, starts: str | None = None) -> pl.DataFrame:
    """Bars of a parquet or CSV file, ready for `quantlib.bars`.

    Column names are recognised in any case and by their common synonyms (Date, time, timestamp, Open, vol, ticker, …);
    further columns keep their names in lower case.  Stamps may be instants, dates, ISO text or epochs in s, ms, us or
    ns.  Rows are sorted by ts and symbol.

    A stamp is taken for the bar's end, when we knew it, unless it is called `open_time` or `starts` is given: then it
    becomes `ts_event` and the bar is known one length later.  The length is `starts`, else what a `close_time`
    says, else the smallest step between stamps.  A date is known when its day is over in UTC.

    Args:
        path: a file ending in .parquet, .pq, .csv or .txt.
        symbol: the name of bars in a file that has no column for it; by default the file's name.
        starts: the bars' length, such as "1m" or "1d", if stamps are their first moments.

    Returns:
        ts and ts_event as Datetime in UTC, symbol, open, high, low, close, volume if there is one, and the rest.

    Raises:
        DataError: if there is no such file, it is cut short or of another kind, or a stamp cannot be read.
        TableError: if a column is missing or a bar breaks a rule.
    """
    path = Path(path)
    frame = _renamed(_whole(path))
    if starts is not None and "ts" in frame.columns and "ts_event" not in frame.columns:
        frame = frame.rename({"ts": "ts_event"})
    for name in ("ts_event", "ts"):
        if name in frame.columns:
            frame = frame.with_columns(_stamps(path, frame[name]))
    if "ts" not in frame.columns and "ts_event" in frame.columns:
        frame = frame.with_columns(
            (pl.col("ts_event") + _length(path, frame["ts_event"], starts)).cast(pl.Datetime("ns", "UTC")).alias("ts")
        )
    if "symbol" not in frame.columns:
        frame = frame.with_columns(pl.lit(symbol or path.name.split(".")[0]).alias("symbol"))
    if "ts" in frame.columns:
        frame = frame.sort("ts", "symbol", maintain_order=True)
    bars(frame)
    return _ordered(frame)


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    """The schema's columns first and as float64, then the others."""
    first = [n for n in BAR.names if n in frame.columns]
    prices = [n for n in BAR.market if n in frame.columns]
    return frame.select(*first, pl.exclude(first)).with_columns(pl.col(prices).cast(pl.Float64))


def _whole(path: Path) -> pl.DataFrame:
    """The file's rows, or a refusal of a file that is missing, of another kind or cut short."""
    if not path.is_file():
        raise DataError(f"read: there is no file {path}")
    if path.suffix.lower() not in (*PARQUET, *CSV):
        raise DataError(f"read: {path} is of unknown kind {path.suffix!r}; known are {', '.join((*PARQUET, *CSV))}")
    if path.stat().st_size == 0:
        raise DataError(f"read: {path} is empty; its writer was probably stopped: write it again")
    try:
        if path.suffix.lower() in PARQUET:
            return pl.read_parquet(path)
        _last_line(path)
        return pl.read_csv(path, try_parse_dates=True, infer_schema_length=10_000)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"read: {path} is cut short or no {path.suffix} file ({reason}); write it again") from error


def _last_line(path: Path) -> None:
    """Refuse a CSV whose last line has fewer fields than its header: polars would fill them with nulls."""
    with path.open("rb") as file:
        header = file.readline().decode()
        file.seek(max(file.tell(), path.stat().st_size - 65_536))
        tail = file.read().decode(errors="replace")
    lines = tail.splitlines()
    if lines and lines[-1].count(",") < header.count(","):
        have, want = lines[-1].count(",") + 1, header.count(",") + 1
        raise DataError(
            f"read: {path} is cut short: its last line has {have} of {want} fields ({lines[-1]!r}); "
            f"write it again, or drop that line"
        )


def _renamed(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the schema's names where synonyms stood, and all others in lower case."""
    found: dict[str, str] = {}
    for name in BAR.names:
        free = [c for c in frame.columns if c not in found]
        near = name if name in free else synonym(name, free)
        if near is not None and not (name == "close" and plain(near) == "adj_close"):
            found[near] = name
    names = {c: found.get(c, plain(c)) for c in frame.columns}
    return frame.rename(names) if len(set(names.values())) == len(names) else frame.rename(found)


def _stamps(path: Path, stamps: pl.Series) -> pl.Series:
    """Instants in UTC from instants, dates, text or epochs."""
    if stamps.dtype == pl.String:
        try:
            stamps = stamps.str.to_datetime(time_unit="ns")
        except pl.exceptions.PolarsError as error:
            raise DataError(f"read: {path} has stamps like {stamps[0]!r}, which are no ISO dates or times") from error
    if stamps.dtype.is_numeric():
        largest = stamps.max()
        unit = next((u for u, low, high in EPOCHS if low <= abs(largest or 0) < high), None)  # type: ignore[arg-type,operator]
        stamps = (stamps * NANOSECONDS[unit]).cast(pl.Int64) if unit else stamps
    values = instants(f"read: {path}", stamps.name, stamps)
    return pl.Series(stamps.name, values).cast(pl.Datetime("ns", "UTC"))


def _length(path: Path, starts_at: pl.Series, starts: str | None) -> pl.Expr:
    """How long bars are: as said, or the smallest step between their first moments."""
    if starts is not None:
        if not re.fullmatch(r"\d+(s|m|h|d|w)", starts):
            raise DataError(f"read: starts is a length such as '1m', '4h' or '1d', got {starts!r}")
        units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
        return pl.duration(**{units[starts[-1]]: int(starts[:-1])}, time_unit="ns")
    step = starts_at.unique().sort().diff().drop_nulls().min()
    if step is None:
        only = moment(starts_at.to_physical()[0]) if len(starts_at) else "none"
        raise DataError(f"read: {path} has one open_time only ({only}); say how long its bars are: starts='1m'")
    return pl.lit(step)
