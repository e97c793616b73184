"""A query or a table of a SQL database, through SQLAlchemy: a server-side cursor, read in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from contract.errors import DataError
from contract.settings.drivers import driver_of, how_to_install
from contract.settings.settings import SourceSettings, hide_password
from contract.text import without_values
from trainer.rows.batches import Batch
from trainer.rows.problems import Problems
from trainer.sources.tables import postgres_values
from trainer.sources.tables.database_drivers import connecting, prepare, with_driver
from trainer.sources.tables.database_values import series
from trainer.sources.tables.typed import check_types, first_line

FETCHED_ROWS = 50_000
SAMPLE_ROWS = 2000


class SqlTable:
    """Rows of a SELECT. The password, if one is needed, is the driver's business: PGPASSWORD or ~/.pgpass for PostgreSQL."""

    named = True

    def __init__(self, address: str, source: SourceSettings) -> None:
        self.where = hide_password(address)
        self._url = _url(address, self.where)
        self._engine = self._made()
        self._errors: tuple[type[Exception], ...] = (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error)
        self._query = source.sql_query.rstrip().rstrip(";")
        self._select = None if self._query else self._statement(source)
        self.notes: tuple[str, ...] = ()
        with self._rows(SAMPLE_ROWS) as result:
            self.names = list(result.keys())
            rows = result.fetchmany(SAMPLE_ROWS)
            self._head = [series(name, [row[place] for row in rows]) for place, name in enumerate(self.names)]

    def sample(self, column: str) -> pl.Series:
        return self._head[self.names.index(column)].drop_nulls()

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:  # noqa: ARG002 (typed already)
        at, row = [self.names.index(column) for column in columns.values()], 1
        check_types({head.name: head.dtype for head in self._head}, columns, self.where)
        with self._rows(FETCHED_ROWS) as result:
            for rows in self._fetched(result):
                frame = _frame(rows, list(columns), at)
                check_types(dict(frame.schema), {role: role for role in columns}, self.where)
                problems.n_rows += frame.height
                yield Batch(frame, row, len(rows))
                row += frame.height

    def _fetched(self, result: sa.CursorResult[Any]) -> Iterator[Sequence[Any]]:
        if self._url.get_backend_name() == "postgresql" and result.cursor is not None:
            # The driver's own tuples: SQLAlchemy's rows around them take four times as long. First those that it has fetched already.
            if ahead := result.cursor.rownumber:
                yield result.fetchmany(ahead)
            while rows := result.cursor.fetchmany(FETCHED_ROWS):
                yield rows
            return
        while found := result.fetchmany(FETCHED_ROWS):
            yield found

    def _made(self) -> sa.Engine:
        name = driver_of(self._url.get_backend_name())
        if name and (missing := how_to_install(name)):
            raise DataError(f"{self.where}: {missing}")
        try:
            return sa.create_engine(self._url, poolclass=sa.NullPool, connect_args=connecting(self._url))
        except ImportError as error:
            raise DataError(f"{self.where}: the driver of this database is not installed ({error}); install it beside Larder") from None
        except SQLAlchemyError as error:
            raise DataError(f"{self.where}: {first_line(error)}") from None

    def _statement(self, source: SourceSettings) -> sa.Executable:
        if source.sql_table:
            schema, _, table = source.sql_table.rpartition(".")
            return sa.select(sa.text("*")).select_from(sa.table(table, schema=schema or None))
        tables = self._tables()
        raise DataError(
            f"{self.where} is a database: name a table with --sql-table, or a query with --sql-query. It has {', '.join(tables)}"
        )

    def _tables(self) -> list[str]:
        with self._explained():
            look = sa.inspect(self._engine)
            return sorted([*look.get_table_names(), *look.get_view_names()])[:20] or ["no tables"]

    @contextmanager
    def _rows(self, n: int) -> Iterator[sa.CursorResult[Any]]:
        with self._explained(), self._engine.connect() as connection:
            readonly = {"postgresql_readonly": True} if self._url.get_backend_name() == "postgresql" else {}
            reading = connection.execution_options(stream_results=True, max_row_buffer=n, **readonly)
            if self._url.get_backend_name() == "postgresql":
                postgres_values.read_all(connection.connection.dbapi_connection)
            prepare(self._url, connection, n if n == SAMPLE_ROWS else None)
            with self._result(reading) as result:
                if not result.returns_rows:
                    raise DataError(f"{self.where}: the query gives no rows; it must be a SELECT")
                yield result

    def _result(self, reading: sa.Connection) -> sa.CursorResult[Any]:
        """A query goes to the driver as it is written: a colon or a percent sign in it marks no parameter."""
        if self._select is None:
            return reading.execution_options(no_parameters=True).exec_driver_sql(self._query)
        return reading.execute(self._select)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns a driver's error into one sentence, without statement, values or password."""
        try:
            yield
        except self._errors as error:
            reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise DataError(f"{self.where}: {without_values(reason)}") from None


def _url(address: str, where: str) -> sa.URL:
    try:
        url = sa.make_url(address)
    except (ArgumentError, ValueError):
        raise DataError(f"{where} is no address of a database; as in sqlite:///shop.db or postgresql://user@host:5432/shop") from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    url = with_driver(url)
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        # Opened for reading: else a misspelt name would make an empty database. A question mark may be a part of the name.
        whole = address.partition(":///")[2]
        path = whole if Path(whole).exists() else str(url.database)
        url = sa.URL.create("sqlite", database=f"file:{quote(path)}", query={"mode": "ro", "uri": "true"})
    return url


def _frame(rows: Sequence[Any], names: Sequence[str], at: Sequence[int]) -> pl.DataFrame:
    """Columns from rows. What has mixed types becomes text, so that a database without strict types can be read."""
    return pl.DataFrame([series(name, [row[place] for row in rows]) for name, place in zip(names, at, strict=True)])
