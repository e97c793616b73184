"""Choosing: the better of planted models, the same one each time, never one that popularity beats, and what a budget cuts."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from contract.errors import DataError
from contract.formats.reports.tuned import Tuned
from contract.settings.settings import ModelSettings
from tests.support.models import samples
from tests.support.models.fitting import Event, interactions_of
from tests.support.models.samples import DAY_S
from trainer.evaluation.moment import cuts
from trainer.interactions.interactions import Interactions
from trainer.tuning.tune import of_users, tune


def tuned(
    interactions: Interactions, base: ModelSettings | None = None, *, budget_s: float = 600, stop: Callable[[], str] = lambda: ""
) -> Tuned:
    return tune(interactions, base or ModelSettings(), budget_s=budget_s, threads=2, limit_bytes=2**30, stop=stop)


def chains(n_users: int = 260) -> Interactions:
    return interactions_of(samples.chains(n_users))


def fashions(n_users: int = 700, seed: int = 6) -> Interactions:
    """Everybody takes what is in fashion in the month, and nobody what was before."""
    rng = random.Random(seed)
    events: list[Event] = [
        (user, 30 * (day // 10) + int(30 * rng.random() ** 2), 1.0, day * DAY_S + user)
        for user in range(n_users)
        for day in sorted(rng.sample(range(80), 4))
    ]
    return interactions_of(events)


@pytest.fixture(scope="module")
def of_chains() -> Tuned:
    return tuned(chains())


def test_of_two_planted_models_the_right_one_wins(of_chains: Tuned) -> None:
    assert "slit" in (of_chains.winner.options["model"], of_chains.winner.options.get("blend"))
    assert of_chains.winner.gain > 0.2
    assert of_chains.winner.errors > 2
    assert of_chains.is_better
    assert of_chains.cut_short == ""


def test_where_all_follow_a_fashion_the_winner_knows_what_is_late() -> None:
    found = tuned(fashions())
    options = found.winner.options
    assert options["model"] == "trending" or options.get("prior_gain", 0) > 0 or options.get("fit_decay_days") == 30
    assert found.winner.ndcg >= found.popularity.ndcg


def test_the_same_data_and_seed_choose_the_same_whatever_the_clock(of_chains: Tuned) -> None:
    again = tuned(chains())
    clock = {"seconds", "tuned_at"}
    assert again.model_dump(exclude=clock) == of_chains.model_dump(exclude=clock)


def habits(n_users: int = 300) -> Interactions:
    """Everybody has five things of their own, and takes most of them again every week."""
    rng = random.Random(4)
    events: list[Event] = []
    for user in range(n_users):
        own = rng.sample(range(60), 5)
        for week in range(8):
            events += [(user, item, 1.0, (7 * week + user % 7) * DAY_S) for item in rng.sample(own, 3)]
    return interactions_of(events)


def test_where_people_take_things_again_lists_that_may_hold_them_are_measured_so() -> None:
    shop = habits()
    new, again = tuned(shop), tuned(shop, ModelSettings(exclude_seen=False))
    assert new.exclude_seen
    assert not again.exclude_seen
    assert min(new.again, again.again) > 0.6
    assert again.default.ndcg > 0.6 > 2 * new.default.ndcg
    by_arguments = {each.arguments: each.ndcg for each in again.tried if each.n_users == again.tried[-1].n_users}
    assert by_arguments["--model ease"] > 2 * by_arguments["--model ease --repeat-gain 0"]
    assert again.winner.ndcg >= max(again.default.ndcg, 3 * again.popularity.ndcg)


def test_noise_changes_nothing_and_popularity_is_never_better_than_the_winner() -> None:
    rng = random.Random(9)
    events: list[Event] = [(user, rng.randrange(50), 1.0, rng.randrange(90 * DAY_S)) for user in range(250) for _ in range(8)]
    found = tuned(interactions_of(events))
    assert not found.is_better or found.default.ndcg < found.popularity.ndcg
    assert found.winner.ndcg >= found.popularity.ndcg


def test_the_settings_that_a_run_has_are_what_is_compared_with(of_chains: Tuned) -> None:
    best = ModelSettings(**of_chains.winner.options, normalize=False)
    found = tuned(chains(), best)
    assert not found.is_better
    assert found.advice == ""
    assert found.winner.gain == 0


def test_whoever_stops_it_gets_what_was_measured_until_then() -> None:
    asked = iter(range(1000))
    found = tuned(chains(), stop=lambda: "a run waits" if next(asked) > 8 else "")
    assert found.cut_short == "a run waits"
    assert 3 <= len(found.tried) <= 12
    assert found.winner.arguments in {each.arguments for each in found.tried}


def test_a_budget_that_is_used_up_is_said_and_leaves_the_default_and_popularity() -> None:
    found = tuned(chains(), budget_s=0.0)
    assert "budget of 0 s" in found.cut_short
    assert {found.default.arguments, found.popularity.arguments} == {each.arguments for each in found.tried}
    assert found.left_out


def test_what_cannot_be_measured_is_an_error_that_names_the_source() -> None:
    with pytest.raises(DataError, match="a test: nothing can be held out"):
        tuned(interactions_of([("a", "x", 1.0, 0), ("b", "y", 1.0, 9)]))


def test_without_times_a_random_quarter_is_held_out_and_something_is_chosen() -> None:
    rng = random.Random(2)
    events: list[Event] = [(user, (user % 5) * 20 + rng.randrange(20), 1.0, 0) for user in range(220) for _ in range(9)]
    found = tuned(interactions_of(events, times=False))
    assert found.how == "stratified"
    assert found.winner.ndcg >= found.popularity.ndcg


def test_few_users_at_the_moment_speak_beside_each_users_latest_events() -> None:
    few = [cut.how for cut in cuts(chains(n_users=150), 5000)]
    assert few == ["own last", "moment"]
    assert [cut.how for cut in cuts(chains(n_users=20), 5000)] == ["own last"]
    assert [cut.how for cut in cuts(chains(n_users=800), 5000)] == ["moment"]


def test_a_sample_of_users_has_their_rows_alone_and_is_the_same_each_time() -> None:
    whole = chains()
    some = of_users(whole, 0.5)
    users = set(some.user_idx.tolist())
    assert len(users) == 130
    assert some.user_idx.size == sum(user in users for user in whole.user_idx.tolist())
    assert set(of_users(whole, 0.25).user_idx.tolist()) < users
    assert of_users(whole, 1.0) is whole


def test_where_popularity_is_better_than_the_default_it_is_said_and_something_else_wins() -> None:
    found = tuned(interactions_of(samples.popular()))
    assert found.loses_to_popularity
    assert found.is_better
    assert found.winner.ndcg >= found.popularity.ndcg
