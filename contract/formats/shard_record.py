"""What a shard says it wrote: the proof that a generation is complete, and what `verify` holds against Redis.

A record is seven integers with a space between, in the order of the fields below. Lua reads it, too (lua/erase.lua).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Self
from zlib import crc32

SHARD_USERS = 16_384  # of one shard, up to the end of a bucket: bounds a worker's memory

UNKNOWN_SHARD = -1
"""Of an erased user whose artifact is gone: the counts of the generation change, those of the shard can't."""


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """Of users: how many, how many lists with items, the items in them, the sum of `checksum_of` over all entries.

    Of items: how many got a list of similar ones, and the sum over those. `revision`: that of the erased users left out.
    """

    users: int
    lists: int
    listed: int
    checksum: int
    similar: int = 0
    similar_checksum: int = 0
    revision: int = 0

    def encode(self) -> str:
        return " ".join(map(str, astuple(self)))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        return cls(*map(int, raw.split()))


def checksum_of(field: str, *values: bytes) -> int:
    """crc32 over a field's name and its values. Sums of these do not depend on an order, so that one entry can be taken out."""
    checksum = crc32(field.encode())
    for value in values:
        checksum = crc32(value, checksum)
    return checksum
