"""`python -m live parity SESSION`: a recorded session rerun, every difference shown, and where its profit parted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table as Shown

from backtest.costs import Costs
from backtest.parity import Difference, Parity, Recorded, compare, decision, record_differences
from live.attribution import Attribution, attribution
from live.config import Config, recorded
from live.errors import Corrupted, SessionError
from live.fold import fold
from live.journal import Contents, read
from live.lock import is_held
from live.operator import CODES, MACHINES
from live.references import strategy_of
from live.seal import Seal
from live.state import State
from live.words import INPUT, MAGIC, OPERATOR, OUTPUT, Input, Output, action_of, columns_of, input_of, output_of
from quantlib.desk import memory as desks
from quantlib.desk.messages import COMMAND, FILLED_ROW, ORDER
from quantlib.formats import money
from quantlib.schema import moment
from quantlib.strategy import Strategy
from quantlib.table import Table

SHOWN = 10  # differences told in full


def check(folder: str | Path, strategy: Strategy | None = None, seal: Seal | None = None) -> Parity:
    """Rerun a session as a backtest and compare every decision, command, report, fill, order and the equity.

    Args:
        folder: of the session; it may still be running.
        strategy: of a session that was given a Strategy as a value, or to compare with another one.
        seal: of a sealed session.

    Raises:
        LiveError: if there is no session, or its journal cannot be trusted.
    """
    config, contents = _session(Path(folder), seal)
    one = strategy or _strategy(config)
    found = _rerun(config, one, contents) if _rerunnable(config, contents) else retraced(config, one, contents)
    if not found.decisions:
        return found
    if one.identity != config.identity:
        ours, theirs = f"{config.title} {config.identity[:8]}", f"{one.name} {one.identity[:8]}"
        changed = Difference("strategy", 0, "", ours, theirs)
        found = found._replace(differences=[changed, *found.differences])
    return found


def explained(folder: str | Path, strategy: Strategy | None = None, seal: Seal | None = None) -> Attribution:
    """What parted a session's profit from the backtest's: data, fills, latency, fees, orders.

    Args:
        folder, strategy, seal: as in `check`.

    Raises:
        LiveError: if there is no session, or its journal cannot be trusted.
    """
    config, contents = _session(Path(folder), seal)
    return attribution(config, strategy or _strategy(config), contents.frames)


def wired(folder: str | Path, seal: Seal | None = None) -> bool:
    """Whether a session traded with a real broker, so that its profit may have parted from the backtest's."""
    return _session(Path(folder), seal)[0].wired


def retraced(config: Config, strategy: Strategy, contents: Contents) -> Parity:
    """Take a session again on the rows and reports that are written down: one with a real broker, say.

    What the backtest would have made of the rows alone is `live.attribution`.
    """
    desk = desks.opened(strategy.policy, config.symbols, config.cash, config.instrument_map)
    state = State(strategy, tuple(config.symbols), desk)
    found: list[Difference] = []
    decisions = 0
    for half, output, frame in fold(state, contents.frames, config):
        recorded, ts = output_of(frame.payload), state.last_ts
        decisions += len(output.decision)
        for k in np.flatnonzero(recorded.decision != output.decision):
            symbol = config.symbols[half.rows["symbol"][k]] if isinstance(half, Input) else ""
            found.append(
                Difference("decision", ts, symbol, decision(recorded.decision[k]), decision(output.decision[k]))
            )
        for kind, ours, theirs in (
            ("command", recorded.commands, output.commands), ("fill", recorded.fills, output.fills),
            ("order", recorded.ended, output.ended),
        ):  # fmt: skip
            found += record_differences(kind, ours, theirs, config.symbols)
        if (recorded.equity, recorded.gross, recorded.net) != (output.equity, output.gross, output.net):
            found.append(Difference("equity", ts, "", repr(recorded.equity), repr(output.equity)))
    return Parity(found, decisions)


def _session(folder: Path, seal: Seal | None) -> tuple[Config, Contents]:
    path = folder / "journal"
    if not path.exists():
        raise SessionError(f"parity: there is no session in {folder}")
    contents = read(path, MAGIC, seal=seal)
    if contents.torn and not is_held(folder):
        raise Corrupted(
            f"parity: {path} ends in {contents.torn} bytes of a frame that is not whole, so steps may be missing; "
            f"start the session once, which mends what a crash left, and compare then"
        )
    return recorded(path, contents.identity), contents


def _rerunnable(config: Config, contents: Contents) -> bool:
    """Whether a backtest can be all that the session was: its venue is simulated, and a person said all words."""
    acts = [action_of(frame.payload) for frame in contents.frames if frame.kind == OPERATOR]
    return not config.wired and all(act.word in CODES and act.who not in MACHINES for act in acts)


def _rerun(config: Config, strategy: Strategy, contents: Contents) -> Parity:
    said = told(config, contents)
    if not len(said.decision):
        return Parity([], 0)
    return compare(strategy, said, config.cash, Costs(**config.costs), config.instrument_map)


def told(config: Config, contents: Contents) -> Recorded:
    """What the frames of a session say, of all steps that were finished."""
    steps: list[tuple[Input, Output]] = []
    events, waiting = [], []
    half: Input | None = None
    for frame in contents.frames:
        if frame.kind == OPERATOR:
            action = action_of(frame.payload)
            waiting.append((action.ts, action.word))
        elif frame.kind == INPUT:
            half = input_of(frame.payload, config.layout)
        elif frame.kind == OUTPUT and half is not None:
            steps.append((half, output_of(frame.payload)))
            events += waiting
            half, waiting = None, []
    outputs = [output for _, output in steps]
    rows = np.concatenate([np.empty(0, config.layout), *(said.rows for said, _ in steps)])
    return Recorded(
        Table("bar", tuple(config.symbols), columns_of(rows)),
        np.concatenate([np.empty(0, np.int8), *(o.decision for o in outputs)]),
        np.array([o.equity for o in outputs]),
        [np.concatenate([np.empty(0, COMMAND), o.commands]) for o in outputs],
        [said.reports for said, _ in steps],
        np.concatenate([np.empty(0, FILLED_ROW), *(o.fills for o in outputs)]),
        np.concatenate([np.empty(0, ORDER), *(o.ended for o in outputs)]),
        events,
    )


def show_parts(found: Attribution, console: Console) -> None:
    """Print where a session's profit parted from the backtest's."""
    shown = Shown("where profit parted from the backtest", "", box=None, pad_edge=False)
    shown.add_row("expected, on corrected data", money(found.ideal))
    for name, value in found.parts.items():
        shown.add_row(name, money(value, signed=True))
    shown.add_row("actual", money(found.actual))
    shown.add_row("orders filled in both, in one", f"{found.matched:,}, {found.single:,}")
    console.print(shown)


def show(found: Parity, console: Console) -> None:
    """Print the differences, the first few in full; the last line says how many there are."""
    if found.differences:
        table = Shown("kind", "when", "symbol", "recorded", "expected", title="differences", title_justify="left")
        for d in found.differences[:SHOWN]:
            table.add_row(d.kind, moment(d.ts), d.symbol, d.recorded, d.expected)
        console.print(table)
        if len(found.differences) > SHOWN:
            console.print(f"… and {len(found.differences) - SHOWN} more")
        console.print("  ".join(f"{kind}: {count}" for kind, count in found.counts.items()))
    console.print(str(found), highlight=False, soft_wrap=True)


def _strategy(config: Config) -> Strategy:
    if not config.reference:
        raise SessionError("parity: the session was given its strategy as a value; give it again: check(folder, it)")
    return strategy_of(config.reference, config.params)
