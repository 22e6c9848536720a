"""The courier: carries alerts to where people are (Slack, mail, any address that apprise knows), and holds nobody up.

    LIVE_ALERTS        addresses, separated by spaces:  slack://…  mailtos://user:password@host  json://127.0.0.1:8080
    LIVE_ALERTS_FILE   a file of them, a line each, readable by its owner alone; # begins a comment

A severity before an address (`critical=slack://…`) keeps what is less grave away from it; without one it gets warnings
and worse.  Telling puts a message into a list and returns; a thread sends.  At most so many a minute are sent: what is
above that is told in one message.  What cannot be sent after some tries is counted as lost, and is in the log.
"""

from __future__ import annotations

import logging
import os
import stat
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Condition, Thread
from typing import NamedTuple

from live.control.alerts import INFO, SEVERITIES, WARNING, Alert, Ledger, Message, Terms, happened, holding, shortened
from live.control.logs import ADDRESSES, Redactor
from live.errors import ConfigError

LOG = logging.getLogger("live.alerts")
FILE = "LIVE_ALERTS_FILE"
WINDOW = 60.0  # seconds, in which at most so many messages are sent
KINDS = {"info": "info", "warning": "warning", "critical": "failure"}  # as apprise calls them


class Sink(NamedTuple):
    """Where messages go; `send` says whether one arrived."""

    name: str  # for the log: never the address, which holds secrets
    least: str  # severity
    send: Callable[[Message], bool]


class Courier:
    """Tells alerts to sinks, from a thread of its own."""

    def __init__(
        self, sinks: Sequence[Sink], redact: Redactor, *, terms: Terms | None = None, most: int = 20, tries: int = 3,
        wait: float = 2.0, room: int = 1000, told: Callable[[str], None] = lambda outcome: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Begin.

        Args:
            sinks: none is allowed: then alerts are in the log alone.
            redact: hides secrets.
            terms: how often the same is told.
            most: messages in a minute.
            tries, wait: of each message at each sink, and seconds between two.
            room: messages that may wait; more are lost.
            told: hears "sent" or "lost" for each message.
            clock: seconds, only forward.
        """
        self.sinks, self.redact, self.terms = tuple(sinks), redact, terms or Terms()
        self.most, self.tries, self.wait, self.room = most, tries, wait, room
        self._told, self._clock = told, clock
        self._ledger = Ledger()
        self._waiting: deque[Message] = deque()
        self._sent: deque[float] = deque()
        self._changed, self._closing = Condition(), False
        self._thread = Thread(target=self._carry, name="alerts", daemon=True)
        self._thread.start()

    @property
    def firing(self) -> list[Alert]:
        """The conditions that hold."""
        return [one.alert for one in self._ledger.conditions.values()]

    def hold(self, alerts: Iterable[Alert]) -> None:
        """These are all the conditions that hold now."""
        with self._changed:
            self._ledger, messages = holding(self._ledger, alerts, self._clock(), self.terms)
            self._put(messages)

    def tell(self, alert: Alert) -> None:
        """This has happened."""
        with self._changed:
            self._ledger, messages = happened(self._ledger, alert, self._clock(), self.terms)
            self._put(messages)

    def close(self, patience: float = 10.0) -> None:
        """Send what waits, for at most so many seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(patience)

    def _put(self, messages: Sequence[Message]) -> None:
        for message in messages:
            clean = Message(message.severity, self.redact(message.title), self.redact(message.text))
            level = {"info": logging.INFO, "warning": logging.WARNING}.get(clean.severity, logging.ERROR)
            LOG.log(level, "%s", clean.title, extra={"text": clean.text, "severity": clean.severity})
            if len(self._waiting) >= self.room:
                self._told("lost")
            elif self.sinks:
                self._waiting.append(clean)
        self._changed.notify_all()

    def _carry(self) -> None:
        while True:
            with self._changed:
                while not (self._waiting and self._allowed()) and not self._closing:
                    self._changed.wait(1.0 if self._waiting else None)
                batch = shortened(self._waiting, max(self._allowed(), 1))
                self._waiting.clear()
                if self._closing and not batch:
                    return
            for message in batch:
                self._sent.append(self._clock())
                for sink in self.sinks:
                    if SEVERITIES.index(message.severity) >= SEVERITIES.index(sink.least):
                        self._send(sink, message)

    def _allowed(self) -> int:
        while self._sent and self._clock() - self._sent[0] >= WINDOW:
            self._sent.popleft()
        return self.most - len(self._sent)

    def _send(self, sink: Sink, message: Message) -> None:
        for number in range(self.tries):
            try:
                if sink.send(message):
                    self._told("sent")
                    return
                trouble = "it was not accepted"
            except Exception as error:  # whatever a sink's library raises, the next message is to go out
                trouble = f"{type(error).__name__}: {error}"
            with self._changed:
                if number + 1 < self.tries and not self._closing:
                    self._changed.wait_for(lambda: self._closing, self.wait * 2**number)
        self._told("lost")
        LOG.error("an alert could not be sent", extra={"sink": sink.name, "title": message.title, "why": trouble})


def addresses_of(environment: Mapping[str, str]) -> list[str]:
    """Where alerts go, as the environment says.

    Raises:
        ConfigError: if the file cannot be read, or others can read it too.
    """
    found = environment.get(ADDRESSES, "").split()
    if file := environment.get(FILE, ""):
        path = Path(file).expanduser()
        try:
            mode = stat.S_IMODE(os.stat(path).st_mode)
            lines = path.read_text("utf-8").splitlines()
        except OSError as error:
            raise ConfigError(f"alerts: {FILE} names {path}, which cannot be read ({error.strerror})") from error
        if mode & 0o077:
            raise ConfigError(
                f"alerts: {path} holds passwords and others can read it (mode {mode:o}); chmod 600 {path}"
            )
        found += [line.strip() for line in lines if not line.lstrip().startswith("#")]
    return [address for address in found if address]


def sinks_of(addresses: Iterable[str], *, title: str = "") -> list[Sink]:
    """Sinks that apprise serves; `title` stands before the title of each message.

    Raises:
        ConfigError: if apprise does not know such an address; the error does not show it.
    """
    found = []
    for number, given in enumerate(addresses, 1):
        least, equals, address = given.partition("=")
        if not equals or least not in SEVERITIES:
            least, address = WARNING, given
        name = f"{address.partition(':')[0][:20]} #{number}"
        found.append(Sink(name, least, _apprise(address, name, title)))
    return found


def _apprise(address: str, name: str, title: str) -> Callable[[Message], bool]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the standard library, in apprise's own imports
        import apprise

        service = apprise.Apprise()
        known = service.add(address)
    if not known:
        raise ConfigError(f"alerts: address {name} in {ADDRESSES} or {FILE} is none that apprise knows; see its wiki")

    def send(message: Message) -> bool:
        shown = f"{title}{message.title}" if message.severity == INFO else f"{title}{message.severity}: {message.title}"
        return bool(service.notify(body=message.text, title=shown, notify_type=KINDS[message.severity]))

    return send
