"""Streams packed with Zstandard, which need the package `zstandard` (the extra `databento`)."""

from __future__ import annotations

from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any, cast

from quantlib.data.format import DataError

CHUNK = 1 << 16  # packed bytes read at a time


def zstd(path: Path) -> IO[bytes]:
    """A file's unpacked bytes.

    Raises:
        DataError: if the package is not installed.
    """
    try:
        import zstandard
    except ModuleNotFoundError as error:
        raise DataError(
            f"read: {path} is packed with Zstandard, which needs the package zstandard; "
            f"install the extra: pip install 'quantlib-parity[databento]'"
        ) from error
    return cast(IO[bytes], BufferedReader(_Unpacked(path.open("rb"), zstandard), CHUNK))


class _Unpacked(RawIOBase):
    """The frames of a file one after the other; unlike the package's own reader it tells when the last is cut short."""

    def __init__(self, packed: IO[bytes], package: Any) -> None:
        self.packed, self.package = packed, package
        self.frame: Any = None  # the frame being unpacked, or nothing between frames
        self.rest = b""  # packed bytes that belong to the next frame
        self.ready = b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.packed.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while not self.ready:
            packed = self.rest or self.packed.read(CHUNK)
            self.rest = b""
            if not packed:
                if self.frame is not None:
                    raise EOFError("the last Zstandard frame has no end")
                return 0
            if self.frame is None:
                self.frame = self.package.ZstdDecompressor().decompressobj()
            try:
                self.ready = self.frame.decompress(packed)
            except self.package.ZstdError as error:
                raise OSError(str(error)) from error
            if self.frame.eof:
                self.rest, self.frame = self.frame.unused_data, None
        size = min(len(buffer), len(self.ready))
        buffer[:size], self.ready = self.ready[:size], self.ready[size:]
        return size
