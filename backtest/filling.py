"""Filling: what a trade at the exchange does to its order, to the position there, and to the orders tied to it."""

from backtest.exchange import FIRST, answer, end_order, rest
from quantlib.desk.memory import NOT_REDUCING
from quantlib.desk.messages import (
    ACCEPTED,
    CANCELED,
    CANCELLED,
    ENTRY,
    FILL,
    FILLED,
    GTC,
    LIMIT,
    PARTIAL,
    REPLACED,
    STOP,
    STOP_LEG,
    TARGET_LEG,
)
from quantlib.desk.orders import adverse_tick, insert, leg_ticks
from quantlib.jit import kernel


@kernel
def trade(x, s, k, ts, price, slip, unit, per_tick, inside):
    """Fill what the position and the bar's volume allow; legs come to life, siblings end."""
    book, costs, o = x.books[s], x.costs[0], x.orders[k]
    lots = o.lots - o.filled
    if o.reduce != 0:
        held = -book.lots * o.side
        if held <= 0:
            end_order(x, o, ts, CANCELLED, CANCELED, NOT_REDUCING)
            return
        lots = min(lots, held)
    if lots > book.depth:
        lots = int(book.depth)
        if lots == 0:
            return
    book.depth -= lots
    paid = price
    if slip > 0.0:
        paid = adverse_tick(price + o.side * slip, per_tick, o.side) / per_tick
        if o.side < 0 and paid <= 0.0:
            paid = 1.0 / per_tick
    notional = lots * unit * paid
    shares = lots * x.instruments[s].lot
    fee = max(costs.minimum, costs.per_share * shares + notional * costs.rate)
    if o.filled == 0:
        fee += costs.per_order
    answer(x, o, ts, FILL, 0)
    r = x.reports[x.state[0].reports - 1]
    r.lots, r.price, r.fee, r.slippage = lots, paid, fee, abs(paid - price) * lots * unit
    was = book.lots
    book.lots += o.side * lots
    if was >= 0 and book.lots < 0:
        book.charged = ts
    o.filled += lots
    o.status = PARTIAL if o.filled < o.lots else FILLED
    if o.leg == ENTRY and (o.stop_fraction > 0.0 or o.target_fraction > 0.0):
        attach(x, s, k, ts, lots, paid, per_tick, inside)
    elif o.group != 0:
        end_siblings(x, s, o, ts, lots)
    if o.reduce != 0 and book.lots == 0:
        end_reducing(x, s, ts)


@kernel
def end_reducing(x, s, ts):
    """The position is closed: orders that could only reduce it end, so that none waits for the next one."""
    j = x.books[s].head
    while j != 0:
        o = x.orders[j]
        if o.reduce != 0 and o.status <= PARTIAL and o.active <= ts:
            end_order(x, o, ts, CANCELLED, CANCELED, NOT_REDUCING)
        j = o.next


@kernel
def end_siblings(x, s, o, ts, lots):
    """One of a group filled: its siblings shrink by as much or end, and the rest of the entry is taken back."""
    j = x.books[s].head
    while j != 0:
        other = x.orders[j]
        if other.id != o.id and other.status <= PARTIAL:
            if other.id == o.group:
                end_order(x, other, ts, CANCELLED, CANCELED, 0)
            elif other.group == o.group:
                if o.status == PARTIAL and other.lots - other.filled > lots:
                    other.lots -= lots
                    answer(x, other, ts, REPLACED, 0)
                else:
                    end_order(x, other, ts, CANCELLED, CANCELED, 0)
        j = other.next


@kernel
def attach(x, s, k, ts, lots, paid, per_tick, inside):
    """Bracket legs for what an entry filled: new ones at their prices, or the first fill's, grown."""
    book, orders, entry = x.books[s], x.orders, x.orders[k]
    grown = False
    j = book.head
    while j != 0:
        leg = orders[j]
        if leg.group == entry.id and leg.status <= PARTIAL:
            leg.lots += lots
            answer(x, leg, ts, REPLACED, 0)
            grown = True
        j = leg.next
    if grown:
        return
    for which in (STOP_LEG, TARGET_LEG):
        fraction = entry.stop_fraction if which == STOP_LEG else entry.target_fraction
        if fraction > 0.0:
            away = -entry.side if which == STOP_LEG else entry.side
            ticks = entry.stop_leg if which == STOP_LEG else entry.target_leg
            if ticks == 0:
                ticks = leg_ticks(paid, away * fraction, per_tick)
            j = insert(orders, x.state[0], book, entry, ts)
            if j == 0:
                x.state[0].lost += 1
                continue
            leg = orders[j]
            leg.id = entry.id + (1 if which == STOP_LEG else 2)
            leg.group = entry.id
            leg.lots = lots
            leg.side = -entry.side
            leg.leg = which
            leg.reduce = 1
            leg.tif = GTC
            leg.stop_fraction = 0.0
            leg.target_fraction = 0.0
            leg.stop_leg = leg.target_leg = 0
            leg.order = STOP if which == STOP_LEG else LIMIT
            leg.stop = ticks if which == STOP_LEG else 0
            leg.limit = 0 if which == STOP_LEG else ticks
            rest(leg, FIRST, 0, per_tick)
            leg.inside = inside  # see `born_inside`
            answer(x, leg, ts, ACCEPTED, 0)
