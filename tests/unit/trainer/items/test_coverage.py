"""Tables of items that know nothing, or suddenly little, of what is served."""

from __future__ import annotations

import polars as pl
import pytest

from contract.errors import DataError
from trainer.items.coverage import Known, coverage
from trainer.items.items import Items, cleaned

TEN = [str(item) for item in range(10)]
SERVED = Known("generation g7", "int", frozenset(TEN))


def table(*ids: str) -> Items:
    return cleaned(pl.DataFrame({"item": pl.Series(ids, dtype=pl.String)}), "items.csv", id_type="int")


def test_what_is_known_is_counted() -> None:
    assert str(coverage(table("1", "2", "77"), SERVED, [], forced=False)) == "2 of the 10 items of generation g7 are named"


@pytest.mark.parametrize(
    ("ids", "before", "reason"),
    [
        ([], [], "items.csv names no item: all titles would go"),
        (
            ["0318", "x"],
            [],
            "none of the 2 ids of items.csv, such as '0318', is an item of generation g7, whose ids are integers such as '0'",
        ),
        (TEN[:4], TEN, "items.csv: only 4 of the 10 items of generation g7 are named, and the items that are served now name half"),
        (TEN[:4], TEN[:5], "only 4 of the 10"),
    ],
)
def test_a_table_that_knows_too_little_is_refused_unless_forced(ids: list[str], before: list[str], reason: str) -> None:
    with pytest.raises(DataError) as caught:
        coverage(table(*ids), SERVED, before, forced=False)
    assert reason in str(caught.value)
    assert str(caught.value).endswith("correct the table, or say --force if it is meant")
    assert coverage(table(*ids), SERVED, before, forced=True) is not None


@pytest.mark.parametrize(("ids", "before"), [(TEN[:5], TEN), (TEN[:1], TEN[:4]), (TEN[:1], []), (TEN[:1], ["other", "data"])])
def test_a_list_of_a_few_is_no_accident(ids: list[str], before: list[str]) -> None:
    assert coverage(table(*ids), SERVED, before, forced=False) is not None


def test_where_nobody_can_tell_only_an_empty_table_is_refused() -> None:
    nobody = Known("generation g7", "int", None)
    assert coverage(table("x"), nobody, TEN, forced=False) is None
    with pytest.raises(DataError, match="names no item"):
        coverage(table(), nobody, TEN, forced=False)
