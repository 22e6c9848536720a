"""Text by whole lines, a block at a time, so that files may be larger than memory.

A line with another number of fields than the rest, and a field that is no number where one should be, is told and
left out: nothing is guessed, and nothing is lost silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from quantlib.data.format import Piece, told
from quantlib.data.sources import BROKEN, Member, cut_short
from quantlib.data.stamps import epoch

NEWLINE, COMMA, LONGEST = 10, 44, 200  # characters of a bad line that are told


def blocks(member: Member, size: int, skip: int = 0) -> Iterator[tuple[int, bytes]]:
    """Whole lines, about `size` bytes at a time, and the number of the first (from 1); `skip` lines are left out.

    Raises:
        DataError: if the stream ends inside what it is packed in.
    """
    line, rest = 1, b""
    with member.open() as stream:
        while True:
            try:
                got = stream.read(size)
            except BROKEN as error:
                raise cut_short(Path(member.name), error) from error
            whole, newline, after = (rest + got).rpartition(b"\n") if got else (rest, b"", b"")
            rest = after
            block = (whole + newline).replace(b"\r", b"")
            first = line
            line += block.count(b"\n")
            while block and skip > first - 1:
                block = block.partition(b"\n")[2]
                first += 1
            if block:
                yield first, block
            if not got:
                return


def header(member: Member) -> list[str]:
    """The fields of a member's first line."""
    with member.open() as stream:
        return stream.readline().decode("utf-8-sig", "replace").strip().split(",")


def tables(member: Member, names: Sequence[str], size: int, skip: int = 0) -> Iterator[Piece]:
    """Lines of comma-separated fields as columns of text under these names, with `line`; an empty field is null.

    A member without rows gives one piece without rows.
    """
    some = False
    for first, block in blocks(member, size, skip):
        some = True
        raw = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
        ends = np.flatnonzero(raw == NEWLINE)
        commas = np.diff(np.searchsorted(np.flatnonzero(raw == COMMA), ends), prepend=0)
        lengths = np.diff(ends, prepend=-1)
        good = commas == len(names) - 1
        numbers = first + np.arange(len(ends))
        bad = ~good & (lengths > 1)
        text = raw.tobytes() if good.all() else raw[np.repeat(good, lengths)].tobytes()
        frame = _parsed(text, names).with_columns(pl.Series("line", numbers[good], pl.Int64))
        yield Piece(frame, _ragged(raw, ends, lengths, np.flatnonzero(bad), numbers, commas, len(names), member.name))
    if not some:
        yield Piece(_parsed(b"", names).with_columns(pl.lit(0, pl.Int64).alias("line")))


def _parsed(text: bytes, names: Sequence[str]) -> pl.DataFrame:
    if not text:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return pl.read_csv(text, has_header=False, infer_schema=False, new_columns=list(names), quote_char=None)


def _ragged(
    raw: np.ndarray, ends: np.ndarray, lengths: np.ndarray, bad: np.ndarray, numbers: np.ndarray, commas: np.ndarray,
    fields: int, member: str,
) -> pl.DataFrame:  # fmt: skip
    texts = [raw[ends[k] - lengths[k] + 1 : ends[k]].tobytes().decode(errors="replace")[:LONGEST] for k in bad]
    rules = [f"has {commas[k] + 1} of {fields} fields" for k in bad]
    columns = {"member": [member] * len(bad), "line": numbers[bad], "rule": rules, "values": texts}
    return pl.DataFrame(columns, schema=Piece(pl.DataFrame()).dropped.schema)


def lines(member: Member, size: int) -> Iterator[pl.DataFrame]:
    """Lines as they are, in a column `text`, with `line`; blank ones are left out."""
    for first, block in blocks(member, size):
        texts = block.decode("utf-8", "replace").split("\n")
        yield (
            pl.DataFrame({"text": texts})
            .with_columns(pl.int_range(first, first + len(texts), dtype=pl.Int64).alias("line"))
            .filter(pl.col("text").str.strip_chars() != "")
        )


def sifted(
    rows: pl.DataFrame, read: Callable[[pl.DataFrame], pl.DataFrame]
) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
    """What `read` makes of rows, and the rows that it cannot read, which are found by halving."""
    try:
        return [read(rows)], []
    except pl.exceptions.PolarsError:
        if rows.height <= 1:
            return [], [rows]
    half = rows.height // 2
    first, second = sifted(rows.head(half), read), sifted(rows.slice(half), read)
    return first[0] + second[0], first[1] + second[1]


def typed(
    piece: Piece, *, number: Sequence[str] = (), whole: Sequence[str] = (), stamp: Sequence[str] = (), member: str = ""
) -> Piece:
    """The piece with columns of text made float64 (`number`) or int64 (`whole`, `stamp`); a row with one that is not
    is told, and so is one with a stamp that is no time from 1970 to 2262.

    An empty field is missing and stays so in numbers; a whole number (a stamp, an id) must be there.
    """
    frame, integers = piece.frame, (*whole, *stamp)
    casts = [pl.col(n).cast(pl.Float64, strict=False) for n in number] + [
        pl.col(n).cast(pl.Int64, strict=False) for n in integers
    ]
    made = frame.with_columns(casts)
    rules = [
        (name, made[name].is_null() & (frame[name].is_not_null() | (name in integers)), f"{name} is no {kind}")
        for names, kind in ((number, "number"), (integers, "whole number"))
        for name in names
    ]
    for name in stamp:
        since = made.select((epoch(pl.col(name)) > 0).fill_null(False)).to_series()
        rules.append((name, ~since, f"{name} is no time from 1970 to 2262"))
    dropped, bad = [piece.dropped], np.zeros(frame.height, bool)
    for name, broken, rule in rules:
        fresh = broken.to_numpy() & ~bad
        if fresh.any():
            dropped.append(told(frame.filter(pl.Series(fresh)), rule, [name], member))
            bad |= fresh
    return Piece(made.filter(pl.Series(~bad)) if bad.any() else made, pl.concat(dropped))
