"""The loopback as a whole: both halves of the service behind one port of 127.0.0.1, on a thread and a loop of its own.

In lockstep a timestamp is two calls: `match` lets the exchange have its rows, and `publish` tells the world of them.
Between the two, whoever drives waits until the trade updates of `match` have been heard; then what is decided on a
row knows all fills up to it, as in a backtest.  `play` does both by the clock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any

from aiohttp import web

from backtest.costs import Costs
from live.keys import Keys
from live.sim import trading_rest
from live.sim.admission import Rules
from live.sim.budget import Budget
from live.sim.control import Control
from live.sim.data_rest import DataRest
from live.sim.data_stream import DataStream
from live.sim.entry import PLUS, Credentials, Tier, denials
from live.sim.faults import Faults
from live.sim.lifecycle import Lifecycle, Twist
from live.sim.market import Market
from live.sim.plan import Fault
from live.sim.reference_rest import ReferenceRest
from live.sim.script import Script
from live.sim.trading_day import Hours
from live.sim.trading_stream import TradeUpdates
from live.sim.venue import Venue
from live.words import columns_of
from quantlib.desk.memory import Instrument
from quantlib.table import Table

HOST = "127.0.0.1"
KEY, SECRET = "PKLOOPBACK", "loopback-secret"
TICK = 0.05  # seconds between two looks at the clock
LAST_WORDS = 1.0  # seconds that open calls have when the service ends


class Loopback:
    """A service that any Alpaca client can be pointed at; a context manager.

    Args:
        tables: what is replayed: bars, and perhaps trades, quotes and books, all of the same symbols.
        cash: of the account at the start.
        costs: of the exchange; None fills at the bar's prices.
        instruments: tick, lot and multiplier, for all symbols or by name, as `backtest.run` has them.
        rules: which of the broker's checks are made.
        hours: the regular session of an instant's day (`trading_day.new_york`); None: every row is in session.
        prompt: whether cancels and replacements happen at once; else when the symbol's next bar begins, as in
            `backtest.run`.
        twists: what becomes of chosen orders against the ordinary.
        faults: what goes wrong with chosen calls and messages.
        seed: of ids, twists and faults.
        limit: calls a minute beyond which the answer is 429; None: none is refused.
        begin: ns UTC; rows before it are history.
        port: 0 takes a free one.
        key, secret: that clients must show.
        tier: what the subscription to market data allows.
        timeframe: of bars, ns; by default as the rows have it.
        rest, stream, reference: further arguments of `DataRest`, `DataStream` and `ReferenceRest`, by name.
        crypto_tier: of the fees that are taken of trades in crypto, 1 to 8; 0: none are.
    """

    def __init__(
        self, *tables: Table, cash: float = 100_000.0, costs: Costs | None = None,
        instruments: Instrument | Mapping[str, Instrument] | None = None, rules: Rules | None = None,
        hours: Hours | None = None, prompt: bool = False, twists: Iterable[Twist] = (), faults: Iterable[Fault] = (),
        seed: int = 0, limit: int | None = None, begin: int | None = None, port: int = 0, key: str = KEY,
        secret: str = SECRET, tier: Tier = PLUS, timeframe: int | None = None, rest: Mapping[str, Any] | None = None,
        stream: Mapping[str, Any] | None = None, reference: Mapping[str, Any] | None = None, crypto_tier: int = 0,
    ) -> None:  # fmt: skip
        self.market = Market(*tables, timeframe=timeframe, begin=begin)
        self.script = Script(self.market)
        self.faults = Faults(faults, seed, lambda: self.market.now)
        self.venue = Venue(
            self.market.symbols, instruments, cash=cash, costs=costs, rules=rules, hours=hours, prompt=prompt,
            life=Lifecycle(twists, seed), seed=seed, now=self.market.now,
            crypto_tier=crypto_tier,
        )  # fmt: skip
        self.budget, self.port = Budget(limit), port
        self._credentials = Credentials(key, secret)
        self.orders = TradeUpdates(self.venue, self._credentials, self.faults)
        self.data = DataStream(self.market, self.script, self._credentials, self.faults, tier, **(stream or {}))
        self._rest = DataRest(self.market, self._credentials, tier, **(rest or {}))
        self._reference = ReferenceRest(
            self.market, self._credentials, self.faults, **({"steps": self.venue.steps} | dict(reference or {}))
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback", daemon=True)
        self._runner: web.AppRunner | None = None
        self._player: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Of REST: http://127.0.0.1:port."""
        return f"http://{HOST}:{self.port}"

    @property
    def keys(self) -> Keys:
        """Keys and addresses that point a client here."""
        stream = f"ws://{HOST}:{self.port}"
        return Keys(self._credentials.key, self._credentials.secret, self.address, self.address, stream)

    @property
    def finished(self) -> bool:
        """Whether the last timestamp was matched."""
        return self.market.finished

    def __enter__(self) -> Loopback:
        self._thread.start()
        try:
            self._wait(self._start())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all connections, the loop and the thread."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            self._wait(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def match(self) -> int:
        """Let the exchange have the rows of the next timestamp; how many trade updates were sent so far.

        Raises:
            ConfigError: if the replay is at its end.
        """
        return self._wait(self.matched())

    def publish(self) -> None:
        """Tell the rows of that timestamp on the websockets of market data; REST knows them from now on."""
        self._wait(self.published())

    def settle(self) -> int:
        """Send the updates that wait; how many trade updates were sent so far."""
        return self._wait(self._settled())

    def play(self, speed: float, wait: float = 0.0) -> None:
        """Match and publish by the clock until the end: `speed` seconds of the replay in one second, 0 for no wait.

        The first timestamp comes after `wait` seconds, towards which the replay's clock runs.
        """
        self._wait(self.played(speed, wait))

    def reset(self) -> None:
        """Break the account's websocket without a word, as a lost network does."""
        self._wait(self.orders.reset())

    async def matched(self) -> int:
        """`match`, on the service's own loop."""
        records = self.market.advance()
        self.venue.match(self.market.now, columns_of(records))
        return await self._settled()

    async def published(self) -> None:
        """`publish`, on the service's own loop."""
        await self.data.publish()

    async def played(self, speed: float, wait: float = 0.0) -> None:
        """`play`, on the service's own loop: it returns at once, and goes on by itself."""
        if self._player is not None:
            self._player.cancel()
        self._player = asyncio.create_task(self._play(speed, wait))

    async def _settled(self) -> int:
        await self.orders.flush()
        return self.orders.told

    async def _play(self, speed: float, wait: float) -> None:
        began, first = time.monotonic() + wait, self.market.upcoming()
        while (ts := self.market.upcoming()) is not None and first is not None:
            due = began + (ts - first) / 1e9 / speed if speed else began
            while (left := due - time.monotonic()) > 0:
                await asyncio.sleep(min(left, TICK))
                self.market.run(first + round((time.monotonic() - began) * speed * 1e9))
                await self.published()
            await asyncio.sleep(0)  # at no speed others have their turn too
            await self.matched()
            await self.published()

    async def _start(self) -> None:
        middlewares = [self.budget.middleware, denials, self.faults.middleware(), self._telling_after()]
        app = web.Application(middlewares=middlewares)
        app.add_routes(trading_rest.routes(self.venue, self._credentials))
        for part in (self.orders, self.data, self._reference, self._rest, self.faults, self.script, Control(self)):
            app.add_routes(part.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_WORDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self.port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def _stop(self) -> None:
        if self._player is not None:
            self._player.cancel()
            await asyncio.wait([self._player])
        self.faults.release()
        await self.orders.close()
        await self.data.close()
        await asyncio.gather(*self._telling)
        if self._runner is not None:
            await self._runner.cleanup()
        if self._player is not None and not self._player.cancelled():
            self._player.result()  # what broke the replay is told

    def _telling_after(self) -> Any:
        """Updates of what a call did are sent once its answer is on its way; with a fault they may overtake it."""

        @web.middleware
        async def telling(request: web.Request, handler: Any) -> web.StreamResponse:
            answer: web.StreamResponse = await handler(request)
            if self.venue.urgent:
                self.venue.urgent = False
                await self.orders.flush()
            elif self.venue.updates:
                task = asyncio.create_task(self.orders.flush())
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)
            return answer

        return telling

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
