"""Alerts are told once, to whom they concern, and never hold anybody up."""

import logging
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulses import pulse
from sink import sink

from live.control.alerts import (
    CRITICAL,
    INFO,
    WARNING,
    Alert,
    Ledger,
    Message,
    Terms,
    changes,
    conditions,
    happened,
    holding,
    shortened,
)
from live.control.courier import FILE, Courier, Sink, addresses_of, sinks_of
from live.control.logs import ADDRESSES, HIDDEN, Redactor
from live.errors import ConfigError

SILENT = Alert("feed silent", CRITICAL, "no message for 31 s")
TERMS = Terms(repeat=100, calm=10, period=50)


def titles(messages) -> list[str]:
    return [message.title for message in messages]


def test_a_condition_is_told_when_it_begins_each_repeat_and_when_it_is_over():
    ledger, told = Ledger(), {}
    for now in range(0, 260):
        alerts = [SILENT] if now < 230 else []
        ledger, messages = holding(ledger, alerts, float(now), TERMS)
        if messages:
            told[now] = messages
    assert {now: titles(messages) for now, messages in told.items()} == {
        0: ["feed silent"], 100: ["feed silent"], 200: ["feed silent"], 239: ["over: feed silent"],
    }  # fmt: skip
    assert told[100][0].text == "no message for 31 s (for 100 s)"
    assert told[239][0] == Message(INFO, "over: feed silent", "it lasted 4 min: no message for 31 s")
    assert ledger.conditions == {}


def test_a_condition_that_flickers_is_one():
    ledger, count = Ledger(), 0
    for now in range(0, 90):
        ledger, messages = holding(ledger, [SILENT] if now % 9 == 0 else [], float(now), TERMS)
        count += len(messages)
    assert count == 1


def test_a_condition_that_grows_worse_is_told_again_at_once():
    ledger, _ = holding(Ledger(), [SILENT._replace(severity=WARNING)], 0.0, TERMS)
    ledger, messages = holding(ledger, [SILENT], 1.0, TERMS)
    assert [m.severity for m in messages] == [CRITICAL]
    _, messages = holding(ledger, [SILENT._replace(severity=WARNING)], 2.0, TERMS)
    assert messages == []


def test_an_incident_is_told_once_in_a_period_and_says_how_often_it_came():
    ledger, told = Ledger(), {}
    for now in range(0, 120, 5):
        ledger, messages = happened(ledger, SILENT, float(now), TERMS)
        if messages:
            told[now] = messages[0].text
    assert told == {
        0: "no message for 31 s",
        50: "no message for 31 s (and 9 times more since it was last told)",
        100: "no message for 31 s (and 9 times more since it was last told)",
    }


def test_incidents_about_different_things_are_different():
    ledger, first = happened(Ledger(), SILENT._replace(about="AAPL"), 0.0, TERMS)
    _, second = happened(ledger, SILENT._replace(about="SPY"), 1.0, TERMS)
    assert titles(first + second) == ["feed silent (AAPL)", "feed silent (SPY)"]


@given(st.lists(st.tuples(st.floats(0, 30), st.sets(st.sampled_from("abc"))), max_size=60))
def test_whatever_happens_each_condition_begins_and_ends_in_turn(steps):
    ledger, now, open_ = Ledger(), 0.0, set()
    for gap, names in steps:
        now += gap
        ledger, messages = holding(ledger, [Alert(n, WARNING, "") for n in sorted(names)], now, Terms(1e9, 10, 50))
        for message in messages:
            name = message.title.removeprefix("over: ")
            assert (name in open_) == message.title.startswith("over: ")
            open_ ^= {name}
        assert open_ == {name for name, _ in ledger.conditions}
        assert names <= open_


@given(st.lists(st.sampled_from([INFO, WARNING, CRITICAL]), max_size=30), st.integers(1, 10))
def test_shortening_names_every_message_and_keeps_the_gravest(severities, most):
    messages = [Message(severity, f"<{n}>", "") for n, severity in enumerate(severities)]
    short = shortened(messages, most)
    assert len(short) <= most
    text = " ".join(m.title + m.text for m in short)
    assert all(m.title in text for m in messages)
    if CRITICAL in severities:
        assert short[0].severity == CRITICAL or len(messages) <= most


def test_a_session_that_is_well_is_not_worth_an_alert():
    assert conditions(pulse()) == []
    assert changes(pulse(), pulse()) == []


@pytest.mark.parametrize(
    ("sick", "name", "severity"),
    [
        (pulse(mode="HALTED", why="daily drawdown"), "trading restricted", CRITICAL),
        (pulse(mode="REDUCING"), "trading restricted", WARNING),
        (pulse(feed={"connected": False}), "feed disconnected", WARNING),
        (pulse(feed={"trouble": "AAPL is not acknowledged"}), "feed trouble", WARNING),
        (pulse(broker={"breaker": "open"}), "broker circuit", CRITICAL),
        (pulse(broker={"trouble": "trade bust"}), "broker trouble", WARNING),
        (pulse(broker={"unknown": 2}), "orders unknown", CRITICAL),
        (
            pulse(limits=[{"name": "daily drawdown", "now": 0.019, "limit": 0.02, "fraction": True}]),
            "limit near",
            WARNING,
        ),
    ],
)
def test_what_is_wrong_with_a_pulse_is_told(sick, name, severity):
    (alert,) = conditions(sick)
    assert (alert.name, alert.severity) == (name, severity)


def test_a_limit_that_is_off_far_or_there_to_be_used_is_no_alert():
    rows = [
        {"name": "losses in a row", "now": 5.0, "limit": None, "fraction": False},
        {"name": "losses in a row", "now": 5.0, "limit": 0.0, "fraction": False},
        {"name": "daily drawdown", "now": 0.017, "limit": 0.02, "fraction": True},
        {"name": "daily drawdown", "now": None, "limit": 0.02, "fraction": True},
        {"name": "largest position", "now": 0.05, "limit": 0.05, "fraction": True},
    ]
    assert conditions(pulse(limits=rows)) == []


def test_rejections_and_restarts_are_told_by_what_changed():
    before = pulse()
    now = pulse(pid=before.pid + 1, statuses=before.statuses | {"rejected": 4})
    assert [(a.name, a.severity) for a in changes(before, now)] == [
        ("orders rejected", WARNING), ("session restarted", INFO),
    ]  # fmt: skip
    assert "rejected 3 orders" in changes(before, now)[0].text


def test_an_alert_arrives_where_it_was_sent_without_secrets():
    with sink() as posted:
        courier = Courier(sinks_of([posted.address], title="trend: "), Redactor(["hunter2secret"]))
        courier.hold([SILENT._replace(text="silent since hunter2secret")])
        courier.tell(Alert("session restarted", INFO, "not for this address"))
        courier.tell(Alert("orders rejected", WARNING, "3 of them"))
        bodies = posted.wait(2)
        courier.close()
    assert [(b["title"], b["message"], b["type"]) for b in bodies] == [
        ("trend: critical: feed silent", f"silent since {HIDDEN}", "failure"),
        ("trend: warning: orders rejected", "3 of them", "warning"),
    ]
    assert courier.firing == [SILENT._replace(text="silent since hunter2secret")]


def test_an_address_may_ask_for_all_or_for_the_gravest_alone():
    with sink() as posted:
        courier = Courier(sinks_of([f"critical={posted.address}", f"info={posted.address}"]), Redactor())
        courier.tell(Alert("a", INFO, "x"))
        courier.tell(Alert("b", CRITICAL, "x"))
        bodies = posted.wait(3)
        courier.close()
    assert sorted(b["title"] for b in bodies) == ["a", "critical: b", "critical: b"]


def test_a_message_that_was_refused_is_sent_again():
    with sink() as posted:
        posted.refuse = 2
        outcomes = []
        courier = Courier(sinks_of([posted.address]), Redactor(), wait=0.01, told=outcomes.append)
        courier.tell(SILENT)
        posted.wait(1)
        courier.close()
    assert outcomes == ["sent"]


def test_what_cannot_be_sent_is_lost_said_and_does_not_stop_the_next(caplog):
    outcomes, arrived = [], []

    def send(message: Message) -> bool:
        if message.title == "a":
            raise OSError("no route")
        arrived.append(message.title)
        return True

    courier = Courier([Sink("x", INFO, send)], Redactor(), wait=0.001, told=outcomes.append)
    with caplog.at_level(logging.INFO, "live.alerts"):
        courier.tell(Alert("a", INFO, "x"))
        courier.tell(Alert("b", INFO, "x"))
        courier.close()
    assert (arrived, outcomes) == (["b"], ["lost", "sent"])
    assert "OSError: no route" in [getattr(r, "why", "") for r in caplog.records]


def test_a_sink_that_hangs_holds_nobody_up_and_floods_nobody():
    let_go, entered = Event(), Event()

    def send(message: Message) -> bool:
        entered.set()
        return let_go.wait(20)

    outcomes = []
    courier = Courier([Sink("x", INFO, send)], Redactor(), room=5, told=outcomes.append)
    courier.tell(Alert("first", INFO, "x"))
    assert entered.wait(20)
    for number in range(50):  # would take for ever if telling waited
        courier.tell(Alert(f"a{number}", INFO, "x"))
    assert outcomes == ["lost"] * 45
    let_go.set()
    courier.close()
    assert outcomes.count("sent") == 6


def test_at_most_so_many_go_out_in_a_minute_and_the_rest_is_one_message():
    now, arrived = [0.0], []
    courier = Courier(
        [Sink("x", INFO, lambda m: arrived.append(m) is None)], Redactor(), most=3, clock=lambda: now[0]
    )  # fmt: skip
    for number in range(40):
        courier.tell(Alert(f"<{number}>", INFO, "x"))
    courier.close()
    text = " ".join(m.title + m.text for m in arrived)
    assert all(f"<{number}>" in text for number in range(40))
    assert len(arrived) <= 4  # three, and the last on closing


def test_without_sinks_alerts_are_in_the_log(caplog):
    courier = Courier([], Redactor())
    with caplog.at_level(logging.INFO, "live.alerts"):
        courier.tell(SILENT)
        courier.close()
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "feed silent")


def test_addresses_come_from_the_environment_and_from_a_private_file(tmp_path):
    path = tmp_path / "alerts.conf"
    path.write_text("# ours\n\ncritical=mailtos://ann:pass@host\n")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        addresses_of({FILE: str(path)})
    path.chmod(0o600)
    assert addresses_of({ADDRESSES: "json://a json://b", FILE: str(path)}) == [
        "json://a", "json://b", "critical=mailtos://ann:pass@host",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="cannot be read"):
        addresses_of({FILE: str(tmp_path / "none")})
    assert addresses_of({}) == []


def test_an_address_that_is_none_is_refused_without_being_shown():
    with pytest.raises(ConfigError) as told:
        sinks_of(["slak://xoxb-secret"])
    assert "slak #1" in str(told.value)
    assert "xoxb" not in str(told.value)
