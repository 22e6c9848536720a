"""Market data, clock, calendar and assets over REST, asked for by the real client."""

import time
from datetime import UTC, date, datetime

import msgpack
import numpy as np
import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.requests import (
    CorporateActionsRequest,
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoQuoteRequest,
    CryptoSnapshotRequest,
    CryptoTradesRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import GetAssetsRequest, GetCalendarRequest
from tapes import COINS, MINUTE, OPEN, STOCKS, ladders, minutes, prints, recorded, tops, two_days

from live.sim.corporate import Actions
from live.sim.entry import BASIC
from live.sim.plan import Fault
from live.sim.server import Loopback

SPLIT = {
    "symbol": "AAPL", "cusip": "037833100", "new_rate": 4, "old_rate": 1, "process_date": "2019-02-15",
    "ex_date": "2019-02-15",
}  # fmt: skip
PAID = {
    "symbol": "F", "cusip": "345370860", "rate": 0.15, "special": False, "foreign": False, "process_date": "2019-01-30",
    "ex_date": "2019-01-30",
}  # fmt: skip


def stocks(alpaca, raw=True):
    return StockHistoricalDataClient(alpaca.keys.key, alpaca.keys.secret, raw_data=raw, url_override=alpaca.keys.data)


def coins(alpaca, raw=True):
    return CryptoHistoricalDataClient(raw_data=raw, url_override=alpaca.keys.data)


def trading(alpaca, raw=True):
    return TradingClient(alpaca.keys.key, alpaca.keys.secret, raw_data=raw, url_override=alpaca.keys.trading)


def played(alpaca, steps=None):
    while not alpaca.finished and steps != 0:
        alpaca.match()
        alpaca.publish()
        steps = None if steps is None else steps - 1


def moment(ns):
    return datetime.fromtimestamp(ns / 1e9, UTC)


ALL = {"start": moment(OPEN - 86_400 * 10**9), "end": moment(OPEN + 86_400 * 10**9)}


def test_thirty_thousand_bars_come_in_pages_bit_for_bit():
    table = minutes(10_000)
    with Loopback(table, begin=int(table.columns["ts"][-1])) as alpaca:
        played(alpaca)
        asked = StockBarsRequest(
            symbol_or_symbols=list(STOCKS), timeframe=TimeFrame.Minute, start=moment(OPEN), end=moment(OPEN + 10**17)
        )
        found = stocks(alpaca).get_stock_bars(asked)
        assert [len(found[symbol]) for symbol in STOCKS] == [10_000] * 3
        for code, symbol in enumerate(STOCKS):
            rows = table.columns["symbol"] == code
            for letter, name in zip("ohlcv", ("open", "high", "low", "close", "volume"), strict=True):
                assert [row[letter] for row in found[symbol]] == table.columns[name][rows].tolist()
            begun = [np.datetime64(row["t"].removesuffix("Z"), "ns").astype(int) for row in found[symbol]]
            assert (np.array(begun) + MINUTE).tolist() == table.columns["ts"][rows].tolist()


def test_a_page_may_be_short_and_cut_in_the_middle_of_a_symbol_and_the_client_gets_all():
    table = minutes(20)
    with Loopback(table, rest={"most": 7}) as alpaca:
        played(alpaca)
        headers = {"APCA-API-KEY-ID": alpaca.keys.key, "APCA-API-SECRET-KEY": alpaca.keys.secret}
        asked = {"symbols": "F,AAPL", "timeframe": "1Min", "start": "2019-02-14", "end": "2019-02-15", "limit": 10_000}
        said = requests.get(f"{alpaca.address}/v2/stocks/bars", asked, headers=headers, timeout=5).json()
        assert {symbol: len(rows) for symbol, rows in said["bars"].items()} == {"AAPL": 7}
        assert said["next_page_token"]
        found = stocks(alpaca).get_stock_bars(
            StockBarsRequest(symbol_or_symbols=["F", "AAPL"], timeframe=TimeFrame.Minute, **ALL)
        )
        assert {symbol: len(rows) for symbol, rows in found.items()} == {"AAPL": 20, "F": 20}
        few = StockBarsRequest(symbol_or_symbols=["F", "AAPL"], timeframe=TimeFrame.Minute, limit=25, **ALL)
        assert {s: len(rows) for s, rows in stocks(alpaca).get_stock_bars(few).items()} == {"AAPL": 20, "F": 5}


def test_nothing_is_known_before_it_is_published():
    asked = StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Minute, **ALL)
    with Loopback(minutes(3)) as alpaca:
        assert stocks(alpaca).get_stock_bars(asked) == {}
        alpaca.match()
        assert stocks(alpaca).get_stock_bars(asked) == {}
        alpaca.publish()
        assert len(stocks(alpaca).get_stock_bars(asked)["AAPL"]) == 1


def test_bars_may_be_asked_for_by_the_hour_and_the_day_backwards_and_between_moments():
    table = minutes(90)
    with Loopback(table) as alpaca:
        played(alpaca)

        def asked(timeframe, **changes):
            request = StockBarsRequest(symbol_or_symbols="AAPL", timeframe=timeframe, **(ALL | changes))
            return stocks(alpaca, raw=False).get_stock_bars(request)["AAPL"]

        mine = table.columns["symbol"] == 0
        day = asked(TimeFrame.Day)
        assert len(day) == 1
        assert day[0].timestamp == datetime(2019, 2, 14, 5, tzinfo=UTC)
        assert day[0].volume == table.columns["volume"][mine].sum()
        assert [bar.timestamp.minute for bar in asked(TimeFrame.Hour)] == [0, 0]
        assert len(asked(TimeFrame(5, TimeFrameUnit.Minute))) == 18
        backwards = asked(TimeFrame.Minute, sort="desc", limit=3)
        assert [bar.close for bar in backwards] == table.columns["close"][mine][:-4:-1].tolist()
        between = asked(TimeFrame.Minute, start=moment(OPEN + MINUTE), end=moment(OPEN + 3 * MINUTE))
        assert [bar.timestamp.minute for bar in between] == [31, 32, 33]


def test_trades_and_quotes_come_in_pages_and_the_last_of_each():
    deals, tops_ = prints(), tops()
    with Loopback(minutes(), deals, tops_, rest={"most": 9}) as alpaca:
        played(alpaca)
        client, end = stocks(alpaca, raw=False), alpaca.market.now
        found = client.get_stock_trades(StockTradesRequest(symbol_or_symbols=list(STOCKS), **ALL))
        for code, symbol in enumerate(STOCKS):
            mine = (deals.columns["symbol"] == code) & (deals.columns["ts"] <= end)
            assert [trade.price for trade in found[symbol]] == deals.columns["price"][mine].tolist()
            last = client.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=symbol))[symbol]
            assert (last.price, last.size) == (deals.columns["price"][mine][-1], deals.columns["size"][mine][-1])
        told = client.get_stock_quotes(StockQuotesRequest(symbol_or_symbols=["GOOGL"], **ALL))["GOOGL"]
        mine = (tops_.columns["symbol"] == 2) & (tops_.columns["ts"] <= end)
        assert [(q.bid_price, q.ask_size) for q in told] == list(
            zip(tops_.columns["bid"][mine].tolist(), tops_.columns["ask_size"][mine].tolist(), strict=True)
        )
        best = client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="GOOGL"))["GOOGL"]
        assert best.bid_price == tops_.columns["bid"][mine][-1]
        bar = client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="F"))["F"]
        assert bar.close == alpaca.market.beat.columns["close"][-2]


def test_a_snapshot_has_the_last_of_all_and_the_days_of_now_and_before():
    first, second, joined = two_days()
    with Loopback(joined) as alpaca:
        played(alpaca)
        asked = StockSnapshotRequest(symbol_or_symbols=["AAPL", "NOBODY"])
        assert list(stocks(alpaca).get_stock_snapshot(asked)) == ["AAPL"]
        snapshot = stocks(alpaca, raw=False).get_stock_snapshot(asked)["AAPL"]
        closes = [table.columns["close"][table.columns["symbol"] == 0] for table in (first, second)]
        assert snapshot.previous_daily_bar.close == closes[0][-1]
        assert snapshot.daily_bar.close == snapshot.minute_bar.close == closes[1][-1]
        assert snapshot.latest_trade.price == closes[1][-1], "without trades the last close stands for one"
        assert snapshot.latest_quote is None


def test_crypto_needs_no_keys_and_has_books():
    deals, tops_, books = prints(symbols=COINS, whole=False), tops(symbols=COINS), ladders()
    with Loopback(minutes(symbols=COINS), deals, tops_, books) as alpaca:
        played(alpaca)
        client = coins(alpaca, raw=False)
        bars = client.get_crypto_bars(CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Minute, **ALL))
        assert len(bars["BTC/USD"]) == 5
        assert client.get_crypto_latest_bar(CryptoLatestBarRequest(symbol_or_symbols="BTC/USD"))["BTC/USD"].close == (
            bars["BTC/USD"][-1].close
        )
        mine = (deals.columns["symbol"] == 1) & (deals.columns["ts"] <= alpaca.market.now)
        told = client.get_crypto_trades(CryptoTradesRequest(symbol_or_symbols="ETH/USD", **ALL))["ETH/USD"]
        assert [trade.size for trade in told] == deals.columns["size"][mine].tolist()
        last = client.get_crypto_latest_trade(CryptoLatestTradeRequest(symbol_or_symbols="ETH/USD"))["ETH/USD"]
        assert last.price == told[-1].price
        quotes = client.get_crypto_quotes(CryptoQuoteRequest(symbol_or_symbols="ETH/USD", **ALL))["ETH/USD"]
        newest = client.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols="ETH/USD"))["ETH/USD"]
        assert newest.bid_price == quotes[-1].bid_price
        book = client.get_crypto_latest_orderbook(CryptoLatestOrderbookRequest(symbol_or_symbols="ETH/USD"))["ETH/USD"]
        row = [k for k in range(books.rows) if books.columns["symbol"][k] == 1][-1]
        assert [level.price for level in book.bids] == [books.columns[f"bid_{k}"][row] for k in range(3)]
        assert book.reset
        snapshot = client.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols=list(COINS)))
        assert snapshot["BTC/USD"].latest_quote is not None


def test_corporate_actions_are_told_and_bars_adjusted_by_them():
    actions = Actions({"forward_splits": [SPLIT], "cash_dividends": [PAID]})
    with Loopback(two_days()[2], rest={"actions": actions}) as alpaca:
        played(alpaca)
        client = CorporateActionsClient(alpaca.keys.key, alpaca.keys.secret, url_override=alpaca.keys.data)
        asked = CorporateActionsRequest(symbols=["AAPL", "F"], start=date(2019, 1, 1))
        found = client.get_corporate_actions(asked).data
        assert found["forward_splits"][0].new_rate == 4
        assert found["cash_dividends"][0].rate == 0.15
        only = client.get_corporate_actions(CorporateActionsRequest(symbols=["F"], start=date(2019, 2, 1))).data
        assert only == {}

        def closes(adjustment):
            span = {"start": moment(OPEN), "end": moment(alpaca.market.now)}
            asked = StockBarsRequest(
                symbol_or_symbols="AAPL", timeframe=TimeFrame.Minute, adjustment=adjustment, **span
            )
            return [bar["c"] for bar in stocks(alpaca).get_stock_bars(asked)["AAPL"]]

        raw = closes(Adjustment.RAW)
        assert closes(Adjustment.SPLIT) == [price / 4 for price in raw[:3]] + raw[3:]
        assert closes(Adjustment.DIVIDEND) == raw, "the dividend is another stock's"


def test_corporate_actions_come_in_pages():
    many = [PAID | {"process_date": f"2019-01-{day:02d}"} for day in range(1, 11)]
    with Loopback(minutes(2), rest={"actions": Actions({"cash_dividends": many})}) as alpaca:
        headers = {"APCA-API-KEY-ID": alpaca.keys.key, "APCA-API-SECRET-KEY": alpaca.keys.secret}
        days, query = [], {"limit": "4", "sort": "desc"}
        while True:
            said = requests.get(f"{alpaca.address}/v1/corporate-actions", query, headers=headers, timeout=5).json()
            days += [action["process_date"][-2:] for action in said["corporate_actions"]["cash_dividends"]]
            if said["next_page_token"] is None:
                break
            query["page_token"] = said["next_page_token"]
        refused = requests.get(f"{alpaca.address}/v1/corporate-actions", {"limit": "-5"}, headers=headers, timeout=5)
    assert days == [f"{day:02d}" for day in range(10, 0, -1)]
    assert refused.status_code == 400


def test_recent_data_of_all_exchanges_needs_the_subscription():
    table = minutes(30)
    with Loopback(table, tier=BASIC) as alpaca:
        played(alpaca)

        def asked(feed, end):
            return StockBarsRequest(
                symbol_or_symbols="AAPL", timeframe=TimeFrame.Minute, feed=feed, start=moment(OPEN), end=moment(end)
            )

        client = stocks(alpaca)
        with pytest.raises(APIError, match="recent SIP data") as refused:
            client.get_stock_bars(asked(DataFeed.SIP, alpaca.market.now))
        assert refused.value.status_code == 403
        assert len(client.get_stock_bars(asked(DataFeed.SIP, alpaca.market.now - 15 * MINUTE))["AAPL"]) == 16
        assert len(client.get_stock_bars(asked(DataFeed.IEX, alpaca.market.now))["AAPL"]) == 30


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("timeframe=1Min", 400), ("symbols=AAPL", 400), ("symbols=AAPL&timeframe=1Min&limit=0", 400),
        ("symbols=AAPL&timeframe=1Min&page_token=%00%ff", 400), ("symbols=AAPL&timeframe=1Min&start=yesterday", 422),
        ("symbols=AAPL&timeframe=1Min&feed=moon", 400), ("symbols=AAPL&timeframe=1Min&adjustment=half", 400),
        ("symbols=NOBODY&timeframe=1Min", 200),
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(query, status):
    with Loopback(minutes(2)) as alpaca:
        headers = {"APCA-API-KEY-ID": alpaca.keys.key, "APCA-API-SECRET-KEY": alpaca.keys.secret}
        said = requests.get(f"{alpaca.address}/v2/stocks/bars?{query}", headers=headers, timeout=5)
        assert said.status_code == status
        assert ("message" in said.json()) == (status != 200)


def test_wrong_keys_are_refused_and_basic_authorization_is_taken():
    with Loopback(minutes(2)) as alpaca:
        url = f"{alpaca.address}/v2/stocks/bars?symbols=AAPL&timeframe=1Min"
        assert requests.get(url, timeout=5).status_code == 401
        assert requests.get(url, auth=(alpaca.keys.key, "wrong"), timeout=5).status_code == 401
        assert requests.get(url, headers={"Authorization": "Basic §"}, timeout=5).status_code == 401
        assert requests.get(url, auth=(alpaca.keys.key, alpaca.keys.secret), timeout=5).status_code == 200


def test_the_clock_and_the_calendar_are_those_of_the_replay():
    with Loopback(minutes(2)) as alpaca:
        clock = trading(alpaca, raw=False).get_clock()
        assert clock.is_open
        assert clock.timestamp == moment(OPEN)
        assert clock.next_close == datetime(2019, 2, 14, 21, tzinfo=UTC)
        days = trading(alpaca, raw=False).get_calendar(
            GetCalendarRequest(start=date(2026, 11, 25), end=date(2026, 11, 30))
        )
        assert [(day.date.day, day.close.hour) for day in days] == [(25, 16), (27, 13), (30, 16)]
        headers = {"APCA-API-KEY-ID": alpaca.keys.key, "APCA-API-SECRET-KEY": alpaca.keys.secret}
        assert requests.get(f"{alpaca.address}/v3/clock", headers=headers, timeout=5).json()["phase"] == "core"


def test_a_clock_may_be_wrong():
    with Loopback(minutes(2), faults=[Fault("skew", "GET /v2/clock", seconds=30)]) as alpaca:
        assert trading(alpaca, raw=False).get_clock().timestamp == moment(OPEN + 30 * 10**9)
        assert trading(alpaca, raw=False).get_clock().timestamp == moment(OPEN)


def test_assets_come_in_the_shape_of_today_and_in_that_which_is_to_come():
    both = (*STOCKS, "BTC/USD")
    changes = {"F": {"shortable": False, "borrow_status": "hard_to_borrow"}}
    with Loopback(minutes(symbols=both), reference={"changes": changes}) as alpaca:
        client = trading(alpaca, raw=False)
        assert client.get_asset("AAPL").easy_to_borrow
        assert not client.get_asset("F").shortable
        assert client.get_asset("BTC/USD").symbol == client.get_asset("BTCUSD").symbol == "BTC/USD"
        assert client.get_asset(str(client.get_asset("AAPL").id)).symbol == "AAPL"
        assert [a.symbol for a in client.get_all_assets(GetAssetsRequest(asset_class="crypto"))] == ["BTC/USD"]
        with pytest.raises(APIError, match="asset not found"):
            client.get_asset("NOBODY")
    with Loopback(minutes(), reference={"retired": False}) as alpaca:
        said = trading(alpaca).get_asset("AAPL")
        assert said["borrow_status"] == "easy_to_borrow"
        assert "easy_to_borrow" not in said
        with pytest.raises(ValueError, match="easy_to_borrow"):
            trading(alpaca, raw=False).get_asset("AAPL")


@pytest.mark.parametrize("status", [429, 500, 504])
def test_a_call_may_fail_with_the_body_that_goes_with_it(status):
    with Loopback(minutes(2), faults=[Fault("answer", "GET /v2/clock", code=status)]) as alpaca:
        headers = {"APCA-API-KEY-ID": alpaca.keys.key, "APCA-API-SECRET-KEY": alpaca.keys.secret}
        said = requests.get(f"{alpaca.address}/v2/clock", headers=headers, timeout=5)
        assert said.status_code == status
        if status == 429:
            assert said.headers["X-RateLimit-Remaining"] == "0"
        if status == 504:
            with pytest.raises(requests.exceptions.JSONDecodeError):
                said.json()
        else:
            assert said.json()["code"]
        assert trading(alpaca).get_clock()["is_open"]
        log = requests.get(f"{alpaca.address}/sim/faults", timeout=5).json()["log"]
        assert [(one["kind"], one["where"], one["code"]) for one in log] == [("answer", "GET /v2/clock", status)]


@pytest.mark.parametrize("accepted", [False, True])
def test_a_connection_may_break_before_and_after_the_call_had_its_effect(accepted):
    with Loopback(minutes(2), faults=[Fault("cut", "GET /v2/clock", accepted=accepted)]) as alpaca:
        with pytest.raises(requests.exceptions.ConnectionError):
            trading(alpaca).get_clock()
        assert trading(alpaca).get_clock()["is_open"]


def test_a_call_may_hang_until_the_service_ends_or_be_slow():
    faults = [Fault("hang", "GET /v2/clock"), Fault("slow", "GET /v2/calendar", seconds=0.2)]
    headers = {}
    with Loopback(minutes(2), faults=faults) as alpaca:
        headers = {"APCA-API-KEY-ID": alpaca.keys.key, "APCA-API-SECRET-KEY": alpaca.keys.secret}
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.get(f"{alpaca.address}/v2/clock", headers=headers, timeout=0.2)
        begun = time.monotonic()
        asked = {"start": "2019-02-14", "end": "2019-02-14"}
        assert requests.get(f"{alpaca.address}/v2/calendar", asked, headers=headers, timeout=5).json()
        assert time.monotonic() - begun >= 0.2


def test_faults_and_happenings_come_over_http_too_and_a_wrong_one_is_refused():
    with Loopback(minutes(2)) as alpaca:
        sim = f"{alpaca.address}/sim"
        fault = {"kind": "answer", "on": "GET /v2/clock", "code": 500}
        assert requests.post(f"{sim}/faults", json=fault, timeout=5).json()["nth"] == 1
        with pytest.raises(APIError):
            trading(alpaca).get_clock()
        refused = requests.post(f"{sim}/faults", json={"kind": "earthquake"}, timeout=5)
        assert (refused.status_code, "kind must be one of" in refused.json()["message"]) == (422, True)
        assert requests.delete(f"{sim}/faults", timeout=5).status_code == 204
        halt = {"halt": "AAPL", "begin": OPEN, "end": OPEN + MINUTE}
        assert requests.post(f"{sim}/happenings", json=halt, timeout=5).status_code == 204
        assert requests.post(f"{sim}/happenings", json=halt | {"halt": "NOBODY"}, timeout=5).status_code == 422
        assert requests.post(f"{sim}/happenings", json={"ts": 1}, timeout=5).status_code == 422


def test_recorded_bars_of_a_week_come_back_bit_for_bit():
    table = recorded()
    with Loopback(table, begin=int(table.columns["ts"][-1])) as alpaca:
        played(alpaca)
        asked = StockBarsRequest(
            symbol_or_symbols=list(table.symbols), timeframe=TimeFrame.Minute, start=datetime(2019, 2, 1),
            end=datetime(2019, 3, 1),
        )  # fmt: skip
        found = stocks(alpaca).get_stock_bars(asked)
        assert sum(map(len, found.values())) == table.rows
        for code, symbol in enumerate(table.symbols):
            mine = table.columns["symbol"] == code
            assert [row["c"] for row in found[symbol]] == table.columns["close"][mine].tolist()
            assert [row["v"] for row in found[symbol]] == table.columns["volume"][mine].tolist()


def test_a_message_of_a_row_is_small():
    table = minutes(1)
    with Loopback(table) as alpaca:
        message = alpaca.market.beat.messages(np.array([0]))[0]
    assert len(message) < 110
    assert len(msgpack.unpackb(message)) == 10
