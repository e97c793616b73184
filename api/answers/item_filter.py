"""Lists as a filter leaves them."""

from __future__ import annotations

from api.filters.errors import FilterError
from api.filters.predicate import Predicate
from api.filters.table import Table
from api.http.problems import RequestError
from api.lists.store import StoredList
from api.lists.view import View
from contract.formats.keys import Id


class ItemFilter:
    """What of a list is available and passes a filter."""

    def __init__(self, view: View, table: Table, passes: Predicate) -> None:
        self._table = table
        self._passes = passes
        self._unavailable = view.unavailable

    def passes(self, item_id: Id) -> bool:
        """Whether one that is available passes."""
        return self._passes(self._table.row_of(item_id))

    def of(self, found: StoredList, enough: int) -> StoredList:
        """What passes, until there is `enough` of it."""
        known, row_of, passes, unavailable = self._table.known.get, self._table.row_of, self._passes, self._unavailable
        left: list[int] = []
        for at, item_id in enumerate(found.item_ids):
            row = known(item_id)
            if passes(row_of(item_id) if row is None else row) and item_id not in unavailable:
                left.append(at)
                if len(left) == enough:
                    break
        places = left if found.positions is None else [found.positions[at] for at in left]
        return found._replace(item_ids=[found.item_ids[at] for at in left], scores=[found.scores[at] for at in left], positions=places)


def item_filter_of(view: View, text: str | None) -> ItemFilter | None:
    """None where no filter is asked for. Raises RequestError for one that makes no sense, and where nothing can be filtered by."""
    if text is None:
        return None
    if (table := view.items.table) is None:
        raise RequestError(
            "The items that are served have no columns to filter by: name some in LARDER_FILTER_COLUMNS, and run `larder items`.",
            409,
            "No filters",
        )
    try:
        return ItemFilter(view, table, table.filter(text))
    except FilterError as error:
        raise RequestError(f"{error}.") from None
