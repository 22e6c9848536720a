"""What REST knows of the past of the replay: rows of a symbol between two moments, in pages, and the last of each."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from live.errors import Denied
from live.sim.corporate import Actions
from live.sim.market import Market
from live.sim.messages import SHAPES, packed, plain
from live.sim.timeframes import DAY, READ, ZONES, Timeframe, lengthened
from live.sim.track import Track
from live.sim.wire import asset_class, instant

Said = dict[str, Any]


class Rows(NamedTuple):
    """Rows of one symbol: their moments on the wire, ascending, and how to say some of them."""

    t: NDArray[np.int64]
    said: Callable[[NDArray[np.int64]], list[bytes]]  # of places in t


class Page(NamedTuple):
    """One page of rows by symbol, and where the next begins."""

    rows: dict[str, list[Said]]
    token: str | None


def bars(market: Market, symbol: str, timeframe: Timeframe, actions: Actions, adjustment: str = "raw") -> Rows:
    """The bars of a symbol so far."""
    track = market.tracks.get("bar")
    places = _known(market, track, symbol)
    if track is None or timeframe.length < track.timeframe:
        return _nothing()
    columns = {name: track.columns[name][places] for name in READ}
    if timeframe.length != track.timeframe:
        columns = lengthened(columns, timeframe, ZONES[asset_class(symbol)])
    columns = actions.adjusted(columns, symbol, adjustment, market.now)
    shape = SHAPES["bar", asset_class(symbol)]
    blank = np.zeros(len(columns["t"]), np.int32)

    def said(chosen: NDArray[np.int64]) -> list[bytes]:
        some = {name: column[chosen] for name, column in columns.items()}
        return packed(shape, (symbol,), some | {"symbol": blank[chosen]})

    return Rows(columns["t"], said)


def rows(market: Market, clock: str, symbol: str) -> Rows:
    """The trades, quotes or books of a symbol so far."""
    track = market.tracks.get(clock)
    if track is None:
        return _nothing()
    places = _known(market, track, symbol)
    return Rows(track.t[places], lambda chosen: track.messages(places[chosen]))


def latest(market: Market, clock: str, symbol: str) -> Said | None:
    """The last row of a symbol; where no trades are recorded, the close of its last bar stands for one."""
    track = market.tracks.get(clock)
    places = _known(market, track, symbol)
    if track is not None and len(places):
        last = track.book(int(places[-1])) if clock == "book" else track.messages(places[-1:])[0]
        return plain(last)
    return _last_close(market, symbol) if clock == "trade" and track is None else None


def snapshot(market: Market, symbol: str) -> Said:
    """The last trade, quote and minute, and the days of now and before."""
    days = bars(market, symbol, DAY, Actions())
    last_two = [plain(message) for message in days.said(np.arange(len(days.t))[-2:])]
    said = {
        "latestTrade": latest(market, "trade", symbol), "latestQuote": latest(market, "quote", symbol),
        "minuteBar": latest(market, "bar", symbol), "dailyBar": last_two[-1] if last_two else None,
        "prevDailyBar": last_two[0] if len(last_two) > 1 else None,
    }  # fmt: skip
    return {name: part for name, part in said.items() if part is not None}


def page(
    symbols: Sequence[str], of: Callable[[str], Rows], start: int, end: int, limit: int, token: str | None,
    descending: bool,
) -> Page:  # fmt: skip
    """Rows from `start` to `end`, both included, of symbol after symbol, until `limit` of them all are on the page.

    Raises:
        Denied: 400 if the token is none of ours.
    """
    after, last = ("", -1) if token is None else _place_of(token), ("", -1)
    said: dict[str, list[Said]] = {}
    left = limit
    for symbol in sorted(set(symbols)):
        if symbol < after[0]:
            continue
        some = of(symbol)
        places = np.arange(np.searchsorted(some.t, start), np.searchsorted(some.t, end, "right"))
        if symbol == after[0]:
            places = places[places < after[1]] if descending else places[places > after[1]]
        chosen = (places[::-1] if descending else places)[:left]
        if len(chosen):
            said[symbol] = [plain(message) for message in some.said(chosen)]
            left, last = left - len(chosen), (symbol, int(chosen[-1]))
        if len(chosen) < len(places):
            return Page(said, _token(*last))
    return Page(said, None)


def _last_close(market: Market, symbol: str) -> Said | None:
    track = market.tracks.get("bar")
    places = _known(market, track, symbol)
    if track is None or not len(places):
        return None
    last = int(places[-1])
    price, size = float(track.columns["close"][last]), float(track.columns["volume"][last])
    whole = int(size) if size % 1 == 0 else size
    return {"t": instant(int(track.ts[last])), "p": price, "s": whole, "i": last + 1, "x": "V", "c": ["@"], "z": "C"}


def _known(market: Market, track: Track | None, symbol: str) -> NDArray[np.int64]:
    if track is None or symbol not in market.symbols:
        return np.empty(0, np.int64)
    places = track.places(market.symbols.index(symbol))
    return places[: np.searchsorted(track.ts[places], market.known, "right")]


def _nothing() -> Rows:
    return Rows(np.empty(0, np.int64), lambda chosen: [])


def _token(symbol: str, place: int) -> str:
    return base64.urlsafe_b64encode(f"{symbol}|{place}".encode()).decode()


def _place_of(token: str) -> tuple[str, int]:
    try:
        symbol, place = base64.urlsafe_b64decode(token).decode().split("|")
        return symbol, int(place)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Denied(400, 40010000, f"invalid page_token: {token}") from None
