"""The items as they are known now: metadata, and what is not available, in revisions that follow one another.

A revision is written unseen, then switched to in one step: a person's at once (lua/switch_items.lua), a run's when its generation is
promoted (lua/promote.lua). Its number is taken before its source is read, so that what was read earlier never replaces what was read
later. A revision that was left lives on for readers that still use it, and for generations that may yet be promoted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict
from redis import Redis
from redis.commands.core import Script

from contract.formats.keys import IDS_PER_BUCKET, Keys, bucket_of
from contract.formats.states import GONE
from contract.store.scripts import scripts

FORMAT = 1
MAX_UNAVAILABLE = 1_000_000
"""Each process of the API holds the ids of what is not available: up to 100 MB for so many."""
BUCKETS_PER_PIPELINE = 64
NO_COLUMNS: Mapping[str, bytes] = MappingProxyType({})
UNLINK_STEP = 500  # keys in one UNLINK


class ItemsPointer(BaseModel):
    """The value of `items`: all that a reader needs to find an item's metadata, and to know whether anything is unavailable."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = FORMAT
    revision: int
    n_buckets: int
    n_items: int
    n_unavailable: int
    made_at: str
    made_by: Literal["run", "command"]
    source: str
    columns: tuple[str, ...] = ()
    """By which answers can be filtered; none: no key holds any."""

    n_alike: int = 0
    """Items that the served generation did not know, with similar items by content; 0: no key holds any."""

    n_titles: int = 0
    """Items that can be found; 0: no key holds their index."""


class Catalogue:
    """Writes and switches revisions of one namespace. `redis` decodes no responses. Ids are texts here, as fields of hashes are."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def current(self) -> ItemsPointer | None:
        raw = cast("bytes | None", self._redis.get(self._keys.items_pointer))
        return ItemsPointer.model_validate_json(raw) if raw else None

    def unavailable(self) -> list[str]:
        """Ids of what is not available now, sorted."""
        pointer = self.current()
        if pointer is None or not pointer.n_unavailable:
            return []
        raw = cast("bytes | None", self._redis.get(self._keys.unavailable(str(pointer.revision))))
        return decode_ids(raw) if raw else []

    def ids(self) -> Iterator[str]:
        """Ids of all items that are described now."""
        pointer = self.current()
        for first in range(0, pointer.n_buckets if pointer else 0, BUCKETS_PER_PIPELINE):
            with self._redis.pipeline(transaction=False) as pipe:
                for bucket in range(first, min(first + BUCKETS_PER_PIPELINE, pointer.n_buckets if pointer else 0)):
                    pipe.hkeys(self._keys.items(str(pointer.revision if pointer else 0), bucket))
                for names in pipe.execute():
                    yield from (name.decode() for name in names)

    def begin(self) -> int:
        """The number of a new revision: take it before the source is read."""
        return int(self._redis.incr(self._keys.items_sequence))

    def write(
        self,
        revision: int,
        n_items: int,
        rows: Iterable[tuple[str, str]],
        unavailable: Iterable[str],
        columns: Mapping[str, bytes] = NO_COLUMNS,
        alike: Mapping[str, bytes] = NO_COLUMNS,
        titles: Mapping[str, bytes] = NO_COLUMNS,
    ) -> int:
        """Write `rows`, (id, JSON object) each, and the unavailable ids where no reader looks yet; the number of buckets.

        `columns`: for filters, each as bytes, and the rows of all of them under "". `alike`: payloads of similar items of new ones.
        `titles`: parts of the index.
        """
        redis, keys, name = self._redis, self._keys, str(revision)
        n_buckets = max(1, -(-n_items // IDS_PER_BUCKET))
        redis.hset(keys.item_revisions, name, _entry(n_buckets, self._now_ms(), "written"))
        rest = iter(rows)
        while some := list(islice(rest, IDS_PER_BUCKET * BUCKETS_PER_PIPELINE)):
            buckets: dict[int, dict[str, str]] = {}
            for item_id, text in some:
                buckets.setdefault(bucket_of(item_id, n_buckets), {})[item_id] = text
            with redis.pipeline(transaction=False) as pipe:
                for bucket, fields in buckets.items():
                    pipe.hset(keys.items(name, bucket), mapping=fields)  # type: ignore[arg-type]
                pipe.execute()
        if ids := sorted(unavailable):
            redis.set(keys.unavailable(name), encode_ids(ids))
        for key, parts in ((keys.columns(name), columns), (keys.titles(name), titles)):
            for part, value in parts.items():
                redis.hset(key, part, value)
        rest_alike = iter(alike.items())
        while some_alike := dict(islice(rest_alike, IDS_PER_BUCKET * BUCKETS_PER_PIPELINE)):
            redis.hset(keys.alike(name), mapping=some_alike)  # type: ignore[arg-type]
        return n_buckets

    def switch(self, pointer: ItemsPointer) -> bool:
        """Let readers follow `pointer`, whose revision is written; False where a later one has been switched to already."""
        keys = self._keys
        answer = self._switch(keys=[keys.items_pointer, keys.item_revisions], args=[pointer.revision, pointer.model_dump_json()])
        return bool(answer)

    def revisions(self) -> list[tuple[str, int]]:
        """Every revision that is there, with its number of buckets."""
        raw = cast("dict[bytes, bytes]", self._redis.hgetall(self._keys.item_revisions))
        return [(name.decode(), int(json.loads(entry)["n_buckets"])) for name, entry in raw.items()]

    def prune(self, grace_s: float, late_writers_s: float) -> list[int]:
        """Delete revisions that were left `grace_s` ago, or written `late_writers_s` ago and never switched to; their numbers.

        Kept are those that belong to a generation that may be promoted, now or again.
        """
        redis, keys = self._redis, self._keys
        raw = cast("dict[bytes, bytes]", redis.hgetall(keys.item_revisions))
        if len(raw) < 2:
            return []
        pointer, kept = self.current(), self._of_generations()
        now_ms, gone = self._now_ms(), []
        for revision, value in sorted((int(name), json.loads(entry)) for name, entry in raw.items()):
            age_s = (now_ms - value["at_ms"]) / 1000
            kept_s = grace_s if value["state"] == "left" else late_writers_s
            if (pointer and pointer.revision == revision) or revision in kept or age_s < kept_s:
                continue
            self._unlink(str(revision), int(value["n_buckets"]))
            redis.hdel(keys.item_revisions, str(revision))
            gone.append(revision)
        return gone

    def _of_generations(self) -> set[int]:
        """Revisions that promotions of generations would bring."""
        redis, keys = self._redis, self._keys
        found: set[int] = set()
        for name in cast("list[bytes]", redis.zrange(keys.generations, 0, -1)):
            state, *pointers = cast("list[bytes | None]", redis.hmget(keys.generation(name.decode()), ["state", "items", "items_left"]))
            if (state or b"").decode() not in GONE:
                found |= {ItemsPointer.model_validate_json(raw).revision for raw in pointers if raw}
        return found

    def _now_ms(self) -> int:
        seconds, microseconds = self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def keys_of(self, revision: str, n_buckets: int) -> Iterator[str]:
        """Every key that holds something of a revision."""
        keys = self._keys
        yield from (kind(revision) for kind in (keys.unavailable, keys.columns, keys.alike, keys.titles))
        yield from (keys.items(revision, bucket) for bucket in range(n_buckets))

    def _unlink(self, revision: str, n_buckets: int) -> None:
        keys = self.keys_of(revision, n_buckets)
        while some := list(islice(keys, UNLINK_STEP)):
            self._redis.unlink(*some)

    @cached_property
    def _switch(self) -> Script:
        return scripts(self._redis, "switch_items")["switch_items"]


def encode_ids(ids: Iterable[str]) -> bytes:
    return json.dumps(list(ids), ensure_ascii=False, separators=(",", ":")).encode()


def decode_ids(raw: bytes) -> list[str]:
    found: list[str] = json.loads(raw)
    return found


def _entry(n_buckets: int, at_ms: int, state: str) -> str:
    return json.dumps({"n_buckets": n_buckets, "at_ms": at_ms, "state": state})
