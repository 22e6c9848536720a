"""What one client of a market data stream wants to hear, and what it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EVERY = "*"
IMPLIED = ("corrections", "cancelErrors")  # come with trades
CHANNELS = {
    "t": "trades", "q": "quotes", "b": "bars", "u": "updatedBars", "d": "dailyBars", "s": "statuses", "l": "lulds",
    "i": "imbalances", "c": "corrections", "x": "cancelErrors", "o": "orderbooks", "n": "news",
}  # fmt: skip
STOCKS = (
    "trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "imbalances", "corrections",
    "cancelErrors",
)  # fmt: skip
COINS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "orderbooks")


class Invalid(Exception):
    """A subscription that is refused, with the code of the wire."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Subscription(NamedTuple):
    """By channel, the symbols in the order in which they were asked for."""

    wanted: dict[str, tuple[str, ...]]

    def after(self, asked: Mapping[str, Any], limit: int) -> Subscription:
        """The subscription once it was added to, or taken from.

        Args:
            asked: what the client sent: `action`, and symbols by channel.
            limit: trades and quotes that are allowed; 0 for any number.

        Raises:
            Invalid: 400 for what makes no sense, 410 for a channel that this stream has not, 405 for too many symbols.
        """
        changed = dict(self.wanted)
        for channel, symbols in asked.items():
            if channel == "action":
                continue
            if channel in IMPLIED or not isinstance(symbols, list) or not all(isinstance(s, str) for s in symbols):
                raise Invalid(400)
            if channel not in changed:
                raise Invalid(410)
            before = changed[channel]
            kept = before if asked["action"] == "subscribe" else tuple(s for s in before if s not in symbols)
            more = tuple(dict.fromkeys(s for s in symbols if s not in before))
            changed[channel] = kept + more if asked["action"] == "subscribe" else kept
        for channel in IMPLIED:
            if channel in changed:
                changed[channel] = changed["trades"]
        counted = changed.get("trades", ()) + changed.get("quotes", ())
        if limit and (len(counted) > limit or EVERY in counted):
            raise Invalid(405)
        return Subscription(changed)

    def acknowledged(self) -> dict[str, Any]:
        """The message that tells the client of all it is subscribed to."""
        return {"T": "subscription"} | {channel: list(symbols) for channel, symbols in self.wanted.items()}

    def masks(self, symbols: Sequence[str], here: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
        """By channel, which symbols are told of; `here` are those that this stream knows."""
        found = {}
        for channel, wanted in self.wanted.items():
            some = set(wanted)
            chosen = [EVERY in some or symbol in some for symbol in symbols]
            found[channel] = np.array(chosen, np.bool_) & here
        return found

    def wants(self, message: Mapping[str, Any]) -> bool:
        """Whether a message is for this client."""
        wanted = self.wanted.get(CHANNELS.get(message.get("T", ""), ""), ())
        about = message.get("symbols") or [message.get("S", EVERY)]
        return EVERY in wanted or any(symbol in wanted for symbol in about)


def unsubscribed(channels: Sequence[str]) -> Subscription:
    """Nothing is wanted yet, of these channels."""
    return Subscription(dict.fromkeys(channels, ()))
