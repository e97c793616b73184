"""Lists as a table of a SQL database: what SQLite and PostgreSQL have in common.

The new table is filled under another name, which no reader knows; then one transaction drops the old table, gives its name to the
new one, and notes the generation in the table larder_exports. A reader's statement finds the old table or the new one, whole.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from contract.errors import SettingsError, TargetError
from contract.settings.drivers import DRIVERS, driver_of
from contract.settings.settings import hide_password
from contract.text import without_values
from trainer.export.rows import GONE, Kind, Shape, looks_exported
from trainer.export.target import Lists

MAX_WIDE = 500  # items; PostgreSQL's rows must fit a page, SQLite has at most 2,000 columns
USERS_AT_ONCE = 500  # SQLite takes at least 999 values in a statement
EXPORTS = "larder_exports"
NEW = "__new"
_KNOWN = "sqlite:///file.db, duckdb:///file.duckdb, postgresql+psycopg://user@host:port/db or mysql://user@host/db"
_NAME = re.compile(r"((?P<schema>[A-Za-z_][A-Za-z0-9_]{0,47})\.)?(?P<table>[A-Za-z_][A-Za-z0-9_]{0,47})", re.ASCII)
NAME = mysql.VARCHAR(64, charset="utf8mb4", collation="utf8mb4_bin")  # of a table of MySQL, which tells capitals apart
TYPES: dict[Kind, sa.types.TypeEngine[Any]] = {"int": sa.BigInteger(), "str": sa.Text(), "rank": sa.Integer(), "score": sa.REAL()}


def parse_url(text: str) -> sa.URL:
    """A URL of one of the databases. Raises SettingsError for another, and for one that tells a password to all who list processes."""
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError(f"--to={hide_password(text)}: expected {_KNOWN}") from None
    kind = url.drivername.partition("+")[0]
    if url.password is not None or "password" in url.query:
        name = driver_of(kind)
        where = f"{DRIVERS[name].password}, or ~/.my.cnf" if name and DRIVERS[name].password else "PGPASSWORD, or ~/.pgpass"
        raise SettingsError(f"--to={hide_password(text)}: a password on a command line can be seen by others; put it into {where}")
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind in ("mysql", "mariadb"):
        if not url.database:
            raise SettingsError(f"--to={text}: name a database, as in {kind}://user@host/database")
        return url.set(drivername=DRIVERS["mysql"].schemes[kind])
    if kind not in ("sqlite", "duckdb"):
        raise SettingsError(f"--to={hide_password(text)}: {kind} is not known; expected {_KNOWN}")
    if url.database in (None, "", ":memory:"):
        raise SettingsError(f"--to={text}: name a file, as in {kind}:///lists.db")
    return url.set(drivername=kind)


def parse_table(name: str, *, schemas: bool) -> tuple[str | None, str]:
    """Schema, if there is one, and name. Raises SettingsError."""
    found = _NAME.fullmatch(name)
    if found is None or (found["schema"] and not schemas) or found["table"].lower() == EXPORTS:
        expected = "letters, digits and _, 48 at the most" + (", perhaps after a schema and a dot" if schemas else "")
        raise SettingsError(f"--table={name!r}: expected {expected}, and not {EXPORTS}")
    return found["schema"], found["table"]


def refuse_wide(shape: Shape) -> None:
    if shape.layout == "wide" and shape.k > MAX_WIDE:
        raise SettingsError(f"--k={shape.k}: a wide table has at most {MAX_WIDE} items; use --layout long")


def refuse_foreign(name: str, columns: list[str]) -> None:
    """An existing table may be replaced only if it is one of lists: a mistyped name must not cost somebody's data."""
    if columns and not looks_exported(columns):
        shown = ", ".join(columns[:8]) + (", ..." if len(columns) > len(columns[:8]) else "")
        raise TargetError(f"{name} exists and holds no lists (its columns: {shown}); drop it yourself, or name another --table")


def refuse_view(connection: sa.Connection, name: str) -> None:
    views = sa.inspect(connection).get_view_names()
    if name in views or (_ignores_capitals(connection) and name.lower() in map(str.lower, views)):
        raise TargetError(f"{name} is a view; name another --table")


def table_of(shape: Shape, name: str, schema: str | None, *, keyed: bool) -> sa.Table:
    """`keyed`: with its primary key; else only the columns of it can't be NULL."""
    columns = [
        sa.Column(column, TYPES[kind], primary_key=keyed and column in shape.primary_key, nullable=column not in shape.primary_key)
        for column, kind in shape.columns
    ]
    for column in columns:
        column.autoincrement = False
    return sa.Table(name, sa.MetaData(), *columns, schema=schema, sqlite_with_rowid=shape.layout == "wide")


def exports_table(schema: str | None, name: str = EXPORTS) -> sa.Table:
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("table_name", sa.Text().with_variant(NAME, "mysql", "mariadb"), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("generation", "trained_at", "layout", "exported_at")),
        sa.Column("data_until", sa.Text()),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("k", "users")),
        schema=schema,
    )


def refuse_other_base(connection: sa.Connection, shape: Shape, table: str, schema: str | None, columns: Sequence[str]) -> None:
    """Changes since a generation can be taken only into a table of its lists, cut alike. Raises TargetError for another."""
    if not shape.since:
        return
    held, exports = None, exports_table(schema)
    if columns and sa.inspect(connection).has_table(EXPORTS, schema=schema):
        wanted = sa.select(exports.c.generation, exports.c.layout, exports.c.k).where(_is_of(connection, exports, table))
        held = connection.execute(wanted).one_or_none()
    refuse_base(table, shape, None if held is None else tuple(held), columns)


def refuse_base(table: str, shape: Shape, held: tuple[object, ...] | None, columns: Sequence[str]) -> None:
    """`held`: generation, layout and k of what the table holds; None: nothing says it."""
    if held == (shape.since, shape.layout, shape.k) and tuple(columns) == tuple(name for name, _ in shape.columns):
        return
    holds = "no lists that larder_exports knows of" if held is None else f"lists of generation {held[0]}, {held[1]}, k = {held[2]}"
    wanted = f"{shape.since}, {shape.layout}, k = {shape.k}" + (", with titles" if shape.titles is not None else "")
    raise TargetError(f"{table} holds {holds}; --changed-since needs those of {wanted}, in the same columns: export all lists")


def take_changes(connection: sa.Connection, lists: Lists, into: sa.Table) -> None:
    """The lists of the users that come take the place of those that they had; a user that is gone has no row."""
    whole = replace(lists.shape, since="")
    names = [name for name, _ in lists.shape.columns]
    while some := list(islice(lists.by_user, USERS_AT_ONCE)):
        connection.execute(into.delete().where(into.c.user_id.in_([user for user, _ in some])))
        if rows := [dict(zip(names, row, strict=True)) for row in whole.rows(one for one in some if one[1] != GONE)]:
            connection.execute(into.insert(), rows)
    held = connection.execute(sa.select(sa.func.count(sa.distinct(into.c.user_id)))).scalar()
    refuse_leftover(into.name, lists, held or 0)
    note_export(connection, lists, into.name, into.schema)


def refuse_leftover(table: str, lists: Lists, held: int) -> None:
    """`held`: users of the table, once it has taken the changes. Raises TargetError, which undoes them, where it has others."""
    if held != lists.n_with_rows:
        raise TargetError(
            f"with these changes {table} would hold lists of {held:,} users, and generation {lists.manifest.generation} has those of "
            f"{lists.n_with_rows:,}: somebody was erased since, or the table was changed; export all lists"
        )


def note_export(connection: sa.Connection, lists: Lists, table: str, schema: str | None, into: str = EXPORTS) -> None:
    """Say in larder_exports, beside the table, what it holds."""
    exports = exports_table(schema, into)
    exports.create(connection, checkfirst=True)
    connection.execute(exports.delete().where(_is_of(connection, exports, table)))
    connection.execute(exports.insert().values(note_of(lists, table)))


def _ignores_capitals(connection: sa.Connection) -> bool:
    """Whether the database takes `Lists` and `lists` for the name of one table."""
    kind = connection.dialect.name
    return kind == "sqlite" or (kind != "postgresql" and bool(connection.exec_driver_sql("SELECT @@lower_case_table_names").scalar()))


def _is_of(connection: sa.Connection, exports: sa.Table, table: str) -> sa.ColumnElement[bool]:
    """Whether a row of larder_exports is of the table."""
    name = exports.c.table_name
    if _ignores_capitals(connection):
        return sa.func.lower(name) == table.lower()
    return name == table if connection.dialect.name == "postgresql" else sa.cast(name, mysql.BINARY) == table.encode()


def note_of(lists: Lists, table: str) -> dict[str, str | int | None]:
    """A row of larder_exports."""
    manifest, shape = lists.manifest, lists.shape
    return {
        "table_name": table,
        "generation": manifest.generation,
        "trained_at": manifest.trained_at,
        "data_until": manifest.data_until,
        "layout": shape.layout,
        "k": shape.k,
        "users": lists.n_users if lists.n_all is None else lists.n_all,
        "exported_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


@contextmanager
def explained_database(url: sa.URL) -> Iterator[None]:
    """Turns a driver's error into one sentence that says which database; no statement, no value of a row, no password."""
    try:
        yield
    except (SQLAlchemyError, psycopg.Error, sqlite3.Error) as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0] or type(error).__name__
        raise TargetError(f"{hide_password(url.render_as_string())}: {without_values(reason)}") from error
