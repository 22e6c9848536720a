"""The last look at a command before it leaves: rate, size, price and the state of the market.

The desk has its own limits, which hold in research too.  These hold against what research does not know: a feed that is
wrong, a strategy that runs wild, a symbol that is halted.  Orders that only reduce, and cancels, always pass: a guard
must never keep anyone in a position.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from live.feeds.protocol import Market
from live.words import declined
from quantlib.desk.memory import (
    NEVER_ARRIVED,
    NO_REASON,
    ORDER_NOTIONAL,
    ORDER_RATE,
    OUTSIDE_BAND,
    PRICE_COLLAR,
    SYMBOL_HALTED,
    Desk,
)
from quantlib.desk.messages import CANCEL, ENTRY, REPORT

MINUTE = 60_000_000_000


class Rules(NamedTuple):
    """What an order that opens may be.

    orders_a_minute   more are refused
    notional          quote currency, the most one order may be worth
    collar            fraction: how far its limit or stop may lie from the last price that is known
    fresh             ns: how old a decision may be when it is sent
    """

    orders_a_minute: int = 120
    notional: float = inf
    collar: float = 0.1
    fresh: int = MINUTE


class Guarding:
    """Looks at commands by the rules, with what the feed knows of each symbol.

    Args:
        rules: that hold.
        desk: whose commands they are; its marks are the prices known where the feed has neither quote nor trade.
        market: what the feed knows; symbols are counted as the desk counts them.
        clock: ns UTC.
    """

    def __init__(self, rules: Rules, desk: Desk, market: Market, clock: Callable[[], int]) -> None:
        for name, value in rules._asdict().items():
            if not value > 0:
                raise ValueError(f"guard: {name} must be above 0, got {value}")
        self.rules, self.desk, self.market, self.clock = rules, desk, market, clock
        self._sent: deque[int] = deque()

    def __call__(self, commands: NDArray[Any], ts: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """The commands that pass, and reports that answer the others."""
        now = self.clock()
        reasons = np.array([self._reason(c, ts, now) for c in commands], np.int64)
        answers = [declined(commands[k : k + 1], int(reasons[k])) for k in np.flatnonzero(reasons)]
        return commands[reasons == NO_REASON], np.concatenate([np.empty(0, REPORT), *answers])

    def _reason(self, c: Any, ts: int, now: int) -> int:
        if c["kind"] == CANCEL or c["leg"] != ENTRY:
            return NO_REASON
        if now - ts > self.rules.fresh:
            return NEVER_ARRIVED
        s = int(c["symbol"])
        per_tick, unit = float(self.desk.instruments["per_tick"][s]), float(self.desk.instruments["unit"][s])
        last, prices = self._last(s), [int(c[name]) / per_tick for name in ("limit", "stop") if c[name]]
        price = max(prices, default=0.0)
        if self.market.halted[s]:
            return SYMBOL_HALTED
        if any(abs(one - last) > self.rules.collar * last for one in prices):
            return PRICE_COLLAR
        asked = price or last
        if asked < self.market.lower[s] or asked > self.market.upper[s]:
            return OUTSIDE_BAND
        if int(c["lots"]) * unit * asked > self.rules.notional:
            return ORDER_NOTIONAL
        while self._sent and now - self._sent[0] >= MINUTE:
            self._sent.popleft()
        if len(self._sent) >= self.rules.orders_a_minute:
            return ORDER_RATE
        self._sent.append(now)
        return NO_REASON

    def _last(self, s: int) -> float:
        """The best price known of a symbol: the middle of a whole quote, else the last trade, else the desk's mark."""
        bid, ask, trade = float(self.market.bid[s]), float(self.market.ask[s]), float(self.market.trade[s])
        return (bid + ask) / 2 if 0 < bid <= ask else trade if trade > 0 else float(self.desk.holdings["mark"][s])
