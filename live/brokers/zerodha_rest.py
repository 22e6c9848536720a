"""Calls to Kite Connect over REST: each has a time limit, a share of the rate limit, and an outcome told plainly.

    Refused         it said no
    Unsent, Broken  the call never left
    Unanswered      nobody knows

Whatever changes something is sent once; questions are asked again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Lock
from typing import Any, TypeVar

import requests
import tenacity
from limits import RateLimitItemPerSecond

from live.brokers.answers import understood
from live.brokers.breaker import Circuit, Lane
from live.brokers.extras import extra
from live.brokers.outcome import TIMEOUT, TRIES, outcome
from live.brokers.rate import Budget
from live.brokers.zerodha_answers import check_of
from live.brokers.zerodha_orders import Kite
from live.errors import BrokerError, Refused, Unanswered, Unsent

kiteconnect = extra("kiteconnect", "zerodha")
T = TypeVar("T")

CALLS, KEPT, ORDERS = 10, 3, 3  # calls a second, those of them that no question may have, and orders a second
PATIENCE = 5.0  # seconds that a question waits for room
ROOM = 0.2  # seconds that an order waits for room on the spot
BUSY, FAULT = 429, 500


def logged_in(api_key: str, api_secret: str, request_token: str, root: str | None = None) -> str:
    """The access token of the day, for the request token that Kite's login page gave.

    Raises:
        BrokerError: if Kite refuses it.
    """
    client = kiteconnect.KiteConnect(api_key, root=root)
    try:
        return str(client.generate_session(request_token, api_secret)["access_token"])
    except kiteconnect.exceptions.KiteException as error:
        raise BrokerError(
            f"broker: Zerodha refuses this login ({error}); a request token is good once and for minutes: "
            f"log in again at {client.login_url()}"
        ) from error


class KiteRest:
    """The REST API of one login: one lane for orders, one for questions.

    Args:
        kite: the login.
        expired: told, once, that its token is taken no more, and what to do about it.
        timeout: seconds to connect, and of silence while reading.
        clock: seconds, monotonic.
    """

    def __init__(
        self, kite: Kite, expired: Callable[[str], None], *, timeout: tuple[float, float] = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.kite, self.clock = kite, clock
        self.budget = Budget(RateLimitItemPerSecond(CALLS), KEPT)
        self.orders = Budget(RateLimitItemPerSecond(ORDERS), 0)
        self.circuit = Circuit()
        self.calls = self.failures = 0
        self.answered, self.trouble = clock(), ""
        self._expired: Callable[[str], None] | None = expired
        self._closing = Event()
        self._sends, self._asks = (_Client(kite, self.circuit.lane(), timeout) for _ in range(2))

    def send(self, what: str, act: Callable[[Any], T], patience: float = ROOM) -> T:
        """Change something, once: `act` is given the real client.

        Raises:
            Refused, Unsent, Broken, Unanswered: as above.
        """
        until = self.clock() + patience
        self._room(self.orders, True, what, until)
        return self._call(self._sends, what, act, until)

    def ask(self, what: str, act: Callable[[Any], T]) -> T:
        """Ask something, again where no answer comes.

        Raises:
            Refused, Unsent, Broken, Unanswered: as above.
        """
        again = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(TRIES), wait=tenacity.wait_random_exponential(0.1, 2.0), reraise=True,
            retry=tenacity.retry_if_exception_type(Unanswered), sleep=self._pause,
        )  # fmt: skip
        until = self.clock() + PATIENCE
        answer: T = again(self._call, self._asks, what, act, until)
        return answer

    def close(self) -> None:
        """Wait for nothing any more, and let connections go."""
        self._closing.set()
        self._sends.close()
        self._asks.close()

    def _room(self, budget: Budget, order: bool, what: str, until: float) -> None:
        while (wait := budget.take(order)) > 0.0:
            if self.clock() + wait > until or self._closing.wait(wait):
                raise Unsent(f"broker: no room for {what} under the rate limit", wait)

    def _call(self, client: _Client, what: str, act: Callable[[Any], T], until: float) -> T:
        self._room(self.budget, client is self._sends, what, until)
        self.calls += 1
        try:
            answer = client.call(what, act)
            if not isinstance(answer, Refused):
                understood(what, answer, check_of(what))
        except BrokerError as error:
            self.failures += 1
            self.trouble = str(error)
            raise
        self.answered, self.trouble = self.clock(), ""
        if isinstance(answer, _Expired):
            self._tell_expired(str(answer))
        if isinstance(answer, Refused):
            raise answer
        return answer

    def _tell_expired(self, text: str) -> None:
        expired, self._expired = self._expired, None
        if expired is not None:
            expired(text)

    def _pause(self, seconds: float) -> None:
        self._closing.wait(seconds)


class _Expired(Refused):
    """The access token is taken no more."""


class _Client:
    """The real client, used by one thread at a time; it never repeats a call."""

    def __init__(self, kite: Kite, lane: Lane, timeout: tuple[float, float]) -> None:
        self._client = kiteconnect.KiteConnect(kite.api_key, kite.access_token, root=kite.root, timeout=timeout)
        self._lane, self._alone = lane, Lock()

    def call(self, what: str, act: Callable[[Any], T]) -> T | Refused:
        """What was answered; a plain no is an answer, and no failure of the line."""
        with self._alone:
            return self._lane.call(lambda: self._once(what, act))

    def close(self) -> None:
        self._client.reqsession.close()

    def _once(self, what: str, act: Callable[[Any], T]) -> T | Refused:
        errors = kiteconnect.exceptions
        try:
            return act(self._client)
        except errors.TokenException as error:
            login = self._client.login_url()
            return _Expired(
                f"broker: Zerodha takes this access token no more ({error}); it dies every morning: log in at {login} "
                f"and start again with the new one (live.brokers.zerodha_rest.logged_in)"
            )
        except errors.KiteException as error:
            if error.code == BUSY:
                raise Unsent(f"broker: {what} was answered {BUSY}: too many calls", 1.0) from error
            if error.code >= FAULT:
                raise Unanswered(f"broker: {what} was answered {error.code}, so its outcome is unknown") from error
            return Refused(f"broker: {what} was answered {error.code}: {' '.join(str(error).split())[:300]}")
        except (requests.RequestException, ValueError) as error:
            raise outcome(what, error) from error
        except (KeyError, TypeError, AttributeError) as error:
            raise Unanswered(f"broker: {what} was answered with what makes no sense") from error
