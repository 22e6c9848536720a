"""The laws of the desk, each a function of a world and of the machine that runs it."""

from typing import Any

import numpy as np
from desk_machine import REAL, bytes_carried, walk
from desk_worlds import INSTRUMENTS, World

import backtest
from backtest.result import Result
from quantlib.desk.audit import audit, booked, breaches, moved
from quantlib.desk.messages import COMMAND, FILLED_ROW
from quantlib.table import Table


class LawBroken(AssertionError):
    """Which law, and how."""


def hold(law: str, broken: list[str], where: Any = "") -> None:
    """Raise unless nothing is broken."""
    if broken:
        raise LawBroken(f"{law}{f' at row {where}' if where else ''}: {'; '.join(broken[:4])}")


def run(world: World, chunk: int = 32_768, table: Table | None = None, **changes: Any) -> Result:
    """The backtest of a world."""
    strategy = world.strategy._replace(**changes)
    instruments = INSTRUMENTS.get(world.kind)
    return backtest.run(
        strategy, table or world.table, cash=world.cash, costs=world.costs, instruments=instruments,
        events=world.operator, chunk=chunk,
    )  # fmt: skip


def account(world: World, machine: Any = REAL) -> None:
    """Money, counters, life cycles and limits after every event."""
    before = None
    moment = None
    for moment in walk(world, machine):
        desk, venue = moment.desk, moment.venue
        hold("account", audit(desk, world.cash), moment.end)
        hold("limits", breaches(desk, moment.commands), moment.end)
        if (venue.books["lots"] != desk.holdings["lots"]).any():
            hold("account", [f"desk holds {desk.holdings['lots']}, exchange {venue.books['lots']}"], moment.end)
        if desk.account["anomalies"][0] or venue.state["lost"][0]:
            hold("account", ["the desk distrusts its own exchange"], moment.end)
        if before is not None:
            hold("life cycle", moved(before, moment.orders), moment.end)
        before = moment.orders.copy()
    if moment is not None:
        hold("account", booked(moment.kept.all_fills(), moment.orders))


def resume(world: World, cuts: tuple[int, ...], machine: Any = REAL) -> None:
    """Cut anywhere, with memory carried as bytes at every step: not one bit differs."""
    whole = run(world)
    for size in cuts:
        same("resume", whole, run(world, size))
    moments = list(walk(world, machine, carry=bytes_carried(world)))
    last = moments[-1]
    broken = []
    if differs(last.kept.all_fills(), whole.raw_fills):
        broken.append("fills differ when memory is carried as bytes")
    if differs(last.kept.equity[: last.kept.groups], whole.curve):
        broken.append("equity differs when memory is carried as bytes")
    if differs(last.desk.account, whole.desk.account):
        broken.append("the account differs when memory is carried as bytes")
    hold("resume", broken)


def same(law: str, a: Result, b: Result) -> None:
    """Two results, bit for bit."""
    pairs = {
        "fills": (a.raw_fills, b.raw_fills), "orders": (a.raw_orders, b.raw_orders), "equity": (a.curve, b.curve),
        "decisions": (a.decision, b.decision), "account": (a.desk.account, b.desk.account),
        "holdings": (a.desk.holdings, b.desk.holdings),
    }  # fmt: skip
    hold(law, [f"{name} differ" for name, (x, y) in pairs.items() if differs(x, y)])


def differs(a: Any, b: Any) -> bool:
    """Whether one bit of two arrays differs; the gaps between a record's fields hold nothing."""
    if a.shape != b.shape:
        return True
    names = a.dtype.names
    return any(differs(a[n], b[n]) for n in names) if names else a.tobytes() != b.tobytes()


def causality(world: World, row: int, machine: Any = REAL) -> None:
    """Other prices and scores from a row on: commands, fills and equity before its timestamp are the same."""
    table = world.table
    row = int(np.searchsorted(table.columns["ts"], table.columns["ts"][row]))
    other = {name: column.copy() for name, column in table.columns.items()}
    for name in ("open", "high", "low", "close", "away"):
        other[name][row:] *= 1.07
    for name in ("score", "sigma", "volume", "w_action", "w_lots"):
        other[name][row:] = other[name][row:][::-1]
    ends = []
    for columns in (table.columns, other):
        fills, commands, curve = np.empty(0, FILLED_ROW), [np.empty(0, COMMAND)], np.empty(0)
        for moment in walk(world, machine, columns):
            if moment.end > row:
                break
            fills, curve = moment.kept.all_fills(), moment.kept.equity[: moment.kept.groups]
            commands.append(moment.commands)
        ends.append((fills, np.concatenate(commands), curve))
    names = ("fills", "commands", "equity")
    broken = [f"{n} before row {row} differ" for n, a, b in zip(names, *ends, strict=True) if differs(a, b)]
    hold("causality", broken)
    fills_follow_commands(world, machine)


def fills_follow_commands(world: World, machine: Any = REAL) -> None:
    """No order fills at or before the moment at which it was commanded."""
    *_, last = walk(world, machine)
    placed = {int(o["id"]): int(o["placed"]) for o in last.orders if o["group"] <= 0}
    for f in last.kept.all_fills():
        if int(f["id"]) in placed and f["ts"] <= placed[int(f["id"])]:
            hold("causality", [f"order {f['id']} filled at {f['ts']}, commanded at {placed[int(f['id'])]}"])


def silence(world: World) -> None:
    """Rows without prices change nothing for the others."""
    table = world.table
    gone = np.isnan(table.columns["close"])
    for name in ("open", "high", "low"):
        gone |= np.isnan(table.columns[name])
    for name in ("open", "high", "low", "close"):
        table.columns[name][gone] = np.nan
    with_them = run(world, table=table)
    left = {name: column[~gone] for name, column in table.columns.items()}
    without = run(world, table=Table(table.clock, table.symbols, left))
    broken = []
    if differs(with_them.raw_fills, without.raw_fills):
        broken.append("missing rows change fills")
    if differs(with_them.decision[~gone], without.decision) or with_them.decision[gone].any():
        broken.append("missing rows change decisions")
    hold("silence", broken)


def separation(world: World) -> None:
    """Symbols that share no limit trade among others as they trade alone."""
    table = world.table
    together = run(world)
    for code in range(world.symbols):
        mine = table.columns["symbol"] == code
        columns = {name: column[mine] for name, column in table.columns.items()}
        alone = run(world, table=Table(table.clock, table.symbols, columns))
        both = [r.raw_fills[r.raw_fills["symbol"] == code] for r in (together, alone)]
        names = ("ts", "lots", "price", "side", "fee", "realised")
        broken = [f"{n} of fills differ alone" for n in names if differs(both[0][n], both[1][n])]
        if differs(together.decision[mine], alone.decision):
            broken.append("decisions differ alone")
        hold("separation", broken, code)
