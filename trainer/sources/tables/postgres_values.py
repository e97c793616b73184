"""What PostgreSQL can hold and Python can't: one such value, perhaps in a column that nobody reads, must not end the reading of a table."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.adapt import Loader

from trainer.sources.tables.database_values import AFTER, BEFORE

_DATES = ("date", "timestamp", "timestamptz")
_OTHERS = ("time", "timetz", "interval")


def read_all(connection: Any) -> None:
    """Let this connection load dates that Python does not have as BEFORE or AFTER, and such times of a day and intervals as None."""
    for name in (*_DATES, *_OTHERS):
        oid = psycopg.adapters.types[name].oid
        inner = connection.adapters.get_loader(oid, psycopg.pq.Format.TEXT)
        connection.adapters.register_loader(oid, _tolerant(inner, dates=name in _DATES))


def _tolerant(inner: Any, *, dates: bool) -> type[Loader]:
    class Tolerant(Loader):
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._load = inner(oid, context).load

        def load(self, data: Any) -> Any:
            try:
                return self._load(data)
            except psycopg.DataError:
                text = bytes(data)
                before = text.startswith(b"-") or text.endswith(b"BC")
                return (BEFORE if before else AFTER) if dates else None

    return Tolerant
