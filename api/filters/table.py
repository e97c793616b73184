"""The columns of one revision of the items, as a process holds them, and the filters that were asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from api.filters.grammar import parsed
from api.filters.predicate import Predicate, predicate
from contract.formats.columns import Column, Rows
from contract.formats.keys import Id

MAX_KNOWN = 2**16  # some 8 MB
MAX_KEPT = 256
"""Filters that are kept ready; a page asks the same few again and again."""


class Table:
    def __init__(self, rows: Rows, columns: Mapping[str, Column]) -> None:
        self.rows = rows
        self.columns = columns
        self.known: dict[Id, int] = {}
        """Rows that were looked for, for `row_of`: lists have the same items again and again."""
        self._ready: dict[str, Predicate] = {}
        self._lock = Lock()

    def row_of(self, item_id: Id) -> int:
        """-1 for an item that is not there."""
        row = self.known.get(item_id)
        if row is None:
            row = self.rows.of(item_id)
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            self.known[item_id] = row
        return row

    def ready(self, text: str) -> Predicate | None:
        """A filter that was asked before."""
        return self._ready.get(text)

    def filter(self, text: str) -> Predicate:
        """Raises FilterError."""
        ready = self._ready.get(text)
        if ready is None:
            ready = predicate(parsed(text), self.columns)
            with self._lock:
                if len(self._ready) >= MAX_KEPT:
                    self._ready.pop(next(iter(self._ready)))
                self._ready[text] = ready
        return ready
