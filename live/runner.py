"""The runner: one moment is one step, and nothing is acted on before it is written down.

    operator's actions   -> journal
    rows, reports        -> journal -> features -> desk -> journal -> (fsync) -> commands to the broker

Between two moments a beat hears the broker and obeys the operator, by the same path without rows.

Killed anywhere, it is started again by the same call (`live.recovery.opened`) and ends as if it had never died.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.protocol import Broker
from live.config import Config
from live.hand import Hand
from live.journal import BEGINNING, Journal
from live.operator import CODES, FILE
from live.safety.brake import NOBODY, REFUSED, Brake, told
from live.state import State
from live.stores.copier import Copies
from live.stores.shelf import Saved
from live.tape import Tape
from live.vault import keep
from live.words import (
    BEAT,
    INPUT,
    NOTE,
    OPERATOR,
    OUTPUT,
    PAST,
    Beat,
    Input,
    Note,
    Output,
    action_bytes,
    beat_bytes,
    declined,
    input_bytes,
    note_bytes,
    output_bytes,
    past_bytes,
    tickets,
)
from quantlib.desk.memory import NEVER_ARRIVED
from quantlib.desk.messages import EXIT, REPORT, SUBMIT

SNAPSHOT_STEPS = 1000
NO_REPORTS = np.empty(0, REPORT)

# What may still go to the broker of these commands, and the reports that answer the rest.
Guard = Callable[[NDArray[Any], int], tuple[NDArray[Any], NDArray[Any]]]


def unguarded(commands: NDArray[Any], ts: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Every command goes out."""
    return commands, NO_REPORTS


class Runner:
    """A session that runs: its state, its journal and its broker; a replay has a tape too."""

    def __init__(
        self, folder: Path, config: Config, state: State, journal: Journal, broker: Broker, notes: Sequence[str],
        every: int, tape: Tape | None = None, guard: Guard = unguarded,
    ) -> None:  # fmt: skip
        self.folder, self.config, self.state, self.tape = folder, config, state, tape
        self.journal, self.broker, self.notes, self.every = journal, broker, tuple(notes), every
        self.guard, self.brake = guard, Brake()
        self.hand = Hand(folder / "operator", state.obeyed)
        self.steps = tape.steps if tape is not None else 0  # how many there will be; 0 where nobody knows
        self.resumed = state.step
        self.written = self.sent = 0  # monotonic ns: when the last step's commands were written down, and answered
        self.decided = 0  # monotonic ns: when those of the last moment were written down
        self.half: Input | Beat | None = None  # a step left unfinished, where the broker lives by itself
        self.copies, self.saved = Copies(), Saved(BEGINNING)  # where else state goes, and the last snapshot
        self._answers = NO_REPORTS  # of the guard and the brake, to be heard with the next reports
        self._held = NOBODY  # symbols that the step which is taken does not leave

    @property
    def finished(self) -> bool:
        """Whether the tape has no further step."""
        return self.tape is not None and self.state.step >= self.tape.steps

    def step(self) -> Output:
        """Take the next step of the tape, whole."""
        if self.tape is None:
            raise TypeError("runner: only a replay has a next step; give rows to take()")
        step = self.state.step
        return self.take(self.tape.ts(step), self.tape.rows(step))

    def take(self, ts: int, rows: NDArray[Any]) -> Output:
        """Take one step: the rows of one moment."""
        self._obey(ts)
        step = self.state.step
        reports = self._heard(self.broker.reports(step, rows), ts)
        self.journal.append(INPUT, input_bytes(Input(step, rows, reports)))
        output = self.conclude(self.state.advance(rows, reports))
        self.decided = self.written
        if self.state.step % self.every == 0:
            self.save()
        return output

    def beat(self, ts: int, reports: NDArray[Any] = NO_REPORTS) -> Output | None:
        """Between two moments: obey the operator and hear the broker; None if there was nothing to do."""
        obeyed = self._obey(ts)
        heard = self._heard(np.concatenate([reports, self._said()]), ts)
        if not (obeyed or len(heard) or self.brake.due(self.state.desk, ts)):
            return None
        said = Beat(ts, heard, self._held)
        self.journal.append(BEAT, beat_bytes(said))
        return self.conclude(self.state.beat(said))

    def past(self, rows: NDArray[Any]) -> None:
        """Move the features on over rows that have gone by: nothing is decided on them."""
        self.journal.append(PAST, past_bytes(rows))
        self.state.past(rows)

    def note(self, said: Note) -> None:
        """Write down what happened around the session."""
        self.journal.append(NOTE, note_bytes(said))

    def conclude(self, output: Output) -> Output:
        """The second half of a step whose rows and reports are in the journal."""
        self.journal.append(OUTPUT, output_bytes(output))
        if len(output.commands):
            self.journal.sync()
        self.written = self.sent = time.monotonic_ns()
        if len(output.commands):
            self.send(output.commands)
            self.sent = time.monotonic_ns()
        if len(output.commands) or len(output.fills):
            self._copy()
        return output

    def send(self, commands: NDArray[Any]) -> None:
        """Give to the broker what brake and guard let pass; answers to the rest are heard with the next reports."""
        held = (commands["kind"] == SUBMIT) & (commands["leg"] == EXIT) & np.isin(commands["symbol"], self._held)
        passed, answers = self.guard(commands[~held], self.state.last_ts)
        self._answers = np.concatenate([self._answers, declined(commands[held], NEVER_ARRIVED), answers])
        if len(passed):
            self.broker.submit(tickets(self.config.name, passed), passed, self.state.last_ts)

    def save(self) -> None:
        """Snapshots of the broker and of this side, between two steps."""
        self.journal.sync()
        self.broker.save()
        place, data = self.journal.place, self.state.to_bytes(self.journal.place, self.config.digest)
        self.saved = Saved(place, keep(self.folder / "snapshot", data, self.journal.key), place)
        self._copy()

    def close(self) -> None:
        """Let the files go; what is written stays."""
        self.copies.close()
        self.broker.close()
        self.journal.close()

    @property
    def no_rows(self) -> NDArray[Any]:
        """Rows of no moment."""
        return np.empty(0, self.config.layout)

    def _copy(self) -> None:
        """Have copies made of all that is written, and write down what became of those before."""
        self.copies.offer(self.saved._replace(end=self.journal.place))
        for text in self.copies.incidents():
            self.note(Note(self.state.last_ts, "copies", text))

    def _obey(self, ts: int) -> int:
        """Do what the operator wants before `ts`; how many actions that was."""
        due = self.hand.due(ts)
        for wanted in due:
            action = wanted.action(ts)
            if action.who == FILE:
                self.note(Note(ts, "kill switch", f"{action.word}: {action.why}"))
            self.journal.append(OPERATOR, action_bytes(action))
            self.state.obey(action)
            if action.word in CODES:
                self.brake.reset()
        return len(due)

    def _said(self) -> NDArray[Any]:
        """What a broker that lives by itself says between two moments."""
        return NO_REPORTS if self.broker.made is not None else self.broker.reports(self.state.step, self.no_rows)

    def _heard(self, reports: NDArray[Any], ts: int) -> NDArray[Any]:
        """The guard's answers, then the broker's reports, by which the brake goes."""
        answers, self._answers = self._answers, NO_REPORTS
        if self.broker.made is None:
            desk = self.state.desk
            for s in self.brake.hear(desk, reports, ts):
                self.note(Note(ts, REFUSED, told(desk, s, self.brake.terms), self.state.symbols[s]))
            self._held = self.brake.held(desk, ts)
        return np.concatenate([answers, reports])
