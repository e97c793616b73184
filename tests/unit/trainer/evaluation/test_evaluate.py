"""Offline evaluation: recommenders' published figures, lists by hand, and what may not leak from what was held out."""

from __future__ import annotations

import errno
import math
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from recommenders.evaluation.python_evaluation import catalog_coverage

from contract.errors import ArtifactError, SettingsError
from contract.formats.evaluation import Evaluation, Figures, Metrics, NotEvaluated, Split
from contract.settings.settings import ModelSettings
from engine.arrays import Array
from tests.support.builders import make_manifest
from tests.support.models.fitting import LAYOUTS, Event, Layout, interactions_of, rows_of, score_all, similarity_of
from tests.support.models.library_metrics import library_metrics
from tests.support.models.samples import DAY_S, many
from trainer.evaluation import evaluate as module
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.holdout import hold_out, sampled
from trainer.evaluation.lists import best_lists, popular_lists
from trainer.evaluation.metrics import metrics_of
from trainer.evaluation.per_user import per_user
from trainer.interactions.interactions import Interactions, from_frame


def result_of(
    interactions: Interactions,
    model: ModelSettings | None = None,
    *,
    split: Split | None = None,
    k: int = 10,
    sample_users: int = 10_000,
    scratch: Path | None = None,
    limit_bytes: float = 2**30,
    rows_as_read: bool = False,
) -> Evaluation | NotEvaluated:
    return evaluate(
        interactions,
        model or ModelSettings(),
        k=k,
        sample_users=sample_users,
        threads=2,
        limit_bytes=limit_bytes,
        report=lambda _done, _total: None,
        split=split or "auto",
        scratch=scratch,
        rows_as_read=rows_as_read,
    )


def evaluation_of(interactions: Interactions, model: ModelSettings | None = None, **how: object) -> Evaluation:
    result = result_of(interactions, model, **how)  # type: ignore[arg-type]
    assert isinstance(result, Evaluation), result
    return result


def movielens_100k(folder: Path) -> Interactions:
    names = ["user", "item", "weight", "time"]
    frame = pl.read_csv(folder / "u.data", separator="\t", has_header=False, new_columns=names)
    return from_frame(frame.with_columns(pl.col("weight").cast(pl.Float64)), "movielens-100k")


def unique_pairs(seed: int = 5) -> list[Event]:
    """`many`, each pair once: what recommenders' SAR can fit."""
    return list({(user, item): (user, item, weight, time) for user, item, weight, time in many(seed)}.values())


@pytest.mark.ml100k
@pytest.mark.parametrize("engine", ["larder", "recommenders"])
def test_recommenders_published_figures(ml100k: Path, engine: str) -> None:
    """examples/00_quick_start/sar_movielens.ipynb of recommenders, on MovieLens 100k."""
    interactions = movielens_100k(ml100k)
    found = evaluation_of(interactions, ModelSettings(engine=engine), split="stratified", rows_as_read=True)
    assert found.model.map == pytest.approx(0.106959, abs=1e-6)
    assert found.model.ndcg == pytest.approx(0.379533, abs=1e-6)
    assert found.model.precision == pytest.approx(0.331071, abs=1e-6)
    assert found.model.recall == pytest.approx(0.176837, abs=1e-6)
    assert (found.n_users_evaluated, found.n_users_total, found.n_train, found.n_test) == (943, 943, 74_992, 25_008)
    # Theirs orders items of equal popularity by chance, ours by id: the last digits differ.
    assert found.popularity.ndcg == pytest.approx(0.249726, abs=2e-4)
    assert found.popularity.ndcg == pytest.approx(popularity_ndcg(interactions, "stratified", 10, rows_as_read=True), abs=1e-8)


def popularity_ndcg(interactions: Interactions, split: Split, k: int, rows_as_read: bool = False) -> float:
    """nDCG of popularity in plain Python: the mean over users of Σ 1 / ln(1 + rank) over hits, by the best that there could be."""
    held = hold_out(interactions, split, 10_000, rows_as_read)
    assert held is not None
    seen: dict[int, set[int]] = {}
    wanted: dict[int, set[int]] = {}
    for user, item in zip(held.train.user_idx.tolist(), held.items[held.train.item_idx].tolist(), strict=True):
        seen.setdefault(user, set()).add(item)
    for user, item in zip(held.user_idx.tolist(), held.item_idx.tolist(), strict=True):
        wanted.setdefault(user, set()).add(item)
    counts = Counter(item for items in seen.values() for item in items)
    order = sorted(counts, key=lambda item: (-counts[item], item))
    total = 0.0
    for user, items in wanted.items():
        ranked = [item for item in order if item not in seen[user]][:k]
        gain = sum(1 / math.log(1 + rank) for rank, item in enumerate(ranked, start=1) if item in items)
        total += gain / sum(1 / math.log(1 + rank) for rank in range(1, min(k, len(items)) + 1))
    return total / len(wanted)


def test_popularity_is_computed_as_said() -> None:
    interactions = interactions_of(many())
    for split in ("time", "stratified"):
        found = evaluation_of(interactions, split=split)
        assert found.popularity.ndcg == pytest.approx(popularity_ndcg(interactions, found.split, 10), abs=1e-8)


def measure(user_idx: Array, item_idx: Array, users: Array, lists: Array, n_items: int) -> Metrics:
    return metrics_of(per_user(user_idx, item_idx, users, lists), lists, n_items)


def test_metrics_by_hand() -> None:
    """User 0 has to find 1 and 2, user 1 has to find 4; the latter's list is empty, which counts as a miss, not as no user."""
    users, lists = np.array([0, 1]), np.array([[1, 3, 2], [-1, -1, -1]], np.int32)
    found = measure(np.array([0, 0, 1], np.int32), np.array([1, 2, 4], np.int32), users, lists, n_items=6)
    gain, best = 1 / math.log(2) + 1 / math.log(4), 1 / math.log(2) + 1 / math.log(3)
    assert found.precision == pytest.approx(2 / 3 / 2)
    assert found.recall == pytest.approx(1 / 2)
    assert found.map == pytest.approx((1 / 1 + 2 / 3) / 2 / 2)
    assert found.ndcg == pytest.approx(gain / best / 2)
    assert found.coverage == pytest.approx(3 / 6)


def test_map_is_divided_by_all_that_was_to_be_found() -> None:
    """Two hits of two places and four wanted: recommenders' `map` says 1/2, its `map_at_k` 1."""
    wanted = np.array([1, 2, 3, 4], np.int32)
    assert measure(np.zeros(4, np.int32), wanted, np.array([0]), np.array([[1, 2]], np.int32), n_items=4).map == 0.5


def test_no_hit_is_zero() -> None:
    found = measure(np.array([0]), np.array([1]), np.array([0]), np.array([[-1, -1]], np.int32), n_items=3)
    assert found == Metrics(precision=0, recall=0, ndcg=0, map=0, coverage=0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("at_a_time", [7, 1024])
def test_lists_are_those_of_the_workers(layout: Layout, at_a_time: int, normalize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.evaluation.lists._USERS", at_a_time)
    interactions, model = interactions_of(many()), ModelSettings(k=20, depth=20, normalize=normalize)
    rows, n_items = rows_of(interactions, model), len(interactions.item_ids)
    similarity = similarity_of(rows, n_items, model, layout)
    top = score_all(rows, similarity, n_items, model)
    users = np.arange(0, len(interactions.user_ids), 3)
    lists = best_lists(rows, similarity, users, 20, threads=2, normalize=normalize)
    for row, user in enumerate(users.tolist()):
        length = int(top.lengths[user])
        assert (lists[row, length:] == -1).all()
        assert lists[row, :length].tolist() == top.items[user, :length].tolist()


def test_nothing_without_evidence_is_listed() -> None:
    """Two groups that share no item: nobody is given an item of the others, though lists could hold them."""
    events: list[Event] = [(user, 10 * (user % 2) + item, 1.0, 0) for user in range(8) for item in range(4) if item != user // 2]
    interactions, model = interactions_of(events), ModelSettings()
    rows = rows_of(interactions, model)
    users = np.arange(8)
    for layout in LAYOUTS:
        lists = best_lists(rows, similarity_of(rows, 8, model, layout), users, 10, threads=1, normalize=model.normalize)
        assert ((lists >= 0).sum(axis=1) == 1).all()
        for row, user in enumerate(interactions.user_ids):
            assert isinstance(user, int)
            assert interactions.item_ids[lists[row, 0]] == 10 * (user % 2) + user // 2


def test_popular_items_that_a_user_has_seen_are_left_out() -> None:
    events: list[Event] = [(user, item, 1.0, 0) for user in range(4) for item in range(user + 1)]
    rows = rows_of(interactions_of(events), ModelSettings())
    row_of = {size: row for row, size in enumerate(np.diff(rows.indptr).tolist())}
    lists = popular_lists(rows, 4, np.array([row_of[size] for size in (1, 2, 3, 4)]), 2)
    assert lists.tolist() == [[1, 2], [2, 3], [3, -1], [-1, -1]]


def test_layouts_and_engines_agree() -> None:
    interactions = interactions_of(unique_pairs())
    dense = evaluation_of(interactions, ModelSettings(time_decay_days=0))
    sparse = evaluation_of(interactions, ModelSettings(time_decay_days=0, neighbors=len(interactions.item_ids)))
    theirs = evaluation_of(interactions, ModelSettings(time_decay_days=0, engine="recommenders"))
    assert dense.model == sparse.model
    assert dense.popularity == sparse.popularity == theirs.popularity
    assert dense.model.ndcg == pytest.approx(theirs.model.ndcg, abs=0.01)  # ties of the library are in no order
    assert dense.model.ndcg > 0.05


def test_an_evaluation_says_what_the_library_does() -> None:
    """Of the same lists, at k and at ten, and of popularity."""
    interactions = interactions_of(many(3))
    held = hold_out(interactions, "time", 10_000)
    assert held is not None
    model = ModelSettings()
    rows, n_items, users = rows_of(held.train, model), held.items.size, np.unique(held.user_idx)
    lists = best_lists(rows, similarity_of(rows, n_items, model, "dense"), users, 10, threads=1, normalize=model.normalize)
    best, popular = (np.where(found < 0, -1, held.items[found]) for found in (lists, popular_lists(rows, n_items, users, 4)))
    found = evaluation_of(interactions, k=4)
    assert found.at_gate_depth is not None
    for said, these in ((found.model, best[:, :4]), (found.at_gate_depth, best), (found.popularity, popular)):
        for name, mean in library_metrics(held.user_idx, held.item_idx, users, these).items():
            assert getattr(said, name) == pytest.approx(mean, abs=1e-8), name


def test_coverage_is_the_library_s() -> None:
    interactions = interactions_of(many())
    held = hold_out(interactions, "time", 10_000)
    assert held is not None
    model = ModelSettings()
    rows, n_items, users = rows_of(held.train, model), held.items.size, np.unique(held.user_idx)
    lists = best_lists(rows, similarity_of(rows, n_items, model, "dense"), users, 10, threads=1, normalize=model.normalize)
    found = measure(held.user_idx, held.item_idx, users, np.where(lists < 0, -1, held.items[lists]), n_items)
    listed = [(int(user), int(item)) for user, row in zip(users, lists, strict=True) for item in row if item >= 0]
    train = zip(held.train.user_idx.tolist(), held.train.item_idx.tolist(), strict=True)
    theirs = catalog_coverage(*(pd.DataFrame(list(pairs), columns=["userID", "itemID"]) for pairs in (train, listed)))
    assert found.coverage == pytest.approx(theirs, abs=1e-8)


def test_the_latest_quarter_is_held_out() -> None:
    rng = np.random.default_rng(1)
    events: list[Event] = [(user, item, 1.0, int(time)) for user in range(20) for item, time in enumerate(rng.permutation(12) * DAY_S)]
    held = hold_out(interactions_of(events), "time", 100)
    assert held is not None
    assert held.train.time is not None
    assert held.train.time.size == 180
    assert held.train.time.max() == 8 * DAY_S
    assert held.user_idx.size == 60


def test_events_of_one_second_fall_the_same_way_in_every_order() -> None:
    events = [(user, item, 1.0, 5) for user in range(30) for item in range(9)]
    straight, turned = hold_out(interactions_of(events), "time", 100), hold_out(interactions_of(events[::-1]), "time", 100)
    assert straight is not None
    assert turned is not None
    assert straight.item_idx.tolist() == turned.item_idx.tolist()


def test_without_times_the_split_is_stratified() -> None:
    with_times, without = interactions_of(many()), interactions_of(many(), times=False)
    assert evaluation_of(with_times).split == "time"
    assert evaluation_of(without).split == "stratified"
    refused = result_of(without, split="time")
    assert isinstance(refused, NotEvaluated)
    assert "no times" in refused.reason


def test_now_is_the_latest_time_of_the_training_part() -> None:
    """So an event that is held out may be of the far future, and nothing changes."""
    events = unique_pairs()
    user, item, weight, time = latest = max(event for event in events if event[0] == 7 and event[3] == 150 * DAY_S)
    future = interactions_of([*(event for event in events if event is not latest), (user, item, weight, time + 36_500 * DAY_S)])
    held = hold_out(future, "time", 10_000)
    assert held is not None
    assert held.train.time is not None
    assert held.train.time.max() == 150 * DAY_S
    before, after = evaluation_of(interactions_of(events)), evaluation_of(future)
    assert (before.model, before.n_test) == (after.model, after.n_test)


@pytest.mark.parametrize("split", ["time", "stratified"])
def test_only_sampled_users_lose_events(split: Split) -> None:
    interactions = interactions_of(many())
    held = hold_out(interactions, split, 40)
    assert held is not None
    sample = set(sampled(interactions, 40).tolist())
    assert len(sample) == 40
    assert set(held.user_idx.tolist()) <= sample
    before = np.bincount(interactions.user_idx, minlength=len(interactions.user_ids))
    after = np.bincount(held.train.user_idx, minlength=len(interactions.user_ids))
    assert set(np.flatnonzero(before != after).tolist()) == sample
    assert (after > 0).all()


def test_the_same_sample_measures_the_same() -> None:
    interactions = interactions_of(many())
    first, again = evaluation_of(interactions, sample_users=40), evaluation_of(interactions, sample_users=40)
    assert first.model_copy(update={"seconds": again.seconds}) == again
    assert 0 < first.n_users_evaluated <= first.sample_users == 40
    assert first.n_users_total == len(interactions.user_ids)


def test_who_is_sampled_depends_on_the_ids_alone() -> None:
    """Smaller samples lie in larger ones, and new users push out few of those who were in it."""
    events = many()
    more = [*events, *((user, item, 1.0, 0) for user in range(1000, 1100) for item in range(4))]
    few, many_users = ids_of(interactions_of(events), 50), ids_of(interactions_of(events), 100)
    assert len(few) == 50
    assert few < many_users
    later = ids_of(interactions_of(more), 50)
    assert len(few & later) > 30
    assert all(isinstance(user, int) and user >= 1000 for user in later - few)


def ids_of(interactions: Interactions, n: int) -> set[object]:
    return {interactions.user_ids[user] for user in sampled(interactions, n).tolist()}


def test_a_pair_that_stays_in_training_is_not_to_be_found() -> None:
    """Everybody comes back to the first item: it has been seen, so no list of unseen items can hold it."""
    events: list[Event] = [(user, item, 1.0, time) for user in range(10) for time, item in enumerate([0, 1, 2, user % 3 + 3, 5, 6, 0, 7])]
    held = hold_out(interactions_of(events), "time", 100)
    assert held is not None
    assert held.train.user_idx.size == 60
    assert held.item_idx.tolist() == [7] * 10


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_lists_that_may_hold_what_was_had_are_measured_by_all_that_is_taken(exclude_seen: bool) -> None:
    """Everybody takes the same two things again and again, and one that is new. Popularity lists the two, if it may."""
    events: list[Event] = [(user, item % 2, 1.0, item) for user in range(12) for item in range(9)]
    events += [(user, 2 + user % 2, 1.0, 9) for user in range(12)] + [(user, 2 + user % 2, 1.0, 1) for user in range(12, 16)]
    model = ModelSettings(exclude_seen=exclude_seen, normalize=False)
    found = evaluation_of(interactions_of(events), model, k=3)
    second, third = 1 / math.log2(3), 1 / math.log2(4)
    by_hand = ((1 + second) / 2, 1.0, 12) if exclude_seen else (((1 + third) + 1) / (1 + second) / 2, 0.75, 24)
    assert (found.popularity.ndcg, found.popularity.recall, found.n_test) == pytest.approx(by_hand, abs=1e-6)


def test_items_of_the_held_out_part_alone_have_no_row() -> None:
    events: list[Event] = [(user, item, 1.0, item) for user in range(10) for item in range(3)]
    events += [(user, 100 + user, 1.0, 9) for user in range(10)]
    held = hold_out(interactions_of(events), "time", 100)
    assert held is not None
    assert held.items.tolist() == [0, 1, 2]
    assert list(held.train.item_ids) == [0, 1, 2]
    for engine in ("larder", "recommenders"):
        assert evaluation_of(interactions_of(events), ModelSettings(engine=engine)).model.recall == 0.0


@pytest.mark.parametrize(
    "events",
    [
        [(1, 1, 1.0, 0)],
        [(user, item, 1.0, 0) for user in range(5) for item in range(2)],
        [(1, 1, 1.0, time) for time in range(8)],
    ],
)
def test_where_nothing_can_be_held_out_there_is_a_reason(events: list[Event]) -> None:
    result = result_of(interactions_of(events))
    assert isinstance(result, NotEvaluated)
    assert "hold one out" in result.reason


def test_one_user_and_few_items_are_measured() -> None:
    """Nobody else speaks for the item that is held out."""
    found = evaluation_of(interactions_of([(1, item, 1.0, item) for item in range(3)]))
    assert found.model == Metrics(precision=0, recall=0, ndcg=0, map=0, coverage=0)
    assert (found.n_train, found.n_test) == (2, 1)


def test_a_large_similarity_lies_in_a_file_that_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interactions = interactions_of(many())
    in_memory = evaluation_of(interactions)
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 0)
    mapped = evaluation_of(interactions, scratch=tmp_path / "made")
    assert mapped.model == in_memory.model
    assert list((tmp_path / "made").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="LARDER_ARTIFACTS"):
        result_of(interactions, scratch=tmp_path / "file")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(ArtifactError, match="No space left on device; set LARDER_ARTIFACTS"):
        result_of(interactions, scratch=tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []


def test_the_memory_limit_holds() -> None:
    with pytest.raises(SettingsError, match="LARDER_MAX_MEMORY_GB"):
        result_of(interactions_of(many()), limit_bytes=1000)


def test_a_manifest_carries_it() -> None:
    found = evaluation_of(interactions_of(many()))
    assert Evaluation.model_validate_json(found.model_dump_json()) == found
    manifest = make_manifest(evaluation=found.model_dump(mode="json"), n_users=9, n_items=4, erased=(1, 2))
    figures = Figures.of(manifest, items_listed=3.5)
    assert figures.evaluation == found
    assert (figures.n_users, figures.n_items, figures.depth, figures.items_listed) == (7, 4, 6, 3.5)
    why = NotEvaluated(reason="a reason")
    assert Figures.of(make_manifest(evaluation=why.model_dump())).evaluation == why
    assert Figures.of(make_manifest()).evaluation is None
    unknown = Figures.of(make_manifest(evaluation={"version": 9})).evaluation
    assert isinstance(unknown, NotEvaluated)
    assert "another version" in unknown.reason


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("split", ["time", "stratified"])
def test_the_order_of_the_rows_changes_no_figure(split: Split, timed: bool) -> None:
    if split == "time" and not timed:
        split = None  # type: ignore[assignment]
    events = many(7)
    found = []
    for order in (np.arange(len(events)), np.arange(len(events))[::-1], np.random.default_rng(3).permutation(len(events))):
        interactions = interactions_of([events[at] for at in order])
        if not timed:
            interactions = replace(interactions, time=None)
        found.append(evaluation_of(interactions, split=split).model_copy(update={"seconds": 0.0}))
    assert found[0] == found[1] == found[2]
    assert found[0].model.ndcg > 0


@pytest.mark.parametrize("k", [3, 25])
def test_every_model_is_measured_at_the_depth_of_the_gate(k: int) -> None:
    interactions = interactions_of(many(7))
    found, at_ten = evaluation_of(interactions, k=k), evaluation_of(interactions, k=10)
    assert found.at_gate_depth == at_ten.model == found.model_at(10)
    assert at_ten.at_gate_depth is None
    assert found.model == found.model_at(k) != at_ten.model
    assert found.model_at(11) is None
