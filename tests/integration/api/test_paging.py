"""Pages that belong together, and a promotion that every process follows at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from redis import Redis

from api.app import create_app
from contract.formats.keys import Keys
from contract.formats.manifest import MovedPointer
from contract.settings.settings import ModelSettings, Settings
from contract.store.generations import Generations
from contract.store.removal import retire
from tests.support.builders import Lists, promote_lists
from tests.support.servers.api_process import ApiProcess, until

KEYS = Keys()
MODEL = ModelSettings(k=2, depth=5, similar_depth=0)
FIRST: Lists = {54: [(item, 10.0 - item) for item in range(5)]}
SECOND: Lists = {54: [(item, 10.0 - item / 10) for item in range(4, -1, -1)], 55: [(1, 1.0)]}
PROMOTIONS = 6


@pytest.fixture
def client(store_redis: Redis, redis_server: str) -> FlaskClient:
    promote_lists(store_redis, KEYS, FIRST, generation="g1", settings=MODEL)
    return create_app(Settings(redis_url=redis_server, pointer_ttl_ms=0)).test_client()


def page(client: FlaskClient, query: str, way: str) -> dict[str, Any]:
    fields = dict(part.split("=") for part in query.split("&"))
    if way == "path":
        return client.get(f"/users/54/recommendations?{query}").get_json()  # type: ignore[no-any-return]
    pinned = f"?generation={fields.pop('generation')}" if "generation" in fields else ""
    numbers = {name: int(value) for name, value in fields.items()}
    if way == "body":
        return client.post(f"/recommendations{pinned}", json={"user_id": 54, **numbers}).get_json()  # type: ignore[no-any-return]
    answer = client.post(f"/recommendations/batch{pinned}", json={"user_ids": [54], **numbers}).get_json()
    return {**answer, **answer["results"][0]}


@pytest.mark.parametrize("way", ["path", "body", "batch"])
def test_pages_of_one_generation_repeat_and_skip_nothing(client: FlaskClient, store_redis: Redis, way: str) -> None:
    seen: list[int] = []
    generation = page(client, "k=2", way)["generation"]
    for offset in (0, 2, 4):
        found = page(client, f"k=2&offset={offset}&generation={generation}", way)
        assert found["generation"] == "g1"
        seen += [item["item_id"] for item in found["items"]]
        if offset == 0:
            promote_lists(store_redis, KEYS, SECOND, generation="g2", settings=MODEL)
    assert seen == [0, 1, 2, 3, 4]
    assert page(client, "k=2", way)["generation"] == "g2"


def test_a_user_whom_only_a_newer_generation_knows_is_unknown_to_the_pinned_one(client: FlaskClient, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SECOND, generation="g2", settings=MODEL)
    assert client.get("/users/55/recommendations").status_code == 200
    assert client.get("/users/55/recommendations?generation=g1").get_json()["error"] == "User not found"
    (result,) = client.post("/recommendations/batch?generation=g1", json={"user_ids": [55]}).get_json()["results"]
    assert result["problem"]["error"] == "User not found"


def test_a_generation_that_is_gone_says_so(client: FlaskClient, store_redis: Redis) -> None:
    for name in ("g2", "g3"):
        promote_lists(store_redis, KEYS, SECOND, generation=name, settings=MODEL)
    assert client.get("/users/54/recommendations?generation=g1").status_code == 200
    retire(Generations(store_redis, KEYS), "g1", grace_s=0, late_writers_s=60)
    for generation in ("g1", "never"):
        answer = client.get(f"/users/54/recommendations?generation={generation}")
        assert (answer.status_code, answer.get_json()["error"]) == (410, "Generation gone")
        assert "begin again" in answer.get_json()["detail"]


@pytest.mark.parametrize("query", ["generation=", "generation=a:b", "generation=g1&generation=g1", f"generation={'g' * 65}"])
def test_what_is_no_generation_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/users/54/recommendations?{query}").status_code == 400


def test_an_offset_beyond_what_is_stored_says_so(client: FlaskClient) -> None:
    def marks(offset: int) -> tuple[bool, bool]:
        found = client.get(f"/users/54/recommendations?offset={offset}").get_json()
        return found.get("short", False), found.get("beyond", False)

    assert [marks(offset) for offset in (0, 3, 4, 5, 3000)] == [(False, False), (False, False), (True, False), (True, True), (True, True)]


def test_the_pointer_says_from_when_on_it_holds(store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, FIRST, generation="g1")
    promote_lists(store_redis, KEYS, FIRST, generation="g2")
    generations = Generations(store_redis, KEYS, settle_ms=10_000)
    generations.promote("g1", "a test", "person")
    generations.promote("g2", "a test", "person")
    raw = store_redis.get(KEYS.current)
    assert isinstance(raw, bytes)
    pointer = MovedPointer.model_validate_json(raw)
    assert pointer.before is not None
    assert pointer.before.before is not None
    assert [pointer.generation, pointer.before.generation, pointer.before.before.generation] == ["g2", "g1", "g2"]
    assert pointer.before.before.before is None
    seconds, _ = store_redis.time()
    assert seconds * 1000 + 8_000 < pointer.before.holds_from_ms <= pointer.holds_from_ms


@pytest.fixture
def two_apis(store_redis: Redis, redis_server: str) -> Iterator[tuple[ApiProcess, ApiProcess]]:
    for name, lists in (("g1", FIRST), ("g2", SECOND)):
        promote_lists(store_redis, KEYS, lists, generation=name, settings=MODEL)
    with ApiProcess(redis_server, LARDER_API_WORKERS="1") as one, ApiProcess(redis_server, LARDER_API_WORKERS="1") as other:
        yield one, other


@pytest.mark.long
def test_nobody_gets_old_lists_after_new_ones(store_redis: Redis, two_apis: tuple[ApiProcess, ApiProcess]) -> None:
    """Each client asks both processes in turn; what it gets has to change once for each promotion."""
    generations, stop = Generations(store_redis, KEYS, settle_ms=500), threading.Event()
    seen: list[list[str]] = [[] for _ in range(3)]

    def ask(got: list[str]) -> None:
        with requests.Session() as session:
            while not stop.is_set():
                for api in two_apis:
                    answer = session.post(f"{api.url}/recommendations", json={"user_id": 54}, timeout=30).json()["generation"]
                    if not got or got[-1] != answer:
                        got.append(answer)

    threads = [threading.Thread(target=ask, args=(got,)) for got in seen]
    for thread in threads:
        thread.start()
    expected: list[str] = []
    try:
        for number in range(PROMOTIONS + 1):
            name = f"g{2 - number % 2}"
            outcome = generations.promote(name, "a test", "person")
            assert outcome == ("promoted" if number else "already")
            expected.append(name)
            until(f"all have {name}", lambda: all(len(got) >= len(expected) for got in seen))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert seen == [expected] * len(seen)
