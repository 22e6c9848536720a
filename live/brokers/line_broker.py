"""A broker of a live session on a line: what is the same wherever orders are changed in place.

runner --commands--> dealing --line--> broker --line--> asking --> ledger --reports--> runner
                             keeper --errands, looks--^
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from live.brokers.asking import Asking
from live.brokers.dealing import Dealing
from live.brokers.errands import LOOK_UP
from live.brokers.keeper import Patience
from live.brokers.line import Ear, Line, Shown
from live.brokers.orders import ENDED, id_in
from live.brokers.tracked import Tracked
from live.brokers.wired import Known, Wired
from live.pulse import BrokerHealth
from live.words import asked_by

NAME_LENGTH = 60  # characters of a session's name
ANSWER = 3.0  # seconds until an order of which nothing is heard is looked up


class LineBroker(Wired):
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

    def __init__(
        self, line: Line, session: str, *, clock: Callable[[], float] = time.monotonic,
        patience: Patience | None = None, answer: float = ANSWER,
    ) -> None:  # fmt: skip
        super().__init__(session, NAME_LENGTH, line.listings, clock, patience)
        self.line = line
        self.asking = Asking(line, self.ledger, self._lock)
        self.dealing = Dealing(line, self.ledger, self.asking, self.errands, self._lock, self.patience.settle, answer)
        self._look_after(self.asking, self.dealing, self.dealing, line)

    def begin(self) -> None:
        """Connect, check account and symbols, and listen.

        Raises:
            BrokerError: if it will never work, and what to do about it.
        """
        ear = Ear(
            self._show, self._refuse, self._charge, self.keeper.doubt, self._heard, self._began, self._lost, self._tell
        )
        self.line.begin(ear, self.patience.begin)
        self._count_lots()
        self.keeper.start()

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

    def close(self) -> None:
        """Disconnect; orders at the broker stay as they are."""
        self.keeper.stop(sum(self.patience.timeout) + 1.0)
        self.line.close()

    @property
    def _room(self) -> int:
        return self.line.at_once

    def _within(self, seconds: float) -> AbstractContextManager[None]:
        return self.dealing.within(seconds)

    def _status(self, name: str) -> str:
        """An amendment leaves no name behind, so one from before never counts: asked again it changes nothing."""
        amends = asked_by(self.ledger.session, name)[1] == "replace"
        shown = self.line.named(name) if not amends else None
        return shown.status if shown is not None else ""

    def _review(self, known: Known) -> None:
        """All orders of the day, then those that were not among them."""
        for _, order in known:
            self.line.know(order)
        for shown in self.line.orders():
            self._meet(shown)
        self._find(known, lambda order: order.wire is not None and bool(order.wire.id))

    def _lapsed(self, order: Tracked) -> bool:
        return self.line.lapsed(order)

    def _meet(self, shown: Shown) -> None:
        """See an order; an entry that the desk has done with is met again for the sake of legs that live on."""
        lives = any(leg.status not in ENDED for leg in shown.legs)
        if not self.asking.show(shown) and lives:
            with self._lock:
                self.ledger.roster.bury(shown.told())
            self.asking.show(shown)

    def _named(self, name: str) -> Tracked | None:
        return self.ledger.orders.get(id_in(name, self.ledger.session))

    def _show(self, shown: Shown) -> None:
        self.asking.show(shown)
        self._attend()

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
