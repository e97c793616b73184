"""What has changed since a generation, and what of it was taken away."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from redis import Redis

from contract.errors import GenerationError, SettingsError
from contract.formats.keys import Keys
from contract.store.generations import Generations
from tests.support.builders import promote_lists
from trainer.export.export import Since, export
from trainer.export.files import FileTarget

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
