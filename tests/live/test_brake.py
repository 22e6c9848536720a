"""A flatten that the broker refuses: asked less and less often, then not at all, and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from limits import RateLimitItemPerSecond
from scenes import scored, scoring

from live.brokers.alpaca import AlpacaBroker
from live.brokers.rate import Budget
from live.config import config_of
from live.journal import Frame, read
from live.operator import want
from live.parity import check
from live.recovery import opened
from live.rejoin import agree, rejoin
from live.runner import Runner
from live.safety.brake import REFUSED, Brake, Terms
from live.sim.server import Loopback
from live.tape import Tape
from live.watch.notes import alert_of
from live.words import MAGIC, NOTE, OUTPUT, Beat, Note, beat_bytes, beat_of, note_of, output_of
from quantlib.desk import memory as desks
from quantlib.desk.memory import BROKER_REFUSED, NEVER_ARRIVED, Desk, instrument_records
from quantlib.desk.messages import CANCELLED, CANCELLING, EXIT, FILL, REJECTED, REPORT, SENT, SUBMIT, WORKING
from quantlib.desk.policy import Exits, Policy
from tests.live.brokers.driving import QUICK, until

SECOND = 1_000_000_000
TABLE, ONE = scored(missing=0.0), scoring(exits=Exits(stop=0.1, target=0.3, anchored=True), leave=-2.0)


class Scene:
    """A session at the loopback that holds a position, with a clock of its own and a beat every half second of it."""

    def __init__(self, alpaca: Loopback, folder: Path) -> None:
        self.alpaca, self.folder, self.now = alpaca, folder, 0
        self._refusals, self.missed = list[str](), 0
        self.runner, self.broker = self.opened()
        self.tape = Tape(TABLE)
        while not self.held:
            self.step()

    def opened(self) -> tuple[Runner, AlpacaBroker]:
        records = instrument_records(TABLE.symbols, None)
        calls = Budget(RateLimitItemPerSecond(100_000))
        broker = AlpacaBroker(self.alpaca.keys, "s", TABLE.symbols, records, patience=QUICK, budget=calls)
        config = config_of(self.folder, ONE, TABLE, name="s", source={"broker": "alpaca"})
        runner = opened(self.folder, config, ONE, broker=broker)
        broker.begin()
        rejoin(runner, broker, lambda: max(self.now, self.alpaca.market.now), lambda: None, 60 * SECOND)
        return runner, broker

    def again(self) -> None:
        """The process dies, and another one goes on."""
        self.runner.close()
        self.runner, self.broker = self.opened()
        self.missed = self.alpaca.settle() - self.broker.heard

    def step(self) -> None:
        """The next day of the tape."""
        told = self.alpaca.match() - self.missed
        until(lambda: self.broker.heard >= told, "that all updates were heard")
        step = self.runner.state.step
        self.now = self.tape.ts(step)
        self.runner.take(self.now, self.tape.rows(step))

    def beats(self, seconds: float) -> int:
        """How many orders go out in so long."""
        before = self.sent
        for _ in range(int(2 * seconds)):
            self.now += SECOND // 2
            self.runner.beat(self.now)
        return self.sent - before

    def left(self) -> None:
        """Go on until nothing is held: not every symbol has a bar every day."""
        while self.held:
            self.step()
            self.beats(0.5)

    def flatten(self) -> None:
        want(self.folder / "operator", "flatten", who="ann")

    def refusing(self, refuses: bool = True) -> None:
        self.alpaca.venue.account.flags["suspend_trade"] = refuses

    @property
    def held(self) -> list[int]:
        """Symbols that the desk holds."""
        return np.flatnonzero(self.runner.state.desk.holdings["lots"]).tolist()

    @property
    def sent(self) -> int:
        """Orders that reduce, ever commanded."""
        outputs = [output_of(f.payload) for f in self.frames if f.kind == OUTPUT]
        return sum(int(((o.commands["kind"] == SUBMIT) & (o.commands["leg"] == EXIT)).sum()) for o in outputs)

    @property
    def refusals(self) -> list[str]:
        """What the broker said to orders, ever."""
        self._refusals += [one.text for one in self.broker.incidents() if one.kind == "refused"]
        return self._refusals

    @property
    def frames(self) -> list[Frame]:
        return read(self.folder / "journal", MAGIC).frames

    def notes(self, kind: str) -> list[Note]:
        return [note for f in self.frames if f.kind == NOTE and (note := note_of(f.payload)).kind == kind]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Loopback(TABLE, cash=1e6) as alpaca:
        one = Scene(alpaca, tmp_path)
        yield one
        one.runner.close()


def test_refused_a_flatten_asks_less_and_less_often_and_then_no_more(scene):
    scene.refusing()
    scene.flatten()
    count = len(scene.held)
    asked = [scene.beats(0.5) // count for _ in range(1200)]
    at = np.flatnonzero(asked).tolist()
    assert np.diff(at).tolist() == [3, 5, 9, 17], (
        "half seconds: 1, 2, 4 and 8 s after the refusal that the next beat hears"
    )
    assert len(at) == Terms().refusals
    assert len(scene.held) == count


def test_the_operator_is_told_critically_when_nothing_more_is_asked(scene):
    scene.refusing()
    scene.flatten()
    assert scene.beats(10)
    assert not scene.notes(REFUSED)
    scene.beats(60)
    notes = scene.notes(REFUSED)
    symbols, lots = scene.runner.state.symbols, scene.runner.state.desk.holdings["lots"]
    assert sorted(note.symbol for note in notes) == sorted(symbols[s] for s in scene.held)
    for note in notes:
        held = abs(int(lots[symbols.index(note.symbol)]))
        assert note.text.startswith(
            f"the broker refused 5 orders in a row to leave {held:,} lots, and is not asked again"
        )
        assert alert_of(note).severity == "critical"


def test_a_row_sends_nothing_either_while_nothing_is_asked(scene):
    scene.refusing()
    scene.flatten()
    scene.beats(60)
    before = len(scene.refusals)
    for _ in range(3):
        scene.step()
        scene.beats(1)
    assert len(scene.refusals) == before
    assert scene.held
    assert len(scene.notes(REFUSED)) == len(scene.held), "what was never sent is no refusal"


@pytest.mark.parametrize("by", ["operator", "comparison"])
def test_it_is_asked_again_when_the_operator_acts_or_the_broker_agrees(scene, by):
    scene.refusing()
    scene.flatten()
    scene.beats(60)
    count, refused = len(scene.held), scene.runner.brake.refused
    assert refused == Terms().refusals * count
    scene.step()
    scene.refusing(False)
    if by == "operator":
        scene.flatten()
    else:
        agree(scene.runner, scene.broker, lambda: scene.now, lambda: None)
    scene.beats(1)
    assert len(scene.runner.state.desk.holdings["exits"].nonzero()[0]) == count
    scene.left()
    assert scene.runner.brake.refused == (0 if by == "operator" else refused)
    assert check(scene.folder, ONE).holds


def test_another_process_finds_that_the_broker_agrees_and_asks_again(scene):
    scene.refusing()
    scene.flatten()
    scene.beats(60)
    scene.step()
    assert check(scene.folder, ONE).holds
    scene.refusing(False)
    scene.again()
    scene.beats(0.5)
    scene.left()
    assert check(scene.folder, ONE).holds


def test_a_beat_without_symbols_held_back_reads_as_it_was_written_before_there_were_any():
    reports = np.zeros(2, REPORT)
    reports["id"] = 7, 8
    old = beat_bytes(Beat(5, reports))
    assert len(old) == 12 + reports.nbytes
    assert beat_of(old).held.tolist() == []
    held = beat_of(beat_bytes(Beat(5, reports, np.array([3, 9], np.int32))))
    assert (held.ts, held.reports["id"].tolist(), held.held.tolist()) == (5, [7, 8], [3, 9])


def leaving() -> Desk:
    """A desk that was told to flatten and holds its first symbol, with an exit of id 1 on its way."""
    desk = desks.opened(Policy(), ("A", "B"), 1e6)
    desk.account["flatten"], desk.holdings["lots"][0] = 1, 10
    for name, value in {"id": 1, "status": SENT, "leg": EXIT, "lots": 10}.items():
        desk.orders[name][1] = value
    return desk


def ended(kind: int = REJECTED, reason: int = BROKER_REFUSED) -> Any:
    report = np.zeros(1, REPORT)
    for name, value in {"id": 1, "kind": kind, "reason": reason, "leg": EXIT}.items():
        report[name] = value
    return report


def test_an_order_that_never_arrived_is_asked_again_for_ever_with_waits_of_a_minute_at_most():
    brake, desk, now, waits = Brake(), leaving(), 0, []
    for _ in range(100):
        assert brake.hear(desk, ended(reason=NEVER_ARRIVED), now) == []
        wait = next(s for s in range(100) if brake.due(desk, now + s * SECOND))
        waits.append(wait)
        now += wait * SECOND
    assert waits == [1, 2, 4, 8, 16, 32] + [60] * 94
    assert brake.refused == 0


def test_an_exit_that_works_or_a_desk_that_is_told_nothing_asks_for_nothing():
    brake, desk = Brake(), leaving()
    assert brake.due(desk, 0)
    desk.holdings["exits"][0] = 1
    assert not brake.due(desk, 0)
    desk.holdings["exits"][0] = desk.account["flatten"] = 0
    assert not brake.due(desk, 0)
    assert brake.hear(desk, np.repeat(ended(), 9), 0) == []
    assert brake.refused == 0


def test_a_fill_begins_the_row_anew():
    brake, desk = Brake(), leaving()
    for _ in range(3):
        assert brake.hear(desk, np.repeat(ended(), 4), 0) == []
        brake.hear(desk, ended(FILL), 0)
        assert brake.due(desk, 0)
    assert brake.refused == 12
    assert brake.hear(desk, np.repeat(ended(), 6), 0) == [0], "told once"


def test_an_end_that_nobody_asked_for_is_a_refusal_and_one_that_was_asked_for_is_none():
    brake, desk = Brake(), leaving()
    desk.orders["status"][1] = WORKING
    brake.hear(desk, ended(REJECTED), 0)
    assert brake.refused == 0, "a change was refused, and the order works on"
    brake.hear(desk, ended(CANCELLED), 0)
    assert brake.refused == 1
    desk.orders["change"][1] = CANCELLING
    brake.hear(desk, ended(CANCELLED), 0)
    assert brake.refused == 1
    desk.orders["id"][1] = 2
    brake.hear(desk, ended(CANCELLED), 0)
    assert brake.refused == 1, "of an order that has ended, nothing is learnt"
