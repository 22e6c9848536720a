"""Backtests on the peers' workloads: exact first, timed second, in turns with the peer.

Ours is the whole of `backtest.run` with its features on a table made beforehand; a peer's preparation is left out as
its script leaves it out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import backtest
from benchmarks import workloads
from benchmarks.peers import answer
from benchmarks.row import Row, Skipped, against, row
from benchmarks.timing import Scale, seconds
from benchmarks.workloads import CASH, COSTS, Outcome

VARIANTS = {"vectorbt numba": [], "vectorbt rust": ["--variant", "rust"]}
OTHERS = {
    "backtesting": "peer_backtesting.py",
    "backtrader": "peer_backtrader.py",
    "nautilus2": "peer_nautilus2.py",
}


class Work(NamedTuple):
    """A workload ready to run."""

    letter: str
    length: int  # rows of the file that the peer reads
    bars: int  # rows in all
    simulate: Callable[[], Outcome]
    exact: Outcome
    note: str


class WrongResult(Exception):
    """Fills or equity that differ from the exact reference: its time counts for nothing."""


def work_a(scale: Scale, length: int = 0) -> Work:
    """One symbol, long while the fast mean is above the slow one."""
    table = workloads.one_symbol(length or scale.bars)
    simulate = partial(_one, workloads.hold_above(), table)
    return Work("A", table.rows, table.rows, simulate, workloads.exact_a(table), "one core")


def work_b(scale: Scale) -> Work:
    """One symbol, bought at upward crosses, left at the bracket."""
    table = workloads.one_symbol(scale.bars)
    return Work(
        "B", table.rows, table.rows, partial(_one, workloads.buy_crosses(), table), workloads.exact_b(table), "one core"
    )


def work_c(scale: Scale, workers: int | None = None) -> Work:
    """A for every combination of a grid; profits are summed."""
    table, grid = workloads.one_symbol(scale.each), workloads.combinations(scale.combinations)
    each = [workloads.exact_a(table, f, s) for f in grid["fast"] for s in grid["slow"]]
    exact = Outcome(sum(e.fills for e in each), round(sum(e.equity for e in each) - len(each) * CASH, 2))

    def simulate() -> Outcome:
        found = backtest.sweep(
            workloads.hold_above, grid, table, cash=CASH, costs=COSTS, measure=_measured, workers=workers
        )
        return Outcome(int(found["fills"].sum()), round(float((found["equity"] - CASH).sum()), 2))

    threads = workers or os.cpu_count() or 1
    note = f"{len(each)} combinations, {threads} worker{'s' if threads > 1 else ''}"
    return Work("C", table.rows, table.rows * len(each), simulate, exact, note)


def work_a20(scale: Scale) -> Work:
    """Twenty symbols in one account."""
    table = workloads.twenty_symbols(scale.each)
    simulate = partial(_one, workloads.hold_above(), table)
    return Work("A20", scale.each, table.rows, simulate, workloads.exact_a(table), "one core")


def beside_vectorbt(name: str, make: Callable[[Scale], Work], scale: Scale) -> Row:
    """Bars a second of ours and of the fastest vectorbt variant, measured in turns."""
    work = _proven(name, make(scale))
    ours: list[float] = []
    theirs: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    said: dict[str, str] = {}
    for _ in range(scale.rounds):
        ours += _rates(work, scale)
        for variant, chosen in VARIANTS.items() if scale.peers else ():
            try:
                found = answer("vectorbt", "peer_vectorbt.py", [*_asked(work), "--repeat", str(scale.repeat), *chosen])
            except Skipped as skipped:
                said[variant] = f"{variant} skipped: {skipped}"
                continue
            theirs[variant] += [work.bars / s for s in found["runs_s"]]
            said[variant] = _matched(variant, found)
    mine = row(name, "bars/s", ours, work.note)
    fastest = max(theirs, key=lambda v: sorted(theirs[v])[len(theirs[v]) // 2] if theirs[v] else 0.0)
    if not theirs[fastest]:
        return mine._replace(note="; ".join([work.note, *said.values()]))
    return against(mine, fastest, theirs[fastest], "; ".join(filter(None, said.values())))


def beside(name: str, peer: str, scale: Scale) -> Row:
    """Bars a second of A at the length of one of twenty symbols, ours and another engine's."""
    if not scale.peers:
        raise Skipped("peers are switched off")
    work = _proven(name, work_a(scale, scale.each))
    before = _rates(work, scale)
    found = answer(peer, OTHERS[peer], [*_asked(work), "--repeat", "3"])
    mine = row(name, "bars/s", [*before, *_rates(work, scale)], f"A at {work.bars:,} bars")
    runs = [work.bars / s for s in found["runs_s"]]
    return against(mine, f"{found['engine']} {found['version']}", runs, _matched(peer, found))


def _one(strategy: Any, table: Any) -> Outcome:
    return workloads.outcome(workloads.simulated(strategy, table))


def _measured(result: backtest.Result) -> dict[str, float]:
    fills, equity = workloads.outcome(result)
    return {"fills": fills, "equity": equity}


def _proven(name: str, work: Work) -> Work:
    found = work.simulate()
    if not found.agrees(work.exact, accounts=work.bars // work.length):
        raise WrongResult(f"{name}: {found}, the exact reference says {work.exact}")
    return work


def _rates(work: Work, scale: Scale) -> list[float]:
    return [work.bars / s for s in seconds(work.simulate, scale.repeat)]


def _asked(work: Work) -> list[str]:
    return ["--workload", work.letter, "--bars", str(work.length)]


def _matched(who: str, found: dict[str, Any]) -> str:
    if not found.get("ref") or found["fills"] == found["ref"][0]:
        return ""
    return f"{who} fills {found['fills']:,}, exact is {found['ref'][0]:,}"


WORKS = {"A": work_a, "B": work_b, "C": work_c, "A20": work_a20}
BENCHES: dict[str, Callable[[Scale], Row]] = {
    **{f"backtest.{w}": partial(beside_vectorbt, f"backtest.{w}", make) for w, make in WORKS.items()},
    "backtest.C.one_core": partial(beside_vectorbt, "backtest.C.one_core", partial(work_c, workers=1)),
    **{f"backtest.A.vs_{p}": partial(beside, f"backtest.A.vs_{p}", p) for p in OTHERS},
}
