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
from contract.text import dotted, without_values
from trainer.rows.batches import Batch
from trainer.rows.column_names import name as shown
from trainer.rows.column_names import names as shown_all
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
        self.since = source.since_column
        if self.since and isinstance(self._select, sa.Select):
            with self._rows(1, self._select.limit(0)) as result:
                if self.since not in (names := list(result.keys())):
                    raise DataError(
                        f"{self.where}: {source.sql_table} has no column {shown(self.since)} (--since-column); it has {shown_all(names)}"
                    )
        with self._rows(SAMPLE_ROWS, self._head_of(self._select)) as result:
            self.names = list(result.keys())
            rows = result.fetchmany(SAMPLE_ROWS)
            self._head = [series(name, [row[place] for row in rows]) for place, name in enumerate(self.names)]

    def sample(self, column: str) -> pl.Series:
        return self._head[self.names.index(column)].drop_nulls()

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:  # noqa: ARG002 (typed already)
        yield from self.between(None, None, columns, problems)

    def between(
        self, low: Any, high: Any, columns: Mapping[str, str], problems: Problems, first_row: int = 1, *, nulls: bool = True
    ) -> Iterator[Batch]:
        """The rows from `low` to before `high` of the column that grows, in its order and, of equals, in that of what is read of them.

        None: no bound. `nulls`: at their end, also those of which nothing says where they belong.
        """
        at, row = [self.names.index(column) for column in columns.values()], first_row
        check_types({head.name: head.dtype for head in self._head}, columns, self.where)
        select = self._select
        if self.since and isinstance(select, sa.Select):
            since = self._grown
            within = self._within(low, high)
            others: list[sa.ColumnElement[Any]] = [sa.column(name) for name in dict.fromkeys(columns.values()) if name != self.since]
            select = select.where(sa.or_(within, since.is_(None)) if nulls else sa.and_(within, since.is_not(None)))
            select = select.order_by(sa.case((since.is_(None), 1), else_=0), since, *others)
        with self._rows(FETCHED_ROWS, select) as result:
            for rows in self._fetched(result):
                frame = _frame(rows, list(columns), at)
                check_types(dict(frame.schema), {role: role for role in columns}, self.where)
                problems.n_rows += frame.height
                yield Batch(frame, row, len(rows))
                row += frame.height

    def extent(self, low: Any, high: Any) -> tuple[int, Any, Any]:
        """How many rows there are from `low` to before `high` of the column that grows, its least and its greatest value among them."""
        since = self._grown
        if not isinstance(self._select, sa.Select):
            raise TypeError("only a table grows")
        within = sa.and_(self._within(low, high), since.is_not(None))
        asked = self._select.with_only_columns(sa.func.count(), sa.func.min(since), sa.func.max(since)).where(within)
        with self._rows(1, asked) as result:
            found: Any = result.one()
        return found[0], found[1], found[2]

    @property
    def _grown(self) -> sa.ColumnElement[Any]:
        return sa.column(self.since)

    def _within(self, low: Any, high: Any) -> sa.ColumnElement[bool]:
        since = self._grown
        return sa.and_(sa.true(), *([] if low is None else [since >= low]), *([] if high is None else [since < high]))

    def _head_of(self, select: sa.Executable | None) -> sa.Executable | None:
        return select.order_by(sa.column(self.since)).limit(SAMPLE_ROWS) if self.since and isinstance(select, sa.Select) else select

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
            if (names := dotted(source.sql_table)) is None:
                says = f"{self.where}: --sql-table is not a table or schema.table: {shown(source.sql_table)}"
                raise DataError(f"{says}; a name with a dot or a double quote stands in double quotes")
            *schema, table = names
            return sa.select(sa.text("*")).select_from(sa.table(table, schema=".".join(schema) or None))
        tables = self._tables()
        raise DataError(
            f"{self.where} is a database: name a table with --sql-table, or a query with --sql-query. It has {', '.join(tables)}"
        )

    def _tables(self) -> list[str]:
        with self._explained():
            look = sa.inspect(self._engine)
            return sorted([*look.get_table_names(), *look.get_view_names()])[:20] or ["no tables"]

    @contextmanager
    def _rows(self, n: int, select: sa.Executable | None) -> Iterator[sa.CursorResult[Any]]:
        with self._explained(), self._engine.connect() as connection:
            readonly = {"postgresql_readonly": True} if self._url.get_backend_name() == "postgresql" else {}
            reading = connection.execution_options(stream_results=True, max_row_buffer=n, **readonly)
            if self._url.get_backend_name() == "postgresql":
                postgres_values.read_all(connection.connection.dbapi_connection)
            prepare(self._url, connection, n if n == SAMPLE_ROWS else None)
            with self._result(reading, select) as result:
                if not result.returns_rows:
                    raise DataError(f"{self.where}: the query gives no rows; it must be a SELECT")
                yield result

    def _result(self, reading: sa.Connection, select: sa.Executable | None) -> sa.CursorResult[Any]:
        """A query goes to the driver as it is written: a colon or a percent sign in it marks no parameter."""
        if select is None:
            return reading.execution_options(no_parameters=True).exec_driver_sql(self._query)
        return reading.execute(select)

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
        if not Path(path).exists():
            raise DataError(f"{where}: unable to open database file, since there is none of this name")
        url = sa.URL.create("sqlite", database=f"file:{quote(path)}", query={"mode": "ro", "uri": "true"})
    return url


def _frame(rows: Sequence[Any], names: Sequence[str], at: Sequence[int]) -> pl.DataFrame:
    """Columns from rows. What has mixed types becomes text, so that a database without strict types can be read."""
    return pl.DataFrame([series(name, [row[place] for row in rows]) for name, place in zip(names, at, strict=True)])
