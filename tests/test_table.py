"""Rows go in through a door and come out again."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from quantlib.core import Feature, FeatureError
from quantlib.own import feature
from quantlib.schema import TableError
from quantlib.table import bars, books, chains, compute, quotes, trades

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def frame(rows=4, **changes):
    """Bars of one symbol, a minute apart."""
    ts = pl.datetime_range(START, START.replace(minute=30 + rows - 1), "1m", eager=True)
    price = [10.0 + k for k in range(rows)]
    made = {"ts": ts, "symbol": ["AAPL"] * rows, "open": price, "high": [p + 1 for p in price]}
    made |= {"low": [p - 1 for p in price], "close": price, "volume": [100] * rows}
    return pl.DataFrame(made | changes)


@feature()
def middle(high, low):
    return 0.5 * (high + low)


@feature(memory={"last": np.nan}, warmup=1, horizon=1, clock="quote")
def moved(m, bid):
    change = bid - m.last
    m.last = bid
    return change


def test_a_frame_comes_back_as_it_went_in():
    table = bars(frame())
    assert table.rows == 4
    assert table.symbols == ("AAPL",)
    back = table.frame().with_columns(pl.col("symbol").cast(pl.String), pl.col("ts").dt.cast_time_unit("us"))
    assert back.select(frame().columns).equals(frame().with_columns(pl.col("volume").cast(pl.Float64)))


def test_columns_that_fit_are_not_copied():
    given = frame()
    ours = bars(given).columns["close"]
    assert ours.ctypes.data == given["close"].to_numpy().ctypes.data
    assert ours.flags.writeable  # numba's type has that mark, and one signature serves all


def test_a_lazy_frame_and_a_dict_of_arrays_are_rows_too():
    given = frame()
    arrays = {name: given[name].to_numpy() for name in given.columns}
    for rows in (given.lazy(), arrays):
        assert bars(rows).frame().equals(bars(given).frame())


@pytest.mark.parametrize(
    "ts",
    [
        pl.Series([START]).dt.cast_time_unit("ms"),
        pl.Series([START]).dt.cast_time_unit("ns"),
        pl.Series([START]).dt.convert_time_zone("America/New_York"),
        pl.Series([START.replace(tzinfo=None)]),
        pl.Series([1_704_205_800_000_000_000]),
    ],
)
def test_a_moment_may_be_spelled_in_many_ways(ts):
    assert bars(frame(1, ts=ts)).columns["ts"][0] == 1_704_205_800_000_000_000


def test_a_date_is_known_when_its_day_is_over():
    table = bars(frame(1, ts=[date(2024, 1, 2)], ts_event=[date(2024, 1, 2)]))
    assert table.columns["ts"][0] == 1_704_240_000_000_000_000 - 1
    assert table.columns["ts_event"][0] == 1_704_153_600_000_000_000


@pytest.mark.parametrize(
    ("ts", "shown"),
    [
        (pl.Series([date(2500, 1, 1)]), "2500-01-01"),
        (pl.Series([date(2262, 4, 11)]), "2262-04-11"),  # over after the last instant
        (pl.Series([date(1677, 9, 21)]), "1677-09-21"),  # begins before the first one
        (pl.Series([datetime(3000, 1, 1)], dtype=pl.Datetime("us")), "3000-01-01T00:00:00.000000"),
        (pl.Series([datetime(1500, 1, 1)], dtype=pl.Datetime("ms")), "1500-01-01T00:00:00.000"),
        (pl.Series([2**63], dtype=pl.UInt64), "9223372036854775808"),
        (np.array(["3000-01-01"], "datetime64[s]"), "3000-01-01T00:00:00"),
        (np.array(["2500-01-01"], "datetime64[D]"), "2500-01-01"),
    ],
)
def test_a_moment_that_nanoseconds_cannot_tell_is_refused(ts, shown):
    rows = {name: column.to_numpy() for name, column in frame(1).to_dict().items() if name != "ts"}
    with pytest.raises(TableError, match=f"^bars: row 0 has ts {shown}, outside 1677-09-21 to 2262-04-11"):
        bars(rows | {"ts": ts})


def test_the_last_day_that_nanoseconds_can_tell_passes():
    assert bars(frame(1, ts=[date(2262, 4, 10)])).columns["ts"][0] == (106_751 * 86_400 * 10**9) - 1
    rows = {name: column.to_numpy() for name, column in frame(1).to_dict().items()}
    last = np.array([2**63 - 1], "datetime64[ns]")
    assert bars(rows | {"ts": last}).columns["ts"][0] == 2**63 - 1
    assert bars(rows | {"ts": last.astype("datetime64[s]")}).columns["ts"][0] == (2**63 - 1) // 10**9 * 10**9


def test_further_numbers_travel_along_and_further_text_does_not():
    table = bars(frame(score=[1, 2, None, 4], note=["a"] * 4))
    np.testing.assert_array_equal(table.columns["score"], [1, 2, np.nan, 4])
    assert "note" not in table.columns


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Enum(["B", "A", "C"])])
def test_symbols_are_coded_as_they_appear(kind):
    table = bars(frame(symbol=pl.Series(["B", "A", "A", "B"]).cast(kind)))
    assert table.symbols == ("B", "A")
    np.testing.assert_array_equal(table.columns["symbol"], np.array([0, 1, 1, 0], np.int32))


def test_symbols_may_be_given_in_an_order():
    table = bars(frame(symbol=["B", "A", "A", "B"]), symbols=["A", "B", "C"])
    np.testing.assert_array_equal(table.columns["symbol"], [1, 0, 0, 1])
    coded = bars(frame(symbol=[1, 0, 0, 1]), symbols=["A", "B", "C"])
    assert coded.frame().equals(table.frame())


def test_rows_without_symbol_take_the_name_given():
    assert bars(frame().drop("symbol"), "MSFT").symbols == ("MSFT",)
    assert bars(frame().drop("symbol")).frame()["symbol"].to_list() == ["X"] * 4


def test_every_clock_has_a_door():
    ts = [START, START]
    quote = {"ts": ts, "bid": [1.0, 2.5], "ask": [2.0, 2.0], "bid_size": [1, 1], "ask_size": [1, 1]}
    assert quotes(quote).crossed == 1
    assert trades({"ts": ts, "price": [1.0, 1.0], "size": [1, 2], "side": [1, -1]}).clock == "trade"
    levels = {f"{n}_{k}": [v] for k in (0, 1) for n, v in (("bid", 9 - k), ("ask", 10 + k))}
    sizes = {f"{n}_size_{k}": [1] for k in (0, 1) for n in ("bid", "ask")}
    assert books({"ts": ts[:1]} | levels | sizes).rows == 1
    contract = {"ts": ts, "expiry": [date(2024, 1, 19)] * 2, "strike": [5, 5], "right": [1, -1]}
    assert chains(contract | {"bid": [0, 1], "ask": [1, 2]}).columns["expiry"].dtype == np.int64


REFUSED = [
    (
        {"high": [11.0, 5.0, 13.0, 14.0]},
        r"row 1 \(AAPL, 2024-01-02T14:31:00Z\) has high 5.0 below low 10.0; a bar's high",
    ),
    ({"close": [10.0, -1.0, 12.0, 13.0]}, r"row 1 .* has close -1.0; prices are positive"),
    ({"ts": [START.replace(minute=m) for m in (30, 32, 31, 33)]}, r'row 2 .* sort by ts first: frame.sort\("ts"'),
    ({"ts": [START.replace(minute=m) for m in (30, 31, 31, 33)]}, r"row 2 .* repeats a bar of its symbol; keep one"),
    ({"ts": [START, None, START, START]}, r"row 1 has no ts; drop such rows"),
    ({"ts": ["2024-01-02"] * 4}, r"column 'ts' holds text such as '2024-01-02'; parse it first"),
    ({"ts": [1.5, 2.5, 3.5, 4.5]}, r"column 'ts' must be Datetime, Date or int64 nanoseconds UTC, got Float64"),
    ({"ts_event": [START.replace(hour=20)] * 4}, r"row 0 .* has ts_event 2024-01-02T20:30:00Z after ts 2024-01-02T14"),
    ({"open": ["10", "11", "12", "13"]}, r"column 'open' must hold numbers, got String such as '10'; .*cast"),
    ({"symbol": ["AAPL", None, "AAPL", "AAPL"]}, r"row 1 has no symbol"),
    ({"symbol": [0, 0, 0, 0]}, r"column 'symbol' holds integer codes; say what they stand for with symbols="),
    ({"symbol": [0.5] * 4}, r"column 'symbol' must hold text, got Float64"),
]


@pytest.mark.parametrize(("changes", "says"), REFUSED)
def test_bad_rows_are_refused_with_row_rule_value_and_cure(changes, says):
    with pytest.raises(TableError, match=f"^bars: {says}"):
        bars(frame(**changes))


@pytest.mark.parametrize(
    ("given", "meant"),
    [({"ts": "Timestamp"}, "ts"), ({"ts": "Date"}, "ts"), ({"close": "Close"}, "close"), ({"high": "h"}, "high")],
)
def test_a_missing_column_comes_with_what_was_probably_meant(given, meant):
    (there,) = given.values()
    with pytest.raises(TableError, match=rf"column '{meant}' is missing.* Did you mean '{there}'\? frame.rename"):
        bars(frame().rename(given))


def test_an_unknown_symbol_is_refused_with_the_nearest():
    with pytest.raises(TableError, match=r"row 0 has unknown symbol 'AAPL'; known are APPL, MSFT. Did you mean 'APPL'"):
        bars(frame(), symbols=["APPL", "MSFT"])
    with pytest.raises(TableError, match="row 1 has symbol code 7; there are codes 0 to 1"):
        bars(frame(symbol=[0, 7, 0, 0]), symbols=["A", "B"])


def test_what_is_no_frame_is_refused():
    with pytest.raises(TableError, match="polars DataFrame or as a dict of arrays, got list"):
        bars([1, 2, 3])
    with pytest.raises(TableError, match="no rows, so no symbols"):
        bars(frame().head(0))
    with pytest.raises(TableError, match="nothing to name"):
        bars(frame(), "MSFT")
    with pytest.raises(TableError, match="column 'symbol' is missing, and 2 symbols are given"):
        bars(frame().drop("symbol"), symbols=["A", "B"])
    with pytest.raises(TableError, match="one length"):
        bars({"ts": np.arange(3), "open": np.ones(2), "high": np.ones(3), "low": np.ones(3), "close": np.ones(3)})


def test_compute_puts_columns_beside_those_of_the_frame():
    given = frame(note=["a"] * 4)
    got = compute(middle(), given)
    assert got.select(given.columns).equals(given)
    assert got["middle"].to_list() == [10.0, 11.0, 12.0, 13.0]
    assert compute([middle()], bars(given))["middle"].to_list() == got["middle"].to_list()
    assert compute([middle()], given.lazy()).equals(got)


def test_compute_twice_is_compute_once():
    once = compute([middle()], frame())
    assert compute([middle()], once).equals(once)


def test_compute_refuses_rows_of_another_clock():
    with pytest.raises(TableError, match="the features run on quotes, the table holds bars"):
        compute(moved(), bars(frame()))
    with pytest.raises(TableError, match="quotes: column 'bid' is missing"):
        compute(moved(), frame())
    with pytest.raises(FeatureError, match="share a clock"):
        compute([moved(), middle()], frame())
    with pytest.raises(TableError, match="no features"):
        compute([], frame())


def test_compute_never_replaces_a_column_of_the_market():
    clash: Feature = middle(out="close")
    with pytest.raises(TableError, match="writes 'close', which is a column of bars"):
        compute(clash, frame())
