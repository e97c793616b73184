"""The proof of a shard: text that comes back, and the checksum of an entry."""

from __future__ import annotations

from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from contract.formats.shard_record import ShardRecord, checksum_of

COUNTS = st.integers(0, 2**53)


@given(st.builds(ShardRecord, *[COUNTS] * 7))
def test_a_record_comes_back(record: ShardRecord) -> None:
    assert ShardRecord.decode(record.encode().encode()) == record


def test_a_checksum_is_the_crc32_of_name_and_values() -> None:
    assert checksum_of("é", b"one", b"two") == crc32("éonetwo".encode())
