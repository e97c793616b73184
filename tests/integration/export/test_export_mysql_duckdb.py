"""Lists in tables of MariaDB and of DuckDB: what is in them, what stays, and what is refused."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import duckdb
import pytest
from redis import Redis

from contract.errors import SettingsError, TargetError
from tests.support.builders import promote_lists
from tests.support.export_maker import KEYS, connected, execute, export_to, item_of, promote_many, rows_in, tables_in
from tests.support.paths import ROOT
from trainer.export import mysql as export_mysql

SMALL = {1: [(10, 4.5), (11, 4.0), (12, 1.0), (13, 0.5)], 2**40: [(10, 3.0)], 3: []}
ODD = ["a\tb", "c\nd", "\\N", 'say "é"', "'; DROP TABLE x; --", "日本 ", "日本", "%s", "NULL", "A", "a"]
DIES_BEFORE_THE_SWAP = """
import os, signal, sys
from trainer.export import {module}
{target}.{method} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from trainer.cli.export import export
export.main(sys.argv[1:], standalone_mode=False)
"""


@pytest.fixture(params=["duckdb", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    return f"duckdb:///{tmp_path}/lists.duckdb" if request.param == "duckdb" else str(request.getfixturevalue("mariadb_url"))


def test_wide_and_long_tables(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    assert export_to(url, store_redis, "g1") == 3
    assert rows_in(url) == [(1, 10, 11, 12), (3, None, None, None), (2**40, 10, None, None)]
    assert export_to(url, store_redis, "g1", "long", 4) == 3
    found = rows_in(url, "SELECT * FROM recommendations ORDER BY user_id, 2")
    assert found == [(1, 1, 10, 4.5), (1, 2, 11, 4.0), (1, 3, 12, 1.0), (1, 4, 13, 0.5), (2**40, 1, 10, 3.0)]
    noted = rows_in(url, "SELECT table_name, generation, layout, k, users, data_until FROM larder_exports")
    assert noted == [("recommendations", "g1", "long", 4, 3, "2026-01-01T00:00:00Z")]


def test_texts_are_what_they_were(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, {user: [(item, 1.0) for item in ODD[:3]] for user in ODD}, generation="text", k=3)
    export_to(url, store_redis, "text")
    assert {row[0]: list(row[1:]) for row in rows_in(url)} == dict.fromkeys(ODD, ODD[:3])
    export_to(url, store_redis, "text", "long")
    assert len(rows_in(url)) == 3 * len(ODD)


def test_indexes_and_views_stay_and_others_tables_too(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    export_to(url, store_redis, "g1", table="other")
    export_to(url, store_redis, "g1")
    execute(url, "CREATE INDEX by_first ON recommendations (item1)", "CREATE VIEW firsts AS SELECT user_id, item1 FROM recommendations")
    promote_lists(store_redis, KEYS, {7: [(70, 1.0)]}, generation="g2", k=3)
    for _ in range(2):
        export_to(url, store_redis, "g2")
    assert rows_in(url, "SELECT * FROM firsts") == [(7, 70)]
    named = (
        "SELECT index_name FROM duckdb_indexes()"
        if url.startswith("duckdb")
        else "SELECT index_name FROM information_schema.statistics WHERE table_name = 'recommendations' AND index_name <> 'PRIMARY'"
        " AND table_schema = database()"
    )
    assert rows_in(url, named) == [("by_first",)]
    assert rows_in(url, "SELECT table_name, generation FROM larder_exports ORDER BY 1") == [("other", "g1"), ("recommendations", "g2")]
    with pytest.raises(TargetError, match="firsts is a view"):
        export_to(url, store_redis, "g2", table="firsts")


def test_somebody_else_s_table_is_refused(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    execute(url, "CREATE TABLE recommendations (user_id BIGINT, thesis VARCHAR(50))")
    with pytest.raises(TargetError, match=r"recommendations exists and holds no lists \(its columns: user_id, thesis\)"):
        export_to(url, store_redis, "g1")


def test_names_that_differ_in_capitals_alone(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    one_name = url.startswith("duckdb")  # MariaDB tells them apart where its files do
    execute(url, "CREATE TABLE Recommendations (user_id BIGINT, thesis VARCHAR(50))", "INSERT INTO Recommendations VALUES (1, 'mine')")
    execute(url, "CREATE VIEW Firsts AS SELECT user_id FROM Recommendations")
    if one_name:
        with pytest.raises(TargetError, match=r"recommendations exists and holds no lists \(its columns: user_id, thesis\)"):
            export_to(url, store_redis, "g1")
        with pytest.raises(TargetError, match="firsts is a view"):
            export_to(url, store_redis, "g1", table="firsts")
        with pytest.raises(SettingsError, match="and not larder_exports"):
            export_to(url, store_redis, "g1", table="Larder_Exports")
    assert rows_in(url, "SELECT * FROM Recommendations") == [(1, "mine")]
    export_to(url, store_redis, "g1", table="lists")
    export_to(url, store_redis, "g1", table="Lists")
    noted = rows_in(url, "SELECT table_name FROM larder_exports ORDER BY table_name")
    assert noted == ([("Lists",)] if one_name else [("Lists",), ("lists",)])


def test_mariadb_s_notes_of_an_older_larder_ignore_capitals_no_more(mariadb_url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    export_to(mariadb_url, store_redis, "g1", table="lists")
    execute(mariadb_url, "ALTER TABLE larder_exports MODIFY table_name VARCHAR(64) COLLATE utf8mb4_general_ci NOT NULL")
    export_to(mariadb_url, store_redis, "g1", table="Lists")
    assert rows_in(mariadb_url, "SELECT table_name FROM larder_exports ORDER BY table_name") == [("Lists",), ("lists",)]


def test_tables_that_only_look_like_mariadb_s_leftovers_stay(mariadb_url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    execute(mariadb_url, "CREATE TABLE recommendations__old (thesis VARCHAR(50))")
    with pytest.raises(TargetError, match="recommendations__old exists and holds no lists"):
        export_to(mariadb_url, store_redis, "g1")
    assert "recommendations__old" in tables_in(mariadb_url)


def test_an_error_names_no_user(url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, {1: [(10, 1.0)]})
    export_to(url, store_redis, "g1")
    execute(url, "CREATE UNIQUE INDEX by_item ON recommendations (item1)")
    promote_lists(store_redis, KEYS, {4711: [(815, 1.0)], 4712: [(815, 1.0)]}, generation="g2", k=3)
    with pytest.raises(TargetError) as raised:
        export_to(url, store_redis, "g2")
    assert "uplicate" in str(raised.value)
    assert not {"4711", "4712", "815"} & set(re.findall(r"\d+", str(raised.value)))


def test_a_killed_export_leaves_the_table_before(
    url: str, store_redis: Redis, redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = tmp_path / "passing"
    passing.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(passing))
    promote_many(store_redis, "a", 300, 1000)
    promote_many(store_redis, "b", 500, 2000)
    export_to(url, store_redis, "a")
    module, target, method = ("duckdb", "duckdb.DuckdbTarget", "_note") if "duckdb" in url else ("mysql", "mysql.MysqlTarget", "_rename")
    code = DIES_BEFORE_THE_SWAP.format(module=module, target=target, method=method)
    environ = {**os.environ, "LARDER_REDIS_URL": redis_server, "TMPDIR": str(passing)}
    died = subprocess.run([sys.executable, "-c", code, "--to", url], cwd=ROOT, env=environ, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    counted = "SELECT count(*), max(item3) < 2000 FROM recommendations"
    assert rows_in(url, counted) == [(300, 1)]
    assert rows_in(url, "SELECT generation FROM larder_exports") == [("a",)]
    assert any(passing.rglob("*.parquet")) == ("duckdb" in url)
    export_to(url, store_redis, "b")
    assert list(passing.iterdir()) == []
    assert rows_in(url, counted) == [(500, 0)]
    found = {name for (name,) in rows_in(url, "SELECT table_name FROM duckdb_tables()")} if "duckdb" in url else tables_in(url)
    assert found == {"recommendations", "larder_exports"}


@pytest.mark.long
def test_readers_of_mariadb_find_whole_tables_at_any_time(mariadb_url: str, store_redis: Redis) -> None:
    bases = {"a": 1000, "b": 2000}
    for generation, base in bases.items():
        promote_many(store_redis, generation, 400, base)
    export_to(mariadb_url, store_redis, "a")
    stop, odd = threading.Event(), []

    def read() -> None:
        with connected(mariadb_url) as connection:
            while not stop.is_set():
                found = connection.exec_driver_sql("SELECT count(*), min(item1), max(item1) FROM recommendations").one()
                connection.commit()
                if found not in [(400, item_of(0, 0, base), item_of(99, 0, base)) for base in bases.values()]:
                    odd.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for generation in ("b", "a") * 3:
            export_to(mariadb_url, store_redis, generation)
    finally:
        stop.set()
        reader.join()
    assert odd == []


def test_a_transaction_that_never_ends_keeps_mariadb_s_old_table(
    mariadb_url: str, store_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_mysql, "LOCK_TRIES", 1)
    monkeypatch.setattr(export_mysql, "LOCK_PAUSE_S", 0)
    promote_many(store_redis, "a", 300, 1000)
    promote_many(store_redis, "b", 500, 2000)
    export_to(mariadb_url, store_redis, "a")
    with connected(mariadb_url) as connection:
        connection.exec_driver_sql("SELECT * FROM recommendations").all()
        with pytest.raises(TargetError, match="statements or transactions of others have held it all the time"):
            export_to(mariadb_url, store_redis, "b")
        assert len(rows_in(mariadb_url)) == 300
    assert rows_in(mariadb_url, "SELECT generation FROM larder_exports") == [("a",)]
    assert tables_in(mariadb_url) == {"recommendations", "larder_exports"}


def test_what_would_go_with_mariadb_s_table_is_named(mariadb_url: str, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    export_to(mariadb_url, store_redis, "g1")
    execute(mariadb_url, "CREATE TABLE notes (user_id BIGINT, FOREIGN KEY (user_id) REFERENCES recommendations (user_id))")
    with pytest.raises(TargetError, match="it would take a foreign key of notes with it"):
        export_to(mariadb_url, store_redis, "g1")


def test_a_duckdb_file_that_another_process_holds_is_one_sentence(store_redis: Redis, tmp_path: Path) -> None:
    promote_lists(store_redis, KEYS, SMALL)
    path = tmp_path / "lists.duckdb"
    duckdb.connect(str(path)).close()
    holds = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holds, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(TargetError, match="Could not set lock on file"):
            export_to(f"duckdb:///{path}", store_redis, "g1")
        other.communicate()
