"""The keeper: a thread that looks after what the trading stream alone cannot tell.

orders of unknown outcome are looked up, orders that wait are sent
after each reconnect all orders are asked about, before reports go on: the stream replays nothing
now and then all orders are asked about anyway, more often while the stream is away
a stream that stays silent about what REST has told is mute, and is connected anew
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from threading import Condition, Event, RLock, Thread
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from live.brokers.errands import DELETE, LOOK_UP, SEND, Errand, Errands
from live.brokers.ledger import Ledger
from live.brokers.outcome import TIMEOUT
from live.brokers.protocol import Standing
from live.brokers.tracked import Tracked, Wire
from live.errors import BrokerError

log = logging.getLogger(__name__)

BATCH = 8  # errands between two looks at all else
TURN = 0.001  # seconds between two errands, in which a runner that waits to send has its turn


class Patience(NamedTuple):
    """How long things may take, in seconds."""

    begin: float = 20.0  # until the stream listens
    timeout: tuple[float, float] = TIMEOUT  # to connect, and of silence in an answer
    settle: float = 20.0  # until what cannot be found has not arrived
    room: float = 0.5  # that an order waits on the spot for room under the rate limit
    hold: float = 0.5  # that commands of one moment may hold up the next: what is not sent by then the keeper sends
    current: float = 5.0  # that reports wait for the look at all orders after a reconnect
    poll: float = 15.0  # between two looks at all orders
    away: float = 3.0  # the same, while the stream is away
    mute: float = 5.0  # that the stream may be silent about what REST has told
    tick: float = 0.1  # between two looks at errands
    ask: float = 2.0  # between two questions about one order
    backoff: float = 0.5  # before the stream's second attempt


class Asks(Protocol):
    """Questions about orders (`live.brokers.inquiry`, `live.brokers.asking`)."""

    def about(self, order: Tracked) -> bool:
        """Ask about one order; whether the broker has it."""

    def poll(self, passed: Collection[int] = ()) -> bool:
        """Ask about all orders but those passed over; whether that brought anything new."""

    def positions(self) -> NDArray[np.int64]:
        """Signed lots by symbol."""

    def standing(self) -> Standing:
        """Cash, signed lots and working orders, as the broker has them now."""


class Places(Protocol):
    """What sends new orders (`live.brokers.placing`, `live.brokers.dealing`)."""

    def place(self, name: str, command: Any) -> None:
        """Send a new order under this name."""

    def post(self, order: Tracked, wire: Wire, errand: Errand | None = None) -> None:
        """Send an order."""

    def look_up(self, errand: Errand) -> None:
        """Find an order of which nobody knows whether it arrived."""


class Changes(Protocol):
    """What changes orders (`live.brokers.changing`, `live.brokers.dealing`)."""

    def cancel(self, order: Tracked, errand: Errand | None = None) -> None:
        """Take an order back."""

    def replace(self, name: str, command: Any, order: Tracked, errand: Errand | None = None) -> None:
        """Ask for other lots or prices."""

    def remove(self, id: str) -> None:
        """Take back an order that must not be there."""


class Listens(Protocol):
    """What tells of orders."""

    listening: Event

    def reconnect(self) -> None:
        """Make another connection."""


class Keeper:
    """Looks after the orders of one account.

    Args:
        ledger, inquiry, errands, placing, changing, updates: of the account.
        lock, sending: guard the ledger, and the sending of orders.
        clock: seconds, monotonic.
        patience: how long things may take.
    """

    def __init__(
        self, ledger: Ledger, inquiry: Asks, errands: Errands, placing: Places, changing: Changes,
        updates: Listens, lock: RLock, sending: RLock, clock: Callable[[], float], patience: Patience,
    ) -> None:  # fmt: skip
        self.ledger, self.inquiry, self.errands, self.updates = ledger, inquiry, errands, updates
        self.placing, self.changing, self.clock, self.patience = placing, changing, clock, patience
        self.heard = 0  # updates, counted by whoever takes them
        self.trouble = ""
        self._lock, self._sending = lock, sending
        self._wake, self._over = Event(), Event()
        self._doubts, self._resolved, self._settled = 0, 0, Condition()
        self._polled = clock()
        self._behind: tuple[float, int] | None = None  # since when REST was ahead, and what was heard by then
        self._asked: dict[int, float] = {}  # when an order was last asked about
        self._thread = Thread(target=self._keep, name="orders", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it is at work."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """End, within so many seconds."""
        self._over.set()
        self._wake.set()
        if self.alive:
            self._thread.join(patience)

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def doubt(self) -> None:
        """Updates may have been lost: all orders are to be asked about."""
        with self._settled:
            self._doubts += 1
        self._wake.set()

    def settled(self, patience: float) -> bool:
        """Wait until all orders were asked about since the last doubt; whether they were."""
        with self._settled:
            return self._settled.wait_for(lambda: not self.alive or self._resolved >= self._doubts, patience)

    def tend(self) -> None:
        """Do all that is due."""
        errands = self.errands.due(BATCH)
        if len(errands) == BATCH:
            self._wake.set()  # there may be more, but all else has its turn first
        for errand in errands:
            try:
                self._run(errand)
            finally:
                self.errands.done(errand)
            self._over.wait(TURN)
        self._send_rests()
        self._ask_wanted()
        self._look()

    def _keep(self) -> None:
        while not self._over.is_set():
            self._wake.wait(self.patience.tick)
            self._wake.clear()
            try:
                self.tend()
                self.trouble = ""
            except BrokerError as error:
                self.trouble = str(error)
            except Exception as error:
                log.exception("the keeper of orders stumbled")
                self.trouble = f"the keeper of orders stumbled: {type(error).__name__}"

    def _run(self, errand: Errand) -> None:
        if errand.kind == LOOK_UP:
            self.placing.look_up(errand)
            return
        with self._sending:
            if errand.order.ended:
                return
            if errand.kind == SEND and errand.wire is not None:
                self.placing.post(errand.order, errand.wire, errand)
            elif errand.kind == DELETE:
                self.changing.cancel(errand.order, errand)
            elif errand.command is not None:
                name, command = errand.command
                self.changing.replace(name, command, errand.order, errand)

    def _send_rests(self) -> None:
        """Second parts of orders whose first part is done, and cancels of orders that must not be there."""
        with self._lock:
            ready, strays = list(self.ledger.ready), list(self.ledger.strays)
            self.ledger.ready.clear()
            self.ledger.strays.clear()
        with self._sending:
            for order in ready:
                with self._lock:
                    wire = self.ledger.sent_rest(order, order.ts)
                if wire is not None:
                    self.placing.post(order, wire)
            for id in strays:
                self.changing.remove(id)

    def _ask_wanted(self) -> None:
        now = self.clock()
        with self._lock:
            due = [id for id in self.ledger.wanted if now - self._asked.get(id, -1e9) >= self.patience.ask]
            self.ledger.wanted.difference_update(due)
            orders = [self.ledger.orders[id] for id in due if id in self.ledger.orders]
        for order in orders:
            if order.ended:
                continue
            self._asked[order.id] = now
            try:
                self.inquiry.about(order)
            except BrokerError:
                with self._lock:
                    self.ledger.wanted.add(order.id)
                raise
        if len(self._asked) > 1000:
            self._asked = {id: at for id, at in self._asked.items() if now - at < self.patience.ask}

    def _look(self) -> None:
        """Ask about all orders, where it is time or something may have been lost."""
        listening, now, doubts = self.updates.listening.is_set(), self.clock(), self._doubts
        pause, in_doubt = self.patience.poll if listening else self.patience.away, doubts > self._resolved
        if now - self._polled < (self.patience.tick if in_doubt else pause):
            self._suspect(now)
            return
        self._polled = now
        news = self.inquiry.poll(self.errands.about())
        with self._settled:
            self._resolved = doubts
            self._settled.notify_all()
        if news and listening and not in_doubt and self._behind is None:
            self._behind = now, self.heard
        self._strangers()

    def _suspect(self, now: float) -> None:
        """A stream that says nothing of what REST has told is mute."""
        if self._behind is None or now - self._behind[0] < self.patience.mute:
            return
        mute, self._behind = self.heard == self._behind[1], None
        if mute:
            with self._lock:
                self.ledger.tell("stale", "the trading stream is silent about what has happened: it is connected anew")
            self.updates.reconnect()

    def _strangers(self) -> None:
        with self._lock:
            for told in self.ledger.roster.strangers():
                text = f"order {told.get('client_order_id')} in {told.get('symbol')} is none of this session's"
                self.ledger.tell("foreign", f"{text}; one session an account keeps positions clear")
