"""Formats of which no file is at hand, from lines written by their published layouts."""

import gzip
import json
import lzma
import zipfile
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from quantlib import bars, chains, quotes, rebuild, trades
from quantlib.data import load, read

DAY = 1_704_153_600  # 2024-01-02 in seconds


def written(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def zipped(folder, name, members):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as packed:
        for member, text in members.items():
            packed.writestr(member, text)
    return path


def column(rows, name):
    return rows.frame[name].to_list()


def seconds(rows, name="ts"):
    return [(t - datetime(2024, 1, 2, tzinfo=UTC)).total_seconds() for t in column(rows, name)]


SPOT_TRADES = "{id},42000.5,0.25,10500.125,{time},{maker},True\n"


def test_binance_spot_trades_change_their_unit_on_the_way(tmp_path):
    first = SPOT_TRADES.format(id=1, time=DAY * 10**3, maker="True")
    second = SPOT_TRADES.format(id=2, time=(DAY + 1) * 10**6, maker="False")
    rows = load(zipped(tmp_path, "BTCUSDT-trades-2024-01-02.zip", {"BTCUSDT-trades-2024-01-02.csv": first + second}))
    assert (rows.format, seconds(rows), column(rows, "side")) == ("binance trades", [0, 1], [-1.0, 1.0])
    assert trades(rows.frame).symbols == ("BTCUSDT",)


@pytest.mark.parametrize(
    "header", ["", "id,price,qty,quote_qty,time,is_buyer_maker\n", "id,price,qty,base_qty,time,is_buyer_maker\n"]
)
def test_binance_futures_trades_come_with_a_header_and_without(tmp_path, header):
    rows = load(written(tmp_path, "ETHUSDT-trades-2024-01.csv", f"{header}7,2300.1,0.5,1150.05,{DAY}000,true\n"))
    assert (rows.format, column(rows, "id"), column(rows, "side")) == ("binance trades", [7], [-1.0])


@pytest.mark.parametrize(
    ("header", "more"),
    [
        ("", ",True"),
        ("agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n", ""),
        ("", ""),
    ],
)
def test_binance_agg_trades(tmp_path, header, more):
    rows = load(
        written(
            tmp_path,
            "BTCUSDT-aggTrades-2024-01.csv",
            f"{header}26129,0.01633102,4.70443515,27781,27785,{DAY}001,False{more}\n",
        )
    )
    assert rows.format == "binance aggTrades"
    assert (column(rows, "side"), column(rows, "last_trade_id"), seconds(rows)) == ([1.0], [27_785], [0.001])


def test_binance_book_ticker(tmp_path):
    header = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n"
    line = f"5,100.1,2,100.2,3,{DAY}000,{DAY}004\n"
    for text in (header + line, line):
        rows = load(written(tmp_path, "BTCUSDT-bookTicker-2024-01-02.csv", text))
        assert (rows.format, seconds(rows), seconds(rows, "ts_event")) == ("binance bookTicker", [0.004], [0])
        assert quotes(rows.frame).columns["ask_size"].tolist() == [3.0]


def test_binance_files_of_no_clock(tmp_path):
    depth = "timestamp,percentage,depth,notional\n2024-01-02 00:00:09,-5.00,100.5,4000000\n"
    rows = load(written(tmp_path, "BTCUSDT-bookDepth-2024-01-02.csv", depth))
    assert (rows.clock, seconds(rows), column(rows, "percentage")) == ("other", [9], [-5.0])
    funding = f"calc_time,funding_interval_hours,last_funding_rate\n{DAY}000,8,0.0001\n"
    rows = load(written(tmp_path, "BTCUSDT-fundingRate-2024-01.csv", funding))
    assert (rows.format, seconds(rows), column(rows, "last_funding_rate")) == ("binance fundingRate", [0], [0.0001])
    names = "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    names += "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
    rows = load(
        written(tmp_path, "BTCUSDT-metrics-2024-01-02.csv", names + "2024-01-02 00:05:00,BTCUSDT,1,2,3,4,5,6\n")
    )
    assert (seconds(rows), column(rows, "sum_open_interest"), column(rows, "symbol")) == ([300], [1.0], ["BTCUSDT"])


MBO = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,"
MBO += "sequence,symbol\n"


def test_databento_orders_make_a_book(tmp_path):
    at, rest = f"{DAY}000000007,{DAY}000000001,160,2,38", "0,{order},{flags},100,1,AAPL\n"
    lines = [
        f"{at},R,N,,0,{rest.format(order=0, flags=8)}",
        f"{at},A,B,100000000000,5,{rest.format(order=11, flags=0)}",
        f"{at},A,A,100500000000,7,{rest.format(order=12, flags=128)}",
        f"{at},M,B,100250000000,4,{rest.format(order=11, flags=128)}",
        f"{at},T,B,100500000000,2,{rest.format(order=0, flags=0)}",
        f"{at},F,A,100500000000,2,{rest.format(order=12, flags=0)}",
        f"{at},C,A,100500000000,2,{rest.format(order=12, flags=128)}",
        f"{at},A,B,99000000000,2,{rest.format(order=13, flags=132)}",
    ]
    path = written(tmp_path, "xnas.mbo.csv", MBO + "".join(lines))
    rows = load(path)
    assert (rows.format, rows.clock) == ("databento mbo csv", "order")
    built = rebuild.books(rows.frame, levels=1)
    assert built.books["bid_0"].tolist() == [100.0, 100.25, 100.25]
    assert built.books["ask_size_0"].tolist() == [7.0, 7.0, 5.0]
    assert built.incidents()["what"].to_list() == ["lost"]
    trade = load(path, clock="trade")
    assert (column(trade, "price"), column(trade, "side")) == ([100.5], [1.0])


def test_databento_trades_and_bars_of_csv(tmp_path):
    names = (
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence\n"
    )
    line = f"{DAY}000000007,{DAY}000000001,0,1,118,T,N,0,{2**63 - 1},4,128,100,9\n"
    rows = load(written(tmp_path, "trades.csv", names + line))
    assert (rows.format, column(rows, "symbol"), column(rows, "price"), column(rows, "side")) == (
        "databento trades csv", ["118"], [None], [None],
    )  # fmt: skip
    names = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
    rows = load(
        written(tmp_path, "ohlcv.csv", names + "2024-01-02T00:00:00.000000000Z,33,1,118,1.5,2,1,1.75,10,ESU4\n")
    )
    assert (rows.format, seconds(rows), seconds(rows, "ts_event")) == ("databento ohlcv csv", [60], [0])
    assert bars(rows.frame).columns["close"].tolist() == [1.75]


def test_databento_bars_of_dbn(tmp_path):
    dbn = pytest.importorskip("databento_dbn")
    one = dbn.OHLCVMsg(
        rtype=35, publisher_id=1, instrument_id=118, ts_event=DAY * 10**9, open=15 * 10**8, high=2 * 10**9, low=10**9,
        close=175 * 10**7, volume=10,
    )  # fmt: skip
    head = dbn.Metadata(
        dataset="GLBX.MDP3", start=DAY * 10**9, stype_out=dbn.SType.INSTRUMENT_ID, symbols=["ESU4"], partial=[],
        not_found=[], mappings=[], schema=dbn.Schema.OHLCV_1D, stype_in=dbn.SType.RAW_SYMBOL,
    )  # fmt: skip
    path = tmp_path / "day.dbn"
    path.write_bytes(head.encode() + bytes(one))
    rows = load(path)
    assert (rows.format, seconds(rows), column(rows, "symbol")) == ("databento ohlcv dbn", [86_400], ["118"])
    assert bars(rows.frame).columns["close"].tolist() == [1.75]


def test_lean_quote_ticks_carry_each_side_on(tmp_path):
    lines = "34200000,1000100,3,0,0,P,1,0\n34200001,0,0,1000300,2,Q,1,0\n"
    lines += "34200002,0,0,1900300,2,Q,1,1\n34200005,1000200,1,0,0,P,1,0\n"
    rows = load(zipped(tmp_path, "equity/usa/tick/xyz/20240102_quote.zip", {"20240102_xyz_Quote_Tick.csv": lines}))
    assert rows.format == "lean quote ticks"
    assert (column(rows, "bid"), column(rows, "ask")) == ([100.01, 100.01, 100.02], [None, 100.03, 100.03])
    assert column(rows, "ask_size") == [None, 2.0, 2.0]
    assert rows.dropped.row(0)[:3] == ("20240102_xyz_Quote_Tick.csv", 3, "marked suspicious by its vendor")
    assert rows.frame["ts"][0] == datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    assert quotes(rows.frame).symbols == ("XYZ",)


def test_lean_coin_ticks_have_fewer_columns_and_points(tmp_path):
    rows = load(zipped(tmp_path, "20240102_trade.zip", {"20240102_btcusd_Trade_Tick.csv": "1,42000.25,0.5\n"}))
    assert (column(rows, "price"), seconds(rows)) == ([42_000.25], [0.001])
    rows = load(
        zipped(tmp_path, "20240102_quote.zip", {"20240102_btcusd_Quote_Tick.csv": "1,42000.25,0.5,42000.5,1\n"})
    )
    assert (column(rows, "bid"), column(rows, "ask_size")) == ([42_000.25], [1.0])


def test_lean_hours_and_option_trades(tmp_path):
    text = "20240102 09:00,1000000,1010000,990000,1005000,10\n20240102 10:00,1005000,1010000,990000,1000000,20\n"
    rows = load(zipped(tmp_path, "equity/usa/hour/xyz.zip", {"xyz.csv": text}))
    assert seconds(rows) == [15 * 3600, 16 * 3600]
    assert column(rows, "close") == [100.5, 100.0]
    member = "20240102_xyz_minute_trade_american_put_1050000_20240119.csv"
    path = zipped(
        tmp_path, "option/usa/minute/xyz/20240102_trade_american.zip", {member: "34200000,100,120,90,110,5\n"}
    )
    rows = load(path)
    assert (rows.format, column(rows, "symbol")) == ("lean option trades", ["XYZ240119P00105000"])
    assert (column(rows, "strike"), column(rows, "right"), column(rows, "close")) == ([105.0], [-1.0], [0.011])
    assert bars(rows.frame).rows == 1
    quote = member.replace("trade", "quote")
    text = "34200000,100,100,100,100,5,-1,-1,-1,-1,5\n34260000,,,,,0,900,900,900,900,5\n"
    rows = load(zipped(tmp_path, "option/20240102_quote_american.zip", {quote: text, quote.replace("put", "call"): ""}))
    assert rows.frame.select("bid", "bid_size", "ask").rows() == [(None, None, 0.09)]
    assert rows.dropped.select("member", "line", "values").rows() == [(quote, 1, "ask -0.0001")]


def answered(folder, name, page):
    return written(folder, name, json.dumps(page))


def test_alpaca_bars(tmp_path):
    bar = {"t": "2024-01-02T14:30:00Z", "o": 10, "h": 12, "l": 9, "c": 11, "v": 100, "n": 5, "vw": 10.5}
    later = bar | {"t": "2024-01-02T14:31:00Z"}
    rows = load(
        answered(tmp_path, "page.json", {"bars": {"AAPL": [bar, later], "MSFT": [bar]}, "next_page_token": None})
    )
    assert (rows.format, column(rows, "symbol")) == ("alpaca bars", ["AAPL", "MSFT", "AAPL"])
    assert [t.minute for t in column(rows, "ts")] == [31, 31, 32]
    assert bars(rows.frame).columns["vwap"].tolist() == [10.5] * 3
    rows = load(answered(tmp_path, "one.json", {"bars": [bar], "symbol": "AAPL", "next_page_token": "x"}), starts="1d")
    assert column(rows, "ts") == [datetime(2024, 1, 3, 14, 30, tzinfo=UTC)]


def test_alpaca_trades_and_quotes_keep_their_nanoseconds(tmp_path):
    trade = {"t": "2024-01-02T00:00:00.123456789Z", "x": "V", "p": 10.5, "s": 100, "c": ["@"], "i": 7, "z": "C"}
    coin = {"t": "2024-01-02T00:00:01Z", "p": 42000.5, "s": 0.5, "i": 8, "tks": "S"}
    rows = load(answered(tmp_path, "t.json", {"trades": {"AAPL": [trade], "BTC/USD": [coin]}, "next_page_token": None}))
    assert trades(rows.frame).columns["ts"][0] == DAY * 10**9 + 123_456_789
    assert column(rows, "side") == [None, -1.0]
    quote = {
        "t": "2024-01-02T00:00:00.000000001Z",
        "ax": "Q",
        "ap": 0,
        "as": 0,
        "bx": "P",
        "bp": 10,
        "bs": 3,
        "c": ["R"],
        "z": "C",
    }
    rows = load(answered(tmp_path, "q.json", {"quotes": {"AAPL": [quote]}, "next_page_token": None}))
    assert (rows.format, column(rows, "ask"), column(rows, "bid_size")) == ("alpaca quotes", [None], [3.0])
    assert quotes(rows.frame).columns["ts"][0] == DAY * 10**9 + 1


def test_alpaca_option_snapshots(tmp_path):
    quote = {"t": "2024-01-02T00:00:05Z", "ax": "A", "ap": 0.5, "as": 10, "bx": "B", "bp": 0.4, "bs": 20, "c": "A"}
    full = {
        "greeks": {"delta": -0.1, "gamma": 0.01, "theta": -0.02, "vega": 0.03, "rho": 0.0},
        "impliedVolatility": 0.3,
    }
    last = {"latestTrade": {"t": "2024-01-02T00:00:01Z", "p": 0.45, "s": 1, "x": "C", "c": "I"}}
    page = {
        "snapshots": {
            "AAPL240126P00050000": full | {"latestQuote": quote} | last,
            "AAPL240126C00150500": last,
            "X": last,
        }
    }
    rows = load(answered(tmp_path, "s.json", page))
    assert (rows.format, column(rows, "strike"), column(rows, "right")) == (
        "alpaca option snapshots",
        [150.5, 50.0],
        [1.0, -1.0],
    )
    assert (column(rows, "delta"), column(rows, "bid")) == ([None, -0.1], [None, 0.4])
    assert rows.dropped["rule"].to_list() == ["is no option's symbol"]
    assert chains(rows.frame).symbols == ("AAPL",)


def test_alpaca_pages_one_a_line_and_a_page_cut_short(tmp_path):
    bar = {"t": "2024-01-02T14:30:00Z", "o": 10, "h": 12, "l": 9, "c": 11, "v": 100}
    pages = [json.dumps({"bars": {s: [bar]}}) for s in ("A", "B")]
    assert load(written(tmp_path, "p.jsonl", "\n".join(pages) + "\n"), starts="1m").frame.height == 2
    with pytest.raises(ValueError, match="is no JSON, or cut short"):
        load(written(tmp_path, "cut.json", pages[0][:-5]), starts="1m")


def test_alpaca_coin_books_are_rebuilt(tmp_path):
    whole = {
        "T": "o",
        "S": "BTC/USD",
        "t": "2024-01-02T00:00:00Z",
        "b": [{"p": 10.0, "s": 1}],
        "a": [{"p": 11, "s": 2}],
        "r": True,
    }
    part = {
        "T": "o",
        "S": "BTC/USD",
        "t": "2024-01-02T00:00:01Z",
        "b": [{"p": 10.0, "s": 0}, {"p": 9.5, "s": 3}],
        "a": [],
    }
    text = "\n".join([json.dumps([whole]), "{broken", json.dumps([part])]) + "\n"
    rows = load(written(tmp_path, "books.jsonl", text))
    built = rebuild.books(rows.frame, levels=1)
    assert (built.books["bid_0"].tolist(), built.books["bid_size_0"].tolist()) == ([10.0, 9.5], [1.0, 3.0])
    assert rows.dropped.select("line", "rule").rows() == [(2, "no order book")]


def test_tardis_diffs_are_rebuilt(tmp_path):
    head = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
    line = "deribit,BTC,{t},{t},{snapshot},{side},{price},{size}\n"
    rows = [
        ("true", "bid", 10, 1),
        ("true", "ask", 11, 2),
        ("false", "bid", 10, 0),
        ("false", "bid", 9, 4),
        ("true", "ask", 20, 1),
    ]
    at = [DAY * 10**6 + k for k in (0, 0, 5, 5, 9)]
    text = "".join(
        line.format(t=t, snapshot=s, side=d, price=p, size=q) for t, (s, d, p, q) in zip(at, rows, strict=True)
    )
    built = rebuild.books(load(written(tmp_path, "deltas.csv", head + text)).frame, levels=1)
    np.testing.assert_array_equal(built.books["bid_0"], [10.0, 9.0, np.nan])
    np.testing.assert_array_equal(built.books["ask_0"], [11.0, 11.0, 20.0])


@pytest.mark.parametrize(
    "styled", ["February 5 2022, 8:09 PM EST", "February 5, 2022 at 8:09 PM EST", "February 5, 2022, 8:09 PM EST"]
)
def test_cboe_dates_come_in_styles(tmp_path, styled):
    names = "Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
    head = (
        f'\nS&P 500 INDEX,Last: 4500.53,Change: 23.09\n"Date: {styled}",Bid: 4494.3,Ask: 4508.7,Size: 1*1,Volume: 0\n'
    )
    line = "Fri Feb 18 2022,SPX220218C04500000,60,1,59,61,5,0.2,0.5,0.001,7,4500.00,"
    line += "SPX220218P04500000,50,-1,0,1,5,0.2,-0.5,0.001,9\n"
    text = head + f"Expiration Date,{names},Strike,{names.replace('Calls', 'Puts')}\n" + line
    rows = load(written(tmp_path, "spx_quotedata.csv", text))
    assert rows.frame["ts"][0] == datetime(2022, 2, 6, 1, 9, tzinfo=UTC)
    assert (column(rows, "right"), column(rows, "bid"), column(rows, "open_interest")) == (
        [1.0, -1.0],
        [59.0, 0.0],
        [7.0, 9.0],
    )
    assert rows.frame.select("symbol", "underlying_last").row(0) == ("SPX", 4500.53)
    assert rows.frame["expiry"][0] == datetime(2022, 2, 18, 21, tzinfo=UTC)


def test_bars_of_yfinance_polygon_and_alpha_vantage_say_when_they_were_known(tmp_path):
    yahoo = "Datetime,Close,High,Low,Open,Volume\n"
    yahoo += "2024-01-02 14:30:00+00:00,11,12,9,10,5\n2024-01-02 14:31:00+00:00,11,12,9,10,5\n"
    assert [t.minute for t in read(written(tmp_path, "AAPL.csv", yahoo))["ts"]] == [31, 32]
    headed = "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDatetime,,,,,\n" + yahoo.split("\n", 1)[1]
    assert [t.minute for t in read(written(tmp_path, "A.csv", headed))["ts"]] == [31, 32]
    daily = "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n2024-01-02,11,12,9,10,5\n"
    assert read(written(tmp_path, "D.csv", daily))["ts"].dt.hour().to_list() == [23]
    polygon = "ticker,volume,open,close,high,low,window_start,transactions\n"
    polygon += "".join(f"AAPL,5,10,11,12,9,{DAY + 60 * k}000000000,3\n" for k in (0, 1))
    assert [t.minute for t in read(written(tmp_path, "p.csv", polygon))["ts"]] == [1, 2]
    client = "open,high,low,close,volume,vwap,timestamp,transactions\n"
    client += "".join(f"10,12,9,11,5,10.5,{DAY + 60 * k}000,3\n" for k in (0, 1))
    assert [t.minute for t in read(written(tmp_path, "AAPL.csv", client))["ts"]] == [1, 2]
    alpha = "timestamp,open,high,low,close,volume\n2024-01-02 19:59:00,10,12,9,11,5\n2024-01-02 16:00:00,10,12,9,11,5\n"
    got = read(written(tmp_path, "IBM.csv", alpha))["ts"].to_list()
    assert got == [datetime(2024, 1, 2, 21, tzinfo=UTC), datetime(2024, 1, 3, 0, 59, tzinfo=UTC)]


def test_lobster_reads_a_zip_of_both_files(tmp_path):
    stem = "XYZ_2024-01-02_34200000_57600000_{}_1.csv"
    message = "34200.000000001,1,5,18,1000000,1\n34200.5,4,5,8,1000000,1\n34201,7,0,0,-1,-1\n"
    book = "9999999999,0,1000000,18\n9999999999,0,1000000,10\n9999999999,0,1000000,10\n"
    path = zipped(tmp_path, "XYZ.zip", {stem.format("message"): message, stem.format("orderbook"): book})
    rows = load(path)
    assert (column(rows, "ask_0"), column(rows, "bid_size_0")) == ([None] * 3, [18.0, 10.0, 10.0])
    assert rows.frame["ts"].to_physical()[0] == (DAY + 5 * 3600 + 34_200) * 10**9 + 1
    trade = load(path, clock="trade")
    assert (column(trade, "side"), column(trade, "size"), column(trade, "hidden")) == ([-1.0], [8.0], [0.0])
    with pytest.raises(ValueError, match="the other is not beside it"):
        load(written(tmp_path, stem.format("orderbook"), book))


@pytest.mark.parametrize("pack", ["gz", "xz", "zst", "zip"])
def test_a_file_may_be_packed(tmp_path, pack):
    text = "".join(SPOT_TRADES.format(id=k, time=DAY * 10**3 + k, maker="True") for k in range(100)).encode()
    path = tmp_path / f"BTCUSDT-trades-2024-01-02.csv.{pack}"
    if pack == "zip":
        path = zipped(tmp_path, path.name, {"BTCUSDT-trades-2024-01-02.csv": text})
    elif pack == "zst":
        path.write_bytes(pytest.importorskip("zstandard").ZstdCompressor().compress(text))
    else:
        path.write_bytes({"gz": gzip, "xz": lzma}[pack].compress(text))
    rows = load(path)
    assert (rows.frame.height, rows.frame["symbol"][0]) == (100, "BTCUSDT")
    assert isinstance(rows.frame["ts"].dtype, pl.Datetime)
