"""The answers of a seat, taken from what its follower knows."""

from __future__ import annotations

from typing import Any

from live.control import answers, audit
from live.control.answers import Equity, Health, Limits, Overridable, Overridden, Refusals, State, Trail
from live.control.follow import Refusal
from live.control.seat import STALE, Seat
from live.figures import LIMITS
from live.lock import is_held
from live.operator import OVERRIDE
from live.pulse import BOUNDS, spelled
from quantlib.formats import money
from quantlib.schema import moment

SHOWN = 5  # positions that a confirmation names


def state(seat: Seat) -> State:
    """The session now."""
    pulse, age = seat.pulse()
    follower = seat.follower
    return State(
        seat.folder.resolve().name, is_held(seat.folder), age is not None and age <= STALE, age, seat.now(),
        seat.moment(), spelled(pulse) if pulse else None, dict(follower.trouble),
        [answers.waiting(wanted) for wanted in follower.waiting()],
    )  # fmt: skip


def part(seat: Seat, name: str) -> Any:
    """One field of the pulse, None before the first."""
    pulse, _ = seat.pulse()
    return spelled(pulse)[name] if pulse else None


def equity(seat: Seat) -> Equity:
    """The curve."""
    seat.follower.catch_up()
    with seat.follower.lock:
        session = seat.follower.session
        return Equity(session.config.cash, session.curve.points()) if session else Equity(0.0, [])


def health(seat: Seat) -> Health:
    """Feed, broker and latencies."""
    pulse, age = seat.pulse()
    said = spelled(pulse) if pulse else {}
    feed, broker, decision, submit = (said.get(name) for name in ("feed", "broker", "decision", "submit"))
    return Health(age is not None and age <= STALE, age, feed, broker, decision, submit, list(BOUNDS))


def refusals(seat: Seat) -> Refusals:
    """Counts of the pulse, with the last symbol and time where the journal tells them."""
    pulse, _ = seat.pulse()
    with seat.follower.lock:
        known = seat.follower.session.refused if seat.follower.session else {}
        counts = pulse.refusals if pulse else {reason: one.count for reason, one in known.items()}
        nowhere = Refusal("", 0)
        found = [
            Refusal(reason, count, known.get(reason, nowhere).symbol, known.get(reason, nowhere).ts)
            for reason, count in counts.items()
        ]
    return Refusals(sorted(found, key=lambda refused: -refused.count))


def limits(seat: Seat) -> Limits:
    """What is used, what stands in another place than the policy says, and what may be moved."""
    used = part(seat, "limits") or []
    values = {one["name"]: one["limit"] for one in used}
    may = [Overridable(name, word, fraction, values.get(word)) for name, (word, fraction) in LIMITS.items()]
    return Limits(used, overrides(seat), may)


def overrides(seat: Seat) -> list[Overridden]:
    """Overrides that were obeyed and have not ended, the last one of each limit."""
    moment, session = seat.moment(), seat.follower.session
    with seat.follower.lock:
        obeyed = [done for done in session.obeyed if done.word == OVERRIDE] if session else []
    last = {done.limit: Overridden(done.limit, done.value, done.until, done.who, done.why) for done in obeyed}
    return [one for one in last.values() if one.until > moment]


def trail(seat: Seat, last: int) -> Trail:
    """The audit log's end, and whether its chain holds."""
    broken = seat.broken()
    lines = [answers.line(entry) for entry in audit.entries(seat.audit, last)]
    return Trail(lines, f"line {broken.line}: {broken.what}" if broken else None)


def kept(seat: Seat, name: str, last: int) -> list[Any]:
    """The last of one of the things that the journal tells."""
    seat.follower.catch_up()
    with seat.follower.lock:
        return list(getattr(seat.follower.session, name))[-last:] if seat.follower.session else []


def told(seat: Seat, word: str, fields: dict[str, Any]) -> list[str]:
    """What an act will do, in sentences for the one who is to confirm it."""
    pulse, age = seat.pulse()
    said = []
    if age is None or age > STALE:
        said.append("The session's last word is old: what follows may no longer be so.")
    if word == "flatten":
        held = pulse.positions if pulse else []
        said.append(f"Leaves {len(held)} position{'s' * (len(held) != 1)} at the market and opens none.")
        said += [f"{one['symbol']}: {one['lots']:,} lots, worth {money(one['value'])}" for one in held[:SHOWN]]
        said += [f"and {len(held) - SHOWN} more"] if len(held) > SHOWN else []
        said += [f"Takes back {len(pulse.orders)} working orders."] if pulse and pulse.orders else []
    elif word == "resume":
        mode, why = (pulse.mode, pulse.why) if pulse else ("unknown", "")
        said.append(f"The session is {mode}{f' ({why})' if why else ''}; it will open positions again.")
    else:
        word, fraction = LIMITS[fields["limit"]]
        value = f"{fields['value'] * 100:g}%" if fraction else f"{fields['value']:g}"
        said.append(f"Sets the limit on {word} to {value} until {moment(fields['until'])}.")
    return said
