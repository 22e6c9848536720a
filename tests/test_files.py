"""A user's own bars from files, and the bars that come bundled."""

from datetime import UTC, datetime

import polars as pl
import pytest

from quantlib.data import DataError, indices, nasdaq, read, sp500
from quantlib.schema import TableError
from quantlib.table import bars

HEADER = "Date,Open,High,Low,Close,Adj Close,Volume\n"
DAY = "2024-01-0{},10,12,9,11,10.5,100\n"


def written(tmp_path, text, name="AAPL.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_names_are_recognised_and_rows_sorted(tmp_path):
    got = read(written(tmp_path, HEADER + DAY.format(3) + DAY.format(2)))
    assert got.columns == ["ts", "symbol", "open", "high", "low", "close", "volume", "adj_close"]
    assert got["symbol"].to_list() == ["AAPL", "AAPL"]
    assert got["ts"].dt.day().to_list() == [2, 3]
    assert got.dtypes[:3] == [pl.Datetime("ns", "UTC"), pl.String, pl.Float64]
    assert bars(got).rows == 2


def test_a_file_with_tickers_needs_no_name(tmp_path):
    text = "time,Ticker,o,h,l,c\n2024-01-02T15:00:00Z,MSFT,1,2,1,2\n2024-01-02T15:00:00Z,AAPL,1,2,1,2\n"
    got = read(written(tmp_path, text))
    assert got["symbol"].to_list() == ["AAPL", "MSFT"]
    assert got["ts"][0] == datetime(2024, 1, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_epochs_are_told_apart_by_their_size(tmp_path, unit):
    text = f"timestamp,open,high,low,close\n{1_704_205_800 * unit},1,2,1,2\n"
    assert read(written(tmp_path, text))["ts"][0] == datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def test_a_bar_named_by_its_open_is_known_when_it_is_over(tmp_path):
    rows = [f"{1_704_205_800_000 + 60_000 * k},1,2,1,2\n" for k in (0, 1, 5)]
    got = read(written(tmp_path, "open_time,open,high,low,close\n" + "".join(rows)))
    assert (got["ts"] - got["ts_event"]).dt.total_seconds().to_list() == [60, 60, 60]
    said = read(written(tmp_path, "timestamp,open,high,low,close\n" + "".join(rows)), starts="5m")
    assert (said["ts"] - said["ts_event"]).dt.total_seconds().to_list() == [300, 300, 300]


def test_a_close_time_says_when_a_bar_is_known(tmp_path):
    got = read(written(tmp_path, "open_time,open,high,low,close,close_time\n1704205800000,1,2,1,2,1704205859999\n"))
    assert (got["ts"] - got["ts_event"])[0].total_seconds() == 59.999


def test_parquet_comes_back_as_it_was(tmp_path):
    given = sp500()
    given.write_parquet(tmp_path / "spx.parquet")
    assert read(tmp_path / "spx.parquet").equals(given)


def test_a_half_written_parquet_is_refused(tmp_path):
    sp500().write_parquet(tmp_path / "spx.parquet")
    whole = (tmp_path / "spx.parquet").read_bytes()
    for size in (1, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "half.parquet").write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"half.parquet is cut short or no .parquet file .*; write it again"):
            read(tmp_path / "half.parquet")


def test_a_half_written_csv_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"cut short: its last line has 3 of 7 fields \('2024-01-03,10,1'\)"):
        read(written(tmp_path, HEADER + DAY.format(2) + "2024-01-03,10,1"))
    with pytest.raises(DataError, match="is empty"):
        read(written(tmp_path, ""))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("bars.xlsx", "x", r"unknown kind '.xlsx'; known are .parquet"),
        ("one.csv", "open_time,open,high,low,close\n1704205800000,1,2,1,2\n", r"one open_time only .*starts='1m'"),
        ("text.csv", "ts,open,high,low,close\nyesterday,1,2,1,2\n", r"stamps like 'yesterday'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_cure(tmp_path, name, text, says):
    with pytest.raises(DataError, match=says):
        read(written(tmp_path, text, name))


@pytest.mark.parametrize(
    ("stamps", "bad"),
    [
        (["03/01/2024", "03/04/2024"], "03/01/2024"),
        (["03/14/2024", "03/15/2024"], "03/14/2024"),
        (["14/03/2024", "15/03/2024"], "14/03/2024"),
        (["01-02-2024", "02-02-2024"], "01-02-2024"),
        (["2024/01/02", "2024/01/03"], "2024/01/02"),
        (["2024-01-02", "03/04/2024"], "03/04/2024"),
        (["2024-01-02", "2024-02-30"], "2024-02-30"),
        (["2024-01-02", "2024-01-03 10:00"], "2024-01-03 10:00"),
        (["2024-01-02T10:00:00Z", "2024-01-03T10:00:00"], "2024-01-03T10:00:00"),
        (["3/1/2024 9:30", "3/4/2024 9:30"], "3/1/2024 9:30"),
    ],
)
def test_stamps_that_are_no_iso_text_are_refused_by_the_first(tmp_path, stamps, bad):
    rows = "".join(f"{stamp},1,2,1,2\n" for stamp in stamps)
    with pytest.raises(DataError, match=f"has stamps like '{bad}', which are no ISO dates or times"):
        read(written(tmp_path, "Date,Open,High,Low,Close\n" + rows))
    pl.DataFrame({"Date": stamps} | {n: [1.0] * 2 for n in ("open", "high", "low", "close")}).write_parquet(
        tmp_path / "text.parquet"
    )
    with pytest.raises(DataError, match=f"has stamps like '{bad}'"):
        read(tmp_path / "text.parquet")


@pytest.mark.parametrize(
    ("stamp", "ns"),
    [
        ("2024-01-02 14:30", 0),
        ("2024-01-02T14:30:00Z", 0),
        ("2024-01-02T14:30Z", 0),
        ("2024-01-02 09:30:00-05:00", 0),
        ("2024-01-02 20:00:00+0530", 0),
        ("2024-01-02T14:30:00.000000007", 7),
        ("2024-01-02 09:30:00.25-05:00", 250_000_000),
    ],
)
def test_iso_text_is_read_to_the_nanosecond(tmp_path, stamp, ns):
    got = read(written(tmp_path, f"time,open,high,low,close\n{stamp},1,2,1,2\n"))
    assert got["ts"].to_physical()[0] == 1_704_205_800_000_000_000 + ns


def test_text_of_a_year_that_nanoseconds_cannot_tell_is_refused(tmp_path):
    with pytest.raises(TableError, match=r"has ts 3000-01-01T.*, outside 1677-09-21 to 2262-04-11"):
        read(written(tmp_path, "time,open,high,low,close\n3000-01-01T00:00:00Z,1,2,1,2\n"))


def test_an_epoch_that_is_no_time_in_any_unit_is_refused(tmp_path):
    with pytest.raises(DataError, match="has the stamp 99999999999999999, which is no time from 1677 to 2262"):
        read(written(tmp_path, "time,open,high,low,close\n99999999999999999,1,2,1,2\n"))


def test_a_time_that_no_clock_in_new_york_showed_is_refused(tmp_path):
    text = "timestamp,open,high,low,close,volume\n2024-03-10 03:30:00,1,2,1,2,5\n2024-03-10 02:30:00,1,2,1,2,5\n"
    with pytest.raises(DataError, match=r"no clock there showed 2024-03-10 02:30:00; .* write it oldest first"):
        read(written(tmp_path, text))


def test_a_missing_file_and_a_wrong_length_are_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*none.csv"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="starts is a length such as '1m', '4h' or '1d', got 'fast'"):
        read(written(tmp_path, HEADER + DAY.format(2)), starts="fast")


@pytest.mark.parametrize("starts", ["0m", "xx", "-1m", "1.5h", "99999999999999w", ""])
def test_a_length_that_is_none_is_refused_for_bars_of_anyone(tmp_path, starts):
    kline = "1704153600000,1,2,1,2,5,1704153659999,9,1,1,1,0\n"
    for path in (written(tmp_path, HEADER + DAY.format(2)), written(tmp_path, kline, "BTCUSDT-1m-2024-01-02.csv")):
        with pytest.raises(DataError, match=f"starts is a length such as '1m', '4h' or '1d', got '{starts}'"):
            read(path, starts=starts)


def test_a_file_without_a_price_or_with_a_bad_one_is_refused_by_the_door(tmp_path):
    with pytest.raises(TableError, match="bars: column 'high' is missing"):
        read(written(tmp_path, "Date,Open,Low,Close\n2024-01-02,1,1,1\n"))
    with pytest.raises(TableError, match=r"row 0 \(AAPL, .*\) has high 8.0 below low 9.0"):
        read(written(tmp_path, HEADER + DAY.format(2).replace("12", "8")))


def test_the_bundled_indices_pass_the_door():
    table = bars(indices())
    assert (table.rows, table.symbols) == (10_062, ("IXIC", "SPX"))
    assert sp500()["close"][0] == pytest.approx(1228.099976)


def test_a_bundled_bar_is_known_at_the_close_in_new_york():
    local = sp500().select(pl.col("ts", "ts_event").dt.convert_time_zone("America/New_York"))
    assert local["ts"].dt.time().unique().cast(pl.String).to_list() == ["16:00:00"]
    assert local["ts_event"].dt.time().unique().cast(pl.String).to_list() == ["09:30:00"]


def test_a_volume_of_zero_in_the_source_is_missing():
    days = nasdaq().filter(pl.col("volume").is_nan())["ts"].dt.date().cast(pl.String).to_list()
    assert days == ["2015-05-12", "2018-01-09"]
    assert not sp500()["volume"].is_nan().any()
