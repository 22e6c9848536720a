"""A broker of a live session on a line: what is the same wherever orders are changed in place.

runner --commands--> dealing --line--> broker --line--> asking --> ledger --reports--> runner
                             keeper --errands, looks--^
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.asking import Asking
from live.brokers.dealing import Dealing
from live.brokers.errands import LOOK_UP, Errands
from live.brokers.keeper import Keeper, Patience
from live.brokers.ledger import Ledger
from live.brokers.line import Ear, Line, Shown
from live.brokers.orders import ENDED, id_in
from live.brokers.protocol import Standing, Trouble
from live.brokers.rate import notional, ranked
from live.brokers.tracked import Tracked
from live.errors import BrokerError
from live.pulse import BrokerHealth
from quantlib.desk.memory import NEVER_ARRIVED
from quantlib.desk.messages import CANCEL, SENT, STOP_LEG, SUBMIT, TARGET_LEG

log = logging.getLogger(__name__)

NAME_LENGTH = 60  # characters of a session's name
ANSWER = 3.0  # seconds until an order of which nothing is heard is looked up


class LineBroker:
    """One account at the end of a line.

    Args:
        line: to the broker.
        session: its name, with which names of orders begin; no other session of the account may ever have had it.
        clock: seconds, monotonic.
        patience: how long things may take.
        answer: seconds until an order of which nothing is heard is looked up.

    Raises:
        BrokerError: if orders cannot be named after the session.
    """

    made: int | None = None  # it lives by itself

    def __init__(
        self, line: Line, session: str, *, clock: Callable[[], float] = time.monotonic,
        patience: Patience | None = None, answer: float = ANSWER,
    ) -> None:  # fmt: skip
        if not 1 <= len(session) <= NAME_LENGTH:
            raise BrokerError(f"broker: a session's name must have 1 to {NAME_LENGTH} characters, got {len(session)}")
        self.line, self.patience = line, patience or Patience()
        p = self.patience
        self._lock, self._sending = RLock(), RLock()
        self.ledger, self.errands = Ledger(session, line.listings), Errands(clock)
        self.asking = Asking(line, self.ledger, self._lock)
        self.dealing = Dealing(line, self.ledger, self.asking, self.errands, self._lock, p.settle, answer)
        self.keeper = Keeper(
            self.ledger,
            self.asking,
            self.errands,
            self.dealing,
            self.dealing,
            line,
            self._lock,
            self._sending,
            clock,
            p,
        )
        self._done: set[str] = set()  # tickets that were carried out
        self._early: list[tuple[str, Any]] = []  # changes of orders that are sent or met after them
        self._met = False  # whether orders of before were caught up with
        self._away = ""

    def begin(self) -> None:
        """Connect, check account and symbols, and listen.

        Raises:
            BrokerError: if it will never work, and what to do about it.
        """
        ear = Ear(
            self._show, self._refuse, self._charge, self.keeper.doubt, self._heard, self._began, self._lost, self._tell
        )
        self.line.begin(ear, self.patience.begin)
        lots = self.line.lots()
        with self._lock:
            self.ledger.lots[:] = lots
        self.keeper.start()

    @property
    def heard(self) -> int:
        """Messages about orders received and taken in so far."""
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
        turns: Sequence[int] = range(len(commands))
        if len(commands) > self.line.at_once:
            listings = [self.ledger.listings[code] for code in commands["symbol"].tolist()]
            unit, per_tick = np.array([(float(one.lot), one.per_tick) for one in listings]).T
            turns = ranked(commands, notional(commands, unit, per_tick))
        until = self.errands.clock() + self.patience.hold
        for k in turns:
            if tickets[k] not in self._done:
                with self._sending:
                    self._carry(tickets[k], commands[k], self.errands.clock() < until)
                self._done.add(tickets[k])
        self._change_early()
        self.keeper.wake()

    def knows(self, ticket: str) -> bool:
        """Whether a command of this ticket has arrived, from here or before this connection.

        An amendment leaves no name behind, so one from before never counts as known: asked again it changes nothing.

        Raises:
            BrokerError: if no answer comes.
        """
        if ticket in self._done:
            return True
        name, cancels, _ = ticket.partition("-cancel-")
        shown = self.line.named(name) if "-replace-" not in ticket else None
        return shown is not None and (not cancels or shown.status in ENDED | {"pending_cancel"})

    def catch_up(self, orders: NDArray[Any]) -> NDArray[Any]:
        """Reports that bring a desk with these working orders up to what the broker says of them.

        The last step's commands must have been submitted again before: what is not there then has never arrived.

        Raises:
            BrokerError: if no answer comes.
        """
        records = orders[np.lexsort((orders["id"], np.isin(orders["leg"], (STOP_LEG, TARGET_LEG))))]
        with self._lock:
            mine = [self.ledger.roster.adopt(record) for record in records]
        for order in mine:
            self.line.know(order)
        for shown in self.line.orders():
            self._meet(shown)
        for record, order in zip(records, mine, strict=True):
            unseen = order.wire is None or not order.wire.id
            if unseen and not order.ended and order.id not in self.errands.about() and not self._is_there(order):
                self._missing(record, order)
        self._met = True
        self._change_early()
        lots = self.line.lots()
        with self._lock:
            self.ledger.lots[:] = lots
            return self.ledger.take()

    def standing(self) -> Standing:
        """Cash, lots and working orders, as the broker has them now.

        Raises:
            BrokerError: if no answer comes.
        """
        self.keeper.settled(self.patience.current)
        return self.asking.standing()

    def incidents(self) -> list[Trouble]:
        """What went wrong since this was last asked."""
        with self._lock:
            found = list(self.ledger.incidents)
            self.ledger.incidents.clear()
        return found

    def cancel_all(self) -> None:
        """Take back every order of the account.

        Raises:
            BrokerError: if an order cannot be taken back.
        """
        self.line.cancel_all()
        self.keeper.doubt()

    def close_all(self) -> None:
        """Take back every order and leave every position at the market, past the desk: the last resort.

        Raises:
            BrokerError: if a position cannot be left.
        """
        self.line.close_all()
        self.keeper.doubt()

    def health(self) -> BrokerHealth:
        """How it is."""
        health = self.line.health()
        trouble = self._away or health.trouble or self.keeper.trouble
        return health._replace(unknown=self.errands.count(LOOK_UP), trouble=trouble)

    def save(self) -> None:
        """The broker keeps the books, so nothing is written; what ended long ago is forgotten."""
        with self._lock:
            self.ledger.roster.forget()

    def close(self) -> None:
        """Disconnect; orders at the broker stay as they are."""
        self.keeper.stop(sum(self.patience.timeout) + 1.0)
        self.line.close()

    def _carry(self, ticket: str, command: Any, now: bool) -> None:
        """Carry a command out, or leave it to the keeper."""
        if command["kind"] != SUBMIT and int(command["id"]) not in self.ledger.orders:
            self._early.append((ticket, command.copy()))
        elif not now:
            self.dealing.defer(ticket, command)
        elif command["kind"] == SUBMIT:
            self.dealing.place(ticket, command)
        else:
            self._change(ticket, command)

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
            self.dealing.cancel(order)
        elif order is not None:
            self.dealing.replace(ticket, command, order)

    def _meet(self, shown: Shown) -> None:
        """See an order; an entry that the desk has done with is met again for the sake of legs that live on."""
        lives = any(leg.status not in ENDED for leg in shown.legs)
        if not self.asking.show(shown) and lives:
            with self._lock:
                self.ledger.roster.bury(shown.told())
            self.asking.show(shown)

    def _is_there(self, order: Tracked) -> bool:
        """Ask about an order of before; of a leg that is not met yet, its entry."""
        if order.leg in (STOP_LEG, TARGET_LEG) and not order.wires:
            entry = self.ledger.orders.get(order.group)
            if entry is not None:
                self.asking.about(entry)
            return bool(order.wires) or self.asking.about(order)
        return self.asking.about(order)

    def _missing(self, record: Any, order: Tracked) -> None:
        """The broker shows nothing of an order: its day is over, it never arrived, or something is wrong."""
        with self._lock:
            if record["status"] == SENT:
                self.ledger.refuse(order, order.ts, NEVER_ARRIVED, "it never arrived")
            elif self.line.lapsed(order):
                self.ledger.lapse(order, order.ts)
            else:
                text = f"order {order.id} worked, and now the broker does not know it"
                self.ledger.tell("missing", f"{text}; is this another account?", order, fatal=True)
                self.ledger.refuse(order, order.ts, NEVER_ARRIVED, text)

    def _named(self, name: str) -> Tracked | None:
        return self.ledger.orders.get(id_in(name, self.ledger.session))

    def _show(self, shown: Shown) -> None:
        self.asking.show(shown)
        if self.ledger.strays or self.ledger.wanted:
            self.keeper.wake()

    def _refuse(self, name: str, text: str) -> None:
        order = self._named(name)
        if order is not None:
            self.dealing.denied(order, text)
            self.keeper.wake()

    def _charge(self, name: str, fee: float) -> None:
        with self._lock:
            order = self._named(name)
            if order is not None:
                self.ledger.charge(order, order.ts, fee)

    def _heard(self, count: int) -> None:
        self.keeper.heard += count

    def _began(self) -> None:
        again, self._away = bool(self._away), ""
        self.keeper.doubt()
        if again:
            self._tell("connected", "the broker is back; all orders are asked about", False)

    def _lost(self, reason: str) -> None:
        if not self._away:
            self._tell("lost", f"the broker does not tell of orders ({reason})", False)
        self._away = f"the broker does not tell of orders ({reason})"

    def _tell(self, kind: str, text: str, fatal: bool) -> None:
        with self._lock:
            self.ledger.tell(kind, text, fatal=fatal)
