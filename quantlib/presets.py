"""Ready strategies, to start from: functions that return a `Strategy`.

They are small on purpose.  `backtest.run(presets.trend(), bars)` and `python -m live --strategy trend` run the same,
so their brackets stand where a broker takes them: at fractions of the close that was decided on.
"""

from __future__ import annotations

from collections.abc import Callable

from quantlib.desk.policy import Exits, Gates, Policy, risk_per_trade
from quantlib.features import atr, sma, zscore_vwap
from quantlib.signals.classic import crossover, reversion
from quantlib.strategy import Strategy


def trend(fast: int = 20, slow: int = 100, stop: float = 4.0, short: bool = False) -> Strategy:
    """Hold while the fast mean of closes is above the slow one; a stop `stop` average true ranges below it.

    Source: Brock, Lakonishok, LeBaron, Simple Technical Trading Rules and the Stochastic Properties of Stock Returns,
    Journal of Finance 47(5), 1992: the variable-length moving average.
    """
    features = (sma(fast, out="fast"), sma(slow, out="slow"), atr(14), crossover("fast", "slow"))
    policy = Policy(
        short=short,
        sizing=risk_per_trade(0.003),
        exits=Exits(stop_distances=stop, anchored=True),
        gates=Gates(fresh=True),
    )
    return Strategy(features, policy, distance="atr", name=f"trend {fast}/{slow}")


def dip(n: int = 20, depth: float = 1.5, stop: float = 0.05, target: float = 0.06, max_rows: int = 15) -> Strategy:
    """Buy `depth` standard deviations under the rolling VWAP; leave back at it, at the bracket, or after a while.

    Source: Avellaneda, Lee, Statistical Arbitrage in the US Equities Market, Quantitative Finance 10, 2010, for entry
    and exit by z-score.
    """
    features = (zscore_vwap(n), reversion("zscore_vwap", enter=depth))
    policy = Policy(
        enter=1.0,
        leave=0.0,
        sizing=risk_per_trade(0.003),
        exits=Exits(stop=stop, target=target, max_rows=max_rows, anchored=True),
        gates=Gates(cooldown_rows=1),
    )
    return Strategy(features, policy, name=f"dip vwap {n}")


PRESETS: dict[str, Callable[..., Strategy]] = {"trend": trend, "dip": dip}
