"""The numbers that judge a backtest."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from html import escape
from math import nan
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from backtest.report.labels import SECTIONS
from backtest.trades import trades
from quantlib.formats import count
from quantlib.stats import outcomes, tails
from quantlib.stats import returns as stats
from quantlib.stats.days import DAY, Days, day_ends, trading_days_per_year
from quantlib.stats.drawdown import longest_drawdown, max_drawdown

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metrics:
    """All numbers of one backtest.  Fractions, quote currency and days; NaN where there is no answer.

    The formulas, their sources and their rules for short samples stand beside the functions of `quantlib.stats`.
    """

    start: datetime | None  # first row
    end: datetime | None  # last row
    days: int  # UTC days that have rows
    periods: float  # days in a year: 252, or 365 where weekends trade
    start_equity: float
    end_equity: float
    total_return: float
    annual_return: float
    annual_volatility: float
    sharpe: float
    sortino: float
    calmar: float
    max_drawdown: float  # of every row, so moves inside a day count
    longest_drawdown: float  # days
    best_day: float
    worst_day: float
    skew: float  # of daily returns, like all below it
    kurtosis: float
    value_at_risk: float  # 5 %
    expected_shortfall: float  # 5 %
    tail_ratio: float  # 5 %
    trades: int  # closed, flat to flat
    win_rate: float
    average_win: float
    average_loss: float
    profit_factor: float
    expectancy: float
    average_hold: float  # days
    fills: int
    turnover: float  # times per year, one side
    exposure: float  # mean of gross / equity over rows
    time_in_market: float
    fees: float
    slippage: float
    carry: float
    cost_impact: float  # all costs / starting equity
    cost_drag: float  # annual return that costs took
    refusals: Mapping[str, int]  # reason -> how often, most frequent first

    def table(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Sections of (name, text) pairs: what is printed, in its order."""
        return [
            (title, [(name, text(getattr(self, field))) for name, field, text in rows]) for title, rows in SECTIONS
        ] + [("Refusals", [(reason, count(n)) for reason, n in self.refusals.items()] or [("none", "")])]

    def __str__(self) -> str:
        """Two aligned columns under section titles."""
        table = self.table()
        names = max(len(name) for _, rows in table for name, _ in rows)
        texts = max(len(text) for _, rows in table for _, text in rows)
        lines = []
        for title, rows in table:
            lines += ["", title, "─" * (names + texts + 2)] + [
                f"{name:<{names}}  {text:>{texts}}" for name, text in rows
            ]
        return "\n".join(lines[1:])

    def __repr__(self) -> str:
        """What matters most, in one line."""
        shown = ("total_return", "sharpe", "max_drawdown", "trades", "fills")
        return f"Metrics({', '.join(f'{n}={getattr(self, n):.6g}' for n in shown)})"

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        cell = '<td style="text-align:{}">{}</td>'
        rows = []
        for title, pairs in self.table():
            rows.append(f'<tr><th colspan="2" style="text-align:left">{escape(title)}</th></tr>')
            rows += [f"<tr>{cell.format('left', escape(n))}{cell.format('right', escape(t))}</tr>" for n, t in pairs]
        return f'<table style="font-variant-numeric:tabular-nums">{"".join(rows)}</table>'

    def numbers(self) -> dict[str, float]:
        """Name -> number, for a row of a sweep: all fields but times and reasons."""
        left_out = ("start", "end", "refusals")
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}


class Daily(NamedTuple):
    """Equity at the end of each UTC day that has rows."""

    days: Days  # (n,) datetime64[D]
    equity: Floats  # (n,) quote currency
    returns: Floats  # (n,) fractions; the first is measured from the equity before the first row
    periods: float  # days in a year


class Curve(NamedTuple):
    """Equity after each timestamp, as arrays: what `equity` frames are turned into, and spares long runs the copy."""

    ts: NDArray[np.int64]  # ns UTC, never decreasing
    equity: Floats  # quote currency
    gross: NDArray[Any]  # quote currency


def daily(equity: pl.DataFrame | Curve, *, cash: float | None = None, periods: float | None = None) -> Daily:
    """The daily curve that all ratios are made of.

    Args:
        equity: ts (Datetime ns, never decreasing) and equity (f64), at any spacing.
        cash: equity before the first row; None takes the first row's, so that the first of daily rows returns 0.
        periods: days in a year; None means 365 if Saturdays and Sundays trade, else 252.

    Raises:
        ValueError: if ts goes back.
    """
    ts, value, _ = _curve(equity)
    if ts.size and (backwards := np.flatnonzero(ts[1:] < ts[:-1])).size:
        raise ValueError(f"metrics: equity must be sorted by ts, row {backwards[0] + 1} is earlier than the one before")
    days, last = day_ends(ts)
    ends = value[last]
    before = value[:1] if cash is None else np.full(min(ts.size, 1), cash, np.float64)
    year = trading_days_per_year(days) if periods is None else periods
    return Daily(days, ends, stats.simple_returns(np.concatenate((before, ends))), year)


def metrics(
    equity: pl.DataFrame | Curve,
    fills: pl.DataFrame,
    refusals: pl.DataFrame | None = None,
    *,
    cash: float | None = None,
    carry: float = 0.0,
    periods: float | None = None,
    risk_free: float = 0.0,
) -> Metrics:
    """Judge a backtest by its equity and its fills.

    Args:
        equity: ts, equity, gross, a frame or a `Curve`; one row per timestamp of the tape.
        fills: as `backtest.trades.trades` wants them.
        refusals: reason, count.
        cash: equity before the first row, quote currency; None takes the first row's.
        carry: borrow fees and the like over the whole run, quote currency, positive if paid.
        periods: days in a year; None means 365 if Saturdays and Sundays trade, else 252.
        risk_free: what cash earned, a fraction per year; the target of Sortino too.

    Raises:
        ValueError: if the equity goes back in time or `periods` is not positive.
    """
    if periods is not None and not periods > 0:
        raise ValueError(f"metrics: periods must be positive days per year, got {periods}")
    whole = _curve(equity)
    curve = daily(whole, cash=cash, periods=periods)
    start = cash if cash is not None else float(whole.equity[0]) if whole.ts.size else nan
    costs: dict[str, Any] = {
        "fees": float(fills["fee"].sum()),
        "slippage": float(fills["slippage"].sum()),
        "carry": float(carry),
    }
    held = refusals if refusals is not None else pl.DataFrame(schema={"reason": pl.String, "count": pl.Int64})
    return Metrics(
        start=_moment(whole.ts[:1]),
        end=_moment(whole.ts[-1:]),
        **_growth(whole, curve, start, risk_free),
        **_tails(curve.returns),
        **_trades(fills),
        **_trading(whole, fills, curve),
        **costs,
        **_costs(sum(costs.values()), start, curve),
        refusals=dict(held.sort("count", "reason", descending=[True, False]).select("reason", "count").iter_rows()),
    )


def _growth(whole: Curve, curve: Daily, start: float, risk_free: float) -> dict[str, Any]:
    value, r, year = whole.equity, curve.returns, curve.periods
    end = float(value[-1]) if value.size else nan
    total = end / start - 1.0 if start > 0 else nan
    growth = stats.annual_return(total, r.size / year)
    ts = whole.ts
    if value.size and start > value[0]:  # something was lost on the very first row
        value, ts = np.concatenate(((start,), value)), np.concatenate((ts[:1], ts))
    deepest = max_drawdown(value)
    return {
        "days": r.size,
        "periods": year,
        "start_equity": start,
        "end_equity": end,
        "total_return": total,
        "annual_return": growth,
        "annual_volatility": stats.annual_volatility(r, year),
        "sharpe": stats.sharpe(r, year, risk_free / year),
        "sortino": stats.sortino(r, year, risk_free / year),
        "calmar": stats.calmar(growth, deepest),
        "max_drawdown": deepest,
        "longest_drawdown": longest_drawdown(value, ts) / DAY,
        "best_day": float(r.max()) if r.size else nan,
        "worst_day": float(r.min()) if r.size else nan,
    }


def _tails(returns: Floats) -> dict[str, Any]:
    return {
        "skew": tails.skew(returns),
        "kurtosis": tails.kurtosis(returns),
        "value_at_risk": tails.value_at_risk(returns),
        "expected_shortfall": tails.expected_shortfall(returns),
        "tail_ratio": tails.tail_ratio(returns),
    }


def _trades(fills: pl.DataFrame) -> dict[str, Any]:
    closed = trades(fills)
    pnl = closed["pnl"].to_numpy()
    hold = (closed["closed"] - closed["opened"]).dt.total_nanoseconds().to_numpy()
    return {
        "trades": closed.height,
        "win_rate": outcomes.win_rate(pnl),
        "average_win": outcomes.average_win(pnl),
        "average_loss": outcomes.average_loss(pnl),
        "profit_factor": outcomes.profit_factor(pnl),
        "expectancy": outcomes.expectancy(pnl),
        "average_hold": float(hold.mean()) / DAY if hold.size else nan,
        "fills": fills.height,
    }


def _trading(whole: Curve, fills: pl.DataFrame, curve: Daily) -> dict[str, Any]:
    gross, value = whole.gross, whole.equity
    traded = float((fills["quantity"] * fills["price"]).sum())
    return {
        "turnover": outcomes.turnover(traded, curve.equity, curve.returns.size / curve.periods),
        "exposure": outcomes.exposure(gross, value),
        "time_in_market": outcomes.time_in_market(gross),
    }


def _costs(total: float, start: float, curve: Daily) -> dict[str, Any]:
    end = float(curve.equity[-1]) if curve.equity.size else nan
    years = curve.returns.size / curve.periods
    return {
        "cost_impact": outcomes.cost_impact(total, start),
        "cost_drag": outcomes.cost_drag(total, start, end, years),
    }


def _curve(equity: pl.DataFrame | Curve) -> Curve:
    if isinstance(equity, Curve):
        return equity
    gross = equity["gross"] if "gross" in equity.columns else pl.Series([], dtype=pl.Float32)
    ts = equity["ts"].cast(pl.Datetime("ns")).to_physical().to_numpy()
    return Curve(ts, equity["equity"].cast(pl.Float64).to_numpy(), gross.to_numpy())


def _moment(ts: NDArray[np.int64]) -> datetime | None:
    return pl.Series(ts).cast(pl.Datetime("ns", "UTC"))[0] if ts.size else None
