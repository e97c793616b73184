"""Which columns of a table are shown: the address names them, with commas or one field for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from api.web.views.tables.sorting import Column, Row

MOST_SAID = 3


@dataclass(frozen=True, slots=True)
class Choice(Generic[Row]):
    """`address`: what names this choice; "" of the usual one. `unknown`: names that the table does not have."""

    columns: list[Column[Row]]
    address: str
    unknown: list[str]

    @property
    def names(self) -> set[str]:
        return {column.name for column in self.columns}


def choice(columns: Sequence[Column[Row]], usual: Sequence[str], asked: Sequence[str]) -> Choice[Row]:
    """The first column is there whatever is asked for, since it names the row. Of nothing that is known: the usual ones."""
    known = {column.name: column for column in columns}
    names = [name for part in asked for name in part.split(",") if name]
    found = list(dict.fromkeys(name for name in names if name in known and name != columns[0].name))
    unknown = list(dict.fromkeys(name[:40] for name in names if name not in known))[:MOST_SAID]
    is_usual = not found or found == [name for name in usual if name != columns[0].name]
    shown = usual if is_usual else [columns[0].name, *found]
    return Choice([known[name] for name in shown], "" if is_usual else ",".join(found), unknown)
