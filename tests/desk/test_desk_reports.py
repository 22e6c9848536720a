"""A venue may say anything, in any order: the desk books only what can be true, and stays whole."""

from typing import Any

import numpy as np
from desk_laws import hold
from desk_machine import opened
from desk_worlds import WORLDS, World
from hypothesis import given
from hypothesis import strategies as st

from backtest.engine import Record, chunks, market_rows, reads
from quantlib.desk.audit import audit, booked, breaches, live_orders, moved
from quantlib.desk.consult import own
from quantlib.desk.decide import operate
from quantlib.desk.memory import ACTIVE, FLATTEN, HALTED, REDUCING
from quantlib.desk.messages import (
    ACCEPTED,
    CANCELLED,
    CARRY,
    ENTRY,
    EXPIRED,
    FILL,
    REJECTED,
    REPLACED,
    REPORT,
    STOP_LEG,
    TARGET_LEG,
)
from quantlib.desk.turn import turned

SENSIBLE = (ACCEPTED, ACCEPTED, FILL, FILL, FILL, CANCELLED, EXPIRED, REJECTED, REPLACED)


def said(rng: Any, desk: Any, told: list[Any], ts: int, mad: float) -> np.ndarray[Any, Any]:
    """What a venue says at one moment: about working orders mostly, with probability `mad` anything at all."""
    live = live_orders(desk)
    reports = np.zeros(int(rng.integers(0, 6)), REPORT)
    for place in range(len(reports)):
        r = reports[place]
        if told and rng.random() < mad:
            reports[place] = told[rng.integers(len(told))]
            continue
        r["ts"], r["kind"], r["lots"], r["price"] = ts, rng.choice(SENSIBLE), rng.integers(1, 30), rng.uniform(1, 300)
        r["fee"], r["slippage"] = rng.uniform(-0.1, 1), rng.uniform(0, 1)
        if live.size:
            o = live[rng.integers(live.size)]
            for name in ("id", "group", "symbol", "side", "order", "leg", "limit", "stop"):
                r[name] = o[name]
            if rng.random() > mad:
                r["lots"] = rng.integers(1, o["lots"] - o["filled"] + 1)
                r["lots"] += o["filled"] if r["kind"] == REPLACED else 0
            if o["leg"] == ENTRY and rng.random() < 0.3:
                leg = rng.choice([STOP_LEG, TARGET_LEG])
                r["kind"], r["group"], r["id"], r["leg"] = ACCEPTED, o["id"], o["id"] + leg - 2, leg
                r["side"] = -o["side"]
        if rng.random() < mad:
            name, values = NONSENSE[rng.integers(len(NONSENSE))]
            r[name] = rng.choice(values) if name != "symbol" or r["kind"] != ACCEPTED else 99
        told.append(r.copy())
    return reports


NONSENSE = [
    ("id", [-1, 0, 10**9]), ("symbol", [-1, 99, 0]), ("side", [0, 5, -1]), ("lots", [-5, 0, 10**12]),
    ("price", [np.nan, np.inf, -1.0, 0.0]), ("fee", [np.nan, np.inf, 5.0]), ("kind", [0, 9, -3, CARRY]),
    ("leg", [0, 7, 3]), ("group", [-1, 0, 10**9]), ("slippage", [np.nan]),
]  # fmt: skip


@given(world=WORLDS, seed=st.integers(0, 2**32 - 1), mad=st.sampled_from([0.0, 0.02, 0.3]))
def test_whatever_a_venue_says_the_desk_stays_whole(world: World, seed: int, mad: float):
    rng, (desk, _) = np.random.default_rng(seed), opened(world)
    columns, strategy = world.table.columns, world.strategy
    rows, kept = market_rows(strategy, columns), Record(world.rows)
    decide = own(strategy.decide, reads(strategy.decide, columns) if strategy.decide else None)
    told: list[Any] = []
    before = None
    for begin, end in chunks(rows.ts, 1):
        if rng.random() < 0.1:
            operate(desk, rows.ts[begin], rng.choice([ACTIVE, ACTIVE, REDUCING, HALTED, FLATTEN]))
        part = rows._replace(**{n: c[begin:end] for n, c in rows._asdict().items() if c.size})
        room = decide.room._replace(reads=decide.room.reads[begin:end])
        reports = said(rng, desk, told, int(rows.ts[begin]), mad)
        anomalies = desk.account["anomalies"][0]
        turned(desk, part, reports, len(reports), decide.choose, room, kept.decision[begin:end])
        commands = desk.commands[: desk.account["commands"][0]].copy()
        hold("account", audit(desk, world.cash), begin)
        hold("limits", breaches(desk, commands), begin)
        if desk.account["anomalies"][0] > anomalies:
            assert desk.account["mode"][0] == HALTED
        desk.account["commands"] = 0
        kept.take(desk)
        orders = kept.all_orders(desk)
        if before is not None:
            commanded = orders[orders["group"] <= 0]  # a leg that the venue accepts again is another leg
            hold("life cycle", moved(before, commanded), begin)
        before = orders.copy()
    hold("account", booked(kept.all_fills(), before))
