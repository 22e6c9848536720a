"""The start: a session's newest good state wins, be it here or a copy, and what is not used is told.

1. The files here, as far as their journal goes.
2. A copy that goes further, if it holds all that is here; or any copy, if the files here are gone or damaged.
3. Nothing: a new session; but not while a store that may know more is silent, or has state that cannot be used.

Copies are asked in the order Redis, folder, S3; of those that go equally far the first is taken.  A damaged journal
here still gives the frames that are whole after the copy's.  What stood here is put aside, never deleted.  The journal
is put in place last: killed before that, the next start does all of it again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from live import operator
from live.config import Config, recorded, refuse_other
from live.errors import Corrupted, ForeignFile, JournalError, LiveError, StateError, StoreError
from live.journal import Contents, Place, read, sync_folder, write_whole
from live.keeping import Keeping
from live.private import private_folder
from live.resealing import settled
from live.seal import Seal
from live.stores import lineage
from live.stores.protocol import Store
from live.stores.shelf import Head, Shelf, course_at, refuse_headless
from live.words import MAGIC, OPERATOR, action_of

AGAIN = "Start again when that is mended, or begin anew with --fresh"


class Here(NamedTuple):
    """The files of the session's folder: how far their journal goes, or why they cannot be gone on with."""

    end: Place | None
    trouble: str = ""


class Copied(NamedTuple):
    """A copy that may be newer, and where."""

    shelf: Shelf
    head: Head


class Done(NamedTuple):
    """What there is to say, and whether files were changed, so that a second look would say something else."""

    notes: tuple[str, ...]
    changed: bool


def restored(folder: Path, keeping: Keeping, asked: Config | None = None) -> tuple[str, ...]:
    """Make the files of a session those of its newest good state; what there is to say about it.

    Args:
        folder: of the session; it exists, and its lock is held.
        keeping: the stores that may have copies.
        asked: the session as it is asked for; a copy of another one is not used.

    Raises:
        StoreError: if there is no state here, and a store that may have some does not answer.
        StateError: if there is no state here, and none of the copies can be used.
        SealError: if the files here cannot be opened.
    """
    return _restored(folder, keeping, asked).notes if keeping.stores else ()


def recovered(folder: Path, keeping: Keeping) -> tuple[str, ...]:
    """The same before anything is known of the session: the folder may be gone, and nobody holds its lock.

    If no file is changed it says nothing, since `restored` will.

    Raises:
        SessionInUse: if another process runs it.
        LiveError: as `restored`.
    """
    if not keeping.stores:
        return ()
    with settled(folder):
        done = _restored(folder, keeping, None)
    return done.notes if done.changed else ()


def _restored(folder: Path, keeping: Keeping, asked: Config | None) -> Done:
    here, notes = _here(folder / "journal", keeping.seal), list[str]()
    found, silent = _found(folder, keeping, here, notes)
    beyond = [one for one in found if here.end is None or one.head.end.position > here.end.position]
    for one in beyond:
        try:
            contents = _brought(folder, one, keeping.seal, here, asked)
        except StoreError as error:
            silent.append(str(error).rstrip("."))
        except (LiveError, OSError) as error:
            notes.append(f"not used: {error}")
        else:
            return Done((*notes, _told(one, here, contents)), True)
    if here.end is None and silent:
        raise StoreError(f"state: {_why(here)}, and {'; '.join(silent)}. {AGAIN}")
    if here.end is None and notes:
        raise StateError(f"state: {_why(here)}, and {'; '.join(notes)}. {AGAIN}")
    if beyond:
        lineage.begin(folder)  # what goes on here is not what those copies tell of
    notes += [f"a store could not be asked, the files here are gone on with: {text}" for text in silent]
    return Done(tuple(notes), bool(beyond))


def _here(path: Path, seal: Seal | None) -> Here:
    """How far the journal here goes."""
    if not path.exists():
        return Here(None)
    try:
        return Here(read(path, MAGIC, seal=seal).end)
    except (Corrupted, ForeignFile) as error:
        return Here(None, str(error))


def _found(folder: Path, keeping: Keeping, here: Here, notes: list[str]) -> tuple[list[Copied], list[str]]:
    """The copies there are, those that go furthest first, and what stores that do not answer say."""
    mine, session = lineage.lineage_of(folder), folder.resolve().name
    found, silent = list[Copied](), list[str]()
    for store in keeping.stores:
        try:
            copies = _copies(store, session, mine, keeping.seal)
            if here.end is None and not copies:
                refuse_headless(store, session, mine)
            found += [one for one in copies if isinstance(one, Copied)]
            notes += [f"not used: {one}" for one in copies if not isinstance(one, Copied)]
        except StateError as error:
            notes.append(f"not used: {error}")
        except StoreError as error:
            silent.append(str(error).rstrip("."))
    return sorted(found, key=lambda one: -one.head.end.position), silent


def _copies(store: Store, session: str, mine: str | None, seal: Seal | None) -> list[Copied | LiveError]:
    """What a store has of the course of the files here, or of the one that it calls the last; or why it is none."""
    course = mine or course_at(store, session)
    if course is None:
        return []
    shelf = Shelf(store, session, course)
    return [Copied(shelf, head) if isinstance(head, Head) else head for head in shelf.heads(seal)]


def _brought(folder: Path, one: Copied, seal: Seal | None, here: Here, asked: Config | None) -> Contents:
    """Put a copy in the place of the files here, if it is good; says what the journal then holds.

    Raises:
        LiveError: saying why it is not.
    """
    path, beside = folder / "journal", folder / "journal.copy"
    data = one.shelf.journal(one.head)
    if here.end is not None and not data.startswith(path.read_bytes()[: here.end.position]):
        raise StateError(f"{one.shelf.who}: it is of another course than the files here")
    write_whole(beside, data + _after(path, one.head.end, seal))
    try:
        contents = read(beside, MAGIC, seal=seal)
        config = recorded(beside, contents.identity)
        if contents.torn or read(beside, MAGIC, one.head.end, seal).end != contents.end:
            raise StateError(f"{one.shelf.who}: its journal ends elsewhere than its head says")
        if asked is not None:
            refuse_other(path, config, asked)
        snapshot = one.shelf.snapshot(one.head)
    except LiveError:
        beside.unlink()
        raise
    operator.recall(folder / "operator", (action_of(f.payload) for f in contents.frames if f.kind == OPERATOR))
    _put_aside(folder)
    if snapshot is not None and config.wired:  # a simulated broker may have to make every step again
        write_whole(folder / "snapshot", snapshot)
    os.replace(beside, path)
    sync_folder(folder)
    lineage.begin(folder)
    return contents


def _after(path: Path, end: Place, seal: Seal | None) -> bytes:
    """The frames that a damaged journal here has whole after those of a copy."""
    try:
        contents = read(path, MAGIC, end, seal)
    except (JournalError, OSError):
        return b""
    return path.read_bytes()[end.position : contents.end.position]


def _put_aside(folder: Path) -> None:
    """Keep what stands here in a numbered folder; the journal stays too, until the copy takes its place."""
    there = [folder / name for name in ("journal", "snapshot", "snapshot.old") if (folder / name).exists()]
    if not there:
        return
    number = 1
    while (aside := folder / f"replaced-{number}").exists():
        number += 1
    private_folder(aside)
    for path in there:
        if path.name == "journal":
            os.link(path, aside / path.name)
        else:
            os.replace(path, aside / path.name)


def _told(one: Copied, here: Here, contents: Contents) -> str:
    return (
        f"state from the copy at {one.shelf.store.name}, {len(contents.frames):,} frames of the journal, "
        f"since {_why(here)}"
    )


def _why(here: Here) -> str:
    if here.end is not None:
        return f"the journal here ends before it, after {here.end.sequence:,} frames"
    return f"the files here are damaged ({here.trouble})" if here.trouble else "there are no files here"
