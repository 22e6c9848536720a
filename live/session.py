"""A session from Python: replay bars through the runner, and go on where it was left.

summary = replay("trend", bars, "sessions/trend")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from backtest.costs import Costs, cost_record
from live.aside import put_aside
from live.config import CASH, Config, config_of, recorded
from live.errors import SessionError
from live.journal import read
from live.keeping import PLAIN, Keeping
from live.recovery import opened
from live.references import strategy_of
from live.resealing import settle, settled
from live.runner import SNAPSHOT_STEPS, Runner
from live.seal import Seal
from live.stores.restoring import restored
from live.tape import Pace, Tape
from live.words import MAGIC, Output
from quantlib.desk import memory as desks
from quantlib.desk.memory import MODES, REASONS, Instrument
from quantlib.strategy import Strategy, verify
from quantlib.table import Table, bars


class Observer(Protocol):
    """Someone who watches a session."""

    def began(self, runner: Runner) -> None:
        """Before the first step."""

    def stepped(self, runner: Runner, output: Output) -> None:
        """After each step."""


class Summary(NamedTuple):
    """What a session has come to.

    steps, of    timestamps taken, and how many the tape has
    rows         decided on
    resumed      steps that had been taken before this start
    equity       quote currency, and `cash` at the very start
    drawdown     the largest, fraction
    refusals     how often the desk refused, by reason
    stopped      True if it was told to stop before the tape's end
    seconds      of this start
    notes        what start-up had to say
    """

    folder: Path
    title: str
    steps: int
    of: int
    rows: int
    resumed: int
    commands: int
    fills: int
    cash: float
    equity: float
    drawdown: float
    mode: str
    refusals: dict[str, int]
    stopped: bool
    seconds: float
    notes: tuple[str, ...]


def replay(
    strategy: str | Strategy,
    rows: Any,
    folder: str | Path,
    *,
    params: Mapping[str, Any] | None = None,
    cash: float = CASH,
    costs: Costs | None = None,
    instruments: Instrument | Mapping[str, Instrument] | None = None,
    speed: float = 0.0,
    fresh: bool = False,
    source: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
    idle: Callable[[Runner], None] = lambda runner: None,
    stop: Callable[[], bool] = lambda: False,
    every: int = SNAPSHOT_STEPS,
    keeping: Keeping = PLAIN,
) -> Summary:
    """Replay bars through the live runner; a session that was stopped or killed goes on where it was.

    Args:
        strategy: a reference (`live.references`), or a Strategy, which then is given again to every later call.
        rows: a Table of bars, or whatever `quantlib.bars` takes.
        folder: of the session; its name is the session's.
        params: of the strategy's function.
        cash, costs, instruments: as in `backtest.run`; costs default to one basis point of commission and of spread.
        speed: seconds of the tape in one second; 0 plays as fast as it goes.
        fresh: put an earlier session of this folder aside and begin anew.
        source: where the rows came from, for the record.
        observer: told after each step.
        idle: called often while the tape is silent.
        stop: asked before each step; True ends the run cleanly.
        every: steps from one snapshot to the next.
        keeping: how state is sealed and where copies of it go; `live.keeping.keeping_of(os.environ)` is the
            environment's.

    Raises:
        LiveError: as drawn in `live`.
        TableError, FeatureError, StrategyError, PolicyError, ValueError: as in `backtest.run`.
    """
    folder = Path(folder)
    table = rows if isinstance(rows, Table) else bars(rows)
    if not table.rows:
        raise SessionError("session: the tape has no rows")
    reference = strategy if isinstance(strategy, str) else ""
    one = strategy_of(strategy, params) if isinstance(strategy, str) else strategy
    verify(one, tuple(table.columns))
    config = config_of(
        folder, one, table, reference=reference, params=params, cash=cash, costs=costs, instruments=instruments,
        source=source,
    )  # fmt: skip
    Pace(speed, stop, lambda: None)  # what can be refused is refused before the folder is touched
    cost_record(Costs(**config.costs))
    desks.opened(one.policy, table.symbols, cash, config.instrument_map)
    with settled(folder):
        if fresh:
            put_aside(folder)
        tape = Tape(table)
        notes = () if fresh else restored(folder, keeping, config)
        runner = opened(folder, config, one, tape, every=every, keeping=keeping, notes=notes)
        try:
            return _played(runner, tape, Pace(speed, stop, lambda: idle(runner)), observer, stop)
        finally:
            runner.close()


def there(folder: str | Path, seal: Seal | None = None) -> Config | None:
    """What the session in this folder is, if there is one.

    Raises:
        JournalError, SealError, SessionError: if its journal cannot be read.
    """
    settle(Path(folder))
    path = Path(folder) / "journal"
    return recorded(path, read(path, MAGIC, seal=seal).identity) if path.exists() else None


def summary(runner: Runner, stopped: bool = False, seconds: float = 0.0) -> Summary:
    """What a runner has come to."""
    state, account = runner.state, runner.state.desk.account[0]
    refusals = {REASONS[reason]: int(n) for reason, n in enumerate(account["refused"]) if n}
    return Summary(
        runner.folder, runner.config.title, state.step, runner.steps, state.rows, runner.resumed, state.commands,
        state.fills, runner.config.cash, float(account["equity"]), float(account["max_drawdown"]),
        MODES[int(account["mode"])], dict(sorted(refusals.items(), key=lambda kept: -kept[1])), stopped, seconds,
        runner.notes,
    )  # fmt: skip


def _played(runner: Runner, tape: Tape, pace: Pace, observer: Observer | None, stop: Callable[[], bool]) -> Summary:
    begun = time.monotonic()
    if observer is not None:
        observer.began(runner)
    while not runner.finished and not stop():
        pace.wait(tape.ts(runner.state.step))
        if stop():
            break
        output = runner.step()
        if observer is not None:
            observer.stepped(runner, output)
    runner.save()
    return summary(runner, not runner.finished, time.monotonic() - begun)
