"""Lists as a table of MySQL or MariaDB, where each CREATE and DROP commits by itself.

So the new table is filled under another name, and one RENAME TABLE, which is atomic, gives the names of the table and of
larder_exports to the new ones of both. A reader's statement finds the old table or the new one, whole. A killed export leaves tables
that nobody reads; the next one removes them.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import OperationalError

from contract.errors import SettingsError, TargetError
from contract.settings.drivers import DRIVERS, how_to_install
from trainer.export.rows import Shape
from trainer.export.sql import (
    EXPORTS,
    NAME,
    NEW,
    explained_database,
    exports_table,
    note_export,
    parse_table,
    refuse_foreign,
    refuse_other_base,
    refuse_view,
    refuse_wide,
    table_of,
    take_changes,
)
from trainer.export.target import Lists

OLD = "__old"
ROWS_PER_TRANSACTION = 10_000
LOCK_TRY_S, LOCK_PAUSE_S, LOCK_TRIES = 1, 0.5, 40
NOTE_PATIENCE_S = 60  # for another export that changes larder_exports
_LOCK_TIMEOUT = 1205
_ID_CHARACTERS = 512  # at the most: an id has at most as many bytes
_OPTIONS = "~/.my.cnf"
_DEPENDENT = sa.text("""
    SELECT concat('a foreign key of ', table_name) FROM information_schema.key_column_usage
    WHERE referenced_table_schema = database() AND referenced_table_name = :table
    UNION SELECT concat('the trigger ', trigger_name) FROM information_schema.triggers
    WHERE event_object_schema = database() AND event_object_table = :table ORDER BY 1""")


class MysqlTarget:
    def __init__(self, url: sa.URL, table: str) -> None:
        """`url`: as `parse_url` gives it. Raises SettingsError for a bad `table`, and where the driver is not installed."""
        if missing := how_to_install("mysql"):
            raise SettingsError(f"--to={url.render_as_string()}: {missing}")
        self._url = url
        _, self._table = parse_table(table, schemas=False)
        given = {"read_default_file": _OPTIONS} if Path(_OPTIONS).expanduser().is_file() else {}
        if password := os.environ.get(DRIVERS["mysql"].password):
            given["password"] = password
        self._engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=given)
        sa.event.listen(self._engine, "connect", _prepare)

    def check(self, shape: Shape) -> None:
        refuse_wide(shape)
        with explained_database(self._url), self._engine.connect() as connection:
            self._refuse(connection, shape)

    def write(self, lists: Lists) -> None:
        with explained_database(self._url), self._engine.connect() as connection:
            with connection.begin():
                self._lock(connection, self._table, 0, f"another export writes {self._table} at the moment")
                indexes = self._refuse(connection, lists.shape)
            if lists.shape.since:
                with connection.begin():
                    self._lock_notes(connection)
                    take_changes(connection, lists, _typed(connection, lists.shape, self._table))
                return
            new = _typed(connection, lists.shape, self._table + NEW)
            aside = [self._table + NEW, self._table + OLD]
            with connection.begin():
                for name in aside:
                    refuse_foreign(name, _columns_of(connection, name))
                self._drop(connection, aside)
                new.create(connection)
            try:
                self._fill(connection, new, lists)
                with connection.begin():
                    _add_indexes(connection, new, indexes)
                self._swap(connection, lists)
            finally:
                with connection.begin():
                    self._drop(connection, aside)

    def _refuse(self, connection: sa.Connection, shape: Shape) -> list[Any]:
        """The indexes of the table that is there, if any. Raises TargetError if it may not or can't be replaced."""
        found = sa.inspect(connection)
        refuse_view(connection, self._table)
        columns = _columns_of(connection, self._table)
        refuse_foreign(self._table, columns)
        refuse_other_base(connection, shape, self._table, None, columns)
        if not columns or shape.since:
            return []
        if dependents := connection.execute(_DEPENDENT, {"table": self._table}).scalars().all():
            raise TargetError(
                f"{self._table} can't be replaced: it would take {', '.join(dependents)} with it; drop that, or name another --table"
            )
        return list(found.get_indexes(self._table))

    def _fill(self, connection: sa.Connection, new: sa.Table, lists: Lists) -> None:
        insert = f"INSERT INTO `{new.name}` VALUES ({', '.join(['%s'] * len(new.columns))})"  # noqa: S608 (parse_table has checked it)
        rows = lists.rows()
        while some := list(islice(rows, ROWS_PER_TRANSACTION)):
            with connection.begin():
                connection.exec_driver_sql(insert, some)

    def _swap(self, connection: sa.Connection, lists: Lists) -> None:
        with connection.begin():
            self._lock_notes(connection)
            self._drop(connection, [EXPORTS + NEW, EXPORTS + OLD])
            exports_table(None).create(connection, checkfirst=True)
            connection.exec_driver_sql(f"CREATE TABLE {EXPORTS}{NEW} LIKE {EXPORTS}")
            name = NAME.compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {EXPORTS}{NEW} MODIFY table_name {name} NOT NULL")  # an old one ignores capitals
            connection.exec_driver_sql(f"INSERT INTO {EXPORTS}{NEW} SELECT * FROM {EXPORTS}")  # noqa: S608 (names of our own)
            note_export(connection, lists, self._table, None, EXPORTS + NEW)
        with connection.begin():
            names = [EXPORTS, self._table] if sa.inspect(connection).has_table(self._table) else [EXPORTS]
        moves = [f"`{name}` TO `{name}{OLD}`" for name in names] + [f"`{name}{NEW}` TO `{name}`" for name in (EXPORTS, self._table)]
        try:
            self._rename(connection, moves)
        finally:
            with connection.begin():
                self._drop(connection, [EXPORTS + NEW, EXPORTS + OLD])

    def _rename(self, connection: sa.Connection, moves: list[str]) -> None:
        for _ in range(LOCK_TRIES):
            try:
                with connection.begin():
                    connection.exec_driver_sql(f"RENAME TABLE {', '.join(moves)}")
            except OperationalError as error:
                if getattr(error.orig, "args", (0,))[0] != _LOCK_TIMEOUT:
                    raise
                time.sleep(LOCK_PAUSE_S)
            else:
                return
        raise TargetError(f"{self._table} can't be replaced: statements or transactions of others have held it all the time")

    def _drop(self, connection: sa.Connection, names: list[str]) -> None:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {', '.join(f'`{name}`' for name in names)}")

    def _lock_notes(self, connection: sa.Connection) -> None:
        self._lock(connection, EXPORTS, NOTE_PATIENCE_S, f"another export has held {EXPORTS} for {NOTE_PATIENCE_S} s")

    def _lock(self, connection: sa.Connection, name: str, patience_s: int, why: str) -> None:
        """A lock that ends with the connection."""
        number = zlib.crc32(f"{self._url.database}.{name}".encode())
        if connection.execute(sa.select(sa.func.get_lock(f"larder-export-{number}", patience_s))).scalar() != 1:
            raise TargetError(why)


def _columns_of(connection: sa.Connection, name: str) -> list[str]:
    """Empty where there is no such table."""
    found = sa.inspect(connection)
    return [column["name"] for column in found.get_columns(name)] if found.has_table(name) else []


def _add_indexes(connection: sa.Connection, new: sa.Table, indexes: Sequence[Any]) -> None:
    """Those whose columns the new table has."""
    for index in indexes:
        if set(index["column_names"]) <= set(new.columns.keys()):
            columns = [new.c[name] for name in index["column_names"]]
            sa.Index(index["name"], *columns, unique=index["unique"], **index.get("dialect_options", {})).create(connection)


def _typed(connection: sa.Connection, shape: Shape, name: str) -> sa.Table:
    """Ids that are text are compared by their bytes, to the last space; those of a key have a length, without which none can be."""
    made = table_of(shape, name, None, keyed=True)
    compared = "utf8mb4_nopad_bin" if getattr(connection.dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
    for column in made.columns:
        if isinstance(column.type, sa.Text):
            if column.name in shape.primary_key:
                column.type = mysql.VARCHAR(_ID_CHARACTERS, charset="utf8mb4", collation=compared)
            else:
                column.type = mysql.TEXT(charset="utf8mb4", collation=compared)
    return made


def _prepare(connection: Any, _record: object) -> None:
    """What does not fit is an error. A statement that waits for a table lets others pass after a second."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")
        cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_TRY_S}")
