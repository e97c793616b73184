"""The checksum is XXH64, whatever the length."""

from __future__ import annotations

import pytest

from trainer.kept.digest import digest

PUBLISHED = {
    b"": 0xEF46DB3751D8E999,
    b"a": 0xD24EC4F1A98C6E5B,
    b"abc": 0x44BC2CF5AD770999,
    b"Nobody inspects the spammish repetition": 0xFBCEA83C8A378BF1,
}
ROWS = bytes(range(256)) * 3


@pytest.mark.parametrize("data", PUBLISHED)
def test_it_is_xxh64(data: bytes) -> None:
    assert digest(data) == PUBLISHED[data]


@pytest.mark.parametrize("length", [1, 4, 7, 8, 31, 32, 33, 100, 768])
def test_every_byte_and_every_length_counts(length: int) -> None:
    data = ROWS[:length]
    changed = [data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for at in range(length) for bit in (0, 7)]
    assert len({digest(one) for one in (data, data + b"\0", data[:-1], *changed)}) == len(changed) + 3


def test_what_stands_before_counts() -> None:
    assert len({digest(ROWS), digest(ROWS, 1), digest(ROWS, digest(ROWS))}) == 3
