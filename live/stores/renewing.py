"""Copies after a change of the passphrase: made anew of the files here, and those under the old one taken away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from live.errors import LiveError, StateError, StoreError
from live.journal import Place, read
from live.keeping import Keeping
from live.resealing import place_of
from live.stores import lineage
from live.stores.protocol import Store
from live.stores.shelf import Saved, Shelf, course_at
from live.vault import generations, told
from live.words import MAGIC

KINDS = "head", "snapshot", "journal"


def courses(folder: Path, stores: Iterable[Store]) -> tuple[str, ...]:
    """The courses that there are copies of: that of the files here, or what stores say where there is none."""
    mine = lineage.lineage_of(folder)
    if mine is not None:
        return (mine,)
    found = (_asked(store, folder.resolve().name) for store in stores)
    return tuple({course for course in found if course is not None})


def renewed(folder: Path, keeping: Keeping) -> Iterator[tuple[str, str]]:
    """Make copies anew in every store, then take the former ones out; each store's name, and "" or what went wrong.

    Args:
        folder: of the session, whose lock is held.
        keeping: the new passphrase, and the stores.
    """
    former, session = lineage.former_of(folder), folder.resolve().name
    course = lineage.lineage_of(folder) or lineage.begin(folder)
    saved = _saved(folder, keeping)
    lock = read(folder / "journal", MAGIC, seal=keeping.seal).lock
    well = True
    for store in keeping.stores:
        trouble = ""
        try:
            Shelf(store, session, course).keep(saved, folder / "journal", lock.key if lock is not None else None)
            for gone in former:
                _drop(store, session, gone)
        except (LiveError, OSError) as error:
            trouble, well = str(error), False
        yield store.name, trouble
    if well and keeping.stores:
        lineage.forget_former(folder)


def _saved(folder: Path, keeping: Keeping) -> Saved:
    """How far the journal here goes, and the newest snapshot that fits it."""
    path, snapshot = folder / "journal", folder / "snapshot"
    end = read(path, MAGIC, seal=keeping.seal).end
    for file, written in generations(snapshot):
        try:
            place = place_of(told(snapshot, file, written, keeping.seal))
            if place != Place() and read(path, MAGIC, place, keeping.seal).end == end:
                return Saved(end, written, place)
        except LiveError:
            continue  # the journal alone does
    return Saved(end)


def _drop(store: Store, session: str, course: str) -> None:
    """Take a course's copies out; what says that they are whole goes first."""
    for kind in KINDS:
        for name in store.newest(f"{session}/{course}/{kind}"):
            store.drop(f"{session}/{course}/{kind}", name)


def _asked(store: Store, session: str) -> str | None:
    try:
        return course_at(store, session)
    except (StateError, StoreError):
        return None
