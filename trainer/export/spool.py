"""Lists on their way out: in a temporary file, so that they can be sorted and memory does not grow with the number of users.

Redis gives lists by bucket, that is in no order. A B-tree that is filled in order is written once, front to back; in Redis'
order each batch would write half of it again. And nothing at the target begins before the generation has been read to its end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from contract.errors import TargetError
from contract.formats.manifest import IdType
from trainer.export.rows import UserList

MEMORY_KIB = 4 * 1024  # of pages, and about as much again while it sorts
FETCHED = 1024  # lists at once


class Spool:
    """A private database of SQLite's, which is gone when it is closed or the process ends. About 100 bytes a list of ten.

    It lies in TMPDIR, else in /var/tmp or /tmp. Raises TargetError when there is no room.
    """

    def __init__(self, user_id_type: IdType) -> None:
        self.n_users = 0
        # Polars takes rows in a thread of its own, one at a time.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{MEMORY_KIB}"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute(f"CREATE TABLE lists (user_id {'INTEGER' if user_id_type == 'int' else 'TEXT'}, list BLOB)")
        self._id_of = int if user_id_type == "int" else str
        self._database.execute("BEGIN")

    def add(self, lists: Iterable[tuple[bytes, bytes]]) -> None:
        """Ids as the text that Redis has of them, with their payloads."""
        rows = [(self._id_of(user.decode()), raw) for user, raw in lists]
        try:
            self._database.executemany("INSERT INTO lists VALUES (?, ?)", rows)
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error
        self.n_users += len(rows)

    def lists(self) -> Iterator[UserList]:
        """By user id: numbers by value, text by its UTF-8 bytes."""
        try:
            cursor = self._database.execute("SELECT user_id, list FROM lists ORDER BY user_id")
            while some := cursor.fetchmany(FETCHED):
                yield from some
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._database.close()


def _no_room(error: sqlite3.OperationalError) -> TargetError:
    return TargetError(
        f"the lists can't be sorted in the folder for temporary files: {error}; make room, or set TMPDIR to a folder that has it"
    )
