from __future__ import annotations

from api.web.views.tables.sorting import Column, headings, ordered

COLUMNS: list[Column[tuple[str, float | None]]] = [
    Column("name", "Name", lambda row: row[0]),
    Column("worth", "Worth", lambda row: row[1], is_number=True),
]
ROWS = [("b", 2.0), ("a", None), ("c", 3.0), ("d", 2.0)]


def names(asked: str) -> str:
    return "".join(row[0] for row in ordered(ROWS, COLUMNS, asked))


def test_rows_are_sorted_by_what_the_address_names() -> None:
    assert names("") == names("nothing") == names("-") == "bacd"
    assert names("name") == "abcd"
    assert names("-name") == "dcba"


def test_rows_without_a_value_come_last_and_equal_ones_keep_their_order() -> None:
    assert names("worth") == "bdca"
    assert names("-worth") == "cbda"


def test_a_heading_says_its_order_and_leads_to_the_other() -> None:
    assert [(each.order, each.turn) for each in headings(COLUMNS, "")] == [("none", "name"), ("none", "-worth")]
    assert [(each.order, each.turn) for each in headings(COLUMNS, "name")] == [("ascending", "-name"), ("none", "-worth")]
    assert [(each.order, each.turn) for each in headings(COLUMNS, "-worth")] == [("none", "name"), ("descending", "worth")]


def test_a_column_of_numbers_and_texts_has_an_order() -> None:
    values: dict[str, str | int | None] = {"a": "default", "b": 3, "c": None, "d": 2, "e": "all"}
    column: Column[str] = Column("x", "x", values.get, show=lambda value: f"<{value}>")
    assert "".join(ordered(list(values), [column], "x")) == "dbeac"
    assert "".join(ordered(list(values), [column], "-x")) == "aebdc"
    assert [column.text(row) for row in "abc"] == ["<default>", "<3>", "–"]
