"""Hearing: what reports of an exchange or broker do to the desk's orders and positions.

Only what can be true is booked.  Anything else is an anomaly, and an anomaly halts the desk.
"""

from math import inf, isfinite

from quantlib.desk.execute import reserve
from quantlib.desk.gates import begin_day, count_trip
from quantlib.desk.memory import HALTED
from quantlib.desk.messages import (
    ACCEPTED,
    CANCELED,
    CANCELLED,
    CARRY,
    ENTRY,
    EXIT,
    EXPIRE,
    EXPIRED,
    FILL,
    FILLED,
    PARTIAL,
    REJECT,
    REJECTED,
    REPLACED,
    REPLACING,
    SENT,
    STEADY,
    STOP_LEG,
    TARGET_LEG,
    WORKING,
)
from quantlib.desk.orders import find, insert, sweep
from quantlib.desk.portfolio import book, charge
from quantlib.jit import block, kernel


@block
def hear_all(desk, ts, reports, count):
    """Time passes, and reports are booked in their order."""
    account = desk.account[0]
    account.ts = ts
    if ts > account.day_end:
        begin_day(desk.policy[0], account, ts)
    for i in range(count):
        hear(desk, reports[i])


@block
def hear(desk, r):
    """Book one report.  A report that answers no order of ours is an anomaly, and anomalies halt the desk."""
    account = desk.account[0]
    if r.symbol < 0 or r.symbol >= desk.holdings.size:
        _distrust(account)
        return
    holding = desk.holdings[r.symbol]
    if r.kind == CARRY and isfinite(r.fee):
        charge(account, holding, r.fee)
        return
    k = find(desk.orders, holding, r.id)
    if k == 0:
        if r.kind == ACCEPTED and is_leg(account, r):
            _adopt_leg(desk, r)
        elif r.kind != REJECTED and r.kind != CANCELLED and r.kind != EXPIRED:
            _distrust(account)
        return  # a late answer to a cancel is no anomaly: the order had ended
    o = desk.orders[k]
    if not makes_sense(o, r):
        _distrust(account)
    elif r.kind == FILL:
        _book_fill(desk, o, r)
    elif r.kind == ACCEPTED:
        if o.status == SENT:
            o.status = WORKING
    elif r.kind == REPLACED or (r.kind == REJECTED and o.status != SENT):
        _settle_change(desk, o, r)
    else:
        status = CANCELED if r.kind == CANCELLED else EXPIRE if r.kind == EXPIRED else REJECT
        finish(desk, o, r.ts, status, r.reason)
    if o.status > PARTIAL:
        sweep(desk.orders, account, holding)


@block
def is_leg(account, r):
    """Whether an order that we did not command is a bracket leg of an entry that we did."""
    ours = r.group > 0 and r.group < account.next_id and r.lots > 0 and (r.side == 1 or r.side == -1)
    return ours and ((r.leg == STOP_LEG and r.id == r.group + 1) or (r.leg == TARGET_LEG and r.id == r.group + 2))


@block
def makes_sense(o, r):
    """Whether a report can be true of the order that it names; what cannot is never booked."""
    if r.kind == FILL:
        sums = r.price > 0.0 and r.price < inf and isfinite(r.fee) and isfinite(r.slippage)
        return sums and r.side == o.side and r.lots > 0 and r.lots <= o.lots - o.filled
    if r.kind == REPLACED:
        return r.lots > o.filled
    return r.kind >= ACCEPTED and r.kind <= EXPIRED


@block
def _settle_change(desk, o, r):
    """A replacement was done, or a cancel or replacement was refused: the order works on."""
    if r.kind == REPLACED:
        o.lots, o.limit, o.stop = r.lots, r.limit, r.stop
    if r.kind == REJECTED or o.change == REPLACING:
        o.change = STEADY
    if o.leg == ENTRY:
        per_tick, unit = desk.instruments[o.symbol].per_tick, desk.instruments[o.symbol].unit
        price = max(desk.holdings[o.symbol].mark, max(o.limit, o.stop) / per_tick)
        reserve(desk.account[0], o, (o.lots - o.filled) * unit * price)


@block
def finish(desk, o, ts, status, reason):
    """An order's end: counters, reservation, and a copy for the record."""
    account, holding = desk.account[0], desk.holdings[o.symbol]
    o.status, o.reason, o.done, o.change = status, reason, ts, STEADY
    if o.leg == ENTRY:
        reserve(account, o, 0.0)
        holding.entries -= 1
        if holding.lots == 0 and holding.entries == 0:
            _release(account)
    elif o.leg == EXIT:
        holding.exits -= 1
    if account.finished < desk.finished.size:
        desk.finished[account.finished] = o
        account.finished += 1
    else:
        _distrust(account)  # its owner took the log too late


@block
def _book_fill(desk, o, r):
    account, holding = desk.account[0], desk.holdings[o.symbol]
    before = holding.lots
    if before == 0 and holding.entries == 0:
        account.busy += 1
    realised = book(account, holding, desk.instruments[o.symbol].unit, r.side, r.lots, r.price, r.fee)
    account.slippage += r.slippage
    if account.fills < desk.fills.size:
        row = desk.fills[account.fills]
        account.fills += 1
        row.ts, row.id, row.lots, row.position = r.ts, r.id, r.lots, holding.lots
        row.price, row.fee, row.slippage, row.realised = r.price, r.fee, r.slippage, realised
        row.symbol, row.side, row.leg = o.symbol, r.side, o.leg
    else:
        _distrust(account)
    left = o.lots - o.filled
    if o.leg == ENTRY and o.change != REPLACING:  # what is being replaced stays reserved until the answer
        reserve(account, o, o.reserved * (left - r.lots) / left if r.lots < left else 0.0)
    o.filled += r.lots
    o.paid += r.lots * r.price
    o.status = PARTIAL
    if holding.lots == 0:
        count_trip(desk.policy[0], account, holding)
        if holding.entries == 0:
            _release(account)
    if o.filled >= o.lots:
        finish(desk, o, r.ts, FILLED, 0)


@kernel
def _adopt_leg(desk, r):
    """The venue attached a bracket leg to an entry of ours."""
    account, holding = desk.account[0], desk.holdings[r.symbol]
    k = insert(desk.orders, account, holding, _ask_of(desk, r), r.ts)
    if k == 0:
        _distrust(account)
    else:
        desk.orders[k].status = WORKING


@kernel
def _ask_of(desk, r):
    ask = desk.orders[0]  # slot 0 is no order, so it can carry a leg's words to its slot
    ask.id, ask.group, ask.lots, ask.limit, ask.stop = r.id, r.group, r.lots, r.limit, r.stop
    ask.stop_fraction, ask.target_fraction, ask.stop_leg, ask.target_leg = 0.0, 0.0, 0, 0
    ask.symbol, ask.side, ask.order, ask.tif, ask.leg, ask.reduce = r.symbol, r.side, r.order, 2, r.leg, 1
    return ask


@block
def _release(account):
    account.busy -= 1
    if account.busy == 0:  # flat: what rounding left in the sums goes
        account.long = account.short = account.pending_long = account.pending_short = 0.0
        account.equity = account.cash


@kernel
def _distrust(account):
    account.anomalies += 1
    account.mode = HALTED
