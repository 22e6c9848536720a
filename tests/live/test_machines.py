"""What a machine says never loosens the kill switch; only a person does."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from scenes import played, scored, scoring

from live.control.acts import act
from live.control.auth import OPERATOR as ACTS
from live.control.auth import Person
from live.journal import read
from live.operator import FILE, HALT, LEAVE, MACHINES, REDUCE, RESUME, RUNNER, STRICTER, WATCHDOG, want, wanted_in
from live.parity import check
from live.state import State
from live.words import MAGIC, OPERATOR, Action, action_of
from quantlib.desk import memory as desks
from quantlib.desk.memory import ACTIVE, HALTED, REDUCING

STANDS = {RESUME: (ACTIVE, 0), REDUCE: (REDUCING, 0), LEAVE: (REDUCING, 1), HALT: (HALTED, 0)}


def state() -> State:
    table, one = scored(), scoring()
    return State(one, table.symbols, desks.opened(one.policy, table.symbols, 1e5, None))


def said(one: State, *words: tuple[str, str]) -> tuple[int, int]:
    """The mode, and whether every position is being left, after these words."""
    for number, (word, who) in enumerate(words, len(one.obeyed) + 1):
        one.obey(Action(number, number, word, who, f"{word} it is"))
    account = one.desk.account[0]
    return int(account["mode"]), int(account["flatten"])


@pytest.mark.parametrize(("word", "next_word", "who"), [*product(STRICTER, STRICTER, MACHINES)])
def test_a_machine_only_ever_makes_the_kill_switch_stricter(word: str, next_word: str, who: str) -> None:
    assert said(state(), (word, "ann"), (next_word, who)) == STANDS[max(word, next_word, key=STRICTER.index)]


@pytest.mark.parametrize(("word", "next_word", "who"), [*product(STRICTER, STRICTER, ("ann", FILE, ""))])
def test_a_person_is_obeyed_whatever_was_said_before(word: str, next_word: str, who: str) -> None:
    assert said(state(), (word, RUNNER), (next_word, who)) == STANDS[next_word]


def test_a_halt_by_the_desk_itself_is_not_loosened_either() -> None:
    one = state()
    one.desk.account["mode"] = HALTED
    assert said(one, (REDUCE, WATCHDOG)) == STANDS[HALT]


def test_a_word_that_changes_nothing_is_obeyed_once_and_gives_no_reason() -> None:
    one = state()
    said(one, (HALT, RUNNER), (REDUCE, WATCHDOG))
    assert one.obeyed == {1, 2}
    assert one.why == f"halt it is ({RUNNER})"


def test_a_session_that_starts_again_stays_halted_and_parity_holds(tmp_path: Path) -> None:
    acts = {5: (HALT, RUNNER), 10: (REDUCE, WATCHDOG)}
    steps = iter(range(20))

    def stop() -> bool:
        step = next(steps, None)
        if step in acts:
            want(tmp_path / "s" / "operator", acts[step][0], who=acts[step][1])
        return step is None

    assert played(tmp_path / "s", stop=stop, every=100).mode == "HALTED"
    (tmp_path / "s" / "snapshot").unlink(missing_ok=True)
    assert played(tmp_path / "s").mode == "HALTED"
    frames = read(tmp_path / "s" / "journal", MAGIC).frames
    assert [action_of(f.payload).word for f in frames if f.kind == OPERATOR] == [HALT, REDUCE]
    assert check(tmp_path / "s", scoring()).holds


@pytest.mark.parametrize("name", MACHINES)
def test_a_person_of_a_machine_s_name_may_resume(tmp_path: Path, name: str) -> None:
    act(tmp_path, Person(name, ACTS), RESUME, why="it is well again")
    [wanted] = wanted_in(tmp_path / "operator")
    assert wanted.who == f"operator {name}"
    assert said(state(), (HALT, RUNNER), (wanted.word, wanted.who)) == STANDS[RESUME]
