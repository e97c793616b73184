"""A cut at one moment of time: no future in the training part, baskets whole, and what is measured where few users remain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contract.formats.keys import Id
from contract.settings.settings import ModelSettings
from tests.support.models.fitting import Event, interactions_of
from tests.support.models.samples import DAY_S
from trainer.evaluation.holdout import HeldOut, hold_out
from trainer.evaluation.moment import at_moment, cut
from trainer.fitting.fit_model import sar_rows
from trainer.interactions.interactions import Interactions

HOUR_S = 3600


def shuffled(interactions: Interactions) -> Interactions:
    order = np.random.default_rng(5).permutation(interactions.user_idx.size)
    assert interactions.time is not None
    columns = {name: getattr(interactions, name)[order] for name in ("user_idx", "item_idx", "weight", "time")}
    return replace(interactions, **columns)


def daily(n_users: int, n_days: int = 40) -> Interactions:
    """Every user takes one item on each of some days, out of step with the others."""
    rng = np.random.default_rng(2)
    events: list[Event] = [
        (f"u{user}", f"i{rng.integers(30)}", 1.0, day * DAY_S + user) for user in range(n_users) for day in range(user % 3, n_days, 3)
    ]
    return interactions_of(events)


def test_what_is_learnt_from_lies_before_what_is_to_be_found() -> None:
    interactions = daily(250)
    found = cut(interactions, 10_000)
    assert found is not None
    assert found.how == "moment"
    train = found.held.train
    assert train.time is not None
    assert train.time.max() < found.moment
    assert 0.7 < train.time.size / interactions.user_idx.size < 0.8
    seen = set(zip(train.user_idx.tolist(), found.held.items[train.item_idx].tolist(), strict=True))
    wanted = set(zip(found.held.user_idx.tolist(), found.held.item_idx.tolist(), strict=True))
    assert wanted
    assert not seen & wanted
    assert {user for user, _ in wanted} <= {user for user, _ in seen}


def test_a_basket_that_goes_on_after_the_moment_is_held_out_whole() -> None:
    events: list[Event] = [("a", "old", 1.0, 0), ("a", "x", 1.0, 10 * DAY_S - 900), ("a", "y", 1.0, 10 * DAY_S + 600)]
    events += [("b", "old", 1.0, 0), ("b", "x", 1.0, 10 * DAY_S - HOUR_S), ("b", "y", 1.0, 10 * DAY_S + 600)]
    interactions = interactions_of(events)
    held = at_moment(interactions, 10 * DAY_S, 10)
    assert held is not None
    wanted = {(interactions.user_ids[u], interactions.item_ids[i]) for u, i in zip(held.user_idx, held.item_idx, strict=True)}
    assert wanted == {("a", "x"), ("a", "y"), ("b", "y")}


def test_what_is_taken_again_is_to_be_found_where_lists_may_hold_it() -> None:
    events: list[Event] = [("a", "bread", 1.0, 0), ("a", "bread", 1.0, 20 * DAY_S), ("a", "milk", 1.0, 20 * DAY_S)]
    events += [("b", "bread", 1.0, 0), ("b", "bread", 1.0, 30 * DAY_S), ("c", "milk", 1.0, 0)]
    interactions = interactions_of(events)

    def named(held: HeldOut) -> set[tuple[Id, Id]]:
        return {(interactions.user_ids[u], interactions.item_ids[i]) for u, i in zip(held.user_idx, held.item_idx, strict=True)}

    new, every = (at_moment(interactions, 10 * DAY_S, 10, exclude_seen) for exclude_seen in (True, False))
    assert new is not None
    assert every is not None
    assert named(new) == {("a", "milk")}
    assert named(every) == {("a", "milk"), ("a", "bread"), ("b", "bread")}
    assert (new.again, every.again) == pytest.approx((1 / 2, 2 / 3))
    last = hold_out(interactions, "time", 10, exclude_seen=False)
    assert last is not None
    assert ("a", "milk") in named(last)
    assert np.array_equal(last.train.user_idx, hold_out(interactions, "time", 10).train.user_idx)  # type: ignore[union-attr]


def test_the_order_of_rows_changes_nothing_and_few_users_are_the_same_ones() -> None:
    interactions = daily(300)
    first, second = cut(interactions, 220), cut(shuffled(interactions), 220)
    assert first is not None
    assert second is not None
    assert first.moment == second.moment
    assert np.array_equal(first.held.user_idx, second.held.user_idx)
    assert np.array_equal(first.held.item_idx, second.held.item_idx)
    assert np.unique(first.held.user_idx).size == 220


def test_where_few_users_remain_each_users_latest_events_are_held_out() -> None:
    found = cut(daily(150), 10_000)
    assert found is not None
    assert (found.how, found.moment) == ("own last", 0)
    assert np.unique(found.held.user_idx).size > 130


def test_without_times_a_random_quarter_and_without_events_nothing() -> None:
    interactions = daily(30)
    found = cut(replace(interactions, time=None), 10_000)
    assert found is not None
    assert found.how == "stratified"
    assert cut(interactions_of([("a", "x", 1.0, 0), ("b", "y", 1.0, 5)]), 10_000) is None
    at_once: list[Event] = [(f"u{n % 7}", f"i{n}", 1.0, 99) for n in range(70)]
    found = cut(interactions_of(at_once), 10_000)
    assert found is not None
    assert found.how == "own last"


def test_users_who_come_later_have_no_row_and_a_model_is_fitted_all_the_same() -> None:
    events: list[Event] = [(f"u{n}", f"i{(n + m) % 9}", 1.0, m * DAY_S) for n in range(8) for m in range(6)]
    events += [("late", "i1", 1.0, 5 * DAY_S)]
    held = at_moment(interactions_of(events), 5 * DAY_S, 10)
    assert held is not None
    rows = sar_rows(held.train, ModelSettings())
    late = interactions_of(events).user_ids.index("late")
    assert rows.indptr.size == 10
    assert rows.indptr[late] == rows.indptr[late + 1]
    assert np.isfinite(rows.affinity).all()
