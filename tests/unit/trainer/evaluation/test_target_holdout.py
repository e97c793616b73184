"""With a target its events alone are held out, and what is known of a user ends before the visit of the first of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from bench.shop.visits import visits
from contract.formats.evaluation import Split
from contract.settings.settings import GateSettings, ModelSettings, Settings
from trainer.evaluation.drift.profiles import drifted
from trainer.evaluation.drift.reading import Reading, changed
from trainer.evaluation.holdout import BASKET_S, HeldOut, hold_out
from trainer.evaluation.moment import at_moment, cut
from trainer.interactions.interactions import Interactions, from_frames
from trainer.interactions.profile import Profile
from trainer.interactions.targets import KINDS, Targets
from trainer.tuning.tune import of_users, tune

DAY = 86_400
Row = tuple[int, int, str, int]


def bought(rows: Sequence[Row] | pl.DataFrame) -> Interactions:
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, ["user", "item", "event", "time"], orient="row")
    return from_frames([frame.with_columns(weight=1.0)], "a shop", Settings().source, targets=Targets("buy"))


def pairs(interactions: Interactions, held: HeldOut) -> set[tuple[object, object]]:
    return {(interactions.user_ids[user], interactions.item_ids[item]) for user, item in zip(held.user_idx, held.item_idx, strict=True)}


def known(held: HeldOut) -> set[tuple[object, ...]]:
    train = held.train
    assert train.target is not None
    columns = (train.user_idx.tolist(), train.item_idx.tolist(), train.target.tolist())
    return {(train.user_ids[user], train.item_ids[item], target) for user, item, target in zip(*columns, strict=True)}


def test_what_was_done_in_the_visit_of_a_held_purchase_and_later_is_not_known() -> None:
    rows: list[Row] = [
        (1, 10, "view", 0), (1, 11, "view", DAY), (1, 12, "view", DAY + BASKET_S - 1), (1, 12, "buy", DAY + 2 * BASKET_S - 3),
        (1, 13, "view", 5 * DAY), (2, 11, "view", 0), (2, 12, "buy", 9 * DAY), (2, 14, "view", 9 * DAY - BASKET_S),
        (3, 10, "buy", 0),
    ]  # fmt: skip
    interactions = bought(rows)
    held = hold_out(interactions, "time", 10)
    assert held is not None
    assert pairs(interactions, held) == {(1, 12), (2, 12)}
    assert known(held) == {(1, 10, False), (2, 11, False), (2, 14, False), (3, 10, True)}, "3 has nothing to start from"


def test_what_was_viewed_before_is_to_be_found_and_what_was_bought_before_is_not() -> None:
    rows: list[Row] = [(1, 10, "view", 0), (1, 10, "buy", 9 * DAY), (2, 10, "buy", 0), (2, 11, "view", DAY), (2, 10, "buy", 9 * DAY)]
    interactions = bought(rows)
    held = hold_out(interactions, "time", 10)
    assert held is not None
    assert pairs(interactions, held) == {(1, 10)}
    moment = at_moment(bought([*rows, (3, 12, "view", 0), (3, 12, "view", 9 * DAY)]), 5 * DAY, 10)
    assert moment is not None
    assert pairs(interactions, moment) == {(1, 10)}, "a view after the moment is nothing to be found"


@pytest.mark.parametrize("split", ["time", "stratified"])
def test_a_quarter_of_the_purchases_is_held_out_in_any_order_of_the_rows(split: Split) -> None:
    frame = visits(150, 60)
    straight, turned = (bought(each) for each in (frame, frame.sample(fraction=1, shuffle=True, seed=3)))
    first, second = (hold_out(each, split, 1000) for each in (straight, turned))
    assert first is not None
    assert second is not None
    assert pairs(straight, first) == pairs(turned, second)
    assert known(first) == known(second)
    assert straight.target is not None
    assert 0.15 < first.user_idx.size / straight.target.sum() < 0.5
    everything = known(HeldOut(straight, np.empty(0), np.empty(0), np.empty(0)))
    assert {(*pair, True) for pair in pairs(straight, first)} <= everything - known(first)
    if split == "stratified":
        assert not {(*pair, False) for pair in pairs(straight, first)} & known(first), "without times, a view may have come later"


def test_few_users_are_always_mostly_the_same() -> None:
    interactions = bought(visits(150, 60))
    held = hold_out(interactions, "time", 30)
    again = hold_out(interactions, "time", 31)
    assert held is not None
    assert again is not None
    users = set(held.user_idx.tolist())
    assert 20 < len(users) <= 30
    assert users <= set(again.user_idx.tolist())


def test_another_target_is_another_sense_for_the_gate() -> None:
    new, old = Reading(target="buy", events={"buy": 3}), Reading()
    assert [finding.message for finding in changed(new, old)] == [
        "events that are recommended are those of 'buy', in the current generation they are all (reading)"
    ]
    assert not list(changed(new, Reading(target="buy")))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"view": 900, "buy": 100}, []),
        ({"view": 960, "buy": 40}, []),
        ({"view": 980, "buy": 20}, ["2.0 % of the events are of the type 'buy', in the current generation 10.0 % (reading)"]),
        ({"buy": 100}, ["0.0 % of the events are of the type 'view'", "100.0 % of the events are of the type 'buy'"]),
    ],
)
def test_types_of_events_that_come_in_other_numbers_are_refused(now: dict[str, int], said: list[str]) -> None:
    profile = Profile(rows=1000, users=100, items=50, weights=(1.0,) * 21, repeated=0.0)
    new, old = (Reading(rows=1000, profile=profile, target="buy", events=events) for events in (now, {"view": 900, "buy": 100}))
    found = list(drifted(new, old, GateSettings()))
    assert [severity for severity, _ in found] == ["refuse"] * len(said)
    assert all(finding.message.startswith(text) for (_, finding), text in zip(found, said, strict=True))
    assert not list(drifted(new, old.model_copy(update={"target": "", "events": {}}), GateSettings())), "told as another target"


def test_nothing_is_held_out_at_a_moment_before_which_nothing_is_known_of_the_target() -> None:
    rows: list[Row] = [(1, 10, "view", 0), (2, 11, "view", 0), (1, 11, "buy", 9 * DAY), (2, 10, "buy", 9 * DAY)]
    assert at_moment(bought(rows), 5 * DAY, 10) is None
    assert at_moment(bought([*rows, (2, 12, "buy", 0)]), 5 * DAY, 10) is not None


@pytest.mark.long
def test_a_tune_looks_at_more_users_where_the_first_have_no_event_of_the_target() -> None:
    interactions = bought(visits(5000, 60))
    is_first = np.isin(interactions.user_idx, of_users(interactions, 0.5).user_idx)
    assert interactions.target is not None
    few = replace(interactions, target=interactions.target & ~is_first, reading={"target": "buy"})
    assert cut(of_users(few, 0.5), 100) is None
    assert tune(few, ModelSettings(), budget_s=0.001, threads=2, limit_bytes=2**30).n_users_measured > 0


def said_of_types(new: Counter[str], old: Counter[str]) -> list[str]:
    profile = Profile(rows=1000, users=100, items=50, weights=(1.0,) * 21, repeated=0.0)
    now, before = (
        Reading(rows=1000, profile=profile, target="buy", events=dict(every.most_common(KINDS)), n_events=every.total())
        for every in (new, old)
    )
    return [finding.message.removesuffix(" (reading)") for _, finding in drifted(now, before, GateSettings())]


def test_types_that_change_places_behind_those_that_are_named_are_no_drift() -> None:
    some = Counter({f"type {n:02}": 30 for n in range(30)})
    old, new = some | Counter({"buy": 100, "last": 31}), some | Counter({"buy": 100, "type 29": 31})
    assert "last" in dict(old.most_common(KINDS))
    assert "last" not in dict(new.most_common(KINDS))
    assert said_of_types(new, old) == []


def test_a_type_that_falls_behind_all_that_are_named_is_said_with_the_most_it_can_be() -> None:
    rare = Counter({f"type {n:02}": 10 for n in range(30)})
    old, new = rare | Counter({"buy": 400, "view": 300}), rare | Counter({"buy": 400})
    assert said_of_types(new, old) == ["at most 1.4 % of the events are of the type 'view', in the current generation 30.0 %"]
    assert said_of_types(Counter({"buy": 400}), Counter({"buy": 400, "view": 300})) == [
        "0.0 % of the events are of the type 'view', in the current generation 42.9 %"
    ]


def test_shares_are_of_all_events_and_not_of_those_that_are_named() -> None:
    old = Counter({"buy": 100, "view": 900})
    new = Counter({"buy": 100, "view": 900}) + Counter({f"type {n:02}": 1 + (n < 18) for n in range(4000)})
    assert sorted(said_of_types(new, old), key=len) == [
        "2.0 % of the events are of the type 'buy', in the current generation 10.0 %",
        "17.9 % of the events are of the type 'view', in the current generation 90.0 %",
    ]


def test_a_tune_chooses_among_models_that_know_a_target_and_says_of_what() -> None:
    interactions = replace(bought(visits(150, 60)), reading={"target": "buy"})
    found = tune(interactions, ModelSettings(), budget_s=1000.0, threads=2, limit_bytes=2**30)
    assert found.target == "buy"
    assert {each.options.get("model", "sar") for each in found.tried} == {"sar", "popularity", "trending", "ease"}
    assert found.winner.ndcg > 1.3 * found.popularity.ndcg
