"""The journal: torn ends are cut, damage is refused, and the same events give the same bytes."""

from pathlib import Path

import pytest

from live.errors import Corrupted, ForeignFile, JournalError, OtherVersion
from live.journal import Journal, read, write_whole

MAGIC = b"QTESTING"


def written(path: Path, payloads: list[bytes]) -> list[int]:
    """A journal of these payloads; where each frame ends."""
    journal = Journal.create(path, MAGIC, {"name": "test"})
    ends = []
    for k, payload in enumerate(payloads):
        journal.append(k % 3 + 1, payload)
        ends.append(journal.place.position)
    journal.sync()
    journal.close()
    return ends


PAYLOADS = [b"first", b"", bytes(range(256)), b"last"]


def test_frames_come_back_in_order(tmp_path: Path) -> None:
    ends = written(tmp_path / "j", PAYLOADS)
    contents = read(tmp_path / "j", MAGIC)
    assert [f.payload for f in contents.frames] == PAYLOADS
    assert [f.sequence for f in contents.frames] == [0, 1, 2, 3]
    assert [f.end for f in contents.frames] == ends
    assert contents.identity == {"name": "test"}
    assert contents.torn == 0


def test_the_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    written(tmp_path / "a", PAYLOADS)
    written(tmp_path / "b", PAYLOADS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_end_torn_at_any_byte_is_cut_off_and_said(tmp_path: Path) -> None:
    path = tmp_path / "j"
    ends = written(path, PAYLOADS)
    data, begin = path.read_bytes(), read(path, MAGIC).frames[0].end - len(b"first") - 17
    for size in range(begin, len(data)):
        path.write_bytes(data[:size])
        journal, contents = Journal.resume(path, MAGIC)
        journal.close()
        whole = sum(end <= size for end in ends)
        assert len(contents.frames) == whole
        assert contents.torn == size - ([begin, *ends][whole])
        assert path.read_bytes() == data[: size - contents.torn]


def test_a_journal_goes_on_after_a_torn_end_as_if_nothing_had_been(tmp_path: Path) -> None:
    path = tmp_path / "j"
    written(path, PAYLOADS)
    data = path.read_bytes()
    path.write_bytes(data[:-3])
    journal, _ = Journal.resume(path, MAGIC)
    journal.append(1, b"last")
    journal.close()
    assert path.read_bytes() == data


def test_any_damaged_byte_before_the_last_frame_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    ends = written(path, PAYLOADS)
    data = path.read_bytes()
    for at in range(0, ends[-2], 3):
        damaged = bytearray(data)
        damaged[at] ^= 0x41
        path.write_bytes(damaged)
        with pytest.raises(JournalError):
            Journal.resume(path, MAGIC)
        assert path.read_bytes() == damaged


def test_a_damaged_last_frame_counts_as_torn(tmp_path: Path) -> None:
    path = tmp_path / "j"
    written(path, PAYLOADS)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert len(read(path, MAGIC).frames) == 3


def test_a_foreign_file_is_refused_by_what_it_begins_with(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"PAR1" * 20)
    with pytest.raises(ForeignFile, match="begins with b'PAR1PAR1'"):
        read(tmp_path / "j", MAGIC)
    (tmp_path / "j").write_bytes(b"")
    with pytest.raises(ForeignFile):
        read(tmp_path / "j", MAGIC)


def test_another_version_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "j"
    written(path, PAYLOADS)
    data = bytearray(path.read_bytes())
    data[8] = 9
    path.write_bytes(data)
    with pytest.raises(OtherVersion, match="version 9, this library reads version 1"):
        read(path, MAGIC)


def test_a_header_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j"
    written(path, [])
    data = path.read_bytes()
    for size in range(8, len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(Corrupted, match="header"):
            read(path, MAGIC)


def test_reading_goes_on_from_a_known_place_only_if_a_frame_begins_there(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal.create(path, MAGIC, {})
    journal.append(1, b"one")
    place = journal.place
    journal.append(2, b"two")
    journal.close()
    assert [f.payload for f in read(path, MAGIC, place).frames] == [b"two"]
    with pytest.raises(Corrupted, match="does not begin at byte"):
        read(path, MAGIC, place._replace(check=place.check ^ 1))
    with pytest.raises(Corrupted):
        read(path, MAGIC, place._replace(position=10_000))


def test_a_file_put_in_place_is_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "f", b"a" * 100_000)
    write_whole(tmp_path / "f", b"b")
    assert (tmp_path / "f").read_bytes() == b"b"
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]


def test_a_hole_over_many_frames_is_damage_and_no_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "j"
    ends = written(path, [bytes([k]) * 40 for k in range(200)])
    data = bytearray(path.read_bytes())
    data[ends[50] : ends[120]] = bytes(ends[120] - ends[50])
    path.write_bytes(data)
    with pytest.raises(Corrupted, match="frame 51 at byte"):
        Journal.resume(path, MAGIC)
    assert path.read_bytes() == bytes(data)
