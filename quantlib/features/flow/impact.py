"""How far trading moves the price, and which way it has ticked."""

from math import isnan, nan

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import FOREVER, Window, known_clock, row_count
from quantlib.jit import block, kernel
from quantlib.kernels.exact import two_product, two_sum
from quantlib.kernels.moments import variance
from quantlib.kernels.pairs import covariance
from quantlib.kernels.ring import window
from quantlib.kernels.sums import window_sum

SUMS = ("x", "y", "q", "e", "c", "d")  # signed size; price change; its square and its error; product and its error


@kernel
def _kyle_lambda(p, memory, symbol, price, size, side, slope):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        last = m.price
        while i < price.size and symbol[i] == code:
            slope[i] = nan
            signed = size[i] * side[i]
            if not isnan(price[i] + signed):
                if not isnan(last):
                    now = _slope(m, p.n, signed, price[i] - last)
                    slope[i] = now if m.seen >= p.n else nan
                last = price[i]
            i += 1
        m.price = last


@block
def _slope(m, n, x, y):
    """cov(x, y) / var(x) over the last n rows, this one included; right once m.seen >= n."""
    square, square_lost = two_product(x, x)
    product, product_lost = two_product(x, y)
    m.x, m.x_low, m.x_unit, _ = window_sum(m.x, m.x_low, m.x_unit, m.xs, m.parts, m.seen, n, x)
    m.y, m.y_low, m.y_unit, _ = window_sum(m.y, m.y_low, m.y_unit, m.ys, m.parts, m.seen, n, y)
    m.q, m.q_low, m.q_unit, _ = window_sum(m.q, m.q_low, m.q_unit, m.qs, m.parts, m.seen, n, square)
    m.e, m.e_low, m.e_unit, e = window_sum(m.e, m.e_low, m.e_unit, m.es, m.parts, m.seen, n, square_lost)
    m.c, m.c_low, m.c_unit, _ = window_sum(m.c, m.c_low, m.c_unit, m.cs, m.parts, m.seen, n, product)
    m.d, m.d_low, m.d_unit, d = window_sum(m.d, m.d_low, m.d_unit, m.ds, m.parts, m.seen, n, product_lost)
    m.seen += 1
    x_sum, x_rest = two_sum(m.x, m.x_low)
    y_sum, y_rest = two_sum(m.y, m.y_low)
    q_sum, q_rest = two_sum(m.q, m.q_low)
    c_sum, c_rest = two_sum(m.c, m.c_low)
    wide = variance(float(n), 0.0, x_sum, x_rest, q_sum, q_rest + e)
    both = covariance(float(n), x_sum, x_rest, y_sum, y_rest, c_sum, c_rest + d)
    return both / wide if wide > 0.0 else 0.0


@kernel
def _tick_imbalance(p, memory, symbol, price, imbalance, tick):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        seen, last, sign, total, rest, unit = m.seen, m.price, m.sign, m.total, m.rest, m.unit
        while i < price.size and symbol[i] == code:
            imbalance[i] = tick[i] = nan
            if not isnan(price[i]):
                if seen > 0 and price[i] != last:
                    sign = 1.0 if price[i] > last else -1.0
                last = price[i]
                total, rest, unit, share = window_sum(total, rest, unit, m.ticks, m.parts, seen, p.n, sign)
                seen += 1
                if seen >= p.n:
                    imbalance[i], tick[i] = share / p.n, sign
            i += 1
        m.seen, m.price, m.sign, m.total, m.rest, m.unit = seen, last, sign, total, rest, unit


def kyle_lambda(
    n: int = 50, *, price: str = "price", size: str = "size", side: str = "side", out: str = "kyle_lambda"
) -> Feature:
    """How far a unit of net buying moves the price: Kyle's lambda by regression over the last n trades.

    λ = cov(Δp, x) / var(x),  Δp[t] = p[t] - p[t-1],  x[t] = side[t] size[t]; 0 where x does not vary

    Args:
        n: changes of price in the regression, at least 2.
        price: column read: the trade's price, or a mid held at each trade, which does not bounce between bid and ask.
            (rows,) float64, or NaN.
        size: column read. (rows,) float64, shares, contracts or coins, not negative, or NaN.
        side: column read. (rows,) float64, 1 where a buyer was the aggressor, -1 where a seller was, 0 unknown, or NaN;
            a row missing any of these is missing.
        out: column written. (rows,) float64, in units of price per unit of size; NaN until the (n+1)-th trade of a
            symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: A. S. Kyle, Continuous auctions and insider trading, Econometrica 53, 1985; estimated with an intercept as
        by L. R. Glosten, L. E. Harris, Estimating the components of the bid/ask spread, J. Financ. Econ. 21, 1988.
    Differs: Kyle's λ is a parameter of an equilibrium; the slope is its usual estimate.
    """
    n = row_count("kyle_lambda", "n", n, 2)
    numbers = [(name + end, "f8") for name in SUMS for end in ("", "_low", "_unit")]
    fields = [("price", "f8"), ("seen", "i8"), *numbers, *window(n, *(name + "s" for name in SUMS))]
    blank = np.zeros((), fields)
    blank["price"] = nan
    return Feature(_kyle_lambda, Window(n), blank, (price, size, side), (out,), n, n, clock="trade")


def tick_imbalance(n: int = 100, *, price: str = "price", out: str = "tick_imbalance", clock: str = "trade") -> Feature:
    """Upticks less downticks among the last n trades, by the tick rule.

    b = 1 where the price rose, -1 where it fell, and where it stood still what it was before (0 until it first moves);
    imbalance = mean of the last n b

    Args:
        n: trades in the window, at least 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: columns written, (rows,) float64, NaN until the n-th trade of a symbol: `out` -1 to 1, `out_tick` b.
        clock: the rows it runs on.

    A price may stand still for any number of trades, so no number of rows is its horizon.

    Raises:
        ValueError: if n is not a whole number of at least 1.

    Source: C. M. C. Lee, M. J. Ready, Inferring trade direction from intraday data, J. Finance 46, 1991 (tick test); M.
        López de Prado, Advances in Financial Machine Learning, 2018, sec. 2.3.2.1.
    """
    n = row_count("tick_imbalance", "n", n)
    numbers = [(name, "f8") for name in ("price", "sign", "total", "rest", "unit")]
    blank = np.zeros((), [("seen", "i8"), *numbers, *window(n, "ticks")])
    clock = known_clock("tick_imbalance", clock)
    return Feature(_tick_imbalance, Window(n), blank, (price,), (out, f"{out}_tick"), n - 1, FOREVER, clock)
