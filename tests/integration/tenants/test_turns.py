from __future__ import annotations

from collections.abc import Mapping

from redis import Redis

from contract.formats.keys import Keys
from contract.queue.fair import FairWorker, Turn, of_all
from contract.queue.jobs import enqueue_shards, score_queue
from contract.queue.leases import n_alive_here, worker_name
from contract.queue.names import SCORE_QUEUE
from contract.settings.settings import Settings


def turn(redis: Redis, name: str) -> Turn:
    settings = Settings(namespace=name)
    return Turn(score_queue(redis, settings), Keys(name), lambda _job, _args, _reason: None, lambda: None)


def order_of(worker: FairWorker, n: int) -> list[str]:
    """Whose jobs it takes, as they come."""
    origins = []
    for _ in range(n):
        taken = worker.dequeue_job_and_maintain_ttl(None)
        assert taken is not None
        origins.append(taken[1].name.removesuffix("-score"))
    return origins


def test_a_big_tenant_has_one_turn_of_each_round(store_redis: Redis) -> None:
    turns: dict[str, Turn] = {one.queue.name: one for one in (turn(store_redis, name) for name in ("big", "small", "tiny"))}
    held: Mapping[str, Turn] = turns
    worker = FairWorker(lambda: held, Settings(), "one")
    for name, shards in (("big", 6), ("small", 2), ("tiny", 1)):
        enqueue_shards(turns[f"{name}-score"].queue, Settings(namespace=name), f"20260101-000000-{len(name):04x}", range(shards))
    assert order_of(worker, 9) == ["big", "small", "tiny", "big", "small", "big", "big", "big", "big"]


def test_who_is_new_comes_in_and_who_is_gone_is_left_out(store_redis: Redis) -> None:
    turns = {one.queue.name: one for one in (turn(store_redis, name) for name in ("a", "b", "c"))}
    held: Mapping[str, Turn] = {name: one for name, one in turns.items() if name != "c-score"}
    worker = FairWorker(lambda: held, Settings(), "one")
    for number, one in enumerate(turns.values()):
        enqueue_shards(one.queue, Settings(), f"20260101-000000-{number:04x}", range(3))
    assert order_of(worker, 1) == ["a"]
    held = {name: one for name, one in turns.items() if name != "a-score"}
    worker.see_to_dead()
    assert order_of(worker, 4) == ["b", "c", "b", "c"]


def test_a_worker_is_counted_whatever_tenants_there_are_now(store_redis: Redis) -> None:
    held: Mapping[str, Turn] = {one.queue.name: one for one in (turn(store_redis, name) for name in ("a", "b"))}
    worker, everybody = FairWorker(lambda: held, Settings(), worker_name("one")), of_all(Settings(), SCORE_QUEUE, store_redis)
    assert n_alive_here(everybody) == 0
    worker.register_birth()  # type: ignore[no-untyped-call]
    held = {one.queue.name: one for one in (turn(store_redis, name) for name in ("c", "d"))}
    worker.see_to_dead()
    assert n_alive_here(everybody) == 1
    worker.register_death()  # type: ignore[no-untyped-call]
    assert n_alive_here(everybody) == 0
    assert not everybody.get_job_ids()
