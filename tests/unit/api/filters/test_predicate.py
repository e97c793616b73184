"""A filter over columns is the same filter over whole rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.filters.errors import FilterError
from api.filters.table import MAX_KEPT, Table
from contract.formats.columns import least
from tests.support.depth import deeper, examples
from tests.support.filtering import FILTERS, Asked, Row, rows, with_pairs
from tests.support.stocked import table


def passed(of: Table, n: int, text: str) -> list[int]:
    passes = of.filter(text)
    return [number for number in range(1, n + 2) if passes(of.rows.of(10 * number))]


def compare(of: Table, found: Sequence[Row], asked: Asked) -> None:
    expected = [number for number, row in enumerate([*found, {}], 1) if asked.means(row)]  # the last: an item that nobody knows
    assert passed(of, len(found), asked.text) == expected, asked.text


@given(rows(), st.lists(FILTERS, min_size=5, max_size=5))
@settings(max_examples=examples(10, 500), deadline=None)
@deeper
def test_a_filter_is_that_of_whole_rows(found: list[Row], several: list[Asked]) -> None:
    of = table(found)
    for asked in with_pairs(several):
        compare(of, found, asked)


def test_what_has_no_value_meets_no_comparison() -> None:
    of = table(
        [{"price": None, "brand": None, "new": None, "categories": []}, {"price": -128, "brand": "a", "new": False, "categories": ["a"]}]
    )
    assert passed(of, 2, "price <= 0") == [2]
    assert passed(of, 2, "price > -100000") == [2]
    assert [passed(of, 2, f"price in ({least(code)}, -128)") for code in "bhiq"] == [[2]] * 4  # what stands for none is no value
    assert passed(of, 2, "price != -128") == [1, 3]
    assert passed(of, 2, "not price <= 0") == [1, 3]
    assert passed(of, 2, "brand >= ''") == [2]
    assert passed(of, 2, "new = false") == [2]
    assert passed(of, 2, "categories not in ('a', 'b')") == [1, 3]
    of = table([{"price": math.nan}, {"price": 0.5}])
    assert passed(of, 2, "price < 9 or price > -9") == [2]


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("stock = 1 and prise < 5", 15, '"prise" is not a column that can be filtered by; the nearest is "price"'),
        ("price < '5'", 9, '"price" holds numbers, and this is none'),
        ("price = true", 9, "holds numbers"),
        ("brand = 5", 9, "holds texts"),
        ("new = 1", 7, "holds true or false"),
        ("categories < 'Drama'", 12, "holds several texts an item: = !="),
        ("new >= true", 5, "true or false: = !="),
        ("categories in ('a', 5)", 21, "several texts an item, and this is none"),
    ],
)
def test_a_column_knows_its_own_kind_alone(text: str, position: int, said: str) -> None:
    with pytest.raises(FilterError, match=said) as caught:
        table([{"price": 1, "brand": "a", "new": True, "categories": ["a"]}]).filter(text)
    assert caught.value.position == position


def test_filters_are_kept_up_to_a_number() -> None:
    of = table([{"price": 1}])
    assert of.filter("price = 1") is of.filter("price = 1")
    first = of.filter("price = 1")
    for number in range(MAX_KEPT):
        of.filter(f"price = {number + 2}")
    assert of.filter("price = 1") is not first
