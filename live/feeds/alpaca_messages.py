"""What Alpaca's market data messages say: bars as records, and all else as what is known of the market.

A frame is read as columns, so that a message costs no object of its own.  Times of the wire are ns UTC; a bar's `t` is
its first moment, and it is known at its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from live.errors import FeedError
from live.feeds.door import FUTURE, Telling, admitted, counted
from live.feeds.protocol import Incident, Market
from quantlib.core import nearest

BAR = {
    "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v", "trades": "n", "vwap": "vw",
}  # fmt: skip
OPTIONAL = ("trades", "vwap")
HALTS, RESUMES = frozenset("2HP"), frozenset("3T")  # status codes of both tapes
Message = dict[str, Any]


class Read(NamedTuple):
    """What a frame said."""

    rows: NDArray[Any]  # bars that may pass, in the order in which they came
    incidents: list[Incident]


class Reader:
    """Reads frames, keeps `market` and counts what it refuses.

    Args:
        symbols: names in the order of their codes.
        layout: dtype of the row records.
        timeframe: length of a bar, ns.
        market: written to.

    Raises:
        FeedError: if the layout has a column that no message brings.
    """

    def __init__(self, symbols: Sequence[str], layout: np.dtype[Any], timeframe: int, market: Market) -> None:
        there = ("ts", "ts_event", "symbol", *BAR)
        for name in layout.names or ():
            if name not in there:
                raise FeedError(
                    f"feed: Alpaca's bars have no column {name!r}.{nearest(name, there)} They have "
                    f"{', '.join(there)}; a feature makes others"
                )
        self.symbols, self.layout, self.timeframe, self.market = tuple(symbols), layout, timeframe, market
        self.refused = self.messages = 0
        self._codes = {name: k for k, name in enumerate(symbols)}
        self._extra = [name for name in OPTIONAL if name in (layout.names or ())]
        self._traded, self._quoted = np.zeros(len(symbols), np.int64), np.zeros(len(symbols), np.int64)
        self._telling = Telling()

    def read(self, messages: Sequence[Message], now: int, tick: int) -> Read:
        """Take a frame; `now` is ns UTC, `tick` ns of the monotonic clock."""
        self.messages += len(messages)
        kinds: defaultdict[Any, list[Message]] = defaultdict(list)
        for message in messages:
            kind = message.get("T")
            kinds[kind if isinstance(kind, str) else None].append(message)
        incidents: list[Incident] = []
        if "q" in kinds:
            self._quotes(kinds["q"], now, tick, incidents)
        if "t" in kinds:
            self._trades(kinds["t"], now, tick, incidents)
        for kind, told in (("s", self._status), ("l", self._band), ("c", self._corrected), ("x", self._cancelled)):
            for message in kinds.get(kind, ()):
                self._one(told, message, tick, incidents)
        bars = kinds.get("b", []) + kinds.get("u", [])
        return Read(self._bars(bars, now, tick, incidents), incidents)

    def _bars(self, bars: list[Message], now: int, tick: int, incidents: list[Incident]) -> NDArray[Any]:
        if not bars:
            return np.empty(0, self.layout)
        keys = [BAR[name] for name in BAR if name not in OPTIONAL]
        codes, t, *values = self._columns("bar", bars, ("t", *keys), self._extra, tick, incidents)
        columns = dict(zip([n for n in BAR if n not in OPTIONAL] + self._extra, values, strict=True))
        columns = counted(columns | {"ts": t.astype(np.int64) + self.timeframe, "symbol": codes, "ts_event": t})
        good, refused = admitted(columns, self.symbols, now)
        for one in refused:
            self._refuse(one.symbol, one.reason, one.text, tick, incidents)
        rows = np.zeros(int(good.sum()), self.layout)
        for name in self.layout.names or ():
            rows[name] = columns[name][good]
        self._know(rows["symbol"], rows["ts"], (rows["close"],), (self.market.trade,), self._traded)
        return rows

    def _quotes(self, quotes: list[Message], now: int, tick: int, incidents: list[Incident]) -> None:
        codes, t, bid, ask = self._columns("quote", quotes, ("t", "bp", "ap"), (), tick, incidents)
        bid, ask = np.where(bid == 0.0, np.nan, bid), np.where(ask == 0.0, np.nan, ask)  # 0 is no quote
        bad = (bid < 0.0) | (ask < 0.0) | np.isinf(bid) | np.isinf(ask)
        good = self._passing("quote", codes, t, {"crossed": bid > ask, "no price": bad}, now, tick, incidents)
        known = self.market.bid, self.market.ask
        self._know(codes[good], t[good].astype(np.int64), (bid[good], ask[good]), known, self._quoted)

    def _trades(self, trades: list[Message], now: int, tick: int, incidents: list[Incident]) -> None:
        codes, t, price = self._columns("trade", trades, ("t", "p"), (), tick, incidents)
        bad = ~(price > 0.0) | np.isinf(price)
        good = self._passing("trade", codes, t, {"no price": bad}, now, tick, incidents)
        self._know(codes[good], t[good].astype(np.int64), (price[good],), (self.market.trade,), self._traded)

    def _know(
        self, codes: NDArray[Any], t: NDArray[np.int64], values: Sequence[NDArray[Any]],
        known: Sequence[NDArray[Any]], at: NDArray[np.int64],
    ) -> None:  # fmt: skip
        """The newest values of each symbol; of one time the last to come, wherever frames were cut."""
        newer = t >= at[codes]
        newer = np.flatnonzero(newer)[np.argsort(t[newer], kind="stable")]
        for column, value in zip(known, values, strict=True):
            column[codes[newer]] = value[newer]
        np.maximum.at(at, codes, t)
        np.maximum.at(self.market.at, codes, t)

    def _passing(
        self, kind: str, codes: NDArray[Any], t: NDArray[Any], bad: dict[str, NDArray[np.bool_]], now: int, tick: int,
        incidents: list[Incident],
    ) -> NDArray[np.bool_]:  # fmt: skip
        good = np.ones(len(codes), np.bool_)
        for reason, broken in (bad | {"from the future": t > now + FUTURE}).items():
            if broken.any():
                good &= ~broken
                for code in codes[broken].tolist():
                    name = self.symbols[code]
                    self._refuse(name, f"{kind} {reason}", f"{kind} of {name} is {reason}", tick, incidents)
        return good

    def _columns(
        self, kind: str, messages: list[Message], keys: Sequence[str], extra: Sequence[str], tick: int,
        incidents: list[Incident],
    ) -> list[NDArray[Any]]:  # fmt: skip
        """Codes, then a column for each key; messages that lack one, or are of an unknown symbol, are refused."""
        try:
            return self._quick(messages, keys, extra)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            whole = []
            for message in messages:
                try:
                    self._quick([message], keys, extra)
                    whole.append(message)
                except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
                    name = str(message.get("S"))[:20]
                    why = "is not watched" if name not in self._codes else "is not whole"
                    self._refuse(name, f"{kind} {why}", f"{kind} of {name} {why}", tick, incidents)
            return self._quick(whole, keys, extra)

    def _quick(self, messages: list[Message], keys: Sequence[str], extra: Sequence[str]) -> list[NDArray[Any]]:
        codes = np.array([self._codes[m["S"]] for m in messages], np.intp)
        columns = [np.array([m[keys[0]] for m in messages], np.int64)]
        columns += [np.array([m[key] for m in messages], np.float64) for key in keys[1:]]
        further = [np.array([m.get(BAR[name], np.nan) for m in messages], np.float64) for name in extra]
        return [codes, *columns, *further]

    def _one(self, told: Any, message: Message, tick: int, incidents: list[Incident]) -> None:
        """A message of a rare kind."""
        name = str(message.get("S"))[:20]
        try:
            code = self._codes[message["S"]]
            said = told(code, name, message)
        except (KeyError, TypeError, ValueError):
            self._refuse(name, "message", f"message {message.get('T')!r} of {name} is not whole", tick, incidents)
            return
        if said is not None:
            incidents.append(said)

    def _status(self, code: int, name: str, message: Message) -> Incident | None:
        said, reason = str(message["sc"]), str(message.get("rm") or message.get("rc") or "no reason given")
        if said in HALTS and not self.market.halted[code]:
            self.market.halted[code] = True
            return Incident("halt", f"{name} is halted: {message.get('sm', said)}, {reason}", name)
        if said in RESUMES and self.market.halted[code]:
            self.market.halted[code] = False
            return Incident("resume", f"{name} trades again: {message.get('sm', said)}, {reason}", name)
        return None

    def _band(self, code: int, name: str, message: Message) -> None:
        lower, upper = float(message["d"]), float(message["u"])
        if not (isfinite(lower) and isfinite(upper) and 0.0 <= lower <= upper):
            raise ValueError(message)
        self.market.lower[code], self.market.upper[code] = lower, upper

    def _corrected(self, code: int, name: str, message: Message) -> Incident:
        before, after = float(message["op"]), float(message["cp"])
        if not (isfinite(after) and after > 0.0):
            raise ValueError(message)
        if self.market.trade[code] == before:
            self.market.trade[code] = after
        return Incident("correction", f"a trade of {name} at {before:g} was at {after:g}", name)

    def _cancelled(self, code: int, name: str, message: Message) -> Incident:
        price = float(message["p"])
        if self.market.trade[code] == price:
            self.market.trade[code] = np.nan  # until the next trade
        return Incident("cancelled", f"a trade of {name} at {price:g} never was", name)

    def _refuse(self, symbol: str, kind: str, text: str, tick: int, incidents: list[Incident]) -> None:
        self.refused += 1
        said = self._telling.worded(symbol, kind, text, tick)
        if said is not None:
            incidents.append(Incident("refused", said, symbol))
