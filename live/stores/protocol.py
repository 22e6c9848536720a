"""What is asked of a store of copies: bytes under names, in folders, as file systems and object stores have them."""

from __future__ import annotations

from typing import Protocol


class Store(Protocol):
    """Somewhere else.  Every call ends within seconds, and raises `StoreError` if it was not answered."""

    @property
    def name(self) -> str:
        """As the operator knows it; without secrets."""

    def put(self, folder: str, name: str, data: bytes) -> None:
        """Keep data; what was there under that name is replaced as a whole."""

    def get(self, folder: str, name: str) -> bytes | None:
        """What is kept there, if anything."""

    def newest(self, folder: str) -> list[str]:
        """The names in a folder, the last of the alphabet first."""

    def below(self, folder: str) -> list[str]:
        """All there is in a folder and in those within it, as paths from it, in no order."""

    def drop(self, folder: str, name: str) -> None:
        """Keep it no longer; nothing happens if it is not there."""

    def close(self) -> None:
        """The end of the connection."""
