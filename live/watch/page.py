"""The report of a day as one HTML page that holds all it needs and runs no script, in the style of the tear sheet."""

from __future__ import annotations

import os
from datetime import datetime
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from backtest.report import plots
from backtest.report.sections import Cell, refusals, section, table, tone
from backtest.report.tearsheet import POLICY
from live.feeds.calendar import NEW_YORK
from live.watch.hours import SECOND
from live.watch.report import SHOWN, Report, Taken, as_json
from quantlib import formats
from quantlib.plots import theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from live.control.follow import Fill

FOLDER = "reports"
PRIVATE = 0o600
FILLS = 200  # in full; the JSON holds all
BASIS = 1e4  # basis points in one


def write(folder: Path, report: Report) -> tuple[Path, Path]:
    """Leave the report in the session's folder as a page and as JSON, each whole or not at all; their paths."""
    aside = folder / FOLDER
    aside.mkdir(mode=0o700, exist_ok=True)
    paths = aside / f"{report.day}.html", aside / f"{report.day}.json"
    for path, text in zip(paths, (page(report), as_json(report)), strict=True):
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(beside, path)
    return paths


def page(report: Report) -> str:
    """The report as text."""
    style = resources.files("backtest.report").joinpath("tearsheet.css").read_text("utf-8")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(report.title)} {report.day}</title><style>{style}</style>"
    )
    body = "".join(
        (
            _headline(report),
            _cards(report),
            section("Equity of the day", _figure(_curve(report), "equity", "Equity and drawdown of the day")),
            section("Fills against expectation", _fills(report), _aside(report)),
            _pair(section("Orders", _counts(report.orders)), section("Refused by the desk", refusals(report.refusals))),
            _pair(section("Held at the end", _positions(report)), section("How long things took", _latency(report))),
            section("Incidents", _incidents(report)),
            section("Operator", _actions(report)),
            section("Parity", _parity(report)),
            _footer(),
        )
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{body}</main></body></html>\n'


def _headline(report: Report) -> str:
    where = f"<span>{escape(report.account)}</span>" if report.account else ""
    verdict = "same" if report.parity.holds else "differs"
    text = report.parity.text.removeprefix("parity: ")
    return (
        f'<header><div><p class="kicker">{escape(report.kind)}</p><h1>{escape(report.title)}</h1>'
        f'<p class="period"><b>{report.day}</b><span>{escape(report.session)}</span>{where}</p></div>'
        f'<p class="parity {verdict}">{escape(text[:80])}</p></header>'
    )


def _cards(report: Report) -> str:
    f = formats
    share = f"{f.percent(report.share, signed=True)} of what the day began with"
    closed = f"{f.count(sum(1 for fill in report.fills if fill.realised))} of them closed"
    nearly_all = f"half of them; 99 of 100 in {_seconds(report.decision.nearly_all)}"
    actions = f"{f.count(len(report.actions))} operator's actions"
    shown = (
        ("Profit", f.money(report.profit, signed=True), share, tone(report.profit)),
        ("Equity", f.money(report.closed), f"from {f.money(report.opened)}", ""),
        ("Drawdown", f.percent(report.drawdown), "deepest of the day", ""),
        ("Fills", f.count(len(report.fills)), f"{closed}, {f.money(report.realised, signed=True)}", ""),
        ("Slippage", f.money(report.slippage, signed=True), "lost against prices decided on", tone(-report.slippage)),
        ("Fees", f.money(report.fees), "commissions of the fills", ""),
        ("Decision", _seconds(report.decision.half), nearly_all, ""),
        ("Incidents", f.count(len(report.incidents)), actions, ""),
    )
    items = (
        f'<li><span>{name}</span><strong class="{colour}">{value}</strong><small>{escape(note)}</small></li>'
        for name, value, note, colour in shown
    )
    return f'<ul class="cards">{"".join(items)}</ul>'


def _curve(report: Report) -> Figure:
    ts = pl.Series([ts for ts, _ in report.equity], dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
    clock = ts.dt.convert_time_zone(NEW_YORK.key).dt.replace_time_zone("UTC", ambiguous="latest")  # drawn as it reads
    frame = pl.DataFrame({"ts": clock, "equity": [equity for _, equity in report.equity]})
    return plots.equity_and_drawdown(frame)


def _fills(report: Report) -> str:
    known = [fill for fill in report.fills if fill.share is not None]
    drawn = _figure(_slippages(known), "slippage", "Slippage of each fill in basis points") if len(known) > 1 else ""
    rows = [
        (fill.symbol, Cell(f"{fill.side} {fill.leg}", "left"), _clock(fill.ts), formats.count(fill.lots),
         formats.price(fill.expected) if fill.expected is not None else formats.DASH, formats.price(fill.price),
         Cell(_basis(fill.share), tone(-(fill.share or 0.0))),
         Cell(formats.money(fill.slippage, signed=True) if fill.slippage is not None else formats.DASH,
              tone(-(fill.slippage or 0.0))))
        for fill in report.fills[-FILLS:]
    ]  # fmt: skip
    more = len(report.fills) - len(rows)
    note = f'<p class="empty">and {formats.count(more)} before them, in the JSON beside this page</p>' if more else ""
    head = ("Symbol", "", "When", "Lots", "Expected", "Had", "Lost, bp", "Lost")
    return drawn + table(head, rows) + note


def _slippages(fills: list[Fill]) -> Figure:
    figure, axes = theme.canvas(10, 2.2)
    theme.heading(axes, "Lost on each fill, basis points of the price expected")
    lost = np.array([(fill.share or 0.0) * BASIS for fill in fills])
    colours = [theme.BAD if value > 0 else theme.GOOD for value in lost]
    axes.bar(range(lost.size), lost, 0.8, color=colours, alpha=0.8)
    axes.axhline(0, color=theme.MUTE, linewidth=0.7)
    axes.set_xticks([])
    theme.numbers(axes.yaxis)
    return figure


def _aside(report: Report) -> str:
    known = [fill.share for fill in report.fills if fill.share is not None]
    return f"{_basis(float(np.mean(known)))} basis points on average" if known else ""


def _counts(counts: dict[str, int]) -> str:
    return table(("Status", "Orders"), [(name.capitalize(), formats.count(n)) for name, n in sorted(counts.items())])


def _positions(report: Report) -> str:
    rows = [
        (p["symbol"], formats.count(p["lots"]), formats.money(p["value"]),
         Cell(formats.money(p["profit"], signed=True), tone(p["profit"])))
        for p in report.positions
    ]  # fmt: skip
    return table(("Symbol", "Lots", "Value", "Not realised"), rows)


def _latency(report: Report) -> str:
    rows = [
        (name, formats.count(one.number), *map(_seconds, (one.half, one.most, one.nearly_all, one.longest)))
        for name, one in (("To decide", report.decision), ("To be answered", report.submit))
        if isinstance(one, Taken)
    ]
    return table(("Since the process began", "Number", "Half", "95%", "99%", "Longest"), rows)


def _incidents(report: Report) -> str:
    rows = [
        (_clock(one.ts), Cell(one.kind, "left"), Cell(one.symbol, "left"), Cell(one.text, "left wrap"))
        for one in report.incidents[-SHOWN * 5 :]
    ]
    return table(("When", "", "", ""), rows) if rows else '<p class="empty">None.</p>'


def _actions(report: Report) -> str:
    rows = [
        (
            _clock(one.ts),
            Cell(f"{one.word} {one.limit}".strip(), "left"),
            Cell(one.who, "left"),
            Cell(one.why, "left wrap"),
        )
        for one in report.actions
    ]
    return table(("When", "", "", ""), rows) if rows else '<p class="empty">Nobody had to act.</p>'


def _parity(report: Report) -> str:
    items = "".join(f"<tr><td class='wrap'>{escape(one)}</td></tr>" for one in report.parity.differences)
    shown = f'<div class="scroll"><table><tbody>{items}</tbody></table></div>' if items else ""
    found = report.parity.parts.items()
    parts = "".join(
        f"<tr><td>{escape(name)}</td><td>{formats.money(value, signed=True)}</td></tr>" for name, value in found
    )
    parted = (
        f"<p>Where its profit parted from the backtest's:</p><table><tbody>{parts}</tbody></table>" if parts else ""
    )
    return f"<p>{escape(report.parity.text)}, of the whole session.</p>{shown}{parted}"


def _footer() -> str:
    return (
        "<footer>A day begins at midnight in New York; times are New York's. Expected is the price an order was "
        "decided at: the last close for market orders, their own price for others. What is lost is against us."
        "</footer>"
    )


def _pair(one: str, two: str) -> str:
    return f'<div class="pair">{one}{two}</div>'


def _figure(figure: Figure, name: str, told: str) -> str:
    return f"<figure>{theme.svg(figure, name, told)}</figure>"


def _clock(ts: int) -> str:
    return datetime.fromtimestamp(ts // SECOND, NEW_YORK).strftime("%H:%M:%S")


def _seconds(value: float | None) -> str:
    if value is None:
        return formats.DASH
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def _basis(share: float | None) -> str:
    return formats.number(share * BASIS, 1, signed=True) if share is not None else formats.DASH
