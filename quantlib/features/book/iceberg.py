"""Hidden liquidity: more is taken at a price than was shown there, and the price holds."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.extremes import extremes


class Refilled(NamedTuple):
    n: int  # rows looked back on
    refills: int  # how often a price must have been refilled
    multiple: float  # of what was shown on average: what must have come back


TAKEN = ("price", "taken", "shown", "hidden")  # of each row that took from a side and left its best price where it was


@block
def refill(p, m, now, price, size, total):
    """(executed, refills, shown, hidden, whether it is an iceberg, whether it was) at the best price, after a row.

    All are of the last n rows that took from this price and left it the best, this row included, "was" without it;
    zeros if this row is none of them.  The side remembers the row.
    """
    taken = max(total - m.last_total, 0.0)
    gone = m.last_size - size
    held = price == m.last_price
    shown = m.last_size
    m.last_price, m.last_size, m.last_total = price, size, total
    executed = showed = hidden = 0.0
    refills = count = 0
    if not (held and taken > 0.0):
        return executed, 0.0, showed, hidden, False, False
    mask = m.price.size - 1
    k = m.count & mask
    m.row[k], m.price[k], m.taken[k], m.shown[k], m.hidden[k] = now, price, taken, shown, max(taken - gone, 0.0)
    m.count += 1
    for j in range(m.count - 1, max(m.count - p.n, 0) - 1, -1):
        k = j & mask
        if m.row[k] <= now - p.n:
            break
        if m.price[k] == price:
            executed += m.taken[k]
            showed += m.shown[k]
            hidden += m.hidden[k]
            refills += m.hidden[k] > 0.0
            count += 1
    showed /= count
    came = m.hidden[(m.count - 1) & mask]
    is_one = refills >= p.refills and hidden >= p.multiple * showed
    was_one = refills - (came > 0.0) >= p.refills and hidden - came >= p.multiple * showed
    return executed, float(refills), showed, hidden, is_one, was_one


@kernel
def _hidden_liquidity(
    p, memory, symbol, bid, bid_size, ask, ask_size, bought, sold,
    event, side, price, executed, displayed, refills, hidden,
):  # fmt: skip
    for i in range(bid.size):
        event[i] = side[i] = price[i] = executed[i] = displayed[i] = refills[i] = hidden[i] = nan
        if isnan(bid[i] + bid_size[i] + ask[i] + ask_size[i] + bought[i] + sold[i]):
            continue
        m = memory[symbol[i]]
        b = refill(p, m.bid, m.seen, bid[i], bid_size[i], sold[i])
        a = refill(p, m.ask, m.seen, ask[i], ask_size[i], bought[i])
        m.seen += 1
        if m.seen < 2:
            continue
        executed[i], refills[i], displayed[i], hidden[i], is_one, was_one = b if b[3] >= a[3] else a
        side[i], price[i] = (1.0, bid[i]) if b[3] >= a[3] else (-1.0, ask[i])
        event[i] = side[i] if is_one and not was_one else 0.0


def hidden_liquidity(
    n: int = 50,
    refills: int = 5,
    multiple: float = 8.0,
    *,
    bid: str = "bid_0",
    bid_size: str = "bid_size_0",
    ask: str = "ask_0",
    ask_size: str = "ask_size_0",
    bought: str = "bought",
    sold: str = "sold",
    out: str = "hidden",
) -> Feature:
    """Event: the best price of a side keeps being refilled while it is taken, as an iceberg order does.

    A row takes x = sold[t] - sold[t-1] from the bid (0 if less); h = max(x - (b[t-1] - b[t]), 0), what was taken beyond
    what the shown size b fell by, must have come to the price meanwhile.  The row counts if x > 0 and the best bid is
    where it was.  Asks likewise, with `bought`.  Of those of the last n rows that count, at this price: executed = sum
    of x, hidden = sum of h, refills = how many h > 0, displayed = mean of b[t-1].

    Event: with this row, and not without it, refills are at least `refills` and hidden at least `multiple` displayed.

    What others place in the same instant looks the same, so hidden is an upper estimate; that much coming back to one
    price just while it is taken is what tells an iceberg from them.

    Args:
        n: rows looked back on, at least 1.
        refills: at least 1.
        multiple: of displayed, positive.
        bid, bid_size, ask, ask_size: columns read, the best level. (rows,) float64; prices positive, sizes not
            negative, or NaN.
        bought, sold: columns read: `taker_totals` of the trades, held onto the books. (rows,) float64, never falling (a
            fall counts as nothing taken), or NaN; a row missing any of these is missing.
        out: columns written, (rows,) float64, NaN until the second row of a symbol.
            `out_event`: 1 an iceberg on the bid, -1 on the ask, else 0.
            `out_side`: whose values follow, 1 the bid's, -1 the ask's: those of the side with more hidden.
            `out_price`: its best price.  `out_executed`, `out_displayed`, `out_hidden`: in the unit of size;
            `out_refills`: a count; all 0 where this row takes nothing at a price that holds.

    The defaults suit books every 100 ms.  A row that counts looks at no more than n rows; any other is done at once.

    Raises:
        ValueError: if n, refills or multiple is out of range.

    Source: S. Frey, P. Sandås, The impact of iceberg orders in limit order books, Q. J. Finance 7, 2017 (a price
        refilled while it executes); D. Zotikov, A. Antonov, CME iceberg order detection and prediction, Quant. Finance
        21, 2021 (trades larger than what is displayed).
    Differs: both see single orders; here are snapshots and what was taken between them.
    """
    n, refills = row_count("hidden_liquidity", "n", n), row_count("hidden_liquidity", "refills", refills)
    if not 0.0 < number("hidden_liquidity", "multiple", multiple) < float("inf"):
        raise ValueError(f"hidden_liquidity: multiple must be positive and finite, got {multiple}")
    last = [(name, "f8") for name in ("last_price", "last_size", "last_total")]
    side = [("count", "i8"), *last, *extremes(n, "row", kind="i8"), *extremes(n, *TAKEN)]
    blank = np.zeros((), [("seen", "i8"), ("bid", side), ("ask", side)])
    for name in ("bid", "ask"):
        blank[name]["last_price"] = nan
    names = ("event", "side", "price", "executed", "displayed", "refills", "hidden")
    inputs = (bid, bid_size, ask, ask_size, bought, sold)
    outputs = tuple(f"{out}_{name}" for name in names)
    return Feature(_hidden_liquidity, Refilled(n, refills, multiple), blank, inputs, outputs, 1, n + 1, clock="book")
