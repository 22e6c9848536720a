"""State under a passphrase: opened by it alone, and nothing that was changed, moved or mixed up is ever used."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scenes import COSTS, Killed, dying, played, scored, scoring

from live.__main__ import main
from live.config import config_of
from live.control.follow import Follower
from live.control.logs import Redactor, secrets_of
from live.errors import ConfigError, LiveError, SealError
from live.journal import CHECK, FRAME, HEAD, Journal, read
from live.keeping import Keeping
from live.parity import check
from live.recovery import opened
from live.seal import ROUNDS, Seal, disclosed, enclosed, seal_of
from live.session import there
from live.tape import Tape
from live.vault import generations, keep, told
from live.words import MAGIC

PASSPHRASE = "correct horse battery"
SEAL, WRONG = Seal(PASSPHRASE, rounds=10), Seal("wrong horse battery", rounds=10)
MIXED = "it is not sealed, though a passphrase is set"
MISSING = "it is sealed; set QUANT_PASSPHRASE"
CHANGED = "cannot be opened: the passphrase is not the one it was sealed with, or it was changed since"


def sealed(folder: Path, **named: Any) -> Any:
    return played(folder, keeping=Keeping(SEAL), **named)


def half(folder: Path, keeping: Keeping) -> None:
    left = iter(range(50))
    assert played(folder, keeping=keeping, stop=lambda: next(left, None) is None).stopped


def payloads(folder: Path, name: str = "journal", magic: bytes = MAGIC, seal: Seal | None = SEAL) -> list[bytes]:
    return [frame.payload for frame in read(folder / name, magic, seal=seal).frames]


def test_a_sealed_session_is_the_plain_one(tmp_path: Path) -> None:
    played(tmp_path / "plain" / "s")
    half(tmp_path / "sealed" / "s", Keeping(SEAL))
    sealed(tmp_path / "sealed" / "s")
    assert payloads(tmp_path / "sealed" / "s") == payloads(tmp_path / "plain" / "s", seal=None)
    assert check(tmp_path / "sealed" / "s", scoring(), SEAL).holds


def test_nothing_of_a_sealed_session_stands_in_its_files(tmp_path: Path) -> None:
    sealed(tmp_path / "s")
    played(tmp_path / "plain" / "s")
    words = [b'"AAA"', b'"BBB"', b"scoring", b"columns"]  # so long that noise does not hold them by chance
    assert all(word in (tmp_path / "plain" / "s" / "journal").read_bytes() for word in words)
    plain = payloads(tmp_path / "s") + words
    files = [path for path in (tmp_path / "s").rglob("*") if path.is_file() and path.name != "lock"]
    assert len(files) == 6
    for path in files:
        data = path.read_bytes()
        assert not any(word in data for word in plain), path
        assert len(zlib.compress(data)) > 0.97 * len(data), path  # as noise


def test_the_same_events_never_give_the_same_bytes_and_no_nonce_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        sealed(tmp_path / name / "s")
    assert (tmp_path / "a/s/journal").read_bytes() != (tmp_path / "b/s/journal").read_bytes()
    data = (tmp_path / "a/s/journal").read_bytes()
    nonces, at = set(), HEAD.size + HEAD.unpack_from(data)[2] + CHECK.size
    count = 0
    while at < len(data):
        length = FRAME.unpack_from(data, at)[0]
        nonces.add(data[at + FRAME.size : at + FRAME.size + 12])
        at, count = at + FRAME.size + length + CHECK.size, count + 1
    assert len(nonces) == count > 60


def test_a_session_uses_one_key(tmp_path: Path) -> None:
    seal = Seal(PASSPHRASE, rounds=10)
    played(tmp_path / "s", keeping=Keeping(seal))
    assert len(seal._keys) == 1


@pytest.mark.parametrize(("other", "why"), [(None, MISSING), (WRONG, CHANGED)])
def test_without_its_passphrase_a_session_is_neither_gone_on_with_nor_read(
    tmp_path: Path, other: Seal | None, why: str
) -> None:  # fmt: skip
    half(tmp_path / "s", Keeping(SEAL))
    before = {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    for ask in (
        lambda: played(tmp_path / "s", keeping=Keeping(other)),
        lambda: check(tmp_path / "s", scoring(), other),
        lambda: there(tmp_path / "s", other),
    ):
        with pytest.raises(SealError, match=why):
            ask()
    follower = Follower(tmp_path / "s", Redactor(), other)
    follower.catch_up()
    assert why in follower.trouble["journal"]
    assert {path: path.read_bytes() for path in before} == before


def test_a_plain_session_is_not_gone_on_with_under_a_passphrase(tmp_path: Path) -> None:
    half(tmp_path / "s", Keeping())
    with pytest.raises(SealError, match=f"{MIXED}.*--fresh"):
        sealed(tmp_path / "s")
    with pytest.raises(SealError, match=MIXED):
        check(tmp_path / "s", scoring(), SEAL)
    assert sealed(tmp_path / "s", fresh=True).resumed == 0


def test_a_follower_reads_a_sealed_session_as_it_grows(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "s", Redactor(), SEAL)
    half(tmp_path / "s", Keeping(SEAL))
    follower.catch_up()
    assert follower.session is not None
    assert follower.session.steps == 25
    done = sealed(tmp_path / "s")
    follower.catch_up()
    assert follower.session.steps == done.steps
    assert follower.trouble == {}


def frames_of(path: Path) -> tuple[bytes, list[bytes]]:
    """Header and frames of a journal, as they are."""
    data = path.read_bytes()
    at = HEAD.size + HEAD.unpack_from(data)[2] + CHECK.size
    head, frames = data[:at], []
    while at < len(data):
        end = at + FRAME.size + FRAME.unpack_from(data, at)[0] + CHECK.size
        frames.append(data[at:end])
        at = end
    return head, frames


def checked(frame: bytes, **changes: int) -> bytes:
    """A frame with other fields and the checksum that goes with them."""
    length, kind, sequence = FRAME.unpack_from(frame)
    fields = {"length": length, "kind": kind, "sequence": sequence} | changes
    body = FRAME.pack(*fields.values()) + frame[FRAME.size : -CHECK.size]
    return body + CHECK.pack(zlib.crc32(body))


def moved(frames: list[bytes]) -> list[bytes]:
    a, b = frames[2], frames[4]  # two inputs
    frames[2], frames[4] = checked(b, sequence=2), checked(a, sequence=4)
    return frames


def called_otherwise(frames: list[bytes]) -> list[bytes]:
    frames[3] = checked(frames[3], kind=5)
    return frames


def flipped(frames: list[bytes]) -> list[bytes]:
    frame = bytearray(frames[2])
    frame[FRAME.size + 20] ^= 1
    frames[2] = checked(bytes(frame))
    return frames


@pytest.mark.parametrize("change", [moved, called_otherwise, flipped])
def test_frames_changed_with_right_checksums_are_found_out(tmp_path: Path, change: Callable[..., Any]) -> None:
    half(tmp_path / "s", Keeping(SEAL))
    path = tmp_path / "s" / "journal"
    head, frames = frames_of(path)
    path.write_bytes(head + b"".join(change(list(frames))))
    with pytest.raises(SealError, match=rf"frame [23]: it {CHANGED}"):
        sealed(tmp_path / "s")


def test_frames_of_another_journal_of_the_same_session_are_found_out(tmp_path: Path) -> None:
    seal = Seal(PASSPHRASE, rounds=10)
    key = seal.fresh()
    for name in ("a", "b"):
        journal = Journal.create(tmp_path / name, MAGIC, {"name": "same"}, key)
        journal.append(1, name.encode())
        journal.close()
    (head, _), (_, frames) = frames_of(tmp_path / "a"), frames_of(tmp_path / "b")
    (tmp_path / "a").write_bytes(head + frames[0])
    with pytest.raises(SealError, match="frame 0"):
        read(tmp_path / "a", MAGIC, seal=seal)


def test_a_changed_header_is_found_out(tmp_path: Path) -> None:
    sealed(tmp_path / "s")
    path = tmp_path / "s" / "journal"
    head, frames = frames_of(path)
    for at in (HEAD.size + 9, HEAD.size + 13, HEAD.size + 20, HEAD.size + 60, len(head) - CHECK.size - 1):
        spoiled = bytearray(head[: -CHECK.size])
        spoiled[at] ^= 1
        path.write_bytes(bytes(spoiled) + CHECK.pack(zlib.crc32(spoiled)) + b"".join(frames))
        with pytest.raises(SealError):
            read(path, MAGIC, seal=SEAL)


def test_a_torn_end_of_a_sealed_journal_is_cut_off_and_said(tmp_path: Path) -> None:
    half(tmp_path / "s", Keeping(SEAL))
    whole = payloads(tmp_path / "s")
    path = tmp_path / "s" / "journal"
    path.write_bytes(path.read_bytes()[:-5])
    assert payloads(tmp_path / "s") == whole[:-1]
    assert any("bytes cut off" in note for note in sealed(tmp_path / "s").notes)


def swapped(folder: Path) -> None:
    (folder / "snapshot").write_bytes((folder / "broker" / "broker.snapshot").read_bytes())


def plain(folder: Path) -> None:
    data = told(folder / "snapshot", folder / "snapshot", (folder / "snapshot").read_bytes(), SEAL)
    (folder / "snapshot").write_bytes(data)


def damaged(folder: Path) -> None:
    data = bytearray((folder / "snapshot").read_bytes())
    data[-30] ^= 1
    (folder / "snapshot").write_bytes(data)


def short(folder: Path) -> None:
    (folder / "snapshot").write_bytes((folder / "snapshot").read_bytes()[:20])


@pytest.mark.parametrize(("spoil", "why"), [(swapped, "opened"), (plain, MIXED), (damaged, "opened"), (short, "short")])
def test_a_snapshot_that_cannot_be_opened_is_told_and_not_used(tmp_path: Path, spoil: Any, why: str) -> None:
    half(tmp_path / "s", Keeping(SEAL))
    spoil(tmp_path / "s")
    done = sealed(tmp_path / "s")
    assert done.notes[0].startswith("snapshot is not used: ")
    assert why in done.notes[0]
    assert done.notes[1].startswith("going on from an older snapshot")
    played(tmp_path / "whole" / "s")
    assert payloads(tmp_path / "s") == payloads(tmp_path / "whole" / "s", seal=None)


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 5])
def test_a_sealed_session_killed_at_any_call_ends_as_if_it_had_never_died(
    tmp_path: Path, monkeypatch: Any, stride: int
) -> None:  # fmt: skip
    played(tmp_path / "whole" / "s")
    whole = payloads(tmp_path / "whole" / "s", seal=None)
    broker = payloads(tmp_path / "whole" / "s" / "broker", "broker.journal", b"QLBROKER", None)
    with dying(monkeypatch, 0) as count:
        sealed(tmp_path / "count" / "s")
    for at in range(1, count[0] + 1, stride):
        folder = tmp_path / str(at) / "s"
        with dying(monkeypatch, at, at % 2 == 0), pytest.raises(Killed):
            sealed(folder)
        sealed(folder)
        assert payloads(folder) == whole, f"killed at call {at}"
        assert payloads(folder / "broker", "broker.journal", b"QLBROKER") == broker, f"killed at call {at}"


def test_a_sealed_session_reconciles_with_its_broker(tmp_path: Path) -> None:
    half(tmp_path / "s", Keeping(SEAL))
    table, strategy = scored(), scoring()
    config = config_of(tmp_path / "s", strategy, table, costs=COSTS)
    opened(tmp_path / "s", config, strategy, Tape(table), keeping=Keeping(SEAL)).close()


def test_what_was_sealed_about_one_thing_does_not_open_as_another() -> None:
    envelope = enclosed(b"plain", b"one", SEAL.fresh())
    assert disclosed("x", envelope, b"one", SEAL) == b"plain"
    with pytest.raises(SealError, match=f"x: it {CHANGED}"):
        disclosed("x", envelope, b"two", SEAL)


def test_a_vault_keeps_sealed_generations(tmp_path: Path) -> None:
    key = SEAL.fresh()
    for data in (b"one", b"two"):
        assert data not in keep(tmp_path / "x", data, key)
    found = [told(tmp_path / "x", file, data, SEAL) for file, data in generations(tmp_path / "x")]
    assert found == [b"two", b"one"]


def test_an_envelope_of_absurdly_many_rounds_is_refused_at_once() -> None:
    envelope = bytearray(enclosed(b"plain", b"", SEAL.fresh()))
    struct.pack_into("<I", envelope, 12, 2**32 - 1)
    with pytest.raises(SealError, match="4294967295 rounds, which is none of ours"):
        disclosed("x", bytes(envelope), b"", SEAL)


def test_the_passphrase_comes_from_the_environment_or_a_file_of_its_owner(tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    secret.chmod(0o600)
    assert seal_of({}) is None
    one, two = seal_of({"QUANT_PASSPHRASE": PASSPHRASE}), seal_of({"QUANT_PASSPHRASE_FILE": str(secret)})
    assert one is not None
    assert two is not None
    envelope = enclosed(b"plain", b"", Seal(PASSPHRASE, rounds=10).fresh())
    assert disclosed("x", envelope, b"", one) == disclosed("x", envelope, b"", two) == b"plain"


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"QUANT_PASSPHRASE": "short"}, "at least 8 characters, got 5"),
        ({"QUANT_PASSPHRASE": ""}, "at least 8 characters, got 0"),
        ({"QUANT_PASSPHRASE": PASSPHRASE, "QUANT_PASSPHRASE_FILE": "x"}, "both set"),
        ({"QUANT_PASSPHRASE_FILE": "/nowhere/at/all"}, "cannot be read"),
        ({"QUANT_PASSPHRASE_FILE": ""}, "QUANT_PASSPHRASE_FILE is empty; name a file of mode 600 .*or unset it"),
        ({"QUANT_PASSPHRASE": PASSPHRASE, "QUANT_PASSPHRASE_FILE": ""}, "both set"),
    ],
)
def test_a_passphrase_that_makes_no_sense_is_refused(environment: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as error:
        seal_of(environment)
    assert PASSPHRASE not in str(error.value)


def test_a_passphrase_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_text(PASSPHRASE)
    (tmp_path / "p").chmod(0o640)
    with pytest.raises(ConfigError, match=r"others may read it \(mode 640\); chmod 600"):
        seal_of({"QUANT_PASSPHRASE_FILE": str(tmp_path / "p")})


def test_no_text_shows_a_passphrase_or_key() -> None:
    key = SEAL.fresh()
    assert repr(SEAL) == "Seal(…)"
    assert repr(key) == "Key(…)"
    assert PASSPHRASE not in json.dumps([str(Keeping(SEAL)), repr(key)])
    assert PASSPHRASE in secrets_of({"QUANT_PASSPHRASE": PASSPHRASE})


def test_the_rounds_are_those_that_are_advised() -> None:
    assert ROUNDS >= 600_000
    assert SEAL._rounds == 10  # tests would take hours otherwise
    assert struct.unpack_from("<I", Seal(PASSPHRASE).fresh().envelope(b"", b""), 12) == (ROUNDS,)


def test_the_command_line_takes_the_passphrase_from_the_environment(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:  # fmt: skip
    folder = str(tmp_path / "s")
    asked = ["replay", "--plain", "--from", "2018-06-01", "--to", "2018-09-01", "--session", folder]
    monkeypatch.setenv("QUANT_PASSPHRASE", PASSPHRASE)
    assert main(asked) == 0
    assert main(["parity", folder]) == 0
    assert main(["status", folder]) == 0
    monkeypatch.delenv("QUANT_PASSPHRASE")
    capsys.readouterr()
    for words in (asked, ["parity", folder], ["status", folder], ["halt", folder]):
        assert main(words) == 2
        assert MISSING in capsys.readouterr().err


def test_an_error_of_a_seal_is_one_that_a_user_can_read() -> None:
    assert issubclass(SealError, LiveError)
