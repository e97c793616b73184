"""Reads the lists of a generation back, a few buckets at a time: memory does not grow with the number of users."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, cast

from pydantic import BaseModel, ConfigDict
from redis import Redis
from redis.client import Pipeline

from contract.formats import payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.store.replicas.acknowledged import Acknowledged

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


CHUNK = 256
"""Items of a payload."""
CATEGORY, SEGMENT = "category", "segment"
INDEX = ""
FIELDS_PER_COMMAND = 200


class Listed(NamedTuple):
    """A list by its name, of all items and users, or of one category's items or one segment's users. `kind`: "", CATEGORY or SEGMENT."""

    name: str
    kind: str = ""
    value: str = ""

    def field(self, chunk: int) -> str:
        """Of the hash: no two lists share one, for numbers hold no separator and names none."""
        return f"{self.name}\x1f{self.kind}\x1f{chunk}\x1f{self.value}"


class Index(BaseModel):
    """Which categories and segments there are lists of; sorted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    categories: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


def index_of(lists: Sequence[Listed]) -> Index:
    def values(kind: str) -> tuple[str, ...]:
        return tuple(sorted({listed.value for listed in lists if listed.kind == kind}))

    return Index(categories=values(CATEGORY), segments=values(SEGMENT))


def encode_names(lists: Sequence[Listed]) -> bytes:
    return json.dumps([list(listed) for listed in lists], ensure_ascii=False).encode()


def decode_names(raw: bytes) -> list[Listed]:
    return [Listed(*entry) for entry in json.loads(raw)]


def fields_of(
    lists: Sequence[Listed], items: Sequence[int], scores: Sequence[float], ends: Sequence[int], item_ids: Sequence[Id]
) -> Iterator[tuple[str, bytes]]:
    """Fields of the hash and their values. `items`, `scores`, `ends`: as in the artifact."""
    yield INDEX, index_of(lists).model_dump_json().encode()
    start = 0
    for listed, end in zip(lists, ends, strict=True):
        for chunk, first in enumerate(range(start, end, CHUNK)):
            last = min(first + CHUNK, end)
            yield listed.field(chunk), payload.encode([item_ids[item] for item in items[first:last]], scores[first:last])
        start = end


def write_named_lists(redis: Redis, keys: Keys, generation: str, fields: Iterator[tuple[str, bytes]], acknowledged: Acknowledged) -> None:
    """In place of what an earlier try may have written."""
    key = keys.lists(generation)
    redis.unlink(key)
    while some := dict(islice(fields, FIELDS_PER_COMMAND)):

        def fill(pipe: Pipeline, some: Mapping[str, bytes] = some) -> None:
            pipe.hset(key, mapping=some)  # type: ignore[arg-type]

        acknowledged.send(redis, fill)
