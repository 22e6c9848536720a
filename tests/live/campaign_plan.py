"""What one session of the campaign is: all of it follows from its seed, so that the seed of a failure replays it.

tape, strategy, costs      what is traded
faults, twists, halts      what goes wrong on the wire, what becomes of orders against the ordinary
kills                      in each life of the runner, the call of the kernel at which it dies
words                      what the operator says, and before which timestamp
"""

from __future__ import annotations

import random
from typing import NamedTuple

from backtest.costs import Costs
from live.sim.lifecycle import Twist
from live.sim.plan import Fault, weather
from quantlib.desk.policy import Exits, Limits, Policy, fixed_fraction
from quantlib.desk.wishes import View, Wish, cancel, enter_long, enter_short, leave, order, replace
from quantlib.features.momentum.change import roc
from quantlib.strategy import Strategy

CASH = 100_000.0
MINUTE = 60_000_000_000
SYMBOLS = ("AAA", "BBB", "CCC")
LIMITS = Limits(
    daily_drawdown=0.5, trade_risk=0.05, position=0.06, gross=0.11, short_share=1.1, positions=3, losses=0, trades=60
)
POST, PATCH, DELETE = "POST /v2/orders", "PATCH /v2/orders/*", "DELETE /v2/orders/*"
QUESTIONS = ("GET /v2/orders*", "GET /v2/orders:by*", "GET /v2/positions", "GET /v2/account*", "GET /v2/stocks/bars")
CALLS = (POST, POST, POST, PATCH, DELETE, DELETE, *QUESTIONS)
BARS, TOLD = "stocks/b/*", "trading/*/?*"  # messages of bars, of orders
HANDSHAKE = ("stocks/connected/", "stocks/authenticated/", "stocks/subscription/")
DISK, SENT, RECEIVED = "disk", "sent", "received"
KILLS = {DISK: 110, SENT: 90, RECEIVED: 160}  # calls of a life among which one is chosen


class Kill(NamedTuple):
    """The runner dies at its n-th call that changes a file, sends, or has received; `half` of a write is done."""

    what: str
    nth: int
    half: bool = False


class Word(NamedTuple):
    """What the operator says before a timestamp, counted from 0."""

    step: int
    word: str
    limit: str = ""
    value: float = 0.0


class Plan(NamedTuple):
    """One session."""

    seed: int
    steps: int
    symbols: tuple[str, ...]
    style: str  # of the strategy
    costs: Costs
    prompt: bool  # whether cancels and replacements need no bar
    faults: tuple[Fault, ...]
    twists: tuple[Twist, ...]
    halts: tuple[tuple[str, int, int], ...]  # symbol, first and last timestamp
    kills: tuple[Kill | None, ...]  # of the runner's lives; those after the last are not cut short
    away: tuple[int, ...]  # timestamps that pass while the runner is away, life by life
    words: tuple[Word, ...]
    pace: int  # turns of the runner's loop from a decision to the next timestamp
    snapshots: int  # steps from one to the next
    reconcile: int  # ns from one comparison to the next
    broken: bool  # whether executions are taken back or corrected, so that both sides truly differ


def planned(seed: int) -> Plan:
    """The session of a seed."""
    die = random.Random(f"campaign {seed}")
    steps, symbols = die.randint(14, 26), SYMBOLS[: die.randint(2, 3)]
    broken = die.random() < 0.06
    kills = tuple(_kill(die) for _ in range(die.choice((0, 1, 1, 2, 2, 3))))
    begin = die.randint(2, steps - 4)
    halts = ((die.choice(symbols), begin, begin + die.randint(1, 3)),) if die.random() < 0.2 else ()
    return Plan(
        seed, steps, symbols, die.choice(tuple(STYLES)), Costs(spread=1e-4, participation=die.choice((0.0, 0.0, 4e-3))),
        die.random() < 0.5, _faults(die), _twists(die, broken), halts, kills,
        tuple(die.choice((0, 0, 1, 3)) for _ in kills), _words(die, steps), die.choice((0, 1, 2, 3)),
        die.choice((3, 7, 1000)), die.choice((5 * MINUTE, 1000 * MINUTE)), broken,
    )  # fmt: skip


def strategy_of(style: str) -> Strategy:
    """A strategy that trades often, both ways."""
    return STYLES[style]


def _kill(die: random.Random) -> Kill:
    what = die.choice(tuple(KILLS))
    return Kill(what, die.randint(1, KILLS[what]), die.random() < 0.5)


def _faults(die: random.Random) -> tuple[Fault, ...]:
    """A handful of faults at chosen places, and mostly some weather."""
    chosen = [die.choice(FAULTS)(die) for _ in range(die.randint(3, 9))]
    rate = die.choice((0.0, 0.004, 0.01, 0.02))
    return (*chosen, *(weather(rate) if rate else ()))


def _on_call(die: random.Random) -> Fault:
    call, nth = die.choice(CALLS), die.randint(1, 8)
    kind = die.choice(("answer", "answer", "answer", "cut", "cut", "slow", "slow", "hang"))
    code = die.choice((429, 500, 504)) if kind == "answer" else 0
    seconds = {"slow": die.choice((0.2, 0.8)), "hang": 1.0}.get(kind, 0.0)
    accepted = kind != "slow" and code != 429 and die.random() < 0.5
    times = die.choice((1, 1, 1, 2)) if kind in ("answer", "cut") else 1
    return Fault(kind, call, nth, times, accepted=accepted, code=code, seconds=seconds)


def _on_bars(die: random.Random) -> Fault:
    kind = die.choice((
        "duplicate", "delay", "delay", "revise", "skew", "unknown", "drop", "reset", "close", "mute", "error",
    ))  # fmt: skip
    code = {"close": die.choice((1000, 1011)), "error": die.choice((402, 405, 406, 407, 409, 500))}.get(kind, 0)
    seconds = {"revise": 30.0, "skew": die.choice((-3.0, 2.0, 7200.0))}.get(kind, 0.0)
    by = die.randint(1, 5) if kind == "delay" else 0
    return Fault(kind, BARS, die.randint(1, 40), die.choice((1, 1, 3)), code=code, seconds=seconds, by=by)


def _on_entry(die: random.Random) -> Fault:
    on, nth = die.choice(HANDSHAKE), die.randint(1, 3)
    kind = die.choice(("drop", "reset", "error", "error", "short" if on == HANDSHAKE[2] else "close"))
    code = {"close": 1000, "error": die.choice((402, 404, 405, 406, 409, 500))}.get(kind, 0)
    return Fault(kind, on, nth, code=code)


def _on_updates(die: random.Random) -> Fault:
    kind = die.choice((
        "drop", "drop", "drop", "duplicate", "duplicate", "delay", "delay", "unknown", "status", "reset", "close",
        "mute", "skew",
    ))  # fmt: skip
    on = die.choice((TOLD, "trading/fill/*", "trading/new/*", "trading/partial_fill/*", "trading/canceled/*"))
    code, seconds = 1011 if kind == "close" else 0, die.choice((-2.0, 3600.0)) if kind == "skew" else 0.0
    by = die.randint(1, 4) if kind == "delay" else 0
    return Fault(kind, on, die.randint(1, 12), die.choice((1, 1, 2)), code=code, seconds=seconds, by=by)


def _on_listener(die: random.Random) -> Fault:
    on, kind = die.choice(("trading/authorization/", "trading/listening/")), die.choice(("error", "drop", "reset"))
    return Fault(kind, on, die.randint(1, 3))


FAULTS = (_on_call, _on_call, _on_call, _on_bars, _on_bars, _on_entry, _on_updates, _on_updates, _on_listener)


def _twists(die: random.Random, broken: bool) -> tuple[Twist, ...]:
    kinds = ("reject", "early", "cancel_race", "cancel_refused", "replace_refused", "split", "split")
    found = [Twist(kind, rate=0.12) for kind in die.sample(kinds, die.randint(0, 4))]
    if broken:
        found.append(Twist(die.choice(("bust", "correct")), nth=die.randint(2, 6), price=die.choice((55.0, 180.0))))
    return tuple(found)


def _words(die: random.Random, steps: int) -> tuple[Word, ...]:
    """A few words, each of which stops trading followed by the one that lets it go on."""
    found: list[Word] = []
    for _ in range(die.choice((0, 1, 1, 2))):
        step, word = die.randint(1, steps - 3), die.choice(("halt", "reduce", "flatten", "override"))
        if word == "override":
            found.append(Word(step, word, die.choice(("gross", "position")), die.choice((0.0, 0.04, 0.2))))
        else:
            found += [Word(step, word), Word(min(steps - 1, step + die.randint(2, 5)), "resume")]
    return tuple(sorted(found, key=lambda one: one.step))


def _wilful(view: View) -> list[Wish] | Wish | None:
    """Orders of every kind, changed and taken back, by a die that the view alone throws."""
    die = random.Random(f"{view.ts} {view.symbol} {view.position} {view.entries} {view.next_id}")
    chance, price = die.random(), round(view.close * (1 + die.gauss(0, 0.002)), 2)
    if view.position == 0 and view.entries == 0:
        return die.choice((
            enter_long(20, stop=0.004, target=0.006), enter_short(20, stop=0.006, target=0.004),
            enter_long(17, limit=price, stop=0.005), order("buy", 15, stop=price, gtc=True),
            order("sell", 14, limit=price, gtc=True), enter_short(9, target=0.004), None,
        ))  # fmt: skip
    if view.entries and chance < 0.5:
        return [
            replace(view.next_id - back, lots=float(die.randint(12, 22)), limit=price, stop=price) for back in (1, 3)
        ]
    if chance < 0.6:
        return cancel()
    return leave() if chance < 0.75 else None


def _scoring(name: str, exits: Exits, limit_ticks: int = 0, gtc: bool = False) -> Strategy:
    policy = Policy(
        enter=0.1, leave=0.0, short=True, sizing=fixed_fraction(0.03), exits=exits, limits=LIMITS,
        limit_ticks=limit_ticks, gtc=gtc,
    )  # fmt: skip
    return Strategy((roc(n=2, out="score"),), policy, name=name)


BRACKET = Exits(stop=0.003, target=0.004, anchored=True)
STYLES = {
    "brackets": _scoring("brackets", BRACKET),
    "limits": _scoring("limits", BRACKET, limit_ticks=3),
    "patient limits": _scoring("patient limits", BRACKET, limit_ticks=12, gtc=True),
    "short holds": _scoring("short holds", Exits(max_rows=3, anchored=True)),
    "wilful": Strategy((), Policy(exits=Exits(anchored=True), limits=LIMITS), _wilful, name="wilful"),
}
