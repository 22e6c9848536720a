"""Start-up, which is recovery: the last good snapshot, the journal after it, and a look at the broker.

A new session is one whose journal has no frames yet; there is no other path.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backtest.costs import Costs
from live.brokers.protocol import Broker
from live.brokers.simulated import SimulatedBroker
from live.config import Config, recorded, refuse_other
from live.errors import Corrupted, ReconcileError, SealError, SessionError, StateError
from live.fold import Half, fold, left_half
from live.journal import BEGINNING, Contents, Frame, Journal, read
from live.keeping import PLAIN, Keeping
from live.reconcile import reconcile, resend
from live.runner import SNAPSHOT_STEPS, Guard, Runner, unguarded
from live.seal import Key, Seal
from live.state import State
from live.stores.copier import copying
from live.stores.shelf import Saved
from live.tape import Tape
from live.vault import generations, told
from live.words import MAGIC, Input, output_bytes, raw
from quantlib.desk import memory as desks
from quantlib.strategy import Strategy


def opened(
    folder: Path, config: Config, strategy: Strategy, tape: Tape | None = None, *, broker: Broker | None = None,
    every: int = SNAPSHOT_STEPS, guard: Guard = unguarded, keeping: Keeping = PLAIN, notes: Sequence[str] = (),
) -> Runner:  # fmt: skip
    """A runner ready for its next step, whatever became of the one before it.

    Args:
        folder: of the session; it exists, and its lock is held.
        config: the session asked for.
        strategy: what it runs.
        tape: on what, if it is a replay.
        broker: by default the simulated one in the session's folder.  One that lives by itself is not asked for
            anything yet: `live.rejoin` does that.
        every: steps from one snapshot to the next.
        guard: what commands pass on their way to the broker.
        keeping: how state is sealed, and where copies of it go.
        notes: what there is to say already, as `live.stores.restoring` says it.

    Raises:
        LiveError: if the files cannot be trusted, are of another session, or desk and broker differ.
    """
    path = folder / "journal"
    symbols = tuple(config.symbols)
    desk = desks.opened(strategy.policy, symbols, config.cash, config.instrument_map)
    state, said, saved = State(strategy, symbols, desk), list(notes), Saved(BEGINNING)
    if path.exists():
        journal, contents, saved = _resumed(path, config, state, said, keeping.seal)
    else:
        journal = Journal.create(path, MAGIC, config._asdict(), keeping.seal.fresh() if keeping.seal else None)
        contents = Contents({}, [], journal.place, 0)
    if broker is None:
        broker = _simulated(folder, config, desk, said, journal.key)
    half = _fold(state, contents.frames, broker, config, said)
    if tape is not None:
        _same_tape(state, half if isinstance(half, Input) else None, tape)
    runner = Runner(folder, config, state, journal, broker, said, every, tape, guard)
    runner.saved = saved
    if broker.made is None:
        runner.half = half
        runner.copies = copying(folder, keeping, journal.key)
        return runner
    again = resend(state, broker, config.name)
    if again:
        runner.notes += (f"{again} commands of the last step had not reached the broker: sent again",)
    if isinstance(half, Input):  # its rows and reports are written down: finish that step
        _tell_broker(broker, half)
        runner.conclude(state.advance(half.rows, half.reports))
    reconcile(state, broker)
    runner.copies = copying(folder, keeping, journal.key)
    return runner


def _resumed(
    path: Path, config: Config, state: State, notes: list[str], seal: Seal | None
) -> tuple[Journal, Contents, Saved]:  # fmt: skip
    """The newest snapshot that is good, and the journal from there."""
    saved, origin, refused = Saved(BEGINNING), "the snapshot", []
    refuse_other(path, recorded(path, read(path, MAGIC, seal=seal).identity), config)  # before anything is touched
    snapshot = path.parent / "snapshot"
    for file, written in generations(snapshot):
        try:
            data = told(snapshot, file, written, seal)
            candidate = State(state.strategy, state.symbols, state.desk)
            place = candidate.restore(data, config.digest)
            journal, contents = Journal.resume(path, MAGIC, place, seal)
        except (StateError, SealError, Corrupted) as error:
            refused.append(f"{file.name} is not used: {error}")
            origin = "an older snapshot"
            continue
        state.restore(data, config.digest)
        saved = Saved(place, written, place)
        break
    else:
        journal, contents = Journal.resume(path, MAGIC, seal=seal)
        origin = "the journal alone"
    notes += refused
    if contents.torn:
        notes.append(f"the journal's last frame was torn: {contents.torn} bytes cut off")
    notes.append(f"going on from {origin}, step {state.step:,}, and {len(contents.frames):,} frames after it")
    return journal, contents, saved


def _simulated(
    folder: Path, config: Config, desk: desks.Desk, notes: list[str], key: Key | None
) -> SimulatedBroker:  # fmt: skip
    broker = SimulatedBroker(
        folder / "broker", config.symbols, desk.instruments, Costs(**config.costs), config.cash, config.layout, key
    )
    if broker.torn:
        notes.append(f"the broker's last frame was torn: {broker.torn} bytes cut off")
    return broker


def _fold(state: State, frames: list[Frame], broker: Broker, config: Config, notes: list[str]) -> Half | None:
    """Take all recorded steps again; returns the last one's input if its output was never written.

    Raises:
        Corrupted: if the recorded outputs are not what comes of the recorded inputs.
    """
    before = broker.made or 0

    def tell(half: Half) -> None:
        if isinstance(half, Input) and broker.made is not None and broker.made <= half.step:
            resend(state, broker, config.name)
            _tell_broker(broker, half)

    for refolded in fold(state, frames, config, tell):
        if output_bytes(refolded.output) != refolded.recorded.payload:
            raise Corrupted(
                f"journal: step {refolded.output.step} now comes out otherwise than it was recorded (frame "
                f"{refolded.recorded.sequence}); the strategy's code or the library changed: finish it with those, or "
                f"start afresh with --fresh"
            )
    if (broker.made or 0) > before:
        notes.append(f"the broker had lost {(broker.made or 0) - before} steps: made again")
    return left_half(frames, config)


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
