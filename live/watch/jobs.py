"""What is done at its hours: each job is a process, so that nothing it does can hold a session up.

    python -m live.watch.jobs premarket FOLDER             checks, then compiles what the day will run
    python -m live.watch.jobs end-of-day FOLDER            parity, and the report of the day
    python -m live.watch.jobs nightly FOLDER -- COMMAND…   archives the journal, then runs a command: a retraining, say

The exit code is 0 if all is well, 1 if something is not, 2 if the job could not be done.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from datetime import datetime
from datetime import time as hour
from pathlib import Path

import numpy as np

from backtest.ahead import compile_all, shared
from live.brokers.rest import Rest
from live.config import recorded
from live.errors import LiveError, SessionError
from live.feeds.calendar import NEW_YORK
from live.journal import read
from live.keys import keys_of
from live.references import strategy_of
from live.seal import Seal, seal_of
from live.watch.checks import premarket
from live.watch.hours import SECOND, AfterClose, Hour
from live.watch.page import write
from live.watch.ping import ping
from live.watch.report import daily
from live.watch.schedule import Job
from live.words import MAGIC
from quantlib.core import run, start

ARCHIVE = "archive"
KEPT = 30  # archived journals
BLOCK = 1 << 20
PRIVATE = 0o600
NAME = re.compile(r"journal-\d{4}-\d\d-\d\d\.gz")


def standard(folder: Path, nightly: Sequence[str] = ()) -> tuple[Job, ...]:
    """The jobs of a session.

    Args:
        folder: of the session.
        nightly: words of a command that is run at night, after the archive.
    """
    words = (sys.executable, "-m", "live.watch.jobs")
    return (
        Job(
            "premarket", "checks, and compiling what the day will run", Hour(hour(8, 30)),
            (*words, "premarket", str(folder)), timeout=900, grace=3600,
        ),
        Job(
            "end-of-day", "parity, and the report of the day", AfterClose(1800),
            (*words, "end-of-day", str(folder)), timeout=3600, grace=6 * 3600,
        ),
        Job(
            "nightly", "archives the journal" + (f", then {nightly[0]}" if nightly else ""), Hour(hour(2), daily=True),
            (*words, "nightly", str(folder), *(("--", *nightly) if nightly else ())), timeout=5 * 3600, grace=4 * 3600,
        ),
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of one job; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    cut = given.index("--") if "--" in given else len(given)
    parser = argparse.ArgumentParser(prog="python -m live.watch.jobs", description="One job of a session, now.")
    parser.add_argument("job", choices=("premarket", "end-of-day", "nightly"))
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args(given[:cut])
    try:
        if asked.job == "premarket":
            return before_the_open(asked.folder)
        if asked.job == "end-of-day":
            return after_the_close(asked.folder)
        return at_night(asked.folder, given[cut + 1 :])
    except LiveError as error:
        say(f"{asked.job}: {error}")
        return 2


def before_the_open(folder: Path) -> int:
    """Check the session, and compile what it will run."""
    keys, seal = keys_of(os.environ), seal_of(os.environ)
    if keys is None:
        found = premarket(folder, time.time_ns(), None, None, seal)
    else:
        rest = Rest(keys)
        try:
            found = premarket(folder, time.time_ns(), rest.told, ping(keys), seal)
        finally:
            rest.close()
    for check in found:
        say(str(check))
    begun = time.monotonic()
    warm(folder, seal)
    say(f"ok   compiled     in {time.monotonic() - begun:.1f} s")
    return 0 if all(check.good for check in found) else 1


def warm(folder: Path, seal: Seal | None = None) -> None:
    """Compile the machinery and the session's own features, so that no row of the day waits for it."""
    for _ in compile_all(shared):
        pass
    path = folder / "journal"
    config = recorded(path, read(path, MAGIC, seal=seal).identity)
    if config.reference:  # a strategy given as a value is in the session's own process
        features = strategy_of(config.reference, config.params).features
        rows = {name: np.empty(0, config.layout[name]) for name in config.layout.names or ()}
        run(features, start(features, tuple(config.symbols)), rows)


def after_the_close(folder: Path) -> int:
    """Compare the session with its backtest, and write the report of the day."""
    report = daily(folder, seal=seal_of(os.environ))
    page, data = write(folder, report)
    say(report.parity.text)
    say(f"profit of {report.day}: {report.profit:+,.2f}; {len(report.fills)} fills, {len(report.incidents)} incidents")
    say(f"{page}\n{data}")
    return 0 if report.parity.holds else 1


def at_night(folder: Path, words: Sequence[str] = ()) -> int:
    """Archive the journal, then run a command."""
    say(f"archived {archived(folder, time.time_ns())}")
    return subprocess.run(words, check=False).returncode if words else 0


def archived(folder: Path, now: int, kept: int = KEPT) -> Path:
    """A compressed copy of the journal as far as it is written now, read again before it counts; old ones go.

    Raises:
        SessionError: if there is no journal, or the copy is not what was written.
    """
    journal, aside = folder / "journal", folder / ARCHIVE
    if not journal.exists():
        raise SessionError(f"archive: there is no session in {folder}")
    aside.mkdir(mode=0o700, exist_ok=True)
    day = datetime.fromtimestamp(now // SECOND, NEW_YORK).date()
    target = aside / f"journal-{day}.gz"
    beside = aside / f".{target.name}.{os.getpid()}.part"
    try:
        written = _packed(journal, beside)
        if _unpacked(beside) != written:
            raise SessionError(f"archive: {beside} does not hold what was written into it; look at the disk")
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    for old in sorted(path for path in aside.iterdir() if NAME.fullmatch(path.name))[:-kept]:
        old.unlink()
    return target


def say(text: str) -> None:
    """A line for the history of jobs."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _packed(source: Path, target: Path) -> tuple[int, int]:
    """Length and checksum of what was compressed; a file that grows meanwhile is taken as long as it was."""
    file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    left, length, check = source.stat().st_size, 0, 0
    with source.open("rb") as given, os.fdopen(file, "wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed:
            while left > 0 and (block := given.read(min(BLOCK, left))):
                packed.write(block)
                left, length, check = left - len(block), length + len(block), zlib.crc32(block, check)
        raw.flush()
        os.fsync(raw.fileno())
    return length, check


def _unpacked(source: Path) -> tuple[int, int]:
    length, check = 0, 0
    with gzip.open(source, "rb") as packed:
        while block := packed.read(BLOCK):
            length, check = length + len(block), zlib.crc32(block, check)
    return length, check


if __name__ == "__main__":
    sys.exit(main())
