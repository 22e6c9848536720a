"""Alpaca, as a broker of a live session.

    runner --commands--> placing, changing --REST--> Alpaca --stream--> ledger --reports--> runner
                                 keeper --REST--> Alpaca ------answers-----^

The trading client and stream are the real ones; what they lack is in `live.brokers.rest` and `live.brokers.updates`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from numpy.typing import NDArray

from live.brokers.account import checked
from live.brokers.breaker import Circuit
from live.brokers.changing import Changing
from live.brokers.errands import LOOK_UP
from live.brokers.inquiry import Inquiry
from live.brokers.keeper import Patience
from live.brokers.orders import NAME_LENGTH, listings
from live.brokers.placing import Placing
from live.brokers.rate import Budget
from live.brokers.rest import Rest
from live.brokers.tracked import Tracked
from live.brokers.updates import Updates
from live.brokers.wired import Known, Wired
from live.errors import BrokerError
from live.keys import Keys
from live.pulse import BrokerHealth

log = logging.getLogger(__name__)

LONGEST_END = 50  # characters that follow the session in the name of an order


class AlpacaBroker(Wired):
    """One Alpaca account.

    Args:
        keys: of the account.
        session: its name, with which names of orders begin; no other session of the account may ever have had it.
        symbols, instruments: as the desk counts them; INSTRUMENT records.
        clock: seconds, monotonic.
        patience: how long things may take.
        budget, circuit: rate limit and circuit breaker.

    Raises:
        BrokerError: if orders cannot be named after the session.
    """

    def __init__(
        self, keys: Keys, session: str, symbols: Sequence[str], instruments: NDArray[Any], *,
        clock: Callable[[], float] = time.monotonic, patience: Patience | None = None, budget: Budget | None = None,
        circuit: Circuit | None = None,
    ) -> None:  # fmt: skip
        super().__init__(session, NAME_LENGTH - LONGEST_END, listings(symbols, instruments), clock, patience)
        p = self.patience
        self.keys, self.symbols, self.instruments = keys, tuple(symbols), instruments
        self.rest = Rest(keys, budget, circuit, timeout=p.timeout, clock=clock)
        self.inquiry = Inquiry(self.rest, self.ledger, self._lock)
        parts = self.rest, self.ledger, self.inquiry, self.errands, self._lock, p.settle, p.room
        self.updates = Updates(keys, self._hear, self._began, self._stopped, backoff=p.backoff)
        self._look_after(self.inquiry, Placing(*parts), Changing(*parts), self.updates)
        self._message = clock()  # when the stream last spoke

    def begin(self) -> None:
        """Check the account, connect the stream, and wait until it listens.

        Raises:
            BrokerError: if it will never work, and what to do about it.
        """
        checked(self.rest, self.ledger.listings)
        self._count_lots()
        self.updates.start()
        until = self.clock() + self.patience.begin
        while not self.updates.listening.wait(0.02):
            if self.updates.fatal is not None or self.clock() > until:
                self.updates.halt()
                raise self.updates.fatal or BrokerError(
                    f"broker: the trading stream did not answer within {self.patience.begin:g} s ({self._away}); "
                    f"there is one listener to an account: end any other program that listens"
                )
        self.keeper.start()

    def cancel_all(self) -> None:
        """Take back every order of the account.

        Raises:
            BrokerError: if no answer comes, or an order cannot be taken back.
        """
        self._all("/orders", None)

    def close_all(self) -> None:
        """Take back every order and leave every position at the market, past the desk: the last resort.

        Raises:
            BrokerError: if no answer comes, or a position cannot be left.
        """
        self._all("/positions", {"cancel_orders": "true"})

    def health(self) -> BrokerHealth:
        """How it is."""
        rest, age = self.rest, max(0.0, self.clock() - max(self.rest.answered, self._message))
        return BrokerHealth(
            "alpaca", self.updates.listening.is_set(), age, rest.calls, rest.failures, rest.circuit.state,
            rest.budget.remaining, self.errands.count(LOOK_UP), self._away or self.keeper.trouble or rest.trouble,
        )  # fmt: skip

    def close(self) -> None:
        """Disconnect; orders at the broker stay as they are."""
        self.rest.close()
        self.keeper.stop(sum(self.patience.timeout) + 1.0)
        self.updates.halt()

    @property
    def _room(self) -> int:
        return self.rest.budget.remaining

    def _within(self, seconds: float) -> AbstractContextManager[None]:
        return self.rest.within(seconds)

    def _status(self, name: str) -> str:
        told = self.inquiry.named(name)
        return str(told.get("status")) if told is not None else ""

    def _review(self, known: Known) -> None:
        """Open orders, then all that are not among them; the entries of legs that nobody knows are looked for."""
        listed = self.inquiry.open_orders()
        strange = [told for told in listed if not self.inquiry.show(told) and told.get("symbol") in self.symbols]
        there = {str(told["id"]) for told in listed}
        self._find(known, lambda order: order.wire is not None and order.wire.id in there)
        lost = [str(told["id"]) for told in strange if str(told["id"]) not in self.ledger.roster]
        if lost:
            self.inquiry.find_entries(lost)  # perhaps legs that came to be just before the desk died

    def _lapsed(self, order: Tracked) -> bool:
        return False  # it knows every order that ever was

    def _all(self, path: str, query: dict[str, str] | None) -> None:
        answer = self.rest.send("delete", path, query, self.patience.timeout[1])
        parts = answer.body if isinstance(answer.body, list) else []
        with self._lock:
            for part in parts:
                body = part.get("body")
                if isinstance(body, Mapping) and "id" in body:
                    self.ledger.roster.expect(str(body["id"]))
        failed = [part for part in parts if int(part.get("status", 0)) >= 300]
        if not answer.ok or failed:
            raise BrokerError(f"broker: DELETE {path} was answered {answer.status}: {failed or answer.body}")
        self.keeper.doubt()

    def _hear(self, update: Mapping[str, Any]) -> None:
        """One trade update, on the stream's thread."""
        self._message = self.clock()
        try:
            with self._lock:
                self.ledger.hear(update)
        except Exception as error:
            log.exception("a trade update could not be understood")
            text = f"a trade update could not be understood: {type(error).__name__}"
            self._tell("unreadable", text, False)
            self.keeper.doubt()
        self.keeper.heard += 1
        self._attend()

    def _stopped(self, reason: str) -> None:
        self._lost(reason)
        if self.updates.fatal is not None:
            self._tell("keys", f"the trading stream has ended: {self.updates.fatal}", True)
