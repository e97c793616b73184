"""Excluded items, boosts and limits per category: by hand, against brute force, and without effect where they are off."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.arrays import Array
from engine.score import rules
from engine.score.rules import has_rules, score_by_rules
from engine.score.scoring import TopK, score_users
from engine.score.similar import similar_items
from tests.support.models.arrays import Case, lists, random_case

LAYOUTS = ("dense", "sparse")
layouts = pytest.mark.parametrize("layout", LAYOUTS)


def category_arrays(categories: list[list[int]]) -> dict[str, Array]:
    ends = np.cumsum([len(some) for some in categories])
    numbers = [number for some in categories for number in some]
    return {"category_indptr": np.concatenate(([0], ends)).astype(np.int64), "category_indices": np.array(numbers, np.int32)}


def ruled(case: Case, layout: str, arrays: dict[str, Array], most: int = 0, start: int = 0, end: int | None = None) -> TopK:
    last = len(case.affinity) if end is None else end
    return score_by_rules({**case.arrays(layout), **arrays}, start, last, case.scale, **how(case), max_per_category=most)


def plainly(case: Case, layout: str, arrays: dict[str, Array]) -> TopK:
    return score_users({**case.arrays(layout), **arrays}, 0, len(case.affinity), case.scale, **how(case))


def how(case: Case) -> dict[str, Any]:
    return {name: getattr(case, name) for name in ("depth", "exclude_seen")}


def brute_force(case: Case, user: int, boost: Array, categories: list[list[int]], most: int, excluded: set[int]) -> list[tuple[int, float]]:
    """Every score written out, boosted, sorted whole; then one item after the other, as long as its categories have room."""
    everything = case.but(depth=case.affinity.shape[1]).expected(user)
    sums = case.affinity[user].astype(np.float64) @ case.similarity
    boosted = []
    for item, _ in everything:
        score, factor = case.score(user, item), float(boost[item])
        boosted.append((item, float(np.float32(score * factor if score >= 0 else score / factor))))
    boosted.sort(key=lambda entry: (-entry[1], -sums[entry[0]], entry[0]))
    taken, chosen = Counter[int](), []
    for item, score in boosted:
        if item in excluded or (most and any(taken[category] >= most for category in categories[item])):
            continue
        taken.update(categories[item])
        chosen.append((item, score))
    return chosen[: case.depth]


def five() -> Case:
    """A user of item 0, who is as similar to 1, 2, 3, 4, 5 as 1, 0.75, 0.5, 0.25, 0.125. Scores are not normalised."""
    similarity = np.zeros((6, 6))
    similarity[0] = [1, 1, 0.75, 0.5, 0.25, 0.125]
    affinity = np.zeros((1, 6))
    affinity[0, 0] = 1
    return Case(affinity=affinity, unity=affinity, similarity=similarity, normalize=False, depth=3)


@layouts
def test_excluded_items_leave_no_hole(layout: str) -> None:
    excluded = np.array([1, 3], np.int32)
    expected = [[(2, 0.75), (4, 0.25), (5, 0.125)]]
    assert lists(plainly(five(), layout, {"excluded": excluded})) == expected
    assert lists(ruled(five(), layout, {"excluded": excluded, "boost": np.ones(6, np.float32)})) == expected


@layouts
def test_a_boost_multiplies_and_reorders(layout: str) -> None:
    boost = np.array([1, 0.5, 1, 2, 1, 16], np.float32)
    assert lists(ruled(five(), layout, {"boost": boost})) == [[(5, 2.0), (3, 1.0), (2, 0.75)]]


@layouts
def test_a_boost_raises_what_scores_below_zero(layout: str) -> None:
    """Which the scale of weights down to -4 has."""
    case = random_case(70).but(weight_min=-4.0, weight_max=5.0, depth=70)
    boost = np.random.default_rng(1).choice(np.array([0.5, 1, 2, 4], np.float32), 70)
    found = lists(ruled(case, layout, {"boost": boost}))
    assert found == [brute_force(case, user, boost, [[]] * 70, 0, set()) for user in range(len(case.affinity))]
    assert any(score < 0 and boost[item] > 1 for some in found for item, score in some)


@layouts
def test_a_limit_passes_over_what_is_full_and_takes_what_comes_next(layout: str) -> None:
    categories = category_arrays([[], [0], [0, 1], [1], [1], []])
    assert lists(ruled(five(), layout, categories, 1)) == [[(1, 1.0), (3, 0.5), (5, 0.125)]], "2 is of 0, which is full; 4 of 1"
    assert lists(ruled(five(), layout, categories, 2)) == [[(1, 1.0), (2, 0.75), (3, 0.5)]]
    assert lists(ruled(five().but(depth=6), layout, categories, 2)) == [[(1, 1.0), (2, 0.75), (3, 0.5), (5, 0.125)]]


@layouts
def test_boost_and_limit_together(layout: str) -> None:
    """Boosted 1, 0.75, 2, 1, 0.125: 3 and 4 are of one category, of which the better one is taken."""
    categories = category_arrays([[0], [1], [2], [0], [0], [0]])
    boost = np.array([1, 1, 1, 4, 4, 1], np.float32)
    assert lists(ruled(five(), layout, {"boost": boost, **categories}, 1)) == [[(3, 2.0), (1, 1.0), (2, 0.75)]]


@layouts
@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("n_items", [1, 2, 63, 64, 65, 130])
@pytest.mark.parametrize("noisy", [True, False])
def test_rules_without_effect_change_no_bit(n_items: int, normalize: bool, exclude_seen: bool, layout: str, noisy: bool) -> None:
    case = random_case(n_items, n_users=40).but(normalize=normalize, exclude_seen=exclude_seen)
    if noisy:
        random = np.random.default_rng(n_items)
        kept = random.random(case.similarity.shape) < 0.4
        case = case.but(affinity=case.affinity * random.random(case.affinity.shape), similarity=random.random(case.similarity.shape) * kept)
    exponent = np.arange(40, dtype=np.int32) - 20
    excluded = np.flatnonzero(np.arange(n_items) % 5 == 3).astype(np.int32)
    case = case.but(exponent=exponent)
    for arrays in (dict[str, Array](), {"excluded": excluded}):
        neutral = ruled(case, layout, {"boost": np.ones(n_items, np.float32), **arrays}, n_items)
        plain = plainly(case, layout, arrays)
        np.testing.assert_array_equal(plain.items, neutral.items)
        np.testing.assert_array_equal(plain.scores.view(np.int32), neutral.scores.view(np.int32))
        np.testing.assert_array_equal(plain.lengths, neutral.lengths)


@layouts
@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_where_the_scale_tells_nothing_apart_sums_still_do(layout: str, weight: float) -> None:
    """All weights alike: every score is the same, and boosts alone move items between the orders of their sums."""
    case = five().but(normalize=True, weight_min=weight, weight_max=weight, depth=5)
    assert lists(ruled(case, layout, {"boost": np.ones(6, np.float32)})) == lists(case.scored(layout))
    boosted = lists(ruled(case, layout, {"boost": np.array([1, 1, 1, 1, 2, 2], np.float32)}))[0]
    assert [item for item, _ in boosted] == [4, 5, 1, 2, 3]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), layout=st.sampled_from(LAYOUTS), normalize=st.booleans(), exclude_seen=st.booleans())
def test_lists_are_those_of_brute_force(data: st.DataObject, layout: str, normalize: bool, exclude_seen: bool) -> None:
    n_items = data.draw(st.sampled_from([5, 70]))
    case = random_case(n_items, n_users=4, seed=data.draw(st.integers(0, 99))).but(normalize=normalize, exclude_seen=exclude_seen)
    case = case.but(depth=data.draw(st.integers(1, n_items)))
    factors = st.sampled_from([1.0, 1.0, 0.5, 2.0, 1.2, 0.01, 100.0])
    boost = np.array(data.draw(st.lists(factors, min_size=n_items, max_size=n_items)), np.float32)
    some = st.lists(st.integers(0, 3), max_size=2, unique=True)
    categories = data.draw(st.lists(some, min_size=n_items, max_size=n_items))
    excluded = data.draw(st.sets(st.integers(0, n_items - 1), max_size=4))
    most = data.draw(st.integers(0, 4))
    arrays = {"boost": boost, "excluded": np.array(sorted(excluded), np.int32), **category_arrays(categories)}
    found = lists(ruled(case, layout, arrays, most))
    for user, row in enumerate(found):
        expected = brute_force(case, user, boost, categories, most, excluded)
        assert row == expected


@layouts
def test_blocks_of_users_make_no_difference(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case, boost = random_case(130), np.linspace(0.5, 2, 130).astype(np.float32)
    whole = lists(ruled(case, layout, {"boost": boost}))
    monkeypatch.setattr(rules, "BLOCK_BYTES", 3 * 4 * 192)
    assert lists(ruled(case, layout, {"boost": boost})) == whole
    assert lists(ruled(case, layout, {"boost": boost}, start=2, end=9)) == whole[2:9]
    assert lists(ruled(case, layout, {"boost": boost}, start=4, end=4)) == []


@layouts
def test_similar_items_are_without_excluded_ones_which_have_lists_of_their_own(layout: str) -> None:
    arrays = {**five().arrays(layout), "excluded": np.array([0, 1, 3], np.int32)}
    assert lists(similar_items(arrays, np.array([0], np.int32), depth=2)) == [[(2, 0.75), (4, 0.25)]]


def test_what_counts_as_rules() -> None:
    assert not has_rules({"excluded": np.zeros(1)})
    assert has_rules({"boost": np.zeros(1)})
    assert has_rules({"category_indptr": np.zeros(1)})


@layouts
def test_however_many_better_items_a_full_category_has(layout: str) -> None:
    """61 of 64 items are of one category, and better than the others."""
    similarity = np.zeros((64, 64))
    similarity[0] = np.linspace(2, 1, 64)
    affinity = np.zeros((1, 64))
    affinity[0, 0] = 1
    case = Case(affinity=affinity, unity=affinity, similarity=similarity, normalize=False, depth=3)
    categories = category_arrays([[0]] * 61 + [[1], [1], []])
    found = lists(ruled(case, layout, categories, 1))
    assert [item for item, _ in found[0]] == [1, 61, 63]
