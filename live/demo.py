"""`python -m live.demo`: two indices backtested, swept, replayed and traded through the wire, and compared."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Shown

import backtest
from backtest.ahead import MACHINERY, compile_all
from backtest.costs import Costs
from backtest.parity import Parity
from backtest.result import Result
from live import parity
from live.rehearsal import held_against, rehearse
from live.runner import Runner
from live.session import Summary, replay
from live.tape import cut, instant
from live.trading import Watch as Hooks
from live.words import Output
from quantlib.data.samples import indices
from quantlib.presets import dip, trend
from quantlib.table import Table, bars

COSTS = Costs(rate=1e-4, spread=2e-4, range_share=0.01, borrow=0.01)
STRATEGIES = {"trend": trend(), "dip": dip()}
GRID: dict[str, list[float]] = {
    "fast": [5, 10, 20, 30, 50],
    "slow": [80, 100, 150, 200, 250],
    "stop": [2.0, 3.0, 4.0, 6.0],
}
WIRED, WIRED_FROM = Costs(spread=2e-4, range_share=0.01), "2017-01-01"  # an account without commissions
FOLDER = Path("sessions") / "demo"
PARTS = {"door bar", *MACHINERY, *(f"preset {name}" for name in STRATEGIES)}
NUMBERS = (
    "Total return", "Annual return", "Annual volatility", "Sharpe ratio", "Sortino ratio", "Max drawdown",
    "Closed trades", "Win rate", "Profit factor", "Time in the market", "Cost impact",
)  # fmt: skip
BEST = 5  # combinations of the sweep that are shown

Tell = Callable[[int, int], None]


class Watch(NamedTuple):
    """Tells how far a replay is."""

    tell: Tell

    def began(self, runner: Runner) -> None:
        self.tell(runner.state.step, runner.steps)

    def stepped(self, runner: Runner, output: Output) -> None:
        self.tell(runner.state.step, runner.steps)


def main() -> int:
    """Run the demo; 0 if backtest and replay agree on everything, else 1."""
    console = Console(highlight=False, soft_wrap=True)
    begun = perf_counter()
    _compiled(console)
    rows = _opened(console)
    results = _backtested(console, rows)
    _swept(console, rows)
    found = {name: _replayed(console, name, rows) for name in results}
    wired = [_rehearsed(console, name, rows) for name in results]
    for name, result in results.items():
        path = backtest.tearsheet(result, f"tearsheet-{name}.html", parity=_note(found[name]))
        console.print(f"[bold]tear sheet[/] of {result.title}: {path.resolve()}")
    console.print(f"[dim]all of it in {perf_counter() - begun:.0f} s[/]\n")
    every = [*found.values(), *wired]
    total = Parity([d for one in every for d in one.differences], sum(one.decisions for one in every))
    for one in every:
        if not one.holds:
            parity.show(one, console)
    console.print(str(total))
    return 0 if total.holds else 1


def _opened(console: Console) -> Table:
    rows = bars(indices())
    first, last = (f"{moment:%Y-%m-%d}" for moment in rows.frame()["ts"].gather([0, -1]))
    console.print(f"[bold]S&P 500 and NASDAQ Composite[/], {first} to {last}: {rows.rows:,} daily bars\n")
    return rows


def _compiled(console: Console) -> None:
    """Compile what this demo runs, in two processes."""
    begun = perf_counter()
    console.print()
    with _bar(console, "compiling, once on a machine") as tell:
        for _, done, total in compile_all(PARTS.__contains__):
            tell(done, total)
    console.print(f"[bold]compiled[/], or found compiled, in {perf_counter() - begun:.1f} s")


def _backtested(console: Console, rows: Table) -> dict[str, Result]:
    begun = perf_counter()
    results = {name: backtest.run(strategy, rows, costs=COSTS) for name, strategy in STRATEGIES.items()}
    took = perf_counter() - begun
    texts = [{n: text for _, pairs in r.metrics.table() for n, text in pairs} for r in results.values()]
    shown = Shown("after costs, within limits", box=None, pad_edge=False, header_style="bold")
    for result in results.values():
        shown.add_column(result.title, justify="right")
    for name in NUMBERS:
        shown.add_row(name, *(column[name] for column in texts))
    shown.add_row("Orders refused", *(f"{sum(r.metrics.refusals.values()):,}" for r in results.values()))
    console.print(f"[bold]backtested[/] two strategies in {took * 1e3:.0f} ms\n")
    console.print(shown)
    console.print()
    return results


def _swept(console: Console, rows: Table) -> None:
    begun = perf_counter()
    with _bar(console, "sweeping") as tell:
        found = backtest.sweep(trend, GRID, rows, costs=COSTS, progress=tell)
    took = perf_counter() - begun
    console.print(f"[bold]swept[/] {found.height} variants of trend in {took:.1f} s; those of the best Sharpe ratio:\n")
    shown = Shown(box=None, pad_edge=False, header_style="bold")
    for heading in ("fast", "slow", "stop", "Sharpe", "return", "max drawdown", "trades"):
        shown.add_column(heading, justify="right")
    for row in found.sort("sharpe", descending=True, nulls_last=True).head(BEST).iter_rows(named=True):
        shown.add_row(
            str(row["fast"]), str(row["slow"]), f"{row['stop']:g}", f"{row['sharpe']:.2f}",
            f"{row['total_return']:.1%}", f"{row['max_drawdown']:.1%}", f"{row['trades']:.0f}",
        )  # fmt: skip
    console.print(shown)
    middle = found.select(pl.col("sharpe").median()).item()
    console.print(f"[dim]the middle one has {middle:.2f}: the best of many is lucky as well as good[/]\n")


def _replayed(console: Console, name: str, rows: Table) -> Parity:
    """Replay all days through the live runner, with a stop in the middle, and compare with the backtest."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    half = len(set(rows.columns["ts"].tolist())) // 2
    taken = 0

    def stop() -> bool:
        return taken >= half

    with _bar(console, f"replaying {name}") as tell:

        def count(done: int, total: int) -> None:
            nonlocal taken
            taken = done
            tell(done, total)

        first = replay(name, rows, folder, costs=COSTS, observer=Watch(count), stop=stop)
        last = replay(name, rows, folder, costs=COSTS, observer=Watch(tell))
    found = parity.check(folder)
    console.print(f"[bold]replayed[/] {last.title} through the live runner: {_told(last)}")
    console.print(f"[dim]  in {first.seconds + last.seconds:.1f} s; {_note(found)}[/]")
    return found


def _rehearsed(console: Console, name: str, rows: Table) -> Parity:
    """The last two years once more, through a loopback broker, its websockets and the client that trades."""
    begun = perf_counter()
    last = cut(rows, instant(WIRED_FROM), None)
    folder = FOLDER / f"{name}-wired"
    with _bar(console, f"trading {name} through the wire") as tell:
        watch = Watch(tell)
        done = rehearse(
            STRATEGIES[name], last, folder, cash=1e6, costs=WIRED, watch=Hooks(watch.began, watch.stepped)
        )  # fmt: skip
    found = held_against(folder, backtest.run(STRATEGIES[name], last, cash=1e6, costs=WIRED))
    console.print(
        f"[bold]traded[/] {done.title} through a loopback Alpaca and the real client: {done.steps:,} days, "
        f"{done.fills:,} fills"
    )
    console.print(f"[dim]  in {perf_counter() - begun:.1f} s; {_note(found)}[/]")
    return found


def _told(done: Summary) -> str:
    return f"{done.steps:,} days, {done.fills:,} fills, stopped and restarted at day {done.resumed:,}"


def _note(found: Parity) -> str:
    return f"{len(found.differences)} differences in {found.decisions:,} decisions"


@contextmanager
def _bar(console: Console, title: str) -> Iterator[Tell]:
    """A progress bar that goes away; nothing where the output is no terminal."""
    shown = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


if __name__ == "__main__":
    sys.exit(main())
