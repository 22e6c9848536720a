"""Small sessions for the tests of live: a tape that trades, a process that dies in the middle, what is left of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from backtest.costs import Costs
from live.config import config_of
from live.reconcile import working
from live.recovery import opened
from live.session import Summary, replay
from live.tape import Tape
from live.words import raw
from quantlib.desk.memory import Desk
from quantlib.desk.policy import Exits, Gates, Limits, Policy, fixed_fraction
from quantlib.strategy import Strategy
from quantlib.table import Table, bars

DAY = 86_400_000_000_000
START = 1_600_041_600_000_000_000  # a midnight
COSTS = Costs(rate=1e-4, spread=2e-4, borrow=0.02)


def scored(rows: int = 40, symbols: tuple[str, ...] = ("AAA", "BBB"), seed: int = 5, missing: float = 0.05) -> Table:
    """Daily bars of several symbols with a made-up score, so that any strategy of scores trades on them."""
    rng = np.random.default_rng(seed)
    count = rows * len(symbols)
    ts = START + np.repeat(np.arange(1, rows + 1), len(symbols)) * DAY
    names = np.tile(np.array(symbols), rows)
    steps = rng.normal(0, 0.02, (rows, len(symbols)))
    close = (100 * np.exp(np.cumsum(steps, axis=0))).ravel().round(2)
    opened_at = (close * (1 + rng.normal(0, 0.005, count))).round(2)
    high = (np.maximum(close, opened_at) * (1 + np.abs(rng.normal(0, 0.01, count)))).round(2)
    low = (np.minimum(close, opened_at) * (1 - np.abs(rng.normal(0, 0.01, count)))).round(2)
    hole = rng.random(count) < missing
    columns = {"open": opened_at, "high": high, "low": low, "close": close}
    columns = {name: np.where(hole, np.nan, column) for name, column in columns.items()}
    score = rng.choice([-1.0, 0.0, 1.0, np.nan], count, p=[0.3, 0.2, 0.4, 0.1])
    here = rng.random(count) < 0.9  # not every symbol has a bar every day
    here[0] = True  # a tape has rows
    frame = pl.DataFrame({"ts": ts, "symbol": names, **columns, "volume": np.full(count, 1e5), "score": score})
    return bars(frame.filter(pl.Series(here)), symbols=symbols)


def scoring(**changes: Any) -> Strategy:
    """A strategy that reads that score: brackets, a cooldown, shorts."""
    policy = Policy(
        short=True, sizing=fixed_fraction(0.03), exits=Exits(stop=0.03, target=0.04, max_rows=6),
        gates=Gates(cooldown_rows=1), limits=Limits(short_share=1.1, losses=0),
    )  # fmt: skip
    return Strategy(policy=policy._replace(**changes), name="scoring")


def played(folder: Path, table: Table | None = None, strategy: Strategy | None = None, **named: Any) -> Summary:
    """A replay of the small tape with a snapshot every ten steps."""
    named = {"costs": COSTS, "every": 10} | named
    return replay(strategy or scoring(), table or scored(), folder, **named)


class End(NamedTuple):
    """What a session has come to, byte for byte."""

    journal: bytes
    broker: bytes
    cash: float
    lots: tuple[int, ...]
    working: tuple[int, ...]
    desk: bytes


def end_of(folder: Path, table: Table | None = None, strategy: Strategy | None = None, costs: Costs = COSTS) -> End:
    """Open a session once more, which reconciles it, and look at both sides."""
    table, one = table or scored(), strategy or scoring()
    runner = opened(folder, config_of(folder, one, table, costs=costs), one, Tape(table))
    try:
        standing = runner.broker.standing()
        return End(
            (folder / "journal").read_bytes(), (folder / "broker" / "broker.journal").read_bytes(), standing.cash,
            tuple(standing.lots.tolist()), tuple(standing.working["id"].tolist()), believed(runner.state.desk),
        )  # fmt: skip
    finally:
        runner.close()


def believed(desk: Desk) -> bytes:
    """All that a desk remembers, but for slots of orders that have ended."""
    return raw(desk.account) + raw(desk.holdings) + raw(working(desk))


class Killed(BaseException):
    """The process died here; nothing catches it."""


@contextmanager
def dying(monkeypatch: Any, at: int, half: bool = False) -> Iterator[list[int]]:
    """While inside, the `at`-th call that changes a file raises `Killed` instead, or after half of its write."""
    count = [0]

    def patched(name: str, real: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            count[0] += 1
            if count[0] == at:
                if name == "write" and half:
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise Killed(f"{name}, call {at}")
            return real(*args, **named)

        return call

    with monkeypatch.context() as patch:
        for name in ("write", "fsync", "replace"):
            patch.setattr(os, name, patched(name, getattr(os, name)))
        yield count
