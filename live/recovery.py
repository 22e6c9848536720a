"""Start-up, which is recovery: the last good snapshot, the journal after it, and a look at the broker.

A new session is one whose journal has no frames yet; there is no other path.
"""

from __future__ import annotations

from pathlib import Path

from backtest.costs import Costs
from live.brokers.protocol import Broker
from live.brokers.simulated import SimulatedBroker
from live.config import Config, recorded, refuse_other
from live.errors import Corrupted, ReconcileError, SessionError, StateError
from live.journal import Contents, Frame, Journal, Place, read
from live.reconcile import reconcile, resend
from live.runner import SNAPSHOT_STEPS, Runner
from live.state import State
from live.tape import Tape
from live.vault import generations
from live.words import INPUT, MAGIC, OPERATOR, OUTPUT, Input, action_of, input_of, output_bytes, raw
from quantlib.desk import memory as desks
from quantlib.strategy import Strategy


def opened(
    folder: Path, config: Config, strategy: Strategy, tape: Tape, *, broker: Broker | None = None,
    every: int = SNAPSHOT_STEPS,
) -> Runner:  # fmt: skip
    """A runner ready for its next step, whatever became of the one before it.

    Args:
        folder: of the session; it exists, and its lock is held.
        config: the session asked for.
        strategy, tape: what it runs, on what.
        broker: by default the simulated one in the session's folder.
        every: steps from one snapshot to the next.

    Raises:
        LiveError: if the files cannot be trusted, are of another session, or desk and broker differ.
    """
    path = folder / "journal"
    desk = desks.opened(strategy.policy, tape.symbols, config.cash, config.instrument_map)
    state = State(strategy, tape.symbols, desk)
    notes: list[str] = []
    if path.exists():
        journal, contents = _resumed(path, config, state, notes)
    else:
        journal = Journal.create(path, MAGIC, config._asdict())
        contents = Contents({}, [], journal.place, 0)
    if broker is None:
        broker = _simulated(folder, config, desk, notes)
    half = _fold(state, contents.frames, broker, config, notes)
    _same_tape(state, half, tape)
    again = resend(state, broker, config.name)
    if again:
        notes.append(f"{again} commands of the last step had not reached the broker: sent again")
    runner = Runner(folder, config, tape, state, journal, broker, notes, every)
    if half is not None:  # its rows and reports are written down: finish that step
        _tell_broker(broker, half)
        runner.conclude(half.rows, half.reports)
    reconcile(state, broker)
    return runner


def _resumed(path: Path, config: Config, state: State, notes: list[str]) -> tuple[Journal, Contents]:
    """The newest snapshot that is good, and the journal from there."""
    place = Place()
    refuse_other(path, recorded(path, read(path, MAGIC).identity), config)  # before anything of it is touched
    refused = []
    for file, data in generations(path.parent / "snapshot"):
        try:
            candidate = State(state.strategy, state.symbols, state.desk)
            found = candidate.restore(data, config.digest)
            journal, contents = Journal.resume(path, MAGIC, found)
        except (StateError, Corrupted) as error:
            refused.append(f"{file.name} is not used: {error}")
            continue
        state.restore(data, config.digest)
        place = found
        break
    else:
        journal, contents = Journal.resume(path, MAGIC)
    notes += refused
    if refused:
        notes.append(f"going on from {'an older snapshot' if place.position else 'the journal alone'}")
    if contents.torn:
        notes.append(f"the journal's last frame was torn: {contents.torn} bytes cut off")
    return journal, contents


def _simulated(folder: Path, config: Config, desk: desks.Desk, notes: list[str]) -> SimulatedBroker:
    broker = SimulatedBroker(
        folder / "broker", config.symbols, desk.instruments, Costs(**config.costs), config.cash, config.layout
    )
    if broker.torn:
        notes.append(f"the broker's last frame was torn: {broker.torn} bytes cut off")
    return broker


def _fold(state: State, frames: list[Frame], broker: Broker, config: Config, notes: list[str]) -> Input | None:
    """Take all recorded steps again; returns the last one's input if its output was never written.

    Raises:
        Corrupted: if the recorded outputs are not what comes of the recorded inputs.
    """
    half: Input | None = None
    before = broker.made
    for frame in frames:
        if frame.kind == OPERATOR:
            state.obey(action_of(frame.payload))
        elif frame.kind == INPUT:
            half = input_of(frame.payload, config.layout)
        elif frame.kind == OUTPUT and half is not None:
            if broker.made <= half.step:
                resend(state, broker, config.name)
                _tell_broker(broker, half)
            output = state.advance(half.rows, half.reports)
            if output_bytes(output) != frame.payload:
                raise Corrupted(
                    f"journal: step {half.step} now comes out otherwise than it was recorded (frame {frame.sequence}); "
                    f"the strategy's code or the library changed: finish it with those, or start afresh with --fresh"
                )
            half = None
        else:
            raise Corrupted(f"journal: frame {frame.sequence} of kind {frame.kind} has no place where it stands")
    if broker.made > before:
        notes.append(f"the broker had lost {broker.made - before} steps: made again")
    return half


def _tell_broker(broker: Broker, said: Input) -> None:
    """Let the broker make a step that is in the journal; it must say what it said before."""
    if raw(broker.reports(said.step, said.rows)) != raw(said.reports):
        raise ReconcileError(
            f"reconcile: for step {said.step} the broker reports otherwise than is recorded; "
            f"its files were changed or are of another session: no trading"
        )


def _same_tape(state: State, half: Input | None, tape: Tape) -> None:
    """Refuse a tape that is not the one played so far."""
    played = state.rows + (len(half.rows) if half is not None else 0)
    if played > len(tape.records) or state.step > tape.steps:
        raise SessionError(
            f"session: {played} rows were played, this tape has {len(tape.records)}; give the same --input and --from"
        )
    same = tape.begins(state.step) == state.rows and tape.mark(state.rows) == state.mark
    if half is not None:
        same = same and raw(tape.records[state.rows : played]) == raw(half.rows)
    if not same:
        raise SessionError(
            f"session: the first {played} rows of this tape are not those that were played; "
            f"give the same --input and --from, use another --session, or start afresh with --fresh"
        )
