"""With a target, what was bought is out of the lists, and what was only viewed may be in them; purchases are found that a union misses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from bench.shop.visits import AISLES, visits
from contract.artifacts.artifact import Artifact, open_artifact
from contract.errors import SettingsError
from contract.formats.evaluation import Evaluation, NotEvaluated
from contract.settings.settings import ModelSettings, Settings
from engine.arrays import Array
from engine.ranking.ranked import Ranking, rank_users
from engine.score.explain import explain_users
from engine.score.scoring import Scale
from engine.score.similar import similar_items
from tests.support.models.fitting import Memory, matrix_of
from trainer.erasure.scrub import popular_counts
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.holdout import hold_out
from trainer.evaluation.lists import best_lists, renumbered
from trainer.evaluation.paired import paired
from trainer.evaluation.per_user import per_user
from trainer.fitting.fit_model import Made, fit_model
from trainer.interactions.interactions import Interactions, from_frames
from trainer.interactions.targets import Targets
from trainer.items.items import cleaned
from trainer.items.new_items import with_content
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from trainer.verify.rescore import rescore
from trainer.verify.sample import wrong_penalties
from worker.shard import users_of

WEIGHTS = {"view": 1.0, "cart": 3.0, "buy": 5.0}
CASES: list[dict[str, object]] = [
    {},
    {"similarity": "lift", "neighbors": 20},
    {"normalize": False, "affinity": "log:own-last:30", "prior_gain": 0.1},
    {"model": "ease"},
    {"model": "ease", "ridge": 30, "neighbors": 20, "prior_gain": 0.1},
    {"model": "popularity"},
    {"popularity_penalty": 0.3},
]


def bought(frame: pl.DataFrame, target: str = "buy", weights: Mapping[str, float] = WEIGHTS) -> Interactions:
    weighed = frame.with_columns(pl.col("event").replace_strict(weights, return_dtype=pl.Float64).alias("weight"))
    return from_frames([weighed], "a shop", Settings().source, targets=Targets(target))


@pytest.fixture(scope="module")
def shop() -> Interactions:
    return bought(visits())


def made_of(interactions: Interactions, model: ModelSettings) -> tuple[Made, Memory]:
    memory = Memory()
    return fit_model(interactions, model, memory.allocate, threads=2, limit_bytes=2**30, report=lambda *_: None), memory


def artifact_of(folder: Path, interactions: Interactions, **fields: object) -> Artifact:
    given: dict[str, Any] = {"artifacts": folder.as_uri(), "evaluate": False, "depth": 20, "k": 10, "target": "buy", **fields}
    make_artifact(RunSpec("g1", Settings.model_validate(given)), interactions, lambda *_: None)
    return open_artifact(folder.as_uri(), "g1")


def pairs_of(interactions: Interactions, *, target: bool) -> set[tuple[int, int]]:
    assert interactions.target is not None
    rows = interactions.target == target
    return set(zip(interactions.user_idx[rows].tolist(), interactions.item_idx[rows].tolist(), strict=True))


@pytest.mark.parametrize("fields", CASES, ids=str)
def test_what_was_bought_is_not_listed_and_what_was_viewed_may_be(tmp_path: Path, shop: Interactions, fields: dict[str, object]) -> None:
    artifact = artifact_of(tmp_path, shop, explain_depth=2, **fields)
    lists = users_of(artifact, 0, len(shop.user_ids), shop.item_ids)
    assert min(lists.lengths) > 0
    taken, viewed, listed = pairs_of(shop, target=True), pairs_of(shop, target=False), set[tuple[int, int]]()
    for user in range(40):
        best = rescore(artifact, user).best(20)
        assert len(best) == lists.lengths[user]
        listed |= {(user, item) for item, _ in best}
    assert not listed & taken
    assert listed & (viewed - taken)
    assert not wrong_penalties(artifact)


def test_items_bought_may_come_again_where_the_settings_say_so(tmp_path: Path, shop: Interactions) -> None:
    artifact = artifact_of(tmp_path, shop, exclude_seen=False)
    listed = {(user, item) for user in range(40) for item, _ in rescore(artifact, user).best(20)}
    assert listed & pairs_of(shop, target=True)


def test_scores_are_what_was_met_times_what_it_says(shop: Interactions) -> None:
    model = ModelSettings(normalize=False, time_decay_days=0, depth=10)
    made, memory = made_of(shop, model)
    n_users, n_items = len(shop.user_ids), len(shop.item_ids)
    met, took, view = (np.zeros((n_users, n_items)) for _ in range(3))
    np.add.at(met, (shop.user_idx, shop.item_idx), shop.weight)
    for out, target in ((took, True), (view, False)):
        for user, item in pairs_of(shop, target=target):
            out[user, item] = 1
    both = (met > 0).T.astype(float) @ took
    jaccard = both / ((met > 0).sum(0)[:, None] + took.sum(0) - both)
    own = (view * took).sum(0)
    np.fill_diagonal(jaccard, own / (view.sum(0) + took.sum(0) - own))
    np.testing.assert_allclose(matrix_of(memory, n_items), jaccard, atol=1e-6)
    users = np.arange(n_users)
    lists = best_lists(made.rows, {**memory, **made.prior}, users, 10, 1, normalize=False, seen=made.seen)
    scores = np.where(took > 0, -np.inf, met @ jaccard)
    found = np.where(lists >= 0, np.take_along_axis(scores, np.maximum(lists, 0), 1), 0)
    np.testing.assert_allclose(found, np.maximum(np.sort(scores, axis=1)[:, ::-1][:, :10], 0), rtol=1e-5)


def test_popularity_counts_what_was_bought(tmp_path: Path) -> None:
    rows = [(user, 1, "view") for user in range(9)] + [(user, 2, "buy") for user in range(4)] + [(8, 3, "buy"), (9, 3, "view")]
    interactions = bought(pl.DataFrame([(*row, 10 * at) for at, row in enumerate(rows)], ["user", "item", "event", "time"], orient="row"))
    made, _ = made_of(interactions, ModelSettings.model_validate({"model": "popularity"}))
    assert made.prior["prior"].tolist() == [0, 1, 0.25]
    artifact = artifact_of(tmp_path, interactions)
    assert artifact["popular"].tolist() == [1, 2]
    assert list(popular_counts(artifact)) == [4, 1]
    assert artifact["seen_indices"].size == 5 < artifact["indices"].size


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "slit"}, "slit learns from all events alike; with a target the models are sar, ease, popularity, trending"),
        ({"model": "itemknn"}, "itemknn learns from all events alike"),
        ({"model": "ease", "blend": "edlae"}, "a blend knows no target: fit one model"),
        ({"engine": "recommenders"}, "the engine recommenders has SAR alone, which knows no target"),
    ],
)
def test_a_model_that_knows_no_target_is_refused_before_anything_is_read(shop: Interactions, fields: dict[str, object], said: str) -> None:
    variables = {f"LARDER_{name.upper()}": str(value) for name, value in fields.items()}
    with pytest.raises(SettingsError) as refused:
        Settings.from_environ({**variables, "LARDER_TARGET": "buy"})
    assert said.lower() in str(refused.value).lower()
    assert Settings.from_environ(variables).target == ""
    with pytest.raises(SettingsError, match=said[:20]):
        made_of(shop, ModelSettings.model_validate(fields))


@pytest.mark.parametrize("fields", [{}, {"model": "ease"}], ids=["sar", "ease"])
def test_purchases_are_found_that_a_union_with_weights_misses(shop: Interactions, fields: dict[str, object]) -> None:
    """Also where the union may list what was only viewed. The shop is made so that appeal and sales of an item are two things."""
    model = ModelSettings.model_validate(fields)
    held = hold_out(shop, "time", 1000)
    assert held is not None
    users = np.unique(held.user_idx)
    assert users.size > 200

    def ndcg(train: Interactions, *, keeps_viewed: bool) -> Array:
        made, memory = made_of(train, model)
        seen = made_of(held.train, model)[0].seen if keeps_viewed else made.seen
        lists = best_lists(made.rows, {**memory, **made.prior}, users, 10, 2, normalize=model.normalize, seen=seen)
        return per_user(held.user_idx, held.item_idx, users, renumbered(lists, held.items)).ndcg

    union = replace(held.train, target=None)
    found = ndcg(held.train, keeps_viewed=True)
    for other in (ndcg(union, keeps_viewed=False), ndcg(union, keeps_viewed=True)):
        pair = paired(found, other)
        assert pair.errors > 4
        assert pair.relative > 0.4


def test_an_evaluation_measures_purchases_alone(shop: Interactions) -> None:
    how: dict[str, Any] = {"k": 10, "sample_users": 100, "threads": 2, "limit_bytes": 2**30, "report": lambda *_: None}
    found, popular = (evaluate(shop, ModelSettings.model_validate(fields), **how) for fields in ({}, {"model": "popularity"}))
    assert isinstance(found, Evaluation)
    assert isinstance(popular, Evaluation)
    assert popular.model.ndcg == popular.popularity.ndcg < found.model.ndcg
    assert 0 < found.n_test < len(pairs_of(shop, target=True))


def test_an_evaluation_says_why_there_is_none() -> None:
    interactions = bought(pl.DataFrame({"user": [1, 2], "item": [1, 1], "event": ["buy", "buy"], "time": [5, 6]}))
    found = evaluate(interactions, ModelSettings(), k=1, sample_users=100, threads=1, limit_bytes=2**30, report=lambda *_: None)
    assert isinstance(found, NotEvaluated)
    assert found.reason == "no user has an event of the target, and others before that visit"


@pytest.mark.parametrize("fields", [{}, {"similarity": "lift", "neighbors": 20}, {"model": "ease"}], ids=str)
def test_an_item_that_nobody_has_met_is_listed_by_what_it_is_like(tmp_path: Path, shop: Interactions, fields: dict[str, object]) -> None:
    rows = [(str(item), f"aisle {int(item) % AISLES}") for item in shop.item_ids] + [("1000", "aisle 0")]
    items = cleaned(pl.DataFrame(rows, ["item", "category"], orient="row"), "items.csv")
    known = with_content(shop, items, ModelSettings.model_validate({**fields, "new_items": 3.0}))
    artifact = artifact_of(tmp_path, known, new_items=3.0, **fields)
    new = list(known.item_ids).index(1000)
    lists = [[item for item, _ in rescore(artifact, user).best(60)] for user in range(100)]
    assert sum(new in listed for listed in lists) > 10
    assert not {(user, item) for user, listed in enumerate(lists) for item in listed} & pairs_of(known, target=True)
    near = similar_items(artifact.arrays, np.array([new], np.int32), depth=5)
    assert {int(str(known.item_ids[item])) % AISLES for item in near.items[0, : near.lengths[0]].tolist()} & {0, 11}


def test_similar_items_of_sar_are_bought_by_those_who_met_the_item(shop: Interactions) -> None:
    _, memory = made_of(shop, ModelSettings())
    matrix = matrix_of(memory, len(shop.item_ids))
    assert not np.allclose(matrix, matrix.T)
    top = similar_items(memory, np.arange(20, dtype=np.int32), depth=3)
    for item, listed in enumerate(top.items.tolist()):
        row = np.where(np.arange(matrix.shape[0]) == item, -1, matrix[item])
        assert sorted(row[listed], reverse=True) == sorted(row, reverse=True)[:3]


@pytest.mark.parametrize("fields", [{"normalize": False}, {"model": "ease"}], ids=["sar", "ease"])
def test_reasons_are_what_was_met_and_add_up(tmp_path: Path, shop: Interactions, fields: dict[str, object]) -> None:
    artifact = artifact_of(tmp_path, shop, **fields)
    how, scale = Ranking.of(artifact.manifest.settings), Scale(False, artifact.manifest.weight_min, artifact.manifest.weight_max)
    top = rank_users(artifact.arrays, 0, 30, scale, how)
    reasons = explain_users(artifact.arrays, 0, 30, top, explain_depth=1000)
    only_viewed = pairs_of(shop, target=False) - pairs_of(shop, target=True)
    viewed = 0
    for user in range(30):
        for rank in range(top.lengths[user]):
            first = reasons.first[user] + rank * reasons.width[user]
            part = slice(first, first + reasons.counts[user, rank])
            assert abs(reasons.shares[part].sum() - 1) < 1e-4
            viewed += sum((user, int(item)) in only_viewed for item in reasons.items[part])
    assert viewed > 100
