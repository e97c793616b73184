"""With 95 of 100 items unavailable, every list that is asked for with a chain is full: of every user, and of nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.settings.settings import SourceSettings
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services, await_that
from trainer.sources import load as sources
from trainer.sources.load import BUILT_IN

K = 10
CHAIN = "trending,popular"


def five_in_a_hundred(folder: Path) -> tuple[Path, set[int]]:
    """A file of all items, of which every twentieth is available, with a price; those that are."""
    frame = sources.read(SourceSettings(), folder / ".datasets").items
    assert frame is not None
    ids = [int(item) for item in frame["item"].to_list()]
    path, kept = folder / "items.csv", set(ids[::20])
    lines = [f"{item},{'Drama|Crime' if item % 2 else 'Comedy'},{item % 100},{'yes' if item in kept else 'no'}" for item in ids]
    path.write_text("itemID,categories,price,available\n" + "\n".join(lines) + "\n")
    return path, kept


@pytest.mark.long
def test_every_list_is_full(services: Callable[..., Services], redis_server: str, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("userID,country\n" + "".join(f"{user},{['SE', 'NO', 'DK'][user % 3]}\n" for user in range(1, 672)))
    path, kept = five_in_a_hundred(tmp_path)
    first = tmp_path / "all.csv"
    first.write_text(path.read_text().replace(",no\n", ",yes\n"))
    stack = services(interactions=BUILT_IN, users=tmp_path / "users.csv", filter_columns="categories,price", items=first)
    stack.start("trainer", "serve")
    stack.start("worker")
    result = stack.run("run", "--wait")
    assert result.returncode == 0, result.stderr + stack.logs()
    users = [*range(1, 672), 0, 1_000_000, "nobody"]
    with ApiProcess(redis_server) as api:
        result = stack.run("items", "--items", str(path))
        assert result.returncode == 0, result.stderr

        def listed(path: str) -> list[Any]:
            found: list[Any] = api.get(path).json()["items"]
            return found

        await_that(
            lambda: all(item["item_id"] in kept for _ in range(4) for item in listed("/lists/popular?k=50")), "both processes follow"
        )
        assert len(listed("/lists/popular?k=400")) == 400
        assert len(listed("/lists/trending?segment=SE&fallback=popular")) == K
        assert api.get("/lists/new?category=Drama").json()["items"]

        def batch(**more: object) -> list[Any]:
            found: list[Any] = api.post("/recommendations/batch", {"user_ids": users, "k": K, **more}).json()["results"]
            return found

        short = [one for one in batch() if len(one.get("items", ())) < K]
        assert len(short) > 300, "without a chain nearly all are short"
        asked: list[dict[str, Any]] = [{}, {"filter": "categories = 'Drama' and price < 60"}, {"exclude": sorted(kept)[:100]}]
        for more in asked:
            answers = batch(fallback=CHAIN, **more)
            assert [len(one["items"]) for one in answers] == [K] * len(users), more
            assert all("short" not in one for one in answers)
            items = [item for one in answers for item in one["items"]]
            assert {item["item_id"] for item in items} <= kept - set(more.get("exclude", ()))
            assert {item.get("source") for item in items} <= {None, "trending", "popular"}
            assert all(len({item["item_id"] for item in one["items"]}) == K for one in answers)
            if "filter" in more:
                assert all(item["item_id"] % 2 and item["item_id"] % 100 < 60 for item in items)
        assert api.get("/users/nobody/recommendations?fallback=popular&k=400").json()["source"] == "popular"
    verified = stack.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    current = stack.generations.current()
    assert current is not None
    stack.redis.hset(stack.keys.lists(current.generation), "", "{}")
    verified = stack.run("verify")
    assert verified.returncode != 0
    assert "parts of named lists are not what the run cooked ('the index')" in verified.stdout
