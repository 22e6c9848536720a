"""Alpaca's market data websocket: their client's protocol, with a loop of its own around it.

What the loop adds to `alpaca-py`: whole frames go to a mailbox and nothing can raise on the way; what will never work
ends the stream and says so, what may work again is tried again, later each time; what was subscribed is compared with
what was asked for; a socket that is open and silent while there is trade is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgpack
from alpaca.data.live.websocket import DataStream
from websockets.exceptions import WebSocketException

from live.errors import FeedError
from live.feeds.mailbox import Failed, Frame, Linked, Lost, Mailbox
from live.feeds.protocol import Incident
from live.keys import Keys

SECOND = 1_000_000_000
NEEDED = ("bars", "trades", "quotes")  # without one of these there is nothing to decide on
CURES = {
    402: "the keys are wrong: set APCA_API_KEY_ID and APCA_API_SECRET_KEY to those of this account",
    405: "the plan allows fewer symbols: ask for fewer, without quotes and trades, or change the plan",
    409: "the plan does not include this feed: set APCA_API_DATA_FEED=iex, or change the plan",
    410: "this feed has no such channel: ask without quotes, trades or bands",
    411: "the keys may not read market data: make others",
}
CONNECTIONS = 406  # another one is still counted: on the same socket it works a little later
TRIES = 15
SLOW = 407
SOCKET = {"ping_interval": 10, "ping_timeout": 30, "close_timeout": 1, "max_queue": 1024, "max_size": 2**24}


class Waits(NamedTuple):
    """Seconds."""

    answer: float = 10.0  # for an answer to a connection, keys or a subscription
    stale: float = 90.0  # of silence while there is trade, until the socket is left
    first: float = 1.0  # before the first try to connect again, growing
    longest: float = 30.0  # to this
    same: float = 0.5  # before keys are sent again on the same socket, growing


class Stream(DataStream):  # type: ignore[misc]
    """One websocket in a thread of its own; all that it hears is put into a mailbox.

    Args:
        name: as incidents spell it.
        endpoint: whole address.
        keys: of the account.
        wanted: channel -> symbols.
        mailbox: where letters go.
        trading: seconds for which there has been trade, 0 while there is none.
        waits: how long it waits for what.
    """

    def __init__(
        self, name: str, endpoint: str, keys: Keys, wanted: Mapping[str, Sequence[str]], mailbox: Mailbox,
        trading: Callable[[], float], waits: Waits,
    ) -> None:  # fmt: skip
        super().__init__(endpoint, keys.key, keys.secret, raw_data=True, websocket_params=dict(SOCKET))
        for channel, symbols in wanted.items():
            self._handlers[channel] = dict.fromkeys(symbols)
        self.name, self.wanted, self.mailbox, self.trading, self.waits = name, wanted, mailbox, trading, waits
        self.connections = 0
        self._reconnect_min_backoff, self._reconnect_max_backoff = waits.first, waits.longest
        self._heard = self._asked = 0  # ns of the monotonic clock: last market data, subscription sent
        self._confirmed = False
        self._why, self._stale = "", False  # why the watchdog left the socket
        self._looping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"feed {name}", daemon=True)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Connect, in the background."""
        self._thread.start()
        self._looping.wait()

    def end(self) -> None:
        """Disconnect, and wait until that is done."""
        if not self._thread.is_alive():
            return
        with contextlib.suppress(RuntimeError):  # its loop ended by itself just now
            self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()

    def _stop(self) -> None:
        self._should_run = False
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._run_forever())

    async def _run_forever(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._stop_stream_event = asyncio.Event()
        self._looping.set()
        retries = 0
        while self._should_run:
            self._data_received, self._why, self._stale = False, "", False
            try:
                why = await self._connection()
            except FeedError as error:
                self.mailbox.put(Failed(self.name, str(error)))
                return
            except Exception as error:  # whatever was sent: this thread must not end unsaid
                why = f"{type(error).__name__}: {error}"
            finally:
                await self._left()
            self.mailbox.put(Lost(self.name, self._why or why, self._stale))
            retries = 1 if self._data_received else retries + 1
            await self._wait_before_reconnect(retries)

    async def _connection(self) -> str:
        """One connection from its beginning to its end; why it ended."""
        await asyncio.wait_for(self._start_ws(), self.waits.answer + TRIES * 5.0)
        self.connections += 1
        self._confirmed = False
        self._heard = self._asked = time.monotonic_ns()
        await self._send_subscribe_msg()
        self._running = True
        watchdog = asyncio.create_task(self._watch())
        try:
            return await self._listen()
        finally:
            watchdog.cancel()

    async def _left(self) -> None:
        with contextlib.suppress(WebSocketException, OSError):
            await self.close()

    async def _connect(self) -> None:
        await asyncio.wait_for(super()._connect(), self.waits.answer)

    async def _auth(self) -> None:
        """Send the keys; again on the same socket while another connection is still counted."""
        said = msgpack.packb({"action": "auth", "key": self._api_key, "secret": self._secret_key})
        for tries in range(1, TRIES + 1):
            await self._ws.send(said)
            answer = msgpack.unpackb(await asyncio.wait_for(self._ws.recv(), self.waits.answer))[0]
            if answer.get("T") == "success":
                return
            self._refuse_fatal(answer)
            if answer.get("code") != CONNECTIONS:
                break
            await asyncio.sleep(min(5.0, self.waits.same * tries))
        raise ValueError(f"not let in: {answer.get('msg')} ({answer.get('code')})")

    async def _listen(self) -> str:
        """Put every frame into the mailbox, until the socket is closed."""
        async for frame in self._ws:
            arrived = time.monotonic_ns()
            messages = self._messages(frame)
            if len(messages) == 1 and messages[0].get("T") in ("error", "subscription", "success"):
                self._control(messages[0])
                continue
            if messages:
                self._heard, self._data_received = arrived, True
                self.mailbox.put(Frame(self.name, messages, arrived))
        return f"closed by the other side, code {self._ws.close_code}"

    def _messages(self, frame: bytes) -> list[dict[str, Any]]:
        try:
            messages = msgpack.unpackb(frame, timestamp=2)  # ns UTC
            return [message for message in messages if isinstance(message, dict)]
        except (ValueError, TypeError, msgpack.UnpackException) as error:
            self.mailbox.put(Incident("refused", f"feed: a frame of {self.name} cannot be read ({error})"))
            return []

    def _control(self, message: Mapping[str, Any]) -> None:
        """An answer or an error: what is fatal ends the stream, what is not ends the connection or is told."""
        if message["T"] == "subscription":
            self._confirm(message)
        elif message["T"] == "error":
            self._refuse_fatal(message)
            if message.get("code") == SLOW:
                self.mailbox.put(Incident("slow", f"feed: {self.name} says that we read too slowly, and will close"))
            else:
                raise ValueError(f"the server says {message.get('msg')} ({message.get('code')})")

    def _refuse_fatal(self, message: Mapping[str, Any]) -> None:
        cure = CURES.get(int(message.get("code") or 0))
        if cure is not None:
            raise FeedError(f"feed: {self.name} refuses: {message.get('msg')} ({message.get('code')}); {cure}")

    def _confirm(self, acked: Mapping[str, Any]) -> None:
        """Compare what will be sent with what was asked for."""
        lacking = {}
        for channel, symbols in self.wanted.items():
            there = set(acked.get(channel) or ())
            missing = [] if "*" in there else [symbol for symbol in symbols if symbol not in there]
            if missing:
                lacking[channel] = missing
        spelled = "; ".join(f"{channel} {', '.join(names[:5])}" for channel, names in lacking.items())
        if lacking:
            text = f"feed: {self.name} did not confirm {spelled}"
            self.mailbox.put(Incident("subscription", text))
        if any(channel in NEEDED for channel in lacking):
            raise ValueError(f"subscribed to less than was asked for: {spelled}")
        if not self._confirmed:
            self._confirmed = True
            self.mailbox.put(Linked(self.name))

    async def _watch(self) -> None:
        """Leave a socket that does not confirm, or is silent while there is trade."""
        while True:
            await asyncio.sleep(min(1.0, self.waits.stale / 10, self.waits.answer / 10))
            now = time.monotonic_ns()
            if not self._confirmed and now - self._asked > self.waits.answer * SECOND:
                self._why = f"the subscription was not confirmed within {self.waits.answer:g} s"
            elif (silent := self._silent(now)) > self.waits.stale:
                self._stale = True
                self._why = f"silent for {silent:.0f} s while there is trade, limit {self.waits.stale:g} s"
            if self._why:
                self._ws.transport.abort()  # a close would wait for the other side to answer
                return

    def _silent(self, now: int) -> float:
        """Seconds of trade without a message."""
        return min((now - self._heard) / SECOND, self.trading())
