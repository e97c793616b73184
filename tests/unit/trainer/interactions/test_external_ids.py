"""External ids: integers only where every one is an integer in its canonical form."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import DataError
from trainer.interactions.external_ids import MAX_ID_BYTES, index, infer_id_type
from trainer.rows.distinct import coded


@pytest.mark.parametrize(
    "texts",
    [["1", "20"], ["0"], ["-5", "0", "7"], [str(2**63 - 1), str(-(2**63))]],
    ids=["plain", "zero", "negative", "the ends of int64"],
)
def test_canonical_integers_become_integers(texts: list[str]) -> None:
    ids = infer_id_type(pl.Series("user", texts))
    assert ids.dtype == pl.Int64
    assert [str(value) for value in ids] == texts


@pytest.mark.parametrize(
    "odd", ["054", "+5", "-0", "-05", "00", "-", "", " 5", "5 ", "1.0", "1e3", "1_000", "0x1f", "٣", "a", str(2**63), str(-(2**63) - 1)]
)
def test_one_id_that_is_no_canonical_integer_makes_all_of_them_text(odd: str) -> None:
    ids = infer_id_type(pl.Series("user", ["1", odd, "2"]))
    assert ids.dtype == pl.String
    assert ids.to_list() == ["1", odd, "2"]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int32, pl.UInt32, pl.Int64, pl.UInt64])
def test_integer_columns_stay_integers(dtype: type[pl.DataType]) -> None:
    ids = infer_id_type(pl.Series("user", [1, 100], dtype=dtype))
    assert (str(ids.dtype), ids.to_list()) == ("Int64", [1, 100])


def test_unsigned_integers_that_int64_can_not_hold_become_text() -> None:
    ids = infer_id_type(pl.Series("user", [1, 2**64 - 1], dtype=pl.UInt64))
    assert (str(ids.dtype), ids.to_list()) == ("String", ["1", "18446744073709551615"])


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30))
def test_any_integers_survive_as_text(values: list[int]) -> None:
    assert infer_id_type(pl.Series("user", [str(value) for value in values])).to_list() == values


def test_index_of_integers_from_several_parts() -> None:
    parts = [pl.Series("user", [7, -3]), pl.Series("user", [7, 5])]
    ids, positions = index(parts, "a test")
    assert (list(ids), positions.tolist(), positions.dtype.str) == ([-3, 5, 7], [2, 0, 2, 1], "<i4")
    assert parts == []


def test_index_of_a_column_that_is_text_in_one_part_only() -> None:
    parts = [pl.Series("item", [10, 9]), pl.Series("item", ["9", "x"])]
    ids, positions = index(parts, "a test")
    assert (list(ids), positions.tolist(), positions.dtype.str) == (["10", "9", "x"], [0, 1, 1, 2], "<i4")
    assert parts == []


@given(st.lists(st.text(max_size=6), min_size=1, max_size=30))
def test_texts_are_ordered_by_code_point(texts: list[str]) -> None:
    ids, positions = index([pl.Series("item", texts)], "a test")
    assert list(ids) == sorted(set(texts))
    assert [ids[at] for at in positions] == texts


def test_an_id_that_is_too_long_is_named_with_its_size() -> None:
    longest = "é" * (MAX_ID_BYTES // 2)
    assert list(index([pl.Series("user", [longest])], "a test")[0]) == [longest]
    with pytest.raises(DataError, match=f"^events.csv: the user id 'é+'\\.\\.\\. has {MAX_ID_BYTES + 1} bytes"):
        index([pl.Series("user", [longest + "x"])], "events.csv")


def test_columns_of_few_and_of_many_values_have_the_same_ids() -> None:
    """And an id whose rows were all left out is none."""
    texts = ["u2", "u1", "", "u2", "u10", "u1", "u2", "u2"] * 2
    few = coded(pl.Series("user", texts))
    assert isinstance(few.dtype, pl.Enum)
    parts = [few.filter(few != ""), pl.Series("user", ["u3", "u1"]), pl.Series("user", [7, 8])]
    expected = [text for part in parts for text in part.cast(pl.String).to_list()]
    ids, positions = index(parts, "a test")
    assert list(ids) == sorted(set(expected))
    assert [ids[at] for at in positions.tolist()] == expected
    assert positions.dtype == np.int32
    assert not parts


def test_texts_that_are_integers_once_others_are_left_out() -> None:
    column = coded(pl.Series("user", ["userID", "7", "-3", "7"] * 4))
    assert infer_id_type(column).dtype == column.dtype
    left = infer_id_type(column.filter(column != "userID"))
    assert left.dtype == pl.Int64
    assert left.to_list() == [7, -3, 7] * 4
