"""The API on a real cluster: every list is the one that was written, wherever its slot is, and while it moves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

import pytest
from redis import Redis

from contract.formats import payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.cluster.address import slot_of
from tests.support.generation_maker import SECRET, make_generation
from tests.support.models.samples import many
from tests.support.servers.api_process import ApiProcess, until
from tests.support.servers.cluster import Cluster
from trainer.erasure.erase import erase
from trainer.verify.verify import verify

ADMIN, WRITE = "a" * 16, "w" * 16
USERS = range(400)
K = 5


@pytest.fixture
def api(larder: Larder) -> Iterator[ApiProcess]:
    settings = larder.settings
    more = {
        "LARDER_API_ADMIN_KEYS": ADMIN,
        "LARDER_API_WRITE_KEYS": WRITE,
        "LARDER_EVENTS": "true",
        "LARDER_POINTER_TTL_MS": "0",
        "LARDER_ERASURE_SECRET": SECRET,
    }
    with ApiProcess(settings.redis_url, LARDER_QUEUE_URL=settings.queue_url, LARDER_ARTIFACTS=settings.artifacts, **more) as running:
        yield running


def stored(redis: Redis, keys: Keys, larder: Larder, generation: str) -> dict[Id, list[Id]]:
    """The first items of each user's list, as Redis has it."""
    n_buckets = larder.generations.manifest(generation).n_user_buckets
    found: dict[Id, list[Id]] = {}
    for user in USERS:
        raw = redis.hget(keys.recs(generation, bucket_of(user, n_buckets)), str(user))
        if isinstance(raw, bytes):
            found[user] = list(payload.decode(raw)[0][:K])
    return found


def asked(api: ApiProcess, user: Id) -> list[Id]:
    answer = api.ask(user)
    assert answer.status_code == 200, answer.text + str([line for line in api.log_lines() if "message" in line][-6:])
    return [item["item_id"] for item in answer.json()["items"]]


def asked_together(api: ApiProcess, users: list[Id]) -> list[list[Id]]:
    answer = api.post("/recommendations/batch", {"user_ids": users})
    assert answer.status_code == 200, answer.text + str([line for line in api.log_lines() if "message" in line][-6:])
    return [[item["item_id"] for item in result["items"]] for result in answer.json()["results"]]


def test_the_lists_are_those_of_a_single_redis_and_verify_finds_nothing(larder: Larder, settings: Settings, store_redis: Redis) -> None:
    alone = settings.model_copy(update={"redis_url": settings.queue_url, "queue_url": ""})
    manifest = make_generation(store_redis, alone, "g1")
    for bucket in range(manifest.n_user_buckets):
        assert larder.store.hgetall(larder.keys.recs("g1", bucket)) == store_redis.hgetall(larder.keys.recs("g1", bucket))
    for bucket in range(manifest.n_item_buckets):
        assert larder.store.hgetall(larder.keys.similar("g1", bucket)) == store_redis.hgetall(larder.keys.similar("g1", bucket))
    assert verify(larder.generations, settings, "g1").problems == ()


def test_single_lookups_and_batches_are_what_was_written(larder: Larder, api: ApiProcess) -> None:
    lists = stored(larder.store, larder.keys, larder, "g1")
    assert len(lists) > 300
    for user, items in list(lists.items())[:60]:
        assert asked(api, user) == items
    users = list(lists)
    for begin in range(0, len(users), 100):
        some = users[begin : begin + 100]
        assert asked_together(api, some) == [lists[user] for user in some]
    for path in ("/popular", "/items/1/similar", "/generations", "/generations/current", "/metrics", "/", "/history"):
        assert api.get(path).status_code == 200, path


def test_it_follows_a_promotion_and_goes_back(larder: Larder, api: ApiProcess) -> None:
    before = stored(larder.store, larder.keys, larder, "g1")
    make_generation(larder.store, larder.settings, "g2", many(seed=5))
    after = stored(larder.store, larder.keys, larder, "g2")
    user = next(user for user in after if user in before and before[user] != after[user])
    until("the new list is served", lambda: asked(api, user) == after[user])
    assert api.send_admin("POST", "/generations/rollback", ADMIN, {}).status_code == 200
    until("the list of before is served", lambda: asked(api, user) == before[user])


def test_events_count_at_once_and_the_erased_are_gone(larder: Larder, api: ApiProcess) -> None:
    lists = stored(larder.store, larder.keys, larder, "g1")
    user, items = next(iter(lists.items()))
    event = {"event_id": "e1", "user_id": user, "item_id": items[0], "type": "purchase"}
    taken = api.send_admin("POST", "/events", WRITE, {"events": [event]})
    assert taken.status_code in (200, 202), taken.text
    until("the item that was met is in no list", lambda: items[0] not in asked(api, user))
    erase(larder.settings, larder.store, user, lambda: None)
    assert api.ask(user).json().get("source") != "personalized"
    assert not larder.store.exists(larder.keys.fresh(user))


def test_slots_move_while_lists_are_served(larder: Larder, api: ApiProcess, nodes: Cluster) -> None:
    lists = stored(larder.store, larder.keys, larder, "g1")
    users = list(lists)
    ends = Flag()

    def ask(first: int) -> int:
        n = 0
        while not ends.is_set():
            some = users[(first + n) % 300 :][:20]
            assert asked(api, some[0]) == lists[some[0]]
            assert asked_together(api, some) == [lists[user] for user in some]
            n += 1
        return n

    n_buckets = larder.generations.manifest("g1").n_user_buckets
    slots = [slot_of(("GET", larder.keys.recs("g1", bucket))) for bucket in range(n_buckets)]
    with ThreadPoolExecutor() as pool:
        asking = [pool.submit(ask, first) for first in (0, 150)]
        try:
            for slot in [*slots, slot_of(("GET", larder.keys.current))]:
                assert slot is not None
                source = nodes.with_slot(slot)
                target = nodes.primaries[(nodes.primaries.index(source) + 1) % len(nodes.primaries)]
                nodes.begin_move(slot, source, target)
                while nodes.move_keys(slot, source, target, 1):
                    assert asked_together(api, users[:100]) == [lists[user] for user in users[:100]]
                nodes.end_move(slot, source, target)
        finally:
            ends.set()
        assert all(each.result() > 3 for each in asking)


def test_a_dead_server_stops_only_those_whose_lists_it_has(larder: Larder, api: ApiProcess, nodes: Cluster) -> None:
    """Without a replica nobody takes its slots over: they fail at once, the others go on."""
    lists, keys = stored(larder.store, larder.keys, larder, "g1"), larder.keys
    n_buckets = larder.generations.manifest("g1").n_user_buckets
    home = {user: {nodes.of_key(key) for key in (keys.recs("g1", bucket_of(user, n_buckets)), keys.fresh(user))} for user in lists}
    control = nodes.of_key(keys.current)
    dead = next(server for server in nodes.primaries if server is not control)
    hit, others = ([user for user in lists if (dead in home[user]) is wanted] for wanted in (True, False))
    dead.kill()
    try:
        for user in hit[:20]:
            assert api.ask(user).status_code == 503
        for user in others[:60]:
            assert asked(api, user) == lists[user]
        assert asked_together(api, others[:100]) == [lists[user] for user in others[:100]]
        assert api.post("/recommendations/batch", {"user_ids": list(lists)[:100]}).status_code == 503
    finally:
        dead.start()
