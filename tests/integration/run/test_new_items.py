"""An item that only the table of items names is listed, has similar items, and passes `verify`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from contract.formats import payload
from contract.formats.keys import bucket_of
from contract.store.item_revisions import ItemsPointer
from tests.support.models.samples import many
from tests.support.servers.services import Services

NEW = 1000


@pytest.mark.timeout(300)
def test_a_new_item_is_served(services: Callable[..., Services], tmp_path: Path) -> None:
    columns = dict(zip(("userID", "itemID", "rating", "timestamp"), zip(*many(), strict=True), strict=True))
    pl.DataFrame(columns).write_csv(tmp_path / "events.csv")
    ids = sorted({int(item) for _, item, _, _ in many()})
    shelves = {"id": [*ids, NEW], "title": [f"no {item}" for item in ids] + ["new"], "category": [f"{item // 5}" for item in ids] + ["0"]}
    pl.DataFrame(shelves).write_csv(tmp_path / "items.csv")
    stack = services(
        interactions=tmp_path / "events.csv", items=tmp_path / "items.csv", depth=60, explain_depth=3, new_items=1, evaluate=False
    )
    stack.start("worker")
    result = stack.run("run", "--here", "--wait")
    assert result.returncode == 0, result.stderr + stack.logs()
    pointer = stack.generations.current()
    assert pointer is not None
    assert stack.generations.manifest(pointer.generation).n_items == len(ids) + 1
    raw = stack.redis.hget(stack.keys.similar(pointer.generation, bucket_of(NEW, pointer.n_item_buckets)), str(NEW))
    assert isinstance(raw, bytes)
    near, _ = payload.decode(raw)
    assert int(near[0]) < 5
    lists = [
        cast("dict[bytes, bytes]", stack.redis.hgetall(stack.keys.recs(pointer.generation, at))) for at in range(pointer.n_user_buckets)
    ]
    found = [payload.decode(value)[0] for users in lists for value in users.values()]
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
