"""Columns: by their names, by guess, by position; and what can't be decided is asked."""

from __future__ import annotations

from typing import Any

import pytest

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.sources.tables.columns import KNOWN_NAMES, ROLES, resolve_columns


def chosen(names: str, **settings: Any) -> str:
    return " ".join(resolve_columns(names.split(), SourceSettings(**settings), "a.csv").of.values())


def refusal(names: str, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        chosen(names, **settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("userID itemID rating timestamp", "userID itemID rating timestamp"),
        ("userId movieId rating timestamp", "userId movieId rating timestamp"),
        ("User-ID ISBN Book-Rating", "User-ID ISBN Book-Rating"),
        ("rating title text images asin user_id timestamp helpful_vote", "user_id asin rating timestamp"),
        (
            "reviewerID asin reviewerName helpful reviewText overall summary unixReviewTime reviewTime",
            "reviewerID asin overall unixReviewTime",
        ),
        ("user_id book_id rating", "user_id book_id rating"),
        ("timestamp visitorid event itemid transactionid", "visitorid itemid timestamp"),
        ("t_dat customer_id article_id price sales_channel_id", "customer_id article_id t_dat"),
        ("InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country", "CustomerID StockCode Quantity InvoiceDate"),
        ("review_id user_id business_id stars useful date text", "user_id business_id stars date"),
        ("UID IID", "UID IID"),
        ("USER_ID ITEM_ID EVENT_TYPE TIMESTAMP", "USER_ID ITEM_ID TIMESTAMP"),
    ],
)
def test_well_known_sets_are_read_without_a_word(names: str, expected: str) -> None:
    assert chosen(names) == expected


def test_what_is_guessed_is_said() -> None:
    notes = resolve_columns(["uid", "sku", "event"], SourceSettings(), "a.csv").notes
    assert notes == (
        "guessed from its name: the user column is 'uid'",
        "guessed from its name: the item column is 'sku'",
        "no weight column: every interaction weighs 1",
        "no time column: no decay",
        "column 'event' looks like types of events; --event-weights view=1,buy=5 would weigh them",
    )


def test_an_ambiguous_guess_lists_the_columns() -> None:
    assert (
        refusal("user_id asin parent_asin rating")
        == "a.csv: the item column may be any of 'asin', 'parent_asin'; choose one with --item-column"
    )
    assert chosen("user_id asin parent_asin rating", item_column="parent_asin") == "user_id parent_asin rating"
    assert "may be any of 'user', 'customer'" in refusal("user customer item")
    assert chosen("userID customer itemID item") == "userID itemID"


def test_a_column_that_is_not_there_is_named_with_the_nearest_and_its_option() -> None:
    message = refusal("user item stars", weight_column="star")
    assert message == "a.csv has no column 'star'; it has 'user', 'item', 'stars'. Perhaps 'stars'? Name it with --weight-column"


def test_when_nothing_is_known_the_names_are_listed() -> None:
    assert "no column has a known name of users (user, userid, uid" in refusal("s d y")
    assert "it has 's', 'd', 'y'. Name it with --user-column" in refusal("s d y")
    assert refusal("all-in-one").endswith("Name it with --user-column, or set --separator")


def test_columns_may_be_left_out() -> None:
    assert chosen("user item rating time", weight_column="", time_column="") == "user item"


def test_events_are_read_when_they_have_weights() -> None:
    assert chosen("user item event rating", event_weights="view=1") == "user item event"
    assert chosen("user item what", event_weights="view=1", event_column="what") == "user item what"
    assert "no column has a known name of events" in refusal("user item", event_weights="view=1")


def test_two_columns_of_one_name_are_refused() -> None:
    assert refusal("user user item") == "a.csv has two columns named 'user'; rename one, in SQL with AS"


def test_two_columns_of_one_name_harm_nobody_who_does_not_read_them() -> None:
    assert chosen("user x item x") == "user item"


def test_known_names_are_plain_and_mean_one_thing() -> None:
    every = [name for names in KNOWN_NAMES.values() for name in names]
    assert len(every) == len(set(every))
    assert all(name.isalnum() and name == name.casefold() for name in every)
    assert set(ROLES) < set(KNOWN_NAMES)


@pytest.mark.parametrize(("names", "hinted"), [(["ana", "tea"], True), (["ana", "itemID"], False)])
def test_what_may_be_a_first_row_is_told_from_names(names: list[str], hinted: bool) -> None:
    with pytest.raises(DataError) as caught:
        resolve_columns(names, SourceSettings(), "a.csv")
    assert ("If these are the values of a first row, say --no-header" in str(caught.value)) is hinted


def test_a_name_that_is_like_no_other_gets_no_hint() -> None:
    with pytest.raises(DataError) as caught:
        resolve_columns(["user", "item", "buy"], SourceSettings(weight_column="stars"), "a.csv")
    assert "Perhaps" not in str(caught.value)
