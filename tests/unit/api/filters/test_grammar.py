"""Filters are read by the grammar of docs/api.md; what is none is refused with its place, at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.filters.errors import FilterError
from api.filters.grammar import MAX_DEPTH, Comparison, Every, Not, Some, parsed
from api.filters.tokens import MAX_CHARACTERS
from api.http.request_models import MAX_FILTER_CHARACTERS
from tests.support.depth import deeper, examples
from tests.support.filtering import FILTERS, Asked

PIECES = [
    "price",
    "categories",
    "<",
    "<=",
    "=",
    "!=",
    "in",
    "not",
    "(",
    ")",
    ",",
    "5",
    "-1.5",
    "'Drama'",
    '"',
    "'",
    "and",
    "or",
    "`",
    "1e999",
]


def test_and_binds_closer_than_or() -> None:
    found = parsed("a = 1 or b = 2 and not c = 3")
    assert isinstance(found, Some)
    first, second = found.parts
    assert isinstance(first, Comparison)
    assert isinstance(second, Every)
    assert isinstance(second.parts[1], Not)


@pytest.mark.parametrize("text", ["price<5", " price < 5 ", "PRICE", "price\n<\t5"])
def test_spaces_mean_nothing(text: str) -> None:
    if text == "PRICE":
        with pytest.raises(FilterError, match="character 6"):
            parsed(text)
    else:
        assert parsed(text) == Comparison("price", text.index("p") + 1, "<", text.index("<") + 1, ((5, text.index("5") + 1),))


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 1, "the filter ends where the name of a column"),
        ("price", 6, "the filter ends where ="),
        ("price < ", 9, "where a number, a text, true or false"),
        ("price < fifty", 9, "stands between quotation marks"),
        ("price < 5 and", 14, "the filter ends"),
        ("price < 5 price > 2", 11, "and, or, or the end"),
        ("(price < 5", 11, r", or \)"),
        ("price in 5", 10, r"where \("),
        ("price in (5, )", 14, "a number, a text"),
        ("price not < 5", 11, "where in is expected"),
        ("brand = 'Acme", 9, "has no end"),
        ("brand = `Acme`", 9, "between quotation marks"),
        ("price < 5;", 10, "has no meaning"),
        ("price < 5e", 9, "begins like a number"),
        ("price < 1e999", 9, "too great"),
        ("price == 5", 8, "where a number"),
        ("not " * (MAX_DEPTH + 1) + "a = 1", 4 * (MAX_DEPTH + 1) + 1, "inside one another"),
        ("(" * 900, MAX_DEPTH + 2, "inside one another"),
        ("a" * (MAX_CHARACTERS + 1), MAX_CHARACTERS + 1, "at most 1,000 characters"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, position: int, said: str) -> None:
    with pytest.raises(FilterError, match=said) as caught:
        parsed(text)
    assert caught.value.position == position
    assert f"at character {position}: " in str(caught.value)


def test_the_schema_has_the_same_limit() -> None:
    assert MAX_FILTER_CHARACTERS == MAX_CHARACTERS


def look(text: str) -> None:
    """Whatever stands there is read, or refused in a sentence with a place within it."""
    try:
        parsed(text)
        return
    except FilterError as error:
        refused = error
    assert 1 <= refused.position <= len(text) + 1
    assert len(str(refused)) < 300


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join) | st.text(max_size=1200))
@settings(max_examples=examples(100, 2000), deadline=None)
@deeper
def test_any_text_is_read_or_refused(text: str) -> None:
    look(text)


@given(FILTERS, st.data())
@settings(max_examples=examples(100, 2000), deadline=None)
@deeper
def test_a_filter_with_a_hole_in_it_is_too(asked: Asked, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(asked.text)))
    look(asked.text[:at] + data.draw(st.sampled_from(["", "'", "(", ")", "<", " in ", "\x00"])) + asked.text[at + 1 :])


@pytest.mark.parametrize("text", ["'" * 999, "''" * 500, "`" * 1000, "(" * 1000, "not " * 250, "1" * 1000, "1." * 500, '"' + "'\"" * 499])
def test_a_text_that_asks_for_much_work_is_too(text: str) -> None:
    look(text)
