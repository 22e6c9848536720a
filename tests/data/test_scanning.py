"""Files are read piece by piece: the same rows, in memory for a piece; and every row left out is told."""

import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from recorded import raw

from quantlib import rebuild
from quantlib.data import DataError, DroppedRows, load, read, scan
from quantlib.schema import TableError

ROOT = Path(__file__).parents[2]
STREAMED = [
    ("binance_dump_klines/LTCUSDT-1m-2026-02_head.csv", "bar"),
    ("binance_ws_hftbacktest/usdm_btcusdt_20240808_head.gz", "diff"),
    ("binance_ws_hftbacktest/usdm_btcusdt_20240808_head.gz", "quote"),
    ("bitstamp_l3/2015-05-01.log.xz", "order"),
    ("databento/AAPL_mbp-10_20241021_head.csv.gz", "book"),
    ("databento/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst", "quote"),
    ("lean/equity/usa/tick/ibm/20131007_trade.zip", "trade"),
    ("lean/equity/usa/minute/spy/20131007_quote.zip", "quote"),
    ("lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv", "book"),
    ("lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv", "order"),
    ("tardis/binance-futures_trades_2020-02-22_BTCUSDT.csv.gz", "trade"),
    ("tardis/deribit_incremental_book_L2_BTC-PERPETUAL.csv", "diff"),
]
HEAD = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
LINE = "binance,BTCUSDT,{at},{at},1,buy,{price},{amount}\n"
AT = 1_704_153_600_000_000


def written(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(("name", "clock"), STREAMED, ids=[f"{n}-{c}" for n, c in STREAMED])
def test_a_file_read_in_pieces_gives_the_same_rows(name, clock):
    path = raw(name)
    whole = load(path, clock=clock)
    block = 300 if path.stat().st_size < 3000 else 10_000 if path.stat().st_size < 50_000 else 70_000
    pieces = list(scan(path, clock=clock, block=block))
    assert len(pieces) > 2
    assert_frame_equal(pl.concat([p.frame for p in pieces if p.frame.width]), whole.frame, check_exact=True)


def test_quotes_are_carried_on_from_piece_to_piece(tmp_path):
    folder = tmp_path / "equity"
    folder.mkdir()
    sides = ["1000000,1,0,0", "0,0,1000100,2"]
    text = "".join(f"{34_200_000 + k},{sides[k // 40 % 2]},P,1,0\n" for k in range(200))
    path = written(folder, "20240102_xyz_Quote_Tick.csv", text)
    pieces = list(scan(path, block=500))
    assert len(pieces) > 5
    frame = pl.concat([p.frame for p in pieces])
    assert_frame_equal(frame, load(path).frame)
    assert frame["ask"].null_count() == 40


def test_books_of_diffs_in_pieces_are_those_of_the_whole():
    path = raw("binance_ws_hftbacktest/usdm_btcusdt_20240808_head.gz")
    whole = rebuild.books(load(path).frame).frame()
    memory, parts = rebuild.diffs.start(("BTCUSDT",)), []
    for rows in scan(path, block=50_000):
        _, events = rebuild.events(rows.frame, memory.symbols)
        memory, built = rebuild.diffs.build(memory, events)
        parts.append(built.frame().drop("row"))
    assert_frame_equal(pl.concat(parts), whole.drop("row"))


CODE = """
import resource, sys
from quantlib.data import scan
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
count = sum(r.frame.height for r in scan(sys.argv[1], block=1 << 20))
before = peak()
count = sum(r.frame.height for r in scan(sys.argv[2], block=1 << 20))
print(count, peak() - before)
"""


def test_memory_is_that_of_a_piece_however_long_the_file(tmp_path):
    """A file twenty times as long needs no more; at 32 MiB a piece the same holds for files of any size."""
    line = LINE.format(at=AT, price=42_000.5, amount=0.125)
    short = written(tmp_path, "short.csv", HEAD + line * 30_000)
    long = written(tmp_path, "long.csv", HEAD + line * 600_000)
    assert long.stat().st_size > 40e6
    told = subprocess.run(
        [sys.executable, "-c", CODE, short, long], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(told[0]) == 600_000
    assert float(told[1]) < 40.0, f"{told[1]} MB more"


def test_rows_that_break_a_rule_are_dropped_and_told_with_line_rule_and_values(tmp_path):
    good = LINE.format(at=AT, price=10, amount=1)
    bad = [
        LINE.format(at=AT, price=-1, amount=1),
        LINE.format(at=AT, price="ten", amount=1),
        LINE.format(at="soon", price=10, amount=1),
        "binance,BTCUSDT,17\n",
        LINE.format(at=AT, price=10, amount=-2),
    ]
    path = written(tmp_path, "trades.csv", HEAD + good + "".join(bad) + good + "binance,BTC")
    rows = load(path)
    assert rows.frame.height == 2
    assert rows.dropped.select("line", "rule", "values").rows() == [
        (3, "prices are positive and finite, or NaN where there was none", "price -1.0"),
        (4, "price is no number", "price ten"),
        (5, "timestamp is no whole number", "timestamp soon"),
        (6, "has 3 of 8 fields", "binance,BTCUSDT,17"),
        (7, "sizes are not negative and finite, or NaN where unknown", "size -2.0"),
        (9, "has 2 of 8 fields", "binance,BTC"),
    ]
    assert "2 trade rows, 6 dropped" in repr(rows)
    with pytest.warns(DroppedRows, match=r"6 rows of .* were dropped, the first on line 3 \(prices are positive"):
        assert read(path).equals(rows.frame)
    pieces = list(scan(path, block=100))
    assert sum(p.dropped.height for p in pieces) == 6


@pytest.mark.parametrize("at", [99_999_999_999_999_999, 9_300_000_000_000_000, -5, 0])
def test_a_stamp_that_is_no_time_is_dropped_and_told(tmp_path, at):
    good = LINE.format(at=AT, price=10, amount=1)
    late = f"binance,BTCUSDT,{AT},{at},1,buy,10,1\n"
    rows = load(written(tmp_path, "t.csv", HEAD + good + late + good))
    assert rows.frame["ts"].dt.year().to_list() == [2024, 2024]
    told = (3, "local_timestamp is no time from 1970 to 2262", f"local_timestamp {at}")
    assert rows.dropped.select("line", "rule", "values").rows() == [told]
    dump = load(
        written(tmp_path, "BTCUSDT-trades-2024-01-02.csv", f"1,10,1,10,{AT},True,True\n2,10,1,10,{at},True,True\n")
    )
    assert dump.dropped["rule"].to_list() == ["time is no time from 1970 to 2262"]


def test_lines_of_recordings_that_cannot_be_read_are_told(tmp_path):
    trade = '{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":1,"p":"61800.30","q":"0.006","m":false}'
    kept = f'1723161255088176367 {{"stream":"btcusdt@trade","data":{trade}}}'
    lines = [
        kept,
        kept.replace('"t":1', '"t":'),
        kept.replace("61800.30", "much"),
        "17231612",
        kept,
        f"1723161255088176368 {trade}",
        f"99999999999999999 {trade}",
    ]
    rows = load(written(tmp_path, "r.txt", "\n".join(lines)))
    assert rows.clock == "diff"
    rows = load(tmp_path / "r.txt", clock="trade")
    assert rows.frame["id"].to_list() == [1, 1, 1]
    assert rows.dropped["line"].to_list() == [2, 3, 4, 7]
    log = '1430438404645 trade {"price": 236.47, "amount": 0.2, "id": 8}'
    rows = load(
        written(
            tmp_path,
            "r.log",
            "\n".join(
                [
                    log,
                    log.replace("0.2", "0.2.2"),
                    log.replace("trade", "nothing"),
                    log,
                    log.replace("1430438404645", "9999999999999"),
                ]
            ),
        ),
        clock="trade",
    )
    assert (rows.frame.height, rows.dropped["line"].to_list()) == (2, [2, 3, 5])


def test_a_level_without_a_side_is_told(tmp_path):
    head = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
    lines = [f"x,BTC,{AT},{AT},true,{side},{price},1\n" for side, price in (("bid", 10), ("none", 11), ("ask", ""))]
    rows = load(written(tmp_path, "d.csv", head + "".join(lines)))
    assert rows.frame["last"].to_list() == [1]
    assert rows.dropped["values"].to_list() == [
        "side none, price 11.0, amount 1.0",
        "side ask, price missing, amount 1.0",
    ]


def test_bars_that_repeat_are_dropped_and_told(tmp_path):
    line = "1704153600000,1,2,1,2,5,1704153659999,9,1,1,1,0\n"
    high = "1704153660000,1,2,1,3,5,1704153719999,9,1,1,1,0\n"
    rows = load(written(tmp_path, "BTCUSDT-1m-2024-01-02.csv", line + line + high))
    assert rows.frame.height == 1
    assert rows.dropped["rule"].to_list() == [
        "repeats a bar of its symbol",
        "high below close: a bar's high is its largest price",
    ]
    assert rows.dropped["values"][1] == "high 2.0, close 3.0"


def test_a_file_without_fault_warns_of_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(written(tmp_path, "t.csv", HEAD + LINE.format(at=AT, price=1, amount=1))).height == 1


HEADS = {
    "trade": HEAD,
    "quote": "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n",
    "book": "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount\n",
    "diff": "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n",
}


@pytest.mark.parametrize("clock", HEADS)
def test_a_file_of_a_header_only_gives_no_rows_in_the_columns_of_its_clock(tmp_path, clock):
    row = {"trade": "1,buy,10,1", "quote": "1,11,10,1", "book": "11,1,10,1", "diff": "true,bid,10,1"}[clock]
    full = load(written(tmp_path, "full.csv", HEADS[clock] + f"x,BTC,{AT},{AT},{row}\n"))
    empty = load(written(tmp_path, "empty.csv", HEADS[clock]))
    assert (empty.clock, empty.frame.height, empty.dropped.height) == (clock, 0, 0)
    assert full.frame.height == 1
    assert empty.frame.schema == full.frame.schema
    assert read(tmp_path / "empty.csv").schema == full.frame.schema


def zipped(folder, members):
    with zipfile.ZipFile(folder / "several.zip", "w") as packed:
        for name, text in members.items():
            packed.writestr(name, text)
    return folder / "several.zip"


def test_a_zip_of_two_formats_is_refused_with_both(tmp_path):
    trades = HEAD + LINE.format(at=AT, price=1, amount=1)
    path = zipped(tmp_path, {"a.csv": trades, "b.csv": HEADS["quote"] + f"x,BTC,{AT},{AT},1,11,10,1\n"})
    with pytest.raises(DataError, match=r"two kinds, a.csv \(tardis trades\) and b.csv \(tardis quotes\); unpack it"):
        load(path)


@pytest.mark.parametrize("name", ["README.txt", "zzz.txt", "notes.md"])
def test_a_member_of_no_format_is_told_wherever_it_stands(tmp_path, name):
    trades = HEAD + LINE.format(at=AT, price=1, amount=1)
    rows = load(zipped(tmp_path, {"t.csv": trades, name: "Thank you\nfor reading, this\n"}))
    assert (rows.format, rows.frame.height) == ("tardis trades", 1)
    assert rows.dropped.rows() == [(name, 1, "the member is no tardis trades", "Thank you")]


def test_a_clock_that_is_behind_is_noted(tmp_path):
    text = HEAD + LINE.format(at=AT, price=1, amount=1).replace(f"{AT},{AT}", f"{AT + 5},{AT}")
    rows = load(written(tmp_path, "t.csv", text))
    assert rows.notes == ("ts_event was after ts in 1 rows, and is ts there: the local clock was behind",)
    assert rows.frame["ts_event"].to_list() == rows.frame["ts"].to_list()


def test_what_goes_back_in_time_must_be_read_at_once(tmp_path):
    text = HEAD + "".join(LINE.format(at=AT - k, price=1, amount=1) for k in range(50))
    path = written(tmp_path, "t.csv", text)
    assert load(path).frame["ts"].is_sorted()
    with pytest.raises(DataError, match=r"goes back in time at .*; read it at once"):
        list(scan(path, block=500))


@pytest.mark.parametrize("block", [0, -1])
def test_a_piece_of_no_bytes_is_refused(tmp_path, block):
    path = written(tmp_path, "t.csv", HEAD + LINE.format(at=AT, price=1, amount=1))
    with pytest.raises(ValueError, match=f"block must be at least 1 byte, got {block}"):
        load(path, block=block)
    with pytest.raises(ValueError, match="block must be at least 1 byte"):
        next(scan(path, block=block))


def test_a_clock_that_a_format_has_not_is_refused(tmp_path):
    path = written(tmp_path, "t.csv", HEAD + LINE.format(at=AT, price=1, amount=1))
    with pytest.raises(DataError, match=r"\(tardis trades\) holds trade rows, no quote rows"):
        read(path, clock="quote")


def test_a_file_of_no_known_format_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"is of unknown kind '.bin'; known are .parquet, .*binance"):
        read(written(tmp_path, "x.bin", "what is this"))
    with pytest.raises(TableError, match="column 'ts' is missing"):
        read(written(tmp_path, "x.csv", "a,b\n1,2\n"))


@pytest.mark.parametrize("pack", [".gz", ".xz", ".zst", ".zip"])
def test_what_is_cut_short_while_packed_is_refused(tmp_path, pack):
    names = {
        ".gz": "tardis/binance-futures_trades_2020-02-22_BTCUSDT.csv.gz",
        ".xz": "bitstamp_l3/2015-05-01.log.xz",
        ".zst": "databento/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst",
        ".zip": "lean/equity/usa/minute/spy/20131007_trade.zip",
    }
    whole = raw(names[pack]).read_bytes()
    path = tmp_path / Path(names[pack]).name
    path.write_bytes(whole[: len(whole) * 3 // 4])
    with pytest.raises(DataError, match="cut short"):
        load(path)


@pytest.mark.parametrize(("package", "says"), [("databento_dbn", "is in DBN"), ("zstandard", "packed with Zstandard")])
def test_a_package_that_is_missing_is_told_with_its_extra(monkeypatch, package, says):
    path = raw("databento/futures_trades_2024-07-01T23-58_2024-07-02T00-02.dbn.zst")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DataError, match=rf"{says}.*needs the package.*pip install 'quantlib-parity\[databento\]'"):
        load(path)
