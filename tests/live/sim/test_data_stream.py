"""Market data over websockets: what the real clients hear, and the protocol frame by frame."""

import json
import time
from datetime import UTC, datetime

import msgpack
import numpy as np
import pytest
from alpaca.data.models import Bar, Quote, Trade, TradeCancel, TradeCorrection, TradingStatus
from hearing import ask, authenticated, coins, collector, running, socket, step, stocks, told
from tapes import COINS, MINUTE, OPEN, STOCKS, ladders, minutes, prints, recorded, tops
from websockets.exceptions import ConnectionClosed
from wiring import until

from live.sim.entry import BASIC
from live.sim.server import Loopback
from quantlib.table import Table


def rebuilt(table: Table, heard: list, row: int) -> None:
    """A bar as it was heard is the row that was recorded, bit for bit."""
    columns = table.columns
    assert heard["S"] == table.symbols[columns["symbol"][row]]
    assert heard["t"].to_unix_nano() + MINUTE == columns["ts"][row]
    for letter, name in zip("ohlcv", ("open", "high", "low", "close", "volume"), strict=True):
        assert float(heard[letter]) == columns[name][row]


def test_bars_are_heard_in_lockstep_bit_for_bit():
    table, heard = minutes(20), []
    alpaca = Loopback(table)
    with alpaca:
        stream = stocks(alpaca)
        stream.subscribe_bars(collector(heard), *STOCKS)
        with running(stream, alpaca):
            for k in range(1, 21):
                step(alpaca)
                until(lambda k=k: len(heard) == 3 * k)
    for row, bar in enumerate(heard):
        rebuilt(table, bar, row)


def test_recorded_bars_of_a_morning_are_heard_bit_for_bit():
    table, heard = recorded(), []
    with Loopback(table) as alpaca:
        stream = stocks(alpaca)
        stream.subscribe_bars(collector(heard), "*")
        with running(stream, alpaca):
            for _ in range(60):
                step(alpaca)
            rows = int((table.columns["ts"] <= alpaca.market.now).sum())
            until(lambda: len(heard) == rows)
    assert rows > 1000
    for row, bar in enumerate(heard):
        rebuilt(table, bar, row)


def test_the_clients_models_understand_every_kind_of_message():
    heard = {name: [] for name in ("bar", "daily", "trade", "quote", "status", "correction", "cancel", "updated")}
    deals, tops_ = prints(), tops()
    with Loopback(minutes(), deals, tops_) as alpaca:
        stream = stocks(alpaca, raw=False)
        stream.subscribe_bars(collector(heard["bar"]), "AAPL")
        stream.subscribe_updated_bars(collector(heard["updated"]), "AAPL")
        stream.subscribe_daily_bars(collector(heard["daily"]), "AAPL")
        stream.subscribe_trades(collector(heard["trade"]), "AAPL")
        stream.subscribe_quotes(collector(heard["quote"]), "F")
        stream.subscribe_trading_statuses(collector(heard["status"]), "*")
        stream.register_trade_corrections(collector(heard["correction"]))
        stream.register_trade_cancels(collector(heard["cancel"]))
        script, later = alpaca.script, OPEN + 90 * 10**9
        script.halt("F", later, OPEN + 4 * MINUTE)
        script.corrected("AAPL", later, 1, (10.0, 5), (10.5, 6))
        script.cancelled("AAPL", later, 1, 10.5, 6)
        late = {"T": "u", "S": "AAPL", "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 11, "n": 3, "vw": 1.2}
        script.at(later, "stocks", late | {"t": OPEN})
        with running(stream, alpaca):
            while not alpaca.finished:
                step(alpaca)
            until(lambda: len(heard["bar"]) == len(heard["daily"]) == 5 and len(heard["status"]) == 2)
        end = alpaca.market.now
    mine = (deals.columns["symbol"] == 0) & (deals.columns["ts"] <= end)
    assert [trade.price for trade in heard["trade"]] == deals.columns["price"][mine].tolist()
    assert heard["trade"][0].timestamp == datetime.fromtimestamp(deals.columns["ts"][mine][0] // 1000 / 1e6, UTC)
    silent = (tops_.columns["ts"] > later) & (tops_.columns["ts"] <= OPEN + 4 * MINUTE)
    mine = (tops_.columns["symbol"] == 1) & (tops_.columns["ts"] <= end) & ~silent
    assert [quote.bid_price for quote in heard["quote"]] == tops_.columns["bid"][mine].tolist()
    assert [status.status_code for status in heard["status"]] == ["H", "T"]
    assert heard["correction"][0].corrected_price == 10.5
    assert heard["cancel"][0].action == "C"
    assert heard["updated"][0].volume == 11
    assert [bar.volume for bar in heard["daily"]] == np.cumsum([bar.volume for bar in heard["bar"]]).tolist()
    kinds = (Bar, Bar, Trade, Quote, TradingStatus, TradeCorrection, TradeCancel, Bar)
    assert all(isinstance(heard[name][0], kind) for name, kind in zip(heard, kinds, strict=True))


def test_crypto_is_heard_with_books_that_who_comes_later_gets_whole():
    table = ladders()
    with Loopback(minutes(symbols=COINS), prints(symbols=COINS, whole=False), table) as alpaca:
        step(alpaca)  # two books of it before anybody listens
        heard, deals = [], []
        stream = coins(alpaca)
        stream.subscribe_orderbooks(collector(heard), "BTC/USD")
        stream.subscribe_trades(collector(deals), "*")
        with running(stream, alpaca):
            until(lambda: len(heard) == 1)
            while not alpaca.finished:
                step(alpaca)
            until(lambda: len(heard) == 5 and deals)
    assert [bool(message.get("r")) for message in heard] == [True] + [False] * 4
    book = {"b": {}, "a": {}}
    for message in heard:
        for side, levels in book.items():
            levels.update({level["p"]: level["s"] for level in message[side]})
    rows = np.flatnonzero(table.columns["symbol"] == 0)
    for side, name in (("b", "bid"), ("a", "ask")):
        standing = {price: size for price, size in book[side].items() if size}
        last = {table.columns[f"{name}_{k}"][rows[-1]]: table.columns[f"{name}_size_{k}"][rows[-1]] for k in range(3)}
        assert standing == last
    assert {deal["tks"] for deal in deals} <= {"B", "S"}


def test_the_handshake_is_the_documented_one_and_control_frames_are_of_one_message():
    with Loopback(minutes()) as alpaca, authenticated(alpaca) as line:
        said = ask(line, action="subscribe", trades=["AAPL"], bars=["AAPL", "F"], statuses=["*"])
        assert said == [
            {
                "T": "subscription", "trades": ["AAPL"], "quotes": [], "bars": ["AAPL", "F"], "updatedBars": [],
                "dailyBars": [], "statuses": ["*"], "lulds": [], "imbalances": [], "corrections": ["AAPL"],
                "cancelErrors": ["AAPL"],
            }
        ]  # fmt: skip
        less = ask(line, action="unsubscribe", bars=["F"], trades=["AAPL"])[0]
        assert (less["bars"], less["trades"], less["corrections"], less["statuses"]) == (["AAPL"], [], [], ["*"])
        step(alpaca)
        assert [message["S"] for message in told(line)] == ["AAPL"]


def code(messages):
    return [message.get("code") for message in messages]


def test_what_is_not_allowed_is_refused_with_its_code():
    with Loopback(minutes(), tier=BASIC._replace(symbols=2)) as alpaca:
        with socket(alpaca) as line:
            told(line)
            assert code(ask(line, action="subscribe", bars=["AAPL"])) == [401]
            assert code(ask(line, action="auth", key=alpaca.keys.key, secret="wrong")) == [402]
            assert ask(line, action="auth", key=alpaca.keys.key, secret=alpaca.keys.secret)[0]["T"] == "success"
            assert code(ask(line, action="auth", key=alpaca.keys.key, secret=alpaca.keys.secret)) == [403]
            assert code(ask(line, action="dance")) == [400]
            assert code(ask(line, action="subscribe", corrections=["AAPL"])) == [400]
            assert code(ask(line, action="subscribe", bars="AAPL")) == [400]
            assert code(ask(line, action="subscribe", orderbooks=["BTC/USD"])) == [410]
            assert code(ask(line, action="subscribe", trades=["A", "B"], quotes=["A"])) == [405]
            line.send(b"\xc1 no msgpack")
            assert code(told(line)) == [400]
            said = ask(line, action="subscribe", bars=["A", "B", "C", "D"])[0]
            assert said["bars"] == ["A", "B", "C", "D"], "bars are not counted"
            assert said["trades"] == [], "what was refused changed nothing"
        with socket(alpaca, "/v2/sip") as line:
            told(line)
            assert code(ask(line, action="auth", key=alpaca.keys.key, secret=alpaca.keys.secret)) == [409]


def test_a_second_connection_is_refused_until_the_first_is_gone_and_may_ask_again_on_its_socket():
    with Loopback(minutes()) as alpaca, authenticated(alpaca) as first:
        with socket(alpaca) as second:
            told(second)
            keys = {"key": alpaca.keys.key, "secret": alpaca.keys.secret}
            assert code(ask(second, action="auth", **keys)) == [406]
            first.close()
            until(lambda: len(alpaca.data.listeners) == 1)
            assert ask(second, action="auth", **keys)[0]["msg"] == "authenticated"
        with authenticated(alpaca, "/v1beta3/crypto/us"):
            pass


def test_who_does_not_say_who_he_is_is_told_and_closed():
    with Loopback(minutes(), stream={"patience": 0.05}) as alpaca, socket(alpaca) as line:
        told(line)
        assert code(told(line)) == [404]
        with pytest.raises(ConnectionClosed):
            told(line)


def test_a_subscription_of_thousands_of_symbols_in_fragments_is_put_together():
    many = [f"S{k:05d}" for k in range(9000)]
    table, heard = minutes(2, symbols=("AAPL", "S08999")), []
    with Loopback(table) as alpaca:
        stream = stocks(alpaca)
        stream.subscribe_bars(collector(heard), *many)
        with running(stream, alpaca):
            step(alpaca)
            until(lambda: bool(heard))
    assert [bar["S"] for bar in heard] == ["S08999"]


def test_without_the_header_of_msgpack_everything_is_json():
    with Loopback(minutes(1)) as alpaca, socket(alpaca, additional_headers={}) as line:
        assert json.loads(line.recv(timeout=5)) == [{"T": "success", "msg": "connected"}]
        line.send(json.dumps({"action": "auth", "key": alpaca.keys.key, "secret": alpaca.keys.secret}))
        line.recv(timeout=5)
        line.send(json.dumps({"action": "subscribe", "bars": ["AAPL"]}))
        line.recv(timeout=5)
        step(alpaca)
        assert json.loads(line.recv(timeout=5))[0]["t"] == "2019-02-14T14:30:00.000000000Z"


def test_frames_hold_as_many_messages_as_asked_for():
    with Loopback(minutes(1), stream={"most": 2}) as alpaca, authenticated(alpaca) as line:
        ask(line, action="subscribe", bars=["*"])
        step(alpaca)
        assert [len(told(line)), len(told(line))] == [2, 1]


@pytest.mark.parametrize("deflate", [True, False])
def test_a_client_that_offers_to_gets_frames_compressed(deflate):
    with Loopback(minutes(1), stream={"deflate": deflate}) as alpaca, authenticated(alpaca) as line:
        assert bool(line.protocol.extensions) == deflate
        ask(line, action="subscribe", bars=["*"])
        step(alpaca)
        assert len(told(line)) == 3


def test_bands_of_prices_and_news_are_told_to_those_who_asked():
    with Loopback(minutes(2)) as alpaca:
        alpaca.script.band("AAPL", OPEN + MINUTE, 189.0, 191.0)
        news = {
            "T": "n",
            "id": 1,
            "headline": "h",
            "summary": "",
            "author": "",
            "url": "",
            "content": "",
            "source": "s",
        }
        alpaca.script.at(OPEN + MINUTE, "news", news | {"symbols": ["AAPL"]})
        with authenticated(alpaca) as line, authenticated(alpaca, "/v1beta1/news") as paper:
            ask(line, action="subscribe", lulds=["*"])
            ask(paper, action="subscribe", news=["AAPL"])
            step(alpaca)
            band = told(line)[0]
            assert (band["T"], band["u"], band["d"], band["t"].to_unix_nano()) == ("l", 191.0, 189.0, OPEN + MINUTE)
            assert told(paper)[0]["created_at"].to_unix_nano() == OPEN + MINUTE


def test_a_halted_stock_has_no_bars_until_it_resumes():
    with Loopback(minutes(6)) as alpaca, authenticated(alpaca) as line:
        alpaca.script.halt("AAPL", OPEN + 2 * MINUTE, OPEN + 4 * MINUTE)
        ask(line, action="subscribe", bars=["AAPL"], statuses=["AAPL"])
        seen = []
        while not alpaca.finished:
            step(alpaca)
        while len(seen) < 6:
            seen += [message["T"] + message.get("sc", "") for message in told(line)]
    assert seen == ["b", "b", "sH", "sT", "b", "b"]


def test_pings_are_answered():
    with Loopback(minutes()) as alpaca, authenticated(alpaca) as line:
        assert line.ping().wait(5)


def test_by_the_clock_trades_come_between_the_bars():
    table, deals = minutes(2), prints()
    with Loopback(table, deals) as alpaca, authenticated(alpaca) as line:
        ask(line, action="subscribe", bars=["AAPL"], trades=["*"])
        alpaca.play(600.0)
        frames = [told(line)]
        while sum(message["T"] == "b" for frame in frames for message in frame) < 2:
            frames.append(told(line))
        assert alpaca.finished
    kinds = "".join(message["T"] for frame in frames for message in frame)
    assert len(frames) > 2, "they come one by one, not with the bar"
    assert kinds.count("t") == int((deals.columns["ts"] <= OPEN + 2 * MINUTE).sum())
    assert kinds[-1] == "b"


def test_five_hundred_bars_and_twenty_thousand_trades_and_quotes_a_second_go_out_in_less_than_that():
    symbols = tuple(f"S{k:03d}" for k in range(500))
    rng = np.random.default_rng(1)
    count = 20_000

    def spread(table):
        ts = OPEN + MINUTE - 10**9 + np.sort(rng.integers(0, 10**9, count))
        return Table(table.clock, table.symbols, table.columns | {"ts": ts})

    tables = minutes(1, symbols=symbols), spread(prints(count, symbols)), spread(tops(count, symbols))
    with Loopback(*tables) as alpaca, authenticated(alpaca, max_size=None) as line:
        ask(line, action="subscribe", bars=["*"], trades=["*"], quotes=["*"])
        alpaca.match()
        begun = time.perf_counter()
        alpaca.publish()
        heard = 0
        while heard < 2 * count + 500:
            heard += len(msgpack.unpackb(line.recv(timeout=5)))
        assert time.perf_counter() - begun < 2.0
