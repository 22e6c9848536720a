"""A backtest on one page: a single HTML file that holds all it needs and runs no script."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from backtest.metrics import Daily, Metrics, daily
from backtest.report import plots, sections
from backtest.report.labels import day
from backtest.trades import trades
from quantlib.formats import count
from quantlib.plots.theme import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 8  # years: fewer leave room below their table
NAMED = 8  # symbols written out in the headline

POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # the browser itself refuses to load anything


class Told(Protocol):
    """What a tear sheet tells of: the result of a backtest, or anything with these."""

    @property
    def equity(self) -> pl.DataFrame: ...
    @property
    def fills(self) -> pl.DataFrame: ...
    @property
    def orders(self) -> pl.DataFrame: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def config(self) -> Mapping[str, object]: ...
    @property
    def title(self) -> str: ...
    @property
    def symbols(self) -> Sequence[str]: ...


def tearsheet(result: Told, path: str | Path, *, parity: str = "", benchmark: pl.DataFrame | None = None) -> Path:
    """Write a backtest as one HTML page, light or dark as the reader's system is.

    Args:
        result: of a backtest.
        path: the file to write; it appears whole or not at all, in place of what was there.
        parity: a note on how live replay compared, such as "0 differences in 10,062 decisions".
        benchmark: ts, equity or close: drawn beside the equity, rebased to it.

    Returns:
        The path.

    Raises:
        FileNotFoundError: if the folder does not exist.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"tearsheet: folder {target.parent} does not exist; make it first")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(page(result, parity=parity, benchmark=benchmark))
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def page(result: Told, *, parity: str = "", benchmark: pl.DataFrame | None = None) -> str:
    """The tear sheet as text; see `tearsheet`."""
    m = result.metrics
    curve = daily(result.equity, cash=m.start_equity, periods=m.periods)
    closed = trades(result.fills)
    style = resources.files("backtest.report").joinpath("tearsheet.css").read_text("utf-8")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(result.title)}</title><style>{style}</style>"
    )
    body = "".join(
        (
            _headline(result, parity),
            sections.cards(m),
            _curves(result, curve, closed, benchmark),
            _trading(result, closed),
            sections.section("All numbers", sections.everything(m)),
            sections.section("Configuration", sections.configuration(result.config)),
            _footer(m),
        )
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{body}</main></body></html>\n'


def _headline(result: Told, parity: str) -> str:
    m, names = result.metrics, list(result.symbols)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    facts = [f"<b>{day(m.start)}</b> to <b>{day(m.end)}</b>", f"{count(m.days)} day{'' if m.days == 1 else 's'}"]
    if names:
        facts.append(escape(", ".join(names[:NAMED]) + more))
    told = facts[0] + "".join(f"<span>{f}</span>" for f in facts[1:])
    verdict = "same" if parity.startswith("0 ") else "differs"
    note = f'<p class="parity {verdict}">{escape(parity)}</p>' if parity else ""
    return (
        f'<header><div><p class="kicker">Backtest</p><h1>{escape(result.title)}</h1><p class="period">{told}</p></div>'
        f"{note}</header>"
    )


def _curves(result: Told, curve: Daily, closed: pl.DataFrame, benchmark: pl.DataFrame | None) -> str:
    equity = _figure(plots.equity_and_drawdown(result.equity, benchmark), "equity", "Equity and drawdown over time")
    exposure = _figure(plots.exposure_over_time(result.equity), "exposure", "Gross and net exposure over time")
    years = _figure(plots.yearly_returns(curve), "years", "Return by year")
    risk = _figure(plots.rolling_risk(curve), "rolling", "Rolling Sharpe ratio and volatility")
    law = _figure(plots.return_distribution(curve), "distribution", "Distribution of daily returns")
    costs = sections.costs(result.metrics)
    table = sections.years(curve, closed)
    if np.unique(curve.days.astype("M8[Y]")).size < FEW:  # a short table leaves room below it
        table, pair = table + law, sections.section("Costs", costs)
    else:
        pair = _pair(sections.section("Days", law), sections.section("Costs", costs))
    return (
        sections.section("Equity and drawdown", equity)
        + sections.section("Months", sections.months(curve), "return of each month, year at the end")
        + _pair(sections.section("Risk", years + risk), sections.section("Years", table))
        + sections.section("Exposure", exposure)
        + pair
    )


def _trading(result: Told, closed: pl.DataFrame) -> str:
    m = result.metrics
    outcomes = _figure(plots.trade_outcomes(closed), "trades", "Return of each trade")
    orders = f"{count(result.orders.height)} orders, {count(result.fills.height)} fills"
    refused = f"{count(sum(m.refusals.values()))} in all" if m.refusals else ""
    return sections.section(
        "Trades", outcomes + sections.extremes(closed), f"{count(m.trades)} closed, flat to flat"
    ) + _pair(
        sections.section("Orders", sections.orders(result.orders), orders),
        sections.section("Refusals", sections.refusals(m.refusals), refused),
    )


def _pair(left: str, right: str) -> str:
    return f'<div class="pair">{left}{right}</div>'


def _figure(figure: Figure, name: str, label: str) -> str:
    return f"<figure>{svg(figure, name, label)}</figure>"


def _footer(m: Metrics) -> str:
    return (
        "<footer>Ratios are made of daily returns: a day is a UTC calendar day and its value the last one known in it; "
        f"{count(m.periods)} days make a year. Max drawdown looks at every row, so moves inside a day count. "
        "A trade runs from flat to flat; its profit is after commission, and slippage is in its prices. "
        "Past results, and simulated ones all the more, do not say what comes.</footer>"
    )
