"""What has changed since a generation, and what of it was taken away."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from redis import Redis

from contract.errors import GenerationError, SettingsError, TargetError
from contract.formats.keys import Keys
from contract.store.generations import Generations
from tests.support.builders import promote_lists
from tests.support.export_maker import execute, rows_in
from trainer.cli.export import database
from trainer.export.export import Since, export
from trainer.export.files import FileTarget
from trainer.export.rows import Layout

KEYS = Keys("larder")
OLD = {1: [(10, 4.5), (11, 4.0)], 2: [(12, 1.0)], 3: [(12, 1.0)], 4: [(13, 2.0)], 10: [(10, 1.0)]}
NEW = {1: [(10, 4.5), (11, 4.0)], 2: [(12, 1.5)], 4: [(14, 2.0)], 5: [(10, 1.0)], 10: [(10, 1.0)]}


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    promote_lists(store_redis, KEYS, OLD, generation="a", k=2, n_user_buckets=2)
    promote_lists(store_redis, KEYS, NEW, generation="b", k=2, n_user_buckets=7)
    return Generations(store_redis, KEYS)


def changes(generations: Generations, path: Path, since: str = "a") -> int:
    target = FileTarget(str(path), None)
    return export(generations, "b", target, "wide", None, lambda *_: None, Since(since, scored=target.form == "jsonl"))


def test_a_wide_file_of_changes(generations: Generations, tmp_path: Path) -> None:
    assert changes(generations, tmp_path / "c.csv") == 3
    with open(tmp_path / "c.csv", newline="") as file:
        assert list(csv.reader(file)) == [["user_id", "item1", "item2"], ["3", "", ""], ["4", "14", ""], ["5", "10", ""]]


def test_where_scores_are_given_they_count(generations: Generations, tmp_path: Path) -> None:
    assert changes(generations, tmp_path / "c.jsonl") == 4
    found = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert {one["input"]["userId"]: one["output"]["recommendedItems"] for one in found} == {"2": ["12"], "3": [], "4": ["14"], "5": ["10"]}


def test_nothing_has_changed_since_itself(generations: Generations, tmp_path: Path) -> None:
    assert changes(generations, tmp_path / "c.jsonl", "b") == 0
    assert (tmp_path / "c.jsonl").read_text() == ""


def test_texts_are_merged_in_the_order_of_their_bytes(store_redis: Redis, tmp_path: Path) -> None:
    users = ["Z", "a", "z", "é", "日本", "10", "9", "\U0001f600", "\uffff"]
    promote_lists(store_redis, KEYS, {user: [("x", 1.0)] for user in users}, generation="a", k=1)
    promote_lists(store_redis, KEYS, {user: [("x" if user != "é" else "y", 1.0)] for user in users}, generation="b", k=1)
    assert changes(Generations(store_redis, KEYS), tmp_path / "c.csv") == 1
    assert (tmp_path / "c.csv").read_text() == "user_id,item1\né,y\n"


def test_what_can_not_be_compared_is_refused(generations: Generations, store_redis: Redis, tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="there are no lists"):
        changes(generations, tmp_path / "c.csv", "gone")
    promote_lists(store_redis, KEYS, {"u": [(10, 1.0)]}, generation="t", k=2)
    with pytest.raises(SettingsError, match="of another type"):
        changes(generations, tmp_path / "c.csv", "t")
    assert not (tmp_path / "c.csv").exists()


def test_a_long_file_has_a_row_of_rank_0_for_who_has_nothing(generations: Generations, tmp_path: Path) -> None:
    to = FileTarget(str(tmp_path / "c.csv"), None)
    assert export(generations, "b", to, "long", None, lambda *_: None, Since("a", scored=True)) == 4
    assert (tmp_path / "c.csv").read_text().splitlines() == [
        "user_id,rank,item_id,score", "2,1,12,1.5", "3,0,,", "4,1,14,2", "5,1,10,1"
    ]  # fmt: skip
    export(generations, "b", FileTarget(str(tmp_path / "c.parquet"), None), "long", None, lambda *_: None, Since("a", scored=True))
    assert pl.read_parquet(tmp_path / "c.parquet").rows()[1] == (3, 0, None, None)


@pytest.fixture(params=["sqlite", "duckdb", "postgres_url", "mariadb_url"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    by_file = request.param in ("sqlite", "duckdb")
    return f"{request.param}:///{tmp_path}/lists.db" if by_file else str(request.getfixturevalue(request.param))


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_a_table_that_takes_changes_is_the_table_of_all_lists(
    url: str, layout: Layout, generations: Generations, store_redis: Redis
) -> None:
    promote_lists(store_redis, KEYS, NEW | {6: []}, generation="c", k=2, n_user_buckets=3)

    def to(table: str, generation: str, since: str | None = None) -> int:
        given = Since(since, scored=layout == "long") if since else None
        return export(generations, generation, database(url, table), layout, None, lambda *_: None, given)

    to("taken", "a")
    assert to("taken", "c", since="a") == (4 if layout == "wide" else 5)
    to("whole", "c")
    key = "user_id, rank" if layout == "long" else "user_id"
    taken, whole = (rows_in(url, f"SELECT * FROM {table} ORDER BY {key}") for table in ("taken", "whole"))
    assert taken == whole
    assert len({row[0] for row in taken}) == (6 if layout == "wide" else 5)
    noted = rows_in(url, "SELECT generation, layout, k, users FROM larder_exports ORDER BY table_name")
    assert noted == [("c", layout, 2, 6)] * 2


def test_a_table_of_other_lists_takes_no_changes(url: str, generations: Generations) -> None:
    def to(table: str, generation: str, since: str | None, layout: Layout = "wide", k: int | None = None) -> int:
        return export(
            generations, generation, database(url, table), layout, k, lambda *_: None, Since(since, scored=True) if since else None
        )

    with pytest.raises(TargetError, match="holds no lists that larder_exports knows of; --changed-since needs those of a, wide, k = 2"):
        to("t", "b", "a")
    to("t", "b", None)
    before = rows_in(url, "SELECT * FROM t ORDER BY user_id")
    for more in ({}, {"layout": "long"}, {"k": 1}):
        with pytest.raises(TargetError, match="t holds lists of generation b, wide, k = 2; --changed-since needs"):
            to("t", "b", "a", **more)
    assert rows_in(url, "SELECT * FROM t ORDER BY user_id") == before


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_a_table_that_holds_somebody_else_is_left_as_it_was(url: str, layout: Layout, generations: Generations, store_redis: Redis) -> None:
    """An erased user is in neither generation, so no change says that the row must go."""

    def to(generation: str, since: str | None = None) -> int:
        given = Since(since, scored=layout == "long") if since else None
        return export(generations, generation, database(url, "t"), layout, None, lambda *_: None, given)

    to("a")
    execute(url, f"INSERT INTO t VALUES (77, {'10, NULL' if layout == 'wide' else '1, 10, 1.0'})")  # of who was erased since
    before = sorted(rows_in(url, "SELECT * FROM t"), key=str)
    with pytest.raises(TargetError, match="somebody was erased since, or the table was changed; export all lists"):
        to("b", since="a")
    assert sorted(rows_in(url, "SELECT * FROM t"), key=str) == before
    assert rows_in(url, "SELECT generation FROM larder_exports") == [("a",)]
    to("b")
    assert {row[0] for row in rows_in(url, "SELECT * FROM t")} == set(NEW)
