"""The replayed market: its clock, what is news, and rows turned into messages."""

from datetime import date

import msgpack
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.errors import ConfigError, Denied
from live.sim.corporate import Actions
from live.sim.history import Rows, page
from live.sim.hours import calendar_said, clock_said, phase, sessions
from live.sim.market import RANKS, Market
from live.sim.messages import BAR, COIN_TRADE, QUOTE, TRADE, frames, packed, plain
from live.sim.timeframes import Timeframe, lengthened, timeframe_of
from live.sim.track import changes
from quantlib.table import bars, books, quotes, trades

MINUTE = 60_000_000_000
START = 1_550_154_600_000_000_000  # 2019-02-14 14:30 UTC, an open
SYMBOLS = ("AAPL", "F", "BTC/USD")


def minute_bars(rows=4, symbols=SYMBOLS, **columns):
    names = np.tile(symbols, rows)
    ts = START + np.repeat(np.arange(1, rows + 1), len(symbols)) * MINUTE
    close = 100.0 + np.arange(len(ts)) / 8
    return bars(
        pl.DataFrame(
            {"ts": ts, "symbol": names, "open": close, "high": close + 1, "low": close - 1, "close": close + 0.5}
            | {"volume": np.arange(len(ts)) * 100.0} | columns
        ),
        symbols=symbols,
    )  # fmt: skip


def some_trades(symbols=SYMBOLS):
    ts = START + np.array([5, 10, 61, 62, 300]) * 10**9
    names = ["AAPL", "BTC/USD", "F", "AAPL", "AAPL"]
    return trades(
        pl.DataFrame({"ts": ts, "symbol": names, "price": [1.5, 2.5, 3.5, 4.5, 5.5], "size": [1.0, 0.25, 3.0, 4.0, 5.0],
                      "side": [1.0, -1.0, 1.0, 1.0, 1.0]}), symbols=symbols,
    )  # fmt: skip


finite = st.floats(1e-6, 1e9, allow_nan=False)


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), finite, st.integers(1, 10**9), st.integers(0, 2**62)), min_size=1, max_size=40
    )
)
def test_packed_rows_are_what_msgpack_unpacks_bit_for_bit(rows):
    names = ("A", "BRK.B", "LONGNAME", "F")
    codes, price, size, t = (np.array(column) for column in zip(*rows, strict=True))
    columns = {"symbol": codes, "price": price, "size": size.astype(float), "number": np.arange(len(rows)), "t": t}
    for k, message in enumerate(packed(TRADE, names, columns)):
        said = msgpack.unpackb(message)
        assert (said["S"], said["p"], said["s"], said["i"]) == (names[codes[k]], price[k], size[k], k)
        assert said["t"].to_unix_nano() == t[k]
        assert isinstance(said["s"], int)


def test_a_size_that_is_no_whole_number_is_told_as_it_is_and_a_taker_by_a_letter():
    columns = {"symbol": np.array([0, 0]), "price": np.array([1.0, 2.0]), "size": np.array([0.25, 1.0])}
    columns |= {"number": np.array([1, 2]), "side": np.array([1.0, -1.0]), "t": np.array([START, START])}
    first, last = (msgpack.unpackb(message) for message in packed(COIN_TRADE, ("BTC/USD",), columns))
    assert (first["s"], first["tks"], last["s"], last["tks"]) == (0.25, "B", 1.0, "S")


@pytest.mark.parametrize("count", [1, 15, 16, 1000, 70_000])
def test_a_frame_is_one_array_whatever_its_length(count):
    messages = [msgpack.packb({"T": "x", "i": k}) for k in range(count)]
    told = [one for frame in frames(messages, 65_535) for one in msgpack.unpackb(frame)]
    assert [one["i"] for one in told] == list(range(count))


def test_the_clock_goes_from_timestamp_to_timestamp_and_news_are_told_once():
    market = Market(minute_bars())
    assert (market.steps, market.now) == (4, START)
    seen = []
    while not market.finished:
        rows = market.advance()
        assert set(rows["ts"]) == {market.now}
        news = market.news()
        assert news.place.tolist() == [k for k in range(12) if market.beat.ts[k] == market.now]
        assert len(market.news().place) == 0
        seen += rows["symbol"].tolist()
    assert seen == [0, 1, 2] * 4
    with pytest.raises(ConfigError, match="come to its end"):
        market.advance()


def test_a_bar_carries_its_beginning_and_all_its_numbers_bit_for_bit():
    market = Market(minute_bars(close=np.arange(12) / 3 + 99.9, high=np.full(12, 200.0), low=np.full(12, 1 / 3)))
    row = market.advance()[1]
    said = msgpack.unpackb(market.beat.upcoming(np.array([1]))[0])
    assert (said["S"], said["o"], said["h"], said["l"], said["c"]) == ("F", row["open"], 200.0, 1 / 3, row["close"])
    assert said["t"].to_unix_nano() == row["ts"] - MINUTE


def test_trades_become_known_with_the_bar_after_them_and_are_told_before_it():
    market = Market(minute_bars(), some_trades())
    market.advance()
    news = market.news()
    assert news.rank.tolist() == [RANKS["trade"]] * 2 + [RANKS["bar"]] * 3
    market.advance()
    assert market.news().place.tolist() == [2, 3, 3, 4, 5]


def test_between_bars_the_clock_may_run_and_trades_become_known():
    market = Market(minute_bars(), some_trades())
    market.run(START + 7 * 10**9)
    assert market.news().place.tolist() == [0]
    market.run(START + 10 * MINUTE)
    assert market.now == START + MINUTE - 1, "the bar itself is matched first"
    assert market.news().place.tolist() == [1]
    market.run(START)
    assert market.now == START + MINUTE - 1, "it never goes back"
    market.advance()
    assert market.news().rank.tolist() == [RANKS["bar"]] * 3


def test_a_row_that_lacks_a_price_neither_matches_nor_is_told():
    market = Market(minute_bars(open=np.where(np.arange(12) == 1, np.nan, 100.0), low=np.full(12, 1.0)))
    assert market.advance()["symbol"].tolist() == [0, 2]
    assert market.news().place.tolist() == [0, 2]


def test_a_halted_symbol_has_no_rows():
    market = Market(minute_bars())
    market.halt("AAPL", START + 2 * MINUTE, START + 3 * MINUTE)
    codes = []
    while not market.finished:
        codes.append(market.advance()["symbol"].tolist())
    assert codes == [[0, 1, 2], [1, 2], [0, 1, 2], [0, 1, 2]]
    with pytest.raises(ConfigError, match="no symbol 'MSFT'"):
        market.halt("MSFT", 0, 1)


def test_a_replay_may_begin_later_and_what_was_before_is_history():
    market = Market(minute_bars(), begin=START + 3 * MINUTE)
    assert (market.step, market.known, market.upcoming()) == (2, START + 2 * MINUTE, START + 3 * MINUTE)
    market.advance()
    assert market.news().place.tolist() == [6, 7, 8]
    with pytest.raises(ConfigError, match="nothing is left"):
        Market(minute_bars(), begin=START + 10 * MINUTE)


def test_tables_of_other_symbols_or_twice_of_one_clock_are_refused():
    with pytest.raises(ConfigError, match="same symbols"):
        Market(minute_bars(), minute_bars(symbols=("X", "Y")))
    with pytest.raises(ConfigError, match="at most one table each"):
        Market(minute_bars(), minute_bars())


def test_the_timeframe_is_the_shortest_time_between_two_bars_of_a_symbol():
    assert Market(minute_bars()).timeframe == MINUTE
    assert Market(minute_bars(), timeframe=5 * MINUTE).timeframe == 5 * MINUTE
    day = bars(
        pl.DataFrame({"ts": [START, START + 1440 * MINUTE], **dict.fromkeys(("open", "high", "low", "close"), 1.0)})
    )
    assert Market(day).timeframe == 1440 * MINUTE


sides = st.dictionaries(st.integers(1, 20).map(float), st.integers(1, 5).map(float), max_size=8)


@given(before=sides, after=sides)
def test_the_changes_of_a_book_turn_the_one_into_the_other(before, after):
    book = dict(before)
    for level in changes(before, after):
        if level["s"]:
            book[level["p"]] = level["s"]
        else:
            del book[level["p"]]
    assert book == after


def test_the_first_book_is_whole_and_the_next_say_what_changed():
    sizes = {"bid_size_0": [1.0, 2.0], "ask_size_0": [1.0, 1.0]}
    prices = {"bid_0": [9.0, 9.0], "ask_0": [10.0, 11.0]}
    table = books(pl.DataFrame({"ts": [START, START + 1], "symbol": ["BTC/USD"] * 2, **prices, **sizes}))
    market = Market(table)
    first, second = (msgpack.unpackb(message) for message in market.tracks["book"].upcoming(np.array([0, 1])))
    assert first["r"] is True
    assert (second["b"], second["a"]) == ([{"p": 9.0, "s": 2.0}], [{"p": 11.0, "s": 1.0}, {"p": 10.0, "s": 0.0}])


def test_rest_says_a_row_without_kind_and_symbol_and_its_moment_in_words():
    columns = {"symbol": np.array([0]), "bid": np.array([1.0]), "ask": np.array([2.0]), "bid_size": np.array([3.0])}
    columns |= {"ask_size": np.array([4.0]), "t": np.array([START + 5])}
    said = plain(packed(QUOTE, ("A",), columns)[0])
    assert "S" not in said
    assert said["t"] == "2019-02-14T14:30:00.000000005Z"
    assert len(BAR) == 10


def flat(symbol, count):
    def said(chosen):
        columns = {name: np.ones(len(chosen)) for name in ("open", "high", "low", "close", "vwap", "volume")}
        columns |= {"count": chosen, "symbol": np.zeros(len(chosen), int), "t": START + chosen}
        return packed(BAR, (symbol,), columns)

    return Rows(START + np.arange(count), said)


@given(
    counts=st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 12), min_size=1), limit=st.integers(1, 9),
    descending=st.booleans(), cut=st.integers(0, 12),
)  # fmt: skip
def test_pages_hold_every_row_once_by_symbol_then_time_whatever_the_limit(counts, limit, descending, cut):
    found, token, turns = [], None, 0
    while turns == 0 or token:
        one = page(list(counts), lambda s: flat(s, counts[s]), START, START + cut, limit, token, descending)
        assert sum(map(len, one.rows.values())) <= limit
        found += [(symbol, row["n"]) for symbol, rows in one.rows.items() for row in rows]
        token, turns = one.token, turns + 1
        assert turns < 100
    expected = {symbol: [k for k in range(count) if k <= cut] for symbol, count in sorted(counts.items())}
    assert found == [(s, k) for s, rows in expected.items() for k in (rows[::-1] if descending else rows)]


def test_a_token_that_is_none_is_refused():
    with pytest.raises(Denied, match="invalid page_token"):
        page(["A"], lambda s: flat(s, 3), START, START, 10, "nonsense", False)


@pytest.mark.parametrize(
    ("text", "timeframe"),
    [("1Min", (1, "m")), ("15T", (15, "m")), ("2Hour", (2, "h")), ("1D", (1, "d")), ("3Month", (3, "mo"))],
)
def test_timeframes_are_spelled_as_the_service_takes_them(text, timeframe):
    assert timeframe_of(text) == timeframe


@pytest.mark.parametrize("text", ["", "60Min", "0Min", "2Day", "Min5", "1Fortnight"])
def test_a_timeframe_that_is_none_is_refused(text):
    with pytest.raises(Denied, match="invalid timeframe"):
        timeframe_of(text)


def test_longer_bars_hold_what_the_shorter_ones_do():
    t = START + np.arange(7) * MINUTE
    close = np.array([1.0, 2, 3, 4, 5, 6, 7])
    columns = {
        "t": t,
        "open": close,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": close,
        "vwap": close,
    }
    longer = lengthened(columns | {"count": np.ones(7)}, Timeframe(5, "m"), "America/New_York")
    assert longer["t"].tolist() == [START, START + 5 * MINUTE]
    assert longer["open"].tolist() == [1.0, 6.0]
    assert longer["high"].tolist() == [6.0, 8.0]
    assert longer["low"].tolist() == [0.0, 5.0]
    assert longer["close"].tolist() == [5.0, 7.0]
    assert longer["volume"].tolist() == [15.0, 13.0]
    assert longer["vwap"].tolist() == [55 / 15, 85 / 13]
    day = lengthened(columns | {"count": np.ones(7)}, Timeframe(1, "d"), "America/New_York")
    assert day["t"].tolist() == [START - (9 * 60 + 30) * MINUTE], "a day begins at midnight in New York"


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("2026-11-27T15:00", "core"), ("2026-11-27T18:00", "post"), ("2026-11-27T22:30", "closed"),
        ("2026-11-26T15:00", "closed"), ("2026-11-25T10:00", "pre"), ("2026-11-25T08:00", "closed"),
        ("2026-11-28T15:00", "closed"), ("2026-11-24T23:00", "post"), ("2026-11-25T01:30", "closed"),
    ],
)  # fmt: skip
def test_the_phase_of_the_market_knows_holidays_and_early_closes(when, said):
    assert phase(ns(when)) == said


def test_the_clock_is_told_in_new_yorks_time_to_the_nanosecond():
    said = clock_said(ns("2026-11-27T15:00:00.123456789"))
    assert said["timestamp"] == "2026-11-27T10:00:00.123456789-05:00"
    assert said["next_close"] == "2026-11-27T13:00:00.000000000-05:00"
    assert "phase" not in said


def test_the_calendar_tells_early_closes_and_when_trades_settle():
    days = calendar_said(date(2026, 11, 26), date(2026, 11, 30))
    assert [(day["date"], day["open"], day["close"], day["session_close"]) for day in days] == [
        ("2026-11-27", "09:30", "13:00", "1700"), ("2026-11-30", "09:30", "16:00", "2000"),
    ]  # fmt: skip
    assert days[0]["settlement_date"] == "2026-11-30"
    assert len(sessions().days) > 16_000


def test_bars_are_adjusted_by_the_published_rules_of_splits_and_dividends():
    day = 86_400_000_000_000
    t = ns("2024-06-07T04:00") + np.array([0, 3, 4]) * day
    close = np.array([1000.0, 101.0, 102.0])
    columns = {
        "t": t,
        **dict.fromkeys(("open", "high", "low", "close", "vwap"), close),
        "volume": np.array([10.0, 5.0, 6.0]),
    }
    split = {"symbol": "NVDA", "new_rate": 10, "old_rate": 1, "process_date": "2024-06-10", "ex_date": "2024-06-10"}
    paid = {"symbol": "NVDA", "rate": 1.01, "process_date": "2024-06-11", "ex_date": "2024-06-11"}
    actions = Actions({"forward_splits": [split], "cash_dividends": [paid]})
    now = int(t[-1])
    assert actions.adjusted(columns, "NVDA", "split", now)["close"].tolist() == [100.0, 101.0, 102.0]
    assert actions.adjusted(columns, "NVDA", "split", now)["volume"].tolist() == [100.0, 5.0, 6.0]
    np.testing.assert_allclose(actions.adjusted(columns, "NVDA", "all", now)["close"], [99.0, 99.99, 102.0], rtol=1e-14)
    assert actions.adjusted(columns, "NVDA", "raw", now) is columns
    assert actions.adjusted(columns, "NVDA", "split", int(t[0]))["close"].tolist() == close.tolist(), "not yet split"
    assert actions.adjusted(columns, "AAPL", "all", now) is columns


def test_quotes_replay_by_themselves():
    table = quotes(
        pl.DataFrame({"ts": [1, 2], "bid": [1.0, 2.0], "ask": [2.0, 3.0], "bid_size": [1.0, 1], "ask_size": [1.0, 1]})
    )
    market = Market(table)
    assert market.beat.clock == "quote"
    assert market.advance()["bid"].tolist() == [1.0]
