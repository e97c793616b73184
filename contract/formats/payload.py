"""A top-k list as bytes, and back.

Format 1, little endian, no padding:

    offset  bytes   what
    0       1       format number
    1       1       kind of the item ids: 1 int32, 2 int64, 3 text
    2       2       n, the number of items
    4       4 n     scores, float32, falling but where a run makes lists diverse, or explores
    4 + 4n  4 n     item ids, int32                      (kind 1)
            8 n     item ids, int64                      (kind 2)
            2 n     lengths in bytes, uint16, then UTF-8 (kind 3)

Format 2 is the same with a bit for each item after the scores, (n + 7) // 8 bytes, the lowest bit first: whether the item is there to
explore it. It is written where a run explores, for lists with such an item.

A list of ten numeric ids takes 84 bytes. Readers accept both formats.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence

from contract.errors import PayloadError
from contract.formats.keys import Id

FORMAT, MARKED = 1, 2
READABLE_FORMATS = (1, 2)
INT32, INT64, TEXT = 1, 2, 3
HEADER = struct.Struct("<BBH")
_SIZES = {INT32: 4, INT64: 8}
_INT32_RANGE = range(-(2**31), 2**31)


def kind_of(item_ids: Sequence[Id]) -> int:
    """The narrowest kind that holds all of `item_ids`, which are all integers or all strings."""
    if any(isinstance(item_id, str) for item_id in item_ids):
        return TEXT
    return INT32 if all(item_id in _INT32_RANGE for item_id in item_ids) else INT64


def encode(item_ids: Sequence[Id], scores: Sequence[float], marked: Collection[int] = ()) -> bytes:
    """Bytes of one list, best first. `scores` are rounded to float32; `marked`: places, from 0, of items that are there to explore them."""
    n, kind = len(item_ids), kind_of(item_ids)
    head = HEADER.pack(MARKED if marked else FORMAT, kind, n) + struct.pack(f"<{n}f", *scores)
    if marked:
        head += sum(1 << place for place in marked).to_bytes((n + 7) // 8, "little")
    if kind != TEXT:
        return head + struct.pack(f"<{n}{'i' if kind == INT32 else 'q'}", *item_ids)
    texts = [str(item_id).encode() for item_id in item_ids]
    return head + struct.pack(f"<{n}H", *map(len, texts)) + b"".join(texts)


def decode(payload: bytes, most: int | None = None) -> tuple[Sequence[Id], Sequence[float]]:
    """Item ids and scores, best first; `most`: so many of them. Raises PayloadError for bytes that `encode` did not make."""
    try:
        form, kind, n = HEADER.unpack_from(payload)
        if form not in READABLE_FORMATS:
            raise PayloadError(f"a list payload has format {form}; this version reads {READABLE_FORMATS}: upgrade the readers first")
        wanted = n if most is None or most > n else most
        scores = struct.unpack_from(f"<{wanted}f", payload, HEADER.size)
        start = HEADER.size + 4 * n
        if form == MARKED:
            start += (n + 7) // 8
        if wanted < n and kind in _SIZES:
            if len(payload) != start + _SIZES[kind] * n:
                raise PayloadError(f"a list payload has {len(payload)} bytes in place of {start + _SIZES[kind] * n}")
            return struct.unpack_from(f"<{wanted}{'i' if kind == INT32 else 'q'}", payload, start), scores
        if kind == INT32:
            return struct.unpack(f"<{n}i", payload[start:]), scores
        if kind == INT64:
            return struct.unpack(f"<{n}q", payload[start:]), scores
        if kind != TEXT:
            raise PayloadError(f"a list payload has ids of kind {kind}; this version knows 1, 2 and 3")
        lengths = struct.unpack_from(f"<{n}H", payload, start)
        start += 2 * n
        if len(payload) != start + sum(lengths):
            raise PayloadError(f"a list payload has {len(payload)} bytes in place of {start + sum(lengths)}")
        texts: list[str] = []
        for length in lengths[:wanted]:
            texts.append(payload[start : start + length].decode())
            start += length
        return texts, scores
    except (struct.error, UnicodeDecodeError) as error:
        raise PayloadError(f"a list payload of {len(payload)} bytes is damaged: {error}") from error


def marked_places(payload: bytes) -> list[int]:
    """Places, from 0, of the items that are there to explore them. Of bytes that `decode` reads."""
    form, _, n = HEADER.unpack_from(payload)
    if form != MARKED:
        return []
    start = HEADER.size + 4 * n
    bits = int.from_bytes(payload[start : start + (n + 7) // 8], "little")
    return [place for place in range(n) if bits >> place & 1]
