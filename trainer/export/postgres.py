"""Lists as a table of PostgreSQL, in one transaction from CREATE to COMMIT: whatever ends it early leaves nothing behind.

Rows are copied FROZEN: they are visible to every snapshot. Else a transaction of REPEATABLE READ that began before the swap, and first
reads the table after it, would find the new table, and find it empty.
"""

from __future__ import annotations

import time
import zlib
from typing import cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateTable

from contract.errors import TargetError
from trainer.export.rows import Shape
from trainer.export.sql import (
    NEW,
    explained_database,
    note_export,
    parse_table,
    refuse_foreign,
    refuse_other_base,
    refuse_wide,
    table_of,
    take_changes,
)
from trainer.export.target import Lists

LOCK_TRY_MS, LOCK_PAUSE_S, LOCK_TRIES = 1000, 0.5, 40
_LOCK_NOT_AVAILABLE = "55P03"
_LOCK_CLASS = 0x6C617264  # "lard": our part of the advisory locks
_LOCK_OF_EXPORTS = 0  # of the table larder_exports

_RELATION = sa.text("""
    SELECT pg_class.oid, relkind::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = :schema AND relname = :name""")
_DEPENDENT = sa.text("""
    SELECT 'the view ' || view.oid::regclass FROM pg_depend JOIN pg_rewrite ON pg_rewrite.oid = pg_depend.objid
    JOIN pg_class AS view ON view.oid = pg_rewrite.ev_class
    WHERE pg_depend.classid = 'pg_rewrite'::regclass AND pg_depend.refobjid = :oid AND view.oid <> :oid
    UNION SELECT 'a foreign key of ' || conrelid::regclass FROM pg_constraint WHERE confrelid = :oid AND contype = 'f'
    UNION SELECT 'the trigger ' || tgname FROM pg_trigger WHERE tgrelid = :oid AND NOT tgisinternal
    UNION SELECT 'the row security policy ' || polname FROM pg_policy WHERE polrelid = :oid ORDER BY 1""")
_INDEXES = sa.text("""
    SELECT relname, split_part(pg_get_indexdef(indexrelid), ' INDEX ', 1) AS creates,
           substring(pg_get_indexdef(indexrelid) FROM position(' USING ' IN pg_get_indexdef(indexrelid))) AS what
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = :oid AND NOT indisprimary""")
_GRANTS = sa.text("""
    SELECT format('GRANT %s ON %s TO %s%s', privilege_type, CAST(:new AS text),
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = :oid AND grantee <> relowner""")
_REVOKES = sa.text("""
    SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', CAST(:new AS text),
                           CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
    FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = CAST(:new AS regclass) AND grantee <> relowner""")
_OWNER = sa.text("""
    SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class
    WHERE oid = :oid AND pg_get_userbyid(relowner) <> current_user""")


class PostgresTarget:
    def __init__(self, url: sa.URL, table: str) -> None:
        """`url`: as `parse_url` gives it. Raises SettingsError for a bad `table`."""
        self._url = url
        self._schema, self._table = parse_table(table, schemas=True)
        options = {"isolation_level": "READ COMMITTED", "connect_args": {"client_encoding": "utf8"}}  # whatever the role's defaults are
        self._engine = sa.create_engine(url, poolclass=sa.NullPool, **options)

    def check(self, shape: Shape) -> None:
        refuse_wide(shape)
        with explained_database(self._url), self._engine.connect() as connection:
            schema = self._find_schema(connection)
            if shape.since:
                self._refuse_base(connection, schema, shape)
            else:
                self._refuse(connection, schema)

    def write(self, lists: Lists) -> None:
        with explained_database(self._url), self._engine.connect() as connection, connection.begin():
            schema = self._find_schema(connection)
            self._be_alone(connection, schema)
            if lists.shape.since:
                self._refuse_base(connection, schema, lists.shape)
                connection.execute(sa.func.pg_advisory_xact_lock(_LOCK_CLASS, _LOCK_OF_EXPORTS).select())
                take_changes(connection, lists, table_of(lists.shape, self._table, schema, keyed=True))
                return
            old = self._refuse(connection, schema)
            new = table_of(lists.shape, self._table + NEW, schema, keyed=False)
            driver = cast("psycopg.Connection", connection.connection.driver_connection)
            connection.execute(CreateTable(new))
            with driver.cursor() as cursor, cursor.copy(f'COPY "{schema}"."{new.name}" FROM STDIN (FREEZE)'.encode()) as copy:
                for row in lists.rows():
                    copy.write_row(row)
            name, key = f'"{schema}"."{new.name}"', ", ".join(lists.shape.primary_key)
            driver.execute(f'ALTER TABLE {name} ADD CONSTRAINT "{new.name}_pkey" PRIMARY KEY ({key})'.encode())
            indexes = self._keep(connection, old, name) if old is not None else []
            driver.execute(f"ANALYZE {name}".encode())
            connection.execute(sa.func.pg_advisory_xact_lock(_LOCK_CLASS, _LOCK_OF_EXPORTS).select())  # two may make it at once
            note_export(connection, lists, self._table, schema)
            if old is not None:
                self._lock(connection, schema)
                driver.execute(f'DROP TABLE "{schema}"."{self._table}"'.encode())
            driver.execute(f'ALTER TABLE {name} RENAME TO "{self._table}"'.encode())
            for was, is_ in [(f'"{new.name}_pkey"', f'"{self._table}_pkey"'), *indexes]:
                driver.execute(f'ALTER INDEX "{schema}".{was} RENAME TO {is_}'.encode())

    def _find_schema(self, connection: sa.Connection) -> str:
        schema = self._schema or connection.execute(sa.text("SELECT current_schema()")).scalar()
        if schema is None:
            raise TargetError("the search_path names no schema that is there; name one, as in --table public.recommendations")
        return str(schema)

    def _be_alone(self, connection: sa.Connection, schema: str) -> None:
        """A lock that ends with the transaction."""
        number = zlib.crc32(f"{schema}.{self._table}".encode()) - 2**31
        if not connection.execute(sa.func.pg_try_advisory_xact_lock(_LOCK_CLASS, number).select()).scalar():
            raise TargetError(f"another export writes {schema}.{self._table} at the moment")

    def _refuse_base(self, connection: sa.Connection, schema: str, shape: Shape) -> None:
        found = sa.inspect(connection)
        columns = [column["name"] for column in found.get_columns(self._table, schema)] if found.has_table(self._table, schema) else []
        refuse_other_base(connection, shape, self._table, schema, columns)

    def _refuse(self, connection: sa.Connection, schema: str) -> int | None:
        """The oid of the table that is there, if any. Raises TargetError if it may not or can't be replaced."""
        shown, where = f"{schema}.{self._table}", {"schema": schema, "name": self._table}
        found = connection.execute(_RELATION, where).one_or_none()
        if found is None:
            return None
        oid, kind = found
        if kind != "r":
            raise TargetError(f"{shown} is not an ordinary table; name another --table")
        refuse_foreign(shown, [column["name"] for column in sa.inspect(connection).get_columns(self._table, schema)])
        if dependents := connection.execute(_DEPENDENT, {"oid": oid}).scalars().all():
            raise TargetError(
                f"{shown} can't be replaced: it would take {', '.join(dependents)} with it; drop that, or name another --table"
            )
        return int(oid)

    def _keep(self, connection: sa.Connection, old: int, name: str) -> list[tuple[str, str]]:
        """Give the new table the owner, the privileges and the indexes of the old one; what the indexes are called, and are to be."""
        driver = cast("psycopg.Connection", connection.connection.driver_connection)
        indexes = []
        for number, (index, creates, what) in enumerate(connection.execute(_INDEXES, {"oid": old}).all()):
            indexes.append((f'"{self._table}{NEW}_{number}"', '"' + index.replace('"', '""') + '"'))
            driver.execute(f"{creates} INDEX {indexes[-1][0]} ON {name}{what}".encode())
        if owner := connection.execute(_OWNER, {"oid": old}).scalar():
            driver.execute(f"ALTER TABLE {name} OWNER TO {owner}".encode())
        for query in (_REVOKES, _GRANTS):  # what default privileges gave the new table, the old one may have lost
            for statement in connection.execute(query, {"oid": old, "new": name} if query is _GRANTS else {"new": name}).scalars().all():
                driver.execute(statement.encode())
        return indexes

    def _lock(self, connection: sa.Connection, schema: str) -> None:
        """Keep readers out, from here to the commit some milliseconds later.

        A reader in a long statement holds the table; while this waits for it, all others would wait, too. So it waits a second,
        lets them pass, and tries again.
        """
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TRY_MS}")
        for _ in range(LOCK_TRIES):
            try:
                with connection.begin_nested():
                    connection.exec_driver_sql(f'LOCK TABLE "{schema}"."{self._table}" IN ACCESS EXCLUSIVE MODE')
                return
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                    raise
            time.sleep(LOCK_PAUSE_S)
        raise TargetError(f"{schema}.{self._table} can't be replaced: statements or transactions of others have held it all the time")
