"""Counts of rows, numbers and clocks: checked at the door; and how many rows a fading memory needs.

Parameters that many features share live here too: numba tells parameter classes apart by name, and two classes of one
name slow every call down.
"""

from math import ceil, log
from numbers import Real
from operator import index
from typing import Any, NamedTuple

import numpy as np

from quantlib.core import CLOCKS, nearest

MOST_ROWS = 2**40  # more than any tape has, and far below what int64 holds
MOST_LEVELS = 1000  # of one side of a book; each is a column
FORGOTTEN = 1e-12  # share of its weight at which a row counts as forgotten: leaves 1e-9 room for uneven rows
FOREVER = 2**62  # the horizon of a feature that forgets nothing: it must carry its memory and cannot be warmed up


class Window(NamedTuple):
    """Parameters of a window."""

    n: int  # rows in it


class Nothing(NamedTuple):
    """No parameters."""


def row_count(who: str, name: str, value: int, least: int = 1) -> int:
    """The value as a whole number.

    Raises:
        ValueError: if it is not whole, below `least` or above 2^40; the message names the feature and the argument.
    """
    count = whole(who, name, value, "rows")
    if count < least:
        raise ValueError(f"{who}: {name} must be at least {least}, got {count}")
    if count > MOST_ROWS:
        raise ValueError(f"{who}: {name} must be at most 2^40, got {count}")
    return count


def whole(who: str, name: str, value: int, unit: str) -> int:
    """The value as a whole number of a unit.

    Raises:
        ValueError: if it is not whole, or a bool; the message names the feature, the argument and the unit.
    """
    try:
        return index(_no_truth(value))
    except TypeError:
        raise ValueError(f"{who}: {name} must be a whole number of {unit}, got {value!r}") from None


def level_count(who: str, name: str, value: int) -> int:
    """The value as a number of levels of a book.

    Raises:
        ValueError: if it is not a whole number of 1 to 1000; the message names the feature and the argument.
    """
    count = row_count(who, name, value)
    if count > MOST_LEVELS:
        raise ValueError(f"{who}: {name} must be at most {MOST_LEVELS}, got {count}")
    return count


def number(who: str, name: str, value: float) -> float:
    """The value as a float, if it is a real number; NaN and infinity are, so the factory compares it further.

    Raises:
        ValueError: if it is none; the message names the feature and the argument.
    """
    try:
        if isinstance(_no_truth(value), Real):
            return float(value)
    except (TypeError, OverflowError):
        pass
    raise ValueError(f"{who}: {name} must be a number, got {value!r}")


def of_kind(who: str, name: str, value: Any, kind: type) -> Any:
    """The value itself, if it is of that class.

    Raises:
        ValueError: if it is not; the message names the feature, the argument and the class.
    """
    if not isinstance(value, kind):
        raise ValueError(f"{who}: {name} must be of class {kind.__name__}, got {value!r}")
    return value


def known_clock(who: str, clock: str) -> str:
    """The clock itself, if there is one of that name.

    Raises:
        ValueError: if there is none; the message names the feature.
    """
    if clock not in CLOCKS:
        raise ValueError(
            f"{who}: clock must be one of {', '.join(CLOCKS)}, got {clock!r}.{nearest(str(clock), CLOCKS)}"
        )
    return clock


def _no_truth(value: Any) -> Any:
    """The value, unless it is True or False, which Python counts as 1 and 0."""
    if isinstance(value, bool | np.bool_):
        raise TypeError
    return value


def faded(weight: float) -> int:
    """Rows until a row's share in an exponential mean of that weight per row has fallen to 1e-12."""
    return ceil(log(FORGOTTEN) / log(1.0 - weight)) if weight < 1.0 else 0
