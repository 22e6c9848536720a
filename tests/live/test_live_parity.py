"""Parity holds for what was recorded, and finds whatever is changed afterwards."""

import struct
import zlib
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scenes import played, scored, scoring

from live.errors import Corrupted, SessionError
from live.journal import CHECK, FRAME, header, read
from live.operator import FILE, HALT, OVERRIDE, REDUCE, RESUME, WATCHDOG, want
from live.parity import check, show
from live.runner import Runner
from live.session import replay
from live.words import MAGIC, NOTE, OUTPUT, Note, Output, output_bytes, output_of

MAX = 2**62


def rewritten(folder: Path, change) -> None:
    """The journal with one output changed, all checksums right."""
    path = folder / "journal"
    contents = read(path, MAGIC)
    parts, done = [header(MAGIC, contents.identity)], False
    for frame in contents.frames:
        payload = frame.payload
        if frame.kind == OUTPUT and not done:
            after = change(output_of(payload))
            done = after is not None
            payload = output_bytes(after) if after is not None else payload
        head = FRAME.pack(len(payload), frame.kind, frame.sequence)
        parts += [head, payload, CHECK.pack(zlib.crc32(payload, zlib.crc32(head)))]
    assert done
    path.write_bytes(b"".join(parts))


def test_a_session_equals_its_backtest(tmp_path: Path) -> None:
    done = played(tmp_path / "s")
    found = check(tmp_path / "s", scoring())
    assert found.differences == []
    assert found.decisions == done.rows > 50
    assert found.holds
    assert str(found) == f"parity: 0 differences in {done.rows} decisions"


def test_a_session_of_a_preset_needs_no_strategy_given(tmp_path: Path) -> None:
    replay("trend", scored(150), tmp_path / "s", params={"fast": 3, "slow": 9})
    found = check(tmp_path / "s")
    assert found.holds


def other_command(o: Output) -> Output | None:
    if not len(o.commands):
        return None
    commands = o.commands.copy()
    commands["lots"][0] += 1
    return o._replace(commands=commands)


def other_decision(o: Output) -> Output | None:
    decision = o.decision.copy()
    decision[0] = 3 if decision[0] != 3 else 1
    return o._replace(decision=decision)


def other_equity(o: Output) -> Output | None:
    return o._replace(equity=float(np.nextafter(o.equity, np.inf)))


def lost_command(o: Output) -> Output | None:
    return o._replace(commands=o.commands[1:]) if len(o.commands) else None


def other_fill(o: Output) -> Output | None:
    if not len(o.fills):
        return None
    fills = o.fills.copy()
    fills["price"][0] = np.nextafter(fills["price"][0], 0)
    return o._replace(fills=fills)


def lost_order(o: Output) -> Output | None:
    return o._replace(ended=o.ended[1:]) if len(o.ended) else None


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (other_command, "command"),
        (lost_command, "command"),
        (other_decision, "decision"),
        (other_equity, "equity"),
        (other_fill, "fill"),
        (lost_order, "order"),
    ],
)
def test_a_planted_difference_is_found(tmp_path: Path, change, kind: str) -> None:
    played(tmp_path / "s")
    rewritten(tmp_path / "s", change)
    found = check(tmp_path / "s", scoring())
    assert not found.holds
    assert kind in found.counts
    if change in (other_command, other_decision, other_equity, other_fill):
        assert len(found.differences) == 1


def test_a_changed_parameter_is_found_and_named(tmp_path: Path) -> None:
    played(tmp_path / "s")
    found = check(tmp_path / "s", scoring(enter=1.5))
    assert found.differences[0].kind == "strategy"
    assert {"decision", "command", "fill", "equity"} <= set(found.counts)


def test_a_torn_end_is_no_parity_until_it_is_mended(tmp_path: Path) -> None:
    played(tmp_path / "s")
    path = tmp_path / "s" / "journal"
    path.write_bytes(path.read_bytes()[: read(path, MAGIC).frames[-2].end + 5])
    with pytest.raises(Corrupted, match="5 bytes of a frame that is not whole"):
        check(tmp_path / "s", scoring())


def test_an_unfinished_last_step_is_left_out(tmp_path: Path) -> None:
    played(tmp_path / "s")
    path = tmp_path / "s" / "journal"
    frames = read(path, MAGIC).frames
    path.write_bytes(path.read_bytes()[: frames[-2].end])
    found = check(tmp_path / "s", scoring())
    assert found.differences == []
    assert found.decisions == len(scored().columns["ts"]) - len(output_of(frames[-1].payload).decision)


def acted(folder: Path, *acts: tuple[int, str, str]) -> None:
    """A replay in which somebody acts at each of these steps."""
    due, at = list(acts), count()

    def stop() -> bool:
        step = next(at)
        while due and due[0][0] == step:
            _, word, who = due.pop(0)
            limit = {"limit": "gross", "value": 0.01, "until": MAX} if word == OVERRIDE else {}
            want(folder / "operator", word, who=who, **limit)
        return False

    played(folder, stop=stop)


def test_a_session_in_which_a_file_threw_halt_is_compared_though_that_was_noted(tmp_path: Path) -> None:
    acted(tmp_path / "s", (10, HALT, FILE), (20, RESUME, "ann"))
    assert any(frame.kind == NOTE for frame in read(tmp_path / "s" / "journal", MAGIC).frames)
    assert check(tmp_path / "s", scoring()).holds


def test_what_became_of_copies_may_be_noted_after_any_step(tmp_path: Path) -> None:
    class Noting:
        def began(self, runner: Runner) -> None:
            self.runner = runner

        def stepped(self, runner: Runner, output: Output) -> None:
            runner.note(Note(runner.state.last_ts, "copies", f"step {output.step}"))

    played(tmp_path / "s", observer=Noting())
    assert check(tmp_path / "s", scoring()).holds


def test_acts_that_no_backtest_knows_are_taken_again_as_the_session_took_them(tmp_path: Path) -> None:
    acted(tmp_path / "s", (5, OVERRIDE, "ann"), (10, HALT, "ann"), (15, REDUCE, WATCHDOG), (20, RESUME, "ann"))
    found = check(tmp_path / "s", scoring())
    assert found.holds
    rewritten(tmp_path / "s", other_equity)
    assert check(tmp_path / "s", scoring()).counts == {"equity": 1}


def test_an_empty_session_has_no_parity(tmp_path: Path) -> None:
    played(tmp_path / "s", stop=lambda: True)
    found = check(tmp_path / "s", scoring())
    assert not found.holds
    assert str(found) == "parity: 0 differences in 0 decisions"


def test_the_last_line_printed_is_the_count(tmp_path: Path) -> None:
    played(tmp_path / "s")
    console = Console(record=True, width=120)
    show(check(tmp_path / "s", scoring(enter=1.5)), console)
    lines = console.export_text().strip().splitlines()
    assert lines[-1].startswith("parity: ")
    assert "expected" in "".join(lines[:3])


def test_a_strategy_given_as_a_value_is_asked_for_again(tmp_path: Path) -> None:
    played(tmp_path / "s")
    with pytest.raises(SessionError, match="give it again"):
        check(tmp_path / "s")
    with pytest.raises(SessionError, match="there is no session"):
        check(tmp_path / "nowhere")


def test_frames_are_as_the_page_says() -> None:
    assert FRAME.size == 13
    assert struct.calcsize(CHECK.format) == 4
