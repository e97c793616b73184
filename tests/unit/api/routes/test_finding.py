"""`GET /items?q=`, by category and with a filter, and `GET /users?prefix=`."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from flask.testing import FlaskClient

from contract.formats.keys import Keys
from contract.settings.settings import ModelSettings
from contract.store.item_revisions import encode_ids
from tests.support.builders import Lists, items_pointer
from tests.support.fakes import Clock, FakeRedis, serve
from trainer.items.columns import filter_columns
from trainer.items.items import cleaned
from trainer.items.titles import titles_of

KEYS = Keys()
LISTS: Lists = {54: [(1, 4.0)]}
FILMS = {1: ("Heat", "Crime"), 2: ("Heat Wave", "Drama"), 3: ("The Heat", "Crime"), 4: ("Alien", "Horror"), 5: ("Heathers", "Crime")}


def stock(fake: FakeRedis, films: dict[int, tuple[str, str]], revision: int = 1, unavailable: tuple[int, ...] = (), met: int = 5) -> None:
    """What `larder items` leaves behind: `met` has been met by the most users."""
    titles, genres = [title for title, _ in films.values()], [genre for _, genre in films.values()]
    frame = pl.DataFrame({"item": [str(item) for item in films], "title": titles, "genre": genres, "year": list(range(len(films)))})
    items = cleaned(frame, "a test")
    rows, columns = filter_columns(items, {"year": None}, [])
    fake.hset(KEYS.columns(str(revision)), {"": rows, **columns})
    fake.hset(KEYS.titles(str(revision)), titles_of(items, {str(met): 1}).encoded())
    fake.hset(KEYS.items(str(revision), 0), {str(item): b'{"title":"%s"}' % title.encode() for item, (title, _) in films.items()})
    fake.strings[KEYS.unavailable(str(revision))] = encode_ids(map(str, unavailable))
    told = {"n_items": len(films), "n_unavailable": len(unavailable), "columns": tuple(columns), "n_titles": len(films)}
    pointer = items_pointer(revision, **told)
    fake.strings[KEYS.items_pointer] = pointer.model_dump_json().encode()


@pytest.fixture(autouse=True)
def served(fake: FakeRedis) -> None:
    serve(fake, LISTS, settings=ModelSettings(k=3, depth=6), n_item_buckets=1)
    stock(fake, FILMS)


def ask(client: FlaskClient, **query: object) -> Any:
    return client.get("/items", query_string={name: str(value) for name, value in query.items()})


def ids(answer: Any) -> list[object]:
    return [item["item_id"] for item in answer.get_json()["items"]]


def test_items_are_found_by_words_of_their_titles(client: FlaskClient) -> None:
    answer = ask(client, q="heat", k=4).get_json()
    assert [(item["item_id"], item["rank"], item["metadata"]["title"]) for item in answer["items"]] == [
        (1, 1, "Heat"),
        (5, 2, "Heathers"),
        (2, 3, "Heat Wave"),
        (3, 4, "The Heat"),
    ]
    assert answer.keys() == {"items", "generation", "trained_at", "data_until"}
    assert ids(ask(client, q="heat")) == [1, 5, 2]
    rest = ask(client, q="heat", offset=3).get_json()
    assert ([(item["item_id"], item["rank"]) for item in rest["items"]], rest["short"]) == ([(3, 4)], True)
    assert ask(client, q="heat", offset=4).get_json()["beyond"] is True
    assert ask(client, q="heat", ids="text").get_json()["items"][0]["item_id"] == "1"


def test_a_letter_may_differ_and_the_answer_says_so(client: FlaskClient) -> None:
    answer = ask(client, q="alein").get_json()
    assert ([item["item_id"] for item in answer["items"]], answer["corrected"]) == ([4], True)
    assert ask(client, q="zebra").get_json().items() >= {"items": [], "short": True}.items()


def test_by_category_and_all_of_them(client: FlaskClient) -> None:
    assert ids(ask(client, category="Crime")) == [5, 1, 3]
    assert ids(ask(client, category="Crime", k=1, offset=1)) == [1]
    assert ids(ask(client, category="Crime", q="heath")) == [5]
    assert ids(ask(client, category="Krime")) == []
    assert ids(ask(client)) == [5, 1, 2]


def test_with_a_filter_and_without_what_is_unavailable(client: FlaskClient, fake: FakeRedis, clock: Clock) -> None:
    assert ids(ask(client, q="heat", filter="year >= 1", k=9)) == [5, 2, 3]
    assert ask(client, q="heat", filter="yaer = 1").status_code == 400  # codespell:ignore
    stock(fake, FILMS, revision=2, unavailable=(1, 5), met=3)
    clock.now_s += 1
    assert ids(ask(client, q="heat", k=9)) == [2, 3]
    assert ids(ask(client, category="Crime")) == [3]


def test_the_index_is_read_when_it_is_first_asked_and_once_a_revision(client: FlaskClient, fake: FakeRedis, clock: Clock) -> None:
    client.get("/items/1")
    before = fake.round_trips
    client.get("/items/1")
    assert fake.round_trips - before == 1
    ask(client, q="heat")
    before = fake.round_trips
    ask(client, q="heat wave")
    assert fake.round_trips - before == 1  # the metadata
    stock(fake, {1: ("Frost", "Crime")}, revision=2)
    clock.now_s += 1
    assert ids(ask(client, q="frost")) == [1]


def test_an_item_by_its_id_is_asked_alone(client: FlaskClient) -> None:
    assert ask(client, item_id=1).get_json()["item_id"] == 1
    both = ask(client, item_id=1, q="heat")
    assert (both.status_code, both.get_json()["error"]) == (404, "Item not found")


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"q": ""}, "q: "),
        ({"q": "x" * 201}, "q: "),
        ({"query": "heat"}, '"query" is not a field; the nearest is "q'),
        ({"q": "heat", "k": 0}, "k: "),
        ({"q": "heat", "offset": -1}, "offset: "),
        ({"category": ""}, "category: "),
    ],
)
def test_what_makes_no_sense_is_refused(client: FlaskClient, query: dict[str, object], detail: str) -> None:
    answer = ask(client, **query)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "Invalid request data")
    assert answer.get_json()["detail"].startswith(detail[:8])


def test_without_an_index_it_is_refused(client: FlaskClient, fake: FakeRedis) -> None:
    del fake.strings[KEYS.items_pointer]
    answer = ask(client, q="heat")
    assert (answer.status_code, answer.get_json()["error"]) == (409, "No index")
    assert answer.get_json()["detail"].startswith("No table of items is served: name one as LARDER_ITEMS")
    users = client.get("/users?prefix=5")
    assert (users.status_code, users.get_json()["error"]) == (409, "No index")


@pytest.mark.parametrize(
    ("n_items", "why"), [(0, "The table of items that is served has no rows"), (5, "The items that are served have no index")]
)
def test_why_there_is_no_index_is_told(client: FlaskClient, fake: FakeRedis, n_items: int, why: str) -> None:
    fake.strings[KEYS.items_pointer] = items_pointer(1, n_items=n_items, n_titles=0).model_dump_json().encode()
    assert ask(client, q="heat").get_json()["detail"].startswith(why)


def test_an_index_that_is_gone_is_an_error(client: FlaskClient, fake: FakeRedis) -> None:
    del fake.hashes[KEYS.titles("1")]["order"]
    answer = ask(client, q="heat")
    assert (answer.status_code, answer.get_json()["error"]) == (503, "Store unavailable")


@pytest.fixture
def users(fake: FakeRedis) -> None:
    serve(fake, LISTS, generation="g2", settings=ModelSettings(k=2, depth=6), finds_users=True)
    fake.sorted[KEYS.names("g2")] = sorted(str(user).encode() for user in (1, 12, 120, 13, 2, 99))


@pytest.mark.usefixtures("users")
def test_users_are_found_page_by_page(client: FlaskClient) -> None:
    first = client.get("/users?prefix=1").get_json()
    assert (first["user_ids"], first["next"]) == ([1, 12], "12")
    last = client.get("/users?prefix=1&after=12").get_json()
    assert (last["user_ids"], "next" in last) == ([120, 13], False)
    assert client.get("/users?prefix=12&after=1&k=5&ids=text").get_json()["user_ids"] == ["12", "120"]
    assert client.get("/users?prefix=7").get_json()["user_ids"] == []
    assert client.get("/users?prefix=1").headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("users")
def test_users_that_are_gone_are_an_error_and_not_nobody(client: FlaskClient, fake: FakeRedis) -> None:
    del fake.sorted[KEYS.names("g2")]
    answer = client.get("/users?prefix=1")
    assert (answer.status_code, answer.get_json()["error"]) == (503, "Store unavailable")
    assert "the next run writes it anew (`larder run`)" in answer.get_json()["detail"]
    assert "Retry-After" in answer.headers
    page = client.get("/explore/found?q=1")
    assert (page.status_code, "Redis has lost them" in page.text) == (200, True)


@pytest.mark.usefixtures("users")
def test_users_of_a_generation_that_has_just_been_pruned_are_those_of_the_next(client: FlaskClient, fake: FakeRedis) -> None:
    assert client.get("/users?prefix=1").status_code == 200
    del fake.sorted[KEYS.names("g2")]
    serve(fake, LISTS, generation="g3", settings=ModelSettings(k=2, depth=6), finds_users=True)
    fake.sorted[KEYS.names("g3")] = [b"17"]
    assert client.get("/users?prefix=1").get_json()["user_ids"] == [17]


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("query", ["", "prefix=", "prefix=1&k=0", "prefix=1&offset=3", "prefix=1&prefix=2", "prefix=1&after="])
def test_bad_questions_about_users(client: FlaskClient, query: str) -> None:
    assert client.get(f"/users?{query}").status_code == 400
