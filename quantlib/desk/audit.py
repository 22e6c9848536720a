"""The desk checked against itself: everything that it counts as it goes, counted again slowly from its order table.

    audit(desk)                     rules that its memory breaks, none if all is well
    breaches(desk, commands)        limits that commands just given reach, all working entries counted
    booked(fills, orders)           rules that fills and ended orders break
    moved(before, after)            forbidden steps of order life cycles between two moments

Pure numpy, slow and obvious: for tests, for a restart, and for whoever doubts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.desk.memory import ACTIVE, MODES, Desk
from quantlib.desk.messages import (
    CANCEL,
    CANCELED,
    ENTRY,
    EXIT,
    EXPIRE,
    FILLED,
    PARTIAL,
    REJECT,
    SENT,
    STATUSES,
    SUBMIT,
    WORKING,
)

TOLERANCE = 1e-9  # of the money that was ever in play
STEPS = {
    SENT: {SENT, WORKING, PARTIAL, FILLED, CANCELED, REJECT, EXPIRE},
    WORKING: {WORKING, PARTIAL, FILLED, CANCELED, EXPIRE},
    PARTIAL: {PARTIAL, FILLED, CANCELED, EXPIRE},
}


def audit(desk: Desk, cash: float | None = None) -> list[str]:
    """Rules that the desk's memory breaks, each as a sentence; an empty list if it holds together.

    Args:
        desk: as a whole event left it.
        cash: what it began with, quote currency; given, profit and loss must explain the equity too.

    Money is compared to 1e-9 of the largest of cash, equity and everything ever traded.
    """
    chains, broken = _chains(desk)
    if broken:
        return broken  # a broken table can be counted no further
    return _counters(desk, chains) + _money(desk, chains) + _profit(desk, cash)


def live_orders(desk: Desk) -> NDArray[Any]:
    """Orders that work, symbol by symbol in the order of their arrival."""
    chains, _ = _chains(desk)
    slots = [k for chain in chains for k in chain]
    return desk.orders[np.array(slots, np.int64)]


def _chains(desk: Desk) -> tuple[list[list[int]], list[str]]:
    """Slots of each symbol's orders, and what is wrong with the chains."""
    broken, seen = [], {0}
    chains: list[list[int]] = []
    for s, head in enumerate([*desk.holdings["head"], desk.account["free"][0]]):
        chain, k = [], int(head)
        while k != 0:
            if k in seen or not 0 < k < desk.orders.size:
                return chains, [f"slot {k} is in two chains, or in none"]
            seen.add(k)
            chain.append(k)
            if s < desk.holdings.size:
                broken += _slot(desk, s, k)
            k = int(desk.orders["next"][k])
        chains.append(chain)
    if len(seen) != desk.orders.size:
        broken.append(f"{desk.orders.size - len(seen)} slots are in no chain")
    free = chains.pop()
    ids = [int(desk.orders["id"][k]) for chain in chains for k in chain]
    if len(set(ids)) != len(ids):
        broken.append(f"an order id works twice: {sorted(ids)}")
    if len(free) < 3 and not broken:
        broken.append(f"only {len(free)} slots are free")
    return chains, broken


def _slot(desk: Desk, s: int, k: int) -> list[str]:
    o = desk.orders[k]
    rules = [
        (o["symbol"] == s, f"is of symbol {o['symbol']}, chained to {s}"),
        (o["status"] in (SENT, WORKING, PARTIAL), f"has status {STATUSES.get(int(o['status']), o['status'])}"),
        (0 <= o["filled"] < o["lots"], f"filled {o['filled']} of {o['lots']}"),
        (o["side"] in (-1, 1), f"has side {o['side']}"),
        ((o["filled"] > 0) == (o["status"] == PARTIAL), f"filled {o['filled']} with status {o['status']}"),
        (o["reserved"] >= 0 and (o["reserved"] > 0) == (o["leg"] == ENTRY), f"reserves {o['reserved']}"),
    ]
    return [f"order {o['id']} {says}" for holds, says in rules if not holds]


def _counters(desk: Desk, chains: list[list[int]]) -> list[str]:
    """What is counted as orders come and go."""
    broken, busy = [], 0
    for s, chain in enumerate(chains):
        orders, holding = desk.orders[chain], desk.holdings[s]
        for name, leg in (("entries", ENTRY), ("exits", EXIT)):
            count = int((orders["leg"] == leg).sum())
            if holding[name] != count:
                broken.append(f"symbol {s} counts {holding[name]} {name}, has {count}")
        busy += bool(holding["lots"] != 0 or (orders["leg"] == ENTRY).any())
    if desk.account["busy"][0] != busy:
        broken.append(f"the account counts {desk.account['busy'][0]} busy symbols, has {busy}")
    return broken


def _money(desk: Desk, chains: list[list[int]]) -> list[str]:
    """Cash, exposures and reservations."""
    account, holdings = desk.account[0], desk.holdings
    slack = TOLERANCE * _scale(desk)
    mark = np.where(np.isnan(holdings["mark"]), 0.0, holdings["mark"])
    value = np.where(np.isnan(holdings["mark"]), holdings["value"], holdings["lots"] * desk.instruments["unit"] * mark)
    live = desk.orders[[k for chain in chains for k in chain]]
    entries = live[live["leg"] == ENTRY]
    rules = [
        ("equity", account["equity"], account["cash"] + value.sum()),
        ("long", account["long"], value[value > 0].sum()),
        ("short", account["short"], -value[value < 0].sum()),
        ("pending_long", account["pending_long"], entries["reserved"][entries["side"] > 0].sum()),
        ("pending_short", account["pending_short"], entries["reserved"][entries["side"] < 0].sum()),
    ]
    broken = [f"{name} is {got}, counted again {want}" for name, got, want in rules if not abs(got - want) <= slack]
    for s in np.flatnonzero(~(np.abs(holdings["value"] - value) <= slack)):
        broken.append(f"symbol {s} is valued {holdings['value'][s]}, lots at the mark are {value[s]}")
    for s in np.flatnonzero((holdings["lots"] == 0) != (holdings["average"] == 0.0)):
        broken.append(f"symbol {s} holds {holdings['lots'][s]} lots at an average of {holdings['average'][s]}")
    return broken


def _profit(desk: Desk, cash: float | None) -> list[str]:
    """realised + unrealised - fees - carry = equity - start."""
    if cash is None:
        return []
    account, holdings = desk.account[0], desk.holdings
    open_cost = holdings["lots"] * desk.instruments["unit"] * holdings["average"]
    unrealised = (holdings["value"] - open_cost).sum()
    explained = account["realised"] + unrealised - account["fees"] - account["carry"]
    earned = account["equity"] - cash
    if abs(explained - earned) <= TOLERANCE * max(_scale(desk), cash):
        return []
    return [f"equity moved by {earned}, profit and costs explain {explained}"]


def _scale(desk: Desk) -> float:
    account = desk.account[0]
    return float(max(abs(account["cash"]), abs(account["equity"]), account["traded"], 1.0))


def breaches(desk: Desk, commands: NDArray[Any]) -> list[str]:
    """Limits that these commands reach, and modes in which they should not be.

    Args:
        desk: right after it decided, before time passes: prices move and limits with them.
        commands: (commands,) `COMMAND` records of this moment, `desk.commands[: desk.account["commands"][0]]`.
    """
    opening = commands[(commands["leg"] == ENTRY) & (commands["kind"] != CANCEL)]
    if not opening.size:
        return []
    policy, account, live = desk.policy[0], desk.account[0], live_orders(desk)
    entries, equity = live[live["leg"] == ENTRY], account["equity"]
    notional = np.abs(desk.holdings["value"])
    np.add.at(notional, entries["symbol"], entries["reserved"])
    gross, room = notional.sum(), 1.0 + TOLERANCE
    short = account["short"] + entries["reserved"][entries["side"] < 0].sum()
    rules = [
        (account["mode"] == ACTIVE, f"an entry while {MODES[int(account['mode'])]}"),
        (account["breached"] == 0, "an entry after the daily drawdown"),
        (equity > 0, f"an entry with an equity of {equity}"),
        (gross < policy["limits_gross"] * equity * room, f"a gross of {gross} with equity {equity}"),
        (account["trades_today"] <= policy["limits_trades"], f"{account['trades_today']} trades in a day"),
        ((notional > 0).sum() <= policy["limits_positions"], f"{(notional > 0).sum()} positions"),
        (
            not (opening["side"] < 0).any() or short < policy["limits_short_share"] * gross * room,
            f"shorts of {short} in a gross of {gross}",
        ),
    ]
    broken = [says for holds, says in rules if not holds]
    for c in opening:
        o = entries[entries["id"] == c["id"]][0]
        size = notional[c["symbol"]]
        if not size < policy["limits_position"] * equity * room:
            broken.append(f"order {c['id']} makes a position of {size} with equity {equity}")
        fraction = o["stop_fraction"] if o["stop_fraction"] > 0 else policy["limits_stopless_move"]
        if c["kind"] == SUBMIT and not o["reserved"] * fraction < policy["limits_trade_risk"] * equity * room:
            broken.append(f"order {c['id']} risks {o['reserved'] * fraction} with equity {equity}")
    return broken


def booked(fills: NDArray[Any], orders: NDArray[Any]) -> list[str]:
    """Every fill answers an order, no order has more fills than lots, positions add up.

    Args:
        fills: (fills,) `FILLED_ROW` records in the order of booking, from the first on.
        orders: (orders,) `ORDER` records, ended and working.
    """
    broken = []
    lots = {int(o["id"]): 0 for o in orders}
    position: dict[int, int] = {}
    for f in fills:
        name, s = int(f["id"]), int(f["symbol"])
        if name not in lots:
            broken.append(f"a fill answers order {name}, which is none")
            continue
        lots[name] += int(f["lots"])
        position[s] = position.get(s, 0) + int(f["side"]) * int(f["lots"])
        if position[s] != f["position"]:
            broken.append(f"a fill of order {name} leaves {f['position']} lots, counted again {position[s]}")
    filled = dict.fromkeys(lots, 0)
    for o in orders:
        filled[int(o["id"])] += int(o["filled"])
        if not 0 <= o["filled"] <= o["lots"]:
            broken.append(f"order {o['id']} filled {o['filled']} of {o['lots']}")
        if (o["status"] == FILLED) != (o["filled"] == o["lots"]):
            broken.append(f"order {o['id']} is {STATUSES[int(o['status'])]} with {o['filled']} of {o['lots']} filled")
    return broken + [f"order {n} filled {filled[n]}, its fills are {lots[n]}" for n in lots if lots[n] != filled[n]]


def moved(before: NDArray[Any], after: NDArray[Any]) -> list[str]:
    """Forbidden steps between two moments' orders (working and ended ones), told by id."""
    was = {int(o["id"]): o for o in before}
    broken = []
    for o in after:
        old = was.get(int(o["id"]))
        if old is None:
            continue
        if int(o["status"]) not in STEPS.get(int(old["status"]), {int(old["status"])}):
            broken.append(f"order {o['id']} went from {STATUSES[int(old['status'])]} to {STATUSES[int(o['status'])]}")
        if o["filled"] < old["filled"]:
            broken.append(f"order {o['id']} had {old['filled']} filled, then {o['filled']}")
    return broken
