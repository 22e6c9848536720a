"""Metrics for Prometheus: what the last pulse of a session says, and what its processes cost the machine.

    with served(folder, port=9101) as address: …        http://127.0.0.1:9101/metrics

Nothing is asked of the session: the pulse is read when Prometheus asks.  A session that is gone keeps its last numbers,
beside `live_up 0` and the age of its pulse.  Names end in their unit; money is in quote currency.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from live.control.machine import SECOND, machine, usage
from live.errors import StateError
from live.pulse import BOUNDS, Histogram, Pulse, felt

PORT = 9101
HOST = "127.0.0.1"
FRESH = 5.0  # seconds: an older pulse is that of a session which hangs or is gone
STATES = {"live_mode": ("ACTIVE", "REDUCING", "HALTED"), "live_broker_breaker": ("closed", "half-open", "open")}
ENDED = ("filled", "cancelled", "rejected", "expired")


class Plain(NamedTuple):
    """One number of the pulse; `counts` if it only grows."""

    name: str
    told: str
    value: Callable[[Pulse], float | None]
    counts: bool = False


class Labelled(NamedTuple):
    """Several numbers of the pulse, told apart by one label."""

    name: str
    told: str
    label: str
    values: Callable[[Pulse], Mapping[str, float | None]]
    counts: bool = False


PLAINS = (
    Plain("live_steps", "Moments decided on.", lambda p: p.step, True),
    Plain("live_decided_timestamp_seconds", "The last moment decided on, since 1970.", lambda p: p.ts / SECOND),
    Plain("live_equity", "Cash and marked positions.", lambda p: p.equity),
    Plain("live_cash", "Cash.", lambda p: p.cash),
    Plain("live_begun", "Cash at the very start.", lambda p: p.begun),
    Plain("live_day_profit", "Profit of the day.", lambda p: p.day),
    Plain("live_drawdown_ratio", "How far equity is below its best, a fraction of it.", lambda p: p.drawdown),
    Plain("live_positions", "Symbols held.", lambda p: len(p.positions)),
    Plain("live_working_orders", "Orders that work now.", lambda p: len(p.orders)),
    Plain("live_commands", "Commands of the desk.", lambda p: p.commands, True),
    Plain("live_fills", "Fills booked.", lambda p: p.fills, True),
    Plain("live_fill_ratio", "Orders filled, of those that ended; NaN while none has.", lambda p: _filled(p)),
    Plain("live_slippage", "Lost between the prices decided on and those of the fills.", lambda p: p.slippage),
    Plain(
        "live_slippage_per_fill", "Slippage of one fill; NaN without fills.",
        lambda p: p.slippage / p.fills if p.fills and p.slippage is not None else nan,
    ),
    Plain("live_feed_connected", "1 while market data is connected.", lambda p: p.feed.connected),
    Plain("live_feed_stale", "1 while market data is silent although it should not be.", lambda p: p.feed.stale),
    Plain("live_feed_age_seconds", "Since the last message, when the pulse was written.", lambda p: p.feed.age),
    Plain("live_feed_messages", "Messages received.", lambda p: p.feed.messages, True),
    Plain("live_feed_reconnects", "Reconnections of market data.", lambda p: p.feed.reconnects, True),
    Plain("live_broker_connected", "1 while the broker is connected.", lambda p: p.broker.connected),
    Plain("live_broker_age_seconds", "Since its last answer, when the pulse was written.", lambda p: p.broker.age),
    Plain("live_broker_calls", "Calls of the broker.", lambda p: p.broker.calls, True),
    Plain("live_broker_failures", "Calls of the broker that failed.", lambda p: p.broker.failures, True),
    Plain("live_broker_calls_remaining", "Calls left of the minute; -1 if unknown.", lambda p: p.broker.remaining),
    Plain("live_broker_unknown_orders", "Orders that may not have arrived.", lambda p: p.broker.unknown),
    Plain("live_decision_longest_seconds", "The longest decision of the session.", lambda p: p.decision.longest),
    Plain("live_submit_longest_seconds", "The longest answer of the broker.", lambda p: p.submit.longest),
)  # fmt: skip
LABELLED = (
    Labelled("live_mode", "1 at the mode of the desk.", "mode", lambda p: _state("live_mode", p.mode)),
    Labelled(
        "live_broker_breaker", "1 at the state of the circuit breaker.", "state",
        lambda p: _state("live_broker_breaker", p.broker.breaker),
    ),
    Labelled("live_exposure", "Value held.", "side", lambda p: {"long": p.long, "short": p.short}),
    Labelled("live_position_lots", "Lots held, signed.", "symbol", lambda p: _by(p.positions, "symbol", "lots")),
    Labelled("live_position_value", "Value held, signed.", "symbol", lambda p: _by(p.positions, "symbol", "value")),
    Labelled("live_position_profit", "Profit not realised.", "symbol", lambda p: _by(p.positions, "symbol", "profit")),
    Labelled("live_signals", "Decisions on rows, by what was decided.", "decision", lambda p: p.decisions, True),
    Labelled("live_orders", "Orders that came to a status.", "status", lambda p: p.statuses, True),
    Labelled("live_refusals", "What the desk refused.", "reason", lambda p: p.refusals, True),
    Labelled("live_limit_used", "What stands against a limit.", "limit", lambda p: _by(p.limits, "name", "now")),
    Labelled("live_limit", "The limit; absent while it is off.", "limit", lambda p: _by(p.limits, "name", "limit")),
    Labelled(
        "live_feed_rows", "Rows received, by what became of them.", "outcome",
        lambda p: {
            "decided": p.feed.rows, "late": p.feed.late, "corrected": p.feed.corrected, "duplicate": p.feed.duplicates,
            "refused": p.feed.refused, "backfilled": p.feed.backfilled,
        }, True,
    ),
)  # fmt: skip
HISTOGRAMS: tuple[tuple[str, str, Callable[[Pulse], Histogram]], ...] = (
    ("live_decision_seconds", "From a frame's arrival to its commands written down.", lambda p: p.decision),
    ("live_submit_seconds", "What the broker took to answer.", lambda p: p.submit),
)
USED = (
    ("live_process_cpu_seconds", "Processor time used.", True, "cpu"),
    ("live_process_memory_bytes", "Memory resident.", False, "memory"),
    ("live_process_threads", "Threads.", False, "threads"),
    ("live_process_open_files", "File descriptors open.", False, "files"),
)
LEFT = (
    ("live_machine_memory_available_bytes", "Memory that is left.", "memory_available"),
    ("live_machine_memory_used_ratio", "Memory used, a fraction.", "memory_used"),
    ("live_machine_load_ratio", "Load of a minute, of each processor.", "load"),
    ("live_disk_free_bytes", "Space left where the session is kept.", "disk_free"),
    ("live_disk_used_ratio", "Space used there, a fraction.", "disk_used"),
)


class PulseCollector(Collector):
    """What is exported of one session."""

    def __init__(self, folder: Path, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.folder, self.clock = folder, clock

    def describe(self) -> Iterable[Metric]:
        """Nothing is promised before the session is looked at."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Everything, as it is now."""
        try:
            pulse = felt(self.folder)
        except StateError:
            pulse = None  # of another version: the session is not up for us
        age = (self.clock() - pulse.at) / SECOND if pulse else nan
        fresh = pulse is not None and age <= FRESH
        yield GaugeMetricFamily("live_up", "1 while the session's pulse is fresh.", float(fresh))
        if pulse is not None:
            yield GaugeMetricFamily("live_pulse_age_seconds", "Since the pulse was written.", age)
            yield from of_pulse(pulse)
        yield from of_processes(pulse)
        yield from of_machine(self.folder)


class Tallies:
    """What the seat counts of its own work."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.restarts = Counter("live_runner_restarts", "Starts of the runner after its first.", registry=registry)
        self.actions = Counter("live_watchdog_actions", "What watchdogs did.", ["action"], registry=registry)
        self.alerts = Counter("live_alerts", "Alerts by what became of them.", ["outcome"], registry=registry)
        self.firing = Gauge("live_alerts_firing", "Conditions that hold now.", ["severity"], registry=registry)
        self.jobs = Counter("live_jobs", "Runs of scheduled jobs.", ["task", "outcome"], registry=registry)
        self.succeeded = Gauge(
            "live_job_success_timestamp_seconds", "When a job last succeeded, since 1970.", ["task"], registry=registry
        )
        self.skew = Gauge("live_clock_skew_seconds", "Our clock less the broker's.", registry=registry)
        self.ping = Gauge("live_broker_ping_seconds", "What the broker took to tell the time.", registry=registry)


def of_pulse(pulse: Pulse) -> Iterator[Metric]:
    """All that a pulse says."""
    which = ("session", "title", "kind", "account")
    info = GaugeMetricFamily("live_session_info", "Which session this is.", labels=which)
    info.add_metric(tuple(getattr(pulse, name) for name in which), 1.0)
    yield info
    for one in PLAINS:
        family = _family(one.counts)(one.name, one.told)
        _add(family, (), one.value(pulse))
        yield family
    for many in LABELLED:
        family = _family(many.counts)(many.name, many.told, labels=(many.label,))
        for label, value in many.values(pulse).items():
            _add(family, (label,), value)
        yield family
    for name, told, of in HISTOGRAMS:
        yield _histogram(name, told, of(pulse))


def of_processes(pulse: Pulse | None) -> Iterator[Metric]:
    """What the processes of the session use."""
    found = {"seat": usage(os.getpid())} | ({"runner": usage(pulse.pid, pulse.at)} if pulse else {})
    for name, told, counts, field in USED:
        family = _family(counts)(name, told, labels=("process",))
        for process, used in found.items():
            if used is not None:
                family.add_metric((process,), float(getattr(used, field)))
        yield family


def of_machine(folder: Path) -> Iterator[Metric]:
    """What is left of the machine."""
    now = machine(folder)
    for name, told, field in LEFT:
        yield GaugeMetricFamily(name, told, float(getattr(now, field)))


@contextmanager
def served(
    folder: Path, port: int = PORT, *, registry: CollectorRegistry | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> Iterator[str]:  # fmt: skip
    """While inside, metrics of a session are served on this machine alone; gives their address.

    Args:
        folder: of the session.
        port: 0 takes a free one.
        registry: to which the session's metrics are added, for those of the seat; a new one if None.
        clock: ns UTC.

    Raises:
        OSError: if the port is taken.
    """
    registry = registry or CollectorRegistry()
    collector = PulseCollector(folder, clock=clock)
    registry.register(collector)
    try:
        server, thread = start_http_server(port, HOST, registry)
        try:
            yield f"http://{HOST}:{server.server_port}/metrics"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
    finally:
        registry.unregister(collector)


def _add(family: Any, labels: tuple[str, ...], value: float | None) -> None:
    if value is not None:
        family.add_metric(labels, float(value))


def _family(counts: bool) -> Any:
    return CounterMetricFamily if counts else GaugeMetricFamily


def _histogram(name: str, told: str, one: Histogram) -> Metric:
    buckets = [(str(bound), count) for bound, count in zip(BOUNDS, one.counts, strict=True)]
    return HistogramMetricFamily(name, told, buckets=[*buckets, ("+Inf", one.number)], sum_value=one.seconds)


def _by(rows: Iterable[Mapping[str, Any]], label: str, value: str) -> dict[str, float | None]:
    return {row[label]: row[value] for row in rows}


def _filled(pulse: Pulse) -> float:
    ended = sum(pulse.statuses.get(status, 0) for status in ENDED)
    return pulse.statuses.get("filled", 0) / ended if ended else nan


def _state(name: str, now: str) -> dict[str, float]:
    return {state: float(state == now) for state in dict.fromkeys((*STATES[name], now))}
