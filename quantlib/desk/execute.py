"""Execution: decisions become commands, and every command leaves an order in the desk's own table."""

from quantlib.desk.gates import closed_gate
from quantlib.desk.memory import (
    ACTIVE,
    BAD_PRICE,
    CANCELS,
    CROSSES_ZERO,
    HALTED,
    IS_HALTED,
    IS_REDUCING,
    LEAVE,
    LONG,
    NO_EQUITY,
    NO_REASON,
    NO_VALUE,
    NOT_REDUCING,
    NOTHING,
    ORDERED,
    REPLACES,
    SHORT,
    TABLE_FULL,
    TOO_SMALL,
    UNKNOWN_ORDER,
)
from quantlib.desk.messages import (
    CANCEL,
    CANCELLING,
    DAY,
    ENTRY,
    EXIT,
    GTC,
    LIMIT,
    MARKET,
    PARTIAL,
    REPLACE,
    REPLACING,
    STEADY,
    STOP,
    STOP_LIMIT,
    SUBMIT,
)
from quantlib.desk.orders import find, insert, leg_ticks, nearest_tick
from quantlib.desk.risk import breach, has_room
from quantlib.desk.sizing import sized_lots
from quantlib.jit import block, kernel

MOST = 9e15  # beyond it a float64 no longer counts ticks or lots
LARGEST_TARGET = 1e6  # fraction of the price; what is further away is a mistake


@block
def submit(desk, s, ts, side, lots, limit, stop, stop_fraction, target_fraction, leg, tif, group, price):
    """Command an order; limit and stop are ticks, 0 for none; `price` values an entry until it fills."""
    account = desk.account[0]
    holding = desk.holdings[s]
    c = desk.commands[account.commands]
    account.commands += 1
    c.ts = ts
    c.kind = SUBMIT
    c.id = account.next_id
    account.next_id += 3  # the two after it are the legs'
    c.group = group
    c.lots = lots
    c.limit = limit
    c.stop = stop
    c.stop_fraction = stop_fraction
    c.target_fraction = target_fraction
    c.stop_leg = c.target_leg = 0
    c.symbol = s
    c.side = side
    c.order = MARKET if limit == 0 and stop == 0 else LIMIT if stop == 0 else STOP if limit == 0 else STOP_LIMIT
    c.tif = tif
    c.leg = leg
    c.reduce = 0 if leg == ENTRY else 1
    k = insert(desk.orders, account, holding, c, ts)
    if leg == ENTRY:
        if holding.lots == 0 and holding.entries == 0:
            account.busy += 1
        holding.entries += 1
        holding.traded_side = side
        account.trades_today += 1
        reserve(account, desk.orders[k], lots * desk.instruments[s].unit * price)
    else:
        holding.exits += 1
    return c.id


@kernel
def amend(desk, s, k, ts, kind, lots, limit, stop):
    """Command a cancel, or a replacement of lots, limit and stop, of the order in slot k."""
    account = desk.account[0]
    o = desk.orders[k]
    o.change = CANCELLING if kind == CANCEL else REPLACING
    c = desk.commands[account.commands]
    account.commands += 1
    c.ts = ts
    c.kind = kind
    c.id = o.id
    c.group = o.group
    c.lots = lots
    c.limit = limit
    c.stop = stop
    c.stop_fraction = 0.0
    c.target_fraction = 0.0
    c.stop_leg = c.target_leg = 0
    c.symbol = s
    c.side = o.side
    c.order = o.order
    c.tif = o.tif
    c.leg = o.leg
    c.reduce = o.reduce


@kernel
def cancel_all(desk, s, ts, entries_only):
    """Cancel this symbol's working orders; how many."""
    count = 0
    k = desk.holdings[s].head
    while k != 0:
        o = desk.orders[k]
        if o.status <= PARTIAL and o.change != CANCELLING and (o.leg == ENTRY or not entries_only):
            amend(desk, s, k, ts, CANCEL, 0, 0, 0)
            count += 1
        k = o.next
    return count


@block
def asked_ticks(price, per_tick):
    """Ticks of a wished price; 0 where none is wished, -1 where no order could carry it."""
    if price == 0.0:
        return 0
    if not (price > 0.0 and price * per_tick < MOST):
        return -1
    ticks = nearest_tick(price, per_tick)
    return ticks if ticks > 0 else -1


@block
def asked_lots(lots):
    """Wished lots, whole; -1 where they are no number that an order could carry."""
    return int(lots) if lots > 0.0 and lots < MOST else -1


@kernel
def enter(desk, s, ts, close, side, wish, volatility, distance):
    """Open on a side: gates, size, risk, then one command with its bracket.  A decision code, or minus a reason."""
    policy, account, holding = desk.policy[0], desk.account[0], desk.holdings[s]
    reason = closed_gate(policy, account, holding, side, ts)
    if reason != NO_REASON:
        return -reason
    if not close > 0.0:
        return -NO_VALUE
    if not (wish.stop_fraction >= 0.0 and wish.target_fraction >= 0.0):
        return -NO_VALUE
    unit, per_tick = desk.instruments[s].unit, desk.instruments[s].per_tick
    stop_fraction = wish.stop_fraction if wish.stop_fraction > 0.0 else policy.stop
    target_fraction = wish.target_fraction if wish.target_fraction > 0.0 else policy.target
    if policy.stop_distances > 0.0 or policy.target_distances > 0.0:
        if not distance > 0.0:
            return -NO_VALUE
        if stop_fraction == 0.0:
            stop_fraction = policy.stop_distances * distance / close
        if target_fraction == 0.0:
            target_fraction = policy.target_distances * distance / close
    if stop_fraction >= 1.0 or not target_fraction < (1.0 if side < 0 else LARGEST_TARGET):
        return -BAD_PRICE
    limit, stop = asked_ticks(wish.limit, per_tick), asked_ticks(wish.stop, per_tick)
    if limit == 0 and policy.limit_ticks > 0:
        limit = nearest_tick(close, per_tick) - side * policy.limit_ticks
        limit = limit if limit > 0 else -1
    if limit < 0 or stop < 0:
        return -BAD_PRICE
    price = max(close, max(limit, stop) / per_tick)
    if wish.lots != 0.0:
        lots = asked_lots(wish.lots)
    else:
        lots = sized_lots(policy, account.equity, price, unit, stop_fraction * price, volatility)
    if lots < 1:
        return -TOO_SMALL if lots == 0 else -NO_VALUE if account.equity > 0.0 else -NO_EQUITY
    reason = breach(policy, account, holding, desk.orders, side, lots, price, unit, stop_fraction * price)
    if reason != NO_REASON:
        return -reason
    tif = GTC if policy.gtc != 0 or wish.gtc != 0 else DAY
    submit(desk, s, ts, side, lots, limit, stop, stop_fraction, target_fraction, ENTRY, tif, 0, price)
    if policy.anchored != 0:
        anchor(desk, s, limit / per_tick if limit > 0 else stop / per_tick if stop > 0 else close)
    return LONG if side > 0 else SHORT


@kernel
def anchor(desk, s, price):
    """Fix the legs of the entry just commanded at their fractions of a price that is known now."""
    account, per_tick = desk.account[0], desk.instruments[s].per_tick
    c = desk.commands[account.commands - 1]
    o = desk.orders[find(desk.orders, desk.holdings[s], c.id)]
    if c.stop_fraction > 0.0:
        c.stop_leg = o.stop_leg = leg_ticks(price, -c.side * c.stop_fraction, per_tick)
    if c.target_fraction > 0.0:
        c.target_leg = o.target_leg = leg_ticks(price, c.side * c.target_fraction, per_tick)


@kernel
def leave(desk, s, ts):
    """Close the position at the market: cancel what works on the symbol, then one reducing order."""
    holding = desk.holdings[s]
    if holding.lots == 0 or (holding.exits > 0 and _market_exit_works(desk, s)):
        return NOTHING
    if desk.account[0].mode == HALTED:
        return -IS_HALTED
    if desk.account[0].free == 0:
        return -TABLE_FULL
    cancel_all(desk, s, ts, False)
    side = -1 if holding.lots > 0 else 1
    submit(desk, s, ts, side, abs(holding.lots), 0, 0, 0.0, 0.0, EXIT, GTC, 0, 0.0)
    return LEAVE


@kernel
def place(desk, s, ts, close, wish, volatility, distance):
    """A user's own order: an entry with its own prices, or a reducing order beside the bracket."""
    holding = desk.holdings[s]
    side = 1 if wish.side > 0 else -1
    lots = asked_lots(wish.lots)
    if lots < 1:
        return -TOO_SMALL if lots == 0 else -NO_VALUE
    if wish.reduce == 0 and holding.lots * side >= 0:
        code = enter(desk, s, ts, close, side, wish, volatility, distance)
        return ORDERED if code > 0 else code
    if desk.account[0].mode == HALTED:
        return -IS_HALTED
    if holding.lots * side >= 0:
        return -NOT_REDUCING
    if lots > abs(holding.lots):
        return -CROSSES_ZERO
    if not has_room(desk.orders, desk.account[0], 1):
        return -TABLE_FULL
    per_tick = desk.instruments[s].per_tick
    limit, stop = asked_ticks(wish.limit, per_tick), asked_ticks(wish.stop, per_tick)
    if limit < 0 or stop < 0:
        return -BAD_PRICE
    tif = GTC if wish.gtc != 0 else DAY
    submit(desk, s, ts, side, lots, limit, stop, 0.0, 0.0, EXIT, tif, -abs(wish.group), 0.0)
    return ORDERED


@kernel
def change(desk, s, ts, wish):
    """Cancel one order or all of a symbol's (id 0), or replace one; growing an entry is an entry and is checked."""
    if wish.action == CANCELS and wish.id == 0:
        return CANCELS if cancel_all(desk, s, ts, False) > 0 else NOTHING
    k = find(desk.orders, desk.holdings[s], wish.id)
    if k == 0 or desk.orders[k].change != STEADY:
        return -UNKNOWN_ORDER
    if wish.action == CANCELS:
        amend(desk, s, k, ts, CANCEL, 0, 0, 0)
        return CANCELS
    o = desk.orders[k]
    per_tick, unit = desk.instruments[s].per_tick, desk.instruments[s].unit
    limit = asked_ticks(wish.limit, per_tick) if wish.limit != 0.0 and o.limit != 0 else o.limit
    stop = asked_ticks(wish.stop, per_tick) if wish.stop != 0.0 and o.stop != 0 else o.stop
    if limit < 0 or stop < 0:
        return -BAD_PRICE
    lots = asked_lots(wish.lots) if wish.lots != 0.0 else o.lots
    if lots <= o.filled:
        return -TOO_SMALL
    if o.leg == ENTRY:
        code = _regrown(desk, s, o, lots, max(desk.holdings[s].mark, max(limit, stop) / per_tick), unit)
        if code != NO_REASON:
            return -code
    amend(desk, s, k, ts, REPLACE, lots, limit, stop)
    return REPLACES


@kernel
def _regrown(desk, s, o, lots, price, unit):
    """Check a replaced entry as if it were a new one; until the answer, the dearer of the two is reserved."""
    policy, account, holding = desk.policy[0], desk.account[0], desk.holdings[s]
    if account.mode != ACTIVE:
        return IS_HALTED if account.mode == HALTED else IS_REDUCING
    before = o.reserved
    reserve(account, o, 0.0)
    account.trades_today -= 1
    left = lots - o.filled
    reason = breach(policy, account, holding, desk.orders, o.side, left, price, unit, o.stop_fraction * price)
    account.trades_today += 1
    reserve(account, o, before if reason != NO_REASON else max(before, left * unit * price))
    return reason


@block
def reserve(account, o, notional):
    """Set what a working entry may still cost."""
    if o.side > 0:
        account.pending_long += notional - o.reserved
    else:
        account.pending_short += notional - o.reserved
    o.reserved = notional


@block
def _market_exit_works(desk, s):
    k = desk.holdings[s].head
    while k != 0:
        o = desk.orders[k]
        if o.leg == EXIT and o.order == MARKET and o.status <= PARTIAL:
            return True
        k = o.next
    return False
