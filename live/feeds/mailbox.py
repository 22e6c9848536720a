"""What threads hand to the runner's: a queue with a bound, whose overflow is told.

Trades and quotes are the first to go, since the next ones say more; bars are kept as long as there is room at all.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from live.feeds.protocol import Incident

FLEETING = ("t", "q")  # kinds of messages that later ones outdate
BARS = ("b", "u")


class Frame(NamedTuple):
    """One frame of the market data websocket, as it came."""

    stream: str
    messages: Sequence[dict[str, Any]]
    arrived: int  # ns of the monotonic clock

    @property
    def has_bars(self) -> bool:
        """Whether there is something to decide on."""
        return any(message.get("T") in BARS for message in self.messages)


class Linked(NamedTuple):
    """A stream is connected and has confirmed what it will send."""

    stream: str


class Lost(NamedTuple):
    """A stream is disconnected; it will try again."""

    stream: str
    why: str
    stale: bool = False  # because it was silent though open


class Failed(NamedTuple):
    """A stream has given up: trying again would not help."""

    stream: str
    why: str


class Gap(NamedTuple):
    """Rows that are missing: of these symbols, known after `begin`."""

    symbols: tuple[str, ...]
    begin: int  # ns UTC


class Filled(NamedTuple):
    """Rows of a history have come, or have not."""

    rows: NDArray[Any]
    fresh: int  # ts from which on rows are decided on
    why: str  # "warm-up" or "gap"
    incidents: tuple[Incident, ...]
    failed: Gap | None = None  # no source answered: it is still open


class Overflown(NamedTuple):
    """Messages were dropped since the last look."""

    fleeting: int
    others: int  # bars may be among them: a gap to fill


Letter = Frame | Linked | Lost | Failed | Filled | Incident


class Mailbox:
    """Letters in the order in which they were put.

    Args:
        room: messages that may wait; beyond it trades and quotes are dropped, beyond twice as many whole frames.
    """

    def __init__(self, room: int = 200_000) -> None:
        self.room = room
        self._letters: deque[Letter] = deque()
        self._waiting = self._fleeting = self._others = 0
        self._ready = threading.Condition()

    def put(self, letter: Letter) -> None:
        """Hand over, from any thread; never waits."""
        with self._ready:
            kept = self._kept(letter) if isinstance(letter, Frame) else letter
            if kept is not None:
                self._letters.append(kept)
            self._ready.notify()

    def take(self, patience: float) -> list[Letter | Overflown]:
        """All that waits, oldest first; nothing if nothing came within `patience` seconds."""
        with self._ready:
            deadline = time.monotonic() + patience
            while not self._letters and not self._lost and (left := deadline - time.monotonic()) > 0:
                self._ready.wait(left)
            taken: list[Letter | Overflown] = list(self._letters)
            if self._lost:
                taken.append(Overflown(self._fleeting, self._others))
            self._letters.clear()
            self._waiting = self._fleeting = self._others = 0
            return taken

    @property
    def _lost(self) -> int:
        return self._fleeting + self._others

    def _kept(self, frame: Frame) -> Frame | None:
        """What there is room for of a frame."""
        if self._waiting + len(frame.messages) > self.room:
            lasting = [message for message in frame.messages if message.get("T") not in FLEETING]
            self._fleeting += len(frame.messages) - len(lasting)
            frame = frame._replace(messages=lasting)
            if self._waiting + len(lasting) > 2 * self.room:
                self._others += len(lasting)
                return None
        self._waiting += len(frame.messages)
        return frame if frame.messages else None
