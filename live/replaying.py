"""A replay as others see it: it gives pulses, by which page and supervisor follow it as they follow any session."""

from __future__ import annotations

import time
from collections.abc import Callable

from live.beating import Beating
from live.pulse import BrokerHealth, FeedHealth
from live.runner import Runner
from live.session import Observer
from live.words import Output

KIND = "replay"


class Pulsing:
    """An observer's steps and silences, each with its pulse.

    Args:
        observer: told of all that this one is told.
        idle: called while the tape is silent.
    """

    def __init__(self, observer: Observer, idle: Callable[[Runner], None] = lambda runner: None) -> None:
        self._observer, self._idle = observer, idle
        self._beating: Beating | None = None
        self._rows, self._stepped = 0, 0.0

    def began(self, runner: Runner) -> None:
        """The first pulse, before the first step."""
        self._beating, self._rows, self._stepped = Beating(runner, KIND), runner.state.rows, time.monotonic()
        self._observer.began(runner)
        self.beat(now=True)

    def stepped(self, runner: Runner, output: Output) -> None:
        """A step, which the pulse counts."""
        if self._beating is not None and runner.tape is not None:
            self._stepped = time.monotonic()
            self._beating.stepped(output, runner.tape.rows(runner.state.step - 1))
        self._observer.stepped(runner, output)
        self.beat()

    def waited(self, runner: Runner) -> None:
        """The tape is silent, the session is not."""
        self._idle(runner)
        self.beat()

    def beat(self, now: bool = False) -> None:
        """Write a pulse, if the last one is old enough."""
        if self._beating is None:
            return
        rows = self._beating.runner.state.rows - self._rows
        age = time.monotonic() - self._stepped
        self._beating.beat(FeedHealth("tape", True, age, rows, rows), BrokerHealth("simulated", True), now)
