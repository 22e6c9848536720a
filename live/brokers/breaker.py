"""The circuit breaker: after so many failed calls in a row none is made for a while, then one tries again.

closed --5 failures--> open --60 s--> half-open --1 success--> closed
                                         `------1 failure----> open for 30 s
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pybreaker

from live.errors import Broken

T = TypeVar("T")


class Circuit(pybreaker.CircuitBreakerListener):  # type: ignore[misc]
    """One state for several lanes, each of which makes one call at a time.

    Args:
        failures: in a row, that open it.
        rest: seconds that it stays open.
        again: seconds that it stays open after a failed trial.
    """

    def __init__(self, failures: int = 5, rest: float = 60.0, again: float = 30.0) -> None:
        self.failures, self.rest, self.again = failures, rest, again
        self._storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        self._lanes: list[pybreaker.CircuitBreaker] = []

    @property
    def state(self) -> str:
        """closed, open or half-open."""
        return str(self._storage.state)

    def lane(self) -> Lane:
        """One more lane."""
        breaker = pybreaker.CircuitBreaker(
            self.failures, self.rest, state_storage=self._storage, listeners=[self], throw_new_error_on_trip=False
        )
        self._lanes.append(breaker)
        return Lane(breaker)

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        """How long it stays open depends on whether it was tried before."""
        tried = old_state is not None and old_state.name == pybreaker.STATE_HALF_OPEN
        if new_state.name != pybreaker.STATE_HALF_OPEN:
            for breaker in self._lanes:
                breaker.reset_timeout = self.again if tried and new_state.name == pybreaker.STATE_OPEN else self.rest


class Lane:
    """Calls through the circuit, one after another; another lane's hanging call does not hold them up."""

    def __init__(self, breaker: pybreaker.CircuitBreaker) -> None:
        self._breaker = breaker

    def call(self, action: Callable[[], T]) -> T:
        """What the action answers; whatever it raises counts as a failure.

        Raises:
            Broken: if the circuit is open.
        """
        try:
            return self._breaker.call(action)
        except pybreaker.CircuitBreakerError as error:
            raise Broken("broker: the circuit is open after repeated failures; calls resume by themselves") from error
