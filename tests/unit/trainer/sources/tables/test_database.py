"""Databases through SQLAlchemy: SQLite here, PostgreSQL in tests/integration/run/test_sql_source.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from contract.errors import SettingsError
from contract.settings.settings import Settings
from tests.support.reading import dropped, load, read, refusal, rows
from trainer.rows.row_filter import MISSING
from trainer.sources.tables import database as sql


def database(path: Path, events: Iterable[tuple[object, ...]] = ((1, "a", 2.5, 10), (2, "b", 3.0, 20))) -> str:
    connection = sqlite3.connect(path / "shop.db")
    with connection:
        connection.execute("CREATE TABLE events (user_id, sku TEXT, stars REAL, at)")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", events)
    connection.close()
    return f"sqlite:///{path / 'shop.db'}"


def test_a_table(tmp_path: Path) -> None:
    assert rows(database(tmp_path), sql_table="events") == [(1, "a", 2.5, 10), (2, "b", 3.0, 20)]


def test_a_query(tmp_path: Path) -> None:
    url = database(tmp_path)
    assert rows(url, sql_query="SELECT sku AS item, user_id AS user FROM events WHERE stars > 2.7;") == [(2, "b", 1.0)]


def test_batches_make_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database(tmp_path, [(n, f"i{n % 7}", 1 + n % 5, n) for n in range(500)])
    whole = rows(url, sql_table="events")
    monkeypatch.setattr(sql, "FETCHED_ROWS", 64)
    assert rows(url, sql_table="events") == whole
    assert len(whole) == 500


def test_what_a_loose_column_holds(tmp_path: Path) -> None:
    url = database(tmp_path, [(1, "a", 1, 5), ("x y", "b", "many", "6"), (None, "c", 2, 7), (3, "d", 0, 8)])
    assert dropped(url, sql_table="events", max_broken_rows=0.5) == {
        "missing value": ["line 3: user_id ''"],
        "a weight that is no number": ["line 2: stars 'many'"],
        "a weight of 0 or less: met, and not liked": ["line 4: stars '0.0'"],
    }


@pytest.mark.parametrize("condition", ["sku <> 'status :new'", "sku NOT LIKE '100% :done%'", "1 = 1 -- nightly :v2\n", "sku <> '10:30'"])
def test_a_query_runs_as_it_is_written(tmp_path: Path, condition: str) -> None:
    query = f"SELECT user_id, sku AS item_id FROM events WHERE {condition}"
    assert [row[:2] for row in rows(database(tmp_path), sql_query=query)] == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("name", ["s1#0.db", "s p%20.db", "really?.db", "a&b=c.db", "ö.db"])
def test_a_database_may_have_any_name(tmp_path: Path, name: str) -> None:
    database(tmp_path)
    (tmp_path / "shop.db").rename(tmp_path / name)
    assert len(rows(f"sqlite:///{tmp_path / name}", sql_table="events")) == 2
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_join_with_two_columns_of_one_name(tmp_path: Path) -> None:
    url = database(tmp_path)
    twins = "SELECT a.*, b.* FROM events a JOIN events b ON a.sku = b.sku"
    assert "has two columns named 'user_id'; rename one, in SQL with AS" in refusal(url, sql_query=twins)
    others = "SELECT user_id, sku AS item_id, 1 AS note, 2 AS note FROM events"
    assert rows(url, sql_query=others) == [(1, "a", 1.0), (2, "b", 1.0)]


def test_times_that_are_missing_in_every_row_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "FETCHED_ROWS", 10)
    events = [(n, f"i{n % 7}", 4.0, None if 10 <= n < 20 else 1_700_000_000 + n) for n in range(40)]
    assert len(rows(database(tmp_path, events), sql_table="events")) == 30
    (tmp_path / "shop.db").unlink()
    nothing = [(n, f"i{n % 7}", 4.0, None) for n in range(40)]
    assert "no interaction is left of 40 rows: 40 with missing value" in refusal(database(tmp_path, nothing), sql_table="events")


def test_a_database_without_a_table_named_lists_its_tables(tmp_path: Path) -> None:
    assert "name a table with --sql-table, or a query with --sql-query. It has events" in refusal(database(tmp_path))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"sql_table": "none"}, "no such table: none"),
        ({"sql_query": "SELEC 1"}, "syntax error"),
        ({"sql_query": "SELECT 1 AS user"}, "no column has a known name of items"),
        ({"sql_query": "DELETE FROM events"}, "readonly database"),
    ],
)
def test_what_a_database_refuses_is_one_sentence(tmp_path: Path, settings: dict[str, str], reason: str) -> None:
    url = database(tmp_path)
    assert reason in refusal(url, **settings)
    assert len(rows(url, sql_table="events")) == 2


@pytest.mark.parametrize(
    ("table", "named"),
    [("a.b", '"a.b"'), ("a.b", 'main."a.b"'), ('a"b', '"a""b"'), ("a b", "a b"), ("a.b", '"main"."a.b"'), ("Ünder_1", "main.Ünder_1")],
)
def test_a_table_whose_name_has_a_dot_stands_in_quotes(tmp_path: Path, table: str, named: str) -> None:
    url = database(tmp_path)
    quoted = table.replace('"', '""')
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute(f'ALTER TABLE events RENAME TO "{quoted}"')
    assert len(rows(url, sql_table=named)) == 2


@pytest.mark.parametrize("named", [".events", "main..events", 'main."events', '"main"events', "main.", '""'])
def test_a_name_of_a_table_that_cannot_be_one(tmp_path: Path, named: str) -> None:
    assert "--sql-table is not a table or schema.table: " in refusal(database(tmp_path), sql_table=named)


def test_an_address_of_a_file_is_no_database(tmp_path: Path) -> None:
    assert "give the path of the file alone, as in" in refusal((tmp_path / "x.csv").as_uri())


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none.db"
    assert "unable to open database file" in refusal(url, sql_table="events")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/db", "postgresql://me@host/db?password=secret", "mysql://:secret@host/db"])
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ({"LARDER_INTERACTIONS": url})
    assert f"set {'MYSQL_PWD' if url.startswith('mysql') else 'PGPASSWORD'} in the environment" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_not_installed(tmp_path: Path) -> None:
    assert "Can't load plugin" in refusal("klingon://host/db", sql_table="t")
    assert "is not installed" in refusal("mssql+pyodbc://host/db", sql_table="t")


def test_the_source_is_named_without_secrets(tmp_path: Path) -> None:
    assert load(database(tmp_path), sql_table="events").interactions.source.startswith("sqlite:///")


@pytest.mark.parametrize("scheme", ["clickhouse", "bigquery", "snowflake", "sqlserver"])
def test_a_database_without_its_driver_says_how_to_install_it(scheme: str) -> None:
    assert f"`make up LARDER_DRIVERS={scheme}` installs it" in refusal(f"{scheme}://me@host/db", sql_table="t")


@pytest.fixture
def duck(tmp_path: Path) -> str:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute(
            "CREATE TABLE orders AS SELECT i % 9 AS customer_id, 'T-' || i % 7 AS article_id, (1 + i % 3)::decimal(8, 2) AS quantity,"
            " timestamp '2024-01-01' + i * interval 1 hour AS created_at FROM range(5000) t(i)"
        )
        made.execute("INSERT INTO orders VALUES (NULL, 'T-1', 1, now()), (1, 'T-1', 1, timestamp '2024-01-01' - interval 1 hour)")
    return f"duckdb:///{path}"


def test_duckdb_by_table_and_by_query(duck: str) -> None:
    found, problems = read(duck, sql_table="orders")
    assert (len(found), problems.n_rows, dict(problems.dropped)) == (5001, 5002, {MISSING: 1})
    assert found[1] == (1, "T-1", 2.0, 1_704_067_200 + 3600)
    assert rows(duck, sql_query="SELECT 1 AS user_id, unnest([5, 6][:1]) AS item_id WHERE ':x' <> '%s'") == [(1, 5, 1.0)]
    assert "name a table with --sql-table, or a query with --sql-query. It has orders" in refusal(duck)


def test_duckdb_is_opened_for_reading_and_reads_no_other_file(duck: str, tmp_path: Path) -> None:
    assert "read-only" in refusal(duck, sql_query="DELETE FROM orders RETURNING *")
    (tmp_path / "secret.csv").write_text("user_id,item_id\n1,2\n")
    assert "disabled" in refusal(duck, sql_query=f"SELECT * FROM read_csv('{tmp_path}/secret.csv')")
    none = f"duckdb:///{tmp_path}/none.duckdb"
    assert "none.duckdb" in refusal(none, sql_table="orders")
    assert not (tmp_path / "none.duckdb").exists()
