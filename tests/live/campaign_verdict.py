"""What must be true of a session of the campaign after its end, told by its journal and by the venue itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from live.brokers.orders import id_in
from live.config import Config, recorded
from live.fold import fold
from live.journal import read
from live.parity import check
from live.pulse import felt
from live.reconcile import working
from live.sim.order import Order
from live.sim.venue import Venue
from live.state import State
from live.words import MAGIC, NOTE, OUTPUT, Output, asked_by, note_of, output_of, tickets
from quantlib.desk import memory as desks
from quantlib.desk.audit import audit, booked, breaches, moved
from quantlib.desk.memory import HALTED
from quantlib.desk.messages import ENTRY, REJECTED, SUBMIT
from quantlib.strategy import Strategy
from tests.live.campaign_child import NAME
from tests.live.campaign_plan import CASH

SLACK = 1e-6  # quote currency: sums in another order
GRAVE = frozenset(("late fill", "excess", "missing", "name", "unreadable"))  # the broker's words made no sense


class Told(NamedTuple):
    """What a journal says: its last state, outputs, notes, how often each order was refused something, broken rules."""

    config: Config
    state: State
    outputs: list[Output]
    notes: list[tuple[str, str]]
    refused: Counter[str]
    broken: list[str]


def told(folder: Path, strategy: Strategy) -> Told:
    """Take every recorded step again, the auditor beside it."""
    contents = read(folder / "journal", MAGIC)
    config = recorded(folder / "journal", contents.identity)
    desk = desks.opened(strategy.policy, config.symbols, config.cash, config.instrument_map)
    state = State(strategy, tuple(config.symbols), desk)
    outputs, broken, before = [], [], working(desk).copy()
    refused: Counter[str] = Counter()
    for refolded in fold(state, contents.frames, config):
        output = output_of(refolded.recorded.payload)
        outputs.append(output)
        refused.update(f"{config.name}-{id}" for id in state.heard["id"][state.heard["kind"] == REJECTED])
        after = np.concatenate([working(state.desk), refolded.output.ended])
        found = audit(state.desk, CASH) + breaches(state.desk, output.commands) + moved(before, after)
        broken += [f"step {output.step}: {one}" for one in found]
        before = working(state.desk).copy()
    notes = [note_of(frame.payload) for frame in contents.frames if frame.kind == NOTE]
    return Told(config, state, outputs, [(note.kind, note.text) for note in notes], refused, broken)


def verdict(folder: Path, strategy: Strategy, venue: Venue, broken: bool) -> list[str]:
    """Rules that the session breaks, a sentence each.

    Args:
        broken: whether the broker took executions back or corrected them: then a session that has not halted must hold
            what the broker holds, having heard of no more than the corrected price.
    """
    said = told(folder, strategy)
    found = list(said.broken)
    parity = check(folder, strategy)
    if not parity.holds:
        found.append(f"parity: {parity}")
    ended = [one for output in said.outputs for one in output.ended]
    fills = np.concatenate([output.fills for output in said.outputs]) if said.outputs else np.empty(0)
    if len(fills):
        found += booked(fills, np.array([*ended, *working(said.state.desk)], working(said.state.desk).dtype))
    found += _commanded(said, venue)
    account = said.state.desk.account[0]
    if broken and account["mode"] == HALTED:
        return found
    if account["anomalies"]:
        found.append(f"{account['anomalies']} reports were anomalies")
    found += [f"told of {kind}: {text}" for kind, text in said.notes if kind in GRAVE]
    return found + _executions(fills, venue) + differing(folder, venue) + _standing(said, venue)


def differing(folder: Path, venue: Venue) -> list[str]:
    """What the pulse says otherwise than the venue: lots, cash and the number of working orders."""
    pulse = felt(folder)
    if pulse is None:
        return ["there is no pulse"]
    found = []
    theirs = {one.symbol: one.lots for one in venue.account.holdings if one.lots}
    ours = {one["symbol"]: int(one["lots"]) for one in pulse.positions if one["lots"]}
    if ours != theirs:
        found.append(f"lots: pulse {ours}, venue {theirs}")
    if not abs(pulse.cash - venue.account.cash) <= SLACK:
        found.append(f"cash: pulse {pulse.cash!r}, venue {venue.account.cash!r}")
    ids = sorted(desk_id(one) for one in venue.ledger.working.values() if one.status != "held")
    if sorted(int(one["id"]) for one in pulse.orders) != ids:
        found.append(f"orders: pulse {[one['id'] for one in pulse.orders]}, venue {ids}")
    return found


def desk_id(order: Order) -> int:
    """The id that the desk knows an order of the venue by; 0 if it is none of this session's."""
    own = id_in(order.client_order_id, NAME)
    if own or order.parent is None:
        return own
    return desk_id(order.parent) + (1 if order.stop else 2)


def _standing(said: Told, venue: Venue) -> list[str]:
    desk, found = said.state.desk, []
    lots = [holding.lots for holding in venue.account.holdings]
    if desk.holdings["lots"].tolist() != lots:
        found.append(f"lots: journal {desk.holdings['lots'].tolist()}, venue {lots}")
    if not abs(float(desk.account["cash"][0]) - venue.account.cash) <= SLACK:
        found.append(f"cash: journal {float(desk.account['cash'][0])!r}, venue {venue.account.cash!r}")
    theirs = {
        desk_id(o): (o.code, o.side, o.lots, o.filled, o.limit, o.stop)
        for o in venue.ledger.working.values()
        if o.status != "held"
    }
    fields = ("symbol", "side", "lots", "filled", "limit", "stop")
    ours = {int(o["id"]): tuple(int(o[name]) for name in fields) for o in working(desk)}
    for id in sorted({*ours, *theirs}):
        known = ours.get(id), theirs.get(id)
        if known[0] is None or known[1] is None or _unlike(known[0], known[1]):
            found.append(f"order {id}: journal {known[0]}, venue {known[1]}")
    return found


def _unlike(ours: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    """Whether two sides of an order differ; one sent anew for what is left of it counts only that at the venue."""
    left = (ours[2] - ours[3], theirs[2] - theirs[3])
    return ours[:2] + ours[4:] != theirs[:2] + theirs[4:] or left[0] != left[1]


def _commanded(said: Told, venue: Venue) -> list[str]:
    """Every order of the venue was commanded, under its name, once.

    A cancel may be commanded again while the market's clock stands, once for each time that it was refused.
    """
    names: Counter[str] = Counter()
    for output in said.outputs:
        names.update(tickets(said.config.name, output.commands))
    found = []
    for ticket, count in names.items():
        name, change = asked_by(said.config.name, ticket)
        if count > 1 + (said.refused[name] if change == "cancel" else 0):
            found.append(f"{ticket} was commanded {count} times")
    first: Counter[int] = Counter()
    for order in venue.ledger.orders.values():
        name = order.client_order_id
        if order.parent is not None and not id_in(name, NAME):
            continue  # a leg, which comes with its entry
        if name.removesuffix("-open") not in names:
            found.append(f"{name} is at the venue, and no command asked for it")
        first[desk_id(order)] += not order.replaces and "-open" not in name and "-replace-" not in name
    found += [f"order {id} was accepted {count} times" for id, count in first.items() if count > 1]
    return found


def _executions(fills: Any, venue: Venue) -> list[str]:
    """What the venue executed is what the desk booked: by order and price, to the lot."""
    theirs: Counter[tuple[int, float]] = Counter()
    ours: Counter[tuple[int, float]] = Counter()
    for one in venue.account.executions:
        theirs[desk_id(one.order), one.price] += one.lots
    for fill in fills:
        ours[int(fill["id"]), float(fill["price"])] += int(fill["lots"])
    if ours == theirs:
        return []
    found = []
    for id in sorted({key[0] for key in (ours - theirs) + (theirs - ours)}):
        both = [{price: lots for (name, price), lots in side.items() if name == id} for side in (ours, theirs)]
        if sum(both[0].values()) != sum(both[1].values()) or not _worth_alike(*both):
            found.append(f"fills of order {id}: booked {both[0]}, executed {both[1]}")
    return found


def _worth_alike(ours: dict[float, int], theirs: dict[float, int]) -> bool:
    """Whether lots came to the same money: executions that REST could not list are booked at their average."""
    money = [sum(price * lots for price, lots in side.items()) for side in (ours, theirs)]
    return abs(money[0] - money[1]) <= SLACK


def entries(folder: Path, orders: Iterable[Order]) -> list[str]:
    """Names of those orders that the desk commanded as entries; what the venue calls opening may be a late exit."""
    outputs = [output_of(frame.payload) for frame in read(folder / "journal", MAGIC).frames if frame.kind == OUTPUT]
    named = {
        name
        for output in outputs
        for name, command in zip(tickets(NAME, output.commands), output.commands, strict=True)
        if command["kind"] == SUBMIT and command["leg"] == ENTRY
    }
    return [order.client_order_id for order in orders if order.client_order_id in named]
