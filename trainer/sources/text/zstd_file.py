"""A zstd file as a stream of what is packed in it, frame after frame; one that ends within a frame is an error."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC = b"\x28\xb5\x2f\xfd"
_READ_BYTES = 8 << 10  # so few, since all that they unpack to is in memory at once


class ZstdFile(io.RawIOBase):
    """Raises EOFError where a file is cut off, ZstdError where it is no zstd (any more)."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed, self._ready = b"", memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: WriteableBuffer, /) -> int:
        place = memoryview(into).cast("B")
        while not self._ready:
            self._packed = self._packed or self._file.read(_READ_BYTES)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("it ends in the middle of its packed data: it was cut off")
                return 0
            self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            self._ready = memoryview(self._frame.decompress(self._packed))
            self._packed = self._frame.unused_data
            if self._frame.eof:
                self._frame = None
        n = min(len(place), len(self._ready))
        place[:n], self._ready = self._ready[:n], self._ready[n:]
        return n

    def close(self) -> None:
        self._file.close()
        super().close()
