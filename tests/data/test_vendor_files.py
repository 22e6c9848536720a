"""Real files of vendors read as another program, written apart from this one, has read them."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from recorded import SHARED, raw, there

from quantlib.data import format_of, load
from quantlib.table import DOORS

FILES = [
    ("binance_dump_klines/ADABTC-1m-2021-11-27.csv", "binance klines", {"bar": 10}),
    ("binance_dump_klines/LTCUSDT-1m-2026-02_head.csv", "binance klines", {"bar": 2000}),
    (
        "binance_ws_hftbacktest/usdm_btcusdt_20240808_head.gz",
        "binance stream",
        {"diff": 30_995, "quote": 4598, "trade": 912},
    ),
    ("bitstamp_l3/2015-05-01.log.xz", "bitstamp orders", {"order": 250_854, "trade": 575, "book": 5011}),
    ("cboe_quotedata/spx_quotedata_20220611_head.csv", "cboe quotedata", {"chain": 1192}),
    ("databento/AAPL_mbp-10_20241021_head.csv.gz", "databento mbp-10 csv", {"book": 1000, "trade": 60}),
    (
        "databento/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst",
        "databento mbp-1 dbn",
        {"quote": 2288, "trade": 120},
    ),
    ("databento/futures_trades_2024-07-01T23-58_2024-07-02T00-02.dbn.zst", "databento trades dbn", {"trade": 120}),
    ("databento/options_mbp-1_2024-05-09T10h00_2024-05-09T10h05.dbn.zst", "databento mbp-1 dbn", {"quote": 560}),
    ("lean/crypto/coinbase/minute/btcusd/20180405_quote.zip", "lean quote bars", {"quote": 1436}),
    ("lean/crypto/coinbase/minute/btcusd/20180405_trade.zip", "lean trade bars", {"bar": 1440}),
    ("lean/equity/usa/daily/aapl.zip", "lean hour or daily", {"bar": 5849}),
    ("lean/equity/usa/factor_files/aapl.csv", "lean factor file", {"other": 41}),
    ("lean/equity/usa/map_files/aapl.csv", "lean map file", {"other": 2}),
    ("lean/equity/usa/minute/spy/20131007_quote.zip", "lean quote bars", {"quote": 908}),
    ("lean/equity/usa/minute/spy/20131007_trade.zip", "lean trade bars", {"bar": 828}),
    ("lean/equity/usa/tick/ibm/20131007_trade.zip", "lean trade ticks", {"trade": 24_293}),
    ("lean/option/usa/minute/twx/20140605_openinterest_american.zip", "lean open interest", {"chain": 184}),
    ("lean/option/usa/minute/twx/20140605_quote_american.zip", "lean option quotes", {"chain": 30_468}),
    ("lean/option/usa/universes/aapl/20140606.csv", "lean option universe", {"chain": 2180}),
    (
        "lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv",
        "lobster",
        {"book": 999, "order": 1018, "trade": 159},
    ),
    ("lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv", "lobster", {"book": 999}),
    ("tardis/binance-futures_book_snapshot_25_BTCUSDT.csv", "tardis book_snapshot", {"book": 10}),
    ("tardis/binance-futures_book_snapshot_5_BTCUSDT.csv", "tardis book_snapshot", {"book": 10}),
    ("tardis/binance-futures_quotes_2020-02-22_BTCUSDT.csv.gz", "tardis quotes", {"quote": 5000}),
    ("tardis/binance-futures_trades_2020-02-22_BTCUSDT.csv.gz", "tardis trades", {"trade": 5000}),
    ("tardis/deltas_1.csv", "tardis incremental_book_L2", {"diff": 2}),
    ("tardis/deltas_with_snapshot.csv", "tardis incremental_book_L2", {"diff": 9}),
    ("tardis/deribit_incremental_book_L2_BTC-PERPETUAL.csv", "tardis incremental_book_L2", {"diff": 15}),
    ("tardis/derivative_ticker_1.csv", "tardis derivative_ticker", {"other": 2}),
    ("tardis/options_chain.csv", "tardis options_chain", {"chain": 7}),
    ("tardis/trades_1.csv", "tardis trades", {"trade": 2}),
]


@pytest.mark.parametrize(("name", "kind", "clocks"), FILES, ids=[f[0] for f in FILES])
def test_every_sample_is_known_and_all_its_rows_pass_the_door(name, kind, clocks):
    path = raw(name)
    assert format_of(path).name == kind
    for clock, count in clocks.items():
        rows = load(path, clock=clock)
        assert (rows.format, rows.clock, rows.frame.height) == (kind, clock, count)
        assert rows.dropped.is_empty()
        if clock in DOORS:
            assert DOORS[clock](rows.frame).rows == count


def same(name, clock, oracle, columns, on="ts", rows=None):
    """The rows of a sample are the first ones of a file made apart, under other names for its columns."""
    ours = load(raw(name), clock=clock).frame.with_columns(pl.col(pl.Datetime).dt.cast_time_unit("ns"))
    theirs = pl.read_parquet(there(SHARED / oracle)) if isinstance(oracle, str) else oracle
    theirs = theirs.select(pl.col(old).alias(new) for new, old in columns.items())
    theirs = theirs.with_columns(pl.col(pl.Datetime).dt.cast_time_unit("ns"))
    assert_frame_equal(
        ours.select(*columns).head(rows or ours.height),
        theirs.head(rows or ours.height),
        check_dtypes=False,
        rel_tol=1e-15,
        abs_tol=0.0,
    )
    return ours


OHLC = {n: n for n in ("open", "high", "low", "close", "volume")}


def test_klines_agree():
    columns = OHLC | {"ts_event": "open_time", "quote_volume": "quote_volume", "trades": "trades"}
    name = "binance_dump_klines/LTCUSDT-1m-2026-02_head.csv"
    got = same(name, "bar", "klines_1m/crypto/binance_usdm_LTCUSDT.parquet", columns)
    assert (got["ts"] - got["ts_event"]).dt.total_milliseconds().unique().to_list() == [60_000]
    assert got["symbol"].unique().to_list() == ["LTCUSDT"]


def test_streams_agree():
    name, folder = "binance_ws_hftbacktest/usdm_btcusdt_20240808_head.gz", "l2/binance_usdm_BTCUSDT_20240808"
    ids = {"first_id": "first_id", "last_id": "last_id", "price": "price", "size": "qty"}
    same(name, "diff", f"{folder}/depth.parquet", {"ts": "ts_recv", "venue": "ts_exch"} | ids, rows=28_000)
    quote = {"bid": "bid_px", "ask": "ask_px", "bid_size": "bid_qty", "ask_size": "ask_qty", "id": "update_id"}
    same(name, "quote", f"{folder}/book_ticker.parquet", {"ts": "ts_recv"} | quote)
    theirs = pl.read_parquet(there(SHARED / folder / "trades.parquet")).with_columns(
        sign=pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    )
    columns = {"ts": "ts_recv", "price": "price", "size": "qty", "side": "sign", "id": "trade_id"}
    got = same(name, "trade", theirs, columns)
    assert (got["ts_event"] <= got["ts"]).all()
    assert (got["venue"] > got["ts"]).all()


def test_the_order_log_agrees():
    name, folder = "bitstamp_l3/2015-05-01.log.xz", "l2/bitstamp_BTCUSD_20150501_L3"
    same(
        name, "trade", f"{folder}/trades.parquet", {"ts": "ts_recv", "price": "price", "size": "qty", "id": "trade_id"}
    )
    levels = {"ts": "ts_recv"}
    for k in range(20):
        for side in ("bid", "ask"):
            levels |= {f"{side}_{k}": f"{side}_px_{k:02}", f"{side}_size_{k}": f"{side}_qty_{k:02}"}
    same(name, "book", f"{folder}/book_snapshots_20.parquet", levels)
    orders = load(raw(name)).frame.filter(pl.col("action") != 5)
    theirs = pl.read_parquet(there(SHARED / folder / "order_events.parquet"))
    assert orders["order"].to_list() == theirs["order_id"].to_list()
    assert orders["size"].to_list() == theirs["amount_remaining"].to_list()
    words = {"created": 1, "changed": 2, "deleted": 4}
    assert orders["action"].to_list() == theirs["action"].replace_strict(words).to_list()
    assert (orders["side"] == 1).to_list() == (theirs["side"] == "bid").to_list()


def test_ticks_of_equities_agree():
    name = "lean/equity/usa/tick/ibm/20131007_trade.zip"
    columns = {"ts": "ts", "price": "price", "size": "size", "exchange": "exchange", "condition": "condition_hex"}
    got = same(name, "trade", "quotes/us_IBM_20131007_tick_trades.parquet", columns)
    assert got["side"].null_count() == got.height


def test_minutes_of_equities_agree():
    theirs = pl.read_parquet(there(SHARED / "klines_1m/equity/us_minute_trade_bars_lean.parquet"))
    day = theirs.filter((pl.col("symbol") == "SPY") & (pl.col("open_time").dt.date() == pl.date(2013, 10, 7)))
    same("lean/equity/usa/minute/spy/20131007_trade.zip", "bar", day, OHLC | {"ts_event": "open_time"})
    theirs = pl.read_parquet(there(SHARED / "quotes/us_minute_quote_bars_lean.parquet"))
    start = pl.datetime(2013, 10, 7, 8, time_zone="UTC")
    day = theirs.filter((pl.col("symbol") == "SPY") & (pl.col("open_time") >= start)).sort("open_time")
    columns = {"ts_event": "open_time", "bid": "bid_close", "ask": "ask_close", "bid_open": "bid_open"}
    columns |= {"bid_size": "bid_size", "ask_size": "ask_size", "ask_low": "ask_low"}
    same("lean/equity/usa/minute/spy/20131007_quote.zip", "quote", day, columns)


def test_minutes_of_coins_agree():
    theirs = pl.read_parquet(there(SHARED / "quotes/coinbase_BTCUSD_minute_quote_bars.parquet"))
    day = theirs.filter(pl.col("open_time").dt.date() == pl.date(2018, 4, 5))
    columns = {"ts_event": "open_time", "bid": "bid_close", "ask": "ask_close", "ask_size": "ask_size"}
    got = same("lean/crypto/coinbase/minute/btcusd/20180405_quote.zip", "quote", day, columns)
    assert got["bid"][0] == 6778.0


def test_days_of_equities_agree():
    theirs = pl.read_parquet(there(SHARED / "daily/us_lean_raw_with_factors.parquet")).filter(
        pl.col("symbol") == "AAPL"
    )
    ours = load(raw("lean/equity/usa/daily/aapl.zip")).frame
    day = ours.select(pl.col("ts_event").dt.convert_time_zone("America/New_York").dt.date().alias("date"), *OHLC)
    assert_frame_equal(
        day.head(theirs.height), theirs.select("date", *OHLC), check_dtypes=False, rel_tol=1e-15, abs_tol=0.0
    )
    end = ours["ts"].dt.convert_time_zone("America/New_York")
    assert (end.dt.time().unique().cast(pl.String) == "00:00:00").all()


def test_option_quotes_agree():
    theirs = pl.read_parquet(there(SHARED / "options/lean_TWX_minute_quotes_20140605.parquet"))
    keys = ["ts_event", "day", "strike", "right"]
    theirs = theirs.select(
        pl.col("ts").alias("ts_event").dt.cast_time_unit("ns"),
        pl.col("expiry").cast(pl.Date).alias("day"),
        pl.col("strike").cast(pl.Float64),
        pl.when(pl.col("right").cast(pl.String).str.to_lowercase().str.starts_with("c"))
        .then(1.0)
        .otherwise(-1.0)
        .alias("right"),
        *("bid", "ask"),
    ).sort(keys)
    ours = load(raw("lean/option/usa/minute/twx/20140605_quote_american.zip")).frame
    day = pl.col("expiry").dt.convert_time_zone("America/New_York").dt.date().alias("day")
    ours = ours.with_columns(day).select(theirs.columns).sort(keys)
    assert_frame_equal(ours, theirs, check_dtypes=False, rel_tol=1e-15, abs_tol=0.0)


def test_the_universe_agrees():
    theirs = pl.read_parquet(there(SHARED / "options/lean_aapl_eod_universe.parquet"))
    theirs = theirs.filter(
        (pl.col("date") == pl.date(2014, 6, 6)) & (pl.col("underlying").str.to_uppercase() == "AAPL")
    )
    ours = load(raw("lean/option/usa/universes/aapl/20140606.csv")).frame
    assert ours["underlying_close"].unique().to_list() == [92.72]
    ours = ours.with_columns(pl.col("expiry").dt.date(), (pl.col("right") > 0).alias("call"))
    call = pl.col("right").cast(pl.String).str.to_lowercase().str.starts_with("c").alias("call")
    theirs = theirs.with_columns(call, pl.col("expiry").cast(pl.Date))
    keys = ["expiry", "strike", "call"]
    values = ["open", "close", "volume", "open_interest", "implied_volatility", "delta", "rho", "underlying_close"]
    sort = [frame.select(keys + values).sort(keys) for frame in (ours, theirs)]
    assert_frame_equal(*sort, check_dtypes=False, rel_tol=1e-15, abs_tol=0.0)


def test_chains_agree():
    theirs = pl.read_parquet(there(SHARED / "options/cboe_SPX_chain_20220611.parquet"))
    ours = load(raw("cboe_quotedata/spx_quotedata_20220611_head.csv")).frame
    columns = ["contract", "strike", "last", "bid", "ask", "volume", "iv", "delta", "gamma", "open_interest"]
    theirs = theirs.filter(pl.col("contract").is_in(ours["contract"].implode()))
    assert_frame_equal(
        ours.select(columns).sort("contract"), theirs.select(columns).sort("contract"), check_dtypes=False
    )
    assert ours["ts"].dt.cast_time_unit("us")[0] == theirs["asof"][0]
    assert ours["underlying_last"][0] == theirs["underlying_last"][0]


def test_tardis_agrees():
    columns = {"ts": "ts_recv", "ts_event": "ts_exch", "price": "price", "size": "qty"}
    got = same(
        "tardis/binance-futures_trades_2020-02-22_BTCUSDT.csv.gz",
        "trade",
        "trades/binance_usdm_BTCUSDT_20200222_tardis.parquet",
        columns,
    )
    theirs = pl.read_parquet(there(SHARED / "trades/binance_usdm_BTCUSDT_20200222_tardis.parquet")).head(got.height)
    assert (got["side"] == 1.0).to_list() == (theirs["side"] == "buy").to_list()
    same(
        "tardis/binance-futures_quotes_2020-02-22_BTCUSDT.csv.gz",
        "quote",
        "quotes/binance_usdm_BTCUSDT_20200222_tardis_bbo.parquet",
        {"ts": "ts_recv", "bid": "bid_px", "ask": "ask_px", "bid_size": "bid_qty", "ask_size": "ask_qty"},
    )


def test_databento_agrees():
    oracle = "l2/nasdaq_AAPL_20241021_premarket_databento_mbp10/mbp10.parquet"
    levels = {"ts": "ts_recv", "ts_event": "ts_event"}
    for k in range(10):
        for side in ("bid", "ask"):
            levels |= {f"{side}_{k}": f"{side}_px_{k:02}", f"{side}_size_{k}": f"{side}_sz_{k:02}"}
    same("databento/AAPL_mbp-10_20241021_head.csv.gz", "book", oracle, levels)


def test_dbn_gives_the_numbers_that_databentos_own_decoder_gives():
    dbn = pytest.importorskip("databento_dbn")
    zstandard = pytest.importorskip("zstandard")
    path = raw("databento/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst")
    decoder = dbn.DBNDecoder()
    decoder.write(zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read())
    records = [r for r in decoder.decode() if isinstance(r, dbn.MBP1Msg)]
    ours = load(path).frame
    assert ours["ts"].to_physical().to_list() == [r.ts_recv for r in records]
    assert ours["bid"].to_list() == [r.levels[0].pretty_bid_px for r in records]
    assert ours["ask_size"].to_list() == [float(r.levels[0].ask_sz) for r in records]
    trades = [r for r in records if str(r.action) in ("T", "Action.TRADE", "Trade")]
    assert load(path, clock="trade").frame["price"].to_list() == [r.pretty_price for r in trades]
    assert ours["symbol"].unique().to_list() == ["ESU4"]


def test_a_price_of_whole_units_is_the_double_its_text_would_be(tmp_path):
    ours = load(raw("lean/equity/usa/tick/ibm/20131007_trade.zip")).frame["price"].to_list()
    assert ours == [float(f"{round(price * 10_000) / 10_000:.4f}") for price in ours]


def test_a_day_of_quote_ticks_carried_on_is_a_market(tmp_path):
    """LEAN's lines, written back from a file made of them: a spread of one to three cents, hardly ever crossed."""
    theirs = pl.read_parquet(there(SHARED / "quotes/us_IBM_20131007_tick_quotes.parquet"))
    local = pl.col("ts").dt.convert_time_zone("America/New_York")
    price = (pl.col("price") * 10_000).round().cast(pl.Int64)
    is_bid = pl.col("side") == "bid"
    zero = pl.lit(0, pl.Int64)
    lines = theirs.select(
        (local - local.dt.truncate("1d")).dt.total_milliseconds(),
        pl.when(is_bid).then(price).otherwise(zero).alias("bid"),
        pl.when(is_bid).then("size").otherwise(0).alias("bid_size"),
        pl.when(is_bid).then(zero).otherwise(price).alias("ask"),
        pl.when(is_bid).then(0).otherwise("size").alias("ask_size"),
        *("exchange", "condition_hex"),
        pl.col("suspicious").cast(pl.Int8),
    )
    folder = tmp_path / "equity"
    folder.mkdir()
    path = folder / "20131007_ibm_Quote_Tick.csv"
    lines.write_csv(path, include_header=False)
    rows = load(path)
    assert rows.frame.height + rows.dropped.height == theirs.height
    assert rows.dropped.height == theirs["suspicious"].sum()
    clock = rows.frame["ts"].dt.convert_time_zone("America/New_York").dt.time()
    open_ = rows.frame.filter((clock >= pl.time(9, 30)) & (clock < pl.time(16)))
    spread = (open_["ask"] - open_["bid"]).round(4)
    assert 0.01 <= spread.median() <= 0.03
    assert (spread < 0).mean() < 0.001
