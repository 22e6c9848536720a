"""The law of the wire: a run through the real client, both websockets and REST is the backtest, bit for bit."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import backtest
from backtest.costs import Costs
from backtest.result import Result
from live.errors import ConfigError
from live.journal import read
from live.parity import check, explained
from live.rehearsal import rehearse
from live.session import Summary
from live.words import MAGIC, OUTPUT, output_of
from quantlib.desk.memory import Instrument
from quantlib.desk.messages import PARTIAL
from quantlib.desk.policy import Exits, Limits, Policy, fixed_fraction
from quantlib.features.momentum.change import roc
from quantlib.strategy import Strategy
from quantlib.table import Table, bars

MINUTE = 60_000_000_000
OPEN = 1_704_205_800_000_000_000  # 2024-01-02 14:30 UTC
COSTS = Costs(spread=1e-4)
UNTOLD = {"slippage"}  # the exchange knows the price it moved from; a broker tells only the price it gave


def day(
    rows: int = 120, symbols: tuple[str, ...] = ("AAA", "BBB", "CCC"), seed: int = 3, missing: float = 0.0
) -> Table:
    """One-minute bars of a session."""
    rng = np.random.default_rng(seed)
    count = rows * len(symbols)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, (rows, len(symbols))), axis=0)).ravel().round(2)
    opened = (close * (1 + rng.normal(0, 0.0005, count))).round(2)
    high = (np.maximum(close, opened) * (1 + np.abs(rng.normal(0, 0.001, count)))).round(2)
    low = (np.minimum(close, opened) * (1 - np.abs(rng.normal(0, 0.001, count)))).round(2)
    ts = OPEN + np.repeat(np.arange(1, rows + 1), len(symbols)) * MINUTE
    here = rng.random(count) >= missing
    here[: len(symbols)] = True
    columns = {
        "ts": ts, "ts_event": ts - MINUTE, "symbol": np.tile(np.array(symbols), rows), "open": opened, "high": high,
        "low": low, "close": close, "volume": rng.integers(100, 9000, count).astype(float),
    }  # fmt: skip
    return bars({name: column[here] for name, column in columns.items()}, symbols=symbols)


def momentum(**changes: object) -> Strategy:
    """Trades often, both ways, with brackets at fixed prices."""
    policy = Policy(
        enter=0.1, leave=0.0, short=True, sizing=fixed_fraction(0.03),
        exits=Exits(stop=0.004, target=0.006, anchored=True), limits=Limits.off(),
    )  # fmt: skip
    return Strategy((roc(n=5, out="score"),), policy._replace(**changes), name="momentum")  # type: ignore[arg-type]


def told(folder: Path) -> list:
    return [output_of(frame.payload) for frame in read(folder / "journal", MAGIC).frames if frame.kind == OUTPUT]


def agree(folder: Path, done: Summary, result: Result) -> None:
    """Everything that the session wrote down is the backtest's."""
    outputs = told(folder)
    steps = [output for output in outputs if len(output.decision)]
    np.testing.assert_array_equal(np.concatenate([o.decision for o in steps]), result.decision)
    np.testing.assert_array_equal(np.array([o.equity for o in steps]).view(np.int64), result.curve.view(np.int64))
    fills = np.concatenate([o.fills for o in steps])
    assert len(fills) == len(result.raw_fills)
    for name in set(fills.dtype.names) - UNTOLD:
        assert fills[name].tobytes() == result.raw_fills[name].tobytes(), name
    ended = np.concatenate([o.ended for o in steps])
    ended, expected = ended[np.argsort(ended["id"], kind="stable")], result.raw_orders
    expected = expected[expected["status"] > PARTIAL]
    for name in set(ended.dtype.names) - {"next"}:
        assert ended[name].tobytes() == expected[name].tobytes(), name


@pytest.mark.parametrize(
    "changes",
    [{}, {"limit_ticks": 3}, {"gtc": True, "limit_ticks": 12}, {"exits": Exits(max_rows=4)}],
    ids=["brackets", "limits", "patient limits", "no brackets"],
)
def test_a_run_through_the_wire_is_the_backtest(tmp_path, changes):
    one, table = momentum(**changes), day()
    result = backtest.run(one, table, cash=1e5, costs=COSTS)
    assert len(result.raw_fills) > 20
    done = rehearse(one, table, tmp_path / "wire", cash=1e5, costs=COSTS)
    agree(tmp_path / "wire", done, result)


def test_symbols_without_a_bar_are_not_waited_for_and_change_nothing(tmp_path):
    one, table = momentum(), day(40, missing=0.2)
    result = backtest.run(one, table, cash=1e5, costs=COSTS)
    assert len(result.raw_fills) > 5
    agree(tmp_path / "wire", rehearse(one, table, tmp_path / "wire", cash=1e5, costs=COSTS), result)


def test_a_session_through_the_wire_is_retraced_and_nothing_of_its_profit_is_unexplained(tmp_path):
    one, table = momentum(), day(60)
    done = rehearse(one, table, tmp_path / "wire", cash=1e5, costs=COSTS)
    found = check(tmp_path / "wire", one)
    assert found.holds, found
    assert found.decisions == table.rows
    parts = explained(tmp_path / "wire", one)
    assert parts.actual == parts.expected == parts.ideal == done.equity
    assert (parts.data, parts.fills, parts.latency, parts.fees, parts.single) == (0.0, 0.0, 0.0, 0.0, 0)
    assert parts.matched > 10


def test_a_real_day_through_the_wire_is_the_backtest(tmp_path):
    path = (
        Path(__file__).parents[2].parent
        / "shared"
        / "data"
        / "klines_1m"
        / "equity"
        / "us_24tickers_20190211-15.parquet"
    )
    if not path.exists():
        pytest.skip(f"no real bars: {path} is absent")
    frame = pl.read_parquet(path).filter(pl.col("open_time").dt.date() == dt.date(2019, 2, 12))
    length = pl.duration(minutes=1)
    frame = frame.select(
        (pl.col("open_time") + length).alias("ts"), pl.col("open_time").alias("ts_event"), "symbol", "open", "high",
        "low", "close", "volume",
    )  # fmt: skip
    one, table = momentum(), bars(frame.sort("ts", "symbol"), symbols=sorted(frame["symbol"].unique()))
    result = backtest.run(one, table, cash=1e5, costs=COSTS)
    assert len(result.raw_fills) > 200
    agree(tmp_path / "wire", rehearse(one, table, tmp_path / "wire", cash=1e5, costs=COSTS), result)


def test_brackets_that_hang_on_the_fill_price_are_refused_before_anything_is_sent(tmp_path):
    with pytest.raises(ConfigError, match="anchored=True"):
        rehearse(momentum(exits=Exits(stop=0.01)), day(5), tmp_path / "wire", cash=1e5, costs=COSTS)
    assert not (tmp_path / "wire").exists()


def test_costs_that_no_wire_tells_are_refused(tmp_path):
    with pytest.raises(ValueError, match="tells no rate"):
        rehearse(momentum(), day(5), tmp_path / "wire", cash=1e5, costs=Costs(rate=1e-4))


def test_stocks_and_pairs_of_one_tape_come_over_two_streams_and_none_is_late(tmp_path):
    one, table = momentum(gtc=True), day(60, symbols=("AAA", "BTC/USD"))
    sizes = {"AAA": Instrument(), "BTC/USD": Instrument(lot=1e-4)}
    one = one._replace(policy=one.policy._replace(short=False, exits=Exits(max_rows=4)))
    result = backtest.run(one, table, cash=1e5, costs=COSTS, instruments=sizes)
    assert len(result.raw_fills) > 4
    done = rehearse(one, table, tmp_path / "wire", cash=1e5, costs=COSTS, instruments=sizes)
    agree(tmp_path / "wire", done, result)
