"""A Redis with lists, and items to filter them by."""

from __future__ import annotations

import random
import struct
import subprocess
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from redis import Redis
from redis.exceptions import RedisError

from bench.serving_load import wait_for
from contract.formats import payload
from contract.formats.columns import Column, Rows, Words, encode_column, encode_rows
from contract.formats.events import Event
from contract.formats.keys import Keys, bucket_of
from contract.formats.manifest import Pointer
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.store.item_revisions import Catalogue, ItemsPointer
from contract.store.recent_events import remember
from stack.redis_server import candidates, find_redis_server

USERS_A_BUCKET = 64
N_ITEMS = 26_744


@contextmanager
def own_redis(folder: Path) -> Iterator[str]:
    """A server on a Unix socket, with the limits that keep a bucket small."""
    path = folder / "redis.sock"
    limits = ["--hash-max-ziplist-value", "2048", "--hash-max-ziplist-entries", "512"]
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", *limits]
    process = subprocess.Popen([find_redis_server(candidates()).path, *options], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        url = f"unix://{path}?db=0"
        with Redis.from_url(url) as redis:
            wait_for(lambda: answers(redis), "Redis answers")
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def fill(redis_url: str, users: int, depth: int, k: int) -> float:
    """Serve lists of random items to users 1 to `users`; bytes of Redis' memory a user, in all."""
    keys, generation, rng = Keys(), f"bench-{depth}", random.Random(depth)
    n_buckets = -(-users // USERS_A_BUCKET)
    buckets: dict[int, dict[str, bytes]] = {}
    for user_id in range(1, users + 1):
        scores = sorted((rng.random() * 5 for _ in range(depth)), reverse=True)
        items = struct.pack(f"<{depth}i", *(rng.randrange(1, N_ITEMS) for _ in range(depth)))
        text = payload.HEADER.pack(payload.FORMAT, payload.INT32, depth) + struct.pack(f"<{depth}f", *scores) + items
        buckets.setdefault(bucket_of(user_id, n_buckets), {})[str(user_id)] = text
    pointer = Pointer(
        generation=generation, n_user_buckets=n_buckets, n_item_buckets=1, user_id_type="int", item_id_type="int",
        payload_format=payload.FORMAT, items_revision=generation, n_users=users, n_items=N_ITEMS, k=k, depth=depth,
        trained_at="2026-01-02T03:04:05Z", data_until="2026-01-01T00:00:00Z",
    )  # fmt: skip
    with connect(redis_url) as redis:
        redis.flushall()
        before = _used_bytes(redis)
        with redis.pipeline(transaction=False) as pipe:
            for bucket, lists in buckets.items():
                pipe.hset(keys.recs(generation, bucket), mapping=lists)
                if len(pipe) >= 100:
                    pipe.execute()
            pipe.set(keys.current, pointer.model_dump_json())
            pipe.execute()
        return round((_used_bytes(redis) - before) / users, 1)


def _used_bytes(redis: Redis) -> int:
    return int(cast("dict[str, int]", redis.info("memory"))["used_memory"])


def fill_items(redis_url: str) -> None:
    """Every item has a kind, a or b, and a price from 0 to 100: a filter of both leaves four of ten."""
    rng = random.Random(0)
    kinds = Column("text", array("H", [rng.randrange(1, 3) for _ in range(N_ITEMS)] + [0]), None, Words.of(["a", "b"]))
    prices = Column("number", array("d", [rng.random() * 100 for _ in range(N_ITEMS)] + [float("nan")]))
    columns = {"": encode_rows(Rows(array("q", range(1, N_ITEMS + 1)))), "kind": encode_column(kinds), "price": encode_column(prices)}
    with Redis.from_url(redis_url) as redis:
        catalogue = Catalogue(redis, Keys())
        revision = catalogue.begin()
        n_buckets = catalogue.write(revision, N_ITEMS, (), (), columns)
        catalogue.switch(
            ItemsPointer(
                revision=revision, n_buckets=n_buckets, n_items=N_ITEMS, n_unavailable=0, made_at="2026-01-02T03:04:05Z", made_by="command",
                source="bench", columns=("kind", "price"),
            )
        )  # fmt: skip


def fill_events(redis_url: str, users: int) -> None:
    """Every tenth user has bought three items."""
    rng, settings = random.Random(1), Settings(redis_url=redis_url, events=True)
    with Redis.from_url(redis_url) as redis:
        for first in range(1, users + 1, 10_000):
            some = range(first, min(first + 10_000, users + 1), 10)
            events = [Event(f"{user}.{n}", user, rng.randrange(1, N_ITEMS), "buy", 0) for user in some for n in range(3)]
            seconds, micros = redis.time()
            remember(redis, Keys(), settings, events, seconds * 1_000_000 + micros)
