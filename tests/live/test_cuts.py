"""A small session killed at every single call that changes a file, exhaustively; and the bugs this must catch."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scenes import End, Killed, dying, end_of, played

import live.reconcile
import live.recovery
import live.runner
import live.session
from live.brokers.simulated import SimulatedBroker
from live.errors import LiveError
from live.operator import want
from live.tape import instant
from live.words import tickets


def calls(tmp_path: Path, monkeypatch: Any) -> int:
    """How many calls a whole run makes."""
    with dying(monkeypatch, 0) as count:
        played(tmp_path / "count" / "s")
    return count[0]


def after_dying(folder: Path, monkeypatch: Any, *points: tuple[int, bool]) -> End:
    """What a session comes to that is killed at these calls, one start after the other, and then left alone."""
    for at, half in points:
        with dying(monkeypatch, at, half):
            try:
                played(folder)
            except Killed:
                continue
    played(folder)
    return end_of(folder)


def test_a_run_killed_at_any_call_ends_as_if_it_had_never_died(tmp_path: Path, monkeypatch: Any) -> None:
    played(tmp_path / "whole" / "s")
    whole = end_of(tmp_path / "whole" / "s")
    total = calls(tmp_path, monkeypatch)
    assert total > 150
    for at in range(1, total + 1):
        for half in (False, True):
            end = after_dying(tmp_path / f"{at}-{half}" / "s", monkeypatch, (at, half))
            assert end == whole, f"killed at call {at}, half {half}"


def test_a_run_killed_again_and_again_ends_as_if_it_had_never_died(tmp_path: Path, monkeypatch: Any) -> None:
    played(tmp_path / "whole" / "s")
    whole = end_of(tmp_path / "whole" / "s")
    for stride in (3, 5, 7, 11, 16):
        points = [(stride, k % 2 == 0) for k in range(100)]
        assert after_dying(tmp_path / f"{stride}" / "s", monkeypatch, *points) == whole, f"killed every {stride} calls"


def test_operator_actions_survive_every_kill(tmp_path: Path, monkeypatch: Any) -> None:
    def commanded(folder: Path) -> Path:
        (folder / "operator").mkdir(parents=True)
        for word, day in (("reduce", "2020-09-20"), ("resume", "2020-09-24"), ("flatten", "2020-10-05")):
            want(folder / "operator", word, instant(day))
        return folder

    played(commanded(tmp_path / "whole" / "s"))
    whole = end_of(tmp_path / "whole" / "s")
    played(tmp_path / "free" / "s")
    assert end_of(tmp_path / "free" / "s").journal != whole.journal
    total = calls(tmp_path, monkeypatch)
    for at in range(2, total, 3):
        end = after_dying(commanded(tmp_path / f"{at}" / "s"), monkeypatch, (at, at % 2 == 0))
        assert end == whole, f"killed at call {at}"


def caught(tmp_path: Path, monkeypatch: Any) -> bool:
    """Whether the law sees a difference, or the runner refuses to trade, at some kill."""
    played(tmp_path / "whole" / "s")
    whole = end_of(tmp_path / "whole" / "s")
    for at in range(1, calls(tmp_path, monkeypatch) + 1):
        try:
            if after_dying(tmp_path / f"{at}" / "s", monkeypatch, (at, False)) != whole:
                return True
        except LiveError:
            return True
    return False


def test_the_law_bites_a_broker_that_takes_every_command_twice(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(SimulatedBroker, "knows", lambda self, ticket: False)
    assert caught(tmp_path, monkeypatch)


def test_the_law_bites_a_runner_that_takes_new_ids_after_a_restart(tmp_path: Path, monkeypatch: Any) -> None:
    starts = [0]
    real = live.runner.tickets

    def opened(*args: Any, **named: Any) -> Any:
        starts[0] += 1
        return first(*args, **named)

    def renamed(session: str, commands: Any) -> Sequence[str]:
        return real(f"{session}-{starts[0]}", commands)

    first = live.recovery.opened
    monkeypatch.setattr(live.session, "opened", opened)
    for module in (live.runner, live.reconcile):
        monkeypatch.setattr(module, "tickets", renamed)
    assert caught(tmp_path, monkeypatch)


def test_the_law_bites_a_start_that_sends_nothing_again(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(live.recovery, "resend", lambda state, broker, session: 0)
    assert caught(tmp_path, monkeypatch)


def test_the_law_bites_a_journal_that_is_written_after_the_broker_was_told(tmp_path: Path, monkeypatch: Any) -> None:
    def hasty(self: Any, output: Any) -> Any:
        names = [f"{name}-{time.perf_counter_ns()}" for name in tickets(self.config.name, output.commands)]
        self.broker.submit(names, output.commands, self.state.last_ts)  # names that no later start can know
        self.journal.append(live.runner.OUTPUT, live.runner.output_bytes(output))
        return output

    monkeypatch.setattr(live.runner.Runner, "conclude", hasty)
    assert caught(tmp_path, monkeypatch)
