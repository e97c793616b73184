"""A disliked item does not come back: from the table through trainer and worker to the lists, to `verify` and to an erasure."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.artifacts.artifact import open_artifact
from tests.support.servers.services import Services

LIKED = [f"u{user},i{(user + step) % 12},5" for user in range(80) for step in range(4)]
HITS = [f"u{user},hit,5" for user in range(80)]
ANA = ["ana,i1,5", "ana,i2,5"]


def lists(stack: Services, folder: Path) -> dict[str, list[str]]:
    target = folder / "lists.csv"
    target.unlink(missing_ok=True)
    done = stack.run("export", "--to", str(target), "--layout", "long")
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    with open(target, newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["user_id"], []).append(row["item_id"])
    return found


@pytest.mark.long
def test_a_disliked_item_does_not_come_back(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(erasure_secret="a secret of the tests", similar_depth=0)
    stack.start("worker")
    data = tmp_path / "events.csv"

    def train(rows: list[str], *arguments: str) -> str:
        data.write_text("user_id,item_id,rating\n" + "\n".join(rows) + "\n")
        done = stack.run("run", "--here", "--wait", "--force", "--interactions", str(data), *arguments)
        assert done.returncode == 0, done.stderr
        pointer = stack.generations.current()
        assert pointer is not None
        return pointer.generation

    without = train([*LIKED, *HITS, *ANA])
    assert "disliked_indptr" not in open_artifact(stack.settings.artifacts, without).arrays
    plain = lists(stack, tmp_path)
    assert "hit" in plain["ana"]

    for weight in ("-1", "0"):
        generation = train([*LIKED, *HITS, *ANA, f"ana,hit,{weight}"])
        found = lists(stack, tmp_path)
        assert found["ana"] == [item for item in plain["ana"] if item != "hit"]
        assert {user: row for user, row in found.items() if user != "ana"} == {user: row for user, row in plain.items() if user != "ana"}
        reading = stack.generations.manifest(generation).reading
        assert reading["dropped"] == {"a weight of 0 or less: met, and not liked": 1}
        verified = stack.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr

    artifact = open_artifact(stack.settings.artifacts, generation)
    hit = artifact.ids("item_ids").index("hit")
    assert artifact["disliked_indices"].tolist() == [hit]
    erased = stack.run("erase", "ana", "--yes")
    assert erased.returncode == 0, erased.stderr
    assert open_artifact(stack.settings.artifacts, generation)["disliked_indices"].tolist() == [0]
    assert "ana" not in lists(stack, tmp_path)

    train([*LIKED, *HITS, "bob,i1,5", "bob,i2,5", "bob,hit,-1"], "--negative", "drop")
    assert "hit" in lists(stack, tmp_path)["bob"]
