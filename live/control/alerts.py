"""Alerts: what is worth waking somebody for, told once.

A *condition* holds for a while: told when it begins, again every hour while it lasts, and when it is over.  An
*incident* happens: told at once, and the same one not again within the period.  Both functions are pure; `live.control.
courier` carries what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from live.pulse import Pulse

INFO, WARNING, CRITICAL = "info", "warning", "critical"
SEVERITIES = (INFO, WARNING, CRITICAL)
NEAR = 0.9  # of a limit: from here on it is told
STOPPING = ("daily drawdown", "losses in a row")  # limits that end a day's trading; sizing goes up to the others daily
MODES = {"HALTED": CRITICAL, "REDUCING": WARNING}


class Alert(NamedTuple):
    """One thing to tell.  `name` and `about` together say whether two are the same."""

    name: str
    severity: str
    text: str
    about: str = ""  # a symbol, a job, a limit


class Terms(NamedTuple):
    """How often the same is told, in seconds."""

    repeat: float = 3600.0  # a condition that lasts
    calm: float = 30.0  # a condition is over when it has not held for so long
    period: float = 300.0  # the same incident


class Open(NamedTuple):
    """A condition that holds: since when, when last, when last told; `told` is what was said."""

    since: float
    seen: float
    said: float
    alert: Alert


class Ledger(NamedTuple):
    """What was told, by name and what it is about; seconds of a clock that only goes forward."""

    conditions: dict[tuple[str, str], Open] = {}  # noqa: RUF012 (never written to)
    incidents: dict[tuple[str, str], tuple[float, int]] = {}  # noqa: RUF012 (when told, how many since then)


class Message(NamedTuple):
    """What goes out."""

    severity: str
    title: str
    text: str


def holding(ledger: Ledger, alerts: Iterable[Alert], now: float, terms: Terms) -> tuple[Ledger, list[Message]]:
    """All conditions that hold now; what that leaves to tell."""
    conditions, out = dict(ledger.conditions), []
    for alert in alerts:
        key = (alert.name, alert.about)
        one = conditions.get(key)
        worse = one is not None and SEVERITIES.index(alert.severity) > SEVERITIES.index(one.alert.severity)
        if one is None or worse or now - one.said >= terms.repeat:
            lasting = f" (for {_span(now - one.since)})" if one is not None and not worse else ""
            out.append(Message(alert.severity, f"{alert.name}{_of(alert)}", alert.text + lasting))
            conditions[key] = Open(one.since if one else now, now, now, alert)
        else:
            conditions[key] = one._replace(seen=now, alert=alert)
    for key, one in list(conditions.items()):
        if now - one.seen >= terms.calm:
            del conditions[key]
            lasted = _span(one.seen - one.since)
            out.append(
                Message(INFO, f"over: {one.alert.name}{_of(one.alert)}", f"it lasted {lasted}: {one.alert.text}")
            )
    return ledger._replace(conditions=conditions), out


def happened(ledger: Ledger, alert: Alert, now: float, terms: Terms) -> tuple[Ledger, list[Message]]:
    """One incident; what that leaves to tell: nothing if the same was told within the period."""
    key = (alert.name, alert.about)
    incidents = {k: v for k, v in ledger.incidents.items() if now - v[0] < terms.period or v[1] or k == key}
    said, held = incidents.get(key, (-terms.period, 0))
    if now - said < terms.period:
        return ledger._replace(incidents=incidents | {key: (said, held + 1)}), []
    more = f" (and {held} times more since it was last told)" if held else ""
    told = Message(alert.severity, f"{alert.name}{_of(alert)}", alert.text + more)
    return ledger._replace(incidents=incidents | {key: (now, 0)}), [told]


def conditions(pulse: Pulse) -> list[Alert]:
    """What of a pulse somebody should know."""
    found = []
    if pulse.mode != "ACTIVE":
        severity = MODES.get(pulse.mode, CRITICAL)
        found.append(
            Alert("trading restricted", severity, f"{pulse.session} is {pulse.mode}: {pulse.why or 'no reason given'}")
        )
    if not pulse.feed.connected:
        found.append(
            Alert("feed disconnected", WARNING, f"{pulse.feed.name} is not connected {pulse.feed.trouble}".strip())
        )
    elif pulse.feed.trouble:
        found.append(Alert("feed trouble", WARNING, f"{pulse.feed.name}: {pulse.feed.trouble}"))
    if pulse.broker.breaker != "closed":
        text = f"{pulse.broker.name}: circuit {pulse.broker.breaker} after {pulse.broker.failures} failed calls"
        found.append(Alert("broker circuit", CRITICAL, f"{text} {pulse.broker.trouble}".strip()))
    elif pulse.broker.trouble:
        found.append(Alert("broker trouble", WARNING, f"{pulse.broker.name}: {pulse.broker.trouble}"))
    if pulse.broker.unknown:
        text = f"nobody knows whether {pulse.broker.unknown} orders have arrived; they are being looked up"
        found.append(Alert("orders unknown", CRITICAL, text))
    return found + _limits(pulse)


def changes(before: Pulse, now: Pulse) -> list[Alert]:
    """What happened between two pulses that somebody should know."""
    found = []
    rejected = now.statuses.get("rejected", 0) - before.statuses.get("rejected", 0)
    if rejected > 0:
        found.append(Alert("orders rejected", WARNING, f"the broker rejected {rejected} orders; the log says why"))
    if now.pid != before.pid:
        found.append(Alert("session restarted", INFO, f"{now.session} goes on in process {now.pid} at step {now.step}"))
    return found


def shortened(messages: Sequence[Message], most: int) -> list[Message]:
    """At most so many, the gravest first; the rest in one that says how many and what."""
    if len(messages) <= most:
        return list(messages)
    ranked = sorted(messages, key=lambda message: -SEVERITIES.index(message.severity))
    rest = ranked[most - 1 :]
    return [
        *ranked[: most - 1],
        Message(rest[0].severity, f"{len(rest)} more alerts", ", ".join(m.title for m in rest)),
    ]


def _limits(pulse: Pulse) -> list[Alert]:
    found = []
    for used in pulse.limits:
        now, limit = used["now"], used["limit"]
        if used["name"] not in STOPPING or now is None or not limit or now < NEAR * limit:
            continue
        shown = f"{now:.2%} of {limit:.2%}" if used["fraction"] else f"{now:g} of {limit:g}"
        found.append(Alert("limit near", WARNING, f"{used['name']} stands at {shown}", used["name"]))
    return found


def _of(alert: Alert) -> str:
    return f" ({alert.about})" if alert.about else ""


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
