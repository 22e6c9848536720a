"""Calls to Alpaca over REST: each has a time limit, a share of the rate limit, and an outcome that is told plainly.

    answered        an `Answer`, be it yes or no
    Unsent, Broken  the call never left
    Unanswered      nobody knows

Whatever changes something is sent once; questions are asked again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from threading import Event, RLock, local
from typing import Any, NamedTuple

import requests
import tenacity
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from requests.adapters import HTTPAdapter

from live.brokers.alpaca_answers import check_of
from live.brokers.answers import understood
from live.brokers.breaker import Circuit, Lane
from live.brokers.outcome import TIMEOUT, TRIES, outcome
from live.brokers.rate import Budget
from live.errors import BrokerError, Refused, Unanswered, Unsent
from live.keys import Keys

NOT_FOUND, BUSY, FAULT = 404, 429, 500
SOON = 0.05  # seconds after which what a thread had no time for is tried again by another


class Answer(NamedTuple):
    """What the broker answered: HTTP status and JSON."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether it said yes."""
        return self.status < 300


class _Time(local):
    """Of each thread, seconds of the clock."""

    until = inf


class Rest:
    """The trading API: one lane for orders, one for questions.

    Args:
        keys: of the account.
        budget, circuit: shared by both lanes.
        timeout: seconds to connect, and of silence while reading.
        clock: seconds, monotonic.
    """

    def __init__(
        self, keys: Keys, budget: Budget | None = None, circuit: Circuit | None = None, *,
        timeout: tuple[float, float] = TIMEOUT, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.budget, self.circuit, self.clock = budget or Budget(), circuit or Circuit(), clock
        self.calls = self.failures = 0
        self.answered = clock()  # when the broker last answered anything
        self.trouble = ""
        self._closing, self._time = Event(), _Time()
        lanes = [self.circuit.lane() for _ in range(2)]
        self._orders, self._questions = (_Client(keys, lane, timeout, self._note) for lane in lanes)

    def send(self, method: str, path: str, data: dict[str, Any] | None = None, patience: float = 0.0) -> Answer:
        """Change something, once.

        Args:
            method: post, patch or delete.
            path: after /v2.
            data: body, or query of a delete.
            patience: seconds to wait for room under the rate limit.

        Raises:
            Unsent, Broken, Unanswered: as above.
        """
        return self._call(self._orders, method, path, data, patience)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What this thread sends inside leaves before so many seconds are over, or is `Unsent`: others can wait."""
        self._time.until = self.clock() + seconds
        try:
            yield
        finally:
            self._time.until = inf

    def ask(self, path: str, data: dict[str, Any] | None = None, patience: float = 5.0) -> Answer:
        """Ask something, again where no answer comes.

        Raises:
            Unsent, Broken, Unanswered: as above.
        """
        again = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(TRIES), wait=tenacity.wait_random_exponential(0.2, 2.0), reraise=True,
            retry=tenacity.retry_if_exception_type((Unanswered, Unsent)), sleep=self._pause,
        )  # fmt: skip
        answer: Answer = again(self._question, path, data, patience)
        return answer

    def told(self, path: str, data: dict[str, Any] | None = None) -> Any:
        """What the broker says to a question that it must be able to answer.

        Raises:
            Refused: if it will not.
            Unsent, Broken, Unanswered: as above.
        """
        answer = self.ask(path, data)
        if not answer.ok:
            raise Refused(f"broker: GET {path} was answered {answer.status}: {answer.body}")
        return answer.body

    def close(self) -> None:
        """Wait for nothing any more, and let connections go."""
        self._closing.set()
        for client in (self._orders, self._questions):
            client.close()

    def _question(self, path: str, data: dict[str, Any] | None, patience: float) -> Answer:
        answer = self._call(self._questions, "get", path, data, patience)
        if answer.status == BUSY:
            raise Unsent(f"broker: no room for GET {path} under the rate limit", 1.0)
        return answer

    def _call(
        self, client: _Client, method: str, path: str, data: dict[str, Any] | None, patience: float
    ) -> Answer:  # fmt: skip
        order = client is self._orders
        now, latest = self.clock(), self._time.until if order else inf
        if now >= latest:
            raise Unsent(f"broker: no time for {method.upper()} {path} on the spot", SOON)
        until = min(now + patience, latest)
        while (wait := self.budget.take(order)) > 0.0:
            if self.clock() + wait > until or self._closing.wait(wait):
                raise Unsent(f"broker: no room for {method.upper()} {path} under the rate limit", wait)
        self.calls += 1
        try:
            answer = client.call(method, path, data)
            if answer.ok:
                what = f"{method.upper()} {path}"
                understood(what, answer.body, check_of(what))
        except BrokerError as error:
            self.failures += 1
            self.trouble = str(error)
            raise
        self.answered, self.trouble = self.clock(), ""
        return answer

    def _pause(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def _note(self, response: requests.Response, *_: Any, **__: Any) -> None:
        try:
            remaining, reset = (response.headers[f"X-RateLimit-{name}"] for name in ("Remaining", "Reset"))
            self.budget.told(int(remaining), float(reset))
        except (KeyError, ValueError):
            return  # not every answer has them


class _Client:
    """The real client, used by one thread at a time, without retries of its own."""

    def __init__(
        self, keys: Keys, lane: Lane, timeout: tuple[float, float], note: Callable[..., None]
    ) -> None:  # fmt: skip
        self._client = TradingClient(keys.key, keys.secret, raw_data=True, url_override=keys.trading)
        self._client._retry = 0  # it would send orders again
        session = self._client._session
        session.hooks["response"].append(note)
        once = session.merge_environment_settings(keys.trading, {}, None, None, None)
        session.proxies, session.verify = once["proxies"], once["verify"]
        session.trust_env = False  # proxies and certificates are known now, and not looked up with every call
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Timed(timeout))
        self._lane, self._alone = lane, RLock()

    def call(self, method: str, path: str, data: dict[str, Any] | None) -> Answer:
        with self._alone:
            return self._lane.call(lambda: self._once(method, path, data))

    def close(self) -> None:
        self._client._session.close()

    def _once(self, method: str, path: str, data: dict[str, Any] | None) -> Answer:
        what = f"{method.upper()} {path}"
        try:
            return Answer(200, getattr(self._client, method)(path, data))
        except APIError as error:
            status = int(error.status_code or FAULT)
            if status >= FAULT:
                raise Unanswered(f"broker: {what} was answered {status}, so its outcome is unknown") from error
            return Answer(status, _body(str(error)))
        except (requests.RequestException, ValueError) as error:
            raise outcome(what, error) from error


class _Timed(HTTPAdapter):
    """The client sets no time limit; this one is on every call."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        super().__init__()
        self._timeout = timeout

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        options["timeout"] = options.get("timeout") or self._timeout
        return super().send(request, *args, **options)


def _body(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
