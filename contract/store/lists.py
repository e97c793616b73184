"""Reads the lists of a generation back, a few buckets at a time: memory does not grow with the number of users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import cast

from redis import Redis

from contract.formats.keys import Keys, bucket_of

BUCKETS_PER_PIPELINE = 64
USERS_PER_PIPELINE = 4096

"""States of a generation whose lists are all there."""

Fields = dict[bytes, bytes]
"""A hash of lists: external id -> payload."""


def read_buckets(redis: Redis, buckets: Iterable[int], *key_of: Callable[[int], str]) -> Iterator[tuple[int, list[Fields]]]:
    """Each bucket with its hashes, one for each of `key_of`, in that order. A hash that is not there is empty."""
    rest = iter(buckets)
    while some := list(islice(rest, BUCKETS_PER_PIPELINE)):
        with redis.pipeline(transaction=False) as pipe:
            for bucket in some:
                for key in key_of:
                    pipe.hgetall(key(bucket))
            answers = cast("list[Fields]", pipe.execute())
        for at, bucket in enumerate(some):
            yield bucket, answers[at * len(key_of) : (at + 1) * len(key_of)]


def read_users(redis: Redis, keys: Keys, generation: str, n_buckets: int, users: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Those of `users` who have a list in `generation`, with its payload."""
    rest = iter(users)
    while some := list(islice(rest, USERS_PER_PIPELINE)):
        by_bucket: dict[int, list[bytes]] = {}
        for user in some:
            by_bucket.setdefault(bucket_of(user.decode(), n_buckets), []).append(user)
        with redis.pipeline(transaction=False) as pipe:
            for bucket, names in by_bucket.items():
                pipe.hmget(keys.recs(generation, bucket), names)
            answers = cast("list[list[bytes | None]]", pipe.execute())
        for names, values in zip(by_bucket.values(), answers, strict=True):
            yield from ((name, value) for name, value in zip(names, values, strict=True) if value is not None)


def spread(n_buckets: int, wanted: int) -> list[int]:
    """`wanted` of the buckets, evenly spaced; all where there are no more. The same for every call."""
    if wanted >= n_buckets:
        return list(range(n_buckets))
    return [number * n_buckets // wanted for number in range(wanted)]
