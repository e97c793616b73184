"""Explanations against NumPy, in both layouts; their bytes against the contract's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.formats import explanations
from contract.formats.keys import Id
from engine.score.explain import Contributors, encode_contributors, explain_users
from tests.support.contributors import explained, of_items
from tests.support.depth import deeper, examples
from tests.support.models.arrays import Case, lists, random_case

LAYOUTS = ("dense", "sparse")
EVERY = 10**6
layouts = pytest.mark.parametrize("layout", LAYOUTS)
untimed = settings(deadline=None, derandomize=True, database=None, max_examples=examples(30, 300))


def explain(case: Case, layout: str, explain_depth: int, start: int = 0, end: int | None = None) -> Contributors:
    n_users = len(case.affinity)
    stop = n_users if end is None else end
    top = case.scored(layout, start, stop)
    return explain_users(case.arrays(layout), start, stop, top, explain_depth=explain_depth)


def by_hand(**fields: Any) -> Case:
    """One user of items 0 (weight 2) and 1 (weight 4); item 2 scores 2 · 1/2 + 4 · 3/4 = 4, item 3 scores 4 · 1/4 = 1."""
    similarity = np.array([[1.0, 0.5, 0.5, 0.0], [0.5, 1.0, 0.75, 0.25], [0.5, 0.75, 1.0, 0.0], [0.0, 0.25, 0.0, 1.0]])
    affinity = np.array([[2.0, 4.0, 0.0, 0.0]])
    return Case(affinity=affinity, unity=(affinity > 0) * 1.0, similarity=similarity, normalize=False).but(**fields)


@layouts
def test_two_seen_items_by_hand(layout: str) -> None:
    assert lists(by_hand().scored(layout)) == [[(2, 4.0), (3, 1.0)]]
    assert of_items(explain(by_hand(), layout, EVERY)) == [[[(1, 0.75), (0, 0.25)], [(1, 1.0)]]]
    assert of_items(explain(by_hand(), layout, 1)) == [[[(1, 0.75)], [(1, 1.0)]]]


@layouts
def test_a_seen_item_that_is_listed_counts_for_itself(layout: str) -> None:
    case = by_hand(exclude_seen=False, depth=1)
    assert lists(case.scored(layout)) == [[(1, 5.0)]]  # 2 · 1/2 + 4 · 1
    assert [each for each, _ in of_items(explain(case, layout, EVERY))[0][0]] == [1, 0]
    assert explain(case, layout, EVERY).shares.tolist() == pytest.approx([0.8, 0.2])


@layouts
@pytest.mark.parametrize("fields", [{"normalize": True}, {"exponent": np.array([-400], np.int32)}], ids=["normalised", "exponent"])
def test_the_scale_of_scores_changes_no_share(layout: str, fields: dict[str, Any]) -> None:
    assert of_items(explain(by_hand(**fields), layout, 3)) == of_items(explain(by_hand(), layout, 3))


@layouts
def test_ties_go_to_the_lower_item_also_where_the_slots_are_full(layout: str) -> None:
    affinity = np.array([[1.0] * 5 + [0.0]])
    case = Case(affinity=affinity, unity=affinity, similarity=np.full((6, 6), 0.5), normalize=False)
    (((*contributors,),),) = of_items(explain(case, layout, 3))
    assert contributors == [(item, float(np.float32(0.2))) for item in range(3)]


@layouts
def test_terms_that_take_away_are_contributors_with_shares_below_0(layout: str) -> None:
    similarity = np.zeros((3, 3))
    similarity[:2, 2] = [1.0, -0.5]
    case = Case(affinity=np.array([[1.0, 1.0, 0.0]]), unity=np.ones((1, 3)), similarity=similarity, normalize=False)
    assert of_items(explain(case, layout, EVERY)) == [[[(0, 2.0), (1, -1.0)]]]


@layouts
def test_a_sum_that_is_positive_in_float32_only_has_no_contributors(layout: str) -> None:
    """1 - 2 ** -26 is 1 in float32, five times over, so that 2 ** -24 remains of what is really -(2 ** -26)."""
    terms = [1.0, *[-(2.0**-26)] * 5, -1.0 + 2.0**-24]
    similarity = np.zeros((8, 8))
    similarity[:7, 7] = terms
    affinity = np.array([[1.0] * 7 + [0.0]])
    case = Case(affinity=affinity, unity=affinity, similarity=similarity, normalize=False)
    assert sum(terms) < 0
    assert lists(case.scored(layout)) == [[(7, 2.0**-24)]]
    assert of_items(explain(case, layout, EVERY)) == [[[]]]


@layouts
def test_a_weight_that_decayed_to_nothing_is_no_contributor(layout: str) -> None:
    arrays = by_hand().arrays(layout)
    arrays["affinity"] = np.array([0.0, 4.0], np.float32)
    made = explain_users(arrays, 0, 1, by_hand().scored(layout), explain_depth=EVERY)
    assert of_items(made) == [[[(1, 1.0)], [(1, 1.0)]]]


@layouts
def test_who_has_an_empty_list_needs_no_explanation(layout: str) -> None:
    affinity = np.ones((2, 5))
    made = explain(Case(affinity=affinity, unity=affinity, similarity=np.ones((5, 5))), layout, 3)
    assert of_items(made) == [[], []]
    assert encode_contributors(made, [1, 2, 3, 4, 5]) == [explanations.encode([])] * 2


@layouts
def test_a_range_of_users_is_explained_as_in_the_whole(layout: str) -> None:
    case = random_case(70)
    assert of_items(explain(case, layout, 3, 5, 9)) == of_items(explain(case, layout, 3))[5:9]
    empty = explain(case, layout, 3, 4, 4)
    assert of_items(empty) == []
    assert encode_contributors(empty, list(range(70))) == []


cases = st.builds(
    lambda n_items, seed, lowest, exclude_seen, depth: random_case(n_items, seed=seed, lowest=lowest).but(
        exclude_seen=exclude_seen, depth=depth, normalize=False
    ),
    n_items=st.integers(1, 140),
    seed=st.integers(0, 9),
    lowest=st.sampled_from([-40, -2, 0]),  # -40: few are similar to anything
    exclude_seen=st.booleans(),
    depth=st.integers(1, 150),
)


@layouts
@untimed
@given(case=cases, explain_depth=st.one_of(st.integers(1, 5), st.just(EVERY)))
@deeper
def test_contributors_are_those_of_the_reference(layout: str, case: Case, explain_depth: int) -> None:
    expected = [
        [explained(case.affinity[user], case.similarity[:, item], explain_depth) for item, _ in listed]
        for user, listed in enumerate(lists(case.scored(layout)))
    ]
    assert of_items(explain(case, layout, explain_depth)) == expected


@pytest.mark.parametrize("neighbors", [5, 1000], ids=["short rows", "long rows"])
def test_both_layouts_give_the_same_bits(neighbors: int) -> None:
    """Short rows of a sparse similarity are gone through, long ones are searched."""
    random = np.random.default_rng(neighbors)
    case = random_case(200, n_users=40).but(normalize=False, depth=2)
    kept = random.random(case.similarity.shape) < neighbors / 200
    noisy = case.but(affinity=case.affinity * random.random(case.affinity.shape), similarity=random.random(kept.shape) * kept)
    dense, sparse = explain(noisy, "dense", 3), explain(noisy, "sparse", 3)
    np.testing.assert_array_equal(dense.items, sparse.items)
    np.testing.assert_array_equal(dense.shares.view(np.int32), sparse.shares.view(np.int32))
    np.testing.assert_array_equal(dense.counts, sparse.counts)


@layouts
@untimed
@given(case=cases, explain_depth=st.one_of(st.integers(1, 5), st.just(EVERY)), seed=st.integers(0, 9))
@deeper
def test_the_prior_has_a_share_of_its_own(layout: str, case: Case, explain_depth: int, seed: int) -> None:
    """Beside the contributors of the reference; all of them add up to 1."""
    prior = np.random.default_rng(seed).integers(-4, 9, len(case.similarity)) / 8
    case = case.but(prior=prior)
    made, listed = explain(case, layout, explain_depth), lists(case.scored(layout))
    expected = [
        [explained(case.affinity[user], case.similarity[:, item], explain_depth, prior[item]) for item, _ in each]
        for user, each in enumerate(listed)
    ]
    assert of_items(made) == expected
    for user, each in enumerate(listed):
        scores = np.array([case.score(user, item) for item, _ in each])
        np.testing.assert_allclose(made.priors[user, : len(each)], [prior[item] for item, _ in each] / scores, rtol=1e-6)
        if explain_depth == EVERY:
            total = [sum(share for _, share in pairs) + own for pairs, own in zip(of_items(made)[user], made.priors[user], strict=False)]
            np.testing.assert_allclose(total, 1.0, atol=1e-4)


@layouts
def test_shares_of_a_prior_are_written_with_the_list(layout: str) -> None:
    made = explain(by_hand(prior=np.array([0.0, 0.0, 4.0, -0.5])), layout, 1)
    (explanation,) = encode_contributors(made, [5, 6, 7, 8])
    assert explanations.decode(explanation) == [[(6, 0.375)], [(6, 2.0)]]
    assert explanations.decode_priors(explanation) == (0.5, -1.0)


@layouts
def test_shares_of_all_contributors_add_up_to_one(layout: str) -> None:
    random = np.random.default_rng(1)
    case = random_case(150, n_users=40).but(normalize=False)
    noisy = case.but(affinity=case.affinity * random.random(case.affinity.shape), similarity=random.random(case.similarity.shape))
    for listed in of_items(explain(noisy, layout, EVERY)):
        for contributors in listed:
            assert sum(share for _, share in contributors) == pytest.approx(1, abs=1e-6)


def contract_bytes(made: Contributors, item_ids: list[Id]) -> list[bytes]:
    per_user = of_items(made)
    return [explanations.encode([[(item_ids[item], share) for item, share in pairs] for pairs in listed]) for listed in per_user]


id_makers = st.sampled_from(
    [
        lambda item: item - 5,
        lambda item: item + 2**31 - 20,  # int64 for some users, int32 for others
        lambda item: item + 2**40,
        lambda item: f"é{item}" * (item % 3),
    ]
)


@untimed
@given(case=cases, make_id=id_makers, explain_depth=st.one_of(st.integers(1, 5), st.just(EVERY)), layout=st.sampled_from(LAYOUTS))
@deeper
def test_bytes_are_those_of_the_contract(case: Case, make_id: Any, explain_depth: int, layout: str) -> None:
    item_ids = [make_id(item) for item in range(case.affinity.shape[1])]
    if len(set(item_ids)) < len(item_ids):
        item_ids = [f"{each}#{item}" for item, each in enumerate(item_ids)]
    made = explain(case, layout, explain_depth)
    assert encode_contributors(made, item_ids) == contract_bytes(made, item_ids)


@pytest.mark.parametrize("n_distinct", [255, 256, 65_535, 65_536])
def test_positions_are_as_wide_as_the_contract_makes_them(n_distinct: int) -> None:
    made = Contributors(
        lengths=np.array([1], np.int32),
        first=np.zeros(1, np.int64),
        width=np.array([n_distinct], np.int32),
        counts=np.array([[n_distinct]], np.int32),
        items=np.arange(n_distinct, dtype=np.int32)[::-1].copy(),
        shares=np.full(n_distinct, 0.5, np.float32),
        priors=np.zeros((0, 0), np.float32),
    )
    item_ids: list[Id] = list(range(n_distinct))
    assert encode_contributors(made, item_ids) == contract_bytes(made, item_ids)
