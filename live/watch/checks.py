"""Before the open: is everything there that a day of trading needs?  Each check says what it found, good or bad."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from live.config import Config, recorded
from live.control.machine import machine
from live.errors import LiveError
from live.feeds.calendar import differences, new_york, of_broker
from live.journal import read
from live.lock import is_held
from live.pulse import Pulse, felt
from live.seal import Seal
from live.watch.ping import Ping
from live.watch.watchdogs import SECOND, Look, Thresholds, findings
from live.words import MAGIC

AHEAD = 10  # days of the broker's calendar that are compared
DUST = 1e-9  # of a quantity
OURS = ("entry", "exit")  # legs whose orders bear names of ours

Ask = Callable[[str], Any]  # a path after /v2 -> what the broker says


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    good: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok ' if self.good else 'BAD'}  {self.name:<12} {self.text}"


def premarket(
    folder: Path, now: int, ask: Ask | None, clock: Ping | None, seal: Seal | None = None
) -> list[Check]:  # fmt: skip
    """All checks of a session.

    Args:
        folder: of the session.
        now: ns UTC.
        ask: asks the broker; None where there is none to ask.
        clock: a look at the broker's clock.
        seal: of a sealed session.
    """
    pulse = tried("pulse", lambda: running(folder, felt(folder), now))
    found = [pulse, tried("journal", lambda: journal(folder, seal)), of_machine(folder, now, clock)]
    if ask is None:
        return found
    found.append(tried("account", lambda: account(ask("/account"))))
    found.append(tried("calendar", lambda: calendar(now, ask)))
    last = felt(folder) if pulse.good else None
    if last is not None:
        config = recorded(folder / "journal", read(folder / "journal", MAGIC, seal=seal).identity)
        found.append(tried("positions", lambda: positions(last, config, ask("/positions"))))
        found.append(tried("orders", lambda: orders(last, ask("/orders?status=open&limit=500"))))
    return found


def tried(name: str, look: Callable[[], Check]) -> Check:
    """A check that could not be made is a bad one."""
    try:
        return look()
    except (LiveError, KeyError, TypeError, ValueError) as error:
        return Check(name, False, f"cannot be looked at: {type(error).__name__} {error}")


def running(folder: Path, pulse: Pulse | None, now: int) -> Check:
    """Whether the session runs, breathes and may trade."""
    if not is_held(folder):
        return Check("session", False, f"no process runs it; start it: python -m live --session {folder}")
    if pulse is None:
        return Check("session", False, "it runs but has given no sign yet")
    age = (now - pulse.at) / SECOND
    if age > Thresholds().pulse_late:
        return Check("session", False, f"process {pulse.pid} has given no sign for {age:.0f} s")
    if pulse.mode != "ACTIVE":
        return Check(
            "session", False, f"it is {pulse.mode}: {pulse.why or 'no reason given'}; resume it if that is over"
        )
    return Check("session", True, f"process {pulse.pid}, step {pulse.step:,}, equity {pulse.equity:,.2f}")


def journal(folder: Path, seal: Seal | None = None) -> Check:
    """Whether every frame of the journal is whole."""
    contents = read(folder / "journal", MAGIC, seal=seal)
    torn = contents.torn and not is_held(folder)
    text = f"{len(contents.frames):,} frames, {contents.end.position / 1e6:.1f} MB"
    return Check("journal", not torn, text + (f", and {contents.torn} torn bytes" if torn else ""))


def of_machine(folder: Path, now: int, clock: Ping | None) -> Check:
    """Disk, memory and clock, by the thresholds of the watchdogs."""
    left = machine(folder)
    found = findings(Look(now, machine=left, ping=clock), Thresholds())
    if clock is not None and clock.trouble:
        return Check("machine", False, clock.trouble)
    skew = f", clock {clock.skew:+.3f} s" if clock is not None else ""
    text = f"{left.disk_free / 1e9:.0f} GB of disk, {left.memory_available / 1e9:.1f} GB of memory{skew}"
    return Check("machine", not found, "; ".join(one.text for one in found) or text)


def account(said: Mapping[str, Any]) -> Check:
    """Whether the account may trade."""
    barred = [name for name in ("trading_blocked", "account_blocked", "trade_suspended_by_user") if said.get(name)]
    good = said["status"] == "ACTIVE" and not barred
    text = f"status {said['status']}{''.join(f', {name}' for name in barred)}, equity {float(said['equity']):,.2f}"
    return Check("account", good, text)


def calendar(now: int, ask: Ask) -> Check:
    """Whether the broker keeps the exchange's sessions of the next days."""
    begin = datetime.fromtimestamp(now // SECOND, UTC).date()
    said = ask(f"/calendar?start={begin}&end={begin + timedelta(AHEAD)}")
    other = differences(new_york(now), of_broker(said))
    return Check(
        "calendar", not other, "; ".join(other) or f"{len(said)} sessions until {begin + timedelta(AHEAD)} agree"
    )


def positions(pulse: Pulse, config: Config, said: Iterable[Mapping[str, Any]]) -> Check:
    """Whether the broker holds what the desk holds."""
    lot = {symbol: one.lot for symbol, one in config.instrument_map.items()}
    ours = {_flat(p["symbol"]): p["lots"] * lot[p["symbol"]] for p in pulse.positions}
    theirs = {_flat(p["symbol"]): float(p["qty"]) for p in said}
    other = [
        f"{symbol}: desk {ours.get(symbol, 0):g}, broker {theirs.get(symbol, 0):g}"
        for symbol in sorted(ours | theirs)
        if abs(ours.get(symbol, 0.0) - theirs.get(symbol, 0.0)) > DUST
    ]
    return Check("positions", not other, "; ".join(other) or f"{len(ours)} agree")


def orders(pulse: Pulse, said: Iterable[Mapping[str, Any]]) -> Check:
    """Whether the orders that bear our names work on both sides; legs of brackets bear the broker's."""
    ours = {o["id"] for o in pulse.orders if o["leg"] in OURS}
    theirs = {id for one in said if (id := _id(pulse.session, str(one["client_order_id"]))) is not None}
    other = [f"order {id} works for {'us' if id in ours else 'the broker'} alone" for id in sorted(ours ^ theirs)]
    return Check("orders", not other, "; ".join(other) or f"{len(ours)} agree")


def _flat(symbol: str) -> str:
    """A broker's positions spell BTC/USD as BTCUSD."""
    return symbol.replace("/", "")


def _id(session: str, name: str) -> int | None:
    """The number of an order of ours: "session-17", and "session-17-replace-…" once it was replaced."""
    if not name.startswith(f"{session}-"):
        return None
    number = name.removeprefix(f"{session}-").partition("-")[0]
    return int(number) if number.isdigit() else None
