"""Lists in tables of SQLite and PostgreSQL: what is in them, and that the old ones stay until the new ones are whole."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis import Redis

from contract.errors import GenerationError, SettingsError, StoreError, TargetError
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from tests.support.builders import items_pointer, promote_lists
from tests.support.export_maker import KEYS, connected, execute, export_to, item_of, promote_many, rows_in, tables_in
from tests.support.generation_maker import make_generation, settings_for
from tests.support.golden import LISTS, SCORES
from trainer.cli.export import database
from trainer.export.export import export

USERS = 1_000_000 if os.environ.get("LARDER_TEST_CHAOS") == "full" else 50_000
SMALL = {1: [(10, 4.5), (11, 4.0), (12, 1.0), (13, 0.5)], 2**40: [(10, 3.0)], 3: []}
ODD = ["a\tb", "c\nd", "\\N", 'say "é"', "'; DROP TABLE x; --", "日本 ", "%s", "NULL"]
KINDS = ("sqlite", "sqlite-wal", "postgres")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "postgres":
        yield request.getfixturevalue("postgres_url")
        return
    path = f"sqlite:///{tmp_path}/lists.db"
    if request.param == "sqlite-wal":
        execute(path, "PRAGMA journal_mode = WAL")
    yield path


def test_a_wide_table_is_padded_with_null_and_keeps_numbers(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    assert export_to(url, store_redis, "g1") == 3
    assert rows_in(url) == [(1, 10, 11, 12), (3, None, None, None), (2**40, 10, None, None)]
    with connected(url) as connection:
        found = sa.inspect(connection)
        assert [str(column["type"]) for column in found.get_columns("recommendations")] == ["BIGINT"] * 4
        assert found.get_pk_constraint("recommendations")["constrained_columns"] == ["user_id"]
    assert [row[1:5] for row in rows_in(url, "SELECT table_name, generation, layout, k, users FROM larder_exports")] == [
        ("g1", "wide", 3, 3)
    ]


def test_a_long_table_and_its_key(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    export_to(url, store_redis, "g1", "long", 4)
    found = rows_in(url, "SELECT * FROM recommendations ORDER BY user_id, rank")
    assert found == [(1, 1, 10, 4.5), (1, 2, 11, 4.0), (1, 3, 12, 1.0), (1, 4, 13, 0.5), (2**40, 1, 10, 3.0)]
    with connected(url) as connection:
        assert sa.inspect(connection).get_pk_constraint("recommendations")["constrained_columns"] == ["user_id", "rank"]


def test_ids_that_are_text_arrive_as_they_are(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, {user: [(f"item of {user}", 1.0)] for user in ODD})
    export_to(url, store_redis, "g1", k=1)
    assert sorted(rows_in(url)) == sorted((user, f"item of {user}") for user in ODD)


def test_what_is_unavailable_is_left_out(store_redis: Redis, tmp_path: Path) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    catalogue, url = Catalogue(store_redis, KEYS), f"sqlite:///{tmp_path}/x.db"
    revision = catalogue.begin()
    n_buckets = catalogue.write(revision, 1, [("11", "{}")], ["11"])
    assert catalogue.switch(items_pointer(revision, n_buckets=n_buckets, n_unavailable=1))
    export_to(url, store_redis, "g1")
    assert rows_in(url)[0] == (1, 10, 12, 13)
    store_redis.delete(KEYS.unavailable(str(revision)))
    with pytest.raises(StoreError, match="Redis has lost the list of what is unavailable"):
        export_to(url, store_redis, "g1")


def test_sqlite_stores_integers_as_integers(store_redis: Redis, tmp_path: Path) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    export_to(f"sqlite:///{tmp_path}/x.db", store_redis, "g1")
    kinds = rows_in(f"sqlite:///{tmp_path}/x.db", "SELECT DISTINCT typeof(user_id), typeof(item1) FROM recommendations ORDER BY 2")
    assert kinds == [("integer", "integer"), ("integer", "null")]


def test_the_old_table_gives_way_and_its_generation_with_it(url: str, store_redis: Redis) -> None:
    promote_many(store_redis, "a", 300, 1000)
    promote_many(store_redis, "b", 200, 2000)
    export_to(url, store_redis, "a")
    export_to(url, store_redis, "b", k=2)
    assert rows_in(url) == [(user, *(item_of(user, rank, 2000) for rank in range(2))) for user in range(1, 201)]
    assert rows_in(url, "SELECT generation FROM larder_exports") == [("b",)]
    export_to(url, store_redis, "a", "long")  # from the previous generation, and in another layout
    assert rows_in(url, "SELECT count(*), count(DISTINCT user_id) FROM recommendations") == [(900, 300)]
    assert tables_in(url) == {"recommendations", "larder_exports"}


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_reader_never_finds_the_table_missing_or_half_filled(url: str, store_redis: Redis) -> None:
    sizes = {1000: USERS, 2000: USERS - 777}
    promote_many(store_redis, "a", sizes[1000], 1000)
    promote_many(store_redis, "b", sizes[2000], 2000)
    export_to(url, store_redis, "a")
    stop, seen, wrong = threading.Event(), {1000: 0, 2000: 0}, list[str]()

    def poll() -> None:
        statement = "SELECT count(*), min(item1), max(item3), min(generation), max(users) FROM recommendations, larder_exports"
        try:
            with connected(url, connect_args={"timeout": 60} if url.startswith("sqlite") else {}) as connection:
                while not stop.is_set():
                    began = time.monotonic()
                    count, low, high, generation, users = connection.exec_driver_sql(statement).one()
                    connection.rollback()
                    base = low // 1000 * 1000
                    seen[base] += 1
                    if (count, high // 1000 * 1000, generation, users) != (sizes[base], base, "ab"[base // 2000], count):
                        wrong.append(f"{count} {low} {high} {generation} {users}")
                    time.sleep(time.monotonic() - began)  # the exports need a processor, too
        except Exception as error:
            wrong.append(repr(error))
            raise

    readers = [threading.Thread(target=poll) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for generation in "baba":
            export_to(url, store_redis, generation)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    assert min(seen.values()) > 0


def spoil(redis: Redis, how: str) -> str:
    """Does something to generation "b", which is read; what the error then says."""
    if how == "pruned":
        redis.hset(KEYS.generation("b"), "state", "pruned")
        return "generation b became pruned while it was read: there are no lists to export"
    if how == "erased":
        redis.hincrby(KEYS.generation("b"), "users_written", -1)
        return "a user of generation b was erased while it was read"
    redis.delete(KEYS.recs("b", 1))
    return "generation b should have lists of 500 users, and Redis has those of "


@pytest.mark.parametrize("how", ["pruned", "erased", "evicted"])
@pytest.mark.parametrize("form", ["table", "file"])
def test_a_generation_that_goes_while_it_is_read_leaves_the_target_as_it_was(
    how: str, form: str, store_redis: Redis, tmp_path: Path
) -> None:
    from trainer.export.files import FileTarget

    promote_many(store_redis, "a", 300, 1000)
    promote_many(store_redis, "b", 500, 2000)
    path = tmp_path / ("x.db" if form == "table" else "x.csv")
    target = database(f"sqlite:///{path}", "recommendations") if form == "table" else FileTarget(str(path), None)
    export(Generations(store_redis, KEYS), "a", target, "wide", None, lambda *_: None)
    before = path.read_bytes()
    expected: list[str] = []

    def at_the_first_bucket(what: str, done: int, _total: int) -> None:
        if what == "read" and done == 1:
            expected.append(spoil(store_redis, how))

    if how == "evicted":
        expected.append(spoil(store_redis, how))
    with pytest.raises(GenerationError) as raised:
        export(Generations(store_redis, KEYS), "b", target, "wide", None, at_the_first_bucket if how != "evicted" else lambda *_: None)
    assert expected[0] in str(raised.value)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_generations_without_lists_and_a_k_beyond_the_depth(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    with pytest.raises(GenerationError, match="generation z is unknown: there are no lists to export"):
        export_to(url, store_redis, "z")
    with pytest.raises(SettingsError, match="--k=7: generation g1 stores 6 items for a user"):
        export_to(url, store_redis, "g1", k=7)
    assert tables_in(url) == set()


def test_an_export_that_ends_in_the_middle_leaves_the_old_table_and_nothing_else(url: str, store_redis: Redis) -> None:
    promote_many(store_redis, "a", 300, 1000)
    promote_many(store_redis, "b", 2500, 2000)
    export_to(url, store_redis, "a")
    before = rows_in(url)

    def interrupt(what: str, _done: int, _total: int) -> None:
        if what == "written":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(Generations(store_redis, KEYS), "b", database(url, "recommendations"), "wide", None, interrupt)
    assert rows_in(url) == before
    assert tables_in(url) == {"recommendations", "larder_exports"}


def test_a_table_of_something_else_is_not_replaced(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    execute(url, "CREATE TABLE customers (user_id INTEGER, name TEXT)", "INSERT INTO customers VALUES (1, 'Ada')")
    with pytest.raises(TargetError, match=r"customers exists and holds no lists \(its columns: user_id, name\)"):
        export_to(url, store_redis, "g1", table="customers")
    assert rows_in(url, "SELECT * FROM customers") == [(1, "Ada")]


def test_the_notebook_s_own_table_is_replaced(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    items = ", ".join(f"item{rank} TEXT" for rank in range(1, 11))
    execute(url, f"CREATE TABLE recommendations (user_id INT PRIMARY KEY, {items})", "INSERT INTO recommendations (user_id) VALUES (7)")
    export_to(url, store_redis, "g1")
    assert [row[0] for row in rows_in(url)] == [1, 3, 2**40]


def test_indexes_are_made_again(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    export_to(url, store_redis, "g1", "long")
    execute(url, 'CREATE INDEX "by item" ON recommendations (item_id)')
    for _ in range(2):
        export_to(url, store_redis, "g1", "long")
    with connected(url) as connection:
        indexes = sa.inspect(connection).get_indexes("recommendations")
    assert [(index["name"], index["column_names"]) for index in indexes] == [("by item", ["item_id"])]


def test_views_of_sqlite_s_old_table_are_views_of_the_new_one(store_redis: Redis, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/lists.db"
    promote_lists(store_redis, KEYS, SMALL)
    export_to(url, store_redis, "g1")
    execute(url, "CREATE VIEW firsts AS SELECT user_id, item1 FROM recommendations")
    export_to(url, store_redis, "g1", k=1)
    assert rows_in(url, "SELECT * FROM firsts ORDER BY 1") == [(1, 10), (3, None), (2**40, 10)]


def test_sqlite_s_names_that_differ_in_capitals_alone(store_redis: Redis, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/lists.db"
    promote_lists(store_redis, KEYS, SMALL)
    export_to(url, store_redis, "g1", table="lists")
    export_to(url, store_redis, "g1", table="Lists")
    assert rows_in(url, "SELECT table_name FROM larder_exports") == [("Lists",)]
    execute(url, "CREATE VIEW Firsts AS SELECT user_id, item1 FROM lists", "CREATE TABLE Others (user_id, thesis)")
    with pytest.raises(TargetError, match="firsts is a view"):
        export_to(url, store_redis, "g1", table="firsts")
    with pytest.raises(TargetError, match="others exists and holds no lists"):
        export_to(url, store_redis, "g1", table="others")


def test_a_newer_export_to_sqlite_ends_the_older_one(store_redis: Redis, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/lists.db"
    promote_many(store_redis, "a", 300, 1000)
    promote_many(store_redis, "b", 2500, 2000)

    def overtake(what: str, done: int, _total: int) -> None:
        if what == "written" and done == 1000:
            export_to(url, store_redis, "a")

    with pytest.raises(TargetError, match="another export to recommendations has begun, so this one ends"):
        export(Generations(store_redis, KEYS), "b", database(url, "recommendations"), "wide", None, overtake)
    assert rows_in(url, "SELECT count(*), generation FROM recommendations, larder_exports") == [(300, "a")]
    assert tables_in(url) == {"recommendations", "larder_exports"}


def test_databases_that_can_t_be_opened(tmp_path: Path, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    (tmp_path / "text.db").write_text("no database at all, but some text")
    for address, reason in (
        (f"sqlite:///{tmp_path}/no/x.db", "there is no folder"),
        (f"sqlite:///{tmp_path}/text.db", "file is not a database"),
        (f"postgresql://me@/db?host={tmp_path}", "connection to server on socket"),
    ):
        with pytest.raises(TargetError, match=reason) as raised:
            export_to(address, store_redis, "g1")
        assert "\n" not in str(raised.value)


@pytest.mark.ml100k
def test_the_wide_table_of_movielens_100k_is_the_notebook_s(
    url: str, store_redis: Redis, redis_server: str, ml100k: Path, tmp_path: Path
) -> None:
    lines = [line.split("\t") for line in (ml100k / "u.data").read_text().splitlines()]
    events = [(int(user), int(item), float(weight), int(at)) for user, item, weight, at in lines]
    settings = settings_for(redis_server, f"file://{tmp_path}/artifacts", k=10, depth=0)
    make_generation(store_redis, settings, "a", events)
    export_to(url, store_redis, "a")
    table = {user: list(items) for user, *items in rows_in(url)}
    assert len(table) == 943
    assert {user: table[user] for user in LISTS} == LISTS
    assert table[54] == list(SCORES[54])
    assert table[88] == list(SCORES[88])
    export_to(url, store_redis, "a", "long")
    scores = dict(rows_in(url, "SELECT item_id, score FROM recommendations WHERE user_id = 54"))
    assert scores == pytest.approx(SCORES[54], abs=1e-5)
