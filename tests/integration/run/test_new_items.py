"""An item that only the table of items names is listed, has similar items, and passes `verify`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from contract.formats import payload
from contract.formats.keys import bucket_of
from tests.support.models.samples import many
from tests.support.servers.services import Services

NEW = 1000


def test_a_new_item_is_served(services: Callable[..., Services], tmp_path: Path) -> None:
    columns = dict(zip(("userID", "itemID", "rating", "timestamp"), zip(*many(), strict=True), strict=True))
    pl.DataFrame(columns).write_csv(tmp_path / "events.csv")
    ids = sorted({item for _, item, _, _ in many()})
    shelves = {"id": [*ids, NEW], "title": [f"no {item}" for item in ids] + ["new"], "category": [f"{item // 5}" for item in ids] + ["0"]}
    pl.DataFrame(shelves).write_csv(tmp_path / "items.csv")
    stack = services(interactions=tmp_path / "events.csv", items=tmp_path / "items.csv", depth=60, explain_depth=3, new_items=1)
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
    lists = [stack.redis.hgetall(stack.keys.recs(pointer.generation, bucket)) for bucket in range(pointer.n_user_buckets)]
    found = [payload.decode(value)[0] for users in lists for value in users.values()]  # type: ignore[union-attr]
    assert sum(NEW in items for items in found) > 20
    verified = stack.run("verify", "--sample", "400")
    assert verified.returncode == 0, verified.stdout + verified.stderr
