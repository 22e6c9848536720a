"""The fault campaign: sessions through the wire in which everything goes wrong, and the books must still be right.

    python -m tests.live.campaign --sessions 300 --seed 1       prints what was injected and what came of it
    python -m tests.live.campaign --seed 17 --verbose           one session again, its lives and verdict told

The broker is the loopback service, in this process: it outlives the runner, which is a child that kills itself at
chosen calls and is started again on the same folder.  Everything chosen follows from the seed (`campaign_plan`).
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any, NamedTuple

from live.operator import want
from live.sim.server import Loopback
from quantlib.desk.memory import HALTED
from tests.live.campaign_child import REFUSED, Shared, live
from tests.live.campaign_plan import CASH, MINUTE, Plan, Word, planned, strategy_of
from tests.live.campaign_verdict import differing, entries, verdict

MEMORY = Path("/dev/shm")
BEGIN, DECIDE, OBEY, SETTLE, END = 12.0, 0.6, 8.0, 10.0, 12.0  # seconds that these may take
LIVES = 14  # of a runner, until a session counts as one that will not start
STALLED = 3  # timestamps without a decision until the runner is stopped and started again


class Outcome(NamedTuple):
    """What came of a session."""

    seed: int
    outcome: str  # agreed, halted, refused or failed
    found: list[str]
    faults: dict[str, int]  # kind -> how often it struck
    kills: int
    starts: int
    refusals: dict[str, int]  # why a runner would not start or go on
    decided: int  # timestamps
    orders: int
    executions: int
    words: int
    seconds: float


class Failed(Exception):
    """A rule broken while the session ran."""


class Session:
    """One session: the service, the runner's lives, and the operator."""

    def __init__(self, plan: Plan, folder: Path, alpaca: Loopback, context: Any) -> None:
        self.plan, self.folder, self.alpaca, self._context = plan, folder, alpaca, context
        self.shared = RawValue(Shared)
        self.shared.now = alpaca.market.now
        self.life = self.kills = self.words = self.decided = 0
        self.refusals: Counter[str] = Counter()
        self.refused_to_agree = ""
        self._child: Any = None
        self._stalled = self._calm = 0
        self._halted_at: int | None = None  # orders at the venue when the operator's halt was seen to be obeyed

    def play(self) -> None:
        """The whole tape, and then a quiet end."""
        self._join()
        words = list(self.plan.words)
        while not (self.alpaca.finished or self.refused_to_agree):
            while words and words[0].step <= self.alpaca.market.step:
                self._say(words.pop(0))
            self._turn()
            self._supervise()
            self._look_after()
        self._end()

    def close(self) -> None:
        """No child outlives its session."""
        if self._child is not None and self._child.is_alive():
            self._child.kill()
        if self._child is not None:
            self._child.join()
            self._child.close()
            self._child = None

    def _turn(self) -> None:
        """The next timestamp happens, and is waited for, but not for ever."""
        self.alpaca.match()
        self.shared.now = now = self.alpaca.market.now
        self.alpaca.publish()
        if self._within(lambda: self.shared.decided >= now or not self._alive, DECIDE) and self._alive:
            self._stalled = 0
            self.decided += 1
            turns = self.shared.turns + self.plan.pace
            self._within(lambda: self.shared.turns >= turns or not self._alive, DECIDE)
        else:
            self._stalled += 1

    def _supervise(self) -> None:
        """What the seat does: start what died, and what hears nothing any more."""
        if self._alive and self._stalled >= STALLED:
            self._stop()
        if not self._alive:
            self._buried()
            away = self.plan.away[self.life - 1] if self.life <= len(self.plan.away) else 0
            for _ in range(away):
                if not self.alpaca.finished:
                    self.alpaca.match()
                    self.shared.now = self.alpaca.market.now
                    self.alpaca.publish()
            self._join()

    def _look_after(self) -> None:
        """An operator who finds a desk that halted by itself lets it go on, but not where trades were broken."""
        self._calm = self._calm + 1 if self.shared.mode == HALTED and self._halted_at is None else 0
        if self._calm >= 2 and not self.plan.broken:
            self._calm = 0
            self._wish(Word(0, "resume"))

    def _say(self, word: Word) -> None:
        if word.word == "resume":
            self._check_halt()
            self._halted_at = None
        self._wish(word)
        if word.word != "halt":
            return
        until = time.monotonic() + OBEY
        while self.shared.mode != HALTED:
            if time.monotonic() > until:
                raise Failed(f"a halt was not obeyed within {OBEY:g} s")
            self._within(lambda: self.shared.mode == HALTED or not self._alive, 0.5)
            if not self._alive:
                self._buried()
                self._join()
        self._halted_at = len(self.alpaca.venue.ledger.orders)

    def _wish(self, word: Word) -> None:
        self.words += 1
        until = int(self.shared.now) + 4 * MINUTE if word.limit else 0
        want(
            self.folder / "operator", word.word, who="campaign", limit=word.limit, value=word.value, until=until
        )  # fmt: skip

    def _check_halt(self) -> None:
        """No entry reaches the broker between an operator's halt and his word to go on."""
        if self._halted_at is None:
            return
        late = entries(self.folder, list(self.alpaca.venue.ledger.orders.values())[self._halted_at :])
        slow = any(one.kind == "slow" and one.where.startswith("POST") for one in self.alpaca.faults.log)
        if late and not slow:
            raise Failed(f"entries after the halt: {late}")

    def _join(self) -> None:
        """Start the runner, until it trades."""
        while self.life < LIVES:
            self._start()
            if self._within(lambda: self.shared.began or not self._alive, BEGIN) and self._alive:
                return
            if self._alive:
                raise Failed(f"a start took more than {BEGIN:g} s")
            self._buried()
            if self.refused_to_agree:
                return
        raise Failed(f"the runner would not start {LIVES} times")

    def _start(self) -> None:
        self.close()
        self.shared.stop = self.shared.began = 0
        arguments = self.plan, self.life, self.folder, self.alpaca.keys, self.shared
        self._child = self._context.Process(target=live, args=arguments, daemon=True)
        self._child.start()
        self.life += 1

    @property
    def _alive(self) -> bool:
        return self._child is not None and self._child.is_alive()

    def _stop(self) -> None:
        """Ask for a clean end."""
        self.shared.stop = 1
        self._stalled = 0
        if not self._within(lambda: not self._alive, END):
            raise Failed(f"a stop took more than {END:g} s")

    def _buried(self) -> None:
        """See how the last life ended."""
        child, self._stalled = self._child, 0
        if child is None:
            return
        child.join()
        said = (self.folder.parent / f"life-{self.life - 1}.txt").read_text()
        if child.exitcode == -9:
            self.kills += 1
        elif child.exitcode == REFUSED:
            why = said.strip().splitlines()[-1]
            self.refusals[why.split(":")[0]] += 1
            if why.startswith("ReconcileError"):
                self.refused_to_agree = why
        elif child.exitcode != 0:
            raise Failed(f"the runner ended with {child.exitcode}: {said[-1500:]}")
        if "Traceback" in said:
            raise Failed(f"an exception was only logged: {said[-2500:]}")

    def _end(self) -> None:
        """Nothing goes wrong any more: the running session settles by itself, and so does one that is started anew."""
        self.alpaca.faults.clear()
        self._check_halt()
        if self.refused_to_agree:
            return
        for _ in range(2):
            if not self._alive:
                self._buried()
                if self.refused_to_agree:
                    return
                self._join()
            if self.plan.broken:
                self._within(lambda: self.shared.mode == HALTED or not self._alive, 3.0)
            elif not self._within(self._agreed, SETTLE) and self._alive:
                raise Failed(f"it does not settle: {differing(self.folder, self.alpaca.venue)}")
            if self._alive:
                self._stop()
        self._buried()

    def _agreed(self) -> bool:
        return not self._alive or not differing(self.folder, self.alpaca.venue)

    @staticmethod
    def _within(true: Callable[[], Any], seconds: float) -> bool:
        deadline, turn = time.monotonic() + seconds, threading.Event()
        while not true():
            if time.monotonic() > deadline:
                return False
            turn.wait(0.002)
        return True


@contextmanager
def staged(plan: Plan, folder: Path, context: Any) -> Iterator[Session]:
    """A session that is about to be played; afterwards no child is left."""
    from tests.live.test_wire_law import day

    table = day(plan.steps, plan.symbols, seed=plan.seed)
    with Loopback(
        table, cash=CASH, costs=plan.costs, prompt=plan.prompt, twists=plan.twists, faults=plan.faults, seed=plan.seed
    ) as alpaca:
        for symbol, first, last in plan.halts:
            alpaca.script.halt(symbol, *(int(alpaca.market.moments[k]) for k in (first, min(last, plan.steps - 1))))
        session = Session(plan, folder, alpaca, context)
        try:
            yield session
        finally:
            session.close()


def ran(seed: int, context: Any, kept: Path | None = None) -> Outcome:
    """Play the session of a seed and judge it; its files stay under `kept`."""
    plan, begun = planned(seed), time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as place:
        folder = (kept / str(seed) if kept is not None else Path(place)) / "s"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with staged(plan, folder, context) as session:
            outcome, found = judged(session)
    alpaca = session.alpaca
    faults = Counter(spelled(struck) for struck in alpaca.faults.log)
    faults.update(f"life: {struck.kind}" for struck in alpaca.venue.life.log)
    return Outcome(
        seed, outcome, found, dict(faults), session.kills, session.life, dict(session.refusals), session.decided,
        len(alpaca.venue.ledger.orders), len(alpaca.venue.account.executions), session.words, time.monotonic() - begun,
    )  # fmt: skip


def judged(session: Session) -> tuple[str, list[str]]:
    """Play a session: what came of it, and the rules that it broke."""
    venue = session.alpaca.venue
    try:
        session.play()
    except Failed as error:
        return "failed", [str(error)]
    session.close()
    broken = any(struck.kind in ("bust", "correct") for struck in venue.life.log)
    if session.refused_to_agree:
        return ("refused", []) if broken else ("failed", [session.refused_to_agree])
    found = verdict(session.folder, strategy_of(session.plan.style), venue, broken)
    halted = broken and session.shared.mode == HALTED
    return "failed" if found else "halted" if halted else "agreed", found


def spelled(struck: Any) -> str:
    """A fault that struck, as the table names it."""
    where = "trading" if struck.where.startswith("trading") else "data" if "/v2" not in struck.where else "rest"
    what = f"{struck.kind} {struck.code}" if struck.code else struck.kind
    return f"{where}: {what}{' after acceptance' if struck.accepted else ''}"


def served() -> Any:
    """A fork server that has everything imported and compiled."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.live.campaign_warm"])
    return context


def campaign(
    seeds: Iterable[int], told: Callable[[Outcome], None] = lambda outcome: None, kept: Path | None = None
) -> list[Outcome]:
    """Run sessions one after the other."""
    context, outcomes = served(), []
    for seed in seeds:
        outcomes.append(ran(seed, context, kept))
        told(outcomes[-1])
    return outcomes


def table_of(outcomes: list[Outcome]) -> str:
    """What was injected, and what came of it."""
    faults, refusals = Counter[str](), Counter[str]()
    for one in outcomes:
        faults.update(one.faults)
        refusals.update(one.refusals)
    ends = Counter(one.outcome for one in outcomes)
    lines = [f"{count:6}  {kind}" for kind, count in sorted(faults.items())]
    lines += [f"{count:6}  start refused: {kind}" for kind, count in sorted(refusals.items())]
    sums = {name: sum(getattr(one, name) for one in outcomes) for name in (
        "kills", "starts", "decided", "orders", "executions", "words", "seconds",
    )}  # fmt: skip
    lines.append("  ".join(f"{name} {value:,.0f}" for name, value in sums.items()))
    lines.append(f"{len(outcomes)} sessions: " + ", ".join(f"{count} {end}" for end, count in sorted(ends.items())))
    for one in outcomes:
        lines += [f"seed {one.seed}: {text}" for text in one.found]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run a campaign; 1 if a session failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.live.campaign", description="sessions in which all goes wrong"
    )
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="of the first session; the others follow")
    parser.add_argument("--verbose", action="store_true", help="tell of each session as it ends")
    parser.add_argument("--json", type=Path, help="write outcomes there")
    parser.add_argument("--keep", type=Path, help="leave the files of sessions there")
    asked = parser.parse_args(arguments)
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # that a killed client has gone is no news

    def told(one: Outcome) -> None:
        if asked.verbose or one.found:
            said = f"seed {one.seed}: {one.outcome} in {one.seconds:.1f} s, {one.starts} lives, {one.kills} kills, "
            sys.stdout.write(f"{said}{one.decided} decided, {one.executions} fills {one.refusals} {one.found}\n")
            sys.stdout.flush()

    outcomes = campaign(range(asked.seed, asked.seed + asked.sessions), told, asked.keep)
    if asked.json:
        asked.json.write_text(json.dumps([one._asdict() for one in outcomes]))
    sys.stdout.write(table_of(outcomes) + "\n")
    return any(one.found for one in outcomes)


if __name__ == "__main__":
    sys.exit(main())
