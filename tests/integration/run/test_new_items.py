"""An item that only the table of items names is listed, has similar items, and passes `verify`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from contract.formats import payload
from contract.formats.keys import bucket_of
from contract.store.item_revisions import ItemsPointer
from tests.support.models.samples import many
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services

NEW = 1000


def written(folder: Path, new: list[int]) -> dict[str, object]:
    """Settings that read events, and items among which some are new."""
    columns = dict(zip(("userID", "itemID", "rating", "timestamp"), zip(*many(), strict=True), strict=True))
    pl.DataFrame(columns).write_csv(folder / "events.csv")
    ids = sorted({int(item) for _, item, _, _ in many()})
    titles = [f"no {item}" for item in ids] + ["new"] * len(new)
    shelves = {"id": [*ids, *new], "title": titles, "category": [f"{item // 5}" for item in ids] + [f"{item % 25}" for item in new]}
    pl.DataFrame(shelves).write_csv(folder / "items.csv")
    return {"interactions": folder / "events.csv", "items": folder / "items.csv", "new_items": 1}


@pytest.mark.long
def test_a_new_item_is_served(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(**written(tmp_path, [NEW]), depth=60, explain_depth=3)
    n_items = len({int(item) for _, item, _, _ in many()}) + 1
    stack.start("worker")
    result = stack.run("run", "--here", "--wait")
    assert result.returncode == 0, result.stderr + stack.logs()
    pointer = stack.generations.current()
    assert pointer is not None
    assert stack.generations.manifest(pointer.generation).n_items == n_items
    raw = stack.redis.hget(stack.keys.similar(pointer.generation, bucket_of(NEW, pointer.n_item_buckets)), str(NEW))
    assert isinstance(raw, bytes)
    near, _ = payload.decode(raw)
    assert int(near[0]) < 5
    lists = [
        cast("dict[bytes, bytes]", stack.redis.hgetall(stack.keys.recs(pointer.generation, at))) for at in range(pointer.n_user_buckets)
    ]
    found = [payload.decode(value)[0] for users in lists for value in users.values()]
    assert pointer.payload_format == payload.FORMAT
    assert {value[0] for users in lists for value in users.values()} == {payload.FORMAT}, "off, nothing is marked"
    assert sum(NEW in items for items in found) > 20
    verified = stack.run("verify", "--sample", "400")
    assert verified.returncode == 0, verified.stdout + verified.stderr

    with open(tmp_path / "items.csv", "a") as file:
        file.write("2000,newer,0\n")
    told = stack.run("items")
    assert told.returncode == 0, told.stderr
    assert "1 items that no run knows yet have similar items" in told.stdout
    items = stack.redis.get(stack.keys.items_pointer)
    assert isinstance(items, bytes)
    raw = stack.redis.hget(stack.keys.alike(str(ItemsPointer.model_validate_json(items).revision)), "2000")
    assert isinstance(raw, bytes)
    assert NEW in payload.decode(raw)[0]


@pytest.mark.long
def test_every_tenth_place_explores_a_new_item(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(**written(tmp_path, list(range(NEW, NEW + 50))), explore=0.1, explain_depth=2, evaluate=True)
    stack.start("worker")
    result = stack.run("run", "--here", "--wait", "--force")
    assert result.returncode == 0, result.stderr + stack.logs()
    pointer = stack.generations.current()
    assert pointer is not None
    manifest = stack.generations.manifest(pointer.generation)
    assert (pointer.payload_format, manifest.settings.explore) == (payload.MARKED, 0.1)
    cost = (manifest.evaluation or {})["exploration"]
    assert cost["new"] <= cost["old"]
    met = {user: {int(item) for of, item, _, _ in many() if of == user} for user, *_ in many()}
    users, explored = sorted(met)[:200], Counter[int]()
    with ApiProcess(stack.settings.redis_url) as api:
        answer = api.post("/recommendations/batch", {"user_ids": users, "explain": True, "k": 30})
        for user, found in zip(users, answer.json()["results"], strict=True):
            marked = [item for item in found["items"] if item.get("source") == "exploration"]
            assert [item["rank"] for item in marked] == [10, 20, 30]
            assert all(item["item_id"] >= NEW and item["because"] for item in marked)
            assert {reason["item_id"] for item in marked for reason in item["because"]} <= met[user]
            explored.update(item["item_id"] for item in marked)
            alone = api.get(f"/users/{user}/recommendations?k=10&offset=10").json()["items"]
            assert [item["item_id"] for item in alone if "source" in item] == [marked[1]["item_id"]]
    assert len(explored) > 40, "users try different items"
    verified = stack.run("verify", "--sample", "400")
    assert verified.returncode == 0, verified.stdout + verified.stderr
