"""The parts of a tear sheet as HTML: cards, tables and bars.  Every text that came from outside is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import isfinite
from typing import NamedTuple

import numpy as np
import polars as pl

from backtest.metrics import Daily, Metrics
from backtest.report.labels import day
from backtest.report.plots import MONTHS, month_grid, month_shades
from quantlib import formats
from quantlib.stats import returns as stats
from quantlib.stats.days import compounded
from quantlib.stats.drawdown import max_drawdown

ROUNDED = 0.0005  # returns up to this are written as 0.0%
SHOWN = 5  # best and worst trades
EMPTY = '<p class="empty">–</p>'


class Cell(NamedTuple):
    """A table cell: text, and the class that colours or places it."""

    text: str
    style: str = ""


def section(title: str, body: str, aside: str = "") -> str:
    """A titled box."""
    small = f"<small>{escape(aside)}</small>" if aside else ""
    return f"<section><h2>{escape(title)}{small}</h2>{body}</section>"


def table(head: Sequence[str], rows: Iterable[Sequence[str | Cell]], foot: Sequence[str | Cell] = ()) -> str:
    """A table whose first column is a name and whose others are numbers; a dash if it has no rows."""
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    if not body:
        return EMPTY
    top = f"<thead><tr>{''.join(f'<th>{escape(h)}</th>' for h in head)}</tr></thead>" if head else ""
    end = f"<tfoot><tr>{_cells(foot)}</tr></tfoot>" if foot else ""
    return f'<div class="scroll"><table>{top}<tbody>{body}</tbody>{end}</table></div>'


def cards(m: Metrics) -> str:
    """The figures that are asked for first."""
    f = formats
    costs = m.fees + m.slippage + m.carry
    shown = (
        ("Total return", f.percent(m.total_return, 1), f"{f.money(m.start_equity)} to {f.money(m.end_equity)}"),
        ("Annual return", f.percent(m.annual_return, 1), f"volatility {f.percent(m.annual_volatility, 1)}"),
        ("Sharpe ratio", f.number(m.sharpe), f"Sortino {f.number(m.sortino)}, Calmar {f.number(m.calmar)}"),
        (
            "Max drawdown",
            f.percent(m.max_drawdown, 1),
            f"longest {f.duration(m.longest_drawdown)}" if m.longest_drawdown else "never below its best",
        ),
        ("Win rate", f.percent(m.win_rate, 0), f"of {f.count(m.trades)} closed trades"),
        ("Profit factor", f.number(m.profit_factor), f"{f.money(m.expectancy, signed=True)} a trade"),
        ("Exposure", f.percent(m.exposure, 0), f"turned over {f.number(m.turnover, 1)} times a year"),
        ("Costs", f.money(costs), f"{f.percent(m.cost_drag)} of return a year"),
    )
    colour = {"Total return": tone(m.total_return), "Annual return": tone(m.annual_return)}
    items = (
        f'<li><span>{name}</span><strong class="{colour.get(name, "")}">{value}</strong><small>{note}</small></li>'
        for name, value, note in shown
    )
    return f'<ul class="cards">{"".join(items)}</ul>'


def months(curve: Daily) -> str:
    """Returns by month, coloured by size, with the year at the end of each row."""
    years, grid = month_grid(curve)
    if not years:
        return EMPTY
    of_year = dict(zip(*_years(curve), strict=True))
    shades = month_shades(grid)
    rows = []
    for year, months_, shade in zip(years, grid, shades, strict=True):
        cells = "".join(_month(float(v), float(s)) for v, s in zip(months_, shade, strict=True))
        total = of_year.get(year, np.nan)
        rows.append(
            f'<tr><th>{year}</th>{cells}<td class="{tone(total, ROUNDED)}">{formats.percent(total, 1)}</td></tr>'
        )
    head = "".join(f"<th>{name}</th>" for name in ("", *MONTHS, "Year"))
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="scroll"><table class="months">{body}</table></div>'


def years(curve: Daily, closed: pl.DataFrame) -> str:
    """One row per year: return, volatility, Sharpe ratio, deepest drawdown, trades closed."""
    names, totals = _years(curve)
    year_of = curve.days.astype("M8[Y]").astype(np.int64) + 1970
    traded = dict(closed.group_by(pl.col("closed").dt.year()).len().iter_rows())
    rows = []
    for year, total in zip(names, totals, strict=True):
        inside = np.flatnonzero(year_of == year)
        r = curve.returns[inside]
        deepest = max_drawdown(curve.equity[max(inside[0] - 1, 0) : inside[-1] + 1])
        volatility, sharpe = stats.annual_volatility(r, curve.periods), stats.sharpe(r, curve.periods)
        rows.append(
            (str(year), Cell(formats.percent(total, 1), tone(total, ROUNDED)), formats.percent(volatility, 1),
             formats.number(sharpe), formats.percent(deepest, 1), formats.count(traded.get(year, 0)))
        )  # fmt: skip
    return table(("Year", "Return", "Volatility", "Sharpe", "Drawdown", "Trades"), rows)


def costs(m: Metrics) -> str:
    """From the profit before costs to what was left, each step with its bar."""
    net = m.end_equity - m.start_equity
    steps = (
        ("Profit before costs", net + m.fees + m.slippage + m.carry),
        ("Commission", -m.fees),
        ("Slippage", -m.slippage),
        ("Carry (borrowing)", -m.carry),
    )
    most = max([abs(v) for _, v in steps if isfinite(v)] + [abs(net) if isfinite(net) else 0.0, 1e-300])
    rows = "".join(_step(name, value, m.start_equity, most, "td") for name, value in steps)
    foot = _step("Profit after costs", net, m.start_equity, most, "td")
    head = '<thead><tr><th></th><th class="left"></th><th>Amount</th><th>Of the start</th></tr></thead>'
    return f'<div class="scroll"><table>{head}<tbody>{rows}</tbody><tfoot>{foot}</tfoot></table></div>'


def extremes(closed: pl.DataFrame) -> str:
    """The trades that earned and that lost most, side by side."""
    best = closed.filter(pl.col("pnl") > 0).sort("pnl", descending=True).head(SHOWN)
    worst = closed.filter(pl.col("pnl") < 0).sort("pnl").head(SHOWN)
    parts = (f"<div><h3>{title}</h3>{_trades(rows)}</div>" for title, rows in (("Best", best), ("Worst", worst)))
    return f'<div class="inner" style="margin-top:18px">{"".join(parts)}</div>'


def orders(frame: pl.DataFrame) -> str:
    """Orders counted by leg and by what became of them."""
    if not frame.height:
        return EMPTY
    counted = (
        frame.group_by(pl.col("leg").cast(pl.String), pl.col("status").cast(pl.String)).len().sort("leg", "status")
    )
    statuses = sorted(counted["status"].unique().to_list(), key=lambda s: (s != "filled", s))
    number = {(leg, status): n for leg, status, n in counted.iter_rows()}
    legs = list(dict.fromkeys(counted["leg"].to_list()))
    rows = []
    for leg in legs:
        counts = [number.get((leg, s), 0) for s in statuses]
        rows.append(
            (leg.capitalize(), *(formats.count(c) if c else formats.DASH for c in counts), formats.count(sum(counts)))
        )
    sums = [sum(number.get((leg, s), 0) for leg in legs) for s in statuses]
    foot = ("All", *(formats.count(s) for s in sums), formats.count(sum(sums)))
    return table(("Leg", *(s.capitalize() for s in statuses), "All"), rows, foot)


def refusals(reasons: Mapping[str, int]) -> str:
    """Why orders were refused, most frequent first, with bars."""
    if not reasons:
        return '<p class="empty">Nothing was refused.</p>'
    most = max(reasons.values())
    rows = (
        f'<tr><td>{escape(reason.replace("_", " ").capitalize())}</td><td class="bar">{_bar(n / most, "")}</td>'
        f"<td>{formats.count(n)}</td></tr>"
        for reason, n in reasons.items()
    )
    return f'<div class="scroll"><table><tbody>{"".join(rows)}</tbody></table></div>'


def everything(m: Metrics) -> str:
    """All metrics under their headings."""
    parts = (f"<div><h3>{title}</h3>{table((), rows)}</div>" for title, rows in m.table() if title != "Refusals")
    return f'<div class="thirds">{"".join(parts)}</div>'


def configuration(config: Mapping[str, object]) -> str:
    """The parameters of the run, in two columns."""
    rows = [(name.replace("_", " "), Cell(_value(value), "wrap")) for name, value in config.items()]
    half = -(-len(rows) // 2)
    return (
        f'<div class="inner"><div>{table((), rows[:half])}</div><div>{table((), rows[half:])}</div></div>'
        if rows
        else EMPTY
    )


def tone(value: float, nothing: float = 0.0) -> str:
    """The colour of a gain or a loss; none for what is written as nought."""
    return "good" if value > nothing else "bad" if value < -nothing else ""


def _cells(row: Sequence[str | Cell]) -> str:
    cells = (c if isinstance(c, Cell) else Cell(c) for c in row)
    return "".join(
        f"<td{f' class={chr(34)}{c.style}{chr(34)}' if c.style else ''}>{escape(c.text)}</td>" for c in cells
    )


def _month(value: float, shade: float) -> str:
    if not isfinite(value):
        return "<td></td>"
    side = "up" if value >= 0 else "down"
    return f'<td class="{side}" style="--v:{shade:.2f}">{formats.percent(value, 1)}</td>'


def _years(curve: Daily) -> tuple[list[int], list[float]]:
    when, total = compounded(curve.days, curve.returns, "Y")
    return (when.astype(np.int64) + 1970).tolist(), total.tolist()


def _step(name: str, value: float, start: float, most: float, cell: str) -> str:
    share = value / start if start > 0 else np.nan
    bar = _bar(abs(value) / most, tone(value)) if isfinite(value) else ""
    amounts = f"<{cell}>{formats.money(value, signed=True)}</{cell}><{cell}>{formats.percent(share, 1)}</{cell}>"
    return f'<tr><{cell}>{name}</{cell}><td class="bar">{bar}</td>{amounts}</tr>'


def _bar(share: float, style: str) -> str:
    return f'<i class="{style}" style="width:{share:.1%}"></i>' if share > 0 else ""


def _trades(rows: pl.DataFrame) -> str:
    shown = [
        (t["symbol"], Cell(t["side"], "left"), day(t["closed"]), formats.price(t["entry"]), formats.price(t["exit"]),
         Cell(formats.percent(t["return"], 1, signed=True), tone(t["return"])),
         Cell(formats.money(t["pnl"], signed=True), tone(t["pnl"])))
        for t in rows.iter_rows(named=True)
    ]  # fmt: skip
    return table(("Symbol", "", "Closed", "Entry", "Exit", "Return", "Profit"), shown)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
