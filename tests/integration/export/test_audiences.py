"""For whom items are: cooked from the lists, asked over HTTP, and gone with a user or a generation."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from redis import Redis

from api.app import create_app
from contract.errors import GenerationError
from contract.formats import payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.manifest import Manifest
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.removal import keys_of_lists, take_out
from tests.support.builders import Lists, promote_lists
from trainer.export.cook_audiences import cook_audiences, write_audiences

KEYS, DEPTH = Keys(), 3
ITEMS = [*range(1, 13), 99]
"""The last is in nobody's list."""


def lists_of(as_id: Callable[[int], Id], seed: int = 1) -> Lists:
    """Scores with ties; one user has an empty list."""
    dice = random.Random(seed)
    made = {as_id(user): sorted(((as_id(item), float(dice.randint(1, 4))) for item in dice.sample(range(1, 13), 5)), key=lambda e: -e[1])
            for user in range(1, 40)}  # fmt: skip
    return {**made, as_id(77): []}


def expected(lists: Lists, item: Id, most: int = DEPTH) -> list[tuple[Id, float]]:
    found = [(user, score) for user, entries in lists.items() for each, score in entries if each == item]
    return sorted(found, key=lambda one: (-one[1], one[0]))[:most]


def stored(redis: Redis, manifest: Manifest, item: Id) -> list[tuple[Id, float]]:
    key = KEYS.audience(manifest.generation, bucket_of(item, manifest.n_item_buckets))
    return list(zip(*payload.decode(cast("bytes", redis.hget(key, str(item)))), strict=True))


def erasure(redis: Redis) -> Erasure:
    return Erasure(redis, KEYS, "a secret")


def cook(redis: Redis, as_id: Callable[[int], Id] = int, generation: str = "g1") -> int:
    return cook_audiences(Generations(redis, KEYS), erasure(redis), generation, [as_id(item) for item in ITEMS])


@pytest.fixture
def client(redis_server: str) -> FlaskClient:
    return create_app(Settings(redis_url=redis_server, pointer_ttl_ms=0)).test_client()


@pytest.mark.parametrize("as_id", [int, lambda number: f"u{number}"], ids=["numbers", "texts"])
def test_the_highest_scores_first_and_then_by_id(store_redis: Redis, as_id: Callable[[int], Id]) -> None:
    lists = lists_of(as_id)
    manifest = promote_lists(store_redis, KEYS, lists, audience_depth=DEPTH, n_items=13)
    assert cook(store_redis, as_id) > DEPTH
    for item in ITEMS:
        assert stored(store_redis, manifest, as_id(item)) == expected(lists, as_id(item))
    before = [store_redis.hgetall(KEYS.audience("g1", bucket)) for bucket in range(manifest.n_item_buckets)]
    cook(store_redis, as_id)
    assert before == [store_redis.hgetall(KEYS.audience("g1", bucket)) for bucket in range(manifest.n_item_buckets)], "again: the same"


def test_lists_that_are_all_empty_name_nobody(store_redis: Redis) -> None:
    manifest = promote_lists(store_redis, KEYS, {1: [], 2: []}, audience_depth=DEPTH, n_items=13)
    assert cook(store_redis) == 0
    assert stored(store_redis, manifest, 99) == []


def test_over_http(store_redis: Redis, client: FlaskClient) -> None:
    lists = lists_of(int)
    promote_lists(store_redis, KEYS, lists, audience_depth=DEPTH, n_items=13)
    early = client.get("/items/1/users")
    assert (early.status_code, early.get_json()["error"]) == (409, "No audience")
    assert "not written yet" in early.get_json()["detail"]
    cook(store_redis)
    answer = client.get("/items/1/users").get_json()
    assert [(one["user_id"], one["score"]) for one in answer["users"]] == expected(lists, 1)
    assert [one["rank"] for one in answer["users"]] == [1, 2, 3]
    assert (answer["item_id"], answer["generation"]) == (1, "g1")
    assert len(client.get("/v1/items/1/users?k=1&ids=text").get_json()["users"]) == 1
    assert client.get("/items/1/users?ids=text").get_json()["users"][0]["user_id"] == str(expected(lists, 1)[0][0])
    assert client.get("/items/99/users").get_json()["users"] == []
    assert client.get("/items/1/users").headers["Cache-Control"] == "no-store"
    for unknown in ("/items/500/users", "/items/x/users"):
        assert (client.get(unknown).status_code, client.get(unknown).get_json()["error"]) == (404, "Item not found")
    for wrong in ("k=0", "k=x", "offset=1"):
        assert client.get(f"/items/1/users?{wrong}").status_code == 400
    promote_lists(store_redis, KEYS, lists, generation="g2", n_items=13)
    plain = client.get("/items/1/users")
    assert (plain.status_code, plain.get_json()["error"]) == (409, "No audience")
    assert "LARDER_AUDIENCE_DEPTH" in plain.get_json()["detail"]
    assert client.get("/items/1/users?generation=g1").get_json()["users"], "lists of the generation before still live"


@pytest.mark.parametrize("knows_items", [True, False])
def test_a_user_is_taken_out(store_redis: Redis, knows_items: bool) -> None:
    lists = dict(lists_of(int))
    manifest = promote_lists(store_redis, KEYS, lists, audience_depth=50, n_items=13)
    cook(store_redis)
    gone = lists.pop(7)
    take_out(store_redis, KEYS, manifest, 7, [item for item, _ in gone] if knows_items else None)
    for item in ITEMS:
        assert stored(store_redis, manifest, item) == expected(lists, item, 50)


def test_who_is_erased_while_they_are_made_is_in_none(store_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the lists were read: the list of the erased has moved, so all is made again, without the user, whose list still stands."""
    lists = dict(lists_of(int))
    manifest = promote_lists(store_redis, KEYS, lists, audience_depth=50, n_items=13)
    tries = list[int]()

    def late(*arguments: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            erasure(store_redis).add(7)
        write_audiences(*arguments)

    monkeypatch.setattr("trainer.export.cook_audiences.write_audiences", late)
    cook(store_redis)
    del lists[7]
    assert len(tries) == 2
    for item in ITEMS:
        assert stored(store_redis, manifest, item) == expected(lists, item, 50)


def test_nothing_is_made_where_nobody_asked_and_of_lists_that_are_lost(store_redis: Redis) -> None:
    manifest = promote_lists(store_redis, KEYS, lists_of(int), n_items=13)
    assert cook(store_redis) == 0
    assert not store_redis.keys("*audience*")
    assert not [key for key in keys_of_lists(KEYS, manifest) if "audience" in key]
    other = promote_lists(store_redis, KEYS, lists_of(int), generation="g2", audience_depth=DEPTH, n_items=13)
    assert KEYS.audience("g2", 0) in set(keys_of_lists(KEYS, other)), "what goes with the lists"
    store_redis.unlink(KEYS.recs("g2", 0))
    with pytest.raises(GenerationError, match="g2 should have lists of"):
        cook(store_redis, generation="g2")
