"""Diverse lists against ten lines of NumPy, in both layouts; a penalty on popularity by hand; and no effect where both are off."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.ranking import mmr_kernels
from engine.ranking.mmr import LEAST, RATIO, ratio_of, strongest_of
from engine.ranking.penalty import factors
from engine.ranking.ranked import Ranking, rank_users, ranking_arrays
from engine.ranking.warm import warm
from engine.score.structures import TopK
from engine.similarity_matrix import similarity_of
from tests.support.models.arrays import Case, lists, random_case
from tests.support.models.mmr import likeness, mmr
from tests.unit.engine.score.test_rules import category_arrays

LAYOUTS = ("dense", "sparse")
layouts = pytest.mark.parametrize("layout", LAYOUTS)


def model_of(case: Case, **fields: float) -> ModelSettings:
    how = {"normalize": case.normalize, "exclude_seen": case.exclude_seen}
    return ModelSettings.model_validate({"k": case.depth, "depth": case.depth, **how, **fields})


def ranked(case: Case, layout: str, more: dict[str, Array] | None = None, start: int = 0, end: int = 12, **fields: float) -> TopK:
    model, arrays = model_of(case, **fields), {**case.arrays(layout), **(more or {})}
    made = ranking_arrays(model, arrays, np.count_nonzero(case.affinity, axis=0))
    return rank_users({**arrays, **made}, start, end, case.scale, Ranking.of(model))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n_items=st.integers(1, 140),
    diversity=st.sampled_from([0.05, 0.3, 0.5, 0.8, 1.0]),
    depth=st.integers(1, 40),
    normalize=st.booleans(),
    lowest=st.sampled_from([-8, -2, 0]),
)
def test_a_list_is_that_of_ten_lines_of_numpy(seed: int, n_items: int, diversity: float, depth: int, normalize: bool, lowest: int) -> None:
    case = random_case(n_items, seed=seed, lowest=lowest).but(depth=depth, normalize=normalize)
    pools = lists(case.but(depth=depth * ratio_of(depth)).scored("dense"))
    expected = [mmr(pool, likeness(case.similarity), diversity, depth) for pool in pools]
    for layout in LAYOUTS:
        found = ranked(case, layout, diversity=diversity)
        assert lists(found) == expected
        assert found.lengths.tolist() == case.scored(layout).lengths.tolist(), "a diverse list is as long as a plain one"


@layouts
def test_twins_are_parted_by_hand(layout: str) -> None:
    """Scores 1, .9, .8, .1 of items 1 to 4; 1 and 2 are alike by 1, 3 by nothing. At d = .5, relevance is 1, 8/9, 7/9, 0."""
    similarity = np.zeros((5, 5))
    similarity[0, 1:] = [1, 0.9, 0.8, 0.1]
    similarity[1, 2], similarity[1, 1], similarity[2, 2] = 1, 1, 1
    affinity = np.zeros((1, 5))
    affinity[0, 0] = 1
    case = Case(affinity=affinity, unity=affinity, similarity=similarity, normalize=False, depth=4)
    found = lists(ranked(case, layout, end=1, diversity=0.5))[0]
    assert [item for item, _ in found] == [1, 3, 4, 2]  # 2 is worth (8/9 - 1) / 2, less than the 0 of 4
    assert dict(found) == pytest.approx({1: 1, 2: 0.9, 3: 0.8, 4: 0.1}), "the stored score is the model's"
    assert [item for item, _ in lists(ranked(case, layout, end=1))[0]] == [1, 2, 3, 4]


@layouts
def test_off_it_is_what_scoring_gives_to_the_bit(layout: str) -> None:
    case = random_case(130, lowest=-2)
    assert ranking_arrays(model_of(case), case.arrays(layout), np.ones(130)) == {}
    for made, plain in zip(ranked(case, layout), case.scored(layout), strict=True):
        assert made.tobytes() == plain.tobytes()


@layouts
def test_a_user_alone_has_the_list_that_a_shard_gives(layout: str) -> None:
    case = random_case(130)
    whole = lists(ranked(case, layout, diversity=0.4, popularity_penalty=0.2))
    assert [lists(ranked(case, layout, None, at, at + 1, diversity=0.4, popularity_penalty=0.2))[0] for at in range(12)] == whole


@pytest.mark.parametrize("n_bytes", [1, 1600, 1 << 26])
def test_pools_are_made_for_some_users_at_a_time(n_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.ranking.ranked.BLOCK_BYTES", n_bytes)
    case = random_case(130)
    pools = lists(case.but(depth=50).scored("dense"))
    found = lists(ranked(case, "dense", diversity=0.4))
    assert found == [mmr(pool, likeness(case.similarity), 0.4, 10) for pool in pools]
    assert lists(ranked(case, "dense", None, 3, 3, diversity=0.4)) == []


@layouts
def test_limits_per_category_hold_and_leave_no_list_short(layout: str) -> None:
    case = random_case(140).but(depth=12)
    of_one = category_arrays([[item % 7] for item in range(140)])
    plain = ranked(case, layout, of_one, max_per_category=2)
    diverse = ranked(case, layout, of_one, max_per_category=2, diversity=0.6)
    assert plain.lengths.tolist() == diverse.lengths.tolist()
    assert lists(plain) != lists(diverse)
    for row in lists(diverse):
        assert max(Counter(item % 7 for item, _ in row).values()) <= 2


def test_the_strongest_weight_is_that_of_row_and_column() -> None:
    case = random_case(70, lowest=-8)
    expected = np.maximum(0, np.maximum(case.similarity.max(axis=0), case.similarity.max(axis=1)))
    for layout in LAYOUTS:
        assert strongest_of(similarity_of(case.arrays(layout))).tolist() == expected.tolist()
    nothing = case.but(similarity=np.zeros((70, 70)), prior=np.arange(70.0), normalize=False)
    assert lists(ranked(nothing, "sparse", diversity=0.9)) == lists(nothing.scored("sparse")), "a prior alone has no weights"


def test_likeness_of_counts_is_the_cosine_of_users() -> None:
    sets = np.random.default_rng(3).integers(0, 2, (40, 12)).astype(np.float64)
    counts = sets.T @ sets
    cosine = counts / np.sqrt(np.outer(np.diag(counts), np.diag(counts)))
    assert likeness(counts) == pytest.approx(cosine)
    lift = counts / np.outer(np.diag(counts), np.diag(counts))
    assert likeness(lift) == pytest.approx(cosine)


def test_a_penalty_divides_by_a_power_of_the_users() -> None:
    assert factors(np.array([0, 1, 4, 100]), 0.5).tolist() == pytest.approx([1, 1, 0.5, 0.1])
    case = random_case(60).but(normalize=False, depth=60)
    n_users = np.count_nonzero(case.affinity, axis=0)
    for plain, lowered in zip(lists(case.scored("dense")), lists(ranked(case, "dense", popularity_penalty=0.7)), strict=True):
        assert dict(lowered) == pytest.approx({item: score / max(1, n_users[item]) ** 0.7 for item, score in plain}, rel=1e-6)
        assert [score for _, score in lowered] == sorted((score for _, score in lowered), reverse=True)


def test_a_penalty_lowers_a_negative_score_too_and_multiplies_with_a_boost() -> None:
    """Normalised to a scale from -9, every score of a weak item is below 0."""
    case = random_case(60).but(weight_min=-9.0, depth=60)
    plain = [dict(row) for row in lists(case.scored("dense"))]
    lowered = [dict(row) for row in lists(ranked(case, "dense", popularity_penalty=0.5))]
    pairs = [(plain[user][item], score) for user in range(12) for item, score in lowered[user].items()]
    assert any(before < 0 for before, _ in pairs)
    assert all(after <= before for before, after in pairs)
    boost = {"boost": np.linspace(0.5, 2, 60).astype(np.float32)}
    made = ranking_arrays(model_of(case, popularity_penalty=0.5), {**case.arrays("dense"), **boost}, np.full(60, 4))
    assert made["boost"].tolist() == pytest.approx((boost["boost"] / 2).tolist())


def test_pools_are_four_times_a_list_and_hold_fifty() -> None:
    assert [(depth * ratio_of(depth)) for depth in (1, 10, 30, 300)] == [LEAST, LEAST, 30 * RATIO, 300 * RATIO]
    served = Ranking.of(ModelSettings(k=10, diversity=0.3, max_per_category=2))
    assert served.measured(10).pooled == served.pooled == 120
    case = random_case(140).but(depth=30)
    arrays = {**case.arrays("dense"), "strongest": strongest_of(similarity_of(case.arrays("dense")))}
    how = Ranking.of(model_of(case, diversity=0.3))
    whole, ten = (lists(rank_users(arrays, 0, 12, case.scale, each)) for each in (how, how.measured(10)))
    assert [row[:10] for row in whole] == ten, "what is measured is the beginning of what is served"


@layouts
def test_no_job_compiles(layout: str, tmp_path: Path) -> None:
    warm()
    before = len(mmr_kernels.rerank.signatures)
    case = random_case(130)
    arrays = {**case.arrays(layout), "strongest": np.ones(130, np.float32)}
    for name, values in arrays.items():
        np.save(tmp_path / f"{name}.npy", values)
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in arrays}
    rank_users(mapped, 2, 9, case.scale, Ranking.of(model_of(case, diversity=0.3)))
    assert len(mmr_kernels.rerank.signatures) == before


@pytest.mark.parametrize("wrong", [{"diversity": -0.1}, {"diversity": 1.1}, {"popularity_penalty": -1}, {"popularity_penalty": 3}])
def test_what_is_no_strength_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ModelSettings.model_validate(wrong)
