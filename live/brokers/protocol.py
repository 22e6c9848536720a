"""What a runner asks of a broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray


class Standing(NamedTuple):
    """What a broker holds for us: cash, signed lots by symbol, and records of working orders."""

    cash: float
    lots: NDArray[Any]
    working: NDArray[Any]


class Broker(Protocol):
    """What a runner asks of a broker.  Everything may be asked twice; nothing then happens twice."""

    @property
    def made(self) -> int:
        """Steps whose rows have happened at the broker."""

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
