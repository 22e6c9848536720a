"""Trade updates: the real client's stream, in a thread of its own, with what it lacks.

A key that is refused ends it instead of being tried for ever, though one that was taken before is tried a few times
more; what a message does to us never ends it; a dead connection is noticed within half a minute; and who listens is
told of every new connection, for nothing is replayed, and of the end.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from alpaca.trading.stream import TradingStream
from websockets.exceptions import WebSocketException

from live.errors import BrokerError
from live.keys import Keys

log = logging.getLogger(__name__)

PINGS = {"ping_interval": 10, "ping_timeout": 20, "max_queue": 4096}  # seconds, seconds, messages
ANSWER = 10.0  # seconds that authentication and listening may take
SHORTEST, LONGEST = 0.5, 30.0  # seconds between two attempts
REFUSALS = 3  # in a row, after which keys that were taken before are believed to be no good


class Updates(TradingStream):  # type: ignore[misc]
    """Trade updates of one account.

    Args:
        keys: of the account.
        hear: given the data of each update, on the stream's thread.
        began: told of each new connection, once it listens.
        lost: told why a connection ended.
        backoff: seconds before the second attempt to connect; each further one waits twice as long.
    """

    def __init__(
        self, keys: Keys, hear: Callable[[Mapping[str, Any]], None], began: Callable[[], None],
        lost: Callable[[str], None], *, backoff: float = SHORTEST,
    ) -> None:  # fmt: skip
        super().__init__(keys.key, keys.secret, raw_data=True, url_override=keys.trade_updates, websocket_params=PINGS)
        self.listening, self.over = Event(), Event()
        self.fatal: BrokerError | None = None
        self._hear, self._began, self._lost, self._backoff = hear, began, lost, backoff
        self._trade_updates_handler = self._heard
        self._stopping: asyncio.Event | None = None
        self._stop_wanted = False
        self._refusals = REFUSALS - 1  # keys that were never taken are refused once
        self._thread = Thread(target=self._alone, name="trade-updates", daemon=True)

    def start(self) -> None:
        """Connect, in a thread."""
        self._thread.start()

    def halt(self) -> None:
        """Disconnect for good, and wait for the thread."""
        self._stop_wanted = True
        self._soon(lambda: self._stopping.set() if self._stopping else None)
        if self._thread.is_alive():
            self._thread.join(ANSWER)

    async def close(self) -> None:
        """Drop the connection; one that breaks meanwhile is dropped too."""
        with suppress(WebSocketException, OSError):
            await super().close()

    def reconnect(self) -> None:
        """Drop this connection and make another one."""
        self._soon(lambda: asyncio.ensure_future(self.close()))

    def _soon(self, act: Callable[[], Any]) -> None:
        loop = self._loop
        if loop is not None and loop.is_running():
            try:
                loop.call_soon_threadsafe(act)
            except RuntimeError:
                return  # it ended in this very moment

    def _alone(self) -> None:
        try:
            asyncio.run(self._run_forever())
        finally:
            self.listening.clear()
            self.over.set()

    async def _run_forever(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        failures = 0
        while not self._stop_wanted and self.fatal is None:
            reason = await self._until_stopped(self._connection())
            if self.listening.is_set():
                failures = 0
            self.listening.clear()
            await self.close()
            if self._stop_wanted:
                break
            self._lost(reason)
            if self.fatal is not None:
                break
            delay = min(LONGEST, self._backoff * 2.0**failures) * random.uniform(0.5, 1.0)
            failures += 1
            await self._until_stopped(asyncio.sleep(delay))

    async def _until_stopped(self, work: Any) -> str:
        """Why the work ended; what it does never raises beyond here."""
        tasks = [asyncio.ensure_future(work), asyncio.ensure_future(self._stopping.wait())]  # type: ignore[union-attr]
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        errors = [error for task in done if not task.cancelled() and (error := task.exception())]
        return f"{type(errors[0]).__name__}: {errors[0]}" if errors else "closed"

    async def _connection(self) -> None:
        await asyncio.wait_for(self._start_ws(), ANSWER)
        self.listening.set()
        self._began()
        while True:
            await self._dispatch(_read(await self._ws.recv()))

    async def _auth(self) -> None:
        said = {"key_id": self._api_key, "secret_key": self._secret_key}
        await self._ws.send(json.dumps({"action": "authenticate", "data": said}))
        answer = _read(await self._ws.recv())
        status = (answer.get("data") or {}).get("status")
        if status == "authorized":
            self._refusals = 0
            return
        refusal = BrokerError(
            f"broker: the trading stream answered {status!r} to these keys; make new ones, and mind that paper "
            f"and live accounts have different ones"
        )
        self._refusals += 1
        if self._refusals >= REFUSALS:
            self.fatal = refusal
        raise refusal

    async def _subscribe_trade_updates(self) -> None:
        await super()._subscribe_trade_updates()
        while True:  # words about orders may come before the answer
            message = _read(await self._ws.recv())
            if message.get("stream") == "listening":
                if "trade_updates" in (message.get("data") or {}).get("streams", ()):
                    return
                raise BrokerError("broker: the trading stream does not tell of orders")
            await self._dispatch(message)

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        try:
            if msg.get("stream") == "trade_updates":
                self._hear(msg["data"])
        except Exception:
            log.exception("a trade update could not be taken")

    async def _heard(self, data: Any) -> None:
        """The client connects only if it has a handler; updates go past it."""


def _read(frame: str | bytes) -> dict[str, Any]:
    """A frame's message; an empty one where it is none."""
    try:
        message = json.loads(frame)
    except ValueError:
        log.warning("a frame of the trading stream is no JSON: %d bytes", len(frame))
        return {}
    return message if isinstance(message, dict) else {}
