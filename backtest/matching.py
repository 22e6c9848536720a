"""Matching at bar fidelity.

What a bar does to working orders, pessimistic where the bar is silent about its path:

1. An order takes part in a bar only if it had reached the exchange when the bar began (`Costs.latency`).
2. At the open: market orders fill; stops that the open has passed fill there (a gap fills at the open, not at the
   stop); limits that the open has passed fill at the open, which is better than their price.
3. Inside the bar, stops first: a stop fills at its price once high or low reach it.
4. Then limits: a limit fills at its price once low or high reach it (or trade `through_ticks` beyond it).
   So a bar that holds both the stop and the target of a position fills the stop.
5. Bracket legs come to life with the fill of their entry and see the rest of that bar.  After an entry at the open that
   is the whole bar.  After an entry inside the bar the stop is taken as hit if the bar reaches it at all, the target
   only if the close lies beyond it.
6. One leg filled cancels the other and what is left of the entry.  Orders that only reduce are cut to the position, and
   end with it.
7. DAY orders die after the UTC day in which they first took part.
8. With `Costs.through_ticks` "the open has passed" and "reach" ask for so many ticks beyond the limit, at the open too.
"""

from math import floor, inf

from backtest.exchange import NEVER, answer, charge_borrow, end_order
from backtest.filling import trade
from quantlib.desk.memory import NOT_REDUCING
from quantlib.desk.messages import (
    CANCELED,
    CANCELLED,
    CANCELLING,
    DAY,
    EXPIRE,
    EXPIRED,
    LIMIT,
    MARKET,
    PARTIAL,
    REJECTED,
    REPLACED,
    STEADY,
    STOP,
    STOP_LEG,
    STOP_LIMIT,
    TARGET_LEG,
)
from quantlib.desk.orders import sweep
from quantlib.desk.policy import DAY_NS
from quantlib.jit import block


@block
def awake(book, costs, ts, high, low):
    """False where every order rests and this bar reaches none (a missing bar reaches none): nothing can happen."""
    if book.lots < 0 and costs.borrow > 0.0:
        return True
    if book.head == 0:
        return False
    return book.settled == 0 or high >= book.up or low <= book.down or ts > book.expires


@block
def match_bar(x, s, ts, begins, open, high, low, close, volume):
    """One bar against the orders of one symbol, by the rules above."""
    costs, book, orders = x.costs[0], x.books[s], x.orders
    if book.lots < 0 and costs.borrow > 0.0:
        charge_borrow(x, s, ts, close)
    unit, per_tick = x.instruments[s].unit, x.instruments[s].per_tick
    book.depth = inf
    if costs.participation > 0.0 and volume == volume:
        book.depth = floor(costs.participation * volume / x.instruments[s].lot)
    slip = costs.spread / 2.0 * open + costs.range_share * (high - low)
    through = costs.through_ticks
    k = book.head
    while k != 0:  # answers to changes, then the open
        o = orders[k]
        if arrive(x, o, ts, begins):
            at_open = o.order == MARKET
            if o.order == STOP or o.order == STOP_LIMIT:
                if o.triggered == 0 and (open - o.stop_price) * o.side >= 0.0:
                    o.triggered = 1
                at_open = o.triggered != 0 and o.order == STOP
            if at_open:
                trade(x, s, k, ts, open, slip, unit, per_tick, 0)
            elif (o.order == LIMIT or o.triggered != 0) and (edge(o, through, per_tick) - open) * o.side >= 0.0:
                trade(x, s, k, ts, open, 0.0, unit, per_tick, 0)
        k = o.next
    k = book.head
    while k != 0:  # stops inside the bar
        o = orders[k]
        if takes_part(o, begins) and o.triggered == 0 and (o.order == STOP or o.order == STOP_LIMIT):
            reach = high if o.side > 0 else low
            if (reach - o.stop_price) * o.side >= 0.0:
                o.triggered = 1
                if o.order == STOP:
                    trade(x, s, k, ts, o.stop_price, slip, unit, per_tick, 1)
                elif (o.limit_price - o.stop_price) * o.side >= 0.0:
                    trade(x, s, k, ts, o.stop_price, 0.0, unit, per_tick, 1)
                elif (edge(o, through, per_tick) - close) * o.side >= 0.0:
                    trade(x, s, k, ts, o.limit_price, 0.0, unit, per_tick, 1)
                else:
                    o.triggered = 2  # rests as a limit from the next bar on
        k = o.next
    k = book.head
    while k != 0:  # limits inside the bar
        o = orders[k]
        if takes_part(o, begins) and (o.order == LIMIT or o.triggered == 1):
            reach = low if o.side > 0 else high
            if (edge(o, through, per_tick) - reach) * o.side >= 0.0:
                trade(x, s, k, ts, o.limit_price, 0.0, unit, per_tick, 1)
        k = o.next
    born_inside(x, s, ts, low, high, close, slip, unit, per_tick)
    sweep(orders, x.state[0], book)
    settle(x, s, through, per_tick)


@block
def edge(o, through, per_tick):
    """The price that the market must reach for a limit to fill: its own, or so many ticks beyond it."""
    return o.limit_price if through == 0 else (o.limit - o.side * through) / per_tick


@block
def arrive(x, o, ts, begins):
    """Apply what has reached the exchange when the bar began; True if the order takes part in the bar."""
    if o.status > PARTIAL or o.active > begins:
        return False
    if o.expires != 0 and ts > o.expires:
        end_order(x, o, ts, EXPIRED, EXPIRE, 0)
        return False
    if o.change != STEADY and o.change_active <= begins:
        if o.change == CANCELLING:
            end_order(x, o, ts, CANCELLED, CANCELED, 0)
            return False
        per_tick = x.instruments[o.symbol].per_tick
        o.change = STEADY
        if o.new_lots <= o.filled:
            answer(x, o, ts, REJECTED, NOT_REDUCING)
        else:
            o.lots, o.limit, o.stop = o.new_lots, o.new_limit, o.new_stop
            o.limit_price, o.stop_price = o.limit / per_tick, o.stop / per_tick
            answer(x, o, ts, REPLACED, 0)
    if o.wait > 0:
        o.wait -= 1
        if o.wait > 0:
            return False
    if o.tif == DAY and o.expires == 0:
        o.expires = ((ts - 1) // DAY_NS + 1) * DAY_NS
    if o.triggered == 2:
        o.triggered = 1
    return True


@block
def takes_part(o, begins):
    return o.status <= PARTIAL and o.active <= begins and o.wait == 0 and o.inside == 0


@block
def born_inside(x, s, ts, low, high, close, slip, unit, per_tick):
    """Legs of entries filled inside this bar: the stop if the bar reaches it, the target if the close is beyond."""
    k = x.books[s].head
    while k != 0:
        o = x.orders[k]
        reached = low <= o.stop_price if o.side < 0 else high >= o.stop_price
        if reached and o.inside != 0 and o.status <= PARTIAL and o.leg == STOP_LEG:
            o.triggered = 1
            trade(x, s, k, ts, o.stop_price, slip, unit, per_tick, 1)
        k = o.next
    k = x.books[s].head
    while k != 0:
        o = x.orders[k]
        if o.inside != 0 and o.status <= PARTIAL:
            if o.leg == TARGET_LEG and (close - o.limit_price) * -o.side >= 0.0:
                trade(x, s, k, ts, o.limit_price, 0.0, unit, per_tick, 1)
            o.inside = 0
        k = o.next


@block
def settle(x, s, through, per_tick):
    """Know the prices between which no resting order of this symbol can do anything."""
    book = x.books[s]
    book.up, book.down, book.settled, book.expires = inf, -inf, 1, NEVER
    k = book.head
    while k != 0:
        o = x.orders[k]
        if o.order == MARKET or o.change != STEADY or o.wait > 0 or o.triggered != 0:
            book.settled = 0
        if o.tif == DAY:
            if o.expires == 0:
                book.settled = 0
            else:
                book.expires = min(book.expires, o.expires)
        if o.order == LIMIT:
            if o.side > 0:
                book.down = max(book.down, edge(o, through, per_tick))
            else:
                book.up = min(book.up, edge(o, through, per_tick))
        elif o.side > 0:
            book.up = min(book.up, o.stop_price)
        else:
            book.down = max(book.down, o.stop_price)
        k = o.next
