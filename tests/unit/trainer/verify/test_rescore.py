"""The second computation of scores, against the workers' own, and against sums done by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contract.artifacts.artifact import Artifact
from contract.settings.settings import ModelSettings
from engine.score.rules import score_by_rules
from engine.score.scoring import TopK
from tests.support.builders import make_manifest
from tests.support.models.arrays import Case, lists, random_case
from tests.support.models.fitting import LAYOUTS, Layout, interactions_of, rows_of, score_all, similarity_of
from tests.support.models.samples import BY_HAND, many
from trainer.verify.agreement import disagreement
from trainer.verify.rescore import Rescored, rescore

NAMES = list(range(1000))


def artifact_of(case: Case, layout: str) -> Artifact:
    settings = ModelSettings(k=case.depth, depth=case.depth, normalize=case.normalize, exclude_seen=case.exclude_seen)
    fields: dict[str, Any] = {"weight_min": case.weight_min, "weight_max": case.weight_max, "settings": settings}
    return Artifact(make_manifest(n_users=len(case.affinity), n_items=case.affinity.shape[1], **fields), case.arrays(layout))


def complaints(artifact: Artifact, top: TopK, depth: int) -> list[str]:
    return [
        disagreement(rescore(artifact, user), [item for item, _ in row], [score for _, score in row], depth, NAMES)
        for user, row in enumerate(lists(top))
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("by_rules", [True, False])
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_what_a_user_disliked_is_in_no_list_and_changes_no_score(layout: str, normalize: bool, by_rules: bool, exclude_seen: bool) -> None:
    case = random_case(150).but(normalize=normalize, exclude_seen=exclude_seen)
    plain = [case.expected(user) for user in range(12)]
    disliked = np.zeros((12, 150), bool)
    for user in range(11):  # the last one dislikes nothing
        disliked[user, [item for item, _ in plain[user][::2]]] = True
    case = case.but(disliked=disliked)
    arrays = case.arrays(layout)
    if by_rules:
        arrays["boost"] = np.ones(150, np.float32)
        top = score_by_rules(arrays, 0, 12, case.scale, depth=case.depth, exclude_seen=case.exclude_seen, max_per_category=0)
    else:
        top = case.scored(layout)
    found = lists(top)
    assert [[item for item, _ in row] for row in found] == [[item for item, _ in case.expected(user)] for user in range(12)]
    for user in range(12):
        assert dict(found[user]) == pytest.approx(dict(case.expected(user)), rel=1e-6)
        assert not disliked[user, [item for item, _ in found[user]]].any()
    assert complaints(artifact_of(case, layout), top, case.depth) == [""] * 12
    wrong = case.but(disliked=None).scored(layout)
    assert all("has seen or disliked" in complaint for complaint in complaints(artifact_of(case, layout), wrong, case.depth)[:11])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("lowest", [-2, 0])
def test_it_equals_sums_by_hand_and_the_workers_lists(layout: str, normalize: bool, exclude_seen: bool, lowest: int) -> None:
    case = random_case(150, lowest=lowest).but(normalize=normalize, exclude_seen=exclude_seen, exponent=np.arange(12, dtype=np.int32) - 6)
    artifact, top = artifact_of(case, layout), case.scored(layout)
    for user in range(12):
        best, expected = rescore(artifact, user).best(case.depth), case.expected(user)
        assert [item for item, _ in best] == [item for item, _ in expected]
        assert [score for _, score in best] == pytest.approx([score for _, score in expected], rel=1e-6)
    assert complaints(artifact, top, case.depth) == [""] * 12


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("similarity", ["jaccard", "mutual information", "lexicographers mutual information", "lift", "cooccurrence"])
@pytest.mark.parametrize("normalize", [True, False])
def test_it_agrees_with_a_fitted_model(layout: Layout, similarity: Any, normalize: bool) -> None:
    model = ModelSettings(similarity=similarity, normalize=normalize, time_decay_days=7.3)
    interactions = interactions_of(many())
    rows, n_items = rows_of(interactions, model), len(interactions.item_ids)
    memory = similarity_of(rows, n_items, model, layout)
    manifest = make_manifest(n_items=n_items, weight_min=rows.weight_min, weight_max=rows.weight_max, settings=model)
    artifact = Artifact(manifest, {**rows.arrays(normalize), **memory})
    assert set(complaints(artifact, score_all(rows, memory, n_items, model), model.stored_depth)) == {""}


def test_a_list_by_hand() -> None:
    # jaccard of a c: 2 / (4 + 2 - 2), a d: 1 / 4, b c: 1 / (3 + 2 - 1), b d: 1 / 3; u1 has a 4, b 2: c 2.5, d 5 / 3
    model = ModelSettings(normalize=False, time_decay_days=0)
    rows = rows_of(interactions := interactions_of(BY_HAND), model)
    memory = similarity_of(rows, 4, model, "sparse")
    artifact = Artifact(make_manifest(n_items=4, settings=model), {**rows.arrays(normalize=False), **memory})
    user = list(interactions.user_ids).index("u1")
    best = rescore(artifact, user).best(30)
    assert [item for item, _ in best] == [2, 3]
    assert [score for _, score in best] == pytest.approx([2.5, 5 / 3])


def test_scores_below_what_float32_can_tell_are_no_disagreement() -> None:
    case = random_case(150).but(normalize=False, exponent=np.full(12, -149, np.int32))
    assert complaints(artifact_of(case, "dense"), case.scored("dense"), case.depth) == [""] * 12


def test_blocks_of_tiles_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(150)
    whole = rescore(artifact_of(case, "dense"), 0)
    monkeypatch.setattr("trainer.verify.rescore._BLOCK_BYTES", 1)
    assert rescore(artifact_of(case, "dense"), 0).scores == pytest.approx(whole.scores)


SCORES = np.array([5.0, 4.0, 4.0, 3.0, -np.inf, 0.0])
KNOWN = Rescored(SCORES, np.full(6, 1e-6), np.array([1, 1, 1, 1, 0, 0], bool), np.array([1, 1, 1, 1, 0, 1], bool))


@pytest.mark.parametrize(
    ("items", "scores", "complaint"),
    [
        ([0, 1, 2], [5, 4, 4], ""),
        ([0, 2, 1], [5, 4, 4], ""),  # a tie
        ([0, 1, 2], [5, 4.00001, 4], ""),
        ([0, 1, 2], [5, 4.001, 4], "item 1 has the score 4.001; recomputed it is 4"),
        ([0, 1, 2], [5, float("nan"), 4], "item 1 has the score nan; recomputed it is 4"),
        ([0, 0, 1], [5, 5, 4], "an item is listed twice"),
        ([1, 0, 2], [4, 5, 4], "item 1 stands before 0, which scores more"),
        ([0, 1, 3], [5, 4, 3], "item 2 is not listed; recomputed its score is 4"),
        (
            [0, 1, 4],
            [5, 4, 4],
            "item 4 is listed, which is excluded, or the user has seen or disliked, or nothing of the user's is similar to",
        ),
        ([0, 1], [5, 4], "the list has 2 items; recomputed it has 3"),
        ([], [], "the list has 0 items; recomputed it has 3"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(items: list[int], scores: list[float], complaint: str) -> None:
    assert disagreement(KNOWN, items, scores, 3, NAMES) == complaint


def test_an_item_of_which_float32_is_not_sure_may_be_listed_or_not() -> None:
    assert disagreement(KNOWN, [0, 1, 2, 3], [5, 4, 4, 3], 6, NAMES) == ""
    assert disagreement(KNOWN, [0, 1, 2, 3, 5], [5, 4, 4, 3, 0], 6, NAMES) == ""
    assert disagreement(KNOWN, [0, 1, 2, 5], [5, 4, 4, 0], 6, NAMES) == "item 3 is not listed; recomputed its score is 3"


def limited(most: int, *, exclude: tuple[int, ...] = ()) -> tuple[Artifact, Case]:
    """Every third item has categories 0 and 1, the next ones category 0, the others none; a boost of 2, 0.5 or 1."""
    case = random_case(150)
    numbers = [number for item in range(150) for number in ([0, 1], [0], [])[item % 3]]
    ends = np.cumsum([(2, 1, 0)[item % 3] for item in range(150)])
    rules: dict[str, Any] = {
        "boost": np.array([(2.0, 0.5, 1.0)[item % 3] for item in range(150)], np.float32),
        "category_indptr": np.concatenate(([0], ends)).astype(np.int64),
        "category_indices": np.array(numbers, np.int32),
        "excluded": np.array(exclude, np.int32),
    }
    artifact = artifact_of(case, "sparse")
    settings = artifact.manifest.settings.model_copy(update={"max_per_category": most})
    return Artifact(artifact.manifest.model_copy(update={"settings": settings}), {**artifact.arrays, **rules}), case


def ruled(artifact: Artifact, case: Case) -> TopK:
    how = {name: getattr(case, name) for name in ("depth", "exclude_seen")}
    most = artifact.manifest.settings.max_per_category
    return score_by_rules(artifact.arrays, 0, 12, case.scale, max_per_category=most, **how)


@pytest.mark.parametrize("most", [1, 3, 20])
def test_it_agrees_with_lists_under_rules(most: int) -> None:
    artifact, case = limited(most, exclude=(4, 5, 6))
    assert complaints(artifact, ruled(artifact, case), case.depth) == [""] * 12


def test_what_is_wrong_with_a_list_under_rules_is_said() -> None:
    artifact, case = limited(2)
    right = ruled(artifact, case)
    without = Artifact(artifact.manifest, {name: array for name, array in artifact.arrays.items() if name != "boost"})
    assert all("has the score" in said for said in complaints(without, right, case.depth))
    unlimited = ruled(limited(0)[0], case)
    assert any("items of one category are listed; the limit is 2" in said for said in complaints(artifact, unlimited, case.depth))
    user_list = lists(right)[0]
    shorter = [entry for at, entry in enumerate(user_list) if at != 1]
    said = disagreement(rescore(artifact, 0), [item for item, _ in shorter], [score for _, score in shorter], case.depth, NAMES)
    assert said.startswith(("the list has", f"item {user_list[1][0]} is not listed"))
    listed = user_list[0][0]
    excluded, _ = limited(2, exclude=(listed,))
    assert f"item {listed} is listed, which is excluded" in complaints(excluded, right, case.depth)[0]
