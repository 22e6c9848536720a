"""What can become of one message on a websocket: functions from a message to what is sent in its stead.

A message is the dict that would have been packed: of market data (`T`, `S`, …) or of the account's stream (`stream`,
`data`).  What comes back is a list of messages, and of things that happen to the connection: `Close`, `Reset`, `Mute`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

import msgpack
import numpy as np

Message = dict[str, Any]

TEXTS = {
    400: "invalid syntax", 401: "not authenticated", 402: "auth failed", 403: "already authenticated",
    404: "auth timeout", 405: "symbol limit exceeded", 406: "connection limit exceeded", 407: "slow client",
    409: "insufficient subscription", 410: "invalid subscribe action for this feed", 411: "insufficient scope",
    500: "internal error",
}  # fmt: skip
POLICY_VIOLATION = 1008  # a close code
UNHEARD_OF = "novel"  # an event, status or kind of message that no client knows


class Close(NamedTuple):
    """The server closes the connection, as the protocol wants it."""

    code: int


class Reset(NamedTuple):
    """The connection breaks without a word."""


class Mute(NamedTuple):
    """The connection stands and answers pings, and nothing else is sent on it any more."""


Part = Message | Close | Reset | Mute


def address(stream: str, message: Message) -> str:
    """Where a message passes, as plans of faults spell it: stream/kind/symbol.

    The kind is the `T` of market data or the word of a success (`stocks/b/AAPL`, `stocks/authenticated/`), and of the
    account's stream the event of an order or the name of the answer (`trading/fill/AAPL`, `trading/listening/`).
    """
    if "stream" in message:
        said = message.get("data", {})
        return f"{stream}/{said.get('event', message['stream'])}/{said.get('order', {}).get('symbol', '')}"
    kind = message.get("T", "")
    return f"{stream}/{message.get('msg', '') if kind == 'success' else kind}/{message.get('S', '')}"


def error(code: int) -> Message:
    """The message by which a stream of market data refuses."""
    return {"T": "error", "code": code, "msg": TEXTS.get(code, TEXTS[500])}


def refused(message: Message, code: int) -> list[Part]:
    """The refusal that comes in a message's stead; a slow client is closed too."""
    if "stream" in message:
        return [{"stream": "authorization", "data": {"status": "unauthorized", "action": "authenticate"}}]
    return [error(code), Close(POLICY_VIOLATION)] if code == 407 else [error(code)]


def unheard_of(message: Message) -> Message:
    """The message with an event, or a kind, that did not exist when the client was written."""
    changed = deepcopy(message)
    if "stream" in message:
        changed["data"]["event"] = UNHEARD_OF
    else:
        changed["T"] = UNHEARD_OF
    return changed


def odd_status(message: Message) -> Message:
    """The message with an order's, or a symbol's, status that did not exist when the client was written."""
    changed = deepcopy(message)
    if "order" in changed.get("data", {}):
        changed["data"]["order"]["status"] = UNHEARD_OF
    elif "sc" in changed:
        changed["sc"] = UNHEARD_OF
    return changed


def skewed(message: Message, seconds: float) -> Message:
    """The message from a clock that is ahead by so many seconds."""
    changed, shift = deepcopy(message), round(seconds * 1e9)
    if isinstance(changed.get("t"), msgpack.Timestamp):
        changed["t"] = msgpack.Timestamp.from_unix_nano(changed["t"].to_unix_nano() + shift)
    if "timestamp" in changed.get("data", {}):
        moment = np.datetime64(changed["data"]["timestamp"].removesuffix("Z"), "ns") + np.timedelta64(shift, "ns")
        changed["data"]["timestamp"] = f"{moment}Z"
    return changed


def short(message: Message) -> Message:
    """A subscription's answer without the last symbol of each channel."""
    return {name: list(part[:-1]) if isinstance(part, (list, tuple)) else part for name, part in message.items()}


def revised(message: Message) -> Message:
    """The bar as it is told again after a late trade: one more share, at a price one hundredth below the low."""
    low = message["l"] - 0.01
    late = {"T": "u", "l": low, "v": message["v"] + 1, "n": message.get("n", 0) + 1}
    return message | late
