"""Lists as a table of a DuckDB file, in one transaction: whatever ends it early leaves the file as it was.

DuckDB lets one process write a file while no other has it open. Rows come as Parquet, which it reads faster than anything else. There is
no primary key: its index would take more memory than the lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contract.errors import SettingsError, TargetError
from contract.settings.drivers import how_to_install
from contract.text import without_values
from trainer.export.objects import passing_folder
from trainer.export.parquet import write_parquet
from trainer.export.rows import GONE, Kind, Shape, UserList
from trainer.export.sql import EXPORTS, note_of, parse_table, refuse_base, refuse_foreign, refuse_leftover, refuse_wide
from trainer.export.target import Lists

_TYPES: dict[Kind, str] = {"int": "BIGINT", "str": "VARCHAR", "rank": "INTEGER", "score": "FLOAT"}
# DuckDB takes names that differ in capitals alone for one name
_COLUMNS = "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'main' AND lower(table_name) = lower(?) ORDER BY column_index"
_INDEXES = "SELECT sql FROM duckdb_indexes() WHERE schema_name = 'main' AND lower(table_name) = lower(?) AND sql IS NOT NULL"
_VIEW = "SELECT 1 FROM duckdb_views() WHERE schema_name = 'main' AND lower(view_name) = lower(?)"


class DuckdbTarget:
    def __init__(self, url: sa.URL, table: str) -> None:
        """`url`: as `parse_url` gives it. Raises SettingsError for a bad `table`, and where the driver is not installed."""
        if missing := how_to_install("duckdb"):
            raise SettingsError(f"--to={url.render_as_string()}: {missing}")
        self._path = Path(str(url.database)).absolute()
        _, self._table = parse_table(table, schemas=False)

    def check(self, shape: Shape) -> None:
        refuse_wide(shape)
        if not self._path.parent.is_dir():
            raise TargetError(f"there is no folder {self._path.parent} to write {self._path.name} into")
        if self._path.exists():
            with self._opened() as database:
                self._refuse(database, shape)
        elif shape.since:
            refuse_base(self._table, shape, None, ())

    def write(self, lists: Lists) -> None:
        """Raises also what reading the lists raises."""
        with passing_folder() as made, open(made / "lists.parquet", "xb") as file:
            others: list[int | str] = []  # users that have changed, and of whom no row tells it
            if lists.shape.since:
                lists = replace(lists, by_user=_without_gone(lists, others))
            write_parquet(lists, file)
            file.flush()
            with self._opened() as database:
                database.execute("BEGIN")
                self._refuse(database, lists.shape)
                if lists.shape.since:
                    self._take(database, lists.shape, file.name, others)
                    held = database.execute(f'SELECT count(DISTINCT user_id) FROM "{self._table}"').fetchone()  # noqa: S608
                    refuse_leftover(self._table, lists, held[0])
                else:
                    self._replace(database, lists.shape, file.name)
                self._note(database, lists)
                database.execute("COMMIT")

    def _refuse(self, database: Any, shape: Shape) -> None:
        if database.execute(_VIEW, [self._table]).fetchone():
            raise TargetError(f"{self._table} is a view; name another --table")
        columns = [name for (name,) in database.execute(_COLUMNS, [self._table]).fetchall()]
        refuse_foreign(self._table, columns)
        if shape.since:
            noted = database.execute(_COLUMNS, [EXPORTS]).fetchall()
            wanted = f"SELECT generation, layout, k FROM {EXPORTS} WHERE lower(table_name) = lower(?)"  # noqa: S608 (a name of our own)
            refuse_base(self._table, shape, database.execute(wanted, [self._table]).fetchone() if noted else None, columns)

    def _replace(self, database: Any, shape: Shape, rows: str) -> None:
        indexes = database.execute(_INDEXES, [self._table]).fetchall()
        database.execute(f'DROP TABLE IF EXISTS "{self._table}"')
        columns = ", ".join(f"{name} {_TYPES[kind]}{' NOT NULL' if name in shape.primary_key else ''}" for name, kind in shape.columns)
        database.execute(f'CREATE TABLE "{self._table}" ({columns})')
        database.execute(f'INSERT INTO "{self._table}" SELECT * FROM read_parquet(?)', [rows])  # noqa: S608 (parse_table has checked it)
        for (statement,) in indexes:
            database.execute(statement)

    def _take(self, database: Any, shape: Shape, rows: str, others: list[int | str]) -> None:
        kept = " WHERE rank > 0" if shape.layout == "long" else ""
        delete = f'DELETE FROM "{self._table}" WHERE user_id IN'  # noqa: S608 (parse_table has checked it)
        database.execute(delete + " (SELECT user_id FROM read_parquet(?))", [rows])  # noqa: S608
        if others:
            database.execute(delete + " (SELECT unnest(?))", [others])
        database.execute(f'INSERT INTO "{self._table}" SELECT * FROM read_parquet(?){kept}', [rows])  # noqa: S608

    def _note(self, database: Any, lists: Lists) -> None:
        note = note_of(lists, self._table)
        columns = ", ".join(f"{name} {'BIGINT' if name in ('k', 'users') else 'VARCHAR'}" for name in note)
        database.execute(f"CREATE TABLE IF NOT EXISTS {EXPORTS} ({columns})")
        database.execute(f"DELETE FROM {EXPORTS} WHERE lower(table_name) = lower(?)", [self._table])  # noqa: S608 (a name of our own)
        given = ", ".join("?" * len(note))
        database.execute(f"INSERT INTO {EXPORTS} ({', '.join(note)}) VALUES ({given})", list(note.values()))  # noqa: S608

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """A connection; what is not committed at its end is undone."""
        import duckdb

        try:
            with duckdb.connect(str(self._path)) as database:
                yield database
        except duckdb.Error as error:
            raise TargetError(f"duckdb:///{self._path}: {without_values(str(error).partition(chr(10))[0])[:300]}") from error


def _without_gone(lists: Lists, gone: list[int | str]) -> Iterator[UserList]:
    for user, raw in lists.by_user:
        if raw == GONE:
            gone.append(user)
        else:
            yield user, raw
