"""A market of one symbol, made up: trades, quotes, books, and the truth of what was planted into them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from quantlib.synthetic import frames
from quantlib.synthetic.arrivals import MICRO, hawkes
from quantlib.synthetic.draws import DEPTH, SPAN, events, profile, room
from quantlib.synthetic.efficient import efficient
from quantlib.synthetic.engine import Flow, blank, trade_on
from quantlib.synthetic.plants import Plants, actions, plans
from quantlib.synthetic.resting import filled
from quantlib.synthetic.seeds import stream

SESSION = 23_400.0  # seconds from open to close
FLOW = Flow(takers=0.12, informed=0.7, lean=0.9, stale=0.9, reach=8, near=10, drawn=0.9, every=100_000)
NEAREST = 4 * SPAN  # ticks that the price keeps from either end of the book


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """What was told, and what was true.

    trades, quotes, books  frames for the doors of those names
    truth    one row a plant: kind, side (1 on the bid, -1 on the ask, 0 on both), ts_begin, ts_end, price, size (the
             tip; the large order; what was withdrawn), hidden (an iceberg's reserve), executed (of an iceberg; across
             from a spoof, by those it lured), refills
    events   how many orders came
    """

    trades: pl.DataFrame
    quotes: pl.DataFrame
    books: pl.DataFrame
    truth: pl.DataFrame
    events: int


def market(
    seed: int,
    seconds: float = 3600.0,
    *,
    levels: int = 20,
    rate: float = 40.0,
    books_every: float = 0.1,
    volatility: float = 0.02,
    price: float = 100.0,
    tick: float = 0.01,
    lot: float = 100.0,
    branching: float = 0.7,
    decay: float = 2.0,
    u_shape: float = 1.35,
    session: float = SESSION,
    plants: Plants | None = None,
) -> Market:
    """A limit order market of self-exciting orders around a price of clustered volatility, with what is planted.

    Args:
        seed: at least 0; the same one gives the same bits.
        seconds: how long, from the first open; sessions follow each other, one a day, without a leap of price.
        levels: of each book, 1 to 100.
        rate: orders per second, on average: placed, cancelled and taking.
        books_every: seconds between books, whole microseconds; 0: a book after every order.
        volatility: of log price per session, at rest, a fraction.
        price: at the first open, quote currency; it stays above a quarter of that and below thrice.
        tick, lot: steps of price and of size.
        branching: orders that each order draws after it, in [0, 1).
        decay: per second; they follow 1 / decay seconds later on average.
        u_shape: 0 none, 3 nothing happens at noon (`arrivals.season`).
        session: seconds from open to close.
        plants: how many of each are planted per hour; by default `Plants()`.

    Raises:
        ValueError: if an argument is out of range.

    Source: R. Cont, S. Stoikov, R. Talreja, A stochastic model for order book dynamics, Oper. Res. 58, 2010 (orders by
        their distance from the best price across); J.-P. Bouchaud, M. Mézard, M. Potters, Statistical properties of
        stock order books, Quant. Finance 2, 2002 (the hump); F. Lillo, S. Mike, J. D. Farmer, Theory for long memory in
        supply and demand, Phys. Rev. E 71, 2005 (parents of power-law length, which autocorrelate aggressors);
        P. Gopikrishnan, V. Plerou, X. Gabaix, H. E. Stanley, Statistical properties of share volume traded in
        financial markets, Phys. Rev. E 62, 2000 (sizes with tail 3/2); L. R. Glosten, P. R. Milgrom, Bid, ask and
        transaction prices in a specialist market, J. Financ. Econ. 14, 1985 (the informed).
    """
    ticks, every = round(price / tick), round(books_every * MICRO)
    _checked(seconds=seconds, rate=rate, volatility=volatility, lot=lot, session=session, decay=decay)
    _bounded(ticks, every, levels, branching, u_shape)
    placing, arriving, acting, drawing, walking = (stream("market", seed, k) for k in range(5))
    planned = plans(placing, seconds, plants or Plants(), DEPTH)
    season = {"session": session, "depth": u_shape}
    arrivals = hawkes(arriving, seconds, rate=rate, branching=branching, decay=decay, **season)
    given = events(drawing, arrivals, actions(acting, planned))
    walk = efficient(walking, given.at, volatility / np.sqrt(rate * session))
    known = np.clip(ticks * np.exp(walk), ticks // 4 + NEAREST, 3 * ticks - NEAREST)
    given = given._replace(efficient=known)
    flow = FLOW._replace(every=every)
    tape, state = room(given, flow, levels, seconds), blank()
    prices = np.round(np.arange(4 * ticks) * tick, 10)
    depth, planted = np.zeros((2, 4 * ticks), np.int64), np.zeros((2, 4 * ticks), np.int64)
    touch = np.array([ticks, ticks + 1])
    filled.dispatcher(depth, touch, profile())
    trade_on.dispatcher(flow, given, planned, profile(), prices, lot, depth, planted, touch, state, tape)
    units, told = frames.Units(prices, lot, session), state[0]
    return Market(
        frames.trades(tape, told["trades"], units),
        frames.quotes(tape, told["quotes"], units),
        frames.books(tape, told["books"], units, 0 if every else frames.DELAY),
        frames.truth(planned, units),
        len(arrivals),
    )


def _checked(**positive: float) -> None:
    for name, value in positive.items():
        if not 0.0 < value < np.inf:
            raise ValueError(f"market: {name} must be positive and finite, got {value}")


def _bounded(ticks: int, every: int, levels: int, branching: float, u_shape: float) -> None:
    if ticks < 8 * NEAREST:
        raise ValueError(f"market: price must be at least {8 * NEAREST} ticks, got {ticks}; take a smaller tick")
    if every < 0 or not 1 <= levels <= 100:
        raise ValueError(f"market: books_every is not negative and levels 1 to 100, got {every} µs and {levels}")
    if not (0.0 <= branching < 1.0 and 0.0 <= u_shape <= 3.0):
        raise ValueError(f"market: branching is in [0, 1) and u_shape 0 to 3, got {branching} and {u_shape}")
