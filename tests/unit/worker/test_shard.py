"""Lists of a shard: one entry can be taken out of them, and out of their checksum."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contract.formats.shard_record import checksum_of
from worker.shard import Lists


@given(st.dictionaries(st.text(max_size=5), st.tuples(st.binary(max_size=9), st.binary(max_size=9)), min_size=1), st.booleans(), st.data())
def test_an_entry_can_be_taken_out_of_a_checksum(entries: dict[str, tuple[bytes, bytes]], explained: bool, data: st.DataObject) -> None:
    values, whys = zip(*entries.values(), strict=True)
    lists = Lists(list(entries), [0] * len(entries), values, [1] * len(entries), whys if explained else ())
    gone = data.draw(st.integers(0, len(entries) - 1))
    entry = checksum_of(list(entries)[gone], values[gone], whys[gone] if explained else b"")
    assert lists.checksum() - entry == lists.without([gone]).checksum()
