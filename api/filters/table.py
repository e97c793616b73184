"""The columns of one revision of the items, as a process holds them, and the filters that were asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from api.filters.grammar import parsed
from api.filters.predicate import Predicate, predicate
from contract.formats.columns import Column, Rows

MAX_KEPT = 256
"""Filters that are kept ready; a page asks the same few again and again."""


class Table:
    def __init__(self, rows: Rows, columns: Mapping[str, Column]) -> None:
        self.rows = rows
        self.columns = columns
        self._ready: dict[str, Predicate] = {}
        self._lock = Lock()

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
