"""Desk and exchange driven step by step from Python, as the live runner drives them, with memory carried as bytes.

A machine is the few functions that do the work, so that a planted bug is another machine.
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from desk_worlds import INSTRUMENTS, World

from backtest import exchange, loop
from backtest.engine import Record, chunks, market_rows, operator_events, reads
from quantlib.desk import decide, memory, turn
from quantlib.desk.consult import own

REAL = SimpleNamespace(
    match_rows=loop.match_rows, turned=turn.turned, conclude=loop.conclude, operate=decide.operate,
    dressed=lambda parts: parts,
)  # fmt: skip


class Moment(NamedTuple):
    """What a step left: the desk, the exchange, commands as they were given, and where we are."""

    desk: Any
    venue: Any
    commands: Any
    orders: Any  # working and ended so far
    kept: Record
    end: int


def undressed(part: Any) -> Any:
    """The same memory as a plain array of plain records."""
    return part.view(np.dtype((np.void, part.dtype)), np.ndarray) if isinstance(part, np.recarray) else part


def opened(world: World) -> tuple[Any, Any]:
    """A desk and an exchange before the first row."""
    table = world.table
    desk = memory.opened(world.policy, table.symbols, world.cash, INSTRUMENTS.get(world.kind))
    return desk, exchange.opened(table.symbols, desk.instruments, world.costs)


def walk(
    world: World, machine: Any = REAL, columns: Any = None, carry: Callable[[Any, Any], Any] | None = None
) -> Iterator[Moment]:
    """Step through a world's timestamps; between steps `carry(desk, venue)` may put others in their place."""
    columns = columns or world.table.columns
    desk, venue = (machine.dressed(part) for part in opened(world))
    strategy = world.strategy
    rows = market_rows(strategy, columns)
    events = operator_events(world.operator)
    kept, done = Record(rows.ts.size), 0
    decide = machine.dressed(own(strategy.decide, reads(strategy.decide, columns) if strategy.decide else None))
    for group, (begin, end) in enumerate(chunks(rows.ts, 1)):
        while done < events.ts.size and events.ts[done] <= rows.ts[begin]:
            machine.operate(desk, events.ts[done], events.action[done])
            done += 1
        machine.match_rows(venue, rows, begin, end)
        part = rows._replace(**{n: c[begin:end] for n, c in rows._asdict().items() if c.size})
        here = decide.room._replace(reads=decide.room.reads[begin:end])
        count = venue.state["reports"][0]
        machine.turned(desk, part, venue.reports, count, decide.choose, here, kept.decision[begin:end])
        venue.state["reports"] = 0
        commands = np.array(desk.commands[: desk.account["commands"][0]])
        out = kept.out(0, rows.ts.size)._replace(equity=kept.equity, gross=kept.gross, net=kept.net)
        machine.conclude(desk, venue, out, group, rows.ts[begin])
        kept.groups = group + 1
        plain = memory.Desk(*(undressed(part) for part in desk))
        kept.take(plain)
        orders = kept.all_orders(plain)
        yield Moment(desk, venue, commands, orders, kept, end)
        if carry is not None:
            desk, venue = carry(desk, venue)


def bytes_carried(world: World) -> Callable[[Any, Any], Any]:
    """Carry memory as bytes into a desk and an exchange just opened."""

    def carry(desk: Any, venue: Any) -> Any:
        other, there = opened(world)
        return memory.restored(other, memory.to_bytes(desk)), exchange.restored(there, exchange.to_bytes(venue))

    return carry
