"""Rules from the settings of a run to the answers of the API, and held against a second computation by `verify`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.artifacts.artifact import open_artifact
from tests.support.models.samples import many
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services

CATEGORIES = {item: ("A|B", "B", "C", "")[item % 4] for item in range(150)}
FACTORS = {"A|B": 2.0 * 0.5, "B": 0.5, "C": 1.0, "": 1.0}


def scores_of(items: list[dict[str, Any]]) -> list[float]:
    return [item["score"] for item in items]


@pytest.mark.long
def test_rules_end_to_end(services: Callable[..., Services], redis_server: str, tmp_path: Path) -> None:
    data, items = tmp_path / "interactions.csv", tmp_path / "items.csv"
    data.write_text("userID,itemID,rating,timestamp\n" + "".join(f"{u},{i},{w},{t}\n" for u, i, w, t in many()))
    rows = (f"{item},Title {item},{CATEGORIES[item]},{'no' if item == 3 else 'yes'}\n" for item in range(150))
    items.write_text("itemID,title,categories,available\n" + "".join(rows))
    stack = services(interactions=data, items=items, k=5, depth=12, explain_depth=2, pointer_ttl_ms=0, find_users=True)
    stack.start("worker")

    def lists_under(**rules: str) -> dict[int, Any]:
        arguments = [part for name, value in rules.items() for part in (f"--{name.replace('_', '-')}", value)]
        ran = stack.run("run", "--here", "--wait", "--force", *arguments)
        assert ran.returncode == 0, ran.stdout + ran.stderr + stack.logs()
        (generation,) = [stack.generations.history(1)[0].generation]
        verified = stack.run("verify", generation)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        return {user: api.ask(user, k=12, explain=True).json()["items"] for user in range(0, 400, 20)}

    with ApiProcess(redis_server, LARDER_POINTER_TTL_MS="0") as api:
        plain = lists_under()
        names = open_artifact(stack.settings.artifacts, stack.generations.ids()[-1]).arrays.keys()
        assert names & {"excluded", "boost", "category_indptr"} == {"excluded"}
        assert not any(item["item_id"] == 3 or "boosted" in item for found in plain.values() for item in found)
        assert all(len(found) == 12 for found in plain.values()), "what is unavailable takes no place in a list"

        assert api.get("/users?prefix=39&k=3").json()["user_ids"] == [39, 390, 391]
        assert [item["item_id"] for item in api.get("/items?q=titl%2014&k=1").json()["items"]] == [14]

        boosted = lists_under(boosts="A=2,B=0.5")
        assert boosted != plain
        for user, found in boosted.items():
            scores = {item["item_id"]: item["score"] for item in plain[user]}
            for item in found:
                factor = FACTORS[CATEGORIES[item["item_id"]]]
                assert item.get("boosted", 1) == factor
                if item["item_id"] in scores:
                    assert item["score"] == pytest.approx(scores[item["item_id"]] * factor, rel=1e-6)

        diverse = lists_under(diversity="0.6", popularity_penalty="0.3", max_per_category="4")
        assert all(len(found) == 12 for found in diverse.values()), "a diverse list is as long as another"
        assert any(scores_of(found) != sorted(scores_of(found), reverse=True) for found in diverse.values())
        for user, found in diverse.items():
            assert [item["rank"] for item in found] == list(range(1, 13))
            scores = {item["item_id"]: item["score"] for item in plain[user]}
            for item in found:
                if item["item_id"] in scores:
                    assert item["score"] == pytest.approx(scores[item["item_id"]] * item.get("boosted", 1), rel=1e-5)

        limited = lists_under(max_per_category="2", exclude_categories="C", exclude_items="7,11")
        for user, found in limited.items():
            ids = [item["item_id"] for item in found]
            assert not any(CATEGORIES[item_id] == "C" or item_id in (3, 7, 11) for item_id in ids)
            counts = Counter(name for item_id in ids for name in CATEGORIES[item_id].split("|") if name)
            assert max(counts.values(), default=0) <= 2
            first = [item["item_id"] for item in plain[user] if CATEGORIES[item["item_id"]] != "C"]
            assert ids[0] == first[0] or first[0] in (7, 11)
        assert api.get("/popular?k=12").json()["items"], "the fallback list is still there"
        listed = {item["item_id"] for item in api.get("/popular?k=12").json()["items"]}
        assert not any(CATEGORIES[item_id] == "C" or item_id in (3, 7, 11) for item_id in listed)
    manifest = stack.generations.manifest(stack.generations.history(1)[0].generation)
    assert (manifest.settings.max_per_category, manifest.settings.exclude_categories) == (2, "C")
    digests = {stack.generations.manifest(name).digest for name in stack.generations.ids()}
    assert len(digests) == 4


@pytest.mark.long
def test_rules_that_name_what_is_not_there_end_the_run_at_its_beginning(services: Callable[..., Services], tmp_path: Path) -> None:
    data = tmp_path / "interactions.csv"
    data.write_text("userID,itemID\n1,1\n1,2\n2,1\n")
    stack = services(interactions=data, time_column="", weight_column="")
    for arguments, code, told in (
        (("--boosts", "Horror=2"), 3, "boosts names categories, and no item has one"),
        (("--max-per-category", "2"), 3, "max_per_category names categories, and no item has one"),
        (("--exclude-categories", "Horror"), 3, "exclude_categories names categories, and no item has one"),
        (("--boosts", "Horror"), 2, "--boosts='Horror': 'Horror' is no category=factor with a factor from 0.01 to 100"),
        (("--boosts", "Horror=0"), 2, "is no category=factor"),
        (("--boosts", "A=1,A=2"), 2, "'A' stands twice"),
    ):
        ran = stack.run("run", "--here", *arguments)
        assert (ran.returncode, told in ran.stderr) == (code, True), ran.stderr
    assert stack.generations.ids() == []
