from __future__ import annotations

import pytest

from api.web.views.tables.choosing import MOST_SAID, choice
from api.web.views.tables.sorting import Column

COLUMNS: list[Column[str]] = [Column(name, name.upper(), str) for name in ("run", "a", "b", "c")]
USUAL = ("run", "a", "b")


@pytest.mark.parametrize(
    ("asked", "shown", "address"),
    [
        ([], "run a b", ""),
        ([""], "run a b", ""),
        (["a,b"], "run a b", ""),
        (["run,a,b"], "run a b", ""),
        (["c"], "run c", "c"),
        (["c,a"], "run c a", "c,a"),
        (["c", "a", "c"], "run c a", "c,a"),
        (["b,a"], "run b a", "b,a"),
        (["run"], "run a b", ""),
        (["nothing"], "run a b", ""),
    ],
)
def test_the_address_names_columns_and_the_first_stays(asked: list[str], shown: str, address: str) -> None:
    found = choice(COLUMNS, USUAL, asked)
    assert [column.name for column in found.columns] == shown.split()
    assert found.address == address
    assert choice(COLUMNS, USUAL, [found.address]).columns == found.columns


def test_what_the_table_does_not_have_is_said_and_not_at_length() -> None:
    found = choice(COLUMNS, USUAL, ["c,x", "y" * 99, *(f"z{at}" for at in range(9))])
    assert found.names == {"run", "c"}
    assert found.unknown == ["x", "y" * 40, "z0"]
    assert len(found.unknown) == MOST_SAID
