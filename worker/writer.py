"""Writes the lists of a shard: one HSET per bucket, in pipelines of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from redis import Redis

from contract import payload
from contract.keys import Id, Keys
from worker.scoring import TopK

BUCKETS_PER_PIPELINE = 64


def encode_lists(top: TopK, item_ids: Sequence[Id]) -> list[bytes]:
    """The payload of every list, as contract.payload.encode makes it, without a Python object per item."""
    if item_ids and isinstance(item_ids[0], str):
        return _encode_texts(top, [str(item).encode() for item in item_ids])
    ids = np.asarray(item_ids, dtype=np.int64)
    narrow = ids.astype(np.int32)
    fits = narrow == ids
    all_fit, out = bool(fits.all()), []
    for row, n in enumerate(top.lengths.tolist()):
        chosen = top.items[row, :n]
        kind, table = (payload.INT32, narrow) if all_fit or fits[chosen].all() else (payload.INT64, ids)
        out.append(payload.HEADER.pack(payload.FORMAT, kind, n) + top.scores[row, :n].tobytes() + table[chosen].tobytes())
    return out


def _encode_texts(top: TopK, texts: list[bytes]) -> list[bytes]:
    lengths = np.array([len(text) for text in texts], dtype=np.uint16)
    out = []
    for row, n in enumerate(top.lengths.tolist()):
        chosen = top.items[row, :n]
        kind = payload.TEXT if n else payload.INT32  # what encode() says of an empty list
        head = payload.HEADER.pack(payload.FORMAT, kind, n) + top.scores[row, :n].tobytes()
        out.append(head + lengths[chosen].tobytes() + b"".join([texts[item] for item in chosen.tolist()]))
    return out


def write_shard(
    redis: Redis, keys: Keys, generation: str, user_ids: Sequence[Id], payloads: Sequence[bytes], bucket_of_user: Sequence[int]
) -> int:
    """Write the lists of users that are ordered by bucket; a checksum over ids and lists."""
    checksum, start = 0, 0
    with redis.pipeline(transaction=False) as pipe:
        while start < len(user_ids):
            bucket, end = bucket_of_user[start], start
            mapping: dict[str, bytes] = {}
            while end < len(user_ids) and bucket_of_user[end] == bucket:
                field = str(user_ids[end])
                mapping[field] = payloads[end]
                checksum = crc32(payloads[end], crc32(field.encode(), checksum))
                end += 1
            pipe.hset(keys.recs(generation, bucket), mapping=mapping)  # type: ignore[arg-type]
            start = end
            if len(pipe) >= BUCKETS_PER_PIPELINE:
                pipe.execute()
        pipe.execute()
    return checksum


def remove_shard(redis: Redis, keys: Keys, generation: str, bucket_start: int, bucket_end: int) -> None:
    """Take back a shard of a generation that was given up while it was being written."""
    redis.unlink(*(keys.recs(generation, bucket) for bucket in range(bucket_start, bucket_end)))
