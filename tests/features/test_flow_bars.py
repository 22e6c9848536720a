"""Bars sampled from trades, against bars built one by one."""

import numpy as np
import polars as pl
import pytest
from flow_rows import SECOND, outputs, real_trades, trades

from quantlib import catalog
from quantlib import trades as door
from quantlib.core import FeatureError
from quantlib.features.flow.imbalance_bars import dollar_imbalance_bars, tick_imbalance_bars, volume_imbalance_bars
from quantlib.features.flow.sampled_bars import dollar_bars, tick_bars, time_bars, volume_bars
from quantlib.features.flow.takers import cvd
from quantlib.sampling import sampled

MAKERS = ("time_bars", "tick_bars", "volume_bars", "dollar_bars", "tick_imbalance_bars", "volume_imbalance_bars")


def cut(rows, full):
    """Slices of rows, each ended by the first row at which `full(rows of the bar)` holds."""
    first, bars = 0, []
    for t in range(len(rows["ts"])):
        if full({name: column[first : t + 1] for name, column in rows.items()}):
            bars.append(slice(first, t + 1))
            first = t + 1
    return bars


def described(rows, bars):
    return pl.DataFrame(
        {
            "ts": [rows["ts"][b][-1] for b in bars],
            "ts_event": [rows["ts"][b][0] for b in bars],
            "open": [rows["price"][b][0] for b in bars],
            "high": [rows["price"][b].max() for b in bars],
            "low": [rows["price"][b].min() for b in bars],
            "close": [rows["price"][b][-1] for b in bars],
            "volume": [rows["size"][b].sum() for b in bars],
            "trades": [float(b.stop - b.start) for b in bars],
        }
    )


def compared(table, wanted, moments=True):
    for name in wanted.columns:
        if moments or name not in ("ts", "ts_event"):
            np.testing.assert_allclose(table.columns[name], wanted[name].to_numpy(), rtol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("maker", "full"),
    [
        (tick_bars(17), lambda b: len(b["ts"]) >= 17),
        (volume_bars(250.0), lambda b: b["size"].sum() >= 250.0 - 1e-9),
        (dollar_bars(20_000.0), lambda b: (b["price"] * b["size"]).sum() >= 20_000.0 - 1e-6),
    ],
)
def test_a_bar_ends_with_the_trade_that_fills_it(maker, full):
    rows = trades(2000, rate=0.001)  # so slow that few trades share an instant
    table = sampled(maker, rows)
    wanted = described(rows, cut(rows, full))
    assert table.rows == len(wanted) > 20
    compared(table, wanted, moments=False)
    apart = wanted["ts"].diff().fill_null(1) > 0
    assert (table.columns["ts"] == wanted["ts"].to_numpy())[apart.to_numpy()].mean() > 0.9
    np.testing.assert_array_equal(table.columns["ts_event"], wanted["ts_event"].to_numpy())


def test_bars_of_time_are_those_of_polars():
    rows = trades(3000, seed=1)
    table = sampled(time_bars(10.0), rows)
    frame = pl.DataFrame(rows).with_columns(cell=pl.col("ts") // (10 * SECOND))
    wanted = frame.group_by("cell", maintain_order=True).agg(
        open=pl.col("price").first(),
        high=pl.col("price").max(),
        low=pl.col("price").min(),
        close=pl.col("price").last(),
        volume=pl.col("size").sum(),
        trades=pl.len().cast(pl.Float64),
    )[:-1]
    assert table.rows == len(wanted) > 20
    compared(table, wanted.drop("cell"))
    np.testing.assert_array_equal(table.columns["ts"], (wanted["cell"].to_numpy() + 1) * 10 * SECOND)
    np.testing.assert_array_equal(table.columns["ts_event"], wanted["cell"].to_numpy() * 10 * SECOND)


@pytest.mark.parametrize(
    ("maker", "worth"),
    [
        (tick_imbalance_bars, lambda r: r["side"]),
        (volume_imbalance_bars, lambda r: r["side"] * r["size"]),
        (dollar_imbalance_bars, lambda r: r["side"] * r["size"] * r["price"]),
    ],
)
def test_a_bar_of_imbalance_ends_where_more_came_than_was_expected(maker, worth):
    rows = trades(4000, seed=2)
    rows["side"] = np.where(np.random.default_rng(0).random(4000) < 0.62, 1.0, -1.0)
    signed = worth(rows)
    length, theta, count, mean, wanted = 40.0, 0.0, 0, signed[0], []
    for t in range(4000):
        mean += 2.0 / (5 * 40 + 1.0) * (signed[t] - mean) if t else 0.0
        theta, count = theta + signed[t], count + 1
        full = count >= 300 or (count >= 5 and abs(theta) >= length * abs(mean))
        wanted.append(float(full))
        if full:
            length += 2.0 / 6.0 * (count - length)
            theta, count = 0.0, 0
    feature = maker(40, least=5, most=300, bars=5)
    got = outputs(feature, rows)
    event = next(name for name in feature.outputs if name.endswith("_event"))
    np.testing.assert_array_equal(got[event], wanted)
    assert sum(wanted) > 10


@pytest.mark.parametrize("name", MAKERS)
def test_no_trade_of_complete_bars_is_lost_or_counted_twice(name):
    rows = real_trades("perpetual", 8000)
    table = sampled(catalog.short(name), rows)
    counted = int(table.columns["trades"].sum())
    assert 7000 < counted <= 8000
    assert table.columns["volume"].sum() == pytest.approx(rows["size"][:counted].sum(), rel=1e-9)
    np.testing.assert_array_equal(np.sort(table.columns["ts"]), table.columns["ts"])


def test_bars_of_several_symbols_are_sampled_apart_and_ordered_by_time():
    one, other = trades(600, seed=3), trades(600, seed=4)
    frames = [pl.DataFrame(rows).with_columns(symbol=pl.lit(name)) for name, rows in (("A", one), ("B", other))]
    frame = pl.concat(frames).sort("ts", maintain_order=True)
    both = sampled(volume_bars(100.0), door(frame))
    for code, rows in enumerate((one, other)):
        alone = sampled(volume_bars(100.0), rows)
        mine = both.columns["symbol"] == both.symbols.index("AB"[code])
        for name in ("ts", "open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(both.columns[name][mine], alone.columns[name])


def test_bars_that_end_together_are_a_nanosecond_apart():
    rows = {name: np.full(6, value) for name, value in (("price", 5.0), ("size", 10.0), ("side", 1.0))}
    rows["ts"] = np.array([7, 7, 7, 8, 20, 20], np.int64)
    table = sampled(volume_bars(10.0), rows)
    assert table.columns["ts"].tolist() == [7, 8, 9, 10, 20, 21]
    assert table.columns["ts_event"].tolist() == [7, 7, 7, 8, 20, 20]


def test_what_makes_no_bars_is_refused():
    with pytest.raises(FeatureError, match=r"sampled: cvd\(cvd\) makes no bars of trades; it writes no 'cvd_open'"):
        sampled(cvd(), trades(10))
    with pytest.raises(ValueError, match="tick_imbalance_bars: length must be from least to most, got 5 with 100"):
        tick_imbalance_bars(5)
    with pytest.raises(ValueError, match="dollar_bars: money must be positive and finite, got 0"):
        dollar_bars(0)
    with pytest.raises(ValueError, match="time_bars: seconds must be at least a nanosecond"):
        time_bars(0.0)
