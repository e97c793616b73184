"""Purchases as a target: from the table through trainer and worker to the lists, to `verify`, to the gate and to an erasure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from bench.shop.visits import visits
from contract.artifacts.artifact import open_artifact
from contract.formats import payload
from tests.support.servers.services import Services

WEIGHTS = "view=1,cart=3,buy=5,refund=-9"


def lists(stack: Services, generation: str, n_buckets: int) -> dict[str, list[int]]:
    found = [cast("dict[bytes, bytes]", stack.redis.hgetall(stack.keys.recs(generation, at))) for at in range(n_buckets)]
    return {user.decode(): list(map(int, payload.decode(value)[0])) for users in found for user, value in users.items()}


@pytest.mark.long
def test_purchases_are_recommended(services: Callable[..., Services], tmp_path: Path) -> None:
    shop = visits(200, 60)
    sold = shop.filter(pl.col("event") == "buy")
    returned = sold.filter(pl.col("user") < 20).unique(["user", "item"], keep="last", maintain_order=True)
    shop = pl.concat([shop, *[returned.with_columns(event=pl.lit("refund"), time=pl.col("time") + 9)] * 9])
    shop.write_csv(tmp_path / "shop.csv")
    stack = services(interactions=tmp_path / "shop.csv", event_weights=WEIGHTS, target="buy", depth=20, k=5, explain_depth=2, evaluate=True,
                     erasure_secret="a secret of the tests")  # fmt: skip
    stack.start("worker")

    def train(*arguments: str) -> str:
        done = stack.run("run", "--here", "--wait", *arguments)
        return f"{done.returncode} {done.stdout} {done.stderr}"

    first = train()
    pointer = stack.generations.current()
    assert pointer is not None, first + stack.logs()
    manifest = stack.generations.manifest(pointer.generation)
    assert manifest.reading["target"] == "buy"
    assert manifest.reading["events"] == dict(shop["event"].value_counts(sort=True).rows())
    assert manifest.evaluation is not None
    assert manifest.evaluation["model"]["ndcg"] > manifest.evaluation["popularity"]["ndcg"]

    served = lists(stack, pointer.generation, pointer.n_user_buckets)
    taken, viewed = ({(str(user), item) for user, item in rows.select("user", "item").iter_rows()} for rows in (sold, shop))
    listed = {(user, item) for user, items in served.items() for item in items}
    assert not listed & taken
    assert listed & viewed
    verified = stack.run("verify", "--sample", "400")
    assert verified.returncode == 0, verified.stdout + verified.stderr

    said = train("--target", "")
    assert "events that are recommended are all, in the current generation they are those of 'buy' (reading)" in " ".join(said.split())
    assert stack.generations.current() == pointer

    erased = stack.run("erase", "30", "--yes")
    assert erased.returncode == 0, erased.stderr
    artifact = open_artifact(stack.settings.artifacts, pointer.generation)
    at = artifact.manifest.erased[0]
    assert not artifact["seen_indices"][slice(*artifact["seen_indptr"][at : at + 2])].any()
    assert "30" not in lists(stack, pointer.generation, pointer.n_user_buckets)
