"""The table of working orders, used by the desk for its view and by the simulated exchange for its book.

Slots of one array are chained: free ones from `owner.free`, those of a symbol from `head.head` in the order of their
arrival.  Slot 0 is no order.  A slot whose `status` is beyond PARTIAL is dead and waits to be swept.

Life cycle:  SENT -> WORKING -> PARTIAL -> FILLED
             SENT, WORKING, PARTIAL -> CANCELED | EXPIRE;  SENT -> REJECT
"""

from math import ceil, floor

from numpy import rint

from quantlib.desk.messages import PARTIAL, SENT, STEADY
from quantlib.jit import block


@block
def insert(orders, owner, head, ask, ts):
    """A slot for what `ask` (a command, or an order) asks, last among its symbol's; 0 if the table is full."""
    k = owner.free
    if k == 0:
        return 0
    o = orders[k]
    owner.free = o.next
    o.next = 0
    o.id = ask.id
    o.group = ask.group
    o.lots = ask.lots
    o.limit = ask.limit
    o.stop = ask.stop
    o.stop_fraction = ask.stop_fraction
    o.target_fraction = ask.target_fraction
    o.stop_leg = ask.stop_leg
    o.target_leg = ask.target_leg
    o.symbol = ask.symbol
    o.side = ask.side
    o.order = ask.order
    o.tif = ask.tif
    o.leg = ask.leg
    o.reduce = ask.reduce
    o.status = SENT
    o.change = STEADY
    o.reason = 0
    o.filled = 0
    o.paid = 0.0
    o.reserved = 0.0
    o.placed = ts
    o.done = 0
    if head.head == 0:
        head.head = k
    else:
        j = head.head
        while orders[j].next != 0:
            j = orders[j].next
        orders[j].next = k
    return k


@block
def find(orders, head, id):
    """The slot of a live order of this symbol, or 0."""
    k = head.head
    while k != 0:
        if orders[k].id == id and orders[k].status <= PARTIAL:
            return k
        k = orders[k].next
    return 0


@block
def sweep(orders, owner, head):
    """Give the slots of dead orders back."""
    before = 0
    k = head.head
    while k != 0:
        after = orders[k].next
        if orders[k].status > PARTIAL:
            if before == 0:
                head.head = after
            else:
                orders[before].next = after
            orders[k].next = owner.free
            owner.free = k
        else:
            before = k
        k = after


@block
def nearest_tick(price, per_tick):
    """Ticks of the grid price nearest to `price`, ties to even."""
    return int(rint(price * per_tick))


@block
def leg_ticks(price, move, per_tick):
    """Ticks of a bracket leg that stands `move`, a signed fraction, away from a price; at least 1."""
    return max(1, nearest_tick(price * (1.0 + move), per_tick))


@block
def adverse_tick(price, per_tick, side):
    """Ticks of the first price on the grid that is no better than `price` for this side; on the grid it stays."""
    near = nearest_tick(price, per_tick)
    if near / per_tick == price:
        return near
    return int(ceil(price * per_tick)) if side > 0 else int(floor(price * per_tick))
