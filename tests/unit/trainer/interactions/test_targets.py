"""Which events are of the target is read from their types; where none is, the types that there are are said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from contract.errors import DataError
from tests.support.reading import load, refusal, settings
from trainer.interactions.interactions import Interactions
from trainer.interactions.subset import of_target, without_users
from trainer.rows.row_filter import MISSING
from trainer.sources import load as sources
from trainer.sources.erased_rows import ErasedRows

ROWS = "user,item,event,at\n1,10,view,100\n1,10,buy,200\n1,11,view,300\n2,10, buy ,400\n2,12,view,500\n3,11,cart,600\n"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text(ROWS)
    return path


def rows(made: Interactions) -> list[tuple[Any, ...]]:
    assert made.target is not None
    return sorted(
        (made.user_ids[user], made.item_ids[item], weight, bool(target))
        for user, item, weight, target in zip(made.user_idx, made.item_idx, made.weight.tolist(), made.target, strict=True)
    )


def test_events_of_the_target_are_told_from_others_and_weigh_what_is_said(csv: Path) -> None:
    found = load(csv, target="buy", event_weights="view=1,cart=2,buy=5")
    assert rows(found.interactions) == [
        (1, 10, 1.0, False),
        (1, 10, 5.0, True),
        (1, 11, 1.0, False),
        (2, 10, 5.0, True),
        (2, 12, 1.0, False),
        (3, 11, 2.0, False),
    ]
    assert found.interactions.reading["target"] == "buy"
    assert found.interactions.reading["events"] == {"view": 3, "buy": 2, "cart": 1}


def test_without_weights_of_types_all_weigh_one(csv: Path) -> None:
    found = load(csv, target="cart").interactions
    assert {row[2] for row in rows(found)} == {1.0}
    assert [row for row in rows(found) if row[3]] == [(3, 11, 1.0, True)]


def test_without_a_target_nothing_is_told_apart(csv: Path) -> None:
    found = load(csv, event_weights="view=1,cart=2,buy=5").interactions
    assert found.target is None
    assert of_target(found) is found
    assert not {"target", "events"} & found.reading.keys()


def test_a_target_that_no_event_is_of_is_refused_with_the_types_there_are(csv: Path) -> None:
    assert refusal(csv, target="order").endswith("no event is of the type 'order'; the types are view 3, buy 2, cart 1")
    assert refusal(csv, target="buys").endswith("the types are view 3, buy 2, cart 1. Perhaps --target buy is meant")


def test_a_table_without_types_has_no_target(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("user,item\n1,2\n")
    assert "no column has a known name of events" in refusal(tmp_path / "plain.csv", target="buy")
    with pytest.raises(DataError, match=r"movielens-small: its rows have no types of events, so 'buy' can't be the target"):
        load("movielens-small", target="buy")


def test_a_row_without_a_type_is_dropped(csv: Path) -> None:
    csv.write_text(ROWS + "4,10,,700\n4,10,NA,800\n")
    assert load(csv, target="buy").interactions.dropped == {MISSING: 2}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"target": "buys", "event_weights": "view=1,buy=5"},
            "the target 'buys' is not among event_weights, which name view, buy; perhaps 'buy'",
        ),
        ({"target": "refund", "event_weights": "buy=1,refund=-1"}, "has a weight of 0 or less"),
        ({"target": "buy", "wide": True}, "a matrix"),
    ],
)
def test_a_target_that_can_t_be_is_refused_by_the_settings(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings("a.csv", **given)
    assert settings("a.csv", target=" buy ", event_column="what").target == "buy"


def test_the_last_event_of_a_pair_is_kept_of_the_target_and_of_the_others(csv: Path) -> None:
    csv.write_text("user,item,event,at\n1,10,buy,100\n1,10,view,200\n1,10,view,300\n2,10,view,100\n")
    assert rows(load(csv, target="buy", duplicates="last").interactions) == [(1, 10, 1.0, False), (1, 10, 1.0, True), (2, 10, 1.0, False)]


def test_what_is_kept_of_files_has_types_too(tmp_path: Path, csv: Path) -> None:
    first, second, other = (
        sources.load(settings(csv, incremental=True, target=target), tmp_path / "cache" / "datasets", ErasedRows())
        for target in ("buy", "buy", "cart")
    )
    assert rows(first.interactions) == rows(second.interactions) == rows(load(csv, target="buy").interactions)
    assert first.interactions.reading["events"] == second.interactions.reading["events"] == {"view": 3, "buy": 2, "cart": 1}
    assert rows(other.interactions) == rows(load(csv, target="cart").interactions)


def test_cleaning_that_leaves_no_event_of_the_target_is_said(csv: Path) -> None:
    assert "no event of the target is left after cleaning" in refusal(csv, target="cart", min_user_interactions=2)


def test_users_and_their_events_of_the_target_are_left_out(csv: Path) -> None:
    made = load(csv, target="buy").interactions
    found = without_users(made, [list(made.user_ids).index(1)], "erased")
    assert rows(found) == [(2, 10, 1.0, True), (2, 12, 1.0, False), (3, 11, 1.0, False)]
    with pytest.raises(DataError, match="no event of the target is left"):
        without_users(made, [list(made.user_ids).index(user) for user in (1, 2)], "erased")


@pytest.mark.parametrize(("duplicates", "left"), [("last", []), ("sum", []), ("max", [(1, 10, 5.0, True)])])
def test_a_refund_is_the_last_word_in_any_order_of_the_rows(csv: Path, duplicates: str, left: list[Any]) -> None:
    pair = ["1,10,buy,100", "1,10,refund,200", "1,10,view,150"]
    weights = "view=0.5,buy=5,refund=-9"
    for order in (pair, pair[::-1]):
        csv.write_text("user,item,event,at\n" + "\n".join([*order, "2,10,buy,1", "2,11,view,2"]) + "\n")
        made = load(csv, target="buy", event_weights=weights, duplicates=duplicates, max_broken_rows=1).interactions
        assert [row for row in rows(made) if row[0] == 1 and row[3]] == left


POLICIES: list[dict[str, Any]] = [
    {},
    {"duplicates": "last"},
    {"duplicates": "max"},
    {"min_user_interactions": 3, "min_item_interactions": 4},
    {"max_user_interactions": 20},
    {"negative": "drop"},
    {"user_id_type": "integer", "item_id_type": "text"},
]


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_whatever_is_left_out_events_of_the_target_stay_what_they_are(tmp_path: Path, policy: dict[str, Any]) -> None:
    """Each type has a weight of its own, so that an event says by its weight what it is."""
    rng, weights = np.random.default_rng(5), {"view": 1, "cart": 3, "buy": 5, "refund": -5}
    table = tmp_path / "shop.csv"
    kinds = rng.choice(list(weights), 500, p=[0.6, 0.2, 0.15, 0.05])
    events = zip(rng.integers(0, 30, 500), rng.integers(0, 20, 500), kinds, range(500), strict=True)
    lines = [f"{user},{item},{kind},{at}" for user, item, kind, at in events]
    lines[7:7] = ["u-7,3,buy,7", "4,,buy,8", "4,5,gift,8"]
    table.write_text("user,item,event,at\n" + "\n".join(lines) + "\n")
    given = {"target": "buy", "event_weights": "view=1,cart=3,buy=5,refund=-5", **policy}
    made = load(table, **given).interactions
    without = load(table, **{**given, "target": ""}).interactions
    assert made.target is not None
    assert made.target.any()
    np.testing.assert_array_equal(made.target, made.weight == 5)
    if "duplicates" not in policy:
        np.testing.assert_array_equal(made.weight, without.weight)
        assert (made.user_ids, made.item_ids, made.dropped) == (without.user_ids, without.item_ids, without.dropped)
    fewer = without_users(made, [0, 3], "erased")
    assert fewer.target is not None
    np.testing.assert_array_equal(fewer.target, fewer.weight == 5)
    np.testing.assert_array_equal(of_target(made).weight, 5)
