"""A broker at the other end of a wire: what is the same whatever the wire.

runner --commands--> wired --placing, changing--> broker --what it tells--> ledger --reports--> runner
                           keeper --errands, looks--^

Every command is carried out once; what the broker tells becomes reports; after a restart the desk's orders are looked
for until each has its answer.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.errands import Errands
from live.brokers.keeper import Asks, Changes, Keeper, Listens, Patience, Places
from live.brokers.ledger import Ledger
from live.brokers.orders import Listing
from live.brokers.protocol import Standing, Trouble, WireBroker
from live.brokers.rate import notional, ranked
from live.brokers.tracked import NOTHING, Tracked
from live.errors import BrokerError
from live.words import asked_by
from quantlib.desk.memory import NEVER_ARRIVED
from quantlib.desk.messages import CANCEL, CANCELLING, SENT, STEADY, STOP_LEG, SUBMIT, TARGET_LEG

ENDING = ("canceled", "pending_cancel", "filled", "expired", "rejected")  # where nothing is left to cancel
TERMS = ("lots", "limit", "stop")  # what a replacement changes

Known = Sequence[tuple[Any, Tracked]]  # the desk's records of its orders, and the orders


class Wired(WireBroker):
    """One account at the end of a wire.  What has a body here is not overridden; a wire gives the rest.

    Args:
        session: its name, with which names of orders begin; no other session of the account may ever have had it.
        longest: characters that it may have.
        listings: how the symbols are traded, in the order of their codes.
        clock: seconds, monotonic.
        patience: how long things may take.

    Raises:
        BrokerError: if orders cannot be named after the session.
    """

    made: int | None = None  # it lives by itself
    keeper: Keeper
    _asking: Asks
    _placing: Places
    _changing: Changes

    def __init__(
        self, session: str, longest: int, listings: Sequence[Listing], clock: Callable[[], float],
        patience: Patience | None,
    ) -> None:  # fmt: skip
        if not 1 <= len(session) <= longest:
            raise BrokerError(f"broker: a session's name must have 1 to {longest} characters, got {len(session)}")
        self.clock, self.patience = clock, patience or Patience()
        self.ledger, self.errands = Ledger(session, listings), Errands(clock)
        self._lock, self._sending = RLock(), RLock()
        self._done: set[str] = set()  # tickets that were carried out
        self._early: list[tuple[str, Any]] = []  # changes of orders that are sent or met after them
        self._met = False  # whether all orders of before are known
        self._away = ""  # why nothing is told of orders

    @property
    def heard(self) -> int:
        """Messages about orders that were received and taken in so far."""
        return self.keeper.heard

    def reports(self, step: int, rows: NDArray[Any]) -> NDArray[Any]:
        """What was heard since the last call, after a look at all orders where words may have been lost."""
        self.keeper.settled(self.patience.current)
        with self._lock:
            return self.ledger.take()

    def unheard(self, step: int) -> NDArray[Any]:
        """What `reports` would say now."""
        with self._lock:
            return self.ledger.waiting()

    def submit(self, tickets: Sequence[str], commands: NDArray[Any], ts: int) -> None:
        """Carry out commands: when this returns, each has its outcome, or an errand that will find it out."""
        with self._within(self.patience.hold):
            for k in self._turns(commands):
                if tickets[k] not in self._done or self._is_refused(commands[k]):
                    with self._sending:
                        self._carry(tickets[k], commands[k].copy())
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
        name, change = asked_by(self.ledger.session, ticket)
        if change == "cancel":
            return self._status(name) in ENDING
        return bool(self._status(ticket))

    def catch_up(self, orders: NDArray[Any]) -> NDArray[Any]:
        """Reports that bring a desk with these working orders up to what the broker says of them.

        The last step's commands must have been submitted again before: what is not there then has never arrived.

        Raises:
            BrokerError: if no answer comes.
        """
        records = orders[np.lexsort((orders["id"], np.isin(orders["leg"], (STOP_LEG, TARGET_LEG))))]
        with self._lock:
            mine = [self.ledger.roster.adopt(record) for record in records]
        known = list(zip(records, mine, strict=True))
        self._review(known)
        owed = () if self._met else self._owed(known)
        self._met = True
        self._change_early()
        self._change_owed(owed)
        self._count_lots()
        with self._lock:
            return self.ledger.take()

    def standing(self) -> Standing:
        """Cash, lots and working orders, as the broker has them now.

        Raises:
            BrokerError: if no answer comes.
        """
        self.keeper.settled(self.patience.current)
        pending = self.errands.about()
        standing = self._asking.standing()
        return standing._replace(pending=frozenset(pending | self.errands.about()))

    def incidents(self) -> list[Trouble]:
        """What went wrong since this was last asked."""
        with self._lock:
            found = list(self.ledger.incidents)
            self.ledger.incidents.clear()
        return found

    def save(self) -> None:
        """The broker keeps the books, so nothing is written; what ended long ago is forgotten."""
        with self._lock:
            self.ledger.roster.forget()

    @property
    @abstractmethod
    def _room(self) -> int:
        """How many commands can go out at once; more go out by rank."""

    @abstractmethod
    def _within(self, seconds: float) -> AbstractContextManager[None]:
        """What is asked inside is done on the spot while so many seconds last, and then left to the keeper."""

    @abstractmethod
    def _status(self, name: str) -> str:
        """The status of the order of this name; "" if there is none."""

    @abstractmethod
    def _review(self, known: Known) -> None:
        """Look at all orders at the broker, and find those of before."""

    @abstractmethod
    def _lapsed(self, order: Tracked) -> bool:
        """Whether an order that the broker does not show has simply come to the end of its day."""

    def _look_after(self, asking: Asks, placing: Places, changing: Changes, listens: Listens) -> None:
        """The wire's parts: with them a keeper can look after the orders."""
        self._asking, self._placing, self._changing = asking, placing, changing
        self.keeper = Keeper(
            self.ledger, asking, self.errands, placing, changing, listens, self._lock, self._sending, self.clock,
            self.patience,
        )  # fmt: skip

    def _turns(self, commands: NDArray[Any]) -> Sequence[int]:
        """The order in which commands go out."""
        if len(commands) <= self._room:
            return range(len(commands))
        listings = [self.ledger.listings[code] for code in commands["symbol"].tolist()]
        unit, per_tick = np.array([(float(one.lot), one.per_tick) for one in listings]).T
        return ranked(commands, notional(commands, unit, per_tick))

    def _is_refused(self, command: Any) -> bool:
        """Whether this is a cancel whose like was refused: the order works, and nobody is changing it."""
        order = self.ledger.orders.get(int(command["id"])) if command["kind"] == CANCEL else None
        return order is not None and not order.ended and order.asked == NOTHING

    def _carry(self, ticket: str, command: Any) -> None:
        if command["kind"] == SUBMIT:
            self._placing.place(ticket, command)
        elif int(command["id"]) in self.ledger.orders:
            self._change(ticket, command)
        else:
            self._early.append((ticket, command))

    def _change_early(self) -> None:
        """Changes that had to wait for their orders; of what nobody knows by now, nobody will."""
        early, self._early = self._early, []
        for ticket, command in early:
            if self._met or int(command["id"]) in self.ledger.orders:
                with self._sending:
                    self._change(ticket, command)
            else:
                self._early.append((ticket, command))

    def _owed(self, known: Known) -> Known:
        """Orders that the desk takes to be changing, and of whose change nobody here was told again."""
        again = {int(command["id"]) for _, command in self._early}
        return [one for one in known if one[0]["change"] != STEADY and not one[1].asked and one[1].id not in again]

    def _change_owed(self, owed: Known) -> None:
        """Changes that died with an earlier process: a cancel is asked again, a replacement is given up."""
        with self._within(self.patience.hold), self._sending:
            for record, order in owed:
                if record["change"] == CANCELLING:
                    self._changing.cancel(order)
                elif not order.ended and all(record[name] == getattr(order, name) for name in TERMS):
                    with self._lock:
                        self.ledger.owe(order)

    def _change(self, ticket: str, command: Any) -> None:
        with self._lock:
            order = self.ledger.orders.get(int(command["id"]))
            if order is None:
                self.ledger.tell("unknown", f"a change of order {int(command['id'])} was asked, which nobody knows")
        if order is not None and command["kind"] == CANCEL:
            self._changing.cancel(order)
        elif order is not None:
            self._changing.replace(ticket, command, order)

    def _count_lots(self) -> None:
        lots = self._asking.positions()
        with self._lock:
            self.ledger.lots[:] = lots

    def _find(self, known: Known, seen: Callable[[Tracked], bool]) -> None:
        """Ask about each order of before that was not seen; what is not to be found has its end."""
        busy = self.errands.about()  # looked up, and told of when that is done
        for record, order in known:
            if not seen(order) and not order.ended and not self._is_there(order) and order.id not in busy:
                self._miss(record, order)

    def _is_there(self, order: Tracked) -> bool:
        """Ask about an order of before; of a leg that is not met yet, its entry first."""
        if order.leg in (STOP_LEG, TARGET_LEG) and not order.wires:
            entry = self.ledger.orders.get(order.group)
            if entry is not None:
                self._asking.about(entry)
            return bool(order.wires) or self._asking.about(order)
        return self._asking.about(order)

    def _miss(self, record: Any, order: Tracked) -> None:
        """The broker shows nothing of an order: it never arrived, its day is over, or something is wrong."""
        with self._lock:
            if record["status"] == SENT:
                self.ledger.refuse(order, order.ts, NEVER_ARRIVED, "it never arrived")
            elif self._lapsed(order):
                self.ledger.lapse(order, order.ts)
            else:
                text = f"order {order.id} worked, and now the broker does not know it"
                self.ledger.tell("missing", f"{text}; is this another account?", order, fatal=True)
                self.ledger.refuse(order, order.ts, NEVER_ARRIVED, text)

    def _attend(self) -> None:
        """What was heard may leave something to do."""
        if self.ledger.ready or self.ledger.strays or self.ledger.wanted:
            self.keeper.wake()

    def _began(self) -> None:
        again, self._away = bool(self._away), ""
        self.keeper.doubt()
        if again:
            self._tell("connected", "the broker tells of orders again; all are asked about", False)

    def _lost(self, reason: str) -> None:
        first, self._away = not self._away, f"the broker does not tell of orders ({reason})"
        if first:
            self._tell("lost", self._away, False)

    def _tell(self, kind: str, text: str, fatal: bool) -> None:
        with self._lock:
            self.ledger.tell(kind, text, fatal=fatal)
