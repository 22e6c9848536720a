"""What a session looks like while it runs: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections import deque
from contextlib import ExitStack
from datetime import UTC, datetime
from math import isfinite, isnan
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from backtest.compiling import heard
from live.figures import FILLS, Figures, Filled, Used, figures, fills_of
from live.runner import Runner
from live.session import Summary
from live.words import Output
from quantlib.formats import money, percent, price

REFRESH = 0.1  # seconds between two pictures
LINES = 10  # progress lines of a whole replay in a plain log
QUIET = 5.0  # seconds after which a plain log speaks anyway
COLOURS = {"ACTIVE": "green", "REDUCING": "yellow", "HALTED": "red"}


class Screen:
    """The live table.  Use as a context manager around `replay(…, observer=screen)`."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._fills: deque[Filled] = deque(maxlen=FILLS)
        self._drawn = self._arrived = self._begun = 0.0
        self._inside = ExitStack()

    def __enter__(self) -> Screen:
        self._live.start()
        self._inside.enter_context(heard(self._compiles))
        return self

    def __exit__(self, *_: object) -> None:
        self._inside.close()
        self._live.stop()

    def began(self, runner: Runner) -> None:
        """Say what start-up had to say."""
        self._begun = self._arrived = time.monotonic()
        for note in runner.notes:
            self.console.print(f"note: {note}", style="yellow", highlight=False)

    def stepped(self, runner: Runner, output: Output) -> None:
        """Draw anew if the last picture is old enough."""
        now = time.monotonic()
        self._arrived = now
        if len(output.fills):
            fills_of(runner, output, self._fills)
        if now - self._drawn >= REFRESH:
            self.draw(runner)

    def waited(self, runner: Runner) -> None:
        """The tape is silent: keep its age right."""
        if time.monotonic() - self._drawn >= REFRESH:
            self.draw(runner)

    def _compiles(self, name: str) -> None:
        self._live.update(Text(f"compiling, once: {name.strip('_')}", style="dim"), refresh=True)

    def draw(self, runner: Runner) -> None:
        """Draw the session as it is now."""
        self._drawn = now = time.monotonic()
        rate = (runner.state.step - runner.resumed) / max(now - self._begun, 1e-9)
        self._live.update(picture(runner, figures(runner), self._fills, now - self._arrived, rate), refresh=True)


class Log:
    """Plain lines for files and pipes."""

    def __init__(self, console: Console, each_fill: bool = False) -> None:
        self.console, self.each_fill = console, each_fill
        self._said = 0.0
        self._tenth = -1

    def began(self, runner: Runner) -> None:
        """Say what is run, and what start-up had to say."""
        c = runner.config
        length = f", {runner.steps} timestamps" if runner.steps else ""
        self._line(f"session {runner.folder}: {c.title} on {', '.join(c.symbols)}{length}")
        for note in runner.notes:
            self._line(f"note: {note}")
        if runner.resumed:
            self._line(f"going on after step {runner.resumed}")
        self._said = time.monotonic()

    def stepped(self, runner: Runner, output: Output) -> None:
        """A line every tenth of the tape or few seconds, and on request for each fill."""
        if self.each_fill and len(output.fills):
            kept: deque[Filled] = deque()
            fills_of(runner, output, kept)
            for f in kept:
                self._line(f"{_when(f.ts)}  fill {f.side} {f.lots} {f.symbol} at {price(f.price)} ({f.leg})")
        tenth = runner.state.step * LINES // runner.steps if runner.steps else self._tenth
        if tenth != self._tenth or time.monotonic() - self._said > QUIET:
            self._tenth, self._said = tenth, time.monotonic()
            self._line(line(figures(runner)))

    def _line(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True, markup=False)


def line(f: Figures) -> str:
    """A session in one line."""
    return (
        f"{_when(f.ts)}  {f.step}/{f.steps}  {f.mode.lower()}  equity {money(f.equity)}"
        f"  day {money(f.day, signed=True)}  drawdown {percent(f.drawdown)}  positions {len(f.positions)}"
        f"  orders {len(f.orders)}  fills {f.fills}"
    )


def picture(runner: Runner, f: Figures, fills: deque[Filled], age: float, rate: float) -> RenderableType:
    """The whole table."""
    left = Group(_account(f), _limits(f.limits), _refusals(f))
    right = Group(_positions(f), _orders(f), _fills(fills))
    body = Table.grid(padding=(0, 1), expand=True)
    body.add_column(ratio=2)
    body.add_column(ratio=3)
    body.add_row(left, right)
    return Group(_head(runner, f, age, rate), body)


def closing(s: Summary, again: str = "goes on") -> RenderableType:
    """What a session has come to, in a few lines; `again` is what the same command does after a stop."""
    profit = s.equity - s.cash
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    state = "stopped" if s.stopped else "complete"
    grid.add_row("session", f"{s.folder}  ({s.title}, {state}, {s.mode})")
    taken = s.steps - s.resumed
    rate = f", {taken / s.seconds:,.0f} a second" if taken and s.seconds > 0 else ""
    grid.add_row("steps", f"{s.steps:,} of {s.of:,}, {taken:,} in this run{rate}; {s.rows:,} decisions")
    grid.add_row("orders", f"{s.commands:,} commands, {s.fills:,} fills")
    gain = percent(profit / s.cash, signed=True)
    grid.add_row("equity", f"{money(s.equity)}  ({money(profit, signed=True)}, {gain}; drawdown {percent(s.drawdown)})")
    if s.refusals:
        grid.add_row("refused", ", ".join(f"{reason} {count:,}" for reason, count in list(s.refusals.items())[:5]))
    again = again if s.stopped else "compares it with its backtest"
    command = "the same command again, for" if s.stopped else "python -m live parity"
    grid.add_row("next", f"{command} {s.folder}  {again}")
    return grid


def _head(runner: Runner, f: Figures, age: float, rate: float) -> Panel:
    grid = Table.grid(expand=True, padding=(0, 2))
    for justify in ("left", "left", "center", "right", "right"):
        grid.add_column(justify=justify, no_wrap=True)
    grid.add_row(
        Text(_when(f.ts), style="bold"), Text(f.mode, style=f"bold {COLOURS[f.mode]}"),
        ProgressBar(f.steps, f.step, width=30), f"{f.step:,}/{f.steps:,}", f"{rate:,.0f}/s  feed age {age:.1f} s",
    )  # fmt: skip
    title = f"[bold]{runner.config.title}[/] on {', '.join(runner.config.symbols[:6])}"
    return Panel(grid, title=title, title_align="left", border_style=COLOURS[f.mode])


def _account(f: Figures) -> Panel:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    grid.add_column(justify="right")
    total = f.equity - f.begun
    grid.add_row("equity", Text(money(f.equity), style="bold"), _signed(total, percent(total / f.begun, signed=True)))
    grid.add_row("day", _signed(f.day), _signed(f.day, percent(f.day / f.equity, signed=True)))
    grid.add_row("drawdown", percent(f.drawdown), "")
    grid.add_row("cash", money(f.cash), "")
    grid.add_row("long / short", money(f.long), money(f.short))
    grid.add_row("commands / fills", f"{f.commands:,}", f"{f.fills:,}")
    return Panel(grid, title="account", title_align="left", border_style="dim")


def _limits(limits: list[Used]) -> Panel:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True, style="dim")
    grid.add_column(ratio=1)
    for used in limits:
        colour = "red" if used.share >= 0.9 else "yellow" if used.share >= 0.6 else "green"
        bar = ProgressBar(1.0, used.share, complete_style=colour, finished_style="red")
        grid.add_row(used.name, _amount(used, used.now), _amount(used, used.limit), bar)
    return Panel(grid, title="limits used", title_align="left", border_style="dim")


def _refusals(f: Figures) -> Panel:
    grid = _grid("reason", "count")
    for reason, count in f.refusals[:5]:
        grid.add_row(reason, f"{count:,}")
    return Panel(grid if f.refusals else _none(), title="refusals", title_align="left", border_style="dim")


def _positions(f: Figures) -> Panel:
    table = _grid("symbol", "lots", "average", "mark", "value", "profit")
    for p in f.positions[:8]:
        table.add_row(p.symbol, f"{p.lots:,}", price(p.average), price(p.mark), money(p.value), _signed(p.profit))
    if len(f.positions) > 8:
        table.add_row(f"+ {len(f.positions) - 8} more")
    return Panel(table if f.positions else _none(), title="positions", title_align="left", border_style="dim")


def _orders(f: Figures) -> Panel:
    table = _grid("symbol", "id", "side", "kind", "lots", "limit", "stop", "for")
    for o in f.orders[:8]:
        table.add_row(
            o.symbol, str(o.id), o.side, o.kind.replace("_", " "), f"{o.lots:,}", _maybe(o.limit), _maybe(o.stop), o.leg
        )  # fmt: skip
    if len(f.orders) > 8:
        table.add_row(f"+ {len(f.orders) - 8} more")
    return Panel(table if f.orders else _none(), title="working orders", title_align="left", border_style="dim")


def _fills(fills: deque[Filled]) -> Panel:
    table = _grid("symbol", "when", "side", "lots", "price", "for", "realised")
    for f in reversed(fills):
        realised: Any = _signed(f.realised) if f.realised else ""
        table.add_row(f.symbol, _when(f.ts), f.side, f"{f.lots:,}", price(f.price), f.leg, realised)
    return Panel(table if fills else _none(), title="last fills", title_align="left", border_style="dim")


def _grid(first: str, *others: str) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _none() -> Columns:
    return Columns([Text("none", style="dim")])


def _signed(value: float, text: str | None = None) -> Text:
    style = "green" if value > 0 else "red" if value < 0 else "dim"
    return Text(money(value, signed=True) if text is None else text, style=style)


def _amount(used: Used, value: float) -> str:
    if not isfinite(value) or value >= 2**31:
        return "off"
    return percent(value) if used.fraction else f"{value:,.0f}"


def _maybe(value: float) -> str:
    return "" if isnan(value) else price(value)


def _when(ts: int) -> str:
    return datetime.fromtimestamp(ts // 10**9, UTC).strftime("%Y-%m-%d %H:%M")
