"""Generations of many users, quickly, and what is in a table that they were exported to."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from redis import Redis

from contract.formats import payload
from contract.formats.keys import Keys, bucket_of
from contract.formats.shard_record import ShardRecord
from contract.store.generations import Generations
from tests.support.builders import make_manifest
from trainer.cli.export import database
from trainer.export.export import export
from trainer.export.rows import Layout

KEYS = Keys("larder")
DEPTH = 6
N_KINDS = 100  # of lists: a user's follows from the id


def item_of(user: int, rank: int, base: int) -> int:
    return base + user % N_KINDS * DEPTH + rank


def promote_many(redis: Redis, generation: str, n_users: int, base: int) -> None:
    """Users 1 to `n_users`, each with the items `item_of`, which lie between `base` and `base` + 1,000."""
    n_buckets = max(4, n_users // 64)
    manifest = make_manifest(generation, k=3, depth=DEPTH, n_users=n_users, n_items=N_KINDS * DEPTH, n_user_buckets=n_buckets)
    kinds = [
        payload.encode([item_of(kind, rank, base) for rank in range(DEPTH)], [5 - rank / 8 for rank in range(DEPTH)])
        for kind in range(N_KINDS)
    ]
    buckets: list[dict[str, bytes]] = [{} for _ in range(n_buckets)]
    for user in range(1, n_users + 1):
        buckets[bucket_of(user, n_buckets)][str(user)] = kinds[user % N_KINDS]
    generations = Generations(redis, KEYS)
    generations.begin(manifest)
    for start in range(0, n_buckets, 500):
        with redis.pipeline(transaction=False) as pipe:
            for bucket in range(start, min(start + 500, n_buckets)):
                pipe.hset(KEYS.recs(generation, bucket), mapping=buckets[bucket])  # type: ignore[arg-type]
            pipe.execute()
    generations.record_shard(generation, 0, ShardRecord(n_users, n_users, n_users * DEPTH, 0))
    assert generations.promote(generation, "a test") == "promoted"


def export_to(
    url: str, redis: Redis, generation: str, layout: Layout = "wide", k: int | None = None, table: str = "recommendations"
) -> int:
    return export(Generations(redis, KEYS), generation, database(url, table), layout, k, lambda _what, _done, _total: None)


def connected(url: str, **options: Any) -> sa.Connection:
    """A connection that is really closed with its block; `options` are create_engine's."""
    return sa.create_engine(url.replace("mysql://", "mysql+pymysql://", 1), poolclass=sa.NullPool, **options).connect()


def rows_in(url: str, statement: str = "SELECT * FROM recommendations ORDER BY user_id") -> list[tuple[Any, ...]]:
    with connected(url) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def execute(url: str, *statements: str) -> None:
    with connected(url) as connection, connection.begin():
        for statement in statements:
            connection.exec_driver_sql(statement)


def tables_in(url: str) -> set[str]:
    with connected(url) as connection:
        return set(sa.inspect(connection).get_table_names())
