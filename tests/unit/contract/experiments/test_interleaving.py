"""Team draft: what holds for any two lists, and that neither is favoured."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contract.experiments.interleaving import NOBODY, coins_of, draft

LISTS = st.lists(st.integers(0, 30), unique=True, max_size=20)
COINS = st.integers(0, 2**512 - 1)


def ids(first: list[int], second: list[int], coins: int) -> list[int]:
    return [(first, second)[pick.source][pick.place] for pick in draft(first, second, coins)]


@given(LISTS, LISTS, COINS)
def test_each_item_of_both_is_there_once(first: list[int], second: list[int], coins: int) -> None:
    found = ids(first, second, coins)
    assert len(found) == len(set(found))
    assert set(found) == {*first, *second}


@given(LISTS, LISTS, COINS)
def test_teams_are_as_large_at_each_even_rank_and_differ_by_one_at_the_others(first: list[int], second: list[int], coins: int) -> None:
    teams = [pick.team for pick in draft(first, second, coins)]
    drafted = teams.index(NOBODY) if NOBODY in teams else len(teams)
    for n in range(drafted + 1):
        assert abs(teams[:n].count(0) - teams[:n].count(1)) == n % 2
    assert set(teams[drafted:]) <= {NOBODY}


@given(LISTS, LISTS, COINS)
def test_each_pick_is_the_best_that_its_own_list_had_left(first: list[int], second: list[int], coins: int) -> None:
    taken: set[int] = set()
    for pick in draft(first, second, coins):
        own = (first, second)[pick.source]
        assert own[pick.place] == next(item for item in own if item not in taken)
        taken.add(own[pick.place])


@given(LISTS, LISTS, COINS, st.integers(1, 8))
def test_the_first_k_of_each_are_enough_for_the_first_k(first: list[int], second: list[int], coins: int, k: int) -> None:
    whole, part = list(draft(first, second, coins))[:k], list(draft(first[:k], second[:k], coins))[:k]
    if min(len(first), len(second)) >= k:
        assert part == whole
    assert [(first, second)[pick.source][pick.place] for pick in part] == ids(first, second, coins)[:k]


@given(LISTS, LISTS, COINS)
def test_with_the_coins_turned_both_change_their_sides(first: list[int], second: list[int], coins: int) -> None:
    turned = coins ^ (2**512 - 1)
    mirrored = [(1 - pick.team, 1 - pick.source, pick.place) for pick in draft(second, first, turned) if pick.team != NOBODY]
    assert mirrored == [tuple(pick) for pick in draft(first, second, coins) if pick.team != NOBODY]


def test_each_user_pair_of_generations_experiment_and_day_has_coins_of_its_own() -> None:
    asked = [(7, ("a", "b"), "salt", 1), (8, ("a", "b"), "salt", 1), (7, ("c", "b"), "salt", 1), (7, ("a", "c"), "salt", 1)]
    found = [coins_of(*one) for one in [*asked, (7, ("a", "b"), "other", 1), (7, ("a", "b"), "salt", 2)]]
    assert len(set(found)) == 6
    assert coins_of("7", ("a", "b"), "salt", 1) == found[0]


def test_alike_lists_are_each_teams_as_often_at_each_rank() -> None:
    items, n = list(range(10)), 4000
    firsts = [0] * 10
    for user in range(n):
        for rank, pick in enumerate(draft(items, items, coins_of(user, ("a", "b"), "salt", 1))):
            firsts[rank] += pick.team == 0
    assert all(abs(count / n - 0.5) < 0.04 for count in firsts)  # five standard deviations


def test_coins_are_of_the_user_the_generations_the_experiment_and_the_day() -> None:
    said = [coins_of(1, ("a", "b"), "s", 1), coins_of(2, ("a", "b"), "s", 1), coins_of(1, ("b", "a"), "s", 1)]
    said += [coins_of(1, ("a", "b"), "t", 1), coins_of(1, ("a", "b"), "s", 2)]
    assert len(set(said)) == len(said)
    assert coins_of("1", ("a", "b"), "s", 1) == said[0]
