"""Scoring against NumPy, in both layouts."""

from __future__ import annotations

import numpy as np
import pytest

from engine.score.rules import score_by_rules
from engine.score.scoring import Scale, score_users
from tests.support.models.arrays import Case, lists, random_case

LAYOUTS = ("dense", "sparse")
layouts = pytest.mark.parametrize("layout", LAYOUTS)


@layouts
@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("n_items", [1, 2, 63, 64, 65, 130])
def test_lists_are_those_of_the_reference(n_items: int, normalize: bool, exclude_seen: bool, layout: str) -> None:
    case = random_case(n_items).but(normalize=normalize, exclude_seen=exclude_seen)
    assert lists(case.scored(layout)) == [case.expected(user) for user in range(len(case.affinity))]


@pytest.mark.parametrize("n_items", [1, 63, 64, 65, 130])
@pytest.mark.parametrize("normalize", [True, False])
def test_both_layouts_give_the_same_bits(n_items: int, normalize: bool) -> None:
    random = np.random.default_rng(n_items)
    case = random_case(n_items, n_users=40)
    noisy = case.but(
        affinity=case.affinity * random.random(case.affinity.shape),
        similarity=random.random(case.similarity.shape) * (random.random(case.similarity.shape) < 0.4),
        normalize=normalize,
    )
    dense, sparse = noisy.scored("dense"), noisy.scored("sparse")
    np.testing.assert_array_equal(dense.items, sparse.items)
    np.testing.assert_array_equal(dense.scores.view(np.int32), sparse.scores.view(np.int32))
    np.testing.assert_array_equal(dense.lengths, sparse.lengths)


@layouts
def test_a_range_of_users_is_scored_as_in_the_whole(layout: str) -> None:
    case = random_case(70)
    assert lists(case.scored(layout, 5, 9)) == lists(case.scored(layout))[5:9]
    assert lists(case.scored(layout, 4, 4)) == []


def one_user(similarity_to: list[float], **fields: object) -> Case:
    """A user of item 0 alone, who is as similar to the others as the list says."""
    n_items = len(similarity_to)
    similarity = np.zeros((n_items, n_items))
    similarity[0] = similarity_to
    affinity = np.zeros((1, n_items))
    affinity[0, 0] = 1
    return Case(affinity=affinity, unity=affinity, similarity=similarity, normalize=False).but(**fields)


@layouts
def test_ties_go_to_the_lower_item_also_where_the_list_is_full(layout: str) -> None:
    case = one_user([1, 0.5, 0.75, 0.5, 0.75, 0.5] + [0.5] * 70, depth=4)
    assert lists(case.scored(layout)) == [[(2, 0.75), (4, 0.75), (1, 0.5), (3, 0.5)]]


@layouts
def test_only_positive_sums_are_listed(layout: str) -> None:
    assert lists(one_user([1, 0, -1, 0.25]).scored(layout)) == [[(3, 0.25)]]


@layouts
def test_seen_items_are_listed_when_asked_for(layout: str) -> None:
    assert lists(one_user([1, 0.5], exclude_seen=False).scored(layout)) == [[(0, 1.0), (1, 0.5)]]


@layouts
@pytest.mark.parametrize("n_items", [2, 63, 65, 130])
def test_disliked_items_are_never_listed(n_items: int, layout: str) -> None:
    case = random_case(n_items)
    disliked = np.random.default_rng(n_items).random(case.affinity.shape) < 0.4
    case = case.but(disliked=disliked)
    assert lists(case.scored(layout)) == [case.expected(user) for user in range(len(disliked))]
    assert lists(case.scored(layout, 5, 9)) == lists(case.scored(layout))[5:9]


@layouts
def test_depth_above_the_number_of_items_lists_them_all(layout: str) -> None:
    top = one_user([1, 0.5, 0.25], depth=3000).scored(layout)
    assert top.items.shape == (1, 3)
    assert lists(top) == [[(1, 0.5), (2, 0.25)]]


@layouts
@pytest.mark.parametrize("normalize", [True, False])
def test_who_has_seen_everything_has_an_empty_list(layout: str, normalize: bool) -> None:
    everything = np.ones((1, 5))
    case = Case(affinity=everything, unity=everything, similarity=np.ones((5, 5)), normalize=normalize)
    assert case.scored(layout).lengths.tolist() == [0]


@layouts
def test_the_least_score_is_that_of_real_columns_not_of_the_padding(layout: str) -> None:
    """Every column scores at least 1/2 of unit weight: a padded column's 0 would stretch the scale downwards."""
    case = one_user([0.5, 0.75] + [1.0] * 63, normalize=True, depth=2, weight_min=2.0, weight_max=4.0)
    low, high = 0.5 * 2.0, 1.0 * 4.0
    scores = [float(np.float32((total - low) / (high - low) * 2.0 + 2.0)) for total in (1.0, 1.0)]
    assert lists(case.scored(layout)) == [list(zip([2, 3], scores, strict=True))]


@layouts
def test_columns_that_nothing_touches_score_zero_on_the_scale(layout: str) -> None:
    case = one_user([1.0, 0.5, 0.0], normalize=True, weight_min=1.0, weight_max=5.0)
    assert lists(case.scored(layout)) == [[(1, float(np.float32(0.5 / 5 * 4 + 1)))]]


@layouts
def test_where_every_item_scores_the_same_all_are_at_the_top_of_the_scale(layout: str) -> None:
    case = one_user([0.5] * 3, normalize=True, weight_min=2.0, weight_max=2.0)
    assert lists(case.scored(layout)) == [[(1, 2.0), (2, 2.0)]]


@layouts
def test_the_exponent_scales_scores_that_are_not_normalised(layout: str) -> None:
    case = one_user([1, 0.5, 0.25], exponent=np.array([-3], np.int32))
    assert lists(case.scored(layout)) == [[(1, 0.5 / 8), (2, 0.25 / 8)]]


@layouts
def test_the_exponent_cancels_in_normalised_scores(layout: str) -> None:
    case = random_case(70)
    exponent = np.arange(len(case.affinity), dtype=np.int32) * -20
    assert lists(case.but(exponent=exponent).scored(layout)) == lists(case.scored(layout))


@layouts
def test_decay_below_the_range_of_float32_keeps_the_order(layout: str) -> None:
    case = one_user([1, 0.25, 0.5], exponent=np.array([-400], np.int32))
    assert [item for item, _ in lists(case.scored(layout))[0]] == [2, 1]


@layouts
def test_mapped_arrays_and_plain_ones_are_scored_alike(layout: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    case, folder = random_case(65), tmp_path_factory.mktemp("arrays")
    mapped = {}
    for name, values in case.arrays(layout).items():
        np.save(folder / f"{name}.npy", values)
        mapped[name] = np.load(folder / f"{name}.npy", mmap_mode="r")
    top = score_users(mapped, 0, 12, Scale(True, 1.0, 5.0), depth=10, exclude_seen=True)
    assert lists(top) == lists(case.scored(layout))


@layouts
@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("n_items", [1, 2, 63, 64, 65, 130])
def test_a_prior_is_added_to_everybodys_scores(n_items: int, exclude_seen: bool, layout: str) -> None:
    """Some of it below 0, and enough that items are listed that nothing else speaks for."""
    case = random_case(n_items, lowest=-4).but(normalize=False, exclude_seen=exclude_seen, depth=40)
    case = case.but(prior=np.random.default_rng(n_items).integers(-8, 9, n_items) / 8)
    assert lists(case.scored(layout)) == [case.expected(user) for user in range(len(case.affinity))]


@layouts
def test_who_has_no_items_gets_the_list_of_the_prior(layout: str) -> None:
    case = random_case(70, n_users=3).but(normalize=False, depth=5, prior=np.arange(70.0)[::-1])
    case.affinity[1] = 0
    assert lists(case.scored(layout))[1] == [(item, 69.0 - item) for item in range(5)]


@layouts
def test_rules_know_the_prior(layout: str) -> None:
    case = random_case(130).but(normalize=False, prior=np.random.default_rng(4).integers(0, 9, 130) / 8)
    arrays = {**case.arrays(layout), "boost": np.ones(130, np.float32)}
    ruled = score_by_rules(arrays, 0, len(case.affinity), case.scale, depth=10, exclude_seen=True, max_per_category=0)
    assert lists(ruled) == lists(case.scored(layout))
