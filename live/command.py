"""What the words of `python -m live` do."""

from __future__ import annotations

import ast
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from backtest.compiling import announced
from backtest.costs import Costs
from live.asked import refuse_foreign, refuse_repeats, rows_of
from live.config import CASH, COSTS, Config
from live.errors import SessionError
from live.keeping import Keeping, keeping_of
from live.seal import seal_of
from live.session import replay, there
from live.stores.restoring import recovered
from live.tape import cut, instant
from quantlib.core import nearest
from quantlib.table import Table, bars

SESSIONS = Path("sessions")


def replay_bars(asked: Namespace) -> int:
    """Replay bars, or go on with a replay."""
    from live.replaying import Pulsing
    from live.screen import Log, Screen, closing

    console, keeping = Console(), keeping_of(os.environ)
    folder, known = _session(asked, keeping, console)
    source = source_of(asked, known)
    reference = asked.strategy or (known.reference if known else "trend")
    params = pairs("--param", asked.param) if asked.param or asked.strategy or not known else known.params
    cash = asked.cash if asked.cash is not None else known.cash if known else CASH
    costs = _costs(asked.cost, Costs(**known.costs) if known else COSTS)
    table = table_of(source)
    stop = stop_on_signal()
    options: dict[str, Any] = {
        "params": params, "cash": cash, "costs": costs, "speed": asked.speed, "fresh": asked.fresh, "source": source,
        "stop": stop, "instruments": known.instrument_map if known else None, "keeping": keeping,
    }  # fmt: skip
    if console.is_terminal and not asked.plain:
        with Screen(console) as screen:
            pulsing = Pulsing(screen, screen.waited)
            done = replay(reference, table, folder, observer=pulsing, idle=pulsing.waited, **options)
    else:
        pulsing = Pulsing(Log(console, asked.speed > 0))
        with announced():
            done = replay(reference, table, folder, observer=pulsing, idle=pulsing.waited, **options)
    pulsing.beat(now=True)
    console.print(closing(done), highlight=False, soft_wrap=True)
    return 0


def parity(asked: Namespace) -> int:
    """Rerun a session as a backtest; 1 unless nothing differs."""
    from live.parity import check, explained, show, show_parts, wired

    seal, console = seal_of(os.environ), Console()
    if wired(asked.session, seal):
        show_parts(explained(asked.session, seal=seal), console)
    found = check(asked.session, seal=seal)
    show(found, console)
    return 0 if found.holds else 1


def _session(asked: Namespace, keeping: Keeping, console: Console) -> tuple[Path, Config | None]:
    """The session's folder, and what it is if it exists, here or as a copy, and is to go on."""
    name = Path((asked.strategy or "trend").rpartition(":")[0] or (asked.strategy or "trend")).stem
    folder = asked.session or SESSIONS / name
    refuse_foreign(folder)
    if not asked.fresh:
        brought_back(folder, keeping, console)
    return folder, None if asked.fresh else there(folder, keeping.seal)


def brought_back(folder: Path, keeping: Keeping, console: Console) -> None:
    """Let the newest copy of a session take the place of its files, if they are behind, damaged or gone; and say so."""
    for note in recovered(folder, keeping):
        console.print(f"note: {note}", style="yellow", highlight=False, soft_wrap=True, markup=False)


def source_of(asked: Namespace, known: Config | None) -> dict[str, Any]:
    """Where rows come from: as asked, else as the session was begun."""
    given = {
        "input": str(asked.input.resolve()) if asked.input else None, "symbols": asked.symbols,
        "from": asked.begin, "to": asked.end,
    }  # fmt: skip
    before = known.source if known else {}
    return {name: value if value is not None else before.get(name) for name, value in given.items()}


def table_of(source: dict[str, Any]) -> Table:
    if source["input"]:
        from quantlib.data.files import read as read_file

        frame = read_file(source["input"])
    else:
        from quantlib.data.samples import indices

        frame = indices()
    table = bars(rows_of(frame, source["symbols"]), symbols=source["symbols"])
    return cut(table, instant(source["from"]), instant(source["to"]))


def pairs(word: str, texts: list[str]) -> dict[str, Any]:
    """Values by name, as they were given after `word`."""
    found = [_pair(word, text) for text in texts]
    refuse_repeats((name for name, _ in found), word)
    return dict(found)


def _pair(word: str, text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise SessionError(f"{word}: wants name=value, got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _costs(given: list[str], before: Costs) -> Costs:
    changes = pairs("--cost", given)
    for name in changes:
        if name not in Costs._fields:
            raise SessionError(
                f"--cost: there is no cost {name!r}.{nearest(name, Costs._fields)} There are {', '.join(Costs._fields)}"
            )
    return before._replace(**changes)


def stop_on_signal() -> Callable[[], bool]:
    """Asked: whether Ctrl-C or a terminate signal came.  A second Ctrl-C ends at once, which is safe too."""
    came = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True
        sys.stderr.write("stopping after this step\n")

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return lambda: came
