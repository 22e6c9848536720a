"""The feed over a real websocket and the real client: what is heard, whatever the other side does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import numpy as np
import pytest
from alpaca_server import Alpaca, alpaca, bar
from feed_rows import MINUTE, OPEN

from live.errors import FeedError
from live.feeds.alpaca import AlpacaFeed
from live.feeds.alpaca_stream import Waits
from live.feeds.calendar import Calendar, new_york
from live.feeds.protocol import Correction, Heard, Incident, Moment, Past
from live.feeds.settings import FeedSettings
from live.feeds.supply import supplied
from quantlib.features.flow.impact import kyle_lambda
from quantlib.strategy import Strategy

QUICK = Waits(answer=5.0, stale=60.0, first=0.01, longest=0.05, same=0.01)
STOCKS = ("AAPL", "MSFT")


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return new_york(OPEN)


@pytest.fixture
def server() -> Iterator[Alpaca]:
    with alpaca() as one:
        yield one


@contextmanager
def feeding(
    server: Alpaca, calendar: Calendar, symbols: tuple[str, ...] = STOCKS, minute: float = 1.5,
    after: int | None = None, **named: Any,
) -> Iterator[AlpacaFeed]:  # fmt: skip
    """A feed that has begun, at a time of the session that stands still."""
    settings = FeedSettings(**({"waits": QUICK, "patience": 0.3} | named))
    feed = AlpacaFeed(server.keys, symbols, settings, calendar=calendar, clock=lambda: OPEN + int(minute * MINUTE))
    try:
        feed.begin(after)
        yield feed
    finally:
        feed.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("feed ")]


def hear(feed: AlpacaFeed, until: Callable[[Heard], bool], seconds: float = 10.0) -> list[Heard]:
    """What is heard, up to what was waited for."""
    heard: list[Heard] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        one = feed.next(0.2)
        if one is not None:
            heard.append(one)
            if until(one):
                return heard
    raise AssertionError(f"waited in vain, heard {heard}")


def is_moment(heard: Heard) -> bool:
    return isinstance(heard, Moment)


def incident(kind: str) -> Callable[[Heard], bool]:
    return lambda heard: isinstance(heard, Incident) and heard.kind == kind


def kinds(heard: list[Heard]) -> list[str]:
    return [one.kind if isinstance(one, Incident) else type(one).__name__.lower() for one in heard]


def test_bars_of_the_wire_are_a_moment_known_at_their_end(server: Alpaca, calendar: Calendar) -> None:
    with feeding(server, calendar) as feed:
        before = time.monotonic_ns()
        server.send(bar(1, "MSFT", 50.0), bar(1, "AAPL", 100.25))
        moment = hear(feed, is_moment)[-1]
        assert isinstance(moment, Moment)
        assert moment.ts == OPEN + MINUTE
        assert before < moment.arrived < time.monotonic_ns()
        assert moment.rows["symbol"].tolist() == [0, 1]
        assert moment.rows["close"].tolist() == [100.25, 50.0]
        assert moment.rows["ts_event"].tolist() == [OPEN, OPEN]
        health = feed.health()
        assert (health.connected, health.rows, health.messages, health.trouble) == (True, 2, 2, "")
    (subscribed,) = server.subscribed
    assert set(subscribed) == {"action", "bars", "updatedBars", "quotes", "statuses", "lulds"}
    assert subscribed["lulds"] == list(STOCKS)


def test_stocks_and_crypto_are_one_session(server: Alpaca, calendar: Calendar) -> None:
    with feeding(server, calendar, ("AAPL", "BTC/USD")) as feed:
        server.send(bar(1, "BTC/USD", 60000.5), path="/v1beta3/crypto/us")
        server.send(bar(1, "AAPL"))
        moment = hear(feed, is_moment)[-1]
        assert isinstance(moment, Moment)
        assert moment.rows["symbol"].tolist() == [0, 1]


def test_a_moment_without_a_symbol_closes_when_patience_ends_and_its_row_is_a_correction(
    server: Alpaca, calendar: Calendar
) -> None:
    with feeding(server, calendar) as feed:
        server.send(bar(1, "AAPL"))
        moment = hear(feed, is_moment)[-1]
        assert isinstance(moment, Moment)
        assert len(moment.rows) == 1
        server.send(bar(1, "MSFT"), bar(1, "AAPL", kind="u"), bar(1, "AAPL", 101.0, kind="u"))
        late = hear(feed, lambda h: isinstance(h, Correction) and h.why == "updated")
        assert [one.why for one in late if isinstance(one, Correction)] == ["late", "updated"]
        assert feed.health().duplicates == 1


def test_a_stopped_symbol_is_not_waited_for(server: Alpaca, calendar: Calendar) -> None:
    with feeding(server, calendar, patience=60.0) as feed:
        halt = {"S": "MSFT", "sc": "H", "sm": "Trading Halt", "rc": "T12", "rm": "news", "z": "C", "t": 1}
        server.send(halt | {"T": "s"})
        server.send(bar(1, "AAPL"))
        heard = hear(feed, is_moment)
        assert "halt" in kinds(heard)
        assert feed.market.halted.tolist() == [False, True]
        server.send(halt | {"T": "s", "sc": "T"})
        hear(feed, incident("resume"))
        assert not feed.market.halted.any()


def test_between_moments_the_market_is_known(server: Alpaca, calendar: Calendar) -> None:
    stamp = msgpack.Timestamp.from_unix_nano(OPEN + 5)
    with feeding(server, calendar, trades=True) as feed:
        server.send(
            {"T": "q", "S": "AAPL", "bp": 99.0, "ap": 99.5, "bs": 1, "as": 1, "t": stamp},
            {"T": "q", "S": "MSFT", "bp": 10.0, "ap": 9.0, "bs": 1, "as": 1, "t": stamp},
            {"T": "t", "S": "AAPL", "p": 99.25, "s": 5, "i": 1, "t": stamp},
            {"T": "l", "S": "AAPL", "u": 110.0, "d": 90.0, "i": "B", "t": stamp},
            {"T": "q", "S": "TSLA", "bp": 1.0, "ap": 2.0, "t": stamp},
        )
        heard = [feed.next(5.0), feed.next(5.0), feed.next(5.0)]
        assert [one.text for one in heard if isinstance(one, Incident)][1:] == [
            "quote of TSLA is not watched",
            "quote of MSFT is crossed",
        ]
        m = feed.market
        assert (m.bid[0], m.ask[0], m.trade[0], m.at[0], m.lower[0], m.upper[0]) == (
            99.0,
            99.5,
            99.25,
            OPEN + 5,
            90,
            110,
        )
        assert np.isnan(m.bid[1])
        assert feed.health().refused == 2


def test_rows_that_cannot_be_are_told_and_the_others_decided_on(server: Alpaca, calendar: Calendar) -> None:
    server.assets += [{"symbol": symbol, "tradable": True} for symbol in "AB"]
    with feeding(server, calendar, ("AAPL", "MSFT", "A", "B")) as feed:
        bad = bar(1, "MSFT") | {"h": 1.0}
        server.send(bar(1, "AAPL"), bad, bar(1, "A", float("nan")), bar(9, "B"), bar(1, "C"))
        heard = hear(feed, is_moment)
        told = [one.text for one in heard if isinstance(one, Incident) and one.kind == "refused"]
        assert len(told) == 4
        assert any("high 1.0 below low 99.0" in text for text in told)
        assert any("close NaN" in text or "open NaN" in text for text in told)
        assert any("from the future" in text for text in told)
        moment = heard[-1]
        assert isinstance(moment, Moment)
        assert moment.rows["symbol"].tolist() == [0]
        assert feed.health().refused == 4


@pytest.mark.parametrize(
    ("code", "cure"), [(402, "APCA_API_KEY_ID"), (409, "APCA_API_DATA_FEED=iex"), (411, "make others")]
)
def test_what_will_never_work_ends_the_start_with_its_cure(
    server: Alpaca, calendar: Calendar, code: int, cure: str
) -> None:
    server.answers = [{"T": "error", "code": code, "msg": "no"}]
    with pytest.raises(FeedError, match=cure) as caught, feeding(server, calendar):
        pass
    assert "SSSS" not in str(caught.value)
    assert server.connections["/v2/iex"] == 1


def test_too_many_symbols_are_no_quiet_feed(server: Alpaca, calendar: Calendar) -> None:
    server.acks = [lambda ack: {"T": "error", "code": 405, "msg": "symbol limit exceeded"}]
    with pytest.raises(FeedError, match="fewer symbols"), feeding(server, calendar):
        pass


def test_another_connection_still_counted_is_waited_out_on_the_same_socket(server: Alpaca, calendar: Calendar) -> None:
    server.answers = [{"T": "error", "code": 406, "msg": "connection limit exceeded"}] * 3
    with feeding(server, calendar) as feed:
        assert feed.health().connected
    assert server.connections["/v2/iex"] == 1


def test_a_confirmation_that_lacks_a_symbol_is_told_and_tried_again(server: Alpaca, calendar: Calendar) -> None:
    server.acks = [lambda ack: ack | {"bars": ["AAPL"]}]
    with feeding(server, calendar) as feed:
        assert feed.health().connected
        heard = hear(feed, incident("connected"))
        assert "did not confirm bars MSFT" in str(heard)
    assert server.connections["/v2/iex"] == 2


def test_a_channel_that_is_not_needed_may_be_lacking(server: Alpaca, calendar: Calendar) -> None:
    server.acks = [lambda ack: {k: v for k, v in ack.items() if k != "lulds"}]
    with feeding(server, calendar) as feed:
        heard = hear(feed, incident("connected"))
        assert kinds(heard) == ["subscription", "connected"]
    assert server.connections["/v2/iex"] == 1


@pytest.mark.parametrize("silence", ["keys", "subscription"])
def test_an_answer_that_never_comes_is_not_waited_for_for_ever(
    server: Alpaca, calendar: Calendar, silence: str
) -> None:
    if silence == "keys":
        server.mute = 1
    else:
        server.acks = [lambda ack: None]
    with feeding(server, calendar, waits=QUICK._replace(answer=0.5)) as feed:
        assert kinds(hear(feed, incident("connected"))) == ["lost", "connected"]
        assert feed.health().connected
    assert server.connections["/v2/iex"] == 2


def test_after_a_reset_the_gap_is_filled_before_the_next_moment(server: Alpaca, calendar: Calendar) -> None:
    with feeding(server, calendar, minute=4.2) as feed:
        server.send(bar(1, "AAPL"), bar(1, "MSFT"))
        hear(feed, is_moment)
        server.history = [bar(k, s) for k in (1, 2, 3, 4) for s in STOCKS]
        server.drop()
        heard = hear(feed, lambda h: isinstance(h, Past))
        assert kinds(heard) == ["lost", "connected", "past"]
        past = heard[-1]
        assert isinstance(past, Past)
        assert past.why == "gap"
        assert ((past.rows["ts"] - OPEN) // MINUTE).tolist() == [2, 2, 3, 3, 4, 4]
        feed.clock = lambda: OPEN + 5 * MINUTE
        server.send(bar(4, "AAPL"), bar(5, "AAPL"), bar(5, "MSFT"))
        assert kinds(hear(feed, is_moment)) == ["moment"]
        health = feed.health()
        assert (health.reconnects, health.backfilled) == (1, 6)
        assert health.duplicates == 3  # two of the moment before the reset, one sent again


def test_live_rows_wait_for_the_gap_but_not_for_ever(server: Alpaca, calendar: Calendar) -> None:
    with feeding(server, calendar, minute=3.5, hold=30.0) as feed:
        server.send(bar(1, "AAPL"), bar(1, "MSFT"))
        hear(feed, is_moment)
        server.gate = threading.Event()
        server.history = [bar(2, s) for s in STOCKS]
        server.drop()
        hear(feed, incident("connected"))
        server.send(bar(3, "AAPL"), bar(3, "MSFT"))
        assert feed.next(0.5) is None
        server.gate.set()
        heard = hear(feed, is_moment)
        assert kinds(heard) == ["past", "moment"]
    with feeding(server, calendar, minute=3.5, hold=0.2) as feed:
        server.send(bar(1, "AAPL"), bar(1, "MSFT"))
        hear(feed, is_moment)
        server.gate = threading.Event()
        server.drop()
        hear(feed, incident("connected"))
        server.send(bar(3, "AAPL"), bar(3, "MSFT"))
        assert kinds(hear(feed, is_moment)) == ["moment"]
        server.gate.set()
        assert kinds(hear(feed, lambda h: isinstance(h, Correction))) == ["correction"]


def test_a_history_that_fails_is_told_and_moments_go_on(server: Alpaca, calendar: Calendar) -> None:
    with feeding(server, calendar, minute=3.5) as feed:
        server.failing = 10
        server.drop()
        heard = hear(feed, incident("history"))
        assert "alpaca: gave no bars" in str(heard[-1])
        server.send(bar(3, "AAPL"), bar(3, "MSFT"))
        hear(feed, is_moment)


def test_a_first_start_warms_up_on_the_horizon_and_says_who_is_short(server: Alpaca, calendar: Calendar) -> None:
    server.history = [bar(k, "AAPL") for k in (1, 2, 3, 4)] + [bar(2, "MSFT")]
    with feeding(server, calendar, minute=5.5, horizon=3) as feed:
        heard = hear(feed, lambda h: isinstance(h, Past))
        past = heard[-1]
        assert isinstance(past, Past)
        assert past.why == "warm-up"
        assert ((past.rows["ts"] - OPEN) // MINUTE).tolist() == [2, 2, 3, 4]
        assert past.rows["symbol"].tolist() == [0, 1, 0, 0]
        assert [h.text for h in heard if isinstance(h, Incident) and h.kind == "warm-up"] == [
            "feed: MSFT has 1 of the 3 rows to warm up on; it trades once it has them"
        ]


def test_a_restart_fills_what_happened_since_the_last_decision(server: Alpaca, calendar: Calendar) -> None:
    server.history = [bar(k, s) for k in (1, 2, 3) for s in STOCKS]
    with feeding(server, calendar, minute=5.5, after=OPEN + MINUTE, horizon=3) as feed:
        heard = hear(feed, lambda h: isinstance(h, Past))
        past = heard[-1]
        assert isinstance(past, Past)
        assert (past.why, ((past.rows["ts"] - OPEN) // MINUTE).tolist()) == ("gap", [2, 2, 3, 3])


def test_silence_while_there_is_trade_is_left_and_out_of_session_it_is_not(server: Alpaca, calendar: Calendar) -> None:
    waits = QUICK._replace(stale=0.3)
    with feeding(server, calendar, waits=waits) as feed:
        heard = hear(feed, incident("stale"))
        assert "silent" in str(heard[-1])
        assert feed.health().stale
        hear(feed, incident("connected"))
        server.send(bar(1, "AAPL"), bar(1, "MSFT"))
        hear(feed, is_moment)
        assert not feed.health().stale
    with feeding(server, calendar, waits=waits, minute=-60) as feed:
        assert kinds([one for one in [feed.next(1.0), feed.next(1.0)] if one]) == ["connected"]


def test_stocks_out_of_regular_hours_are_passed_over_unless_asked_for(server: Alpaca, calendar: Calendar) -> None:
    with feeding(server, calendar, minute=0.5) as feed:
        server.send(bar(-5, "AAPL"))
        heard = hear(feed, incident("outside"))
        assert "2024-07-01T13:25:00Z" in str(heard[-1])
        assert feed.next(0.5) is None
    with feeding(server, calendar, minute=0.5, hours="all") as feed:
        server.send(bar(-5, "AAPL"), bar(-5, "MSFT"))
        hear(feed, is_moment)


def test_a_moment_too_old_to_act_on_has_gone_by(server: Alpaca, calendar: Calendar) -> None:
    with feeding(server, calendar, minute=6.0, oldest=120.0) as feed:
        server.send(bar(1, "AAPL"), bar(1, "MSFT"))
        past = hear(feed, lambda h: isinstance(h, Past))[-1]
        assert isinstance(past, Past)
        assert past.why == "gap"
        server.send(bar(5, "AAPL"), bar(5, "MSFT"))
        hear(feed, is_moment)


def test_an_unknown_symbol_and_a_calendar_that_differs_are_found_before_the_first_row(
    server: Alpaca, calendar: Calendar
) -> None:
    with pytest.raises(FeedError, match=r"no 'APPL'.*Did you mean 'AAPL'"), feeding(server, calendar, ("APPL",)):
        pass
    server.days = [{"date": "2024-07-01", "open": "09:30", "close": "13:00"}]
    with feeding(server, calendar) as feed:
        heard = hear(feed, incident("calendar"))
        assert "2024-07-01" in str(heard[-1])


def test_frames_that_cannot_be_read_end_nothing(server: Alpaca, calendar: Calendar) -> None:
    with feeding(server, calendar) as feed:
        server.send_raw(b"\xc1 is no msgpack")
        server.send({"T": "b"}, {"T": "b", "S": "AAPL"}, {"T": "s", "S": "AAPL"}, {"no": "kind"}, {"T": "?"})
        server.send(bar(1, "AAPL") | {"t": "text"}, bar(1, "MSFT"), bar(1, "AAPL"))
        heard = hear(feed, is_moment)
        assert isinstance(heard[-1], Moment)
        assert len(heard[-1].rows) == 2
        assert "cannot be read" in str(heard)
    assert server.connections["/v2/iex"] == 1


def test_settings_and_strategies_that_make_no_sense_are_refused(server: Alpaca, calendar: Calendar) -> None:
    def feed(*symbols: str, **named: Any) -> AlpacaFeed:
        return AlpacaFeed(
            server.keys._replace(**named.pop("keys", {})), symbols, FeedSettings(**named), calendar=calendar
        )

    with pytest.raises(FeedError, match="each once"):
        feed("AAPL", "AAPL")
    with pytest.raises(FeedError, match="hours must be"):
        feed("AAPL", hours="night")
    with pytest.raises(FeedError, match="streams bars of 60 seconds"):
        feed("AAPL", timeframe=5 * MINUTE, keys={"stream": "wss://stream.data.alpaca.markets"})
    with pytest.raises(FeedError, match="no column 'spread'"):
        feed("AAPL", layout=np.dtype([("ts", "i8"), ("symbol", "i4"), ("spread", "f8")]))
    with pytest.raises(FeedError, match="runs on trade rows, this feed brings bar rows"):
        supplied(feed("AAPL"), Strategy(features=(kyle_lambda(20),)))


def test_other_columns_of_bars_travel_along(server: Alpaca, calendar: Calendar) -> None:
    layout = np.dtype([("ts", "i8"), ("symbol", "i4"), ("close", "f8"), ("vwap", "f8"), ("trades", "f8")])
    with feeding(server, calendar, ("AAPL",), layout=layout) as feed:
        server.send(bar(1, "AAPL") | {"vw": 99.875})
        moment = hear(feed, is_moment)[-1]
        assert isinstance(moment, Moment)
        assert moment.rows.tolist() == [(OPEN + MINUTE, 0, 100.0, 99.875, 10.0)]
