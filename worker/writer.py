"""Lists as bytes, written into Redis: one HSET per bucket, in pipelines of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, islice
from operator import itemgetter

import numpy as np
from redis.client import Pipeline

from contract.formats import payload
from contract.formats.keys import Id
from contract.store.generations import Generations
from engine.arrays import Array
from engine.score.scoring import TopK

BUCKETS_PER_PIPELINE = 64
NAMES_PER_COMMAND = 1000
_UNMARKED = (payload.FORMAT, b"")


def encode_lists(top: TopK, item_ids: Sequence[Id], marks: Array | None = None) -> list[bytes]:
    """The payload of every list, as contract.formats.payload.encode makes it, without a Python object per item.

    `marks`: bool (lists, depth), of items that are there to explore them; None: none is.
    """
    bits = _bits(top, marks)
    if item_ids and isinstance(item_ids[0], str):
        return _encode_texts(top, [str(item).encode() for item in item_ids], bits)
    ids = np.asarray(item_ids, dtype=np.int64)
    narrow = ids.astype(np.int32)
    fits = narrow == ids
    all_fit, out = bool(fits.all()), []
    for row, n in enumerate(top.lengths.tolist()):
        chosen = top.items[row, :n]
        kind, table = (payload.INT32, narrow) if all_fit or fits[chosen].all() else (payload.INT64, ids)
        form, marked = bits.get(row, _UNMARKED)
        out.append(payload.HEADER.pack(form, kind, n) + top.scores[row, :n].tobytes() + marked + table[chosen].tobytes())
    return out


def _bits(top: TopK, marks: Array | None) -> dict[int, tuple[int, bytes]]:
    """Format and bits of the lists that have a mark, by row."""
    if marks is None:
        return {}
    packed = np.packbits(marks, axis=1, bitorder="little")
    rows = np.flatnonzero(marks.any(axis=1)).tolist()
    return {row: (payload.MARKED, packed[row, : (int(top.lengths[row]) + 7) // 8].tobytes()) for row in rows}


def _encode_texts(top: TopK, texts: list[bytes], bits: Mapping[int, tuple[int, bytes]]) -> list[bytes]:
    lengths = np.array([len(text) for text in texts], dtype=np.uint16)
    out = []
    for row, n in enumerate(top.lengths.tolist()):
        chosen = top.items[row, :n]
        kind = payload.TEXT if n else payload.INT32  # what encode() says of an empty list
        form, marked = bits.get(row, _UNMARKED)
        head = payload.HEADER.pack(form, kind, n) + top.scores[row, :n].tobytes() + marked
        out.append(head + lengths[chosen].tobytes() + b"".join([texts[item] for item in chosen.tolist()]))
    return out


def write_names(generations: Generations, key: str, ids: Sequence[Id]) -> None:
    """Enter ids of users where they are found by their beginning."""
    for first in range(0, len(ids), NAMES_PER_COMMAND):
        names = dict.fromkeys(map(str, ids[first : first + NAMES_PER_COMMAND]), 0)

        def fill(pipe: Pipeline, names: dict[str, int] = names) -> None:
            pipe.zadd(key, names)

        generations.acknowledged.send(generations.redis, fill)


def write_lists(
    generations: Generations,
    key_of: Callable[[int], str],
    ids: Sequence[Id],
    values: Sequence[bytes],
    buckets: Sequence[int],
    *,
    keeps: bool = False,
) -> None:
    """Write the value of each id into the hash of its bucket, one HSET per bucket. `ids` are ordered by bucket.

    `keeps`: those that are there stay as they are.
    """
    rest = groupby(zip(buckets, ids, values, strict=True), key=itemgetter(0))
    while some := [(bucket, {str(each): value for _, each, value in entries}) for bucket, entries in islice(rest, BUCKETS_PER_PIPELINE)]:

        def fill(pipe: Pipeline, some: Sequence[tuple[int, dict[str, bytes]]] = some) -> None:
            for bucket, fields in some:
                if not keeps:
                    pipe.hset(key_of(bucket), mapping=fields)  # type: ignore[arg-type]
                    continue
                for field, value in fields.items():
                    pipe.hsetnx(key_of(bucket), field, value)

        generations.acknowledged.send(generations.redis, fill)
