"""What the numbers of a backtest are called, in which order they are printed, and how each is written."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from quantlib.formats import DASH, count, duration, money, number, percent

Row = tuple[str, str, Callable[[Any], str]]  # label, field of Metrics, how its value is written


def day(value: datetime | None) -> str:
    """A date, or a dash."""
    return value.strftime("%Y-%m-%d") if value is not None else DASH


SECTIONS: list[tuple[str, list[Row]]] = [
    (
        "Period",
        [
            ("From", "start", day),
            ("To", "end", day),
            ("Days", "days", count),
            ("Days in a year", "periods", count),
            ("Equity at the start", "start_equity", money),
            ("Equity at the end", "end_equity", money),
        ],
    ),
    (
        "Return",
        [
            ("Total return", "total_return", percent),
            ("Annual return", "annual_return", percent),
            ("Best day", "best_day", percent),
            ("Worst day", "worst_day", percent),
            ("Sharpe ratio", "sharpe", number),
            ("Sortino ratio", "sortino", number),
            ("Calmar ratio", "calmar", number),
        ],
    ),
    (
        "Risk",
        [
            ("Annual volatility", "annual_volatility", percent),
            ("Max drawdown", "max_drawdown", percent),
            ("Longest drawdown", "longest_drawdown", duration),
            ("Value at risk, 5% of days", "value_at_risk", percent),
            ("Expected shortfall, 5%", "expected_shortfall", percent),
            ("Tail ratio, 5%", "tail_ratio", number),
            ("Skew", "skew", number),
            ("Excess kurtosis", "kurtosis", number),
        ],
    ),
    (
        "Trades",
        [
            ("Closed trades", "trades", count),
            ("Win rate", "win_rate", percent),
            ("Average win", "average_win", money),
            ("Average loss", "average_loss", money),
            ("Profit factor", "profit_factor", number),
            ("Expectancy", "expectancy", money),
            ("Average hold", "average_hold", duration),
        ],
    ),
    (
        "Trading",
        [
            ("Fills", "fills", count),
            ("Turnover per year", "turnover", number),
            ("Exposure", "exposure", percent),
            ("Time in the market", "time_in_market", percent),
        ],
    ),
    (
        "Costs",
        [
            ("Commission", "fees", money),
            ("Slippage", "slippage", money),
            ("Carry", "carry", money),
            ("Cost impact", "cost_impact", percent),
            ("Annual drag of costs", "cost_drag", percent),
        ],
    ),
]
