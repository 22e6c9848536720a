"""The link to TWS or IB Gateway: the real client's socket in a thread of its own, connected while it is wanted.

The client paces itself below 50 messages a second.  It tells this link of every message by the names that TWS gives
them; answers to questions end up with whoever asked, and words about orders with whoever listens.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from datetime import UTC
from threading import Event, Lock, Thread
from types import SimpleNamespace
from typing import Any, TypeVar

from live.brokers.ibkr_listener import Listener
from live.brokers.ibkr_orders import Gateway, ib
from live.errors import BrokerError, Refused, Unanswered, Unsent

log = logging.getLogger(__name__)
T = TypeVar("T")

ANSWER = 10.0  # seconds that TWS may take to answer
LONGEST = 30.0  # seconds between two attempts to connect
BEAT = 10.0  # seconds of silence after which TWS is asked for the time
CLIENT_IN_USE = 326
AWAY, BACK = (1100, 2110), (1101, 1102)  # TWS has lost its own line to the broker, and found it again


class Link:
    """One connection to TWS.

    Args:
        gateway: where it is.
        listener: told of orders.
        answer: seconds that an answer may take.
        backoff: seconds before the second attempt to connect; each further one waits twice as long.
    """

    def __init__(self, gateway: Gateway, listener: Listener, *, answer: float = ANSWER, backoff: float = 0.5) -> None:
        self.gateway, self.listener, self.answer, self.backoff = gateway, listener, answer, backoff
        self.listening = Event()
        self.fatal: BrokerError | None = None
        self.accounts: list[str] = []
        self.calls = self.failures = 0
        self.arrived = time.monotonic()  # when TWS last said anything
        self.ib, self.defaultTimezone = SimpleNamespace(TimezoneTWS=""), UTC  # as the client's decoder wants them
        self._loop: asyncio.AbstractEventLoop | None = None
        self.client: Any = None
        self._closed: asyncio.Event | None = None
        self._stop_wanted, self._away = False, False
        self._question: tuple[str, Future[list[Any]], list[Any]] | None = None
        self.request = 0  # number of the question
        self._asking = Lock()
        self._thread = Thread(target=self._run, name="tws", daemon=True)

    def start(self) -> None:
        """Connect, in a thread."""
        self._thread.start()

    def halt(self) -> None:
        """Disconnect for good, and wait for the thread."""
        self._stop_wanted = True
        self.reconnect()
        if self._thread.is_alive():
            self._thread.join(self.answer)

    def reconnect(self) -> None:
        """Drop this connection; another one is made."""
        loop = self._loop
        if loop is not None and self._closed is not None:
            try:
                loop.call_soon_threadsafe(self._closed.set)
            except RuntimeError:
                return  # it ended in this very moment

    def call(self, act: Callable[[Any], T]) -> T:
        """Do something with the client on its thread.

        Raises:
            Unsent: if there is no connection.
            Unanswered: if nobody knows whether it was done.
        """
        loop, done = self._loop, Future[T]()
        if loop is None or not self.listening.is_set():
            raise Unsent("broker: TWS is not connected", 1.0)

        def run() -> None:
            try:
                done.set_result(act(self.client))
            except ConnectionError as error:
                done.set_exception(Unsent(f"broker: TWS is not connected ({error})", 1.0))
            except Exception as error:
                done.set_exception(error)

        self.calls += 1
        try:
            loop.call_soon_threadsafe(run)
        except RuntimeError as error:
            raise Unsent("broker: TWS is not connected", 1.0) from error
        try:
            return done.result(self.answer)
        except Late as error:
            self.failures += 1
            raise Unanswered("broker: the link to TWS hangs") from error

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something on the link's thread after a while; only from there."""
        if self._loop is not None:
            self._loop.call_later(seconds, act)

    def ask(self, kind: str, send: Callable[[Any, int], None]) -> list[Any]:
        """Ask something; what comes until its end.

        Args:
            kind: of the answer, as the methods below collect it.
            send: given the client and the question's number.

        Raises:
            Refused: if TWS will not answer.
            Unsent, Unanswered: if it cannot be asked, or does not answer.
        """
        with self._asking:
            answer: Future[list[Any]] = Future()

            def begin(client: Any) -> None:
                self._question, self.request = (kind, answer, []), client.getReqId()
                send(client, self.request)

            self.call(begin)
            try:
                return answer.result(self.answer)
            except Late as error:
                self.failures += 1
                raise Unanswered(f"broker: TWS did not answer with {kind} within {self.answer:g} s") from error
            finally:
                self._question = None

    def _run(self) -> None:
        try:
            asyncio.run(self._forever())
        finally:
            self.listening.clear()

    async def _forever(self) -> None:
        self._loop, failures = asyncio.get_running_loop(), 0
        while not self._stop_wanted and self.fatal is None:
            self._closed, self._away = asyncio.Event(), False
            self.client = ib.client.Client(self)
            reason = await self._connection(self.client)
            if self.listening.is_set():
                failures = 0
            self.listening.clear()
            self._answer_nothing(reason)
            if self._stop_wanted or self.fatal is not None:
                break
            self.listener.lost(reason)
            delay = min(LONGEST, self.backoff * 2.0**failures) * random.uniform(0.5, 1.0)
            failures += 1
            await self._closing(delay)

    async def _connection(self, client: Any) -> str:
        """One connection, from its beginning to its end; why it ended."""
        gateway, closed = self.gateway, self._closed
        try:
            await client.connectAsync(gateway.host, gateway.port, gateway.client, self.answer)
        except Exception as error:
            return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        self.accounts = client.getAccounts()
        self.arrived = time.monotonic()
        self.listening.set()
        self.listener.began()
        while closed is not None and not closed.is_set():
            if await self._closing(BEAT):
                break
            if time.monotonic() - self.arrived > 2 * BEAT:
                client.disconnect()
                return "TWS says nothing any more"
            client.reqCurrentTime()
        client.disconnect()
        return "the connection was closed"

    async def _closing(self, seconds: float) -> bool:
        """Wait for the connection's end; whether it came."""
        if self._closed is None:
            return True
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _answer_nothing(self, reason: str) -> None:
        question = self._question
        if question is not None and not question[1].done():
            question[1].set_exception(Unanswered(f"broker: TWS went away before it answered ({reason})"))

    def _collect(self, kind: str, one: Any) -> None:
        if self._question is not None and self._question[0] == kind:
            self._question[2].append(one)

    def _end(self, kind: str) -> None:
        if self._question is not None and self._question[0] == kind and not self._question[1].done():
            self._question[1].set_result(self._question[2])

    # What the client says, by TWS's own names.

    def tcpDataArrived(self) -> None:
        self.arrived = time.monotonic()

    def connectAck(self) -> None:
        """The socket is there; accounts and the next number follow."""

    def setEventsDone(self) -> None:
        """Nobody subscribes to anything here."""

    def connectionClosed(self) -> None:
        if self._closed is not None:
            self._closed.set()

    def error(self, number: int, code: int, text: str, more: str = "") -> None:
        if code == CLIENT_IN_USE:
            self.fatal = BrokerError(
                f"broker: TWS has a client {self.gateway.client} already; end the other program, or give "
                f"Gateway(client=…) another number, which then must stay the same"
            )
            self.connectionClosed()
        elif code in AWAY and not self._away:
            self._away = True
            self.listening.clear()
            self.listener.lost(f"{code} {text}")
        elif code in BACK:
            self._away = False
            self.listening.set()
            self.listener.began()
        elif self._question is not None and number == self.request and number != -1:
            if not self._question[1].done():
                self._question[1].set_exception(Refused(f"broker: TWS answered {code}: {text}"))
        else:
            self.listener.failed(number, code, text)

    def openOrder(self, number: int, contract: Any, order: Any, state: Any) -> None:
        self.client.updateReqId(number + 1)
        self._collect("open orders", order)
        self.listener.opened(contract, order, state)

    def openOrderEnd(self) -> None:
        self._end("open orders")

    def orderStatus(
        self, number: int, status: str, filled: float, remaining: float, average: float, perm: int, parent: int,
        last: float, client: int, why: str, cap: float = 0.0,
    ) -> None:  # fmt: skip
        self.listener.stood(client, number, status, filled, average)

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:
        self._collect("completed orders", order)
        self.listener.completed(contract, order, state)

    def completedOrdersEnd(self) -> None:
        self._end("completed orders")

    def execDetails(self, number: int, contract: Any, execution: Any) -> None:
        self._collect("executions", execution)
        self.listener.executed(contract, execution)

    def execDetailsEnd(self, number: int) -> None:
        self._end("executions")

    def commissionReport(self, report: Any) -> None:
        self.listener.charged(report.execId, report.commission)

    def position(self, account: str, contract: Any, units: float, average: float) -> None:
        self._collect("positions", (account, contract, units))

    def positionEnd(self) -> None:
        self._end("positions")

    def accountSummary(self, number: int, account: str, tag: str, value: str, currency: str) -> None:
        self._collect("account", (account, tag, value, currency))

    def accountSummaryEnd(self, number: int) -> None:
        self._end("account")

    def contractDetails(self, number: int, details: Any) -> None:
        self._collect("contract", details)

    def contractDetailsEnd(self, number: int) -> None:
        self._end("contract")
