"""What only PostgreSQL has: owners, privileges, views, locks, snapshots, passwords."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from redis import Redis

from contract.errors import TargetError
from tests.support.builders import promote_lists
from tests.support.export_maker import KEYS, connected, execute, export_to, promote_many, rows_in, tables_in
from tests.support.servers.postgres_server import PASSWORD, PostgresServer
from trainer.export import postgres as export_postgres

SMALL = {1: [(10, 4.5)], 2: [(11, 3.0)]}


@pytest.fixture
def url(postgres_url: str, store_redis: Redis) -> str:
    """A database with an export of generation g1."""
    promote_lists(store_redis, KEYS, SMALL)
    export_to(postgres_url, store_redis, "g1")
    return postgres_url


def test_owner_and_privileges_are_kept(url: str, store_redis: Redis) -> None:
    execute(
        url,
        'DROP ROLE IF EXISTS "the %% readers"',
        "DROP ROLE IF EXISTS keeper",
        'CREATE ROLE "the %% readers"',
        "CREATE ROLE keeper",
    )
    try:
        execute(
            url,
            "ALTER TABLE recommendations OWNER TO keeper",
            'GRANT SELECT ON recommendations TO "the %% readers" WITH GRANT OPTION',
            "ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO PUBLIC",
        )
        acl = "SELECT pg_get_userbyid(relowner), relacl::text[]::text FROM pg_class WHERE relname = 'recommendations'"
        before = rows_in(url, acl)
        assert before[0][0] == "keeper"
        for _ in range(2):
            export_to(url, store_redis, "g1")
        found = rows_in(url, acl)
        assert found[0][0] == "keeper"
        assert sorted(found[0][1].strip("{}").split(",")) == sorted(before[0][1].strip("{}").split(","))
    finally:
        execute(url, "DROP OWNED BY keeper CASCADE", 'DROP OWNED BY "the %% readers"', 'DROP ROLE keeper, "the %% readers"')


def test_privileges_of_everybody_are_kept(url: str, store_redis: Redis) -> None:
    execute(url, "GRANT SELECT, UPDATE ON recommendations TO PUBLIC")
    export_to(url, store_redis, "g1")
    assert rows_in(url, "SELECT relacl::text[]::text FROM pg_class WHERE relname = 'recommendations'")[0][0].endswith(",=rw/larder}")


@pytest.mark.parametrize(
    ("makes", "named"),
    [
        ("CREATE VIEW firsts AS SELECT user_id, item1 FROM recommendations", "the view firsts"),
        ("CREATE TABLE notes (user_id bigint REFERENCES recommendations)", "a foreign key of notes"),
        ("CREATE POLICY nobody ON recommendations USING (false)", "the row security policy nobody"),
    ],
)
def test_what_would_go_with_the_old_table_is_named_and_kept(url: str, store_redis: Redis, makes: str, named: str) -> None:
    execute(url, makes)
    before = rows_in(url)
    with pytest.raises(TargetError, match=rf"public\.recommendations can't be replaced: it would take {named} with it"):
        export_to(url, store_redis, "g1")
    assert rows_in(url) == before


def test_a_view_by_that_name(url: str, store_redis: Redis) -> None:
    execute(url, "CREATE VIEW seen AS SELECT 1 AS user_id, 2 AS item1")
    with pytest.raises(TargetError, match=r"public\.seen is not an ordinary table"):
        export_to(url, store_redis, "g1", table="seen")


def test_another_schema(url: str, store_redis: Redis) -> None:
    execute(url, "CREATE SCHEMA shop")
    for _ in range(2):
        export_to(url, store_redis, "g1", k=1, table="shop.recommendations")
    assert rows_in(url, "SELECT * FROM shop.recommendations ORDER BY 1") == [(1, 10), (2, 11)]
    assert rows_in(url, "SELECT table_name, generation FROM shop.larder_exports") == [("recommendations", "g1")]
    with pytest.raises(TargetError, match="nowhere"):
        export_to(url, store_redis, "g1", table="nowhere.recommendations")


def test_a_snapshot_from_before_the_swap_finds_whole_lists_after_it(url: str, store_redis: Redis) -> None:
    promote_many(store_redis, "b", 500, 2000)
    with connected(url, isolation_level="REPEATABLE READ") as connection:
        connection.exec_driver_sql("SELECT 1").one()
        export_to(url, store_redis, "b")
        assert connection.exec_driver_sql("SELECT count(*), count(item1) FROM recommendations").one() == (500, 500)


def test_a_reader_who_never_lets_go_keeps_the_old_table_for_all(url: str, store_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_postgres, "LOCK_TRIES", 2)
    monkeypatch.setattr(export_postgres, "LOCK_TRY_MS", 50)
    monkeypatch.setattr(export_postgres, "LOCK_PAUSE_S", 0.05)
    promote_many(store_redis, "b", 500, 2000)
    with connected(url) as connection:
        connection.exec_driver_sql("SELECT * FROM recommendations").all()
        with pytest.raises(TargetError, match="can't be replaced: statements or transactions of others have held it all the time"):
            export_to(url, store_redis, "b")
        assert len(rows_in(url)) == 2
    export_to(url, store_redis, "b")
    assert len(rows_in(url)) == 500
    assert tables_in(url) == {"recommendations", "larder_exports"}


def test_one_export_at_a_time(url: str, store_redis: Redis) -> None:
    target = export_postgres.PostgresTarget(sa.make_url(url), "recommendations")
    with connected(url) as connection:
        target._be_alone(connection, "public")
        with pytest.raises(TargetError, match=r"another export writes public\.recommendations at the moment"):
            export_to(url, store_redis, "g1")
    export_to(url, store_redis, "g1")


def test_a_null_character_is_a_plain_error(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, {"a\0b": [("x", 1.0)]}, generation="text")
    with pytest.raises(TargetError, match="NUL"):
        export_to(url, store_redis, "text")
    assert len(rows_in(url)) == 2


def test_a_password_comes_from_the_environment_and_is_never_shown(
    url: str, postgres_server: PostgresServer, store_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_tcp = postgres_server.tcp_url(url)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert export_to(by_tcp, store_redis, "g1") == 2
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    with pytest.raises(TargetError, match="password authentication failed") as raised:
        export_to(by_tcp, store_redis, "g1")
    assert "hunter2" not in str(raised.value)
    monkeypatch.delenv("PGPASSWORD")
    with pytest.raises(TargetError, match="no password supplied"):
        export_to(by_tcp, store_redis, "g1")
