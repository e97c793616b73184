"""PostgreSQL as a source: types, a server-side cursor, errors without secrets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from tests.support.export_maker import execute
from trainer.sources import load as sources

ROWS = 1_000_000


def load(url: str, **settings: Any) -> sources.LoadedSource:
    return sources.load(SourceSettings(interactions=url, **settings), Path("no cache"))


def address(url: str) -> str:
    """Without the driver's name, as people write it."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def test_a_table_with_types_of_all_kinds(postgres_url: str) -> None:
    execute(
        postgres_url,
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.events (user_id uuid, item_id varchar(20), amount numeric(8, 2), created_at timestamptz)",
        "INSERT INTO shop.events VALUES ('00000000-0000-0000-0000-000000000001', 'Teller é', 2.50, '2020-01-02T05:04:05+02'),"
        " ('00000000-0000-0000-0000-000000000002', 'Tasse', 1, '2020-01-02T03:04:05Z'), (NULL, 'Tasse', 1, now()), (NULL, '', 0, NULL)",
    )
    loaded = load(address(postgres_url), sql_table="shop.events", weight_column="amount")
    made = loaded.interactions
    assert set(made.user_ids) == {f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2)}
    assert list(made.item_ids) == ["Tasse", "Teller é"]
    assert made.data_until == "2020-01-02T03:04:05Z"
    assert sorted(made.weight.tolist()) == [1.0, 2.5]
    assert dict(made.dropped) == {"missing value": 2}


@pytest.mark.parametrize("named", ['"a.b"', 'public."a.b"', '"public"."a.b"'])
def test_a_table_whose_name_has_a_dot(postgres_url: str, named: str) -> None:
    execute(postgres_url, 'CREATE TABLE "a.b" AS SELECT n %% 9 AS user_id, n %% 7 AS item_id FROM generate_series(1, 90) n')
    assert load(address(postgres_url), sql_table=named).problems.n_rows == 90


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_dates_that_python_does_not_have_are_counted(postgres_url: str, kind: str) -> None:
    execute(
        postgres_url,
        f"CREATE TABLE o AS SELECT n %% 9 AS customer_id, 'T' || n %% 7 AS article_id, ('2024-01-01'::date + n)::{kind} AS created_at,"
        f" 'infinity'::{kind} AS valid_until, '24:00'::time AS closes FROM generate_series(1, 200) n",
        f"INSERT INTO o SELECT 1, 'T1', v FROM unnest(ARRAY['infinity', '-infinity', '0044-03-15 BC', '10000-01-01']::{kind}[]) v",
    )
    made = load(address(postgres_url), sql_table="o").interactions
    assert (made.weight.size, dict(made.dropped)) == (200, {"a time outside the years 1 to 9999": 4})
    assert made.data_until == "2024-07-19T00:00:00Z"


def test_numeric_that_is_no_number_is_counted(postgres_url: str) -> None:
    execute(
        postgres_url,
        "CREATE TABLE o AS SELECT n %% 9 AS customer_id, n %% 7 AS article_id, 1.5::numeric AS rating, 'NaN'::numeric AS discount"
        " FROM generate_series(1, 200) n",
        "INSERT INTO o VALUES (1, 2, 'NaN', 'Infinity'), (1, 3, 'Infinity', 1)",
    )
    made = load(address(postgres_url), sql_table="o").interactions
    assert (made.weight.size, dict(made.dropped)) == (200, {"missing value": 2})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS user_id, unnest((ARRAY[5, 6, 7, 8])[:3]) AS item_id",
        """SELECT 1 AS user_id, item_id FROM (VALUES (5), (6), (7)) v(item_id) WHERE '{"a":1}'::jsonb ? 'a' AND 'x' NOT LIKE '100% :s%'""",
        "SELECT 1 AS user_id, generate_series(5, 7) AS item_id -- %s :v2",
    ],
)
def test_a_query_runs_as_it_is_written(postgres_url: str, query: str) -> None:
    assert load(address(postgres_url), sql_query=query).interactions.item_ids == [5, 6, 7]


@pytest.mark.long
def test_a_million_rows(postgres_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    execute(
        postgres_url,
        "CREATE TABLE events AS SELECT (n * 7919) %% 60000 AS user_id, (n * 104729) %% 9000 AS item_id, "
        f"1 + n %% 5 AS rating, 1500000000 + n AS timestamp FROM generate_series(1, {ROWS}::bigint) n",
    )
    began = time.perf_counter()
    made = load(address(postgres_url), sql_query="SELECT * FROM events").interactions
    seconds = time.perf_counter() - began
    with capsys.disabled():
        print(f"\nPostgreSQL: {ROWS / seconds:,.0f} rows a second")
    assert (made.weight.size, len(made.user_ids), len(made.item_ids)) == (ROWS, 60_000, 9_000)


def test_errors_are_one_sentence_without_a_password(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "hush")
    with pytest.raises(DataError) as caught:
        load(address(postgres_url), sql_table="none")
    assert 'relation "none" does not exist' in str(caught.value)
    with pytest.raises(DataError) as caught:
        load("postgresql://nobody@127.0.0.1:1/none", sql_table="none")
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_nothing_is_written(postgres_url: str) -> None:
    execute(postgres_url, "CREATE TABLE kept AS SELECT 1 AS user_id, 2 AS item_id")
    with pytest.raises(DataError, match=r"syntax error|read-only"):
        load(address(postgres_url), sql_query="DELETE FROM kept RETURNING *")
    assert load(address(postgres_url), sql_table="kept").interactions.weight.size == 1
