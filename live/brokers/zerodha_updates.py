"""Order updates of one login: the real ticker, in its reactor's thread, with what it lacks.

It connects again for as long as it is wanted, notices that a connection has fallen silent, and ends when the access
token is refused.  What an update says is only a hint, for its status may be old: whoever listens asks for the orders.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from live.brokers.extras import extra
from live.brokers.zerodha_orders import Kite
from live.errors import BrokerError

kiteconnect = extra("kiteconnect", "zerodha")

log = logging.getLogger(__name__)
SILENCE = 10.0  # seconds without a word after which a connection is dead: it beats every second or two
LONGEST = 30.0  # seconds between two attempts
STARTING = threading.Lock()  # the reactor starts once in a process


class OrderUpdates:
    """Order updates of one login.

    Args:
        kite: the login.
        hear: told of each update, on the reactor's thread.
        began, lost: told of each new connection, and why one ended.
        backoff: seconds before the second attempt to connect; each further one waits twice as long.
        silence: seconds without a word after which a connection is dropped.
    """

    def __init__(
        self, kite: Kite, hear: Callable[[], None], began: Callable[[], None], lost: Callable[[str], None], *,
        backoff: float = 0.5, silence: float = SILENCE,
    ) -> None:  # fmt: skip
        self.kite, self.hear, self.began, self.lost = kite, hear, began, lost
        self.backoff, self.silence = backoff, silence
        self.listening, self.over = threading.Event(), threading.Event()
        self.fatal: BrokerError | None = None
        self.spoken = time.monotonic()  # when it last said anything
        self._ticker: Any = None
        self._failures, self._reason = 0, ""
        self._stop_wanted = False

    def start(self) -> None:
        """Connect, in the reactor's thread."""
        _reactor().callFromThread(self._connect)

    def halt(self) -> None:
        """Disconnect for good, and wait for it."""
        self._stop_wanted = True
        _reactor().callFromThread(self._leave)
        self.over.wait(5.0)

    def reconnect(self) -> None:
        """Drop this connection and make another one."""
        _reactor().callFromThread(self._drop)

    # All that follows runs on the reactor's thread.

    def _connect(self) -> None:
        if self._stop_wanted or self.fatal is not None:
            self.over.set()
            return
        kite = self.kite
        ticker = kiteconnect.KiteTicker(kite.api_key, kite.access_token, root=kite.ticker, reconnect_max_tries=0)
        ticker.on_connect = lambda one, response: self._connected()
        ticker.on_order_update = lambda one, data: self.hear()
        ticker.on_message = lambda one, payload, binary: self._speak()
        ticker.on_close = lambda one, code, reason: self._because(str(reason))
        self._ticker, self._reason = ticker, ""
        ticker.connect(threaded=True)
        ticker.factory.clientConnectionFailed = lambda connector, reason: self._ended(str(reason.value))
        ticker.factory.clientConnectionLost = lambda connector, reason: self._ended(str(reason.value))

    def _connected(self) -> None:
        self._failures, self.spoken = 0, time.monotonic()
        self.listening.set()
        _reactor().callLater(self.silence / 2, self._watch, self._ticker)
        self.began()

    def _speak(self) -> None:
        self.spoken = time.monotonic()

    def _because(self, reason: str) -> None:
        self._reason = reason
        if "403" in reason:
            self.fatal = BrokerError(
                "broker: Zerodha's websocket refuses this access token; it dies every morning: log in and start again "
                "with the new one (live.brokers.zerodha_rest.logged_in)"
            )

    def _ended(self, reason: str) -> None:
        self.listening.clear()
        self._ticker = None
        if self._stop_wanted or self.fatal is not None:
            self.over.set()
        if self._stop_wanted:
            return
        self.lost(self._reason or reason)
        delay = min(LONGEST, self.backoff * 2.0**self._failures) * random.uniform(0.5, 1.0)
        self._failures += 1
        if self.fatal is None:
            _reactor().callLater(delay, self._connect)

    def _watch(self, ticker: Any) -> None:
        if ticker is not self._ticker:
            return
        if time.monotonic() - self.spoken > self.silence:
            self._reason = "it has fallen silent"
            self._drop()
        else:
            _reactor().callLater(self.silence / 2, self._watch, ticker)

    def _drop(self) -> None:
        if self._ticker is not None and self._ticker.ws is not None:
            self._ticker.ws.dropConnection(abort=True)

    def _leave(self) -> None:
        if self._ticker is None:
            self.over.set()
        else:
            self._drop()


def _reactor() -> Any:
    """The process's reactor, running in a thread; it cannot be started twice, so it stays."""
    reactor: Any = extra("twisted.internet.reactor", "zerodha")  # it chooses its kind as it is imported
    with STARTING:
        if not reactor.running:
            started, options = threading.Event(), {"installSignalHandlers": False}
            reactor.callWhenRunning(started.set)
            threading.Thread(target=reactor.run, kwargs=options, name="kite-ticker", daemon=True).start()
            started.wait(5.0)
    return reactor
