"""The runner: one timestamp is one step, and nothing is acted on before it is written down.

    operator's actions   -> journal
    rows, reports        -> journal -> features -> desk -> journal -> (fsync) -> commands to the broker

Killed anywhere, it is started again by the same call (`live.recovery.opened`) and ends as if it had never died.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from live.brokers.protocol import Broker
from live.config import Config
from live.journal import Journal
from live.operator import CODES, Hand
from live.state import State
from live.tape import Tape
from live.vault import keep
from live.words import INPUT, OPERATOR, OUTPUT, Action, Input, Output, action_bytes, input_bytes, output_bytes, tickets

SNAPSHOT_STEPS = 1000


class Runner:
    """A session that runs: its state, its journal, its broker and its tape."""

    def __init__(
        self, folder: Path, config: Config, tape: Tape, state: State, journal: Journal, broker: Broker,
        notes: Sequence[str], every: int,
    ) -> None:  # fmt: skip
        self.folder, self.config, self.tape, self.state = folder, config, tape, state
        self.journal, self.broker, self.notes, self.every = journal, broker, tuple(notes), every
        self.hand = Hand(folder / "operator", state.obeyed)
        self.resumed = state.step

    @property
    def finished(self) -> bool:
        """Whether the tape has no further step."""
        return self.state.step >= self.tape.steps

    def step(self) -> Output:
        """Take the next step of the tape, whole."""
        step = self.state.step
        rows, ts = self.tape.rows(step), self.tape.ts(step)
        for wanted in self.hand.due(ts):
            action = Action(wanted.number, ts, CODES[wanted.word])
            self.journal.append(OPERATOR, action_bytes(action))
            self.state.obey(action)
        reports = self.broker.reports(step, rows)
        self.journal.append(INPUT, input_bytes(Input(step, rows, reports)))
        output = self.conclude(rows, reports)
        if self.state.step % self.every == 0:
            self.save()
        return output

    def conclude(self, rows: NDArray[Any], reports: NDArray[Any]) -> Output:
        """The second half of a step whose rows and reports are in the journal."""
        output = self.state.advance(rows, reports)
        self.journal.append(OUTPUT, output_bytes(output))
        if len(output.commands):
            self.journal.sync()
            self.broker.submit(tickets(self.config.name, output.commands), output.commands, self.state.last_ts)
        return output

    def save(self) -> None:
        """Snapshots of the broker and of this side, between two steps."""
        self.journal.sync()
        self.broker.save()
        keep(self.folder / "snapshot", self.state.to_bytes(self.journal.place, self.config.digest))

    def close(self) -> None:
        """Let the files go; what is written stays."""
        self.broker.close()
        self.journal.close()


def put_aside(folder: Path) -> Path | None:
    """Move a session's files into a numbered folder beside the new ones: a fresh start loses nothing."""
    there = [folder / name for name in ("journal", "snapshot", "snapshot.old", "broker", "operator")]
    there = [path for path in there if path.exists()]
    if not there:
        return None
    number = 1
    while (aside := folder / f"before-{number}").exists():
        number += 1
    aside.mkdir()
    for path in there:
        os.replace(path, aside / path.name)
    return aside
