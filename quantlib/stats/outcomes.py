"""What trades earned, how much was traded, and what trading cost.

`pnl` is the profit of each closed trade after fees, quote currency, float64 of shape (trades,), in any order.  Where a
mean has nothing to count the answer is NaN.
"""

from math import nan

import numpy as np
from numpy.typing import NDArray

from quantlib.stats.returns import annual_return

Floats = NDArray[np.float64]


def win_rate(pnl: Floats) -> float:
    """Trades that earned something / all trades, in [0, 1]; a trade that broke even did not win.

    Source: Stridsman, Trading Systems and Money Management, 2003, ch. 3 (percent of profitable trades).
    """
    return float(np.count_nonzero(pnl > 0) / pnl.size) if pnl.size else nan


def average_win(pnl: Floats) -> float:
    """Mean profit of the trades that won, quote currency, positive.

    Source: Stridsman, Trading Systems and Money Management, 2003, ch. 2 (average winners and losers).
    """
    won = pnl > 0
    return float(pnl[won].mean()) if won.any() else nan


def average_loss(pnl: Floats) -> float:
    """Mean profit of the trades that lost, quote currency, negative.

    Source: Stridsman, Trading Systems and Money Management, 2003, ch. 2 (average winners and losers).
    """
    lost = pnl < 0
    return float(pnl[lost].mean()) if lost.any() else nan


def profit_factor(pnl: Floats) -> float:
    """Sum of profits / sum of losses; no unit; NaN if nothing was lost.

    Source: Stridsman, Trading Systems and Money Management, 2003, part one.
    """
    lost = -float(pnl[pnl < 0].sum())
    return float(pnl[pnl > 0].sum()) / lost if lost > 0 else nan


def expectancy(pnl: Floats) -> float:
    """Mean profit of a trade, quote currency: win_rate average_win + (share that lost) average_loss.

    Source: Tharp, Trade Your Way to Financial Freedom, 1998 (expectancy).
    Differs: he divides each profit by what the trade put at risk.
    """
    return float(pnl.mean()) if pnl.size else nan


def turnover(notional: float, equity: Floats, years: float) -> float:
    """How often equity was turned over in a year: (bought + sold) / 2 / mean(equity) / years.

    Args:
        notional: bought plus sold, quantity times price, quote currency.
        equity: (n,) float64, quote currency, one value per day.
        years: length of the sample.

    Returns:
        Times per year; NaN without equity or time.

    Source: US Securities and Exchange Commission, Form N-1A, item 13 (portfolio turnover).
    Differs: half of both sides instead of the lesser, daily instead of monthly means, annualised.
    """
    mean = float(equity.mean()) if equity.size else nan
    return notional / 2.0 / mean / years if mean > 0 and years > 0 else nan


def exposure(gross: NDArray[np.floating], equity: Floats) -> float:
    """Mean of gross exposure / equity over rows; 1 is fully invested; NaN without rows.

    Args:
        gross: (n,) float32 or float64, sum of |position| times price, quote currency.
        equity: (n,) float64, quote currency; a row without positive equity counts as 0.

    Source: gross leverage, as a definition; rows count alike, however far apart they are.
    """
    if not equity.size:
        return nan
    share = np.zeros(equity.size, np.float32)  # half the memory of float64, and seven digits are plenty for a mean
    np.divide(gross, equity, out=share, where=equity > 0, casting="same_kind")
    return float(share.mean(dtype=np.float64))


def time_in_market(gross: NDArray[np.floating]) -> float:
    """Rows with any position / all rows, in [0, 1]; NaN without rows.

    Source: Stridsman, Trading Systems and Money Management, 2003, ch. 2 (time in market).
    """
    return float(np.count_nonzero(gross) / gross.size) if gross.size else nan


def cost_impact(costs: float, start: float) -> float:
    """Costs / starting equity, a fraction; NaN if the start is not positive.

    Args:
        costs: commission, slippage and carry of the whole run, quote currency, positive.
        start: equity before the first row, quote currency.

    Source: Perold, The Implementation Shortfall, Journal of Portfolio Management 14(3), 1988.
    Differs: what was not filled costs nothing here.
    """
    return costs / start if start > 0 else nan


def cost_drag(costs: float, start: float, end: float, years: float) -> float:
    """Annual return that costs took: annual return of (end + costs) less annual return of end.

    Args:
        costs: of the whole run, quote currency, positive.
        start: equity before the first row, quote currency.
        end: equity after the last row, quote currency.
        years: length of the sample.

    Returns:
        A fraction per year; NaN if the start or `years` is not positive.  Costs are added back at the end, so what
        they would have earned is left out.

    Source: Perold, The Implementation Shortfall, Journal of Portfolio Management 14(3), 1988.
    """
    if not start > 0:
        return nan
    return annual_return((end + costs) / start - 1.0, years) - annual_return(end / start - 1.0, years)
