"""`larder export` as people call it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from redis import Redis

from contract.errors import GenerationError, SettingsError
from contract.formats.keys import bucket_of
from contract.store.item_revisions import Catalogue
from tests.support.builders import items_pointer, promote_lists
from tests.support.export_maker import KEYS, execute, promote_many, rows_in, tables_in
from tests.support.paths import ROOT
from tests.support.servers.services import await_that
from trainer.cli.export import export

LISTS = {1: [(10, 4.5), (11, 4.0)], 2: [(12, 1.0)]}
CALL = "import sys; from trainer.cli.export import export; export.main(standalone_mode=False)"
PEAK = "; print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"

Call = Callable[..., Result]


@pytest.fixture(autouse=True)
def environment(redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.startswith("LARDER_") and not variable.startswith("LARDER_TEST_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("LARDER_REDIS_URL", redis_server)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def call(store_redis: Redis) -> Call:
    promote_lists(store_redis, KEYS, LISTS, generation="a", k=2)
    promote_lists(store_redis, KEYS, {5: [(20, 1.0)]}, generation="b", k=1)

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(export, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def test_the_current_generation_or_another(call: Call, tmp_path: Path) -> None:
    result = call("--to", "lists.csv")
    assert "the lists of 1 users, of generation b, are in lists.csv" in result.stderr
    assert (tmp_path / "lists.csv").read_text() == "user_id,item1\n5,20\n"
    call("--to", "lists.csv", "--generation", "a", "--layout", "long", "--k", "1")
    assert (tmp_path / "lists.csv").read_text() == "user_id,rank,item_id,score\n1,1,10,4.5\n2,1,12,1\n"


def test_the_standard_output_has_nothing_but_lists(call: Call) -> None:
    assert call("--to", "-", "--generation", "a").stdout == "user_id,item1,item2\n1,10,11\n2,12,\n"
    lines = call("--to", "-", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"input": {"userId": "5"}, "output": {"recommendedItems": ["20"], "scores": [1.0]}, "error": None}
    ]


def test_titles_in_a_column_of_their_own(call: Call, store_redis: Redis, tmp_path: Path, mariadb_url: str) -> None:
    arguments = ("--generation", "a", "--layout", "long", "--include", "title")
    with pytest.raises(SettingsError, match="no item has a title"):
        call("--to", "lists.csv", *arguments)
    catalogue = Catalogue(store_redis, KEYS)
    revision = catalogue.begin()
    rows = [("10", json.dumps({"title": 'Ten, "X"'})), ("12", '{"price":3}')]
    catalogue.switch(items_pointer(revision, n_buckets=catalogue.write(revision, 2, rows, []), n_items=2))
    call("--to", "lists.csv", *arguments)
    assert (tmp_path / "lists.csv").read_text().splitlines()[:3] == [
        "user_id,rank,item_id,score,title", '1,1,10,4.5,"Ten, ""X"""', "1,2,11,4,"
    ]  # fmt: skip
    for _ in range(2):
        call("--to", "sqlite:///lists.db", *arguments)
    assert rows_in(f"sqlite:///{tmp_path}/lists.db", "SELECT item_id, title FROM recommendations WHERE user_id = 1") == [
        (10, 'Ten, "X"'), (11, None)
    ]  # fmt: skip
    for database in (f"duckdb:///{tmp_path}/lists.duckdb", mariadb_url):
        for _ in range(2):
            call("--to", database, *arguments)
        assert rows_in(database, "SELECT item_id, title FROM recommendations WHERE user_id = 1 ORDER BY score DESC") == [
            (10, 'Ten, "X"'), (11, None)
        ]  # fmt: skip
    call("--to", "parts", "--partitions", "1", *arguments)
    assert pl.read_parquet("parts/export=*/**/*.parquet")["title"].to_list()[:2] == ['Ten, "X"', None]
    call("--to", "lists.parquet", *arguments)
    assert pl.read_parquet(tmp_path / "lists.parquet")["title"].to_list()[:2] == ['Ten, "X"', None]


def test_files_and_a_table(call: Call, tmp_path: Path) -> None:
    call("--to", "lists.parquet", "--generation", "a")
    assert pl.read_parquet(tmp_path / "lists.parquet").rows() == [(1, 10, 11), (2, 12, None)]
    call("--to", "sqlite:///lists.db", "--table", "mine", "--generation", "a")
    assert rows_in(f"sqlite:///{tmp_path}/lists.db", "SELECT * FROM mine") == [(1, 10, 11), (2, 12, None)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--to", "x.csv", "--table", "t"),
        ("--to", "sqlite:///x.db", "--format", "csv"),
        ("--to", "x.jsonl", "--layout", "long"),
        ("--to", "x.csv", "--k", "0"),
        ("--to", "x.csv", "--include", "title"),
        ("--to", "x.jsonl", "--include", "title"),
        ("--to", "x.csv", "--partitions", "2", "--format", "csv"),
        ("--to", "-", "--partitions", "2"),
        ("--to", "sqlite:///x.db", "--partitions", "2"),
        (),
    ],
)
def test_options_that_contradict(call: Call, arguments: tuple[str, ...]) -> None:
    assert call(*arguments).exit_code == 2


def test_errors_of_larder_s_own(call: Call) -> None:
    with pytest.raises(GenerationError, match="generation z is unknown"):
        call("--to", "x.csv", "--generation", "z")
    with pytest.raises(SettingsError, match="PGPASSWORD"):
        call("--to", "postgresql://me:hunter2@127.0.0.1/db")


@pytest.mark.long
def test_a_killed_export_leaves_what_the_next_one_removes(store_redis: Redis, tmp_path: Path) -> None:
    promote_many(store_redis, "a", 300, 1000)
    promote_many(store_redis, "b", 150_000, 2000)
    url, path = f"sqlite:///{tmp_path}/lists.db", tmp_path / "lists.db"
    execute(url, "PRAGMA journal_mode = WAL")
    for generation in ("a", "b"):
        process = subprocess.Popen(
            [sys.executable, "-c", CALL, "--to", url, "--generation", generation], cwd=ROOT, stderr=subprocess.DEVNULL
        )
        if generation == "b":
            await_that(lambda: any("__new_" in name for name in tables_in(url)) or None, "a staging table")
            process.send_signal(signal.SIGKILL)
        process.wait()
    assert rows_in(url, "SELECT count(*), max(item3) < 2000 FROM recommendations") == [(300, 1)]
    assert any("__new_" in name for name in tables_in(url))
    subprocess.run([sys.executable, "-c", CALL, "--to", url, "--generation", "a"], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    assert tables_in(url) == {"recommendations", "larder_exports"}
    assert path.exists()


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("to", ["lists.csv", "lists.parquet", "sqlite:///lists.db", "duckdb:///lists.duckdb", "lists --partitions 16"])
def test_memory_does_not_grow_with_users(store_redis: Redis, to: str, tmp_path: Path) -> None:
    """Ten times the users. Their lists as Python objects would be another 60 MiB; buffers that fill up are less."""
    peaks = []
    for generation, n_users in (("a", 20_000), ("b", 200_000)):
        promote_many(store_redis, generation, n_users, 1000)
        done = subprocess.run(
            [sys.executable, "-c", CALL + PEAK, "--to", *to.split(), "--generation", generation],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        )
        peaks.append(int(done.stdout) // 1024)
    print(f"{to}: peak {peaks[0]} MiB at 20,000 users, {peaks[1]} MiB at 200,000")
    assert peaks[1] - peaks[0] < 30


def test_what_has_changed(call: Call) -> None:
    assert "the lists of 3 users, of generation b" in call("--to", "c.csv", "--changed-since", "a").output
    assert Path("c.csv").read_text() == "user_id,item1\n1,\n2,\n5,20\n"


def test_parquet_by_buckets_of_users(call: Call, tmp_path: Path) -> None:
    call("--to", "lists", "--partitions", "3", "--generation", "a")
    latest = json.loads((tmp_path / "lists" / "_latest.json").read_text())
    assert pl.read_parquet(f"{latest['folder']}/**/*.parquet").sort("user_id").rows() == [(1, 10, 11), (2, 12, None)]
    assert pl.read_parquet(latest["folder"], hive_partitioning=True)["user_bucket"].to_list() == sorted(
        bucket_of(user, 3) for user in (1, 2)
    )


def test_users_for_items(call: Call, tmp_path: Path) -> None:
    said = call("--to", "u.csv", "--users-for", "12,10,99", "--generation", "a").stderr
    assert "1 for item 12, 1 for item 10, 0 for item 99" in said
    assert (tmp_path / "u.csv").read_text() == "item_id,rank,user_id,score\n12,1,2,1\n10,1,1,4.5\n"
    call("--to", "u.jsonl", "--users-for", "20", "--k", "5")
    assert json.loads((tmp_path / "u.jsonl").read_text()) == {"item_id": 20, "user_ids": [5], "scores": [1.0]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--to", "sqlite:///x.db", "--users-for", "1"], "writes a file"),
        (["--to", "x.csv", "--users-for", "1", "--layout", "long"], "a shape of its own"),
        (["--to", "x.csv", "--users-for", ","], "names items"),
    ],
)
def test_users_for_is_for_files(call: Call, arguments: list[str], says: str) -> None:
    assert says in call(*arguments).stderr


@pytest.mark.parametrize(("name", "items", "says"), [("x.csv", "1,x", "'x' can't be an item"), ("x.parquet", "1", "CSV or JSON lines")])
def test_users_for_says_what_it_cant(call: Call, tmp_path: Path, name: str, items: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        call("--to", name, "--users-for", items)
    assert list(tmp_path.iterdir()) == []
