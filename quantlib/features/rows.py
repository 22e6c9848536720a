"""Counts of rows: checked at the door, and how many of them a fading memory needs.

Parameters that many features share live here too: numba tells parameter classes apart by name, and two classes of one
name slow every call down.
"""

from math import ceil, log
from operator import index
from typing import NamedTuple

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
        ValueError: if it is not whole or below `least`; the message names the feature and the argument.
    """
    try:
        count = index(value)
    except TypeError:
        raise ValueError(f"{who}: {name} must be a whole number of rows, got {value!r}") from None
    if count < least:
        raise ValueError(f"{who}: {name} must be at least {least}, got {count}")
    return count


def faded(weight: float) -> int:
    """Rows until a row's share in an exponential mean of that weight per row has fallen to 1e-12."""
    return ceil(log(FORGOTTEN) / log(1.0 - weight)) if weight < 1.0 else 0
