"""Every fault planted in rows is found, where it is, and sound rows have none."""

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from quantlib.data import indices, sp500
from quantlib.data.quality import QualityLimits, longest_run, quality, robust_scores
from quantlib.features import sma
from quantlib.table import compute

MINUTE = 60_000_000_000


def rows(n=500, seed=0, **columns):
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, n)))
    frame = {"ts": MINUTE * np.arange(1, n + 1), "close": close, "volume": np.round(rng.lognormal(5.0, 0.5, n))}
    return pl.DataFrame(frame | columns)


def found(report):
    return {(f["column"], f["what"]): f for f in report.findings.iter_rows(named=True)}


def test_sound_rows_have_no_findings():
    report = quality(rows())
    assert report.good
    assert str(report) == "500 rows, 1 symbols, 2 columns: no findings"
    assert report.times.row(0, named=True) == {
        "symbol": "X",
        "rows": 500,
        "first": MINUTE,
        "last": 500 * MINUTE,
        "step": float(MINUTE),
        "repeated": 0,
        "backwards": 0,
        "longest_gap": MINUTE,
        "late": 0,
        "gaps": 0,
    }


def test_missing_and_infinite_values_are_counted_apart_from_the_warmup():
    close = rows()["close"].to_numpy().copy()
    close[:20] = np.nan
    close[100:110] = np.nan
    close[200] = np.inf
    report = quality(rows(close=close))
    column = report.columns.filter(pl.col("column") == "close").row(0, named=True)
    assert (column["leading"], column["missing"], column["infinite"]) == (20, 10, 1)
    assert found(report)["close", "missing"]["amount"] == pytest.approx(10 / 480)
    assert found(report)["close", "infinite"]["amount"] == 1.0
    assert quality(rows(close=close), QualityLimits(missing=0.03, infinite=1)).good


def test_null_is_missing_too():
    volume = [None if 50 <= k < 60 else 1.0 + k % 7 for k in range(500)]
    report = quality(rows(volume=volume))
    assert found(report)["volume", "missing"]["amount"] == pytest.approx(0.02)


def test_a_price_that_leaps_is_found_by_its_change_though_its_level_is_usual():
    close = rows()["close"].to_numpy().copy()
    close[321] *= 1.5
    report = found(quality(rows(close=close)))
    assert report["close", "outlier"]["row"] in (321, 322)
    assert set(report) == {("close", "outlier")}
    assert not found(quality(rows(close=np.exp(np.linspace(0.0, 9.0, 500)))))  # steady growth leaps nowhere


def test_a_value_far_out_is_found_by_its_level():
    volume = rows()["volume"].to_numpy().copy()
    volume[77] = 1e9
    report = quality(rows(volume=volume))
    assert found(report)["volume", "outlier"]["row"] == 77
    assert report.columns.filter(pl.col("column") == "volume")["outliers"][0] == 1


def test_values_that_stand_still_are_found_where_they_begin():
    close = rows()["close"].to_numpy().copy()
    close[300:370] = close[300]
    assert found(quality(rows(close=close)))["close", "stale"]["row"] == 300
    assert found(quality(rows(close=close)))["close", "stale"]["amount"] == 70.0
    assert quality(rows(close=close), QualityLimits(stale=70)).good


def test_gaps_repeats_and_rows_out_of_order_are_found():
    ts = MINUTE * np.arange(1, 501)
    ts[250:] += 20 * MINUTE
    report = found(quality(rows(ts=ts)))
    assert set(report) == {("ts", "gap")}
    assert (report["ts", "gap"]["row"], report["ts", "gap"]["amount"]) == (250, 21.0)
    ts = MINUTE * np.arange(1, 501)
    ts[40] = ts[39]
    assert found(quality(rows(ts=ts)))["ts", "repeated"]["row"] == 40
    ts = MINUTE * np.arange(1, 501)
    ts[[60, 61]] = ts[[61, 60]]
    report = found(quality(rows(ts=ts)))
    assert report["ts", "backwards"]["row"] == 61
    assert report["ts", "backwards"]["amount"] == 1.0


def test_a_symbol_that_falls_silent_is_late():
    short = rows(480).with_columns(symbol=pl.lit("GONE"))
    both = pl.concat([rows().with_columns(symbol=pl.lit("HERE")), short]).sort("ts", "symbol")
    report = quality(both)
    assert report.findings.select("symbol", "what", "amount").rows() == [("GONE", "late", 20.0)]
    assert both["symbol"][report.findings["row"][0]] == "GONE"


def test_findings_point_to_rows_of_the_frame():
    frame = indices()
    close = frame["close"].to_numpy().copy()
    close[6001] *= 10.0
    report = quality(frame.with_columns(close=pl.Series(close)))
    finding = found(report)["close", "outlier"]
    assert finding["symbol"] == frame["symbol"][6001]
    assert finding["row"] in (6001, 6003)


def test_real_days_have_none_and_features_keep_their_warmup():
    frame = compute([sma(200)], sp500().select("ts", "symbol", "open", "high", "low", "close"))
    report = quality(frame)
    assert report.good
    assert report.columns.filter(pl.col("column") == "sma")["leading"][0] == 199


def test_a_column_of_events_is_mostly_nothing():
    assert quality(rows(cross_event=np.where(np.arange(500) == 9, 1.0, 0.0))).good


def test_the_text_names_what_was_found():
    frame = rows(close=np.full(500, 3.0))
    assert str(quality(frame)).splitlines() == [
        "500 rows, 1 symbols, 2 columns: 1 findings",
        "X close: 500 equal values in a row, limit 60, row 0",
    ]
    many = rows(**{f"v{k}": np.full(500, 3.0) for k in range(30)})
    assert str(quality(many)).splitlines()[-1] == "… and 10 more in `.findings`"


def test_rows_without_time_are_refused_and_no_rows_are_fine():
    with pytest.raises(ValueError, match="quality: rows need a column 'ts', they bring"):
        quality(pl.DataFrame({"close": [1.0]}))
    assert quality(rows().head(0)).good
    assert "no findings" in str(quality(rows().head(0)))


@example(values=[0.0, 1.0, 5e-324])  # hardly any variation, and one far out
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_robust_scores_are_scipys(values):
    x = np.array(values)
    scale = stats.median_abs_deviation(x, scale="normal")
    if scale > 1e-9:
        np.testing.assert_allclose(robust_scores(x), np.abs(x - np.median(x)) / scale, rtol=1e-9)
    else:
        assert np.isfinite(robust_scores(x)).all()


def test_where_most_values_are_equal_the_mean_deviation_stands_in():
    x = np.zeros(100)
    x[7] = 5.0
    np.testing.assert_allclose(robust_scores(x)[7], 5.0 / (1.2533141373155003 * 0.05))
    assert (robust_scores(np.ones(9)) == 0.0).all()


@given(values=st.lists(st.sampled_from([1.0, 2.0, np.nan, np.inf]), max_size=30))
def test_the_longest_run_is_that_of_a_plain_loop(values):
    best = (0, -1)
    for first in range(len(values)):
        end = first
        while end < len(values) and values[end] == values[first] and np.isfinite(values[first]):
            end += 1
        if end - first > best[0]:
            best = (end - first, first)
    assert longest_run(np.array(values, np.float64)) == best


@pytest.mark.parametrize(
    "dead", [np.full(500, np.nan), pl.Series([None] * 500), pl.Series([None] * 500, dtype=pl.Int64)]
)
@pytest.mark.parametrize("name", ["close", "size"])
def test_a_column_without_a_number_is_missing(name, dead):
    finding = found(quality(rows(**{name: dead})))[name, "missing"]
    assert finding["amount"] == 1.0
    assert f"X {name}: 100.00% of its rows are missing, limit 1.00%" in str(quality(rows(**{name: dead})))
    assert quality(rows(**{name: dead}), QualityLimits(missing=1.0)).good


def test_a_symbol_without_a_number_is_told_though_another_has_some():
    both = [rows().with_columns(symbol=pl.lit("A")), rows(close=np.full(500, np.nan)).with_columns(symbol=pl.lit("B"))]
    assert quality(pl.concat(both)).findings.select("symbol", "column", "what").rows() == [("B", "close", "missing")]


@pytest.mark.parametrize("wrong", [-100.0, 0.0])
@pytest.mark.parametrize("name", ["close", "bid_3"])
def test_a_price_that_is_not_positive_is_found_where_it_is(name, wrong):
    price = rows()["close"].to_numpy().copy()
    price[[123, 200]] = wrong
    report = quality(rows(**{name: price}))
    assert set(found(report)) == {(name, "nonpositive")}
    assert (found(report)[name, "nonpositive"]["row"], found(report)[name, "nonpositive"]["amount"]) == (123, 2.0)
    assert str(report).splitlines()[-1] == f"X {name}: 2 prices are 0 or less, row 123"
    assert quality(rows(**{name: price}), QualityLimits(nonpositive=2)).good
    assert quality(rows(mean=price - 100.0)).columns["nonpositive"].sum() == 0  # what is no price may be below 0


def test_rows_that_belong_nowhere_are_refused():
    named = rows().with_columns(symbol=pl.when(pl.int_range(pl.len()) == 7).then(None).otherwise(pl.lit("A")))
    with pytest.raises(ValueError, match="quality: row 7 has no symbol"):
        quality(named)
    timeless = rows().with_columns(ts=pl.when(pl.int_range(pl.len()) == 9).then(None).otherwise("ts"))
    for kind in (pl.Int64, pl.Datetime("ns")):
        with pytest.raises(ValueError, match="quality: row 9 has no ts"):
            quality(timeless.with_columns(pl.col("ts").cast(kind)))
    with pytest.raises(ValueError, match="quality: column 'ts' must be Datetime, Date or int64"):
        quality(rows().with_columns(pl.col("ts").cast(pl.Float64)))


@pytest.mark.parametrize("name", QualityLimits._fields)
@pytest.mark.parametrize("value", [np.nan, -1, None, "many"])
def test_a_limit_that_is_none_is_refused(name, value):
    with pytest.raises(ValueError, match=f"quality: limit {name} must be a number of at least 0, got"):
        quality(rows(), QualityLimits(**{name: value}))
