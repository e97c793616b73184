"""The proof of a shard: text that comes back, and sums out of which one entry can be taken."""

from __future__ import annotations

from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from contract.shards import ShardRecord, checksum_of, checksum_of_all

COUNTS = st.integers(0, 2**53)


@given(st.builds(ShardRecord, *[COUNTS] * 7))
def test_a_record_comes_back(record: ShardRecord) -> None:
    assert ShardRecord.decode(record.encode().encode()) == record


def test_a_checksum_is_the_crc32_of_name_and_values() -> None:
    assert checksum_of("é", b"one", b"two") == crc32("éonetwo".encode())


@given(st.dictionaries(st.text(max_size=5), st.binary(max_size=9), min_size=1))
def test_an_entry_can_be_taken_out_of_a_sum(entries: dict[str, bytes]) -> None:
    whole = checksum_of_all(entries.items())
    field, value = entries.popitem()
    assert whole - checksum_of(field, value) == checksum_of_all(entries.items())
