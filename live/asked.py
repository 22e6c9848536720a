"""What a command line asks for, held against the words, names, numbers and folders that make sense."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path

import polars as pl

from live.errors import ConfigError, SessionError
from quantlib.core import nearest

MARKS = (
    "journal", "lock", "lineage", "operator", "seat", "jobs", "seat.log", "runner.log", "tokens.json", "audit.jsonl",
)  # fmt: skip
BEFORE = "before-*"  # earlier sessions, which are of a session too
EMPTY = {"lost+found"}  # in an empty folder, if it is a disk of its own


def refuse_unknown(word: str, words: Sequence[str]) -> None:
    """Refuse a word that is none of those there are.

    Raises:
        ConfigError: naming the nearest, and all.
    """
    if word not in words:
        raise ConfigError(f"there is no word {word!r}.{nearest(word, words)} There are {', '.join(words)}")


def refuse_repeats(names: Iterable[str] | None, word: str = "--symbols") -> None:
    """Refuse a name that is given twice.

    Args:
        names: as they were given after `word`.

    Raises:
        ConfigError: naming it.
    """
    twice = [name for name, times in Counter(names or ()).items() if times > 1]
    if twice:
        raise ConfigError(f"{word}: each may be named once, got {', '.join(twice)} more than once; leave the rest out")


def refuse_unless(holds: bool, word: str, rule: str, value: object, cure: str = "") -> None:
    """Refuse the value of a word for which a rule does not hold.

    Raises:
        ConfigError: saying the word, what its value must be, what it is, and what to do.
    """
    if not holds:
        raise ConfigError(f"{word} must be {rule}, got {value}" + (f"; {cure}" if cure else ""))


def refuse_cash(cash: float | None) -> None:
    """Refuse what no account holds; None: nothing was asked for."""
    if cash is not None:
        cure = "say what the account holds at the start"
        refuse_unless(isfinite(cash), "--cash", "finite", cash, cure)
        refuse_unless(cash > 0, "--cash", "above 0", cash, cure)


def refuse_speed(speed: float | None) -> None:
    """Refuse a speed at which nothing plays; None: nothing was asked for."""
    if speed is not None:
        holds = 0 <= speed < float("inf")
        refuse_unless(holds, "--speed", "0 (as fast as it goes) or a multiple of real time", speed)


def refuse_foreign(folder: Path) -> None:
    """Refuse as a session's folder one that holds something else, for nobody else is let into it from then on.

    Raises:
        SessionError: naming it.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SessionError(f"session: {folder} is no folder; give one of the session's own")
    there = any((folder / name).exists() for name in MARKS) or any(folder.glob(BEFORE))
    if not there and {path.name for path in folder.iterdir()} - EMPTY:
        raise SessionError(
            f"session: {folder} is not empty and holds no session; give a folder of its own, {folder / 'session'} say"
        )


def rows_of(frame: pl.DataFrame, symbols: Sequence[str] | None) -> pl.DataFrame:
    """The rows of the symbols that are asked for; all, if none are.

    Raises:
        SessionError: if there are none of one, naming the nearest and all.
    """
    if not symbols:
        return frame
    there = frame["symbol"].cast(pl.String).unique().to_list()
    for symbol in symbols:
        if symbol not in there:
            raise SessionError(f"--symbols: no rows of {symbol!r}.{nearest(symbol, there)} There are {sorted(there)}")
    return frame.filter(pl.col("symbol").cast(pl.String).is_in(symbols))
