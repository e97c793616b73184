"""What is unavailable is in no answer: lists are filled from the stored depth, and say so when that runs out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.lists.store import Store
from contract.errors import PayloadError, StoreError
from contract.formats import explanations, payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.manifest import Pointer
from contract.settings.settings import ModelSettings
from contract.store.item_revisions import ItemsPointer, encode_ids
from tests.support.builders import Lists, items_pointer
from tests.support.fakes import Clock, FakeRedis, serve

KEYS = Keys()
LISTS: Lists = {54: [(1, 4.0), (2, 3.5), (3, 3.0), (4, 2.5), (5, 2.0), (6, 1.5)], 88: [(2, 2.0)]}
SIMILAR: dict[int, list[tuple[int, float]]] = {1: [(2, 0.5), (3, 0.25), (4, 0.125)], 2: [(3, 0.5), (5, 0.5)]}
JSON = "application/json"


def stock(fake: FakeRedis, unavailable: list[Id], revision: int = 1, metadata: dict[int, bytes] | None = None) -> None:
    """What a revision of the items leaves behind."""
    pointer = items_pointer(revision, n_items=9, n_unavailable=len(unavailable))
    if unavailable:
        fake.strings[KEYS.unavailable(str(revision))] = encode_ids(map(str, unavailable))
    for item_id, text in (metadata or {}).items():
        fake.hset(KEYS.items(str(revision), 0), {str(item_id): text})
    fake.strings[KEYS.items_pointer] = pointer.model_dump_json().encode()


@pytest.fixture
def served(fake: FakeRedis) -> Pointer:
    settings = ModelSettings(k=3, depth=6, similar_depth=5, explain_depth=1)
    pointer = serve(fake, LISTS, metadata={1: {"title": "old"}}, settings=settings, n_item_buckets=3)
    for item_id, entries in SIMILAR.items():
        key = KEYS.similar(pointer.generation, bucket_of(item_id, pointer.n_item_buckets))
        fake.hset(key, {str(item_id): payload.encode([item for item, _ in entries], [score for _, score in entries])})
    why = explanations.encode([[(100 + item, 1.0)] for item, _ in LISTS[54]])
    fake.hset(KEYS.why(pointer.generation, bucket_of(54, pointer.n_user_buckets)), {"54": why})
    fake.strings[KEYS.popular(pointer.generation)] = payload.encode([2, 3, 4, 1], [20.0, 10.0, 9.0, 8.0])
    return pointer


def ids(answer: Any) -> list[Id]:
    return [item["item_id"] for item in answer["items"]]


@pytest.mark.parametrize("content_type", [JSON, f"{JSON}; charset=utf-8"])  # the fast lane, and the route
def test_a_list_is_filled_from_what_is_stored(client: FlaskClient, fake: FakeRedis, served: Pointer, content_type: str) -> None:
    stock(fake, [2, 3])
    answer = client.post("/recommendations", data=b'{"user_id": 54}', content_type=content_type).get_json()
    assert ids(answer) == [1, 4, 5]
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3]
    assert "short" not in answer
    assert client.post("/recommendations", data=b'{"user_id": 54, "k": 5}', content_type=content_type).get_json()["short"] is True
    none_left = client.post("/recommendations", data=b'{"user_id": 88}', content_type=content_type).get_json()
    assert (none_left["items"], none_left["short"]) == ([], True)


def test_no_answer_has_it(client: FlaskClient, fake: FakeRedis, served: Pointer) -> None:
    stock(fake, [2, 3])
    assert ids(client.get("/users/54/recommendations?exclude=1&offset=1&k=2").get_json()) == [5, 6]
    assert ids(client.get("/popular").get_json()) == [4, 1]
    assert ids(client.get("/items/1/similar").get_json()) == [4]
    assert ids(client.get("/users/999/recommendations?fallback=popular").get_json()) == [4, 1]
    session = client.post("/recommendations/session", json={"items": [{"item_id": 1}, {"item_id": 2}]}).get_json()
    assert ids(session) == [5, 4]
    batch = client.post("/recommendations/batch", json={"user_ids": [54, 88, 999], "fallback": "popular"}).get_json()
    assert [ids(one) for one in batch["results"]] == [[1, 4, 5], [4, 1], [4, 1]]
    plain = client.post("/recommendations/batch", json={"user_ids": [54, 88]}).get_json()
    assert [(ids(one), one.get("short")) for one in plain["results"]] == [([1, 4, 5], None), ([], True)]


def test_reasons_stay_with_their_items(client: FlaskClient, fake: FakeRedis, served: Pointer) -> None:
    stock(fake, [1, 3])
    for query in ("explain=true", "explain=true&exclude=2&k=2"):
        items = client.get(f"/users/54/recommendations?{query}").get_json()["items"]
        assert [item["because"][0]["item_id"] - 100 for item in items] == [item["item_id"] for item in items]
    items = client.post("/recommendations/batch", json={"user_ids": [54], "explain": True}).get_json()["results"][0]["items"]
    assert [(item["item_id"], item["because"][0]["item_id"]) for item in items] == [(2, 102), (4, 104), (5, 105)]


def test_an_item_says_whether_it_is_available(client: FlaskClient, fake: FakeRedis, served: Pointer) -> None:
    assert client.get("/items/1").get_json()["available"] is True
    stock(fake, [1])
    fake_now = client.get("/generations/current")  # reads the pointer
    assert fake_now.status_code == 200
    assert client.get("/items/1").get_json()["available"] is False
    assert client.get("/items/2").get_json()["available"] is True


def test_metadata_are_of_the_newest_revision(client: FlaskClient, fake: FakeRedis, clock: Clock, served: Pointer) -> None:
    path = "/users/54/recommendations?k=1&include=metadata"
    assert client.get(path).get_json()["items"][0]["metadata"] == {"title": "old"}
    for revision, title in ((1, "new"), (2, "newer")):
        stock(fake, [], revision, {1: f'{{"title":"{title}"}}'.encode()})
        clock.now_s += 0.5
        assert client.get(path).get_json()["items"][0]["metadata"] == {"title": title}
        assert client.get("/items/1").get_json()["metadata"] == {"title": title}


def test_a_revision_is_seen_once_the_pointer_is_old_and_costs_one_round_trip(store: Store, fake: FakeRedis, clock: Clock) -> None:
    serve(fake, LISTS)
    stock(fake, [])
    assert store.pointers.current()
    stock(fake, [2], 2)
    assert store.pointers.current().unavailable == frozenset()
    clock.now_s += 0.5
    fake.round_trips = 0
    store.pointers.current()
    assert fake.round_trips == 2
    assert store.pointers.current().unavailable == {2}
    clock.now_s += 0.5
    store.pointers.current()
    assert fake.round_trips == 3, "the ids are read once"


@pytest.mark.parametrize("unavailable", [[], [2]])
def test_a_plain_question_takes_one_round_trip(client: FlaskClient, fake: FakeRedis, unavailable: list[Id]) -> None:
    serve(fake, LISTS)
    stock(fake, unavailable)
    client.post("/recommendations", json={"user_id": 54})
    fake.round_trips = 0
    assert client.post("/recommendations", json={"user_id": 88}).status_code == 200
    assert fake.round_trips == 1


def test_batches_alone_follow_the_items_too(client: FlaskClient, fake: FakeRedis, clock: Clock) -> None:
    serve(fake, LISTS)

    def listed() -> list[Id]:
        return ids(client.post("/recommendations/batch", json={"user_ids": [54]}).get_json()["results"][0])

    assert listed() == [1, 2, 3]
    stock(fake, [2])
    assert listed() == [1, 3, 4], "a batch reads both pointers itself"


def test_a_tag_changes_with_the_items(client: FlaskClient, fake: FakeRedis, clock: Clock, served: Pointer) -> None:
    paths = ("/users/54/recommendations", "/popular", "/items/1", "/items/1/similar", "/users/999/recommendations?fallback=popular")
    tags = {path: client.get(path).headers["ETag"] for path in paths}
    stock(fake, [2])
    clock.now_s += 0.5
    for path, tag in tags.items():
        answer = client.get(path, headers={"If-None-Match": tag})
        assert answer.status_code == 200, path
        assert client.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_ids_are_spelled_as_the_generation_spells_them(store: Store, fake: FakeRedis, clock: Clock) -> None:
    stock(fake, ["1", "01", "a"])
    serve(fake, LISTS)
    store.pointers.current()
    assert store.pointers.current().unavailable == {1}
    view = store.pointers.current().of(serve(fake, {"u": [("1", 2.0), ("b", 1.0)]}, "g2"))
    found = store.user_list(view, "u")
    assert found is not None
    assert found[1].item_ids == ["b"], "a generation other than the current one is filtered as well"
    clock.now_s += 0.5
    store.pointers.current()
    assert store.pointers.current().unavailable == {"1", "01", "a"}


def test_a_list_of_unavailable_items_that_is_gone_is_not_taken_for_an_empty_one(store: Store, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    stock(fake, [1])
    del fake.strings[KEYS.unavailable("1")]
    with pytest.raises(StoreError, match="larder items"):
        store.pointers.current()


def test_a_pointer_that_cannot_be_read_is_an_error_that_says_so(store: Store, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    fake.strings[KEYS.items_pointer] = b"{}"
    with pytest.raises(PayloadError, match="upgrade the API"):
        store.pointers.current()


def test_one_thread_reads_a_new_revision_while_others_go_on(store: Store, fake: FakeRedis, clock: Clock) -> None:
    serve(fake, LISTS)
    stock(fake, [1])
    store.pointers.current()
    stock(fake, [2], 2)
    clock.now_s += 0.5
    began, go_on = Event(), Event()

    def slowly(key: str) -> bytes | None:
        began.set()
        assert go_on.wait(10)
        return fake.strings.get(key)

    fake.get = slowly  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(store.pointers.current)
        assert began.wait(10)
        store.pointers.current()
        assert store.pointers.current().unavailable == {1}
        go_on.set()
        reader.result()
    assert store.pointers.current().unavailable == {2}


def test_a_factor_that_a_rule_has_set_is_shown_with_the_reasons(client: FlaskClient, fake: FakeRedis, served: Pointer) -> None:
    why = explanations.encode([[(100 + item, 1.0)] for item, _ in LISTS[54]], [1.0, 0.5, 1.0, 1.25, 1.0, 3.0])
    fake.hset(KEYS.why(served.generation, bucket_of(54, served.n_user_buckets)), {"54": why})
    stock(fake, [1])
    items = client.get("/users/54/recommendations?explain=true&k=4").get_json()["items"]
    assert [(item["item_id"], item.get("boosted")) for item in items] == [(2, 0.5), (3, None), (4, 1.25), (5, None)]
    assert "boosted" not in str(client.get("/users/54/recommendations").get_json())


def test_an_item_that_no_run_knows_yet_has_similar_items_by_content(client: FlaskClient, fake: FakeRedis, served: Pointer) -> None:
    stock(fake, [3], revision=4)
    pointer = ItemsPointer.model_validate_json(fake.strings[KEYS.items_pointer]).model_copy(update={"n_alike": 1})
    fake.strings[KEYS.items_pointer] = pointer.model_dump_json().encode()
    fake.hset(KEYS.alike("4"), {"77": payload.encode([5, 3, 2], [0.75, 0.5, 0.25])})
    answer = client.get("/items/77/similar").get_json()
    assert [(item["item_id"], item["score"]) for item in answer["items"]] == [(5, 0.75), (2, 0.25)]
    assert answer["generation"] == served.generation
    assert ids(client.get("/items/1/similar").get_json()) == [2, 4]  # what the generation knows has its own list
    assert client.get("/items/78/similar").status_code == 404


def test_without_such_items_nothing_more_is_asked(client: FlaskClient, fake: FakeRedis, served: Pointer) -> None:
    stock(fake, [], revision=4)
    fake.hset(KEYS.alike("4"), {"77": payload.encode([5], [0.75])})
    assert client.get("/items/77/similar").status_code == 404
