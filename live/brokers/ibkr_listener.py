"""Who is told what TWS says of orders."""

from __future__ import annotations

from typing import Any, Protocol


class Listener(Protocol):
    """Who is told of orders, on the link's thread."""

    def opened(self, contract: Any, order: Any, state: Any) -> None:
        """What an order asks."""

    def stood(self, client: int, number: int, status: str, filled: float, average: float) -> None:
        """How an order stands."""

    def completed(self, contract: Any, order: Any, state: Any) -> None:
        """An order that has ended."""

    def executed(self, contract: Any, execution: Any) -> None:
        """An execution."""

    def charged(self, execution: str, fee: float) -> None:
        """What an execution cost."""

    def failed(self, number: int, code: int, text: str) -> None:
        """An error about an order, or with the number -1 about anything else."""

    def began(self) -> None:
        """TWS is there, and was not."""

    def lost(self, reason: str) -> None:
        """TWS is away."""
