from __future__ import annotations

import pytest

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows import column_names
from trainer.sources.tables import columns


@pytest.mark.parametrize("text", ["A=1\x00B=2", "PASSWORD=x", "a\x00b", "a\nb"])
def test_what_is_no_name_is_told_by_its_length(text: str) -> None:
    assert column_names.name(text) == f"(a name of {len(text)} characters that is no column's)"


def test_a_name_is_shortened() -> None:
    assert column_names.name("rating") == "'rating'"
    assert len(column_names.name("x" * 5000)) == column_names.NAME_LENGTH + 2


def test_a_message_stays_short_whatever_the_names_are() -> None:
    with pytest.raises(DataError) as told:
        columns.resolve_columns(["SECRET=hunter2\x00KEY=v", *("c" * 9999 + str(n) for n in range(500))], SourceSettings(), "x.csv")
    assert "hunter2" not in str(told.value)
    assert len(str(told.value)) < 1500
    with pytest.raises(DataError) as told:
        columns.resolve_columns(["SECRET=hunter2", "SECRET=hunter2"], SourceSettings(), "x.csv")
    assert "hunter2" not in str(told.value)
    with pytest.raises(DataError) as told:
        columns.resolve_columns(["SECRET=hunter2"], SourceSettings(user_column="me"), "x.csv")
    assert "hunter2" not in str(told.value)
