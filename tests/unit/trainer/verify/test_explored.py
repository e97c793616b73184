"""The second opinion on lists that explore: it agrees with what workers make, and says what is wrong with any other list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contract.artifacts.artifact import Artifact
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.ranking.explore import explore, seeds_of
from engine.ranking.ranked import Ranking, rank_users, ranking_arrays
from tests.support.builders import make_manifest
from tests.support.depth import deeper, examples
from tests.support.models.arrays import Case, lists, random_case
from tests.support.models.fitting import LAYOUTS
from tests.support.models.mmr import Ranked
from tests.unit.engine.score.test_rules import category_arrays
from trainer.verify.agreement import disagreement
from trainer.verify.diverse import Diverse
from trainer.verify.explored import Exploring, wrong_new_items
from trainer.verify.rescore import rescore

NAMES = list(range(1000))


def artifact_of(case: Case, layout: str, rules: dict[str, Array] | None = None, **fields: Any) -> Artifact:
    how = {"normalize": case.normalize, "exclude_seen": case.exclude_seen, "new_items": 3}
    model = ModelSettings(k=case.depth, depth=case.depth, **how, **fields)
    arrays = {**case.arrays(layout), **(rules or {})}
    arrays |= ranking_arrays(model, arrays, np.count_nonzero(case.affinity, axis=0))
    sizes = {"n_users": len(case.affinity), "n_items": case.affinity.shape[1]}
    scale: dict[str, Any] = {"weight_min": case.weight_min, "weight_max": case.weight_max}
    return Artifact(make_manifest(**sizes, **scale, settings=model), {**arrays, "item_ids": np.arange(case.affinity.shape[1])})


def made(artifact: Artifact, case: Case) -> tuple[list[Ranked], list[list[int]]]:
    how, n = Ranking.of(artifact.manifest.settings), len(case.affinity)
    top = rank_users(artifact.arrays, 0, n, case.scale, how)
    found = explore(artifact.arrays, 0, n, top, case.scale, how, seeds_of(artifact.manifest.digest, range(n)))
    return lists(found.top), [np.flatnonzero(row).tolist() for row in found.marks]


def complaint(artifact: Artifact, user: int, row: Ranked, marked: list[int]) -> str:
    items, scores = [item for item, _ in row], [score for _, score in row]
    rescored, exploring = rescore(artifact, user), Exploring.of(artifact)
    assert exploring is not None
    depth = min(artifact.manifest.settings.stored_depth, artifact.manifest.n_items)
    if said := disagreement(rescored, items, scores, depth, NAMES, Diverse.of(artifact), marked):
        return said
    seen, limited = artifact["indices"][slice(*artifact["indptr"][user : user + 2])], rescored.categories is not None
    return exploring.wrong(rescored, seen, np.array(items, np.int64), marked, user, NAMES, limited=limited)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("diversity", [0.0, 0.4])
@pytest.mark.parametrize("most", [0, 2])
@deeper
def test_it_agrees_with_what_workers_make(layout: str, normalize: bool, exclude_seen: bool, diversity: float, most: int) -> None:
    for seed in range(examples(3, 6)):
        case = random_case(60 + 40 * seed, seed=seed, lowest=-2 * (seed % 2)).but(depth=12, normalize=normalize, exclude_seen=exclude_seen)
        categories = category_arrays([[item % 5, 5 + item % 3] if item % 4 else [] for item in range(case.affinity.shape[1])])
        how: dict[str, Any] = {"explore": 0.34, "diversity": diversity, "max_per_category": most}
        artifact = artifact_of(case, layout, categories if most else None, **how)
        rows, marks = made(artifact, case)
        assert [complaint(artifact, user, rows[user], marks[user]) for user in range(12)] == [""] * 12
        assert any(marks)
        assert wrong_new_items(artifact) == []


def test_what_is_wrong_with_a_list_that_explores_is_said() -> None:
    case = random_case(300).but(depth=20)
    artifact = artifact_of(case, "dense", explore=0.1)
    rows, marks = made(artifact, case)
    n_users = np.count_nonzero(case.affinity, axis=0)
    said = set[str]()
    for user, (row, places) in enumerate(zip(rows, marks, strict=True)):
        assert places == [9, 19]
        plain = lists(rank_users(artifact.arrays, user, user + 1, case.scale, Ranking.of(artifact.manifest.settings)))[0]
        assert "was drawn" in complaint(artifact, user, plain, []), "a list that explores nothing"
        assert "only every 10th place" in complaint(artifact, user, [row[9], *row[:9], *row[10:]], [0, 19])
        assert complaint(artifact, user, row, [9]), "an item of which the mark is missing"
        assert complaint(artifact, user, row, list(range(20))), "marks at every place"
        swapped = [*row[:9], row[19], *row[10:19], row[9]]
        assert "was drawn" in complaint(artifact, user, swapped, places)
        best = rescore(artifact, user).best(300)
        known = next((item, score) for item, score in best if n_users[item] >= 3 and item not in dict(row))
        said.add(complaint(artifact, user, [*row[:9], known, *row[10:]], places))
        weak = [(item, score) for item, score in best if n_users[item] < 3][-1]
        if weak not in row:
            said.add(complaint(artifact, user, [*row[:9], weak, *row[10:]], places))
    assert "" not in said
    assert any("is no new item" in one for one in said)
    assert any("not among the 20 new items" in one for one in said)


def test_another_list_of_new_items_is_said_by_name() -> None:
    case = random_case(60)
    artifact = artifact_of(case, "dense", explore=0.2)
    assert wrong_new_items(artifact) == []
    fewer = Artifact(artifact.manifest, {**artifact.arrays, "explored": artifact["explored"][1:]})
    assert wrong_new_items(fewer) == [f"item {artifact['explored'][0]} is explored and not new, or new and not explored"]
    erased = artifact.manifest.model_copy(update={"erased": (3,)})
    assert wrong_new_items(Artifact(erased, fewer.arrays)) == []
