"""Columns of few values are looked at value by value, and hold what they held."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.rows.distinct import any_value, by_value, coded, coded_by, distinct

FEW = pl.Series("user", ["b", None, "a", "", "b", "a", "b", None] * 8)
MANY = pl.Series("user", [str(value) for value in range(64)])


@given(st.lists(st.sampled_from([None, "", " a", "a", "a\x00", "ä", "0", "-0"]), max_size=80))
def test_a_column_keeps_its_texts(texts: list[str | None]) -> None:
    column = pl.Series("item", texts, dtype=pl.String)
    assert coded(column).cast(pl.String).to_list() == texts
    assert coded(column).name == "item"


def test_few_values_are_an_enum_in_the_order_in_which_they_came() -> None:
    dtype = coded(FEW).dtype
    assert isinstance(dtype, pl.Enum)
    assert dtype.categories.to_list() == ["b", "a", ""]
    assert coded(MANY).dtype == pl.String
    assert coded(pl.Series([1, 1, 1, 1])).dtype == pl.Int64


def test_more_values_than_the_first_table_has_slots_for() -> None:
    texts = [str(value) for value in range(5000)] * 4
    column = coded(pl.Series("user", texts))
    assert isinstance(column.dtype, pl.Enum)
    assert column.cast(pl.String).to_list() == texts


def test_two_texts_of_one_hash_stay_two() -> None:
    same = np.zeros(FEW.len(), np.uint64)
    assert coded_by(FEW, same).dtype == pl.String
    assert coded_by(FEW, same).to_list() == FEW.to_list()


@pytest.mark.parametrize("column", [FEW, coded(FEW)], ids=["String", "Enum"])
def test_value_by_value_is_row_by_row(column: pl.Series) -> None:
    lengths = by_value(column, lambda texts: texts.str.len_bytes())
    assert lengths.to_list() == [None if text is None else len(text) for text in FEW]
    assert lengths.name == "user"


def test_a_value_whose_rows_are_gone_is_none() -> None:
    column = coded(FEW)
    left = column.filter(column != "a")
    assert sorted(distinct(left).to_list()) == ["", "b"]
    assert any_value(column, lambda texts: texts == "a")
    assert not any_value(left, lambda texts: texts == "a")


def test_a_value_is_looked_at_once() -> None:
    seen: list[int] = []

    def looked_at(texts: pl.Series) -> pl.Series:
        seen.append(texts.len())
        return texts

    assert by_value(coded(FEW), looked_at).len() == FEW.len()
    assert seen == [3]


def test_what_is_true_of_no_value_is_not_asked_of_rows() -> None:
    seen: list[int] = []

    def none(texts: pl.Series) -> pl.Series:
        seen.append(texts.len())
        return texts == "c"

    assert not any_value(coded(FEW), none)
    assert seen == [3]
