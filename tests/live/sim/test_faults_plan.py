"""Which calls and messages a plan of faults strikes, and what becomes of a message."""

import asyncio
from collections import Counter

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.errors import ConfigError
from live.sim.distortions import Close, Mute, Reset
from live.sim.faults import Faults
from live.sim.plan import MESSAGES, Fault, Plan, weather

T0 = 1_600_000_000_000_000_000


def bar(symbol="AAPL", **changes):
    return {"T": "b", "S": symbol, "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 10, "n": 2, "vw": 1.2} | changes


def test_a_fault_strikes_the_nth_match_of_its_glob_and_those_after_it_as_often_as_asked():
    plan = Plan([Fault("drop", "stocks/b/AAPL", nth=2, times=2)])
    symbols = ("AAPL", "MSFT", "AAPL", "AAPL", "AAPL")
    struck = [bool(plan.struck(f"stocks/b/{symbol}", MESSAGES, 0)) for symbol in symbols]
    assert struck == [False, False, True, True, False]
    assert [one.match for one in plan.log] == [2, 3]


def test_a_fault_waits_for_its_moment_of_the_replay():
    plan = Plan([Fault("drop", "stocks/*", after=T0)])
    assert plan.struck("stocks/b/A", MESSAGES, T0 - 1) is None
    assert plan.struck("stocks/b/A", MESSAGES, T0) is not None


@given(seed=st.integers(0, 2**31), order=st.permutations(list(range(60))))
def test_the_same_seed_strikes_the_same_matches_however_streams_and_calls_interleave(seed, order):
    faults = [Fault("drop", "stocks/b/*", rate=0.3), Fault("cut", "GET /v2/*", rate=0.3)]

    def struck(ways):
        plan = Plan(faults, seed)
        for where in ways:
            plan.struck(where, ("cut",) if where.startswith("GET") else MESSAGES, 0)
        return sorted((one.kind, one.match) for one in plan.log)

    ways = ["stocks/b/A"] * 30 + ["GET /v2/clock"] * 30
    assert struck(ways) == struck([ways[k] for k in order])


def test_a_rate_is_the_share_of_matches_that_are_struck_and_another_seed_strikes_others():
    hits = []
    for seed in (1, 2):
        plan = Plan([Fault("drop", rate=0.1)], seed)
        hits.append([k for k in range(5000) if plan.struck("stocks/b/A", MESSAGES, 0)])
    assert all(400 < len(one) < 600 for one in hits)
    assert hits[0] != hits[1]


def test_of_two_faults_that_strike_at_once_the_first_does_and_both_have_counted():
    plan = Plan([Fault("drop", nth=1), Fault("duplicate", nth=2)])
    kinds = [getattr(plan.struck("stocks/b/A", MESSAGES, 0), "kind", None) for _ in range(3)]
    assert kinds == ["drop", "duplicate", None]


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault("earthquake"), "kind must be one of"), (Fault("drop", nth=0), "count from 1"),
        (Fault("drop", rate=1.5), r"chance in \[0, 1\]"), (Fault("answer"), "code of 400 to 599"),
        (Fault("delay"), "wants by"), (Fault("close"), "closed with 1000 to 1014"),
        (Fault("drop", nth="x"), "are numbers"),
        (Fault("slow", seconds=-1.0), "not negative"), (Fault("close", code=1006), "closed with"),
        (Fault("drop", accepted=True), "only calls"),
    ],
)  # fmt: skip
def test_a_fault_that_makes_no_sense_is_refused_with_the_rule(fault, word):
    with pytest.raises(ConfigError, match=word):
        Faults([fault])


def sent(fault, *messages):
    faults = Faults([fault])
    return [part for message in messages for part in faults.on_send("stocks", message)]


def test_messages_are_dropped_doubled_or_let_by():
    assert sent(Fault("drop", "stocks/b/*"), bar(), bar("B")) == [bar("B")]
    assert sent(Fault("duplicate"), bar(), bar("B")) == [bar(), bar(), bar("B")]
    assert sent(Fault("drop", "crypto/*"), bar()) == [bar()]


def test_a_delayed_message_comes_after_as_many_others_as_asked():
    assert sent(Fault("delay", by=2), bar("A"), bar("B"), bar("C"), bar("D")) == [
        bar("B"),
        bar("C"),
        bar("A"),
        bar("D"),
    ]


def test_a_message_delayed_by_time_comes_when_the_replay_is_there():
    now = [T0]
    faults = Faults([Fault("delay", seconds=60)], now=lambda: now[0])
    assert faults.on_send("stocks", bar()) == []
    assert faults.due("stocks") == []
    now[0] += 60 * 10**9
    assert faults.due("crypto") == []
    assert faults.due("stocks") == [bar()]
    assert faults.due("stocks") == []
    assert not faults.concerns("stocks")


def test_a_connection_breaks_closes_or_falls_silent():
    assert sent(Fault("reset"), bar()) == [Reset()]
    assert sent(Fault("close", code=1011), bar()) == [Close(1011)]
    assert sent(Fault("mute"), bar()) == [Mute()]


def test_an_error_comes_in_a_messages_stead_and_a_slow_client_is_closed_too():
    assert sent(Fault("error", "stocks/authenticated/", code=402), {"T": "success", "msg": "authenticated"}) == [
        {"T": "error", "code": 402, "msg": "auth failed"}
    ]
    assert sent(Fault("error", code=407), bar()) == [{"T": "error", "code": 407, "msg": "slow client"}, Close(1008)]


def test_the_accounts_stream_has_unheard_of_events_and_statuses_a_wrong_clock_and_refusals():
    order = {"symbol": "AAPL", "status": "filled"}
    fill = {"stream": "trade_updates", "data": {"event": "fill", "timestamp": "2026-11-20T14:30:00.2Z", "order": order}}

    def one(fault, message=fill):
        return Faults([fault]).on_send("trading", message)[0]

    assert one(Fault("unknown", "trading/fill/AAPL"))["data"]["event"] == "novel"
    assert one(Fault("status", "trading/fill/AAPL"))["data"]["order"]["status"] == "novel"
    assert one(Fault("skew", seconds=-1.5))["data"]["timestamp"] == "2026-11-20T14:29:58.700000000Z"
    authorized = {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
    assert one(Fault("error", "trading/authorization/"), authorized)["data"]["status"] == "unauthorized"
    assert fill["data"]["event"] == "fill", "the message itself is untouched"


def test_a_bar_may_come_from_a_wrong_clock_or_be_told_again_as_updated():
    message = bar(t=msgpack.Timestamp.from_unix_nano(T0))
    assert sent(Fault("skew", seconds=2), message)[0]["t"].to_unix_nano() == T0 + 2 * 10**9
    first, other, again = sent(Fault("revise", by=1), bar("A"), bar("B"))
    assert (first, other) == (bar("A"), bar("B"))
    assert again == bar("A", T="u", l=0.49, v=11, n=3)


def test_a_short_answer_lacks_the_last_symbol_of_each_channel():
    ack = {"T": "subscription", "bars": ["A", "B"], "trades": []}
    assert sent(Fault("short", "stocks/subscription/"), ack) == [{"T": "subscription", "bars": ["A"], "trades": []}]


def test_weather_lets_handshakes_be_and_strikes_every_kind_of_message_and_call():
    faults = Faults(weather(1.0))
    assert faults.on_send("stocks", {"T": "success", "msg": "connected"}) == [{"T": "success", "msg": "connected"}]
    assert faults.on_send("stocks", bar()) == [bar(), bar()]
    struck = Counter(fault.kind for fault in weather(0.1))
    assert struck["answer"] == 4
    assert struck["cut"] == 2


def test_a_spent_plan_concerns_no_stream_so_that_nobody_need_ask():
    faults = Faults([Fault("drop", "stocks/b/*"), Fault("answer", "GET *", code=500)])
    assert faults.concerns("stocks")
    assert not faults.concerns("crypto")
    faults.on_send("stocks", bar())
    assert not faults.concerns("stocks")


def test_the_clock_of_one_call_may_be_ahead():
    faults = Faults([Fault("skew", "GET /v2/clock", seconds=90, nth=2)])
    assert [faults.skew("GET /v2/clock") for _ in range(3)] == [0, 90 * 10**9, 0]


def test_whoever_hangs_is_let_go_when_the_service_ends():
    async def story():
        faults = Faults()
        waiting = asyncio.create_task(faults._pause(None))
        await asyncio.sleep(0)
        assert not waiting.done()
        faults.release()
        await asyncio.wait_for(waiting, 1)

    asyncio.run(story())
