"""A folder as a store of copies: on another disk, or mounted from another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from live.errors import StoreError
from live.private import private_folder
from live.vault import generations, keep, older

T = TypeVar("T")
OURS = ".old", ".part"  # ends of names that are the vault's own


class FileStore:
    """Files of a folder, each with the generation before it.

    Args:
        root: the folder; it is never made here: one that is missing is a mount that is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = f"file://{root}"

    def __repr__(self) -> str:
        return f"FileStore({str(self.root)!r})"

    def put(self, folder: str, name: str, data: bytes) -> None:
        """Keep data in a file, whole or not at all."""
        self._tried(lambda: keep(private_folder(self.root / folder) / name, data))

    def get(self, folder: str, name: str) -> bytes | None:
        """What the file holds, or the one before if a write was cut short between the two."""
        path = self.root / folder / name
        return self._tried(lambda: next((data for _, data in generations(path)), None))

    def newest(self, folder: str) -> list[str]:
        """The files, the last of the alphabet first."""
        return sorted(self._tried(lambda: self._names(self.root / folder)), reverse=True)

    def below(self, folder: str) -> list[str]:
        """The files at any depth."""
        root = self.root / folder
        return self._tried(lambda: sorted({str(path.relative_to(root)) for path in _written(root)}))

    def drop(self, folder: str, name: str) -> None:
        """Remove the file and the one before, and a folder that then is empty, as other stores know none."""
        path = self.root / folder / name

        def remove() -> None:
            for one in (older(path), path):
                one.unlink(missing_ok=True)
            with suppress(OSError):  # something is in it, or it is not there
                path.parent.rmdir()

        self._tried(remove)

    def close(self) -> None:
        """Nothing is held open."""

    def _names(self, folder: Path) -> list[str]:
        if not folder.is_dir():
            return []
        return [path.name for path in folder.iterdir() if path.is_file() and path.suffix not in OURS]

    def _tried(self, job: Callable[[], T]) -> T:
        try:
            if not self.root.exists():
                raise StoreError(f"{self.name}: there is no such folder; mount it, or make it (mkdir -m 700)")
            if not self.root.is_dir():
                raise StoreError(f"{self.name}: it is no folder; name one in QUANT_STATE_COPIES")
            return job()
        except OSError as error:
            raise StoreError(f"{self.name}: {error.strerror or error}") from error


def _written(root: Path) -> Iterator[Path]:
    """The files below a folder; one of which the generation before alone is left counts as there."""
    for path in root.rglob("*"):
        if path.suffix != ".part" and path.is_file():
            yield path.with_suffix("") if path.suffix == ".old" else path
