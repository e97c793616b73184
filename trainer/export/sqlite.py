"""Lists as a table of SQLite.

The new table is filled in transactions of some thousand rows: one of all rows would outgrow SQLite's memory, and in its default
journal mode that locks readers out until the end. Only the last transaction touches the old table. The database's journal mode
stays what it is; in WAL mode readers never wait, else for the moment of a commit, which their `timeout` must cover.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from contract.errors import TargetError
from trainer.export.rows import Shape
from trainer.export.sql import (
    NEW,
    explained_database,
    note_export,
    parse_table,
    refuse_base,
    refuse_foreign,
    refuse_other_base,
    refuse_view,
    refuse_wide,
    table_of,
    take_changes,
)
from trainer.export.target import Lists

ROWS_PER_TRANSACTION = 10_000
PATIENCE_S = 60  # for readers and writers that hold the database

_INDEXES = sa.text("SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND lower(tbl_name) = lower(:table)")
"""Indexes that somebody has made; that of the primary key has no text."""


class SqliteTarget:
    def __init__(self, url: sa.URL, table: str) -> None:
        """`url`: as `parse_url` gives it. Raises SettingsError for a bad `table`."""
        self._url = url
        _, self._table = parse_table(table, schemas=False)
        self._engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"timeout": PATIENCE_S})
        sa.event.listen(self._engine, "connect", _prepare)
        sa.event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    def check(self, shape: Shape) -> None:
        refuse_wide(shape)
        path = Path(str(self._url.database)).absolute()
        if not path.parent.is_dir():
            raise TargetError(f"there is no folder {path.parent} to write {self._url.database} into")
        if not path.exists():
            if shape.since:
                refuse_base(self._table, shape, None, ())
            return
        with explained_database(self._url), self._engine.connect() as connection:
            self._refuse(connection, shape)

    def write(self, lists: Lists) -> None:
        if lists.shape.since:
            with explained_database(self._url), self._engine.connect() as connection, connection.begin():
                self._refuse(connection, lists.shape)
                take_changes(connection, lists, table_of(lists.shape, self._table, None, keyed=True))
            return
        new = table_of(lists.shape, f"{self._table}{NEW}_{secrets.token_hex(4)}", None, keyed=True)
        with explained_database(self._url), self._engine.connect() as connection:
            with connection.begin():
                self._drop_leftovers(connection)
                connection.execute(CreateTable(new))
            try:
                self._fill(connection, new, lists)
                with connection.begin():
                    self._refuse(connection, lists.shape)
                    indexes = connection.execute(_INDEXES, {"table": self._table}).scalars().all()
                    connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{self._table}"')
                    connection.exec_driver_sql(f'ALTER TABLE "{new.name}" RENAME TO "{self._table}"')
                    for statement in indexes:
                        connection.exec_driver_sql(statement)
                    note_export(connection, lists, self._table, None)
            except BaseException as error:
                with suppress(SQLAlchemyError), connection.begin():
                    new.drop(connection, checkfirst=True)
                if f"no such table: {new.name}" in str(error):
                    raise TargetError(f"another export to {self._table} has begun, so this one ends") from error
                raise

    def _refuse(self, connection: sa.Connection, shape: Shape) -> None:
        found = sa.inspect(connection)
        refuse_view(connection, self._table)
        columns = [column["name"] for column in found.get_columns(self._table)] if found.has_table(self._table) else []
        refuse_foreign(self._table, columns)
        refuse_other_base(connection, shape, self._table, None, columns)

    def _fill(self, connection: sa.Connection, new: sa.Table, lists: Lists) -> None:
        insert = f'INSERT INTO "{new.name}" VALUES ({", ".join("?" * len(new.columns))})'  # noqa: S608 (parse_table has checked it)
        rows = lists.rows()
        while some := list(islice(rows, ROWS_PER_TRANSACTION)):
            with connection.begin():
                connection.exec_driver_sql(insert, some)

    def _drop_leftovers(self, connection: sa.Connection) -> None:
        """Of an export that was killed; and of one that still runs, which then ends, so that the rows of two are never mixed."""
        for name in sa.inspect(connection).get_table_names():
            if re.fullmatch(rf"{self._table}{NEW}_[0-9a-f]{{8}}", name, re.IGNORECASE):
                connection.exec_driver_sql(f'DROP TABLE "{name}"')


def _prepare(connection: Any, _record: object) -> None:
    """Transactions begin where SQLAlchemy says so, not where the driver guesses; views of the old table then are views of the new."""
    connection.isolation_level = None
    connection.execute("PRAGMA legacy_alter_table = ON")
    connection.execute("PRAGMA foreign_keys = OFF")
