"""Market data as the wire packs it: what each kind of message holds, and many rows turned into bytes at once.

Rows of one kind and of symbols of one length have the same layout in msgpack, so they are a table of bytes in which
only numbers and names differ: it is filled column by column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

from live.sim.wire import SECOND, instant

STAMP, FLOAT, UNSIGNED = b"\xd7\xff", b"\xcb", b"\xcf"  # msgpack: 8 bytes of a moment, of a float, of a whole number
EPOCH = "1970-01-01T00:00:00Z"
NUMBER, AMOUNT, WHOLE, MOMENT, NAME = "number", "amount", "whole", "moment", "name"  # an amount is whole if it can be


class Entry(NamedTuple):
    """One entry of a message: a column of the rows, or what is the same in all of them."""

    key: str
    kind: str = ""  # "" for what is always the same
    of: Any = None  # a column's name, or the value


Shape = tuple[Entry, ...]

HEAD = Entry("S", NAME)
TIME = Entry("t", MOMENT, "t")
BAR: Shape = (
    Entry("T", "", "b"), HEAD, Entry("o", NUMBER, "open"), Entry("h", NUMBER, "high"), Entry("l", NUMBER, "low"),
    Entry("c", NUMBER, "close"), Entry("v", AMOUNT, "volume"), Entry("n", WHOLE, "count"), Entry("vw", NUMBER, "vwap"),
    TIME,
)  # fmt: skip
TRADE: Shape = (
    Entry("T", "", "t"), HEAD, Entry("i", WHOLE, "number"), Entry("x", "", "V"), Entry("p", NUMBER, "price"),
    Entry("s", AMOUNT, "size"), Entry("c", "", ["@"]), Entry("z", "", "C"), TIME,
)  # fmt: skip
QUOTE: Shape = (
    Entry("T", "", "q"), HEAD, Entry("ax", "", "Q"), Entry("ap", NUMBER, "ask"), Entry("as", AMOUNT, "ask_size"),
    Entry("bx", "", "V"), Entry("bp", NUMBER, "bid"), Entry("bs", AMOUNT, "bid_size"), Entry("c", "", ["R"]),
    Entry("z", "", "C"), TIME,
)  # fmt: skip
COIN_TRADE: Shape = (
    Entry("T", "", "t"), HEAD, Entry("p", NUMBER, "price"), Entry("s", NUMBER, "size"), Entry("i", WHOLE, "number"),
    Entry("tks", NAME, "side"), TIME,
)  # fmt: skip
COIN_QUOTE: Shape = (
    Entry("T", "", "q"), HEAD, Entry("bp", NUMBER, "bid"), Entry("bs", NUMBER, "bid_size"), Entry("ap", NUMBER, "ask"),
    Entry("as", NUMBER, "ask_size"), TIME,
)  # fmt: skip
SHAPES = {
    ("bar", "us_equity"): BAR, ("trade", "us_equity"): TRADE, ("quote", "us_equity"): QUOTE,
    ("bar", "crypto"): BAR, ("trade", "crypto"): COIN_TRADE, ("quote", "crypto"): COIN_QUOTE,
}  # fmt: skip
TAKERS = np.array([b"\xa1S", b"\xa1B"], "S2")  # packed, by whether the aggressor buys


def packed(shape: Shape, symbols: Sequence[str], columns: Mapping[str, NDArray[Any]]) -> list[bytes]:
    """One message per row.

    Args:
        shape: what they hold.
        symbols: names behind the codes of column `symbol`.
        columns: `symbol`, and what the shape reads; `t` is int64 ns UTC, `side` 1 or -1, all others are numbers.
    """
    names = [msgpack.packb(symbol) for symbol in symbols]
    codes = columns["symbol"]
    lengths = np.array([len(name) for name in names])[codes]
    messages = np.empty(len(codes), object)
    for length in np.unique(lengths).tolist():
        at = np.flatnonzero(lengths == length)
        table = np.array([name if len(name) == length else bytes(length) for name in names], f"S{length}")
        messages[at] = _rows(shape, {n: c[at] for n, c in columns.items()}, _bytes(table[codes[at]], length))
    return list(messages)


def frames(messages: Sequence[bytes], most: int) -> list[bytes]:
    """The messages in arrays of at most so many."""
    return [_array(messages[k : k + most]) for k in range(0, len(messages), most)]


def plain(message: bytes) -> dict[str, Any]:
    """A packed row as the REST service has it: without kind and symbol, the moment in RFC 3339."""
    said: dict[str, Any] = msgpack.unpackb(message)
    del said["T"], said["S"]
    said["t"] = spelled(said["t"])
    return said


def spelled(stamp: msgpack.Timestamp) -> str:
    """A moment of the websocket in RFC 3339."""
    return instant(stamp.to_unix_nano()) or EPOCH


def moment(ts: int) -> msgpack.Timestamp:
    """ns UTC as the websocket has it."""
    return msgpack.Timestamp.from_unix_nano(ts)


def _rows(shape: Shape, columns: Mapping[str, NDArray[Any]], names: NDArray[np.uint8]) -> list[bytes]:
    rows = len(names)
    parts = [_same(bytes([0x80 | len(shape)]), rows)]  # a map of so many entries
    for entry in shape:
        parts.append(_same(msgpack.packb(entry.key), rows))
        if not entry.kind:
            parts.append(_same(msgpack.packb(entry.of), rows))
        elif entry == HEAD:
            parts.append(names)
        elif entry.kind == NAME:
            parts.append(_bytes(TAKERS[(columns[entry.of] > 0).astype(np.int64)], 2))
        else:
            parts += _numbers(entry.kind, columns[entry.of])
    table = np.ascontiguousarray(np.concatenate(parts, axis=1))
    return table.view(f"V{table.shape[1]}").ravel().tolist()


def _numbers(kind: str, column: NDArray[Any]) -> list[NDArray[np.uint8]]:
    rows = len(column)
    if kind == MOMENT:
        seconds, rest = np.divmod(column.astype(np.int64), SECOND)
        stamps = (rest.astype(np.uint64) << np.uint64(34)) | seconds.astype(np.uint64)
        return [_same(STAMP, rows), _bytes(stamps.astype(">u8"), 8)]
    if kind == WHOLE or (kind == AMOUNT and bool(np.all(column == np.floor(column)))):
        return [_same(UNSIGNED, rows), _bytes(column.astype(">u8"), 8)]
    return [_same(FLOAT, rows), _bytes(column.astype(">f8"), 8)]


def _same(part: bytes, rows: int) -> NDArray[np.uint8]:
    return np.broadcast_to(np.frombuffer(part, np.uint8), (rows, len(part)))


def _bytes(column: NDArray[Any], width: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(column).view(np.uint8).reshape(len(column), width)


def _array(messages: Sequence[bytes]) -> bytes:
    count = len(messages)
    head = bytes([0x90 | count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return head + b"".join(messages)
