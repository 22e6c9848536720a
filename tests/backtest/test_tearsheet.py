"""The tear sheet is one whole file that loads nothing, whatever it is told of."""

import os
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from subprocess import run

import numpy as np
import polars as pl
import pytest
from seeded import Seeded, seeded

from backtest.metrics import daily, metrics
from backtest.report import plots, sections
from backtest.report.tearsheet import page as page_of
from backtest.report.tearsheet import tearsheet as write
from backtest.trades import trades
from quantlib.plots import theme

FIGURES = ("equity", "exposure", "years", "rolling", "distribution", "trades")
VOID = {"meta", "path", "use", "rect", "br"}


class Balance(HTMLParser):
    """Fails on tags that do not close, and gathers ids and what is referred to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "clip-path"):
                self.refers.append(re.sub(r"^url\((.*)\)$", r"\1", value or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def told() -> Seeded:
    return seeded(20, title="Trend <script>alert('&')</script>", symbols=("<SPX>", "N&D"))


@pytest.fixture(scope="module")
def page(told, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("sheet") / "tearsheet.html"
    assert write(told, path, parity="0 differences in 10,062 decisions <b>") == path
    return path.read_text("utf-8")


def test_twenty_years_of_days_stay_under_a_megabyte(page):
    assert len(page.encode()) < 1_000_000


def test_nothing_is_loaded_and_nothing_is_run(page):
    assert not re.search(r"https?:|//[a-z]|<script|<link|<iframe|<img|@import|javascript:|\son\w+=", page)
    assert "default-src 'none'" in page
    body = Balance()
    body.feed(page)
    assert body.refers
    assert {r for r in body.refers if not r.startswith("#")} == set()


def test_the_page_is_well_formed_and_its_ids_are_unique_and_found(page):
    body = Balance()
    body.feed(page)
    assert body.open == []
    assert len(set(body.ids)) == len(body.ids)
    assert {r[1:] for r in body.refers} <= set(body.ids)


def test_what_came_from_outside_is_escaped(page):
    assert "&lt;script&gt;alert(" in page
    assert "&lt;SPX&gt;, N&amp;D" in page
    assert "10,062 decisions &lt;b&gt;" in page


def test_all_figures_and_parts_are_there(page):
    assert page.count("<svg ") == len(FIGURES)
    for name in ("Months", "Years", "Costs", "Trades", "Orders", "Refusals", "All numbers", "Configuration"):
        assert f"<h2>{name}" in page
    assert "Position limit" in page
    assert "0.5 bp + 1.00" in page


def test_figures_take_their_colours_from_the_page(page):
    drawn = "".join(re.findall(r"<svg .*?</svg>", page, flags=re.S))
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) == set()
    assert {f"--{name}" for name in theme.VARIABLES.values()} >= set(re.findall(r"var\((--\w+)\)", drawn))
    assert "font-family" not in drawn


def test_the_same_backtest_gives_the_same_page(told):
    assert page_of(told) == page_of(told)


@pytest.mark.parametrize("kind", ["no rows", "one day", "two days", "flat", "lost everything", "no fills"])
def test_a_backtest_with_little_to_tell_still_makes_a_page(kind, tmp_path):
    r = seeded(1)
    rows = {"no rows": 0, "one day": 1, "two days": 2}.get(kind, r.equity.height)
    equity, fills = r.equity.head(rows), r.fills.head(r.fills.height if kind == "lost everything" else 0)
    if kind == "flat":
        equity = equity.with_columns(equity=pl.lit(100_000.0), gross=pl.lit(0, pl.Float32), net=pl.lit(0, pl.Float32))
    if kind == "lost everything":
        equity = equity.with_columns(equity=pl.col("equity") - pl.int_range(pl.len()) * 1000.0)
    bare = replace(
        r, equity=equity, fills=fills, orders=r.orders.head(0), refusals=r.refusals.head(0), config={}, symbols=(),
        metrics=metrics(equity, fills),
    )  # fmt: skip
    text = write(bare, tmp_path / "t.html").read_text("utf-8")
    assert text.count("<svg ") == len(FIGURES)
    assert not re.search(r"\bnan\b|\binf\b|None", text)
    assert "–" in text


def test_a_page_that_cannot_be_made_leaves_the_old_one_alone(told, tmp_path):
    path = tmp_path / "t.html"
    path.write_text("old")
    with pytest.raises(AttributeError):
        write(replace(told, config=None), path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t.html"]
    write(told, path)
    assert os.listdir(tmp_path) == ["t.html"]
    assert path.stat().st_mode & 0o044  # others may read it as any file


def test_a_folder_that_is_missing_is_named(told, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tearsheet: folder .*nowhere does not exist; make it first"):
        write(told, tmp_path / "nowhere" / "t.html")


def test_a_parity_note_says_whether_it_is_good_news(told):
    assert 'class="parity same"' in page_of(told, parity="0 differences in 5 decisions")
    assert 'class="parity differs"' in page_of(told, parity="3 differences in 5 decisions")
    assert 'class="parity' not in page_of(told)


def test_a_benchmark_is_drawn_and_named(told):
    with_one = plots.equity_and_drawdown(told.equity, told.equity.select("ts", close=pl.col("equity") * 2))
    line = with_one.axes[0].lines[1]
    assert line.get_label() == "benchmark"
    assert line.get_ydata()[0] == told.equity["equity"][0]  # rebased


def test_a_thinned_curve_keeps_its_ends_and_extremes():
    y = np.random.default_rng(0).normal(size=1_000_003)
    y[[500_000, 1_000_001]] = 99.0, -99.0
    x, kept = theme.thinned(np.arange(y.size), y, 100)
    assert kept.size <= 404
    assert (kept.max(), kept.min(), kept[0], kept[-1]) == (99.0, -99.0, y[0], y[-1])
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(y[x], kept)


def test_month_cells_are_the_compounded_days(told):
    curve = daily(told.equity, cash=100_000.0)
    years, grid = plots.month_grid(curve)
    assert years == list(range(1999, 2019))
    assert np.prod(1 + grid[np.isfinite(grid)]) - 1 == pytest.approx(told.metrics.total_return)
    march = (curve.days.astype("M8[M]") == np.datetime64("2007-03")).nonzero()[0]
    change = curve.equity[march[-1]] / curve.equity[march[0] - 1] - 1
    assert grid[2007 - 1999, 2] == pytest.approx(change)
    assert plots.monthly_returns(curve).axes


def test_a_price_carries_its_fills_and_a_sweep_its_cells(told):
    r = seeded(1)
    prices = r.equity.select("ts", symbol=pl.lit("SPX"), close="equity")
    marks = plots.price_with_fills(prices, r.fills, "SPX").axes[0].collections
    assert sum(len(m.get_offsets()) for m in marks) == r.fills.filter(pl.col("symbol") == "SPX").height
    with pytest.raises(ValueError, match=r"no prices of 'SPY'\. Did you mean 'SPX'\?"):
        plots.price_with_fills(prices, r.fills, "SPY")
    sweep = pl.DataFrame({"fast": [1, 1, 2], "slow": [5, 9, 5], "sharpe": [0.5, float("nan"), -1.0]})
    texts = [t.get_text() for t in plots.sweep_heatmap(sweep, "fast", "slow").axes[0].texts]
    assert texts == ["0.50", "−1.00"]
    with pytest.raises(ValueError, match=r"no column 'fst'\. Did you mean 'fast'\?"):
        plots.sweep_heatmap(sweep, "fst", "slow")
    assert trades(r.fills).height == r.metrics.trades


def test_every_order_is_counted_once(told):
    text = sections.orders(told.orders)
    assert re.findall(r"<tfoot>.*?([\d,]+)</td></tr></tfoot>", text) == [f"{told.orders.height:,}"]


def test_matplotlib_waits_until_it_is_asked_for_and_its_windows_stay_away():
    code = """
import sys
import polars as pl
import backtest.report.plots
from backtest.report.tearsheet import svg
early = "matplotlib" in sys.modules
ts = pl.Series("ts", [0, 1, 2]).cast(pl.Datetime("ns"))
figure = backtest.report.plots.equity_and_drawdown(pl.DataFrame({"ts": ts, "equity": [1.0, 2.0, 1.5]}))
svg(figure, "equity", "")
print(early, "matplotlib.pyplot" in sys.modules)
"""
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False False\n"
