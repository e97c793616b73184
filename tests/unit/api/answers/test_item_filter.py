"""A list that is filtered is the same list filtered in plain Python, over whole rows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.answers.item_filter import ItemFilter
from api.filters import table as tables
from api.lists.items_view import ItemsView
from api.lists.store import StoredList
from api.lists.view import View
from tests.support.builders import manifest_of
from tests.support.depth import deeper, examples
from tests.support.filtering import FILTERS, Asked, Row, rows, with_pairs
from tests.support.stocked import table

POINTER = manifest_of({54: [(1, 1.0)]}, "g1").pointer()


@given(rows(), st.lists(FILTERS, min_size=5, max_size=5), st.data())
@settings(max_examples=examples(8, 500), deadline=None)
@deeper
def test_a_list_is_left_with_what_passes_and_is_available(found: list[Row], several: list[Asked], data: st.DataObject) -> None:
    held = table(found)
    known = {10 * number: row for number, row in enumerate(found, 1)}
    ids = data.draw(st.permutations([*known, 5, 10 * len(found) + 10]))  # two that nobody knows
    scores = [float(len(ids) - at) for at in range(len(ids))]
    unavailable = frozenset(data.draw(st.sets(st.sampled_from(ids))))
    enough = data.draw(st.integers(1, len(ids)))
    for asked in with_pairs(several):
        expected = [at for at, item in enumerate(ids) if item not in unavailable and asked.means(known.get(item, {}))][:enough]
        for _ in range(2):  # the second time, rows are remembered
            item_filter = ItemFilter(View(POINTER, ItemsView(unavailable=unavailable, table=held)), held, held.filter(asked.text))
            left = item_filter.of(StoredList(ids, scores), enough)
            assert (left.item_ids, left.scores) == ([ids[at] for at in expected], [scores[at] for at in expected])
            assert left.positions == expected


def test_rows_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_KNOWN", 3)
    held = table([{"price": 1}] * 5)
    assert [held.row_of(item) for item in (10, 20, 30, 40, 50, 60, 10)] == [0, 1, 2, 3, 4, -1, 0]
    assert len(held.known) <= 3
