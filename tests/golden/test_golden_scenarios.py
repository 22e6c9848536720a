"""Three small scenarios, printed as a reader would follow them.  `BLESS=1 pytest tests/golden` writes them anew."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import backtest
from backtest import Costs
from quantlib import bars, compute
from quantlib.desk.policy import DAY_NS, Exits, Gates, Limits, Policy, fixed_lots, risk_per_trade
from quantlib.desk.wishes import cancel, enter_long, leave, order, replace
from quantlib.features import atr, sma
from quantlib.signals.classic import crossover
from quantlib.strategy import Strategy

HERE = Path(__file__).parent
MINUTE = 60_000_000_000
START = 1_704_189_600_000_000_000  # 2024-01-02 10:00 UTC


def prices(closes, *, gap=0.0, wick=0.2):
    """Bars around these closes; each opens `gap` beyond the close before."""
    close = np.asarray(closes, float)
    first = np.append(close[0], close[:-1] + gap)
    return {
        "ts": START + MINUTE * np.arange(len(close)), "open": first,
        "high": np.round(np.maximum(first, close) + wick, 2), "low": np.round(np.minimum(first, close) - wick, 2),
        "close": close, "volume": np.full(len(close), 500.0),
    }  # fmt: skip


def bracket_with_limits():
    """A crossover with a bracket of average true ranges, sized by risk: an entry, an exit by the score, a cooldown."""
    table = bars(prices([20, 20.1, 20.3, 20.6, 20.9, 21.1, 21.2, 20.2, 20.3, 20.7, 21.0, 21.4, 21.9, 22.3], gap=-0.05))
    features = (sma(2, out="fast"), sma(3, out="slow"), atr(2), crossover("fast", "slow"))
    policy = Policy(
        sizing=risk_per_trade(0.003, 0.2), exits=Exits(stop_distances=1.0, target_distances=3.0),
        gates=Gates(cooldown_rows=2), limits=Limits(position=0.25, trade_risk=0.004),
    )  # fmt: skip
    strategy = Strategy(features, policy, distance="atr", name="crossover with a bracket")
    return backtest.run(strategy, table, cash=100_000.0, costs=Costs(per_share=0.005, minimum=1.0, spread=5e-4))


def orders_of_ones_own():
    """A user's orders: a limit replaced, a group of which one cancels the other, a late cancel, a leave."""
    script = {
        0: order("buy", 30, limit=49.5), 1: replace(1, limit=49.9), 3: [
            order("sell", 30, limit=50.8, group=1), order("sell", 30, stop=49.2, group=1)],
        6: enter_long(20, stop=0.02), 8: cancel(11), 9: leave(),
    }  # fmt: skip
    rows = prices([50, 50.1, 49.9, 50.2, 50.4, 50.7, 50.5, 50.3, 50.1, 49.9, 49.8], wick=0.15)
    times = rows["ts"].tolist()
    policy = Policy(limits=Limits(position=0.2, trade_risk=0.02))
    strategy = Strategy((), policy, lambda view: script.get(times.index(view.ts)), name="orders of one's own")
    return backtest.run(strategy, rows, cash=10_000.0, costs=Costs(rate=1e-4))


def a_bad_day():
    """Thin volume, a drawdown that ends the day and leaves the position, the next day up to a halt that keeps it."""
    rows = prices([100, 100.2, 100.1, 97.5, 97.2, 97.4, 97.6, 97.9, 98.4, 98.6], wick=0.1)
    rows["ts"][6:] += DAY_NS
    rows |= {"score": np.array([1.0, 1, 1, 1, 1, 1, 1, 1, 1, 1]), "volume": np.full(10, 60.0)}
    policy = Policy(sizing=fixed_lots(8), limits=Limits(position=0.95, gross=1.0, trade_risk=0.1))
    events = [(int(rows["ts"][8]), "halt")]
    costs = Costs(participation=0.1, rate=2e-4)
    return backtest.run(Strategy((), policy, name="a bad day"), rows, cash=1_000.0, costs=costs, events=events)


SCENARIOS = [bracket_with_limits, orders_of_ones_own, a_bad_day]


def page(result, about):
    """Rows with their features, decisions, orders, fills and equity, as tables of text."""
    table = result.table
    shown = compute(result.strategy.features, table) if result.strategy.features else table.frame()
    clock = pl.col("ts").dt.strftime("%d %H:%M")
    decided = result.decisions.with_columns(said=pl.col("decision") + pl.when(pl.col("reason") != "").then(
        ": " + pl.col("reason")).otherwise(pl.lit(""))).select("ts", "said")  # fmt: skip
    rows = shown.drop("symbol").join(decided, on="ts", how="left").join(result.equity.select("ts", "equity"), on="ts")
    orders = result.orders.drop("symbol").with_columns(
        pl.col("placed", "done").dt.strftime("%d %H:%M"), pl.col("side", "kind", "tif", "leg", "status").cast(pl.String)
    )
    fills = result.fills.drop("symbol").with_columns(clock, pl.col("side", "leg").cast(pl.String))
    refused = result.refusals
    parts = [result.title, "", about]
    named = {
        "rows": rows.with_columns(clock, pl.col("said").fill_null("")), "orders": orders, "fills": fills,
        "refusals": refused,
    }  # fmt: skip
    for name, frame in named.items():
        parts += ["", name, *text(frame)]
    return "\n".join(parts) + "\n"


def text(frame):
    """A frame as lines: columns right-aligned, numbers as short as they are true to six decimals."""
    cells = [list(frame.columns)] + [[cell(v) for v in row] for row in frame.iter_rows()]
    width = [max(len(row[k]) for row in cells) for k in range(len(frame.columns))]
    return ["  ".join(v.rjust(w) for v, w in zip(row, width, strict=True)).rstrip() for row in cells]


def cell(value):
    if value is None or value != value:
        return "."
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_the_scenario_reads_as_it_was_blessed(scenario):
    said, file = page(scenario(), scenario.__doc__), HERE / f"{scenario.__name__}.txt"
    if os.environ.get("BLESS"):
        file.write_text(said, encoding="utf-8")
    assert said == file.read_text(encoding="utf-8"), "if this is what it should be: BLESS=1 pytest tests/golden"
