"""Watchdogs: what is wrong with a session, and what to do about it.  Decided by pure functions of what was seen.

    wrong                                    told from          and done
    pulse late, runner hung                  5 s, 60 s          killed and started again
    runner gives no first pulse              300 s              killed and started again
    feed silent in session, gone             30 s, 120 s        halt
    broker does not answer, gone             30 s, 120 s        reduce
    decisions slow                           5 % above 0.5 s
    runner grows                             4 GB               stopped cleanly and started again
    memory, disk short; disk out             95 %, 2 GB; 200 MB reduce
    clocks differ, differ much               1 s, 5 s           reduce

The runner has a kill switch of its own (`live.safety.triggers`) for what it can see; this is the second pair of eyes,
which also sees a runner that hangs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from live.control.alerts import CRITICAL, WARNING, Alert
from live.control.machine import Machine
from live.pulse import Pulse
from live.watch.latency import quantile, since, slower
from live.watch.ping import Ping

SECOND = 1_000_000_000
NONE, KILL, RESTART, REDUCE, HALT = "", "kill", "restart", "reduce", "halt"


class Thresholds(NamedTuple):
    """Where watchdogs bark.  Seconds, bytes and fractions.

    rhythm  seconds between two messages of a feed that is well: 60 where only bars of a minute are subscribed
    """

    pulse_late: float = 5.0
    pulse_gone: float = 60.0
    starting: float = 300.0
    rhythm: float = 0.0
    feed_quiet: float = 30.0
    feed_gone: float = 120.0
    broker_quiet: float = 30.0
    broker_gone: float = 120.0
    slow: float = 0.5
    slow_share: float = 0.05
    slow_least: int = 20
    runner_memory: float = 4e9
    memory_used: float = 0.95
    disk_low: float = 2e9
    disk_out: float = 2e8
    skew: float = 1.0
    skew_much: float = 5.0


class Look(NamedTuple):
    """All that was seen at one moment; times in ns UTC of our clock.

    now         the moment
    pid         of the runner, None while there is none
    started     when that process began
    pulse       the last one, whoever wrote it
    before      one of a while ago, to tell what happened since
    open_since  when the market opened; None while it is closed, or the session has no feed that could be silent
    memory      bytes that the runner uses
    machine     what is left of the machine
    ping        the last look at the broker's clock
    """

    now: int
    pid: int | None = None
    started: int = 0
    pulse: Pulse | None = None
    before: Pulse | None = None
    open_since: int | None = None
    memory: int = 0
    machine: Machine | None = None
    ping: Ping | None = None


class Finding(NamedTuple):
    """Something wrong, and what to do about it."""

    name: str
    severity: str
    text: str
    action: str = NONE

    @property
    def alert(self) -> Alert:
        """As it is told."""
        done = {KILL: "it is killed and started again", RESTART: "it is started again"}
        cure = f"; {done.get(self.action, f'trading is to {self.action}')}" if self.action else ""
        return Alert(self.name, self.severity, self.text + cure)


def findings(look: Look, limits: Thresholds) -> list[Finding]:
    """All that is wrong."""
    found = _machine(look, limits) + _broker(look, limits)
    if look.pid is None:
        return found  # the supervisor knows, and starts it again
    found += _memory(look, limits)
    pulse = look.pulse
    if pulse is None or pulse.pid != look.pid:
        return found + _starting(look, limits)
    age = (look.now - pulse.at) / SECOND
    if age > limits.pulse_gone:
        return [*found, Finding("runner hung", CRITICAL, f"process {look.pid} gave no sign for {age:.0f} s", KILL)]
    if age > limits.pulse_late:
        found.append(Finding("pulse late", WARNING, f"process {look.pid} gave no sign for {age:.0f} s"))
    return found + _feed(look, pulse, age, limits) + _decisions(look, pulse, limits)


def fresh(acted: Mapping[str, str], found: Iterable[Finding], mode: str) -> tuple[dict[str, str], list[Finding]]:
    """What is to be done now: each action once for as long as its reason lasts, and none that is in force already.

    Args:
        acted: what the last call gave; {} at first.
        found: of now.
        mode: of the desk: ACTIVE, REDUCING or HALTED.
    """
    wanting = {one.name: one for one in found if one.action}
    idle = () if mode == "ACTIVE" else (REDUCE, HALT)  # no entries are made, and leaving goes on
    due = [one for one in wanting.values() if acted.get(one.name) != one.action and one.action not in idle]
    return {name: one.action for name, one in wanting.items()}, due


def _starting(look: Look, limits: Thresholds) -> list[Finding]:
    waited = (look.now - look.started) / SECOND
    if waited <= limits.starting:
        return []
    text = f"process {look.pid} has given no sign in the {waited:.0f} s since its start"
    return [Finding("runner hung", CRITICAL, text, KILL)]


def _feed(look: Look, pulse: Pulse, age: float, limits: Thresholds) -> list[Finding]:
    if look.open_since is None:
        return []
    listening = (look.now - max(look.open_since, look.started)) / SECOND
    silent = min(pulse.feed.age + age, listening) - limits.rhythm
    text = f"no market data for {silent + limits.rhythm:.0f} s while the market is open {pulse.feed.trouble}".strip()
    if silent > limits.feed_gone:
        return [Finding("feed gone", CRITICAL, text, HALT)]
    return [Finding("feed silent", WARNING, text)] if silent > limits.feed_quiet else []


def _broker(look: Look, limits: Thresholds) -> list[Finding]:
    ping = look.ping
    if ping is None:
        return []
    if ping.trouble:
        away = (look.now - ping.failing) / SECOND
        if away > limits.broker_gone:
            return [Finding("broker gone", CRITICAL, f"no answer for {away:.0f} s: {ping.trouble}", REDUCE)]
        text = f"no answer for {away:.0f} s: {ping.trouble}"
        return [Finding("broker silent", WARNING, text)] if away > limits.broker_quiet else []
    skew = max(0.0, abs(ping.skew) - ping.seconds / 2)  # what is certain of it
    text = f"our clock is {abs(ping.skew):.2f} s {'ahead of' if ping.skew > 0 else 'behind'} the broker's; see to NTP"
    if skew > limits.skew_much:
        return [Finding("clock wrong", CRITICAL, text, REDUCE)]
    return [Finding("clock skewed", WARNING, text)] if skew > limits.skew else []


def _decisions(look: Look, pulse: Pulse, limits: Thresholds) -> list[Finding]:
    if look.before is None or look.before.pid != pulse.pid:
        return []
    lately = since(look.before.decision, pulse.decision)
    share = slower(lately, limits.slow)
    if lately.number < limits.slow_least or share <= limits.slow_share:
        return []
    half = quantile(lately, 0.5)
    text = f"{share:.0%} of {lately.number} decisions took more than {limits.slow:g} s, half more than {half:.3g} s"
    return [Finding("decisions slow", WARNING, text)]


def _memory(look: Look, limits: Thresholds) -> list[Finding]:
    if look.memory <= limits.runner_memory:
        return []
    text = f"process {look.pid} uses {look.memory / 1e9:.1f} GB of {limits.runner_memory / 1e9:.1f} GB"
    return [Finding("runner large", WARNING, text, RESTART)]


def _machine(look: Look, limits: Thresholds) -> list[Finding]:
    if look.machine is None:
        return []
    found, free = [], look.machine.disk_free
    if look.machine.memory_used > limits.memory_used:
        found.append(
            Finding("memory short", WARNING, f"{look.machine.memory_used:.0%} of the machine's memory is used")
        )
    if free < limits.disk_out:
        text = f"{free / 1e6:.0f} MB of disk are left: the journal cannot go on for long"
        found.append(Finding("disk full", CRITICAL, text, REDUCE))
    elif free < limits.disk_low:
        found.append(Finding("disk short", WARNING, f"{free / 1e9:.1f} GB of disk are left"))
    return found
