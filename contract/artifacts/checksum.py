"""The checksum of the files of artifacts."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

_STEP = 1 << 24


def crc32_of(path: Path) -> int:
    checksum = 0
    with open(path, "rb") as file:
        while block := file.read(_STEP):
            checksum = crc32(block, checksum)
    return checksum
