"""Metrics say what the pulse says, to Prometheus' own parser, and no more than this machine may hear."""

import subprocess
import sys
import urllib.request
from math import isnan

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from pulses import NOON, SECOND, pulse

from live.control.machine import machine, usage
from live.control.metrics import FRESH, HISTOGRAMS, LABELLED, PLAINS, Tallies, served
from live.pulse import FILE, beat


def scraped(address: str) -> dict[tuple[str, frozenset], float]:
    """Every sample by its name and labels."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        text = answer.read().decode()
    return {
        (s.name, frozenset(s.labels.items())): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def look(folder, now: int = NOON) -> dict[tuple[str, frozenset], float]:
    with served(folder, 0, clock=lambda: now) as address:
        return scraped(address)


def value(samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_a_pulse_is_exported_whole(tmp_path):
    beat(tmp_path, pulse())
    found = look(tmp_path, NOON + SECOND)
    assert value(found, "live_up") == 1
    assert value(found, "live_pulse_age_seconds") == 1
    assert value(found, "live_session_info", session="trend", title="trend", kind="paper", account="PA1…") == 1
    expected = {
        "live_equity": 1_002_500, "live_day_profit": 2_500, "live_drawdown_ratio": 0.004, "live_steps_total": 450,
        "live_fills_total": 12, "live_commands_total": 30, "live_positions": 2, "live_working_orders": 1,
        "live_slippage": 18, "live_slippage_per_fill": 1.5, "live_fill_ratio": 0.75, "live_feed_age_seconds": 0.4,
        "live_feed_messages_total": 5_000, "live_feed_connected": 1, "live_broker_failures_total": 1,
        "live_broker_calls_remaining": 180, "live_decision_longest_seconds": 0.04,
    }  # fmt: skip
    assert {name: value(found, name) for name in expected} == expected
    assert value(found, "live_mode", mode="ACTIVE") == 1
    assert value(found, "live_mode", mode="HALTED") == 0
    assert value(found, "live_broker_breaker", state="closed") == 1
    assert value(found, "live_orders_total", status="rejected") == 1
    assert value(found, "live_refusals_total", reason="cooldown") == 5
    assert value(found, "live_signals_total", decision="enter long") == 14
    assert value(found, "live_signals_total", decision="exit") == 0  # so that its first one is an increase
    assert value(found, "live_position_value", symbol="SPY") == 82_000
    assert value(found, "live_feed_rows_total", outcome="late") == 2
    assert value(found, "live_limit_used", limit="gross exposure") == 0.1022


def test_whatever_only_grows_is_a_counter_whose_name_says_so_and_nothing_else_is(tmp_path):
    beat(tmp_path, pulse())
    with served(tmp_path, 0, clock=lambda: NOON) as address, urllib.request.urlopen(address, timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    types = {family.name: family.type for family in families}
    counted = {p.name for p in PLAINS if p.counts} | {m.name for m in LABELLED if m.counts}
    assert "live_signals" in counted
    for family in families:
        totals = [sample.name.endswith("_total") for sample in family.samples]
        assert all(totals) if family.type == "counter" else not any(totals), family.name
    assert {name for name in counted if types[name] != "counter"} == set()


def test_histograms_count_upwards_to_their_number(tmp_path):
    beat(tmp_path, pulse())
    found = look(tmp_path)
    buckets = {
        float(dict(labels)["le"]): n for (name, labels), n in found.items() if name == "live_decision_seconds_bucket"
    }
    assert [buckets[le] for le in sorted(buckets)] == sorted(buckets.values())
    assert (buckets[0.0005], buckets[0.001], buckets[0.05], buckets[float("inf")]) == (1, 2, 4, 4)
    assert value(found, "live_decision_seconds_count") == 4
    assert value(found, "live_decision_seconds_sum") == pytest.approx(0.0443)


def test_what_is_not_known_is_absent_and_no_zero(tmp_path):
    beat(tmp_path, pulse(equity=float("nan"), slippage=float("nan"), fills=0, statuses={}))
    found = look(tmp_path)
    names = {name for name, _ in found}
    assert "live_equity" not in names
    assert "live_slippage" not in names
    assert isnan(value(found, "live_fill_ratio"))
    assert ("live_limit", frozenset({("limit", "losses in a row")})) not in found


@pytest.mark.parametrize(("age", "up"), [(0.0, 1), (FRESH, 1), (FRESH + 0.1, 0)])
def test_a_session_is_up_while_its_pulse_is_fresh(tmp_path, age, up):
    beat(tmp_path, pulse())
    assert value(look(tmp_path, NOON + int(age * SECOND)), "live_up") == up


def test_without_a_pulse_or_with_one_that_cannot_be_read_the_session_is_down(tmp_path):
    assert value(look(tmp_path), "live_up") == 0
    (tmp_path / FILE).write_text("{")
    found = look(tmp_path)
    assert value(found, "live_up") == 0
    assert "live_equity" not in {name for name, _ in found}
    assert value(found, "live_process_memory_bytes", process="seat") > 0


def test_processes_and_machine_are_told_and_a_dead_runner_is_not(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = usage(child.pid)
    assert started is not None
    assert started.memory > 0
    beat(tmp_path, pulse(pid=child.pid, at=2 * 10**18))
    assert value(look(tmp_path), "live_process_memory_bytes", process="runner") > 0
    beat(tmp_path, pulse(pid=child.pid, at=SECOND))  # a process of this number that is younger than the pulse
    assert ("live_process_memory_bytes", frozenset({("process", "runner")})) not in look(tmp_path)
    child.communicate(timeout=30)
    assert usage(child.pid) is None
    found = look(tmp_path)
    assert ("live_process_memory_bytes", frozenset({("process", "runner")})) not in found
    assert value(found, "live_process_cpu_seconds_total", process="seat") > 0
    assert 0 < value(found, "live_disk_used_ratio") <= 1
    assert 0 < machine(tmp_path).memory_used < 1


def test_metrics_listen_on_this_machine_alone_and_let_the_port_go(tmp_path):
    with served(tmp_path, 0) as address:
        assert address.startswith("http://127.0.0.1:")
        port = int(address.split(":")[2].split("/")[0])
    with served(tmp_path, port), pytest.raises(OSError, match="in use"), served(tmp_path, port):
        pass


def test_the_tallies_of_the_seat_are_served_beside(tmp_path):
    registry = CollectorRegistry()
    tallies = Tallies(registry)
    tallies.restarts.inc()
    tallies.actions.labels("halt").inc()
    with served(tmp_path, 0, registry=registry) as address:
        found = scraped(address)
    assert value(found, "live_runner_restarts_total") == 1
    assert value(found, "live_watchdog_actions_total", action="halt") == 1
    with served(tmp_path, 0, registry=registry):
        pass  # a registry can be served again


def test_every_metric_has_one_name_and_a_sentence(tmp_path):
    names = [p.name for p in PLAINS] + [m.name for m in LABELLED] + [name for name, _, _ in HISTOGRAMS]
    assert len(names) == len(set(names))
    told = [p.told for p in PLAINS] + [m.told for m in LABELLED]
    assert all(sentence.endswith(".") and len(sentence) > 4 for sentence in told)
