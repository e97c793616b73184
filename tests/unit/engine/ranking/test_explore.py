"""New items in lists: against a slow oracle, in both layouts, with limits and diversity; and what must hold whatever the data."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.settings.settings import ModelSettings
from engine.arrays import Array
from engine.ranking import explore_kernels
from engine.ranking.explore import Explored, explore, seeds_of
from engine.ranking.ranked import Ranking, rank_users, ranking_arrays
from engine.ranking.warm import warm
from engine.score.structures import TopK
from tests.support.depth import deeper, examples
from tests.support.models.arrays import Case, lists, random_case
from tests.support.models.exploring import exploring
from tests.unit.engine.score.test_rules import category_arrays
from trainer.verify.explored import drawn

LAYOUTS = ("dense", "sparse")
N_USERS = 12


def model_of(case: Case, **fields: float) -> ModelSettings:
    how = {"normalize": case.normalize, "exclude_seen": case.exclude_seen, "new_items": 3}
    return ModelSettings.model_validate({"k": case.depth, "depth": case.depth, **how, **fields})


def explored(
    case: Case, layout: str, more: dict[str, Array] | None = None, start: int = 0, end: int = N_USERS, **fields: float
) -> tuple[TopK, Explored]:
    """Lists as they were, and as they become."""
    model, arrays = model_of(case, **fields), {**case.arrays(layout), **(more or {})}
    arrays |= ranking_arrays(model, arrays, np.count_nonzero(case.affinity, axis=0))
    how = Ranking.of(model)
    top = rank_users(arrays, start, end, case.scale, how)
    return top, explore(arrays, start, end, top, case.scale, how, seeds_of("digest", range(start, end)))


def new_of(case: Case, user: int, excluded: frozenset[int] = frozenset()) -> list[tuple[int, float]]:
    n_users = np.count_nonzero(case.affinity, axis=0)
    everything = case.but(depth=case.affinity.shape[1], exclude_seen=True).expected(user)
    return [(item, score) for item, score in everything if n_users[item] < 3 and item not in excluded]


def marked(found: Explored) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in found.marks]


@deeper
@settings(max_examples=examples(15, 40), deadline=None)
@given(
    seed=st.integers(0, 1000),
    n_items=st.integers(1, 140),
    depth=st.integers(2, 40),
    share=st.sampled_from([0.1, 0.2, 0.34, 0.5]),
    normalize=st.booleans(),
    exclude_seen=st.booleans(),
    diversity=st.sampled_from([0.0, 0.4]),
    most=st.integers(0, 3),
    excludes=st.booleans(),
)
def test_a_list_is_that_of_the_slow_oracle(
    seed: int, n_items: int, depth: int, share: float, normalize: bool, exclude_seen: bool, diversity: float, most: int, excludes: bool
) -> None:
    depth = max(depth, int(np.ceil(1 / share)))
    case = random_case(n_items, seed=seed).but(depth=depth, normalize=normalize, exclude_seen=exclude_seen)
    categories = [[item % 4, 4 + item % 3] if item % 5 else [] for item in range(n_items)]
    excluded = list(range(0, n_items, 7)) if excludes else []
    more: dict[str, Array] = {"excluded": np.array(excluded, np.int32)} if excludes else {}
    if most:
        more |= category_arrays(categories)
    how = Ranking.of(model_of(case, explore=share))
    seeds = seeds_of("digest", range(N_USERS)).tolist()
    for layout in LAYOUTS:
        top, found = explored(case, layout, more, explore=share, diversity=diversity, max_per_category=most)
        for user, (before, after) in enumerate(zip(lists(top), lists(found.top), strict=True)):
            of_user = {"every": how.every, "window": how.window, "depth": min(depth, n_items)}
            new = new_of(case, user, frozenset(excluded))
            expected, places = exploring(before, new, seeds[user], **of_user, categories=categories, most=most)
            assert [item for item, _ in after] == [item for item, _ in expected]
            assert dict(after) == pytest.approx(dict(expected)), "an item keeps the score that the model gives it"
            assert marked(found)[user] == places


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), n_items=st.integers(1, 200), share=st.sampled_from([0.1, 0.25, 0.5]), most=st.integers(0, 2))
def test_what_holds_whatever_the_data(seed: int, n_items: int, share: float, most: int) -> None:
    case, every = random_case(n_items, seed=seed).but(depth=20, exclude_seen=False), round(1 / share)
    categories = [[item % 6, 6 + item % 5] for item in range(n_items)]
    top, found = explored(case, "sparse", category_arrays(categories) if most else {}, explore=share, max_per_category=most)
    n_users = np.count_nonzero(case.affinity, axis=0)
    for user, row in enumerate(lists(found.top)):
        items = [item for item, _ in row]
        assert len(set(items)) == len(items)
        assert len(items) >= top.lengths[user]
        for place in marked(found)[user]:
            assert (place + 1) % every == 0
            assert n_users[items[place]] < 3
            assert case.affinity[user, items[place]] == 0, "a seen item is no discovery, even where seen items are listed"
        if most:
            assert max(Counter(number for item in items for number in categories[item]).values(), default=0) <= most


def test_a_page_of_ten_has_one_wherever_it_begins() -> None:
    case = random_case(300).but(depth=30)
    _, found = explored(case, "dense", explore=0.1)
    for places in marked(found):
        assert places == [9, 19, 29]
        assert all(sum(first <= place < first + 10 for place in places) == 1 for first in range(21))


def test_users_of_one_taste_explore_different_items_and_the_same_again() -> None:
    case = random_case(300).but(depth=30)
    alike = case.but(affinity=np.repeat(case.affinity[:1], N_USERS, axis=0), unity=np.repeat(case.unity[:1], N_USERS, axis=0))
    n_users = np.zeros(300, np.int64)
    model = model_of(alike, explore=0.1)
    arrays = alike.arrays("dense")
    arrays |= ranking_arrays(model, arrays, n_users)
    how = Ranking.of(model)
    top = rank_users(arrays, 0, N_USERS, alike.scale, how)

    def items(digest: str) -> list[list[int]]:
        found = explore(arrays, 0, N_USERS, top, alike.scale, how, seeds_of(digest, range(N_USERS)))
        return [found.top.items[user, found.marks[user]].tolist() for user in range(N_USERS)]

    first = items("one")
    assert len({item for row in first for item in row}) > 10, "twelve users with the same list share few of thirty items"
    assert items("one") == first
    assert items("another") != first


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_user_alone_has_the_list_that_a_shard_gives(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(130)
    _, whole = explored(case, layout, explore=0.2)
    alone = [explored(case, layout, None, at, at + 1, explore=0.2)[1] for at in range(N_USERS)]
    assert [lists(one.top)[0] for one in alone] == lists(whole.top)
    assert [marked(one)[0] for one in alone] == marked(whole)
    monkeypatch.setattr("engine.ranking.explore.BLOCK_BYTES", 1)
    assert lists(explored(case, layout, explore=0.2)[1].top) == lists(whole.top)


def test_without_new_items_the_list_stays() -> None:
    case = random_case(60)
    met = np.maximum(case.affinity, np.arange(N_USERS)[:, None] == np.arange(60) % N_USERS)
    top, found = explored(case.but(affinity=met, unity=(met > 0).astype(np.float64)), "dense", explore=0.5, new_items=1)
    assert lists(found.top) == lists(top)
    assert not found.marks.any()


def test_off_an_artifact_holds_nothing_of_it() -> None:
    case = random_case(60)
    assert ranking_arrays(model_of(case), case.arrays("dense"), np.zeros(60)) == {}
    assert Ranking.of(model_of(case)).every == 0


def test_what_is_measured_is_the_beginning_of_what_is_served() -> None:
    case = random_case(140).but(depth=30)
    model, arrays = model_of(case, explore=0.2), case.arrays("dense")
    arrays |= ranking_arrays(model, arrays, np.count_nonzero(case.affinity, axis=0))
    found = []
    for how in (Ranking.of(model), Ranking.of(model).measured(10)):
        top = rank_users(arrays, 0, N_USERS, case.scale, how)
        found.append(lists(explore(arrays, 0, N_USERS, top, case.scale, how, seeds_of("d", range(N_USERS))).top))
    assert [row[:10] for row in found[0]] == found[1]


def test_the_draw_is_that_of_whole_numbers() -> None:
    seeds = [*seeds_of("digest", ["a", "b", 3]).tolist(), 0, 2**64 - 1]
    for seed in seeds:
        for item in (0, 1, 2**31 - 1):
            assert int(explore_kernels.drawn(np.uint64(seed), item)) == drawn(seed, item)


def test_no_job_compiles() -> None:
    warm()
    before = len(explore_kernels.explore.signatures)
    explored(random_case(70), "dense", explore=0.5)
    assert len(explore_kernels.explore.signatures) == before
