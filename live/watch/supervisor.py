"""The supervisor: the outer process that keeps a session's runner alive, looks after it, and serves what watches it.

    with Supervisor(folder, words, courier) as supervisor: code = supervisor.run()

The runner is a child in a session of its own.  It outlives the supervisor's death, and the next supervisor takes it
on; so neither needs the other to trade or to watch.  Everything the supervisor knows is read from the session's
files, and it acts through signals and the operator's folder.

    SIGTERM, SIGINT   the runner stops cleanly, then all else; a second one kills the runner
    SIGUSR1           the supervisor goes and leaves the runner running: the next one takes it on
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, NamedTuple

from live.control import audit
from live.control.alerts import SEVERITIES, WARNING, Alert, changes, conditions
from live.control.courier import Courier
from live.control.metrics import Tallies
from live.errors import LiveError
from live.keys import Keys
from live.lock import alone
from live.operator import WATCHDOG, want
from live.pulse import Pulse
from live.seal import Seal
from live.watch.hours import open_since
from live.watch.notes import Notes
from live.watch.ping import Ping
from live.watch.restarts import DONE, FATAL, Patience
from live.watch.schedule import Schedule
from live.watch.sight import Pinging, Sight
from live.watch.tending import LOOPING, Phase, Tending
from live.watch.watchdogs import HALT, KILL, REDUCE, RESTART, Finding, Thresholds, findings, fresh

LOG = logging.getLogger("live.supervisor")
FOLDER = "seat"  # of the session's folder: our lock, our state, and what the runner prints
STATE, PRINTED = "state.json", "runner.out"
PRIVATE = 0o600
ROLE = "seat"  # of who acts, as the audit log has it
SOON = 0.05  # seconds between two looks while the runner stops

Service = Callable[[], AbstractContextManager[Any]]


class Terms(NamedTuple):
    """Seconds: between two looks, between two questions for the broker's clock, and for the runner to stop."""

    look: float = 1.0
    ping: float = 30.0
    stop: float = 30.0


class State(NamedTuple):
    """What the supervisor is about; `seat/state.json` holds it for whoever wants to know."""

    runner: Phase
    findings: list[str]
    services: dict[str, str]  # addresses by name


class Supervisor:
    """Keeps one session's runner alive.  A context manager: what it serves lives as long as it does."""

    def __init__(
        self, folder: Path, words: Sequence[str], courier: Courier, *, schedule: Schedule | None = None,
        services: Mapping[str, Service] | None = None, keys: Keys | None = None, tallies: Tallies | None = None,
        seal: Seal | None = None, thresholds: Thresholds | None = None, patience: Patience | None = None,
        terms: Terms | None = None, stay: bool = True, clock: Callable[[], int] = time.time_ns,
        hours: Callable[[int], int | None] = open_since,
    ) -> None:  # fmt: skip
        """Nothing is started before it is entered.

        Args:
            folder: of the session; it is made if it is not there.
            words: the command that runs it, and goes on with it after a death.
            courier: tells alerts.
            schedule: jobs; its hours are kept while inside.
            services: what else is served, by name; one that does not start is told, and trading goes on without it.
            keys: of the broker whose clock is watched; None: no clock is.
            tallies: what is counted for Prometheus.
            seal: of a sealed session.
            thresholds, patience, terms: when watchdogs bark, when starts are made, how long things take.
            stay: whether to go on serving when the session has ended, until told to stop.
            clock: ns UTC.
            hours: since when the market is open, by that clock; None while it is not.
        """
        self.folder, self.courier, self.schedule, self.tallies = folder, courier, schedule, tallies
        self.keys, self.stay, self.clock = keys, stay, clock
        self.thresholds, self.terms = thresholds or Thresholds(), terms or Terms()
        out = folder / FOLDER / PRINTED
        self.tending = Tending(folder, tuple(words), out, patience or Patience(), self.terms.stop, courier.tell)
        self.sight = Sight(folder, clock, hours)
        self.state = State(self.tending.phase, [], {})
        self._services = dict(services or {})
        self._notes = Notes(folder / "journal", seal)
        self._acted: dict[str, str] = {}
        self._last: Pulse | None = None
        self._leaving = False
        self._woken = SimpleQueue[None]()  # which a signal may put into, whatever it interrupts
        self._open = ExitStack()

    def __enter__(self) -> Supervisor:
        """Take the session's seat, and start what is served.

        Raises:
            SessionInUse: if another supervisor has it.
        """
        (self.folder / FOLDER).mkdir(parents=True, exist_ok=True, mode=0o700)
        with ExitStack() as opening:
            opening.enter_context(alone(self.folder / FOLDER))
            self._notes.catch_up()
            for name, service in self._services.items():
                self._serve(opening, name, service)
            if self.schedule is not None:
                opening.callback(self.schedule.close)
                self.schedule.start()
            if self.keys is not None:
                opening.enter_context(Pinging(self.keys, self.sight, self.terms.ping, self._pinged))
            self._open = opening.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop what is served; a runner that still runs is left running."""
        self._open.close()

    def run(self) -> int:
        """Look after the session until it is over, or we are told to stop or leave.

        Returns:
            0 after a clean end, else the runner's exit code, or 1 where that says nothing.
        """
        with _signals(self):
            while not (self._leaving or self._finished()):
                try:
                    self.look()
                except (LiveError, OSError):  # a full disk, a damaged file: all the more we go on looking
                    LOG.exception("something could not be looked at")
                with suppress(Empty):
                    self._woken.get(timeout=SOON if self.tending.stopping else self.terms.look)
        phase = self.tending.phase
        if self._leaving or phase.name == DONE or (self.tending.stopping and phase.name != FATAL):
            return 0
        return phase.code if phase.code is not None and phase.code > 0 else 1

    def stop(self) -> None:
        """Stop the runner cleanly, then come back from `run`; asked again, the runner is killed."""
        if self.tending.stopping:
            self.tending.kill()
        self.tending.stopping = True
        self._woken.put(None)

    def leave(self) -> None:
        """Come back from `run` and leave the runner running."""
        self._leaving = True
        self._woken.put(None)

    def look(self) -> None:
        """Do everything once: start what is to be started, judge what is there, act, and tell."""
        before = self.tending.phase.restarts
        self.tending.tend()
        seen = self.sight.look(self.tending.child)
        found = findings(seen, self.thresholds)
        self._acted, due = fresh(self._acted, found, seen.pulse.mode if seen.pulse else "ACTIVE")
        if not self.tending.stopping:
            for one in due:
                self._act(one)
        self._tell(seen.pulse, found)
        if self.schedule is not None:
            self.schedule.wake()
        if self.tallies is not None:
            self.tallies.restarts.inc(self.tending.phase.restarts - before)
        texts = [f"{one.name}: {one.text}" for one in found]
        self._say(self.state._replace(runner=self.tending.phase, findings=texts))

    def _finished(self) -> bool:
        """Whether there is nothing left to look after."""
        over = self.tending.phase.name in (DONE, FATAL, LOOPING) and not self.stay
        return self.tending.child is None and (self.tending.stopping or over)

    def _act(self, finding: Finding) -> None:
        """Do what a watchdog asks for; an operator's word is in the audit log before it is given."""
        LOG.error("watchdog: %s", finding.name, extra={"text": finding.text, "action": finding.action})
        if self.tallies is not None:
            self.tallies.actions.labels(finding.action).inc()
        if finding.action == KILL:
            self.tending.kill()
        elif finding.action == RESTART:
            self.tending.renew()
        elif finding.action in (REDUCE, HALT) and self.tending.child is not None:
            log, why = self.folder / audit.FILE, f"{finding.name}: {finding.text}"
            audit.note(log, who=WATCHDOG, role=ROLE, what=finding.action, why=why, at=self.clock())
            want(self.folder / "operator", finding.action, who=WATCHDOG, why=why)

    def _tell(self, pulse: Pulse | None, found: Sequence[Finding]) -> None:
        """Hold what is wrong, and tell what has happened."""
        holds = [one.alert for one in found] + self.tending.lost()
        if pulse is not None and pulse.pid == self.tending.phase.pid:
            holds += conditions(pulse)
            for alert in changes(self._last, pulse) if self._last is not None else ():
                self.courier.tell(alert)
            self._last = pulse
        for alert in self._notes.catch_up():
            self.courier.tell(alert)
        self.courier.hold(holds)
        if self.tallies is not None:
            for severity in SEVERITIES:
                count = sum(alert.severity == severity for alert in self.courier.firing)
                self.tallies.firing.labels(severity).set(count)

    def _pinged(self, ping: Ping) -> None:
        if self.tallies is not None and not ping.trouble:
            self.tallies.skew.set(ping.skew)
            self.tallies.ping.set(ping.seconds)

    def _serve(self, opening: ExitStack, name: str, service: Service) -> None:
        try:
            address = str(opening.enter_context(service()))
        except (LiveError, OSError) as error:
            self.courier.tell(Alert("not served", WARNING, f"{name}: {error}; trading goes on without it", name))
            return
        LOG.info("served", extra={"service": name, "address": address})
        self.state = self.state._replace(services=self.state.services | {name: address})

    def _say(self, state: State) -> None:
        """Leave the state for others, whole or not at all."""
        if state == self.state:
            return
        self.state = state
        path = self.folder / FOLDER / STATE
        beside = path.with_name(f".{STATE}")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(file, "w") as out:
            json.dump(state._asdict() | {"runner": state.runner._asdict()}, out)
        os.replace(beside, path)


@contextmanager
def _signals(supervisor: Supervisor) -> Iterator[None]:
    """While inside the main thread, signals mean what the module says; in other threads nothing is changed."""

    def stop(number: int, frame: FrameType | None) -> None:
        supervisor.stop()

    def leave(number: int, frame: FrameType | None) -> None:
        supervisor.leave()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    meant: dict[int, Any] = {
        signal.SIGTERM: stop,
        signal.SIGINT: stop,
        signal.SIGUSR1: leave,
        signal.SIGHUP: signal.SIG_IGN,
    }
    before = {number: signal.signal(number, how) for number, how in meant.items()}
    try:
        yield
    finally:
        for number, how in before.items():
            signal.signal(number, how)
