"""Another passphrase: all that a session has sealed is opened under the old one and sealed under the new, or nothing.

1. beside     every file is written anew in `resealing/`, in the very order of its frames
2. the turn   that folder is renamed `resealed/`: from here on the new passphrase holds
3. in place   each file takes the place of its elder

Killed before the turn, nothing has changed.  Killed after it, the next start of the session, or the next look at it,
does the rest, for which no passphrase is needed.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from live import aside as asides
from live.brokers.simulated import MAGIC as BROKER
from live.errors import LiveError, SealError, StateError
from live.journal import CHECK, HEAD, Journal, Place, read, sync_folder, write_whole
from live.lock import alone, is_held
from live.private import private_folder
from live.seal import Key, Seal, enclosed
from live.stores import lineage
from live.vault import generations, told
from live.words import MAGIC
from quantlib.snapshot import SnapshotError, revised

BESIDE, TURNED = "resealing", "resealed"
EARLIER = "before-*", "replaced-*"  # sessions that were put aside
ARCHIVED = "archive/journal-*.gz"
PAIRS = ("journal", MAGIC, "snapshot"), ("broker/broker.journal", BROKER, "broker/broker.snapshot")

Places = Mapping[Place, Place]  # in the old file -> in the new one


class Done(NamedTuple):
    """Files that are under the new passphrase, and why others are not."""

    files: int
    left: tuple[str, ...]


@contextmanager
def settled(folder: Path) -> Iterator[None]:
    """Hold a session's lock while inside, with no resealing half done and no session half put aside.

    Raises:
        SessionInUse: if another process holds it.
    """
    with alone(private_folder(folder)):
        finish(folder)
        asides.finish(folder)
        yield


def settle(folder: Path) -> None:
    """Finish a resealing or a fresh start that was cut short, if there is one."""
    if (folder / TURNED).exists() or ((folder / asides.HALF).exists() and not is_held(folder)):
        with settled(folder):
            pass


def finish(folder: Path) -> None:
    """Put the files of a resealing in place, once it has turned; before that, what was begun of it goes."""
    turned = folder / TURNED
    shutil.rmtree(folder / BESIDE, ignore_errors=True)
    if not turned.exists():
        return
    for path in sorted(path for path in turned.rglob("*") if path.is_file()):
        target = folder / path.relative_to(turned)
        os.replace(path, target)
        sync_folder(target.parent)
    shutil.rmtree(turned)


def reseal(folder: Path, old: Seal, new: Seal, former: tuple[str, ...] = ()) -> Done:
    """Seal a session under another passphrase.

    Args:
        folder: of the session, whose lock is held and whose last resealing is finished.
        old, new: its passphrases.
        former: courses whose copies are under the old one.

    Raises:
        LiveError: if the session cannot be opened under the old passphrase; nothing has changed then.
    """
    beside, left = private_folder(folder / BESIDE), list[str]()
    _session(folder, beside, old, new.fresh(), left)
    for pattern in EARLIER:
        for aside in sorted(folder.glob(pattern)):
            try:
                _session(aside, beside / aside.name, old, new.fresh(), left)
            except (LiveError, OSError) as error:
                shutil.rmtree(beside / aside.name, ignore_errors=True)
                left.append(str(error))
    key = new.fresh()
    for packed in sorted(folder.glob(ARCHIVED)):
        try:
            _archived(packed, beside / "archive", old, key)
        except (LiveError, OSError, EOFError) as error:
            left.append(f"{packed}: {error}")
    lineage.renew(folder, beside, former)
    count = sum(path.is_file() and path.name not in lineage.FILES for path in beside.rglob("*"))
    for path in (beside, *(path for path in beside.rglob("*") if path.is_dir())):
        sync_folder(path)
    os.replace(beside, folder / TURNED)
    sync_folder(folder)
    finish(folder)
    return Done(count, tuple(left))


def opens(folder: Path, seal: Seal | None) -> bool:
    """Whether a session's journal is sealed under this passphrase."""
    try:
        read(folder / "journal", MAGIC, seal=seal)
    except (LiveError, OSError):
        return False
    return True


def place_of(plain: bytes) -> Place:
    """Where in its journal a snapshot was taken.

    Raises:
        StateError: if it is none.
    """
    found = list[Place]()

    def look(meta: bytes) -> bytes:
        found.append(Place(*json.loads(meta)["place"]))
        return meta

    try:
        revised(plain, "meta", look)
    except (SnapshotError, ValueError, KeyError, TypeError) as error:
        raise StateError(str(error)) from error
    return found[0]


def _session(folder: Path, beside: Path, old: Seal, key: Key, left: list[str]) -> None:
    """The journals of a session and of its simulated broker, each with its snapshots."""
    for name, magic, snapshot in PAIRS:
        path = folder / name
        if not path.exists():
            continue
        private_folder((beside / name).parent)
        places = _journal(path, beside / name, magic, old, key)
        for file, written in generations(folder / snapshot):
            try:
                plain = _moved(told(folder / snapshot, file, written, old), places)
            except (SealError, StateError) as error:
                left.append(f"{file}: {error}")
                continue
            whole = beside / snapshot
            write_whole(whole.with_name(file.name), enclosed(plain, whole.name.encode(), key))


def _journal(path: Path, target: Path, magic: bytes, old: Seal, key: Key) -> Places:
    """Write a journal anew; where its frames now end."""
    contents, data = read(path, magic, seal=old), path.read_bytes()
    target.unlink(missing_ok=True)
    journal = Journal.create(target, magic, contents.identity, key)
    begin = HEAD.size + HEAD.unpack_from(data)[2] + CHECK.size
    places = {Place(): Place(), _place(data, begin, 0): journal.place}
    try:
        for frame in contents.frames:
            journal.append(frame.kind, frame.payload)
            places[_place(data, frame.end, frame.sequence + 1)] = journal.place
        journal.sync()
    finally:
        journal.close()
    return places


def _archived(packed: Path, beside: Path, old: Seal, key: Key) -> None:
    """A compressed journal, written anew."""
    plain, target = private_folder(beside) / f"{packed.name}.plain", beside / f"{packed.name}.journal"
    try:
        write_whole(plain, gzip.decompress(packed.read_bytes()))
        _journal(plain, target, MAGIC, old, key)
        write_whole(beside / packed.name, gzip.compress(target.read_bytes(), mtime=0))
    finally:
        plain.unlink(missing_ok=True)
        target.unlink(missing_ok=True)


def _moved(plain: bytes, places: Places) -> bytes:
    """A snapshot that says where in the new file it was taken."""

    def move(meta: bytes) -> bytes:
        said = json.loads(meta)
        return json.dumps(said | {"place": list(places[Place(*said["place"])])}).encode()

    try:
        return revised(plain, "meta", move)
    except (SnapshotError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"it is no snapshot of the journal beside it ({error!r})") from error


def _place(data: bytes, end: int, sequence: int) -> Place:
    return Place(end, sequence, int(CHECK.unpack_from(data, end - CHECK.size)[0]))
