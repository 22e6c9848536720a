"""Sessions to sit at: really replayed folders, and pulses made of their figures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from live.figures import figures
from live.pulse import BrokerHealth, FeedHealth, Histogram, Pulse, Signal, beat
from live.runner import Runner
from live.session import replay
from live.words import Output
from quantlib.desk.memory import DECISIONS, REASONS
from quantlib.strategy import Strategy
from quantlib.table import Table


class Each(NamedTuple):
    """Watches a replay with a function of one's own."""

    call: Callable[[Runner, Output], None]

    def began(self, runner: Runner) -> None:
        """Nothing to do."""

    def stepped(self, runner: Runner, output: Output) -> None:
        """One step more."""
        self.call(runner, output)


def walked(
    folder: Path, strategy: Strategy | str, table: Table, each: Callable[[Runner, Output], None],
    steps: int | None = None,
) -> None:  # fmt: skip
    """Replay a session to its end, or until it has taken `steps`, and look at each step."""
    reached = 0

    def counted(runner: Runner, output: Output) -> None:
        nonlocal reached
        reached = runner.state.step
        each(runner, output)

    replay(strategy, table, folder, observer=Each(counted), stop=lambda: steps is not None and reached >= steps)


def pulse_of(runner: Runner, output: Output, *, at: int | None = None, **changes: Any) -> Pulse:
    """The pulse of a runner after a step; health and latencies are those of a machine that is well."""
    f = figures(runner)
    rows = runner.tape.rows(runner.state.step - 1)
    symbols = runner.config.symbols
    signals = [
        Signal(
            symbols[row["symbol"]], f.ts, DECISIONS[code] if code >= 0 else REASONS[-code],
            {"close": float(row["close"]), "volume": float(row["volume"])},
        )
        for row, code in zip(rows, output.decision.tolist(), strict=True)
    ]  # fmt: skip
    decision = submit = Histogram()
    rng = np.random.default_rng(7)
    for _ in range(400):
        decision = decision.with_one(float(rng.lognormal(-6.4, 0.5)))
    for _ in range(120):
        submit = submit.with_one(float(rng.lognormal(-2.6, 0.4)))
    pulse = Pulse(
        time.time_ns() if at is None else at, os.getpid(), runner.config.name, runner.config.title, "replay",
        "PA3SIMULATED", f.step, f.steps, f.ts, f.mode, "", f.equity, f.cash, f.begun, f.day, f.drawdown, f.long,
        f.short, f.commands, f.fills, [p._asdict() for p in f.positions], [o._asdict() for o in f.orders],
        [u._asdict() for u in f.limits], dict(f.refusals), [s._asdict() for s in signals],
        FeedHealth("alpaca iex", True, 0.4, 182_211, f.step, 3, 1, 12, 2, 1, 40),
        BrokerHealth("alpaca paper", True, 1.2, 1_204, 1, "closed", 187), decision, submit, 812.4,
        {"filled": f.fills}, {},
    )  # fmt: skip
    return pulse._replace(**changes)


def lived(folder: Path, strategy: Strategy | str, table: Table, steps: int | None = None, **changes: Any) -> Pulse:
    """Take steps of a session and leave a pulse; gives it back."""
    last: list[Pulse] = []

    def kept(runner: Runner, output: Output) -> None:
        if runner.state.step == (runner.tape.steps if steps is None else steps):
            last.append(pulse_of(runner, output, **changes))

    walked(folder, strategy, table, kept, steps)
    beat(folder, last[-1])
    return last[-1]
