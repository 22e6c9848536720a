"""Deciding row by row: by a score, or by a user's own decision, compiled or plain Python.

A compiled decision is handed to the loops by its address, so that no loop is compiled again for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dis import get_instructions
from functools import cache, cached_property
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.desk.decide import calm, counted, grant, resolve
from quantlib.desk.memory import NOTHING, WISH, WISHES
from quantlib.jit import OPTIONS, Kernel, block, kernel

# What a decision sees of its symbol and of the account.
VIEW = np.dtype(
    [
        ("ts", "i8"), ("symbol", "i8"), ("close", "f8"), ("position", "f8"), ("average", "f8"), ("entries", "i8"),
        ("exits", "i8"), ("rows", "i8"), ("equity", "f8"), ("cash", "f8"), ("gross", "f8"), ("net", "f8"),
        ("drawdown", "f8"), ("day_profit", "f8"), ("mode", "i8"), ("next_id", "i8"),
    ],
    align=True,
)  # fmt: skip


class Rows(NamedTuple):
    """Market rows and what the strategy computed on them; optional columns may have length 0."""

    ts: NDArray[Any]
    start: NDArray[Any]  # optional: the bar's first moment
    symbol: NDArray[Any]
    open: NDArray[Any]
    high: NDArray[Any]
    low: NDArray[Any]
    close: NDArray[Any]
    volume: NDArray[Any]  # optional
    score: NDArray[Any]  # optional where a user's decision reads its own columns
    volatility: NDArray[Any]  # optional
    distance: NDArray[Any]  # optional


class Room(NamedTuple):
    """The room that decisions work in."""

    reads: NDArray[Any]  # (rows, columns) values of the columns that a compiled decision reads
    seen: NDArray[Any]  # (1,) VIEW
    wishes: NDArray[Any]  # (WISHES + 1,): room for what it wishes, and one that stays empty
    active: int  # whether a decision of the user's is asked at all


class Own(NamedTuple):
    """Who decides: a user's compiled decision, and the room that it works in.

    The two reach loops apart: numba knows a tuple of arrays at a glance, but not a tuple with a function in it.
    """

    choose: Decision
    room: Room


class Decision:
    """A compiled decision `(view, x, wishes) -> count`, made by `decision`.

    view[0]    a record of `VIEW`: position (units, signed), average, close, equity, …
    x          values of the columns it reads, in their order; NaN where missing
    wishes     records of `WISH` to fill, at most `WISHES`; the answer says how many
    """

    def __init__(self, function: FunctionType, reads: tuple[str, ...]) -> None:
        self.function, self.reads = function, reads
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of its code."""
        return Kernel(self.function).fingerprint

    @cached_property
    def _compiled(self) -> Any:
        from numba import cfunc

        return cfunc(self.signature(), **OPTIONS, boundscheck=True)(self.function)

    def __call__(self, view: NDArray[Any], x: NDArray[Any], wishes: NDArray[Any]) -> int:
        return int(self.function(view, x, wishes))

    @property
    def _numba_type_(self) -> Any:
        return _decision_type()

    def __wrapper_address__(self) -> int:
        return int(self._compiled.address)

    def signature(self) -> Any:
        """numba's name for its type, one for all decisions."""
        return _decision_type().signature


@cache
def _decision_type() -> Any:
    from numba import from_dtype, types

    def record(dtype: np.dtype[Any]) -> Any:
        return types.Array(from_dtype(dtype), 1, "C", aligned=True)

    return types.FunctionType(types.int64(record(VIEW), types.Array(types.float64, 1, "C"), record(WISH)))


def decision(*reads: str) -> Callable[[Callable[..., int]], Decision]:
    """Make a function a compiled decision that reads these columns: `@decision("fast", "slow")`."""

    def made(function: Callable[..., int]) -> Decision:
        if not isinstance(function, FunctionType):
            raise TypeError(f"decision: wants a plain function, got {function!r}; write @decision('column', …)")
        if any(step.opname == "RAISE_VARARGS" for step in get_instructions(function)):
            raise ValueError(
                f"decision: {function.__name__} raises or asserts, which cannot leave "
                f"compiled code that is called by address; return 0 instead"
            )
        return Decision(function, reads)

    return made


@decision()
def scored(view: NDArray[Any], x: NDArray[Any], wishes: NDArray[Any]) -> int:
    """Stands in where a score decides."""
    return 0


def own(choose: Decision | None, reads: NDArray[Any] | None = None) -> Own:
    """The argument by which loops are told who decides."""
    columns = np.empty((0, 0)) if reads is None else reads
    room = Room(columns, np.zeros(1, VIEW), np.zeros(WISHES + 1, WISH), int(choose is not None))
    return Own(choose or scored, room)


@block
def missing(rows, k):
    """A row that lacks any of its four prices is invisible to exchange and desk.

    Asked of every row, it also reads the prices in their order, so that they are at hand when an order needs them.
    """
    whole = rows.open[k] + rows.high[k] + rows.low[k] + rows.close[k]
    return whole != whole


@block
def decide_rows(desk, rows, choose, room, decision, begin, end):
    """Decide on rows [begin, end) of one timestamp; `decision` gets each row's code.  A missing row is silent."""
    for k in range(begin, end):
        decision[k] = NOTHING if missing(rows, k) else decided(desk, rows, choose, room, k)


@block
def decided(desk, rows, choose, room, k):
    """The decision code of one row that is there."""
    if room.active != 0:
        return consult(desk, rows, choose, room, np.int64(k))
    holding = desk.holdings[np.uint32(rows.symbol[k])]
    if holding.lots != 0:
        holding.rows += 1
    if calm(desk.policy[0], desk.account[0], holding, rows.score[k], rows.ts[k]):
        return NOTHING
    return decide_row(desk, rows, room.wishes, k)


@block
def decide_row(desk, rows, wishes, k):
    volatility = rows.volatility[k] if rows.volatility.size > 0 else np.nan
    distance = rows.distance[k] if rows.distance.size > 0 else np.nan
    empty = wishes[wishes.size - 1]
    return resolve(desk, rows.symbol[k], rows.ts[k], rows.close[k], rows.score[k], volatility, distance, empty)


@kernel
def consult(desk, rows, choose, room, k):
    """Ask a user's compiled decision about one row and grant what it wishes."""
    look(desk, room.seen, rows.symbol[k], rows.ts[k], rows.close[k])
    count = choose(room.seen, room.reads[k], room.wishes)
    return grant_all(desk, rows, room.wishes, count, k)


@kernel
def grant_all(desk, rows, wishes, count, k):
    """Grant wishes in their order and forget them; the first code that is not NOTHING is the row's."""
    s = rows.symbol[k]
    holding = desk.holdings[s]
    if holding.lots != 0:
        holding.rows += 1
    volatility = rows.volatility[k] if rows.volatility.size > 0 else np.nan
    distance = rows.distance[k] if rows.distance.size > 0 else np.nan
    first = NOTHING
    for w in range(max(count, 0), wishes.size - 1):  # what was filled beyond the answer is no wish
        forget(wishes[w])
    for w in range(max(min(count, wishes.size - 1), 1)):
        code = grant(desk, s, rows.ts[k], rows.close[k], volatility, distance, wishes[w])
        if first == NOTHING:
            first = code
        forget(wishes[w])
    counted(desk.account[0], holding, NOTHING)
    return first


@block
def forget(wish):
    """An empty wish."""
    wish.action = NOTHING
    wish.lots = wish.limit = wish.stop = wish.stop_fraction = wish.target_fraction = 0.0
    wish.id = wish.side = wish.gtc = wish.reduce = wish.group = 0


@kernel
def look(desk, seen, s, now, close):
    """What a decision may know of the desk."""
    account, holding, v = desk.account[0], desk.holdings[s], seen[0]
    v.ts, v.symbol, v.close = now, s, close
    v.position = holding.lots * desk.instruments[s].lot
    v.average, v.entries, v.exits, v.rows = holding.average, holding.entries, holding.exits, holding.rows
    v.equity, v.cash = account.equity, account.cash
    v.gross, v.net = account.long + account.short, account.long - account.short
    v.drawdown = 1.0 - account.equity / account.high_water
    v.day_profit = account.equity - account.day_open
    v.mode, v.next_id = account.mode, account.next_id
