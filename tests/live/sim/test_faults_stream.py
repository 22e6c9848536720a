"""What goes wrong on the data websockets, through the real client and frame by frame."""

import threading

import msgpack
import pytest
from hearing import ask, authenticated, collector, running, socket, step, stocks, subscribed, told
from tapes import MINUTE, OPEN, STOCKS, minutes, tops
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from wiring import until

from live.sim.plan import Fault, weather
from live.sim.server import Loopback


def heard_with(fault, steps=5, table=None):
    """What a bare client hears of AAPL's bars, and the code with which the connection ends if it does."""
    with Loopback(table or minutes(steps), faults=[fault]) as alpaca, authenticated(alpaca) as line:
        ask(line, action="subscribe", bars=["AAPL"], updatedBars=["AAPL"])
        for _ in range(steps):
            step(alpaca)
        heard = []
        try:
            while True:
                heard += told(line, 0.2)
        except TimeoutError:
            return heard, None
        except ConnectionClosed as closed:
            return heard, closed.rcvd.code if closed.rcvd else "reset"


def starts(heard):
    return [(message["T"], (message["t"].to_unix_nano() - OPEN) // MINUTE) for message in heard]


@pytest.mark.parametrize(
    ("fault", "bars", "end"),
    [
        (Fault("drop", "stocks/b/*", nth=2), "b0 b2 b3 b4", None),
        (Fault("duplicate", "stocks/b/*", nth=2), "b0 b1 b1 b2 b3 b4", None),
        (Fault("delay", "stocks/b/*", nth=2, by=2), "b0 b2 b3 b1 b4", None),
        (Fault("delay", "stocks/b/*", nth=2, seconds=90), "b0 b2 b1 b3 b4", None),
        (Fault("mute", "stocks/b/*", nth=2), "b0", None),
        (Fault("close", "stocks/b/*", nth=2, code=1011), "b0", 1011),
        (Fault("close", "stocks/b/*", nth=2, code=1000), "b0", 1000),
        (Fault("reset", "stocks/b/*", nth=2), "b0", "reset"),
        (Fault("unknown", "stocks/b/*", nth=2), "b0 novel1 b2 b3 b4", None),
        (Fault("revise", "stocks/b/*", nth=2, seconds=30), "b0 b1 u1 b2 b3 b4", None),
        (Fault("skew", "stocks/b/*", nth=2, seconds=-60), "b0 b0 b2 b3 b4", None),
    ],
)  # fmt: skip
def test_a_message_is_lost_doubled_late_or_odd_or_ends_the_connection(fault, bars, end):
    heard, ended = heard_with(fault)
    assert " ".join(f"{kind}{minute}" for kind, minute in starts(heard)) == bars
    assert ended == end


def test_a_mute_connection_still_answers_pings():
    with Loopback(minutes(), faults=[Fault("mute", "stocks/b/*")]) as alpaca, authenticated(alpaca) as line:
        ask(line, action="subscribe", bars=["AAPL"])
        step(alpaca)
        with pytest.raises(TimeoutError):
            told(line, 0.1)
        assert line.ping().wait(5)


def test_a_slow_client_is_told_so_and_closed():
    heard, ended = heard_with(Fault("error", "stocks/b/*", nth=3, code=407))
    assert heard[-1] == {"T": "error", "code": 407, "msg": "slow client"}
    assert ended == 1008


def test_a_client_that_does_not_read_is_too_slow_when_more_waits_than_may():
    with Loopback(minutes(), tops(5000), stream={"backlog": 1000, "most": 10}) as alpaca, authenticated(alpaca) as line:
        ask(line, action="subscribe", quotes=["*"])
        while not alpaca.finished:
            step(alpaca)
        frames = [told(line)]
        while frames[-1][0]["T"] != "error":
            frames.append(told(line))
        assert frames[-1] == [{"T": "error", "code": 407, "msg": "slow client"}]
        with pytest.raises(ConnectionClosed) as closed:
            told(line)
        assert closed.value.rcvd.code == 1008


def test_an_answer_to_a_subscription_may_lack_a_symbol_and_the_service_then_has_it_not():
    with Loopback(minutes(), faults=[Fault("short", "stocks/subscription/")]) as alpaca, authenticated(alpaca) as line:
        assert ask(line, action="subscribe", bars=["AAPL", "F"])[0]["bars"] == ["AAPL"]
        step(alpaca)
        assert [message["S"] for message in told(line)] == ["AAPL"]
        assert ask(line, action="subscribe", bars=["AAPL", "F"])[0]["bars"] == ["AAPL", "F"]


def test_who_says_who_he_is_may_never_hear_whether_he_is_let_in():
    with Loopback(minutes(), faults=[Fault("drop", "stocks/authenticated/")]) as alpaca, socket(alpaca) as line:
        told(line)
        line.send(msgpack.packb({"action": "auth", "key": alpaca.keys.key, "secret": alpaca.keys.secret}))
        with pytest.raises(TimeoutError):
            told(line, 0.1)


@pytest.mark.parametrize("code", [402, 405, 406, 409])
def test_any_refusal_may_come_in_the_stead_of_an_answer(code):
    on = "stocks/subscription/" if code == 405 else "stocks/authenticated/"
    with Loopback(minutes(), faults=[Fault("error", on, code=code)]) as alpaca, socket(alpaca) as line:
        told(line)
        said = ask(line, action="auth", key=alpaca.keys.key, secret=alpaca.keys.secret)
        if code == 405:
            said = ask(line, action="subscribe", bars=["AAPL"])
        assert said[0]["code"] == code


@pytest.mark.parametrize("fault", [Fault("reset", "stocks/b/*", nth=4), Fault("close", "stocks/b/*", nth=4, code=1011)])
def test_the_real_client_comes_back_after_its_connection_broke_and_hears_on(fault):
    heard = []
    with Loopback(minutes(4), faults=[fault]) as alpaca:
        stream = stocks(alpaca)
        stream.subscribe_bars(collector(heard), *STOCKS)
        with running(stream, alpaca):
            step(alpaca)
            until(lambda: len(heard) == 3)
            first = subscribed(alpaca)[0]
            step(alpaca)
            until(lambda: bool(subscribed(alpaca)) and subscribed(alpaca)[0] is not first)
            step(alpaca)
            until(lambda: len(heard) == 6)
    assert [minute for _, minute in starts(heard)] == [0, 0, 0, 2, 2, 2], "what was told meanwhile is gone"


def test_the_real_client_gets_in_once_the_connection_that_was_too_many_is_gone():
    heard = []
    with Loopback(minutes(2)) as alpaca, authenticated(alpaca) as line:
        stream = stocks(alpaca)
        stream.subscribe_bars(collector(heard), "AAPL")
        letting_go = threading.Timer(0.1, line.close)
        letting_go.start()
        with running(stream, alpaca):
            step(alpaca)
            until(lambda: len(heard) == 1)
        letting_go.join()


def test_the_same_seed_makes_the_same_weather_over_the_wire():
    def heard(seed):
        with Loopback(minutes(60), faults=weather(0.05), seed=seed) as alpaca, authenticated(alpaca) as line:
            ask(line, action="subscribe", bars=["*"])
            while not alpaca.finished:
                step(alpaca)
            said = []
            try:
                while True:
                    said += told(line, 0.2)
            except (TimeoutError, ConnectionClosedError):
                return said, alpaca.faults.log

    assert heard(3) == heard(3)
    assert heard(3)[1] != heard(4)[1]
