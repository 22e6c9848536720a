"""The audit log: every act is a link of a chain, and a chain that was touched says where."""

import json
import multiprocessing
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.control.audit import GENESIS, entries, note, verified
from live.errors import AuditError


def three(path):
    for number, act in enumerate(("halt", "resume", "flatten")):
        note(path, who="ann", role="operator", what=act, why=f"reason {number}", at=number)
    return path


def test_what_is_noted_can_be_read_again_and_holds(tmp_path):
    path = three(tmp_path / "audit.jsonl")
    found = entries(path)
    assert [(e.number, e.at, e.who, e.what, e.why) for e in found] == [
        (1, 0, "ann", "halt", "reason 0"), (2, 1, "ann", "resume", "reason 1"), (3, 2, "ann", "flatten", "reason 2"),
    ]  # fmt: skip
    assert [e.previous for e in found] == [GENESIS, found[0].hash, found[1].hash]
    assert verified(path) is None
    assert [e.number for e in entries(path, last=2)] == [2, 3]


def test_only_its_owner_may_read_it(tmp_path):
    path = three(tmp_path / "audit.jsonl")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_log_that_is_not_there_holds_and_has_no_entries(tmp_path):
    assert verified(tmp_path / "audit.jsonl") is None
    assert entries(tmp_path / "audit.jsonl") == []


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_changed_byte_is_found_at_its_line(data, tmp_path_factory):
    path = three(tmp_path_factory.mktemp("log") / "audit.jsonl")
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    change = data.draw(st.integers(1, 255))
    before = bytes(raw[:at])
    raw[at] ^= change
    path.write_bytes(raw)
    assert verified(path).line == 1 + before.count(b"\n")


@pytest.mark.parametrize("gone", [0, 1])
def test_a_line_taken_out_is_found(tmp_path, gone):
    path = three(tmp_path / "audit.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for n, line in enumerate(lines) if n != gone))
    assert verified(path).line == gone + 1


def test_a_line_put_in_between_or_sealed_anew_is_found(tmp_path):
    path, other = three(tmp_path / "audit.jsonl"), tmp_path / "other.jsonl"
    forged = note(other, who="eve", role="operator", what="resume", why="mine", at=0)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([json.dumps(forged._asdict(), sort_keys=True).encode() + b"\n", *lines[1:]]))
    assert verified(path).line == 2


def test_lines_cut_off_at_the_end_are_found_by_who_remembers_the_last_hash(tmp_path):
    path = three(tmp_path / "audit.jsonl")
    head = entries(path)[-1].hash
    assert verified(path, head) is None
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert verified(path) is None
    assert verified(path, head).line == 3


def test_a_torn_end_is_said_and_the_next_note_mends_it_and_tells(tmp_path):
    path = three(tmp_path / "audit.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert verified(path).line == 3
    again = note(path, who="ann", role="operator", what="halt")
    assert again.number == 3
    assert again.detail["torn"] > 0
    assert verified(path) is None


def test_nothing_is_chained_to_a_line_that_is_none(tmp_path):
    path = three(tmp_path / "audit.jsonl")
    path.write_bytes(path.read_bytes() + b"hello\n")
    with pytest.raises(AuditError, match="no line of an audit log"):
        note(path, who="ann", role="operator", what="halt")


def crowd(path, who):
    for _ in range(25):
        note(path, who=who, role="operator", what="halt", why="x" * 500)


def test_processes_that_write_at_once_make_one_chain(tmp_path):
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=crowd, args=(path, name)) for name in ("ann", "bob")]
    for writer in writers:
        writer.start()
    crowd(path, "eve")
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert verified(path) is None
    assert sorted(e.who for e in entries(path, 1000)) == ["ann"] * 25 + ["bob"] * 25 + ["eve"] * 25


def test_a_note_longer_than_a_block_is_found_again(tmp_path):
    path = tmp_path / "audit.jsonl"
    note(path, who="ann", role="operator", what="halt", why="y" * 200_000)
    assert note(path, who="ann", role="operator", what="resume").number == 2
    assert verified(path) is None
