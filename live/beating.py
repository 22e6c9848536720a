"""The pulse taken from a running session: what its desk holds, how its feed and broker are, how long things took."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import Any

import numpy as np

from live.control.expected import Decided
from live.figures import LIMITS, figures
from live.pulse import BrokerHealth, FeedHealth, Histogram, Pulse, beat
from live.runner import Runner
from live.signals import Signals
from live.words import Output
from quantlib.desk.memory import DECISIONS
from quantlib.desk.messages import STATUSES, SUBMIT

EVERY = 0.25  # seconds from one pulse to the next
SECOND = 1e9
CODES = 128  # of decisions, int8
REFUSED = "refused"


class Beating:
    """Keeps what a pulse says that no desk remembers, and writes it.

    Args:
        runner: of the session.
        kind: replay, demo, paper or real money.
        account: its number, as shown.
    """

    def __init__(self, runner: Runner, kind: str, account: str = "") -> None:
        self.runner, self.kind, self.account = runner, kind, account
        self.decision = self.submit = Histogram()
        self.slippage, self.statuses = 0.0, Counter[str]()
        self._decided = Decided(runner.state.desk.instruments)
        self._signals = Signals(runner.state.symbols)
        self._taken = np.zeros(2 * CODES, np.int64)  # how often each decision was taken, by its code + CODES
        self._written = 0.0

    def stepped(self, output: Output, rows: Any, arrived: int | None = None) -> None:
        """Remember a step: `rows` is what it decided on, `arrived` when the first of them was read (monotonic ns)."""
        runner = self.runner
        self._decided.hear(runner.state.heard)
        if len(rows):
            self._decided.see(rows)
        self._book(output)
        self._decided.command(output.commands)
        self._decided.end(output.ended)
        self.statuses.update(STATUSES[int(status)] for status in output.ended["status"])
        self.statuses["sent"] += int((output.commands["kind"] == SUBMIT).sum())
        if len(output.decision):
            self._signals.see(runner.state.seen, output.decision)
            self._taken += np.bincount(output.decision.astype(np.int64) + CODES, minlength=2 * CODES)
        if arrived is not None:
            self.decision = self.decision.with_one((runner.written - arrived) / SECOND)
        if len(output.commands):
            self.submit = self.submit.with_one((runner.sent - runner.written) / SECOND)

    def beat(self, feed: FeedHealth, broker: BrokerHealth, now: bool = False) -> None:
        """Write the pulse, if the last one is old enough."""
        if now or time.monotonic() - self._written >= EVERY:
            self._written = time.monotonic()
            self._signals.write(self.runner.folder)
            beat(self.runner.folder, self.pulse(feed, broker))

    def pulse(self, feed: FeedHealth, broker: BrokerHealth) -> Pulse:
        """The session as it is now, but for its signals, which lie beside it."""
        runner, f = self.runner, figures(self.runner)
        until = {LIMITS[limit][0]: kept[1] for limit, kept in runner.state.overrides.items() if limit in LIMITS}
        limits = [used._asdict() | ({"until": until[used.name]} if used.name in until else {}) for used in f.limits]
        return Pulse(
            time.time_ns(), os.getpid(), runner.config.name, runner.config.title, self.kind, self.account, f.step,
            f.steps, f.ts, f.mode, runner.state.why, f.equity, f.cash, f.begun, f.day, f.drawdown, f.long, f.short,
            f.commands, f.fills, [p._asdict() for p in f.positions], [o._asdict() for o in f.orders], limits,
            dict(f.refusals), [], feed, broker, self.decision,
            self.submit, self.slippage, dict(self.statuses), self.decisions(),
        )  # fmt: skip

    def decisions(self) -> dict[str, int]:
        """How often each decision was taken, those that never were too; what the desk refused is one of them."""
        taken = {word: int(self._taken[CODES + code]) for code, word in DECISIONS.items()}
        return taken | {REFUSED: int(self._taken[:CODES].sum())}

    def _book(self, output: Output) -> None:
        unit = self.runner.state.desk.instruments["unit"]
        for fill in output.fills:
            expected = self._decided.price(int(fill["id"]))
            if expected == expected:
                moved = (float(fill["price"]) - expected) * int(fill["side"])
                self.slippage += moved * int(fill["lots"]) * float(unit[fill["symbol"]])
