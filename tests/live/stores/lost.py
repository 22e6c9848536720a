"""Sessions with copies: a store in memory, what has become of a session, and ways to lose its files."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from scenes import COSTS, believed, played, scored, scoring

from live.config import config_of
from live.errors import StoreError
from live.journal import read
from live.keeping import Keeping
from live.recovery import opened
from live.runner import Runner
from live.seal import Seal
from live.session import Summary
from live.tape import Tape
from live.words import MAGIC, NOTE, Output


class Memory:
    """A store that outlives a process only in tests; it can be told not to answer."""

    def __init__(self, name: str = "memory") -> None:
        self.name, self.away = name, False
        self.kept: dict[str, dict[str, bytes]] = {}
        self._lock = Lock()

    def put(self, folder: str, name: str, data: bytes) -> None:
        with self._answering():
            self.kept.setdefault(folder, {})[name] = bytes(data)

    def get(self, folder: str, name: str) -> bytes | None:
        with self._answering():
            return self.kept.get(folder, {}).get(name)

    def newest(self, folder: str) -> list[str]:
        with self._answering():
            return sorted(self.kept.get(folder, {}), reverse=True)

    def below(self, folder: str) -> list[str]:
        with self._answering():
            within = f"{folder}/"
            every = [f"{one}/{name}" for one, names in self.kept.items() for name in names]
            return [name.removeprefix(within) for name in every if name.startswith(within)]

    def drop(self, folder: str, name: str) -> None:
        with self._answering():
            self.kept.get(folder, {}).pop(name, None)

    def close(self) -> None:
        """Nothing is held."""

    def spoil(self, kind: str) -> None:
        """Damage all of a kind: journal, snapshot or head."""
        for folder, names in self.kept.items():
            if folder.endswith(kind):
                names |= {name: data[:-1] + b"?" for name, data in names.items()}

    def _answering(self) -> Lock:
        if self.away:
            raise StoreError(f"{self.name}: it does not answer")
        return self._lock


class Become(NamedTuple):
    """What a session has come to, whatever its files look like."""

    frames: list[tuple[int, bytes]]  # but for notes
    cash: float
    lots: tuple[int, ...]
    desk: bytes


def become(folder: Path, seal: Seal | None = None) -> Become:
    """Open a session once more, which reconciles it, and look at both sides."""
    table, strategy = scored(), scoring()
    config = config_of(folder, strategy, table, costs=COSTS)
    runner = opened(folder, config, strategy, Tape(table), keeping=Keeping(seal))
    try:
        standing = runner.broker.standing()
        frames = [(f.kind, f.payload) for f in read(folder / "journal", MAGIC, seal=seal).frames if f.kind != NOTE]
        return Become(frames, standing.cash, tuple(standing.lots.tolist()), believed(runner.state.desk))
    finally:
        runner.close()


class Counting:
    """Counts steps."""

    def __init__(self) -> None:
        self.steps = 0

    def began(self, runner: Runner) -> None:
        """None yet."""

    def stepped(self, runner: Runner, output: Output) -> None:
        self.steps += 1


def half(folder: Path, steps: int = 25, **named: Any) -> Summary:
    """A session stopped cleanly after so many steps."""
    counting = Counting()
    return played(folder, observer=counting, stop=lambda: counting.steps >= steps, **named)


def lose(folder: Path) -> None:
    """The disk is gone."""
    shutil.rmtree(folder)
