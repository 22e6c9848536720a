"""Alpaca's market data as a feed: stocks and crypto of one session, as moments to decide on.

    streams (a thread each) -> mailbox -> reader -> hours -> gather -> what the runner hears
    history (a thread)      -> mailbox ------------------------^

All but the streams and the history happens in the thread that calls `next`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from live.errors import FeedError
from live.feeds.alpaca_checks import Checks
from live.feeds.alpaca_history import AlpacaHistory
from live.feeds.alpaca_messages import Reader
from live.feeds.alpaca_stream import Stream
from live.feeds.backfill import Backfill, begin_of
from live.feeds.calendar import Calendar, new_york
from live.feeds.door import ready
from live.feeds.gaps import Gaps
from live.feeds.gather import Gather
from live.feeds.history import SECOND, History
from live.feeds.hours import Hours
from live.feeds.mailbox import Failed, Filled, Frame, Letter, Linked, Lost, Mailbox, Overflown
from live.feeds.protocol import Heard, Incident, Market, Moment, Past, market
from live.feeds.settings import FeedSettings
from live.keys import Keys
from live.pulse import FeedHealth
from quantlib.rules import NEVER
from quantlib.schema import moment

STOCKS, CRYPTO = "stocks", "crypto"
TOGETHER = SECOND // 20  # ns: a moment's patience begins with its first frame, give or take this


class AlpacaFeed:
    """A `Feed` of one Alpaca account.

    Args:
        keys: account and addresses.
        symbols: in the order of their codes; stocks by ticker, crypto by pair ("BTC/USD").
        settings: what is asked of it.
        history: of what the streams did not bring; default Alpaca's own.
        calendar: of the stocks; default the New York Stock Exchange around `clock()`.
        clock: ns UTC.

    Raises:
        FeedError: if a setting or a symbol makes no sense.
    """

    clocks = frozenset({"bar"})  # trades and quotes are known of between moments, but are no rows

    def __init__(
        self, keys: Keys, symbols: Sequence[str], settings: FeedSettings | None = None, *,
        history: History | None = None, calendar: Calendar | None = None, clock: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        settings = settings or FeedSettings()
        settings.check(keys, symbols)
        self.keys, self.symbols, self.settings, self.clock = keys, tuple(symbols), settings, clock
        self.market: Market = market(len(symbols))
        self._crypto = np.array(["/" in symbol for symbol in symbols])
        if calendar is None and not self._crypto.all():
            calendar = new_york(clock())
        self._hours = Hours(self._crypto, calendar, settings.timeframe, settings.hours)
        self._reader = Reader(symbols, settings.layout, settings.timeframe, self.market)
        history = history or AlpacaHistory(keys)
        self._backfill = Backfill(history, symbols, settings.layout, settings.timeframe, self._hours.inside)
        self._mailbox = Mailbox()
        self._streams = [self._stream(name) for name in (STOCKS, CRYPTO) if self._of(name)]
        self._gather = self._gathering(None)
        self._gaps = Gaps(self._backfill, self._mailbox, settings, clock)
        self._heard: deque[Heard] = deque()
        self._linked: dict[str, bool] = {}  # streams that have been connected -> whether they are
        self._stale: set[str] = set()
        self._trouble: dict[str, str] = {}
        self._begun = self._message = 0  # ns of the monotonic clock
        self._since = 0  # ns UTC: nothing of before is missing, if no row has come
        self._outside = False  # whether bars out of hours were told of

    def begin(self, after: int | None) -> None:
        """Connect, warm up if nothing was decided on yet, and fill the gap after `after` if something was.

        Raises:
            FeedError: if it will never work: bad keys, no entitlement, an unknown symbol.
        """
        ready()
        now = self.clock()
        checks = Checks(self.keys)
        self._heard.extend(checks.known(self.symbols))
        if self._hours.calendar is not None:
            self._heard.extend(checks.calendar(self._hours.calendar, now))
        self._gather, self._since = self._gathering(after), now if after is None else after
        self._message = time.monotonic_ns()
        for stream in self._streams:
            stream.begin()
        self._connect()
        self._begun = time.monotonic_ns()
        self._before(after)

    def next(self, patience: float) -> Heard | None:
        """The next thing heard, None if nothing came within `patience` seconds."""
        until = time.monotonic_ns() + int(patience * SECOND)
        while not self._heard:
            now = time.monotonic_ns()
            deadline = self._gather.deadline()
            wait = min(until, deadline if deadline is not None else until) - now
            letters = self._mailbox.take(max(0.0, wait / SECOND))
            self._open(letters)
            self._gaps.ask_again()
            self._heard.extend(self._aged(heard) for heard in self._gather.heard(time.monotonic_ns()))
            if not letters and not self._heard and time.monotonic_ns() >= until:
                return None
        return self._heard.popleft()

    def health(self) -> FeedHealth:
        """How it is."""
        gather, reconnects = self._gather, sum(max(0, stream.connections - 1) for stream in self._streams)
        return FeedHealth(
            name=f"alpaca {self.keys.data_feed}" if not self._crypto.all() else "alpaca crypto",
            connected=len(self._linked) == len(self._streams) and all(self._linked.values()),
            age=(time.monotonic_ns() - self._message) / SECOND if self._message else 0.0,
            messages=self._reader.messages, rows=gather.rows, late=gather.late, corrected=gather.corrected,
            duplicates=gather.duplicates, refused=self._reader.refused, reconnects=reconnects,
            backfilled=gather.backfilled, stale=bool(self._stale), trouble="; ".join(self._trouble.values()),
        )  # fmt: skip

    def close(self) -> None:
        """The end of the connections; waits until their threads have ended."""
        for stream in self._streams:
            stream.end()
        self._gaps.close()
        self._linked = dict.fromkeys(self._linked, False)

    def _connect(self) -> None:
        """Wait until every stream has confirmed its subscription, or one has given up.

        A network that is down for now is no reason to fail: the streams go on trying.
        """
        until = time.monotonic_ns() + int(2 * self.settings.waits.answer * SECOND)
        while len(self._linked) < len(self._streams) and (left := until - time.monotonic_ns()) > 0:
            self._open(self._mailbox.take(left / SECOND))
            fatal = [heard for heard in self._heard if isinstance(heard, Incident) and heard.fatal]
            if fatal:
                self.close()
                raise FeedError(fatal[0].text)

    def _before(self, after: int | None) -> None:
        """What happened before the first moment, asked for and waited for."""
        now, s = self.clock(), self.settings
        if after is not None:
            self._take(self._backfill.gap(self.symbols, after, now, now - int(s.patience * SECOND)))
        elif s.horizon:
            calendars = [None if crypto else self._hours.calendar for crypto in self._crypto]
            begins = [begin_of(calendar, now, s.horizon, s.timeframe) for calendar in calendars]
            named = dict(zip(self.symbols, begins, strict=True))
            self._take(self._backfill.warm_up(named, now, s.horizon))

    def _open(self, letters: Sequence[Letter | Overflown]) -> None:
        """Take what waits; frames that came together as one: the more there is, the less each costs."""
        frames: list[Frame] = []
        for letter in letters:
            if frames and not (isinstance(letter, Frame) and letter.arrived - frames[0].arrived < TOGETHER):
                self._read(frames)
                frames = []
            if isinstance(letter, Frame):
                self._message = max(self._message, letter.arrived)
                self._stale.discard(letter.stream)
                frames.append(letter)
            else:
                self._take(letter)
        if frames:
            self._read(frames)

    def _take(self, letter: Letter | Overflown) -> None:
        if isinstance(letter, Filled):
            self._fill(letter)
        elif isinstance(letter, Linked):
            self._link(letter.stream)
        elif isinstance(letter, Lost):
            self._lose(letter)
        elif isinstance(letter, Failed):
            self._linked[letter.stream], self._trouble[letter.stream] = False, letter.why
            self._heard.append(Incident("fatal", letter.why, fatal=True))
        elif isinstance(letter, Overflown):
            self._overflow(letter)
        elif isinstance(letter, Incident):
            self._heard.append(letter)

    def _lose(self, lost: Lost) -> None:
        text = f"{lost.stream}: {lost.why}"
        self._trouble[lost.stream] = text
        if lost.stream in self._linked:
            self._linked[lost.stream] = False
        if lost.stale:
            self._stale.add(lost.stream)
        self._heard.append(Incident("stale" if lost.stale else "lost", f"feed: {text}; trying again"))

    def _read(self, frames: Sequence[Frame]) -> None:
        """Frames that came one after the other; a moment's time is that of the first that has bars."""
        messages = [message for frame in frames for message in frame.messages]
        arrived = next((frame.arrived for frame in frames if frame.has_bars), frames[0].arrived)
        said = self._reader.read(messages, self.clock(), arrived)
        self._heard.extend(said.incidents)
        rows = said.rows
        if not len(rows):
            return
        inside = self._hours.inside(rows["ts"], rows["symbol"])
        if not inside.all() and not self._outside:
            self._outside = True
            first = moment(rows["ts"][~inside][0])
            text = f"feed: bars out of regular hours are passed over, from {first} on; hours='all' decides on them"
            self._heard.append(Incident("outside", text))
        self._gather.take(rows[inside], arrived)

    def _fill(self, filled: Filled) -> None:
        last = self._gaps.filled(filled)
        self._heard.extend(filled.incidents)
        self._gather.fill(filled.rows, filled.fresh, filled.why, time.monotonic_ns())
        if last:
            self._gather.hold(0)

    def _link(self, stream: str) -> None:
        again = stream in self._linked or self._begun
        self._linked[stream] = True
        self._trouble.pop(stream, None)
        self._heard.append(Incident("connected", f"feed: {stream} is connected"))
        if again:
            self._ask([symbol for symbol in self.symbols if symbol in self._of(stream)])

    def _ask(self, symbols: Sequence[str]) -> None:
        """Have a gap filled, in the background; moments wait for it, but not for long."""
        self._gather.hold(time.monotonic_ns() + int(self.settings.hold * SECOND))
        self._gaps.ask(symbols, self._reached(symbols) - self.settings.timeframe)  # the last may be incomplete

    def _reached(self, symbols: Sequence[str]) -> int:
        """The last moment that any of these symbols has brought a row of; the start if none has."""
        codes = [self.symbols.index(symbol) for symbol in symbols]
        reached = int(self._gather.reached[codes].max())
        return reached if reached != NEVER else self._since

    def _overflow(self, lost: Overflown) -> None:
        text = f"feed: the runner is too slow: {lost.fleeting} trades and quotes and {lost.others} others were dropped"
        self._heard.append(Incident("overflow", text))
        if lost.others:
            self._ask(self.symbols)

    def _aged(self, heard: Heard) -> Heard:
        """A moment that is too old to act on has gone by."""
        if isinstance(heard, Moment) and self.clock() - heard.ts > self.settings.oldest * SECOND:
            return Past(heard.rows, "gap")
        return heard

    def _expected(self, ts: int) -> NDArray[np.bool_]:
        """Which symbols a moment waits for: those that trade and are not halted."""
        return self._hours.expected(ts) & ~self.market.halted

    def _of(self, stream: str) -> tuple[str, ...]:
        return tuple(symbol for symbol in self.symbols if ("/" in symbol) == (stream == CRYPTO))

    def _gathering(self, after: int | None) -> Gather:
        return Gather(self.settings.layout, len(self.symbols), self._expected, self.settings.patience, after)

    def _stream(self, name: str) -> Stream:
        s, symbols = self.settings, self._of(name)
        channels = {
            "bars": True, "updatedBars": True, "quotes": s.quotes, "trades": s.trades, "statuses": name == STOCKS,
            "lulds": s.bands and name == STOCKS,
        }  # fmt: skip
        wanted = {channel: symbols for channel, asked in channels.items() if asked}
        endpoint = self.keys.crypto if name == CRYPTO else self.keys.stocks
        trading = partial(self._trading, name == CRYPTO)
        return Stream(name, endpoint, self.keys, wanted, self._mailbox, trading, s.waits)

    def _trading(self, crypto: bool) -> float:
        return self._hours.trading(self.clock(), crypto)
