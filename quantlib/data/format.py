"""What a file format is, and what comes of a file: rows of one clock, and each row left out with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from quantlib.data.sources import Glimpse, Member

DROPPED = {"member": pl.String, "line": pl.Int64, "rule": pl.String, "values": pl.String}
OTHER = "other"  # the clock of rows that are no market rows: factors, funding rates, depth by percent


class DataError(ValueError):
    """A file that cannot be read as what it should be: which file, what is wrong, and the cure."""


class Piece(NamedTuple):
    """Some rows of a file: a frame with a column `line`, and those left out, with the columns of DROPPED."""

    frame: pl.DataFrame
    dropped: pl.DataFrame = pl.DataFrame(schema=DROPPED)


class Ask(NamedTuple):
    """What a reader is asked for.

    path    the file
    clock   one of its format's
    symbol  the name of rows that name none
    starts  the bars' length, where a file does not say it
    block   bytes of text at a time
    """

    path: str
    clock: str
    symbol: str
    starts: str | None
    block: int


class Format(NamedTuple):
    """One format of one vendor.

    name     vendor and kind
    clocks   what rows it can give, the usual one first; diffs and orders are for `quantlib.rebuild`
    known    whether a glimpse of a file is of this format
    pieces   its rows, from its members
    """

    name: str
    clocks: tuple[str, ...]
    known: Callable[[Glimpse], bool]
    pieces: Callable[[list[Member], Ask], Iterator[Piece]]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one clock, and what became of the others.

    format   as in `quantlib.data.FORMATS`
    clock    bar, trade, quote, book or chain; diff or order for `quantlib.rebuild`; other
    frame    the rows, by ts
    dropped  rows left out: member and line of the file, the rule they break, their values
    notes    what was set right in rows that were kept
    """

    format: str
    clock: str
    frame: pl.DataFrame
    dropped: pl.DataFrame
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Rows({self.format}: {self.frame.height} {self.clock} rows, {self.dropped.height} dropped)"


def sieve(piece: Piece, bad: pl.Expr, rule: str, columns: list[str], member: str = "") -> Piece:
    """The piece without the rows that are bad, which are told with their values."""
    mask = piece.frame.select(bad.fill_null(False)).to_series()
    if not mask.any():
        return piece
    return Piece(
        piece.frame.filter(~mask), pl.concat([piece.dropped, told(piece.frame.filter(mask), rule, columns, member)])
    )


def told(frame: pl.DataFrame, rule: str, columns: list[str], member: str = "") -> pl.DataFrame:
    """Rows as they are told in `dropped`."""
    values = [pl.format(name + " {}", pl.col(name).cast(pl.String).fill_null("missing")) for name in columns]
    whose = pl.col("member") if "member" in frame.columns else pl.lit(member)
    return frame.select(
        whose.cast(pl.String).alias("member"),
        pl.col("line").cast(pl.Int64),
        pl.lit(rule).alias("rule"),
        pl.concat_str(values, separator=", ").alias("values"),
    )


def renamed(columns: Mapping[str, str]) -> list[pl.Expr]:
    """Expressions that give columns other names, `new=old`."""
    return [pl.col(old).alias(new) for new, old in columns.items()]
