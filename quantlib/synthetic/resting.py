"""What rests: lots at each tick of two sides, and what happens to them.  Each is one step of the market's loop.

depth    (2, ticks) int64: lots resting, bids in row 0 and asks in row 1
planted  (2, ticks) int64: how many of them belong to a plan; they stand last in their queue
touch    (2,) int64: the best tick of each side
"""

from quantlib.jit import block, kernel
from quantlib.synthetic.plants import ASK, BID


@block
def place(depth, touch, side, tick, lots):
    """Lots come to rest."""
    depth[side, tick] += lots
    if side == BID:
        touch[BID] = max(touch[BID], tick)
    else:
        touch[ASK] = min(touch[ASK], tick)


@kernel
def withdraw(depth, touch, side, tick, lots):
    """Lots go, and the best price steps back if none is left there."""
    depth[side, tick] -= lots
    step = -1 if side == BID else 1
    while depth[side, touch[side]] == 0 and 0 < touch[side] < depth.shape[1] - 1:
        touch[side] += step


@kernel
def take(depth, planted, touch, side, lots, reach, now, m, tape):
    """A taker's lots against a side, down to `reach` ticks behind its best; what they took.  One trade a price.

    An iceberg whose tip is gone puts the next one at the same price, and the taker goes on into that.
    """
    step = -1 if side == BID else 1
    last = touch[side] + step * reach
    wanted = lots
    while wanted > 0 and step * (last - touch[side]) >= 0:
        tick, done = touch[side], 0
        while wanted > 0 and depth[side, tick] > 0:
            part = min(wanted, depth[side, tick])
            depth[side, tick] -= part
            planted[side, tick] = min(planted[side, tick], depth[side, tick])
            wanted -= part
            done += part
            if depth[side, tick] == 0 and m.iceberg >= 0 and m.iceberg_side == side and m.iceberg_tick == tick:
                tip = min(m.tip, m.reserve)
                m.reserve -= tip
                m.refills += tip > 0
                depth[side, tick] = planted[side, tick] = tip
                m.melted = now if tip == 0 and m.melted < 0 else m.melted
        k = m.trades
        tape.at[k], tape.tick[k], tape.lots[k], tape.aggressor[k] = now, tick, done, 1 if side == ASK else -1
        m.trades += 1
        withdraw(depth, touch, side, tick, 0)
    return lots - wanted


@kernel
def filled(depth, touch, profile):
    """The book before the first event: every tick of both sides holds what its distance asks for."""
    for tick in range(depth.shape[1]):
        side = BID if tick <= touch[BID] else ASK
        away = touch[ASK] - tick if side == BID else tick - touch[BID]
        depth[side, tick] = max(1, int(profile[min(away, profile.size - 1)]))
