"""The rules of the doors, compiled: one pass over the rows, no temporaries, and the first row that breaks one.

`broken` is resumable like everything here: `seen` holds the last `ts` of each symbol, and in its last place the last
`ts` of all, so that a stream checks one row by the code that checks ten million.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import stacked
from quantlib.jit import kernel
from quantlib.schema import SIDES, Schema

NEVER = np.iinfo(np.int64).min  # the `ts` before the first row


class Rule(NamedTuple):
    """How an error words a broken rule: `has column value [relation other value]; reason`."""

    reason: str
    column: str = ""
    relation: str = ""
    other: str = ""


class Broken(NamedTuple):
    """The first row that breaks a rule.

    row      its number in the rows given, -1 if all are good
    rule     the one it breaks
    crossed  rows with bid above ask, which is allowed but worth counting
    """

    row: int
    rule: Rule
    crossed: int = 0


def unseen(symbols: int) -> NDArray[np.int64]:
    """`seen` before the first row."""
    return np.full(symbols + 1, NEVER)


def broken(
    schema: Schema,
    columns: Mapping[str, NDArray[Any]],
    seen: NDArray[np.int64],
    sides: tuple[NDArray[Any], ...] = (),
) -> Broken:
    """The first row that breaks a rule of its schema, with row -1 if none does.  `seen` moves on over the rows.

    Args:
        schema: of the rows' clock.
        columns: name -> (rows,) array in the schema's dtypes, `symbol` included.
        seen: (symbols + 1,) int64 from `unseen` or from the call before.
        sides: of a book, if they are at hand: the columns of `schema.SIDES` as (levels, rows) arrays.
    """
    row, code = _order.dispatcher(
        columns["ts"], columns.get("ts_event", NO_TS), columns["symbol"], seen, schema.clock == "bar"
    )
    if row >= 0:
        return Broken(row, ORDER[code])
    return _broken_book(schema, columns, sides) if schema.levels else VALUES[schema.clock](schema, columns)


def _broken_bar(schema: Schema, c: Mapping[str, NDArray[Any]]) -> Broken:
    row, code = _bars.dispatcher(c["open"], c["high"], c["low"], c["close"], c.get("volume", NO_VALUES))
    return Broken(row, BARS[code])


def _broken_trade(schema: Schema, c: Mapping[str, NDArray[Any]]) -> Broken:
    row, code = _trades.dispatcher(c["price"], c["size"], c["side"])
    return Broken(row, TRADES[code])


def _broken_quote(schema: Schema, c: Mapping[str, NDArray[Any]]) -> Broken:
    row, code, crossed = _quotes.dispatcher(c["bid"], c["ask"], c["bid_size"], c["ask_size"], 0.0)
    return Broken(row, QUOTES[code], crossed)


def _broken_book(schema: Schema, c: Mapping[str, NDArray[Any]], sides: tuple[NDArray[Any], ...]) -> Broken:
    sides = sides or tuple(stacked([c[f"{stem}_{k}"] for k in range(schema.levels)]) for stem in SIDES)
    row, code, k, crossed = _books.dispatcher(*sides)
    if row < 0:
        return GOOD._replace(crossed=crossed)
    if code < len(QUOTES):
        return Broken(row, QUOTES[code]._replace(column=f"{QUOTES[code].column}_{k}"), crossed)
    side, relation = ("bid", "not below") if code == LOWER_BID else ("ask", "not above")
    return Broken(row, Rule(DEPTH, f"{side}_{k}", relation, f"{side}_{k - 1}"), crossed)


def _broken_chain(schema: Schema, c: Mapping[str, NDArray[Any]]) -> Broken:
    row, code = _contracts.dispatcher(c["strike"], c["right"])
    sizes = c.get("bid_size", NO_VALUES), c.get("ask_size", NO_VALUES)
    other, fault, crossed = _quotes.dispatcher(c["bid"], c["ask"], *sizes, -1.0)
    rule = QUOTES[fault]._replace(reason=PREMIUM) if fault in (1, 2) else QUOTES[fault]
    return _earlier(Broken(row, CONTRACTS[code]), Broken(other, rule))._replace(crossed=crossed)


def _earlier(a: Broken, b: Broken) -> Broken:
    return b if a.row < 0 or 0 <= b.row < a.row else a


NO_TS = np.empty(0, np.int64)
NO_VALUES = np.empty(0)
VALUES = {
    "bar": _broken_bar,
    "trade": _broken_trade,
    "quote": _broken_quote,
    "chain": _broken_chain,
}
PRICE = "prices are positive and finite, or NaN where there was none"
PREMIUM = "a premium is not negative and finite, or NaN where there was none"
SIZE = "sizes are not negative and finite, or NaN where unknown"
HIGH = "a bar's high is its largest price"
LOW = "a bar's low is its smallest price"
DEPTH = "the levels of a book go from best to worst"
NONE = Rule("")
GOOD = Broken(-1, NONE)
ORDER = (
    NONE,
    Rule('sort by ts first: frame.sort("ts", "symbol")', relation="comes before the row above it"),
    Rule(
        'keep one of them: frame.unique(["ts", "symbol"], keep="last", maintain_order=True)',
        relation="repeats a bar of its symbol",
    ),
    Rule(
        "ts is when we knew, so it cannot come before the event; a row known late has a later ts",
        "ts_event",
        "after",
        "ts",
    ),
)
BARS = (
    NONE,
    Rule(PRICE, "open"),
    Rule(PRICE, "close"),
    Rule(PRICE, "low"),
    Rule(PRICE, "high"),
    Rule(HIGH, "high", "below", "low"),
    Rule(HIGH, "high", "below", "open"),
    Rule(HIGH, "high", "below", "close"),
    Rule(LOW, "low", "above", "open"),
    Rule(LOW, "low", "above", "close"),
    Rule(SIZE, "volume"),
)
TRADES = (
    NONE,
    Rule(PRICE, "price"),
    Rule(SIZE, "size"),
    Rule("it is the aggressor: 1 a buyer, -1 a seller, NaN where unknown", "side"),
)
QUOTES = (NONE, Rule(PRICE, "bid"), Rule(PRICE, "ask"), Rule(SIZE, "bid_size"), Rule(SIZE, "ask_size"))
LOWER_BID, HIGHER_ASK = len(QUOTES), len(QUOTES) + 1  # codes of levels in the wrong order
CONTRACTS = (NONE, Rule(PRICE, "strike"), Rule("it is 1 for a call, -1 for a put", "right"))


@kernel
def _order(ts, event, symbol, seen, once):
    last = seen[seen.size - 1]
    for i in range(ts.size):
        now = ts[i]
        if now < last:
            return i, 1
        if once and seen[symbol[i]] == now:
            return i, 2
        if event.size and event[i] > now:
            return i, 3
        seen[symbol[i]] = now
        last = now
    seen[seen.size - 1] = last
    return -1, 0


@kernel
def _bars(open_, high, low, close, volume):
    sized = volume.size > 0
    for i in range(open_.size):
        o, h, l, c = open_[i], high[i], low[i], close[i]  # noqa: E741
        v = volume[i] if sized else 0.0
        good = (
            (o > 0) & (l > 0) & (c > 0) & (h < inf) & (h >= o) & (h >= c) & (l <= o) & (l <= c) & (v >= 0) & (v < inf)
        )
        if not good:  # or something is NaN: look closer
            code = _bar(o, h, l, c, v)
            if code:
                return i, code
    return -1, 0


@kernel
def _bar(o, h, l, c, v):  # noqa: E741
    if o <= 0 or o == inf:
        return 1
    if c <= 0 or c == inf:
        return 2
    if l <= 0 or l == inf:
        return 3
    if h <= 0 or h == inf:
        return 4
    if h < l:
        return 5
    if h < o:
        return 6
    if h < c:
        return 7
    if l > o:
        return 8
    if l > c:
        return 9
    if v < 0 or v == inf:
        return 10
    return 0


@kernel
def _trades(price, size, side):
    for i in range(price.size):
        if price[i] <= 0 or price[i] == inf:
            return i, 1
        if size[i] < 0 or size[i] == inf:
            return i, 2
        if side[i] != 1 and side[i] != -1 and side[i] == side[i]:
            return i, 3
    return -1, 0


@kernel
def _quotes(bid, ask, bid_size, ask_size, floor):
    """`floor` is the largest number that is no price: 0, or -1 where free is a price; below zero is none anyway."""
    crossed = 0
    for i in range(bid.size):
        b, a = bid[i], ask[i]
        if b <= floor or b < 0 or b == inf:
            return i, 1, crossed
        if a <= floor or a < 0 or a == inf:
            return i, 2, crossed
        if bid_size.size and (bid_size[i] < 0 or bid_size[i] == inf):
            return i, 3, crossed
        if ask_size.size and (ask_size[i] < 0 or ask_size[i] == inf):
            return i, 4, crossed
        crossed += b > a
    return -1, 0, crossed


@kernel
def _books(bids, asks, bid_sizes, ask_sizes):
    """(row, code, level, crossed) of the first row that breaks a rule, its best level first; row is -1 if none does."""
    first, code, level, crossed = bids.shape[1], 0, 0, 0
    for k in range(bids.shape[0]):
        for i in range(first):
            b, a = bids[k, i], asks[k, i]
            found = 0
            if b <= 0 or b == inf:
                found = 1
            elif a <= 0 or a == inf:
                found = 2
            elif bid_sizes[k, i] < 0 or bid_sizes[k, i] == inf:
                found = 3
            elif ask_sizes[k, i] < 0 or ask_sizes[k, i] == inf:
                found = 4
            elif k > 0 and b >= bids[k - 1, i]:
                found = LOWER_BID
            elif k > 0 and a <= asks[k - 1, i]:
                found = HIGHER_ASK
            if found:
                first, code, level = i, found, k
                break
    for i in range(first):
        crossed += bids[0, i] > asks[0, i]
    return (first if code else -1), code, level, crossed


@kernel
def _contracts(strike, right):
    for i in range(strike.size):
        if strike[i] <= 0 or strike[i] == inf:
            return i, 1
        if right[i] != 1 and right[i] != -1 and right[i] == right[i]:
            return i, 2
    return -1, 0
