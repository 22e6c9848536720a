"""Bars from parquet or CSV of no vendor in particular: column names recognised, stamps made instants.

Three that need to be told apart, since their stamps mean something else than a bar's end in UTC:

    yfinance       Datetime (or Price, with two more lines of head) is the bar's first moment
    Alpha Vantage  newest first, in New York's time; the bar's end
    Polygon        window_start, or timestamp beside vwap and transactions, is the bar's first moment
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from quantlib.arrays import instants
from quantlib.data.format import Ask, DataError, Format, Piece
from quantlib.data.lengths import length
from quantlib.data.sources import BROKEN, Glimpse, Member, cut_short
from quantlib.data.stamps import INSTANT, NEW_YORK, epoch, iso, not_iso
from quantlib.schema import BAR, plain, synonym

PARQUET, CSV = (".parquet", ".pq"), (".csv", ".txt")
BARS = {"open", "high", "low", "close", "volume"}


def _is_bars(glimpse: Glimpse) -> bool:
    return Path(glimpse.member).suffix.lower() in (*PARQUET, *CSV)


def _pieces(members: list[Member], ask: Ask) -> Iterator[Piece]:
    for member in members:
        frame = _prepared(ask.path, _whole(member, ask.path))
        frame = _timed(_renamed(frame), ask)
        if "symbol" not in frame.columns:
            frame = frame.with_columns(pl.lit(ask.symbol).alias("symbol"))
        yield Piece(_ordered(frame))


def _whole(member: Member, path: str) -> pl.DataFrame:
    """A member's rows, or a refusal of what is cut short or of another kind."""
    suffix = Path(member.name).suffix.lower()
    try:
        with member.open() as stream:
            data = stream.read()
        if suffix in PARQUET:
            return pl.read_parquet(data)
        _last_line(path, data)
        return _dated(pl.read_csv(data, infer_schema_length=10_000, skip_rows_after_header=_more_head(data)))
    except BROKEN as error:
        raise cut_short(Path(path), error) from error
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"read: {path} is cut short or no {suffix} file ({reason}); write it again") from error


def _last_line(path: str, data: bytes) -> None:
    """Refuse a CSV whose last line has fewer fields than its header: polars would fill them with nulls."""
    header = data[: data.find(b"\n")].decode()
    lines = data[-65_536:].decode(errors="replace").splitlines()
    if lines and lines[-1].count(",") < header.count(","):
        have, want = lines[-1].count(",") + 1, header.count(",") + 1
        raise DataError(
            f"read: {path} is cut short: its last line has {have} of {want} fields ({lines[-1]!r}); "
            f"write it again, or drop that line"
        )


def _more_head(data: bytes) -> int:
    """yfinance writes the ticker and the index's name in two further lines of head."""
    first = data[:4096].splitlines()
    return 2 if len(first) > 2 and first[0].startswith(b"Price,") and first[1].startswith(b"Ticker,") else 0


def _dated(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns of ISO dates or times as such; other text stays what it is."""
    text = [column for column in frame.iter_columns() if column.dtype == pl.String]
    return frame.with_columns(iso(c) for c in text if c.null_count() < len(c) and not_iso(c) is None)


def _prepared(path: str, frame: pl.DataFrame) -> pl.DataFrame:
    """A file of the three above with its stamps under names that say what they mean."""
    names = frame.columns
    if names[0] == "Price" and set(map(str.lower, names[1:])) >= BARS - {"volume"}:
        frame = frame.rename({"Price": "Date" if frame.dtypes[0] == pl.Date else "Datetime"})
    if frame.columns[0] == "Datetime" and set(frame.columns) >= {"Open", "High", "Low", "Close"}:
        return frame.rename({"Datetime": "open_time"})
    if "window_start" in names:
        return frame.rename({"window_start": "open_time"})
    if {"vwap", "timestamp", "transactions"} <= set(names):
        return frame.rename({"timestamp": "open_time"})
    if names[0] in ("timestamp", "datetime") and set(names[1:]) == BARS and frame[names[0]].dtype == pl.Datetime:
        stamp = frame[names[0]]
        if len(stamp) > 1 and stamp.is_sorted(descending=True) and stamp.dtype.time_zone is None:  # type: ignore[attr-defined]
            return frame.with_columns(_in_new_york(path, stamp))
    return frame


def _in_new_york(path: str, stamps: pl.Series) -> pl.Series:
    """Naive stamps, newest first, as Alpha Vantage writes New York's time."""
    local = stamps.dt.replace_time_zone(NEW_YORK, ambiguous="earliest", non_existent="null")
    none = stamps.filter(local.is_null() & stamps.is_not_null())
    if none.len():
        raise DataError(
            f"read: {path} is newest first, as Alpha Vantage writes New York's time, but no clock there showed "
            f"{none[0]}; if its stamps are in UTC, write it oldest first"
        )
    return local


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


def _timed(frame: pl.DataFrame, ask: Ask) -> pl.DataFrame:
    """The frame with ts, and ts_event where stamps are first moments."""
    if ask.starts is not None and "ts" in frame.columns and "ts_event" not in frame.columns:
        frame = frame.rename({"ts": "ts_event"})
    for name in ("ts_event", "ts"):
        if name in frame.columns:
            frame = frame.with_columns(_stamps(ask.path, frame[name]))
    if "ts" not in frame.columns and "ts_event" in frame.columns:
        end = pl.col("ts_event") + length(ask.path, frame["ts_event"], ask.starts)
        frame = frame.with_columns(end.cast(INSTANT).alias("ts"))
    return frame


def _stamps(path: str, stamps: pl.Series) -> pl.Series:
    """Instants in UTC from instants, dates, text or epochs."""
    if stamps.dtype == pl.String:
        bad = not_iso(stamps)
        if bad is not None:
            raise DataError(
                f"read: {path} has stamps like {bad!r}, which are no ISO dates or times of one form; "
                f"write them as 2024-01-31, 2024-01-31T14:30:00 or 2024-01-31T14:30:00Z"
            )
        stamps = iso(stamps)
    if stamps.dtype.is_numeric():
        made = pl.select(epoch(pl.lit(stamps)).cast(pl.Int64)).to_series().alias(stamps.name)
        never = stamps.filter(made.is_null() & stamps.is_not_null())
        if never.len():
            raise DataError(f"read: {path} has the stamp {never[0]}, which is no time from 1677 to 2262 in any unit")
        stamps = made
    values = instants(f"read: {path}", stamps.name, stamps)
    return pl.Series(stamps.name, values).cast(INSTANT)


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    """The schema's columns first and as float64, then the others."""
    first = [n for n in BAR.names if n in frame.columns]
    prices = [n for n in BAR.market if n in frame.columns]
    return frame.select(*first, pl.exclude(first)).with_columns(pl.col(prices).cast(pl.Float64))


FORMATS = (Format("bars", ("bar",), _is_bars, _pieces),)
