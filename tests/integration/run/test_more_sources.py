"""MariaDB as a source; tables that grow, there and in PostgreSQL; and tables of other kinds from their files to served lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import sqlalchemy as sa
import xlsxwriter
from deltalake import DeltaTable

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from tests.support.export_maker import execute as run_sql
from tests.support.servers.mariadb_server import MariadbServer
from tests.support.servers.services import Services
from trainer.sources import load as sources
from trainer.sources.erased_rows import ErasedRows
from trainer.sources.tables.database import SAMPLE_ROWS, SqlTable


def load(url: str, **settings: Any) -> sources.LoadedSource:
    return sources.load(SourceSettings(interactions=url, **settings), Path("no cache"))


def execute(server: MariadbServer, url: str, *statements: str) -> None:
    with server.connect(sa.make_url(url).database) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_a_table_of_mariadb(mariadb_server: MariadbServer, mariadb_url: str) -> None:
    execute(
        mariadb_server,
        mariadb_url,
        "SET time_zone = '+05:00'",
        "CREATE TABLE `order` (user_id BIGINT, item_id VARCHAR(20), amount DECIMAL(8, 2), created_at TIMESTAMP NULL, note TEXT)",
        "INSERT INTO `order` VALUES (9007199254740993, 'Teller é', 2.50, '2020-01-02 08:04:05', NULL),"
        " (2, 'Tasse', 1, '2020-01-01 08:04:05', 'x'), (NULL, 'Tasse', 1, '2020-01-01 08:04:05', NULL)",
    )
    for url in (mariadb_url, mariadb_url.replace("mysql://", "mariadb://"), mariadb_url.replace("mysql://", "mysql+pymysql://")):
        made = load(url, sql_table="order", weight_column="amount").interactions
        assert (list(made.user_ids), list(made.item_ids)) == ([2, 9007199254740993], ["Tasse", "Teller é"])
        assert made.data_until == "2020-01-02T03:04:05Z"  # a TIMESTAMP is a moment, whatever the zone of the server or the session
        assert sorted(made.weight.tolist()) == [1.0, 2.5]
        assert dict(made.dropped) == {"missing value": 1}


def test_a_table_of_mariadb_whose_name_has_a_dot(mariadb_server: MariadbServer, mariadb_url: str) -> None:
    execute(mariadb_server, mariadb_url, "CREATE TABLE `a.b` AS SELECT seq % 9 AS user_id, seq % 7 AS item_id FROM seq_1_to_90")
    assert load(mariadb_url, sql_table='"a.b"').problems.n_rows == 90


def test_all_rows_of_more_than_a_sample(mariadb_server: MariadbServer, mariadb_url: str) -> None:
    n = 60_000
    execute(mariadb_server, mariadb_url, f"CREATE TABLE events AS SELECT seq % 900 AS user_id, seq % 70 AS item_id FROM seq_1_to_{n}")
    assert n > SAMPLE_ROWS
    made = load(mariadb_url, sql_table="events")
    assert made.problems.n_rows == n
    assert load(mariadb_url, sql_query="SELECT * FROM events WHERE 'a%s' LIKE 'a%' AND ':x' <> ''").problems.n_rows == n


def test_dates_of_zero_are_counted(mariadb_server: MariadbServer, mariadb_url: str) -> None:
    execute(
        mariadb_server,
        mariadb_url,
        "SET sql_mode = ''",
        "CREATE TABLE e AS SELECT seq % 9 AS user_id, seq % 7 AS item_id, date('2024-01-01') + INTERVAL seq HOUR AS created_at"
        " FROM seq_1_to_200",
        "INSERT INTO e VALUES (1, 2, '0000-00-00 00:00:00')",
    )
    made = load(mariadb_url, sql_table="e").interactions
    assert sum(made.dropped.values()) == 1
    assert made.data_until == "2024-01-09T08:00:00Z"


def test_what_mariadb_refuses(mariadb_server: MariadbServer, mariadb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(mariadb_server, mariadb_url, "CREATE TABLE kept AS SELECT 1 AS user_id, 2 AS item_id")
    with pytest.raises(DataError, match="It has kept"):
        load(mariadb_url)
    with pytest.raises(DataError, match="READ ONLY"):
        load(mariadb_url, sql_query="DELETE FROM kept RETURNING *")
    monkeypatch.setenv("MYSQL_PWD", "hush")
    with pytest.raises(DataError, match="Access denied") as caught:
        load(mariadb_url, sql_table="kept")
    assert "hush" not in str(caught.value)
    monkeypatch.delenv("MYSQL_PWD")
    assert load(mariadb_url, sql_table="kept").interactions.weight.size == 1


@pytest.fixture
def stack(services: Callable[..., Services]) -> Services:
    made = services()
    made.start("trainer", "serve")
    made.start("worker")
    return made


@pytest.mark.long
def test_from_other_kinds_of_tables_to_served_lists(
    stack: Services, tmp_path: Path, mariadb_server: MariadbServer, mariadb_url: str
) -> None:
    """The same events from a workbook, a Delta table, DuckDB and MariaDB: the same model, and each serves the same lists."""
    events = pl.DataFrame({"user_id": [n % 30 for n in range(200)], "item_id": [(n * 7 + n // 30) % 20 for n in range(200)]})
    book = xlsxwriter.Workbook(str(tmp_path / "shop.xlsx"))
    sheet = book.add_worksheet("Orders")
    sheet.write_row(0, 0, events.columns)
    for at, row in enumerate(events.rows(), 1):
        sheet.write_row(at, 0, row)
    book.close()
    events.vstack(pl.DataFrame({"user_id": [99], "item_id": [99]})).write_delta(tmp_path / "delta")
    DeltaTable(tmp_path / "delta").delete("user_id = 99")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as made:
        made.execute("CREATE TABLE events (user_id BIGINT, item_id BIGINT)")
        made.executemany("INSERT INTO events VALUES (?, ?)", events.rows())
    execute(mariadb_server, mariadb_url, "CREATE TABLE events (user_id BIGINT, item_id BIGINT)")
    execute(mariadb_server, mariadb_url, f"INSERT INTO events VALUES {', '.join(map(str, events.rows()))}")

    digests = set()
    for source, options in (
        (str(tmp_path / "shop.xlsx"), []),
        (str(tmp_path / "delta"), []),
        (f"duckdb:///{tmp_path}/shop.duckdb", ["--sql-table", "events"]),
        (mariadb_url, ["--sql-table", "events"]),
    ):
        result = stack.run("run", "--wait", "--force", "--interactions", source, *options)
        assert result.returncode == 0, source + result.stderr + stack.logs()
        pointer = stack.generations.current()
        assert pointer is not None
        assert (pointer.n_users, pointer.n_items) == (30, 20)
        digests.add(stack.generations.manifest(pointer.generation).digest)
    assert len(digests) == 1


TYPES = {
    "postgresql": {"n": "bigint", "amount": "numeric(14, 2)", "written": "timestamptz", "day": "date", "name": "varchar(20)"},
    "mysql": {"n": "BIGINT", "amount": "DECIMAL(14, 2)", "written": "TIMESTAMP(6) NULL", "day": "DATE", "name": "VARCHAR(20)"},
}


@pytest.fixture(params=["postgresql", "mysql"])
def growing(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgres_url" if request.param == "postgresql" else "mariadb_url"))


def add(url: str, begin: int, end: int) -> None:
    rows = []
    for n in range(begin, end):
        written, day = f"2024-01-01 00:{n // 60:02}:{n % 60 // 4:02}", f"2024-01-{1 + n // 10:02}"
        rows.append(f"({1 + n % 9}, 'T{n % 7}', {n}, {2**33 + n // 3}.25, '{written}', '{day}', 'n{n // 4:05}')")
    run_sql(url, f"INSERT INTO orders VALUES {', '.join(rows)}")


def outcome(url: str, home: Path, **given: Any) -> tuple[Any, ...]:
    source = SourceSettings(interactions=url, sql_table="orders", time_column="written", weight_column="", **given)
    made = sources.load(source, home / ".datasets", ErasedRows("shop")).interactions
    arrays = [made.user_idx, made.item_idx, made.weight, made.time, made.bucket_ends]
    return (*(None if array is None else array.tobytes() for array in arrays), list(made.user_ids), list(made.item_ids), made.reading)


@pytest.mark.parametrize("column", ["n", "amount", "written", "day", "name"])
def test_new_rows_alone_are_asked_for(growing: str, tmp_path: Path, column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    types = TYPES["mysql" if growing.startswith("mysql") else "postgresql"]
    columns = ", ".join(f"{name} {type_}" for name, type_ in types.items())
    run_sql(growing, f"CREATE TABLE orders (user_id BIGINT, item_id VARCHAR(20), {columns})")
    add(growing, 0, 50)
    home = tmp_path / "artifacts"
    outcome(growing, home, since_column=column)
    add(growing, 50, 90)
    read: list[int] = []
    between = SqlTable.between

    def counted(self: SqlTable, *given: Any, **named: Any) -> Any:
        for batch in between(self, *given, **named):
            read.append(batch.frame.height)
            yield batch

    monkeypatch.setattr(SqlTable, "between", counted)
    made = outcome(growing, home, since_column=column)
    assert 40 <= sum(read) <= 50
    assert made == outcome(growing, tmp_path / "fresh", since_column=column)
    add(growing, 0, 1)  # below
    read.clear()
    assert outcome(growing, home, since_column=column) == outcome(growing, tmp_path / "fresher", since_column=column)
    assert sum(read) == 2 * 91
