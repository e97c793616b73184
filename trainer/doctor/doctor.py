"""Looks at all that Larder stands on, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from redis import Redis
from redis.exceptions import RedisError

from contract.formats.keys import Keys
from contract.settings.settings import Settings, hide_password
from contract.store.cluster.client import ClusterRedis
from contract.store.connections import connect
from trainer.doctor.artifacts import look_at_folder, look_at_generations
from trainer.doctor.cluster import look_at_cluster
from trainer.doctor.feeds import look_at_feed
from trainer.doctor.finding import Finding, fail
from trainer.doctor.indexes import look_at_indexes
from trainer.doctor.lists import look_at_lists, look_at_workers
from trainer.doctor.machine import look_at_machine
from trainer.doctor.replicas import look_at_replicas
from trainer.doctor.server import look_at_server

TIMEOUT_S = 3.0


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, as soon as it is made. A Redis that is away is a finding, and what can't be asked of it is left out."""
    with connect(settings.redis_url, timeout_s=TIMEOUT_S, retries=1) as store:
        yield from _of_store(store, settings)
    with connect(settings.rq_url, timeout_s=TIMEOUT_S, retries=1) as queue:
        yield from _of_queue(queue, settings)
    for feed in settings.feeds:
        yield look_at_feed(feed, TIMEOUT_S)
    yield look_at_folder(settings)
    yield from look_at_machine()


def _of_store(redis: Redis, settings: Settings) -> Iterator[Finding]:
    try:
        yield from look_at_server(redis, "Redis", has_erased=bool(redis.exists(Keys(settings.namespace).erased)))
        if isinstance(redis, ClusterRedis):
            yield from look_at_cluster(redis)
        yield look_at_replicas(redis, settings)
        yield from look_at_lists(redis, settings)
        yield look_at_indexes(redis, settings)
        yield from look_at_generations(redis, settings)
    except RedisError as error:
        yield _away("Redis", settings.redis_url, "LARDER_REDIS_URL", error)


def _of_queue(redis: Redis, settings: Settings) -> Iterator[Finding]:
    """A queue's Redis of its own is looked at like the store's."""
    try:
        if settings.rq_url != settings.redis_url:
            yield from look_at_server(redis, "Redis of the queues")
        yield look_at_workers(redis, settings)
    except RedisError as error:
        if settings.rq_url != settings.redis_url:
            yield _away("Redis of the queues", settings.rq_url, "LARDER_QUEUE_URL", error)


def _away(role: str, url: str, variable: str, error: RedisError) -> Finding:
    return fail(role, f"{hide_password(url)} does not answer as it should: {error}", f"Start it, or correct {variable}")
