"""The words of a plain Python decision: `decide(view) -> wish, wishes or None`.

def decide(view):
    if view.position == 0 and view["fast"] > view["slow"]:
        return enter_long(stop=0.01)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import nearest
from quantlib.desk.memory import CANCELS, LEAVE, LONG, NOTHING, ORDERED, REPLACES, SHORT, WISHES

ACTIONS = (NOTHING, LONG, SHORT, LEAVE, ORDERED, CANCELS, REPLACES)


class Wish(NamedTuple):
    """What a decision wants; the desk's gates, sizes and limits decide what comes of it."""

    action: int
    lots: float = 0.0
    limit: float = 0.0
    stop: float = 0.0
    stop_fraction: float = 0.0
    target_fraction: float = 0.0
    id: int = 0
    side: int = 0
    gtc: int = 0
    reduce: int = 0
    group: int = 0


class View:
    """What a plain Python decision sees: the desk's `VIEW` as attributes, the row's columns by name."""

    __slots__ = ("_columns", "_record", "_row", "symbol")

    def __init__(self, record: Any, columns: Mapping[str, NDArray[Any]], symbol: str, row: int) -> None:
        self._record, self._columns, self.symbol, self._row = record, columns, symbol, row

    def __getattr__(self, name: str) -> Any:
        names = self._record.dtype.names
        if name not in names:
            raise AttributeError(f"view has no {name!r}.{nearest(name, names)} It has {', '.join(names)}")
        return self._record[name].item()

    def __getitem__(self, name: str) -> float:
        if name not in self._columns:
            raise KeyError(f"view has no column {name!r}.{nearest(name, self._columns)}")
        return self._columns[name][self._row].item()


def enter_long(lots: float = 0.0, *, limit: float = 0.0, stop: float = 0.0, target: float = 0.0) -> Wish:
    """Open a long while flat: sized by the policy unless `lots` is given, its bracket in fractions of the fill."""
    return Wish(LONG, lots, limit, stop_fraction=stop, target_fraction=target)


def enter_short(lots: float = 0.0, *, limit: float = 0.0, stop: float = 0.0, target: float = 0.0) -> Wish:
    """Open a short while flat."""
    return Wish(SHORT, lots, limit, stop_fraction=stop, target_fraction=target)


def leave() -> Wish:
    """Close the position at the market and cancel what works on the symbol."""
    return Wish(LEAVE)


def order(
    side: str, lots: float, *, limit: float = 0.0, stop: float = 0.0, gtc: bool = False, reduce: bool = False,
    group: int = 0,
) -> Wish:  # fmt: skip
    """An order of one's own: limit, stop or both as prices.

    Orders that reduce and share a `group` above 0 cancel each other.

    Raises:
        ValueError: if side is neither "buy" nor "sell", or lots is not above 0.
    """
    if side not in ("buy", "sell"):
        raise ValueError(f"order: side must be 'buy' or 'sell', got {side!r}")
    if not lots > 0:
        raise ValueError(f"order: lots must be above 0, got {lots}")
    sign = 1 if side == "buy" else -1
    return Wish(ORDERED, lots, limit, stop, side=sign, gtc=int(gtc), reduce=int(reduce), group=group)


def cancel(id: int = 0) -> Wish:
    """Cancel an order, or with 0 all of the symbol's."""
    return Wish(CANCELS, id=id)


def replace(id: int, *, lots: float = 0.0, limit: float = 0.0, stop: float = 0.0) -> Wish:
    """Change an order's lots or prices; 0 leaves a value as it is."""
    return Wish(REPLACES, lots, limit, stop, id=id)


def written(answer: Wish | Sequence[Wish] | None, wishes: NDArray[Any]) -> int:
    """Put what a decision answered into its room; how many wishes there are.

    Raises:
        TypeError: if the answer is not a wish, a list of wishes, or None, or a wish holds no number.
        ValueError: if there are more than `WISHES`, or an action that there is not.
    """
    if answer is None:
        return 0
    several = (answer,) if isinstance(answer, Wish) else tuple(answer) if isinstance(answer, (list, tuple)) else None
    if several is None or not all(isinstance(wish, Wish) for wish in several):
        raise TypeError(
            f"decide: must answer None, a wish or a list of wishes (enter_long(), leave(), …), got {answer!r}"
        )
    if len(several) > WISHES:
        raise ValueError(f"decide: at most {WISHES} wishes a row, got {len(several)}")
    for room, wish in zip(wishes, several, strict=False):
        if wish.action not in ACTIONS:
            raise ValueError(
                f"decide: a wish's action must be one of {ACTIONS}, got {wish.action!r}; use enter_long() …"
            )
        for name, value in zip(Wish._fields, wish, strict=True):
            if not isinstance(value, (int, float, np.number)):
                raise TypeError(f"decide: {name} of a wish must be a number, got {value!r}")
            room[name] = value
    return len(several)
