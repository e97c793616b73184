"""All tables of a comparison in one for programs, with its numbers as they are: a column says which table."""

from __future__ import annotations

from collections.abc import Iterator

from api.web.views.runs import versus
from api.web.views.runs.list_pairs import ListPairs
from api.web.views.tables.csv_text import Cell
from contract.store.history import RunRecord

COLUMNS = ["table", "name", "title", "left", "right", "change", "low", "high", "verdict", "users"]


def as_table(old: RunRecord, new: RunRecord, lists: ListPairs | None) -> tuple[list[str], Iterator[list[Cell]]]:
    return COLUMNS, _rows(old, new, lists)


def _rows(old: RunRecord, new: RunRecord, lists: ListPairs | None) -> Iterator[list[Cell]]:
    yield ["runs", "run", None, old.run, new.run, *[None] * 5]
    tables = (("measures", versus.verdict), ("users", versus.by_users), ("items", versus.by_items), ("differences", versus.differing))
    for table, rows_of in tables:
        for row in rows_of(old, new):
            yield [table, row.name, None, row.before, row.after, row.change, row.low, row.high, row.word, row.n]
    if lists is not None:
        for table, shifts in (("listed more often", lists.gained), ("listed less often", lists.lost)):
            for one in shifts:
                yield [table, str(one.item_id), one.title, one.before, one.after, one.after - one.before, *[None] * 4]
