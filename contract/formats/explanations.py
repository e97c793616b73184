"""What made each item of a user's list, as bytes, and back.

Of every listed item, in the order of the list: the seen items that contributed most to its score, strongest first, each with its
share of the score before normalisation, below 0 where it takes away. Few seen items make many listed ones, so that their ids are
stored once, and named by position.

Format 1, little endian, no padding. w is 1 byte for d <= 255, 2 for d <= 65,535, else 4:

    offset  bytes   what
    0       1       format number
    1       1       kind of the contributors' ids: 1 int32, 2 int64, 3 text, as in payload.py
    2       2       n, the number of listed items
    4       4       d, the number of distinct contributors
    8       w n     how many contributors each listed item has; they add up to m
            w m     contributors, as positions in the ids below
            4 m     shares, float32
            4 d     ids in the order of their first use, int32   (kind 1)
            8 d     ids, int64                                   (kind 2)
            2 d     lengths in bytes, uint16, then UTF-8         (kind 3)

Format 2 is the same with n float32 before the counts: the factor by which a rule multiplied each listed item's score. It is written
where a run has boosts. Format 3 has n float32 there as well: the share of the run's prior, a contributor that is no item. It is written
where a run has a prior. Format 4 has both, factors first.

A share is off by 6e-8 of itself, so the shares of all contributors add up to the score to 6e-8 as well. In float16 both would be
5e-4, and multiples of 1/65,535 would lose the weak ones; neither halves the payload. Three contributors for each of 30 items with
numeric ids take 488 bytes and 4 for each distinct contributor, in place of 750 if each came with its id.
Readers accept all four formats.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import islice

from contract.errors import PayloadError
from contract.formats.keys import Id
from contract.formats.payload import INT32, INT64, TEXT, kind_of

FORMAT, BOOSTED, PRIOR = 1, 1, 2  # a format is FORMAT and what it has more
READABLE_FORMATS = (1, 2, 3, 4)
HEADER = struct.Struct("<BBHI")
_CODES = {1: "B", 2: "H", 4: "I"}


def width_of(n_distinct: int) -> int:
    """Bytes of a count and of a position where there are `n_distinct` contributors."""
    return 1 if n_distinct < 1 << 8 else 2 if n_distinct < 1 << 16 else 4


def format_of(boosted: bool, prior: bool) -> int:
    return FORMAT + BOOSTED * boosted + PRIOR * prior


def encode(per_item: Sequence[Sequence[tuple[Id, float]]], boosts: Sequence[float] = (), priors: Sequence[float] = ()) -> bytes:
    """Bytes of the contributors (id, share) of each listed item, of their `boosts` and of the shares of the prior, `priors`.

    Contributors of one item differ. Numbers are rounded to float32.
    """
    places: dict[Id, int] = {}
    positions = [places.setdefault(each, len(places)) for contributors in per_item for each, _ in contributors]
    shares = [share for contributors in per_item for _, share in contributors]
    n, m, d = len(per_item), len(shares), len(places)
    kind, code = kind_of(list(places)), _CODES[width_of(d)]
    numbers = struct.pack(f"<{n + m}{code}{m}f", *map(len, per_item), *positions, *shares)
    more = struct.pack(f"<{len(boosts) + len(priors)}f", *boosts, *priors)
    return HEADER.pack(format_of(bool(boosts), bool(priors)), kind, n, d) + more + numbers + _pack_ids(kind, list(places))


def decode(explanation: bytes) -> list[list[tuple[Id, float]]]:
    """Contributors (id, share) of each listed item, strongest first; raises PayloadError for bytes that `encode` did not make."""
    try:
        form, kind, n, d = HEADER.unpack_from(explanation)
        if form not in READABLE_FORMATS:
            raise PayloadError(f"an explanation has format {form}; this version reads {READABLE_FORMATS}: upgrade the readers first")
        width, start = width_of(d), HEADER.size + 4 * n * _n_more(form)
        counts = struct.unpack_from(f"<{n}{_CODES[width]}", explanation, start)
        m, start = sum(counts), start + width * n
        positions = struct.unpack_from(f"<{m}{_CODES[width]}", explanation, start)
        shares = struct.unpack_from(f"<{m}f", explanation, start + width * m)
        ids = _unpack_ids(kind, d, explanation[start + (width + 4) * m :])
        contributors = zip([ids[position] for position in positions], shares, strict=True)
        return [list(islice(contributors, count)) for count in counts]
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise PayloadError(f"an explanation of {len(explanation)} bytes is damaged: {error}") from error


def decode_boosts(explanation: bytes) -> Sequence[float]:
    """The factor of each listed item's score; none where the run had no boosts. Of bytes that `decode` reads."""
    form, _, n, _ = HEADER.unpack_from(explanation)
    return struct.unpack_from(f"<{n}f", explanation, HEADER.size) if (form - FORMAT) & BOOSTED else ()


def decode_priors(explanation: bytes) -> Sequence[float]:
    """The share that the prior has in each listed item's score; none where the run had no prior. Of bytes that `decode` reads."""
    form, _, n, _ = HEADER.unpack_from(explanation)
    start = HEADER.size + 4 * n * ((form - FORMAT) & BOOSTED)
    return struct.unpack_from(f"<{n}f", explanation, start) if (form - FORMAT) & PRIOR else ()


def _n_more(form: int) -> int:
    """Numbers of a listed item before the counts."""
    return (form - FORMAT).bit_count()


def _pack_ids(kind: int, ids: Sequence[Id]) -> bytes:
    if kind != TEXT:
        return struct.pack(f"<{len(ids)}{'i' if kind == INT32 else 'q'}", *ids)
    texts = [str(each).encode() for each in ids]
    return struct.pack(f"<{len(texts)}H", *map(len, texts)) + b"".join(texts)


def _unpack_ids(kind: int, d: int, tail: bytes) -> Sequence[Id]:
    if kind == INT32:
        return struct.unpack(f"<{d}i", tail)
    if kind == INT64:
        return struct.unpack(f"<{d}q", tail)
    if kind != TEXT:
        raise PayloadError(f"an explanation has ids of kind {kind}; this version knows 1, 2 and 3")
    lengths, start = struct.unpack_from(f"<{d}H", tail), 2 * d
    if len(tail) != start + sum(lengths):
        raise PayloadError(f"an explanation has {len(tail)} bytes of ids in place of {start + sum(lengths)}")
    texts: list[str] = []
    for length in lengths:
        texts.append(tail[start : start + length].decode())
        start += length
    return texts
