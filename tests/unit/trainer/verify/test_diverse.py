"""The second opinion on diverse lists and penalties: it agrees with what workers make, and says what is wrong with any other list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contract.artifacts.artifact import Artifact
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.ranking.ranked import Ranking, rank_users, ranking_arrays
from engine.score.structures import TopK
from tests.support.builders import make_manifest
from tests.support.models.arrays import Case, lists, random_case
from tests.support.models.fitting import LAYOUTS, Layout, interactions_of, rows_of, similarity_of
from tests.support.models.mmr import likeness
from tests.support.models.samples import many
from tests.unit.engine.score.test_rules import category_arrays
from trainer.verify.agreement import disagreement
from trainer.verify.diverse import Diverse, Likeness
from trainer.verify.rescore import rescore
from trainer.verify.sample import wrong_penalties

NAMES = list(range(1000))


def artifact_of(case: Case, layout: str, rules: dict[str, Array] | None = None, **fields: Any) -> Artifact:
    how = {"normalize": case.normalize, "exclude_seen": case.exclude_seen}
    model = ModelSettings(k=case.depth, depth=case.depth, **how, **fields)
    arrays = {**case.arrays(layout), **(rules or {})}
    arrays |= ranking_arrays(model, arrays, np.count_nonzero(case.affinity, axis=0))
    sizes = {"n_users": len(case.affinity), "n_items": case.affinity.shape[1]}
    scale: dict[str, Any] = {"weight_min": case.weight_min, "weight_max": case.weight_max}
    ids = {"item_ids": np.arange(case.affinity.shape[1])}
    return Artifact(make_manifest(**sizes, **scale, settings=model), {**arrays, **ids})


def made(artifact: Artifact, case: Case) -> TopK:
    return rank_users(artifact.arrays, 0, 12, case.scale, Ranking.of(artifact.manifest.settings))


def complaint(artifact: Artifact, user: int, row: list[tuple[int, float]], depth: int) -> str:
    items, scores = [item for item, _ in row], [score for _, score in row]
    return disagreement(rescore(artifact, user), items, scores, depth, NAMES, Diverse.of(artifact))


def complaints(artifact: Artifact, top: TopK, depth: int) -> list[str]:
    return [complaint(artifact, user, row, depth) for user, row in enumerate(lists(top))]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("lowest", [-6, 0])
@pytest.mark.parametrize("diversity", [0.1, 0.5, 1.0])
def test_it_agrees_with_what_workers_make(layout: str, normalize: bool, lowest: int, diversity: float) -> None:
    case = random_case(300, lowest=lowest).but(normalize=normalize)
    artifact = artifact_of(case, layout, diversity=diversity, popularity_penalty=0.3)
    assert complaints(artifact, made(artifact, case), case.depth) == [""] * 12


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("similarity", ["jaccard", "mutual information", "lift", "cooccurrence"])
@pytest.mark.parametrize("normalize", [True, False])
def test_it_agrees_with_a_fitted_model(layout: Layout, similarity: Any, normalize: bool) -> None:
    model = ModelSettings(similarity=similarity, normalize=normalize, time_decay_days=7.3, diversity=0.4, popularity_penalty=0.2)
    interactions = interactions_of(many())
    rows, n_items = rows_of(interactions, model), len(interactions.item_ids)
    arrays = {**rows.arrays(normalize), **similarity_of(rows, n_items, model, layout)}
    arrays |= ranking_arrays(model, arrays, np.bincount(rows.indices, minlength=n_items))
    manifest = make_manifest(n_items=n_items, weight_min=rows.weight_min, weight_max=rows.weight_max, settings=model)
    case = random_case(5).but(normalize=normalize, weight_min=rows.weight_min, weight_max=rows.weight_max)
    artifact = Artifact(manifest, arrays)
    assert set(complaints(artifact, made(artifact, case), model.stored_depth)) == {""}


@pytest.mark.parametrize("most", [1, 2, 5])
def test_it_agrees_under_limits_per_category(most: int) -> None:
    case = random_case(150)
    numbers = category_arrays([[item % 5, 5 + item % 3] if item % 4 else [] for item in range(150)])
    artifact = artifact_of(case, "sparse", numbers, diversity=0.5, max_per_category=most)
    assert complaints(artifact, made(artifact, case), case.depth) == [""] * 12


@pytest.mark.parametrize("layout", LAYOUTS)
def test_likeness_is_that_of_ten_lines_of_numpy(layout: str) -> None:
    case = random_case(70, lowest=-8)
    expected, found = likeness(case.similarity), Likeness(artifact_of(case, layout, diversity=0.5))
    for items in (np.arange(70), np.arange(3, 70, 4)):
        alike = found.among(items)
        assert np.array([alike(at) for at in range(items.size)]) == pytest.approx(expected[np.ix_(items, items)])


def test_what_is_wrong_with_a_diverse_list_is_said() -> None:
    case = random_case(300)
    artifact = artifact_of(case, "dense", diversity=0.5)
    rows, plain = lists(made(artifact, case)), lists(case.scored("dense"))
    assert any("is worth more" in complaint(artifact, user, plain[user], 10) for user in range(12)), "in the order of the scores"
    for user, row in enumerate(rows):
        assert "is worth more" in complaint(artifact, user, [row[-1], *row[:-1]], 10)
        assert complaint(artifact, user, row[:-1], 10).endswith("is missing")
        wrong = [(row[0][0], row[0][1] + 0.01), *row[1:]]
        assert "has the score" in complaint(artifact, user, wrong, 10)
        assert "it may have 9" in complaint(artifact, user, row, 9)
    last = rescore(artifact, 0).best(300)[-1]
    assert "not among the best" in complaint(artifact, 0, [*rows[0][:-1], last], 10)


def test_another_penalty_is_said_by_name() -> None:
    case = random_case(60)
    artifact = artifact_of(case, "dense", popularity_penalty=0.5)
    assert wrong_penalties(artifact) == []
    boost = artifact["boost"].copy()
    boost[7] *= 1.01
    changed = Artifact(artifact.manifest, {**artifact.arrays, "boost": boost})
    assert wrong_penalties(changed) == ["the penalty on the popularity of item 7 is another one"]
    erased = artifact.manifest.model_copy(update={"erased": (3,)})
    assert wrong_penalties(Artifact(erased, changed.arrays)) == []
