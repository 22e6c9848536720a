"""Databento's own encoding, DBN: a head that names instruments, then records of one fixed length.

The head and the records' layout come from their package `databento-dbn` (the extra `databento`); records are read as
one array, not one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from quantlib.data.databento import defined, mapped, priced
from quantlib.data.format import Ask, DataError, Format, Piece
from quantlib.data.sources import BROKEN, Glimpse, Member, cut_short

MAGIC = b"DBN"
RECORDS = {  # by schema
    "mbo": "MBOMsg", "mbp-1": "MBP1Msg", "tbbo": "MBP1Msg", "mbp-10": "MBP10Msg", "trades": "TradeMsg",
    "ohlcv-1s": "OHLCVMsg", "ohlcv-1m": "OHLCVMsg", "ohlcv-1h": "OHLCVMsg", "ohlcv-1d": "OHLCVMsg",
}  # fmt: skip
SCHEMA = slice(24, 26)  # of the head: version 1 byte after the magic, length 4, dataset 16, then the schema
SCHEMAS = ("mbo", "mbp-1", "mbp-10", "tbbo", "trades", "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d")


def schema(glimpse: Glimpse) -> str:
    """Which of SCHEMAS a file holds by its head; nothing if it is no DBN file or holds another."""
    if not glimpse.head.startswith(MAGIC) or len(glimpse.head) < SCHEMA.stop:
        return ""
    number = int.from_bytes(glimpse.head[SCHEMA], "little")
    return SCHEMAS[number] if number < len(SCHEMAS) else ""


def _package(path: str) -> Any:
    try:
        import databento_dbn
    except ModuleNotFoundError as error:
        raise DataError(
            f"read: {path} is in DBN, which needs the package databento-dbn; "
            f"install the extra: pip install 'quantlib-parity[databento]'"
        ) from error
    return databento_dbn


def pieces(members: list[Member], ask: Ask) -> Iterator[Piece]:
    """Records in blocks, as rows of the clock asked for."""
    package, line = _package(ask.path), 1
    for member in members:
        try:
            with member.open() as stream:
                head = _head(stream, package)
                layout = np.dtype(getattr(package, RECORDS[str(head.schema)])._dtypes)
                for records in _records(stream, layout, ask):
                    frame = _frame(records, line).join(
                        _symbols(head), on="instrument_id", how="left", maintain_order="left"
                    )
                    yield Piece(mapped(_named(frame), ask.clock))
                    line += len(records)
        except BROKEN as error:
            raise cut_short(Path(ask.path), error) from error


def _head(stream: IO[bytes], package: Any) -> Any:
    start = stream.read(8)
    return package.Metadata.decode(start + stream.read(int.from_bytes(start[4:], "little")))


def _records(stream: IO[bytes], layout: np.dtype[Any], ask: Ask) -> Iterator[np.ndarray]:
    """Whole records, about a block at a time."""
    size, rest = layout.itemsize, b""
    while got := stream.read(max(size, ask.block)):
        data = rest + got
        whole = len(data) // size * size
        rest = data[whole:]
        records = np.frombuffer(data[:whole], layout)
        other = records["length"].astype(np.int64) * 4 != size
        if other.any():
            raise DataError(
                f"read: {ask.path} holds records of several kinds, the first other one at {int(other.argmax())}; "
                f"files of one schema are read, as historical requests give them"
            )
        if len(records):
            yield records
    if rest:
        raise DataError(
            f"read: {ask.path} is cut short: its last record has {len(rest)} of {size} bytes; fetch it again"
        )


def _frame(records: np.ndarray, line: int) -> pl.DataFrame:
    """Records as columns: prices in money, stamps as int64, letters as text, `line` the record's number."""
    columns = {}
    for name in records.dtype.names or ():
        column = np.ascontiguousarray(records[name])
        kind = column.dtype
        if kind == np.dtype("u8"):
            column = column.view(np.int64)
        columns[name] = pl.Series(name, column.astype(str) if kind.kind == "S" else column)
    frame = pl.DataFrame(columns).with_columns(pl.int_range(line, line + len(records), dtype=pl.Int64).alias("line"))
    return frame.with_columns(defined(pl.col(name), True).alias(name) for name in frame.columns if priced(name))


def _symbols(head: Any) -> pl.DataFrame:
    """Which instrument id had which symbol from which day to which (not included)."""
    rows = [
        (int(interval["symbol"]), name, interval["start_date"], interval["end_date"])
        for name, intervals in head.mappings.items()
        for interval in intervals
        if interval["symbol"].isdigit()
    ]
    kinds = {"instrument_id": pl.UInt32, "mapped": pl.String, "first": pl.Date, "end": pl.Date}
    return pl.DataFrame(rows, kinds, orient="row")


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Records with the symbol of their day; an instrument that the head does not name goes by its id."""
    stamp = "ts_recv" if "ts_recv" in frame.columns else "ts_event"
    day = pl.col(stamp).cast(pl.Datetime("ns")).dt.date()
    valid = (day >= pl.col("first")) & (day < pl.col("end"))
    name = pl.when(valid).then(pl.col("mapped")).otherwise(pl.col("instrument_id").cast(pl.String))
    several = frame.with_columns(name.alias("symbol"), valid.fill_null(False).alias("valid"))
    best = several.sort("line", "valid", descending=[False, True], maintain_order=True)
    return best.unique("line", keep="first", maintain_order=True)


def _is(*schemas: str) -> Any:
    return lambda glimpse: schema(glimpse) in schemas


FORMATS = (
    Format("databento mbo dbn", ("order", "trade"), _is("mbo"), pieces),
    Format("databento mbp-10 dbn", ("book", "trade"), _is("mbp-10"), pieces),
    Format("databento mbp-1 dbn", ("quote", "trade"), _is("mbp-1", "tbbo"), pieces),
    Format("databento trades dbn", ("trade",), _is("trades"), pieces),
    Format("databento ohlcv dbn", ("bar",), _is(*(s for s in SCHEMAS if s.startswith("ohlcv"))), pieces),
)
