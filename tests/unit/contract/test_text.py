"""What a database says of values is not said on."""

from __future__ import annotations

import pytest

from contract.text import without_values

HIDDEN = "(not shown)"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            """(1062, "Duplicate entry 'O'Brien' for key 'recs.PRIMARY'")""",
            f"""(1062, "Duplicate entry {HIDDEN} for key 'recs.PRIMARY'")""",
        ),
        ("Duplicate entry '1' for key '2' for key 'by_item'", f"Duplicate entry {HIDDEN} for key 'by_item'"),
        (
            "(1366, \"Incorrect integer value: 'abc' for column 'shop'.'t'.'user' at row 1\")",
            f"(1366, \"Incorrect integer value: {HIDDEN} for column 'shop'.'t'.'user' at row 1\")",
        ),
        ("(1292, \"Truncated incorrect DOUBLE value: 'abc'\")", f'(1292, "Truncated incorrect DOUBLE value: {HIDDEN}")'),
        ('invalid input syntax for type integer: "abc"', f"invalid input syntax for type integer: {HIDDEN}"),
        (
            'invalid input syntax for type timestamp with time zone: "x"',
            f"invalid input syntax for type timestamp with time zone: {HIDDEN}",
        ),
        ('value "99999999999" is out of range for type integer', f"value {HIDDEN} is out of range for type integer"),
        ('date/time field value out of range: "2024-13-45"', f"date/time field value out of range: {HIDDEN}"),
        ('invalid input value for enum mood: "x"', f"invalid input value for enum mood: {HIDDEN}"),
        ('Duplicate key "user_id: 5" violates unique constraint.', f"Duplicate key {HIDDEN} violates unique constraint."),
        ('UNIQUE constraint violation: duplicate key "815"', f"UNIQUE constraint violation: duplicate key {HIDDEN}"),
        ("Could not convert string 'abc' to INT32", f"Could not convert string {HIDDEN} to INT32"),
    ],
)
def test_values_of_rows_are_left_out(said: str, shown: str) -> None:
    assert without_values(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "(1054, \"Unknown column 'x' in 'field list'\")",
        'relation "shop" does not exist',
        'duplicate key value violates unique constraint "recs_pkey"',
        'FATAL:  password authentication failed for user "ann"',
        "no such table: shop",
    ],
)
def test_names_stay(said: str) -> None:
    assert without_values(said) == said
