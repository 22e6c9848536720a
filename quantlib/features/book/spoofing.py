"""Orders that are shown to be seen: large, behind the best price, gone once the other side has traded."""

from math import isnan, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature, ladder
from quantlib.features.rows import level_count, number, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.extremes import extremes
from quantlib.kernels.levels import PIECE, check, largest, totals
from quantlib.kernels.ring import window


class Spoof(NamedTuple):
    n: int  # rows in which it must be gone
    away: int  # levels that it stands behind the best, at least
    multiple: float  # of the mean level: how large it is
    share: float  # of it that goes in one row, untaken
    least: float  # mean levels that must trade across


REMEMBERED = ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")
SEEN = ("price", "size", "left", "mean", "across", "own")


@block
def shown(prices, sizes, i, sign, price, otherwise):
    """What a side shows at a price in row i: 0 if nothing, `otherwise` if the price lies beyond its last level."""
    levels, at = prices.shape[0], -1
    if sign * prices[levels - 1, i] > sign * price:
        return otherwise
    for k in range(levels):
        at = k if prices[k, i] == price else at
    return sizes[at, i] if at >= 0 else 0.0


@block
def before(prices, sizes, levels, sign, price, size):
    """What a side showed at a price in the row remembered; `size` if the price lay beyond its last level."""
    found = size if sign * prices[levels - 1] > sign * price else 0.0
    for k in range(levels):
        found = sizes[k] if prices[k] == price else found
    return found


@kernel
def _appear(p, m, top, prices, sizes, i, sign, now, mean, last, last_prices, last_sizes, across, own):
    """The largest order that appears behind the best price of a side in row i, where `top` is the largest size, is
    remembered.  What was before stands in row `last`, or if that is -1 in `last_prices` and `last_sizes`.
    """
    levels = prices.shape[0]
    most, at = p.multiple * mean, -1
    if top < most:
        return
    for k in range(p.away, levels):
        price, size = prices[k, i], sizes[k, i]
        if size >= most and size > 0.0:
            if last >= 0:
                came = size - shown(prices, sizes, last, sign, price, size)
            else:
                came = size - before(last_prices, last_sizes, levels, sign, price, size)
            if came >= most and came > 0.0:
                most, at = came, k
    if at >= 0:
        j = m.count & (m.price.size - 1)
        m.row[j], m.price[j], m.size[j], m.left[j] = now, prices[at, i], most, sizes[at, i]
        m.mean[j], m.across[j], m.own[j] = mean, across, own
        m.count += 1


@kernel
def _vanish(p, m, prices, sizes, i, sign, now, across, own, taken):
    """(price, size, rows, traded, score) of the largest order of a side that goes in row i as a spoof does, or 0s."""
    price = size = rows = traded = score = 0.0
    mask = m.price.size - 1
    while m.first < m.count and m.row[m.first & mask] < now - p.n:
        m.first += 1
    for c in range(m.first, m.count):
        j = c & mask
        if m.size[j] == 0.0:
            continue
        left = shown(prices, sizes, i, sign, m.price[j], m.left[j])
        gone = m.left[j] - left - taken
        m.left[j] = left
        if gone < p.share * m.size[j]:
            continue
        there, here = max(across - m.across[j], 0.0), max(own - m.own[j], 0.0)
        if there > 0.0 and there >= p.least * m.mean[j] and m.size[j] > size:
            price, size, rows, traded = m.price[j], m.size[j], float(now - m.row[j]), there
            score = there / (there + here)
        m.size[j] = 0.0
    return price, size, rows, traded, score


@block
def remember(m, bids, asks, bid_sizes, ask_sizes, i):
    """Row i is the row before of the rows to come."""
    for k in range(bids.shape[0]):
        m.bid_prices[k], m.bid_sizes[k] = bids[k, i], bid_sizes[k, i]
        m.ask_prices[k], m.ask_sizes[k] = asks[k, i], ask_sizes[k, i]


@kernel
def _spoofing(
    p, memory, symbol, bids, asks, bid_sizes, ask_sizes, bought, sold, event, score, price, size, rows, traded
):
    levels = bids.shape[0]
    first = end = i = np.int64(0)
    while i < event.size:
        if i == end:
            first, end = end, min(end + PIECE, event.size)
            check(event, bids, asks, bid_sizes, ask_sizes, first, end)
            totals(score, bid_sizes, ask_sizes, first, end)
            largest(price, bid_sizes, p.away, levels, first, end)
            largest(size, ask_sizes, p.away, levels, first, end)
        code, last = symbol[i], np.int64(-1)
        m = memory[code]
        while i < end and symbol[i] == code:
            known, resting, bid_top, ask_top = event[i] + bought[i] + sold[i], score[i], price[i], size[i]
            event[i] = score[i] = price[i] = size[i] = rows[i] = traded[i] = nan
            if not isnan(known):
                up, down, now, mean = bought[i], sold[i], m.seen, m.mean
                if now > 0:
                    b = _vanish(p, m.bid, bids, bid_sizes, i, 1.0, now, up, down, max(down - m.sold, 0.0))
                    a = _vanish(p, m.ask, asks, ask_sizes, i, -1.0, now, down, up, max(up - m.bought, 0.0))
                    was, had = m.bid_prices, m.bid_sizes
                    _appear(p, m.bid, bid_top, bids, bid_sizes, i, 1.0, now, mean, last, was, had, up, down)
                    was, had = m.ask_prices, m.ask_sizes
                    _appear(p, m.ask, ask_top, asks, ask_sizes, i, -1.0, now, mean, last, was, had, down, up)
                    price[i], size[i], rows[i], traded[i], score[i] = b if b[1] >= a[1] else a
                    event[i] = 0.0 if b[1] == 0.0 and a[1] == 0.0 else 1.0 if b[1] >= a[1] else -1.0
                m.mean, m.bought, m.sold = resting / (2.0 * levels), up, down
                m.seen += 1
                last = i
            i += 1
        if last >= 0:
            remember(m, bids, asks, bid_sizes, ask_sizes, last)


def spoofing(
    levels: int = 20,
    n: int = 100,
    away: int = 1,
    multiple: float = 4.0,
    share: float = 0.8,
    least: float = 0.75,
    *,
    bid: str = "bid",
    ask: str = "ask",
    bid_size: str = "bid_size",
    ask_size: str = "ask_size",
    bought: str = "bought",
    sold: str = "sold",
    out: str = "spoofing",
) -> Feature:
    """Event: a large order behind the best price is cancelled soon after it came, and the other side traded meanwhile.

    It comes: at a price at least `away` levels behind the best the shown size grows, since the row before, by at least
    `multiple` times the mean size of all levels of that row before; the price was among those shown then.  Of several
    in one row and side the largest counts.

    It goes: in one of the next n rows the size shown at that price falls by at least `share` of what came, not counting
    what was taken from its side in that row.  It is a spoof if meanwhile at least `least` of those mean sizes
    traded against the other side of the book: bought from the asks if the order was a bid, sold to the bids if it was
    an ask.

    Args:
        levels: levels of each side that are read, more than `away`, at most 1000.
        n: rows in which it must be gone, at least 1.
        away: levels between it and the best price, at least 1.
        multiple: of the mean level, positive.
        share: of its size that must go in one row, in (0, 1].
        least: mean levels that must trade across, not negative.
        bid, ask, bid_size, ask_size: stems of the columns read, `bid_0` (the best) to `bid_<levels-1>` and so on.
            (rows,) float64; prices positive, sizes not negative, or NaN.
        bought, sold: columns read: `taker_totals` of the trades, held onto the books. (rows,) float64, never falling (a
            fall counts as nothing taken), or NaN; a row missing any of these is missing.
        out: columns written, (rows,) float64, NaN until the second row of a symbol.
            `out_event`: 1 the order was a bid, -1 an ask, else 0; of two in one row the larger is told.
            `out_score`: the share of what traded meanwhile that traded across, 0 to 1.
            `out_price`, `out_size`: of the order.  `out_rows`: how long it was there.  `out_traded`: what traded
            across, in the unit of size.  All 0 where there is no event.

    The defaults suit books every 100 ms.  Nobody's intent is in the book: this finds what a spoof looks like, which is
    where surveillance begins.

    Raises:
        ValueError: if an argument is out of range.

    Source: 7 U.S.C. 6c(a)(5)(C) (bidding or offering with the intent to cancel before execution); Á. Cartea, S.
        Jaimungal, Y. Wang, Spoofing and price manipulation in order-driven markets, Appl. Math. Finance 27, 2020
        (orders that lean the book so that one's own order across is filled); FCA, final notice to M. Coscia, 2013 (the
        pattern: a small order, large ones across, cancelled within seconds).
    Differs: the rule and its thresholds are this library's.
    """
    who = "spoofing"
    levels, n, away = level_count(who, "levels", levels), row_count(who, "n", n), row_count(who, "away", away)
    if not away < levels:
        raise ValueError(f"spoofing: levels must be more than away, got levels={levels} and away={away}")
    if not (0.0 < number(who, "multiple", multiple) < float("inf") and 0.0 < number(who, "share", share) <= 1.0):
        raise ValueError(f"spoofing: multiple is positive and share in (0, 1], got {multiple} and {share}")
    if not 0.0 <= number(who, "least", least) < float("inf"):
        raise ValueError(f"spoofing: least must be finite and not negative, got {least}")
    side = [("first", "i8"), ("count", "i8"), *extremes(n, "row", kind="i8"), *extremes(n, *SEEN)]
    numbers = [(name, "f8") for name in ("mean", "bought", "sold")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(levels, *REMEMBERED)[:-1], ("bid", side), ("ask", side)])
    inputs = (*(ladder(stem, levels) for stem in (bid, ask, bid_size, ask_size)), bought, sold)
    outputs = tuple(f"{out}_{name}" for name in ("event", "score", "price", "size", "rows", "traded"))
    params = Spoof(n, away, multiple, share, least)
    return Feature(_spoofing, params, blank, inputs, outputs, 1, n + 2, clock="book")
