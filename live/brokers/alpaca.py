"""Alpaca, as a broker of a live session.

    runner --commands--> placing, changing --REST--> Alpaca --stream--> ledger --reports--> runner
                                 keeper --REST--> Alpaca ------answers-----^

The trading client and stream are the real ones; what they lack is in `live.brokers.rest` and `live.brokers.updates`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.account import checked
from live.brokers.breaker import Circuit
from live.brokers.changing import Changing
from live.brokers.errands import LOOK_UP, Errands
from live.brokers.inquiry import Inquiry
from live.brokers.keeper import Keeper, Patience
from live.brokers.ledger import Ledger
from live.brokers.orders import NAME_LENGTH, listings
from live.brokers.placing import Placing
from live.brokers.protocol import Standing, Trouble
from live.brokers.rate import Budget, notional, ranked
from live.brokers.rest import Rest
from live.brokers.tracked import Tracked
from live.brokers.updates import Updates
from live.errors import BrokerError
from live.keys import Keys
from live.pulse import BrokerHealth
from quantlib.desk.messages import CANCEL, SENT, STOP_LEG, SUBMIT, TARGET_LEG

log = logging.getLogger(__name__)

LONGEST_END = 50  # characters that follow the session in the name of an order
ENDING = ("canceled", "pending_cancel", "filled", "expired", "rejected")


class AlpacaBroker:
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

    made: int | None = None  # it lives by itself

    def __init__(
        self, keys: Keys, session: str, symbols: Sequence[str], instruments: NDArray[Any], *,
        clock: Callable[[], float] = time.monotonic, patience: Patience | None = None, budget: Budget | None = None,
        circuit: Circuit | None = None,
    ) -> None:  # fmt: skip
        most = NAME_LENGTH - LONGEST_END
        if not 1 <= len(session) <= most:
            raise BrokerError(f"broker: a session's name must have 1 to {most} characters, got {len(session)}")
        self.keys, self.symbols, self.instruments = keys, tuple(symbols), instruments
        self.clock, self.patience = clock, patience or Patience()
        p = self.patience
        self._lock, self._sending = RLock(), RLock()
        self.ledger = Ledger(session, listings(symbols, instruments))
        self.rest = Rest(keys, budget, circuit, timeout=p.timeout, clock=clock)
        self.inquiry, self.errands = Inquiry(self.rest, self.ledger, self._lock), Errands(clock)
        parts = self.rest, self.ledger, self.inquiry, self.errands, self._lock, p.settle, p.room
        self.placing, self.changing = Placing(*parts), Changing(*parts)
        self.updates = Updates(keys, self._hear, self._began, self._lost, backoff=p.backoff)
        self.keeper = Keeper(
            self.ledger, self.inquiry, self.errands, self.placing, self.changing, self.updates, self._lock,
            self._sending, clock, p,
        )  # fmt: skip
        self._done: set[str] = set()  # tickets that were carried out
        self._early: list[tuple[str, Any]] = []  # changes of orders that are sent or met after them
        self._met = False  # whether all orders of before are known
        self._message, self._away = clock(), ""  # when the stream last spoke; why it is away

    def begin(self) -> None:
        """Check the account, connect the stream, and wait until it listens.

        Raises:
            BrokerError: if it will never work, and what to do about it.
        """
        checked(self.rest, self.ledger.listings)
        with self._lock:
            self.ledger.lots[:] = self.inquiry.positions()
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

    @property
    def heard(self) -> int:
        """Trade updates that were received and taken in so far."""
        return self.keeper.heard

    def reports(self, step: int, rows: NDArray[Any]) -> NDArray[Any]:
        """What was heard since the last call; after a reconnect, with what a look at all orders brings."""
        self.keeper.settled(self.patience.current)
        with self._lock:
            return self.ledger.take()

    def unheard(self, step: int) -> NDArray[Any]:
        """What `reports` would say now."""
        with self._lock:
            return self.ledger.waiting()

    def submit(self, tickets: Sequence[str], commands: NDArray[Any], ts: int) -> None:
        """Carry out commands: when this returns, each has its outcome, or an errand that will find it out."""
        turns: Sequence[int] = range(len(commands))
        if len(commands) > self.rest.budget.remaining:
            symbols = self.instruments[commands["symbol"]]
            turns = ranked(commands, notional(commands, symbols["unit"], symbols["per_tick"]))
        with self.rest.within(self.patience.hold):
            for k in turns:
                if tickets[k] not in self._done:
                    with self._sending:
                        self._carry(tickets[k], commands[k])
                    self._done.add(tickets[k])
            self._change_early()
        self.keeper.wake()

    def knows(self, ticket: str) -> bool:
        """Whether a command of this ticket has arrived, from here or before this connection.

        Raises:
            BrokerError: if no answer comes.
        """
        if ticket in self._done:
            return True
        name, cancels, _ = ticket.partition("-cancel-")
        told = self.inquiry.named(name)
        return told is not None and (not cancels or str(told.get("status")) in ENDING)

    def catch_up(self, orders: NDArray[Any]) -> NDArray[Any]:
        """Reports that bring a desk with these working orders up to what the broker says of them.

        The last step's commands must have been submitted again before: what is not there then has never arrived.

        Raises:
            BrokerError: if no answer comes.
        """
        records = orders[np.lexsort((orders["id"], np.isin(orders["leg"], (STOP_LEG, TARGET_LEG))))]
        with self._lock:
            mine = [self.ledger.roster.adopt(record) for record in records]
        listed = self.inquiry.open_orders()
        strange = [told for told in listed if not self.inquiry.show(told) and told.get("symbol") in self.symbols]
        there, busy = {str(told["id"]) for told in listed}, self.errands.about()
        for record, order in zip(records, mine, strict=True):
            seen = order.wire is not None and order.wire.id in there
            if not seen and not order.ended and not self._is_there(order) and order.id not in busy:
                self._missing(record, order)
        lost = [str(told["id"]) for told in strange if str(told["id"]) not in self.ledger.roster]
        if lost:
            self.inquiry.find_entries(lost)  # perhaps legs that came to be just before the desk died
        self._met = True
        self._change_early()
        lots = self.inquiry.positions()
        with self._lock:
            self.ledger.lots[:] = lots
            return self.ledger.take()

    def standing(self) -> Standing:
        """Cash, lots and working orders, as REST has them now.

        Raises:
            BrokerError: if no answer comes.
        """
        pending = self.errands.about()
        standing = self.inquiry.standing()
        return standing._replace(pending=frozenset(pending | self.errands.about()))

    def incidents(self) -> list[Trouble]:
        """What went wrong since this was last asked."""
        with self._lock:
            found = list(self.ledger.incidents)
            self.ledger.incidents.clear()
        return found

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

    def save(self) -> None:
        """The broker keeps the books, so nothing is written; what ended long ago is forgotten."""
        with self._lock:
            self.ledger.roster.forget()

    def close(self) -> None:
        """Disconnect; orders at the broker stay as they are."""
        self.rest.close()
        self.keeper.stop(sum(self.patience.timeout) + 1.0)
        self.updates.halt()

    def _carry(self, ticket: str, command: Any) -> None:
        if command["kind"] == SUBMIT:
            self.placing.place(ticket, command)
            return
        if int(command["id"]) in self.ledger.orders:
            self._change(ticket, command)
        else:
            self._early.append((ticket, command.copy()))

    def _change_early(self) -> None:
        """Changes that had to wait for their orders; of what nobody knows by now, nobody will."""
        early, self._early = self._early, []
        for ticket, command in early:
            if self._met or int(command["id"]) in self.ledger.orders:
                with self._sending:
                    self._change(ticket, command)
            else:
                self._early.append((ticket, command))

    def _change(self, ticket: str, command: Any) -> None:
        with self._lock:
            order = self.ledger.orders.get(int(command["id"]))
            if order is None:
                self.ledger.tell("unknown", f"a change of order {int(command['id'])} was asked, which nobody knows")
        if order is not None and command["kind"] == CANCEL:
            self.changing.cancel(order)
        elif order is not None:
            self.changing.replace(ticket, command, order)

    def _is_there(self, order: Tracked) -> bool:
        """Ask about an order of before; of a leg that is not met yet, its entry."""
        if order.leg in (STOP_LEG, TARGET_LEG) and not order.wires:
            entry = self.ledger.orders.get(order.group)
            if entry is not None:
                self.inquiry.about(entry)
            return bool(order.wires)
        return self.inquiry.about(order)

    def _missing(self, record: Any, order: Tracked) -> None:
        with self._lock:
            if record["status"] != SENT:
                text = f"order {order.id} worked, and now the broker does not know it"
                self.ledger.tell("missing", f"{text}; is this another account?", order, fatal=True)
            self.ledger.refuse(order, order.ts, 0, "it never arrived")

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
                awaited = bool(self.ledger.ready or self.ledger.strays or self.ledger.wanted)
        except Exception as error:
            log.exception("a trade update could not be understood")
            with self._lock:
                self.ledger.tell("unreadable", f"a trade update could not be understood: {type(error).__name__}")
            self.keeper.doubt()
            awaited = True
        self.keeper.heard += 1
        if awaited:
            self.keeper.wake()

    def _began(self) -> None:
        self.keeper.doubt()
        again, self._away = bool(self._away), ""
        if again:
            with self._lock:
                self.ledger.tell("connected", "the trading stream is back; all orders are asked about")

    def _lost(self, reason: str) -> None:
        if self.updates.fatal is not None:
            with self._lock:
                self.ledger.tell("keys", f"the trading stream has ended: {self.updates.fatal}", fatal=True)
        elif not self._away:
            with self._lock:
                self.ledger.tell("lost", f"the trading stream is away ({reason}); orders are asked about instead")
        self._away = f"the trading stream is away ({reason})"
