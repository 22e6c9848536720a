"""The metrics of a backtest against pandas by hand, and the trades behind them."""

from dataclasses import FrozenInstanceError
from math import isnan

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seeded import FILLS, fills_of, seeded

from backtest.metrics import daily, metrics
from backtest.trades import trades
from quantlib.formats import DASH, MINUS, duration, money, number, percent, price

pd = pytest.importorskip("pandas")

NONE = pl.DataFrame(schema=FILLS)
HOUR = 3_600_000_000_000


def curve(values, step=24 * HOUR, first=19_000 * 24 * HOUR):
    values = np.asarray(values, np.float64)
    ts = pl.Series("ts", first + step * np.arange(values.size)).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
    zeros = np.zeros(values.size, np.float32)
    return pl.DataFrame({"ts": ts, "equity": values, "gross": zeros, "net": zeros})


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_ratios_of_a_daily_curve_are_those_of_pandas(seed):
    r = seeded(3, seed=seed)
    value = pd.Series(np.concatenate(([100_000.0], r.equity["equity"].to_numpy())))
    change = value.pct_change().dropna()
    years = len(change) / 252
    m = r.metrics
    assert m.periods == 252
    assert m.total_return == pytest.approx(value.iloc[-1] / 100_000 - 1)
    assert m.annual_return == pytest.approx((value.iloc[-1] / 100_000) ** (1 / years) - 1)
    assert m.annual_volatility == pytest.approx(change.std() * 252**0.5)
    assert m.sharpe == pytest.approx(change.mean() / change.std() * 252**0.5)
    assert m.sortino == pytest.approx(change.mean() / (change.clip(upper=0) ** 2).mean() ** 0.5 * 252**0.5)
    assert m.max_drawdown == pytest.approx((1 - value / value.cummax()).max())
    assert m.calmar == pytest.approx(m.annual_return / m.max_drawdown)
    assert m.exposure == pytest.approx((r.equity["gross"] / r.equity["equity"]).mean(), rel=1e-6)
    traded = (r.fills["quantity"] * r.fills["price"]).sum()
    assert m.turnover == pytest.approx(traded / 2 / value[1:].mean() / years)
    assert m.cost_impact == pytest.approx((r.fills["fee"].sum() + r.fills["slippage"].sum() + 1234.5) / 100_000)


def test_the_profit_of_all_trades_is_the_profit_of_the_account():
    r = seeded(5)
    assert trades(r.fills)["pnl"].sum() == pytest.approx(r.equity["equity"][-1] - 100_000, abs=1e-6)


def test_a_curve_of_minutes_is_judged_by_its_days():
    rng = np.random.default_rng(3)
    minutes = 100 * np.exp(np.cumsum(rng.normal(0, 1e-4, 1440 * 30)))
    days = minutes.reshape(30, 1440)[:, -1]
    fine = metrics(curve(minutes, HOUR // 60), NONE, cash=100.0)
    coarse = metrics(curve(days), NONE, cash=100.0)
    for name in ("total_return", "annual_return", "sharpe", "sortino", "skew", "value_at_risk"):
        assert getattr(fine, name) == getattr(coarse, name)
    assert fine.max_drawdown > coarse.max_drawdown  # what fell and rose within a day is not hidden


def test_weekends_that_trade_make_a_year_of_365_days():
    assert metrics(curve(np.linspace(100, 110, 100)), NONE).periods == 365
    assert metrics(curve(np.linspace(100, 110, 100)), NONE, periods=260).periods == 260


def test_the_first_row_counts_against_the_cash_that_it_began_with():
    m = metrics(curve([90.0, 95.0, 99.0]), NONE, cash=100.0)
    assert m.total_return == pytest.approx(-0.01)
    assert m.worst_day == pytest.approx(-0.1)
    assert m.max_drawdown == pytest.approx(0.1)
    np.testing.assert_allclose(daily(curve([90.0, 95.0])).returns, [0, 95 / 90 - 1])


@pytest.mark.parametrize("values", [[], [100.0], [100.0] * 50])
def test_nothing_to_judge_prints_dashes(values):
    m = metrics(curve(values), NONE)
    assert isnan(m.sharpe)
    assert isnan(m.win_rate)
    assert DASH in next(line for line in str(m).splitlines() if "Sharpe" in line)
    assert "nan" not in str(m)
    assert "nan" not in m._repr_html_()


def test_metrics_print_as_two_aligned_columns_and_cannot_be_changed():
    m = seeded(3).metrics
    rows = [line for line in str(m).splitlines() if "  " in line]
    assert len({len(row) for row in rows}) == 1
    assert "position_limit" in str(m)
    assert list(m.refusals.values()) == [212, 48, 31, 7]
    assert "Metrics(total_return=" in repr(m)
    assert m.numbers()["sharpe"] == m.sharpe
    with pytest.raises(FrozenInstanceError):
        m.sharpe = 9.0


def test_equity_that_goes_back_in_time_is_refused():
    with pytest.raises(ValueError, match="metrics: equity must be sorted by ts, row 1 is earlier"):
        metrics(curve([1.0, 2.0]).reverse(), NONE)
    with pytest.raises(ValueError, match="periods must be positive"):
        metrics(curve([1.0, 2.0]), NONE, periods=0)


def test_a_round_trip_of_several_fills_is_one_trade():
    rows = [
        ("A", 10, 100, 1),
        ("A", 10, 110, 1),
        ("B", -5, 50, 1),
        ("A", -15, 120, 2),
        ("A", -5, 100, 1),
        ("B", 5, 40, 1),
    ]
    a, b = trades(fills_of(rows)).iter_rows(named=True)
    assert (a["symbol"], a["side"], a["quantity"], a["fills"]) == ("A", "long", 20.0, 4)
    assert (a["entry"], a["exit"]) == (105.0, 115.0)
    assert a["pnl"] == pytest.approx(200 - 5)
    assert a["return"] == pytest.approx(195 / 2100)
    assert (b["symbol"], b["side"], b["pnl"]) == ("B", "short", 48.0)


def test_a_fill_through_zero_closes_one_trade_and_opens_the_next():
    long, short = trades(fills_of([("A", 10, 100, 1), ("A", -30, 110, 3), ("A", 20, 100, 2)])).iter_rows(named=True)
    assert (long["side"], long["pnl"], long["fees"]) == ("long", pytest.approx(98), pytest.approx(2))
    assert (short["side"], short["pnl"], short["fees"]) == ("short", pytest.approx(196), pytest.approx(4))
    assert long["closed"] == short["opened"]


def test_what_is_open_or_came_from_before_is_no_trade():
    assert trades(fills_of([("A", 10, 100, 1), ("A", -4, 110, 1)])).height == 0
    brought = fills_of([("A", -10, 100, 1), ("A", 3, 90, 0), ("A", -3, 95, 0)])
    brought = brought.with_columns(position=pl.col("position") + 10)  # ten were held before the first fill
    assert trades(brought)["pnl"].to_list() == [15.0]
    assert trades(NONE).height == 0


def test_positions_that_are_flat_but_for_rounding_are_flat():
    rows = fills_of([("A", 0.1, 10, 0), ("A", 0.2, 10, 0), ("A", -0.3, 11, 0)])
    assert rows["position"][-1] != 0
    assert trades(rows).height == 1


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(-5, 5).filter(bool), st.integers(50, 150)), max_size=40))
def test_trades_agree_with_a_walk_along_the_fills(rows):
    held, pnl, closed = {}, {}, []
    for symbol, signed, price_ in rows:
        for _ in range(abs(signed)):  # one unit at a time never goes through zero
            unit = 1 if signed > 0 else -1
            held[symbol] = held.get(symbol, 0) + unit
            pnl[symbol] = pnl.get(symbol, 0.0) - unit * price_ - 0.5
            if held[symbol] == 0:
                closed.append(pnl.pop(symbol))
    fills = fills_of([(s, q, p, abs(q) * 0.5) for s, q, p in rows])
    np.testing.assert_allclose(trades(fills)["pnl"].to_numpy(), closed, atol=1e-9)


def test_numbers_are_written_for_people():
    assert percent(0.12345) == "12.35%"
    assert percent(-0.5, 0, signed=True) == f"{MINUS}50%"
    assert percent(0.5, 0, signed=True) == "+50%"
    assert number(-1e-9) == "0.00"
    assert number(-1e-9, signed=True) == "0.00"
    assert money(1234567.8) == "1,234,568"
    assert money(12.3) == "12.30"
    assert price(1.08346) == "1.0835"
    assert price(float("nan")) == number(float("inf")) == duration(float("nan")) == DASH
    assert [duration(d) for d in (800, 30, 1, 0.5, 1 / 1440, 0)] == [
        "2.2 years", "30 days", "1 day", "12 hours", "1 minute", "none",
    ]  # fmt: skip
