"""Features of items from their metadata, and items that nobody has met yet in the catalogue of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.errors import DataError
from contract.settings.settings import ModelSettings, SourceSettings
from engine.linear.matrix import Columns, Limits
from engine.models import content
from tests.support.models.fitting import interactions_of
from trainer.evaluation.holdout import hold_out
from trainer.interactions.subset import without_users
from trainer.items.features import features_of
from trainer.items.items import NOTHING, Items, cleaned
from trainer.items.new_items import known_beside, with_content

ON = ModelSettings(new_items=3)
DAY_S = 86400


def items_of(**columns: object) -> Items:
    return cleaned(pl.DataFrame(columns), "items.csv")


def alike(items: Items, ids: list[str], *columns: str) -> np.ndarray:
    matrix = content.fit(features_of(items, ids, columns), content.Parameters(len(ids)), Limits(threads=1)).matrix
    assert isinstance(matrix, Columns)
    return matrix.to_dense()


FILMS = items_of(
    item=["1", "2", "3", "4"],
    title=["The Alien", "ALIEN again", "Pride", None],
    genres=["Horror|Crime", "Horror", "Drama", "Drama"],
    maker=["Scott", "Cameron", "Wright", "Wright"],
    year=[1979, 1986, 2005, 1986],
    taste=["[1, 0]", "[0.5, 0]", "[0, 2]", None],
)


def test_categories_and_words_of_titles_say_what_is_alike() -> None:
    found = alike(FILMS, ["1", "2", "3", "4"])
    assert found[0, 1] > 0.3
    assert found[2, 3] > 0.3
    assert found[0, 2] == found[1, 3] == 0


def test_named_columns_alone_count() -> None:
    assert (alike(FILMS, ["1", "2", "3", "4"], "maker") > 0).sum() == 2
    assert alike(FILMS, ["1", "2", "3", "4"], "year")[1, 3] == pytest.approx(1)
    vectors = alike(FILMS, ["1", "2", "3", "4"], "taste")
    assert vectors[0, 1] == pytest.approx(1)
    assert np.count_nonzero(vectors) == 2


def test_items_that_the_table_does_not_name_are_like_nothing() -> None:
    assert not alike(FILMS, ["9", "1", "2"])[0].any()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["colour"], "items.csv has no column 'colour', which content_columns names; it has .*categories"),
        (["taste"], "column 'taste' holds vectors of 2 and of 1 numbers"),
    ],
)
def test_columns_that_can_not_be_used_are_refused(columns: list[str], said: str) -> None:
    items = items_of(item=["1", "2", "3"], genres=["a", "b", "c"], taste=["[1, 0]", "[0.5]", None])
    with pytest.raises(DataError, match=said):
        features_of(items, ["1", "2", "3"], columns)


EVENTS = [(user, item, 1.0, DAY_S * (user + item)) for user in range(6) for item in (1, 2, 4, 7) if (user + item) % 3]
TABLE = items_of(item=["7", "3", "1", "x9", "2", "08"], genres=["a", "a", "b", "a", "b", "c"])


def test_items_that_nobody_has_met_enter_the_catalogue() -> None:
    before = interactions_of(EVENTS)
    after = with_content(before, TABLE, ON)
    assert after.item_ids == [1, 2, 3, 4, 7]  # x9 and 08 are no integers, which ids are here
    assert [after.item_ids[at] for at in after.item_idx] == [before.item_ids[at] for at in before.item_idx]
    assert after.content is not None
    assert after.content.n_items == 5


def test_where_it_is_off_nothing_changes() -> None:
    before = interactions_of(EVENTS)
    assert with_content(before, TABLE, ModelSettings()) is before


@pytest.mark.parametrize(("items", "said"), [(NOTHING, "name a file of items"), (items_of(item=["1"], year=[3]), "says nothing")])
def test_without_anything_known_it_is_refused(items: Items, said: str) -> None:
    with pytest.raises(DataError, match=said):
        with_content(interactions_of(EVENTS), items, ON)


def test_what_is_known_follows_the_items() -> None:
    known = with_content(interactions_of(EVENTS), TABLE, ON)
    held = hold_out(known, "time", 100)
    assert held is not None
    assert held.train.item_ids == known.item_ids  # those whose events are all held out can still be found by what is known
    assert held.train.content is known.content
    fewer = without_users(known, [0], "erased user")
    assert fewer.content is not None
    assert fewer.content.n_items == len(fewer.item_ids) == 4


def test_the_recommenders_engine_knows_no_metadata() -> None:
    with pytest.raises(ValueError, match="use the engine larder"):
        ModelSettings(new_items=1, engine="recommenders")


def test_who_measures_knows_the_items_that_a_run_would_know(tmp_path: Path) -> None:
    interactions = interactions_of([(1, 1, 1.0, 0), (2, 2, 1.0, 0), (2, 3, 1.0, 0)])
    brought = pl.DataFrame({"item": ["1", "2", "3", "7"], "title": ["a", "a b", "c", "b"]})
    assert known_beside(interactions, brought, SourceSettings(), ModelSettings()) is interactions
    assert known_beside(interactions, brought, SourceSettings(), ON).item_ids == [1, 2, 3, 7]
    (tmp_path / "items.csv").write_text("id,title\n1,a\n8,a b\n")
    named = SourceSettings(items=str(tmp_path / "items.csv"))
    assert known_beside(interactions, brought, named, ON).item_ids == [1, 2, 3, 8]
    with pytest.raises(DataError, match="nothing is: name a file of items"):
        known_beside(interactions, None, SourceSettings(), ON)
