"""A stream of which the beginning has been read already."""

from __future__ import annotations

import io
from typing import BinaryIO


class BegunStream(io.RawIOBase):
    """Bytes that were read already, then the rest of a stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._head.read(size) or self._rest.read(size)
