"""Files opened, whatever they are packed in: zip, gz, xz, zst, or nothing; and a first glimpse of what is inside."""

from __future__ import annotations

import gzip
import lzma
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple, cast

from quantlib.data.format import DataError
from quantlib.data.zstd import zstd

MAGIC = ((b"PK\x03\x04", "zip"), (b"\x1f\x8b", "gz"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zst"))
PACKED = (".gz", ".xz", ".zst", ".zip")
ENOUGH = 65_536  # bytes that tell a format
BROKEN = (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, zipfile.LargeZipFile)


class Member(NamedTuple):
    """One stream of bytes: a file unpacked, or a file of a zip.  `open` begins it anew."""

    name: str
    open: Callable[[], IO[bytes]]


class Glimpse(NamedTuple):
    """What a format is told by.

    path    the file
    member  the name of its first member, without what it was packed in
    head    that member's first bytes
    lines   its first lines as text, if it is text; none if not
    """

    path: Path
    member: str
    head: bytes
    lines: list[str]

    @property
    def header(self) -> list[str]:
        """The fields of the first line."""
        return self.lines[0].split(",") if self.lines else []

    @property
    def row(self) -> list[str]:
        """The fields of the second line, else of the first."""
        return self.lines[min(1, len(self.lines) - 1)].split(",") if self.lines else []


def headed(columns: Sequence[str]) -> Callable[[Glimpse], bool]:
    """Whether a header is this one."""
    return lambda glimpse: glimpse.header == list(columns)


def members(path: Path) -> list[Member]:
    """The streams of a file, by name; a zip has one for each of its files.

    Raises:
        DataError: if there is no such file, it is empty, or a zip that is cut short or empty.
    """
    if not path.is_file():
        raise DataError(f"read: there is no file {path}")
    if path.stat().st_size == 0:
        raise DataError(f"read: {path} is empty; its writer was probably stopped: write it again")
    kind = packing(path)
    if kind != "zip":
        name = path.with_suffix("").name if kind and path.suffix.lower() in PACKED else path.name
        return [Member(name, partial(_unpacked, path, kind))]
    try:
        with zipfile.ZipFile(path) as packed:
            names = sorted(i.filename for i in packed.infolist() if not i.is_dir())
    except BROKEN as error:
        raise cut_short(path, error) from error
    if not names:
        raise DataError(f"read: {path} is a zip with no file in it")
    return [Member(name, partial(_member, path, name)) for name in names]


def packing(path: Path) -> str:
    """What a file is packed in by its first bytes: zip, gz, xz, zst, or nothing."""
    with path.open("rb") as file:
        head = file.read(8)
    return next((kind for magic, kind in MAGIC if head.startswith(magic)), "")


def glimpse(path: Path, streams: list[Member]) -> Glimpse:
    """The beginning of the first member.

    Raises:
        DataError: if it cannot be unpacked.
    """
    try:
        with streams[0].open() as stream:
            head = stream.read(ENOUGH)
    except BROKEN as error:
        raise cut_short(path, error) from error
    try:
        text = head.decode("utf-8") if len(head) < ENOUGH else head[: head.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    lines = [] if "\0" in text else text.lstrip("\ufeff").splitlines()[:200]
    return Glimpse(path, Path(streams[0].name).name, head, lines)


def cut_short(path: Path, error: BaseException) -> DataError:
    """What a broken archive is told as."""
    return DataError(f"read: {path} cannot be unpacked ({str(error).splitlines()[0]}); it is cut short: fetch it again")


def _unpacked(path: Path, kind: str) -> IO[bytes]:
    if kind == "gz":
        return cast(IO[bytes], gzip.open(path))
    if kind == "xz":
        return lzma.open(path)
    return zstd(path) if kind == "zst" else path.open("rb")


def _member(path: Path, name: str) -> IO[bytes]:
    return zipfile.ZipFile(path).open(name)
