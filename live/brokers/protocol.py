"""What a runner asks of a broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from live.pulse import BrokerHealth


class Standing(NamedTuple):
    """What a broker holds for us: cash, signed lots by symbol, and records of working orders.

    `pending` are ids of orders that are being sent, changed or looked for: whether they work will be reported.
    `coin_fee` is the share of what is received that trades in crypto cost.
    """

    cash: float
    lots: NDArray[Any]
    working: NDArray[Any]
    pending: frozenset[int] = frozenset()
    coin_fee: float = 0.0


class Broker(Protocol):
    """What a runner asks of a broker.  Everything may be asked twice; nothing then happens twice."""

    @property
    def made(self) -> int | None:
        """Steps whose rows have happened at a broker that lives by our rows; None for one that lives by itself."""

    def reports(self, step: int, rows: NDArray[Any]) -> NDArray[Any]:
        """What there is to report before the desk sees these rows; a step made before says the same again."""

    def unheard(self, step: int) -> NDArray[Any]:
        """All reports that a desk which has taken `step` steps has not heard."""

    def submit(self, tickets: Sequence[str], commands: NDArray[Any], ts: int) -> None:
        """Carry out commands; those whose ticket is known are passed over.  They are safe when this returns."""

    def knows(self, ticket: str) -> bool:
        """Whether a command of this ticket has arrived."""

    def standing(self) -> Standing:
        """Cash, positions and working orders."""

    def save(self) -> None:
        """A good moment to make the next start quick."""

    def close(self) -> None:
        """The end of this connection."""


class Trouble(NamedTuple):
    """Something at the broker that the operator is to know; a fatal one halts the desk."""

    kind: str
    text: str
    fatal: bool = False


class WireBroker(Broker, Protocol):
    """A broker at the other end of a wire, that lives by itself: `made` is None."""

    @property
    def heard(self) -> int:
        """Messages about orders received so far."""

    def begin(self) -> None:
        """Connect, and listen.

        Raises:
            BrokerError: if it will never work: bad keys, a blocked account.
        """

    def catch_up(self, orders: NDArray[Any]) -> NDArray[Any]:
        """Reports that bring a desk with these working orders up to what the broker says has happened."""

    def incidents(self) -> list[Trouble]:
        """What went wrong since this was last asked."""

    def health(self) -> BrokerHealth:
        """How it is."""

    def cancel_all(self) -> None:
        """Take back every order of the account."""

    def close_all(self) -> None:
        """Leave every position of the account, past the desk: the last resort."""
