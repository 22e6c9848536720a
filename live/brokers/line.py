"""A line to one broker: the few verbs in which brokers that change orders in place differ.

All else (names, errands, reports, recovery) is in `live.brokers.wired`, written once.  Every verb is carried out at
most once, and what it raises says what became of it:

    Refused       the broker said no
    Unsent        the call never left
    Unanswered    nobody knows
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from live.brokers.orders import Listing, instant
from live.brokers.tracked import Execution, Tracked, Wire
from live.pulse import BrokerHealth

CLOSING = "closing"  # the name of orders that leave positions past the desk


class Shown(NamedTuple):
    """An order as a broker shows it, in words that all brokers share.

    name         ours; "" of an order that is not ours
    id           the broker's, which never changes
    status       as `live.brokers.orders` spells them
    quantity     units, decimal digits; `filled` too; "" where only fills are known, and not what was asked
    average      of its fills
    at, begun    ns UTC: when this was true, when it was placed
    executions   as far as they are known, with running totals; what they lack of `filled` has the average price
    legs         of a bracket
    bare         it has filled, and its legs will never stand, of which the operator was told
    """

    name: str
    id: str
    symbol: str
    side: int
    status: str
    quantity: str
    limit: float = 0.0
    stop: float = 0.0
    filled: str = "0"
    average: float = 0.0
    at: int = 0
    begun: int = 0
    executions: tuple[Execution, ...] = ()
    legs: tuple[Shown, ...] = ()
    bare: bool = False

    def told(self) -> dict[str, Any]:
        """The same as the ledger takes it."""
        return {
            "id": self.id, "client_order_id": self.name, "symbol": self.symbol, "status": self.status,
            "side": "buy" if self.side > 0 else "sell", "qty": self.quantity, "filled_qty": self.filled,
            "filled_avg_price": self.average or None, "limit_price": self.limit or None,
            "stop_price": self.stop or None, "updated_at": instant(self.at), "submitted_at": instant(self.begun),
            "legs": [leg.told() for leg in self.legs],
        }  # fmt: skip

    def fills(self) -> dict[str, Sequence[Execution]]:
        """Executions of it and its legs, by the broker's ids."""
        found: dict[str, Sequence[Execution]] = {one.id: one.executions for one in (self, *self.legs)}
        return found


class Ear(NamedTuple):
    """What a line tells of its own accord, on a thread of its own.

    show      an order has changed
    refuse    order or change of this name was refused: name, text
    charge    a fee, quote currency, that came after its fill: name, amount
    doubt     words may have been lost, or there are new ones to ask for
    heard     so many messages about orders were taken in
    began     it is connected, and was not
    lost      it is not connected any more, and why
    tell      the operator is to know: kind, text, whether it is fatal
    """

    show: Callable[[Shown], None]
    refuse: Callable[[str, str], None]
    charge: Callable[[str, float], None]
    doubt: Callable[[], None]
    heard: Callable[[int], None]
    began: Callable[[], None]
    lost: Callable[[str], None]
    tell: Callable[[str, str, bool], None]


class Line(Protocol):
    """One account at one broker."""

    name: str  # of the broker
    at_once: int  # orders that may go out in one second
    listings: tuple[Listing, ...]
    listening: Event  # set while it hears of orders

    def begin(self, ear: Ear, patience: float) -> None:
        """Connect, check account and symbols, and listen; within so many seconds.

        Raises:
            BrokerError: if it will never work, and what to do about it.
        """

    def check(self, command: Any, listing: Listing) -> None:
        """Refuse what this broker has no order for, before anything is sent.

        Raises:
            Refused: saying what it takes instead.
        """

    def know(self, order: Tracked) -> None:
        """An order that the desk knew before this connection."""

    def place(self, order: Tracked, wire: Wire) -> Shown | None:
        """Send a new order with its legs; None if the answer comes by itself."""

    def amend(self, order: Tracked, wire: Wire, lots: int, limit: int, stop: int) -> None:
        """Ask for other lots (of the whole) or prices of an order at the broker; asked twice is asked once."""

    def cancel(self, order: Tracked, wire: Wire) -> None:
        """Ask for the end of an order; asked twice is asked once."""

    def remove(self, id: str) -> None:
        """Ask for the end of an order of this id at the broker, whoever placed it."""

    def named(self, name: str) -> Shown | None:
        """The order of this name; None if there surely is none."""

    def orders(self) -> Sequence[Shown]:
        """All orders of the day that the broker shows, and older ones that are still open."""

    def lapsed(self, order: Tracked) -> bool:
        """Whether an order that the broker does not show has simply come to the end of its day."""

    def lots(self) -> NDArray[Any]:
        """Signed lots by symbol."""

    def cash(self) -> float:
        """Cash as the desk counts it: all positions paid for in full."""

    def cancel_all(self) -> None:
        """Take back every order of the account."""

    def close_all(self) -> None:
        """Take back every order and leave every position at the market."""

    def reconnect(self) -> None:
        """Drop the connection that tells of orders, and make another one."""

    def health(self) -> BrokerHealth:
        """How it is."""

    def close(self) -> None:
        """Disconnect for good."""


def codes_of(listings: Sequence[Listing]) -> Mapping[str, int]:
    """A symbol's code by its name."""
    return {one.symbol: code for code, one in enumerate(listings)}
