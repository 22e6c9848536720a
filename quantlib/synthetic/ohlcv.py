"""Bars of many symbols, made up: clustered volatility, fat tails, a market that moves them together, a season."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quantlib.jit import kernel
from quantlib.synthetic.arrivals import season
from quantlib.synthetic.seeds import stream

OPEN = 1_704_205_800_000_000_000  # Tuesday, 2024-01-02T14:30:00Z
MINUTE, DAY = 60_000_000_000, 86_400_000_000_000
MINUTES = 390  # of a session
STEPS = 16  # prices inside a bar, of which its high and low are the extremes
TAIL = 5.0  # degrees of freedom of the surprises
SHARES = 2e6  # of a session, at rest
STREAM = 99  # of the seed; a market draws from the first ones


class Clusters(NamedTuple):
    """v[t] = 1 - shock - keep + shock v[t-1] z[t-1]^2 + keep v[t-1]: variance over its mean, which is 1."""

    shock: float
    keep: float


DAILY, MINUTELY = Clusters(0.08, 0.90), Clusters(0.03, 0.965)


def bars(
    seed: int,
    days: int = 252,
    symbols: Sequence[str] = ("AAA",),
    *,
    minutes: int = 0,
    volatility: float = 0.015,
    together: float = 0.4,
    price: float = 100.0,
    tick: float = 0.01,
    u_shape: float = 1.35,
) -> pl.DataFrame:
    """Bars for `quantlib.bars`, on weekdays from 2024-01-02 on: ts (the bar's end), ts_event, symbol, open … volume.

    r = volatility sqrt(season / bars a session) s z,  s^2 a GARCH(1, 1) of z for each symbol and for the market,
    z of symbols = sqrt(together) z of the market + sqrt(1 - together) z of its own, each Student t of 5 degrees

    Args:
        seed: at least 0; the same one gives the same bits.
        days: sessions, at least 1.
        symbols: their names, all different.
        minutes: 0: one bar a day; else minutes in a bar, a divisor of 390: 1, 5, 30, ….
        volatility: of log price per session, at rest, a fraction.
        together: share of variance that symbols have in common, 0 to 1.
        price: first open, quote currency; tick: step of price.
        u_shape: of volume and variance over the session (`arrivals.season`); 0 none.

    Raises:
        ValueError: if an argument is out of range.

    Source: T. Bollerslev, Generalized autoregressive conditional heteroskedasticity, J. Econom. 31, 1986; volume moves
        with the size of returns: J. M. Karpoff, J. Financ. Quant. Anal. 22, 1987.
    """
    _checked(days, symbols, minutes, volatility, together, price / tick, u_shape)
    rng = stream("bars", seed, STREAM)
    each = MINUTES // minutes if minutes else 1
    rows, names = days * each, len(symbols)
    middle = (np.arange(rows) % each + 0.5) / each
    activity = season(middle, 1.0, u_shape) if minutes else np.ones(rows)
    spread = volatility * np.sqrt(activity / each)
    unrest, z = _surprises(rng, rows, names, MINUTELY if minutes else DAILY, together)
    moves = (spread[:, None] * unrest * z)[:, :, None] / STEPS
    noise = rng.standard_normal((rows, names, STEPS)) * (spread[:, None] * unrest)[:, :, None] / np.sqrt(STEPS)
    inside = np.cumsum(moves + noise - noise.mean(axis=2, keepdims=True), axis=2)
    before = np.cumsum(inside[:, :, -1], axis=0) - inside[:, :, -1]
    path = np.concatenate([before[:, :, None], before[:, :, None] + inside], axis=2)
    paid = np.maximum(np.rint(np.exp(path) * price / tick), 1.0)
    mood = 0.3 * rng.standard_normal((rows, names)) + 0.5 * np.log(unrest) + 0.25 * np.abs(z)
    volume = np.ceil(SHARES * activity[:, None] / each * np.exp(mood))
    return _framed(_instants(days, minutes), symbols, np.round(paid * tick, 10), volume)


def _surprises(
    rng: Any, rows: int, symbols: int, garch: Clusters, together: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(rows, symbols) each: standard deviation of a return over its season's, and the surprise, of variance 1."""
    drawn = rng.standard_t(TAIL, (rows, symbols + 1)) * np.sqrt((TAIL - 2.0) / TAIL)
    drawn[:, 1:] = np.sqrt(together) * drawn[:, :1] + np.sqrt(1.0 - together) * drawn[:, 1:]
    variance = np.empty_like(drawn)
    _garch.dispatcher(garch, drawn, variance)
    shared = np.sqrt(together * variance[:, :1] + (1.0 - together) * variance[:, 1:])
    return shared, drawn[:, 1:]


@kernel
def _garch(p, z, variance):
    for k in range(z.shape[1]):
        v = 1.0
        for t in range(z.shape[0]):
            variance[t, k] = v
            v = 1.0 - p.shock - p.keep + v * (p.shock * z[t, k] * z[t, k] + p.keep)


def _instants(days: int, minutes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Beginning and end of each bar, ns UTC."""
    session = np.arange(days)
    opens = OPEN + ((session + 1) // 5 * 7 + (session + 1) % 5 - 1) * DAY  # the first is a Tuesday
    length = (minutes or MINUTES) * MINUTE
    begin = (opens[:, None] + np.arange(0, MINUTES * MINUTE, length)).ravel()
    return begin, begin + length


def _framed(
    at: tuple[NDArray[np.int64], NDArray[np.int64]],
    symbols: Sequence[str],
    paid: NDArray[np.float64],
    volume: NDArray[np.float64],
) -> pl.DataFrame:
    begin, end = (np.repeat(a, len(symbols)) for a in at)
    moments = pl.Datetime("ns", "UTC")
    named = pl.Series("symbol", list(symbols), pl.Enum(list(symbols)))
    return pl.DataFrame(
        {
            "ts": pl.Series(end).cast(moments),
            "ts_event": pl.Series(begin).cast(moments),
            "symbol": named.gather(np.tile(np.arange(len(symbols)), len(at[0]))),
            "open": paid[:, :, 0].ravel(),
            "high": paid.max(axis=2).ravel(),
            "low": paid.min(axis=2).ravel(),
            "close": paid[:, :, -1].ravel(),
            "volume": volume.ravel(),
        }
    )


def _checked(
    days: int, symbols: Sequence[str], minutes: int, volatility: float, together: float, ticks: float, u_shape: float
) -> None:
    if days < 1 or minutes < 0 or (minutes and MINUTES % minutes):
        raise ValueError(f"bars: days is at least 1 and minutes 0 or a divisor of 390, got {days} and {minutes}")
    if not symbols or isinstance(symbols, str) or len(set(symbols)) != len(symbols):
        raise ValueError(f"bars: symbols are different names, at least one, got {symbols!r}")
    if not (volatility > 0.0 and 0.0 <= together <= 1.0 and ticks >= 1.0 and 0.0 <= u_shape <= 3.0):
        raise ValueError(
            f"bars: volatility is positive, together 0 to 1, price at least a tick and u_shape 0 to 3, "
            f"got {volatility}, {together}, {ticks} ticks and {u_shape}"
        )
