"""Delta and Iceberg tables, written by their own libraries, rows removed and all: what their logs say counts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyiceberg.catalog.sql import SqlCatalog

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from tests.support.reading import read, refusal, rows
from trainer.items.file import read_items
from trainer.sources.tables import lake
from trainer.sources.tables import open as opening

TABLE = {"user_id": [1, 2, 3], "item_id": ["a", "b", "c"], "rating": [1.0, 2.0, 3.0]}
TWICE_WITHOUT_THE_LAST = [(1, "a", 1.0)] * 2 + [(2, "b", 2.0)] * 2


@pytest.fixture
def delta(tmp_path: Path) -> Path:
    path = tmp_path / "orders"
    for mode in ("error", "append"):
        pl.DataFrame(TABLE).write_delta(path, mode=mode)
    DeltaTable(path).delete("user_id = 3")
    return path


@pytest.fixture
def iceberg(tmp_path: Path) -> Path:
    catalog = SqlCatalog("shop", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/warehouse")
    catalog.create_namespace("shop")
    made = pa.table(TABLE)
    table = catalog.create_table("shop.orders", schema=made.schema)
    table.append(made)
    table.append(made)
    table.delete("user_id = 3")
    catalog.close()
    return tmp_path / "warehouse" / "shop" / "orders"


def test_a_delta_table_is_read_by_its_log(delta: Path) -> None:
    assert len(list(delta.glob("*.parquet"))) > 2  # what was removed is still there
    found, problems = read(delta)
    assert (sorted(found), problems.n_rows) == (TWICE_WITHOUT_THE_LAST, 4)


def test_columns_of_deltas_partitions(tmp_path: Path) -> None:
    pl.DataFrame({**TABLE, "event": ["view", "buy", "buy"]}).write_delta(tmp_path / "t", delta_write_options={"partition_by": ["event"]})
    found = rows(tmp_path / "t", event_weights="view=1,buy=5")
    assert sorted(found) == [(1, "a", 1.0), (2, "b", 5.0), (3, "c", 5.0)]


def test_an_iceberg_table_is_read_by_its_newest_metadata(iceberg: Path) -> None:
    found, problems = read(iceberg)
    assert (sorted(found), problems.n_rows) == (TWICE_WITHOUT_THE_LAST, 4)
    before = sorted((iceberg / "metadata").glob("*.metadata.json"))[1]
    assert len(rows(before)) == 3  # as it was after the first append
    (iceberg / "metadata" / "version-hint.text").write_text("1\n")
    assert len(rows(iceberg)) == 3


def test_which_metadata_is_the_newest_is_certain_or_asked(iceberg: Path) -> None:
    newest = max((iceberg / "metadata").glob("*.metadata.json"))
    shutil.copy(newest, newest.with_name(f"{newest.name[:5]}-00000000-0000-0000-0000-000000000000.metadata.json"))
    assert "2 metadata files of number 3: name the one that its catalog names" in refusal(iceberg)
    assert len(rows(newest)) == 4


def test_an_iceberg_table_that_was_moved_is_refused(iceberg: Path, tmp_path: Path) -> None:
    iceberg.rename(tmp_path / "elsewhere")
    assert "can't be read" in refusal(tmp_path / "elsewhere")


def test_a_log_that_is_damaged(delta: Path) -> None:
    for entry in (delta / "_delta_log").iterdir():
        if entry.is_file():
            entry.write_text("{}")
    assert "can't be read" in refusal(delta)


def test_without_the_library_it_is_refused_with_the_command(delta: Path, iceberg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake, "how_to_install", lambda name: f"`make up LARDER_DRIVERS={name}`")
    assert "is a Delta table: `make up LARDER_DRIVERS=delta`" in refusal(delta)
    assert "is an Iceberg table: `make up LARDER_DRIVERS=iceberg`" in refusal(iceberg)
    with pytest.raises(DataError, match="is a Delta table: `make up LARDER_DRIVERS=delta`"):
        lake.open_remote_lake(str(delta))


def test_a_folder_of_several_tables_is_refused(delta: Path, tmp_path: Path) -> None:
    message = refusal(tmp_path)
    assert "holds a Delta table" in message
    assert "name the folder of that table alone" in message


def test_addresses_of_folders_are_asked_for_a_log(delta: Path, iceberg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (delta, iceberg):
        found = lake.open_remote_lake(f"{place}/")
        assert found is not None
        assert found.names[:2] == ["user_id", "item_id"]
    assert lake.open_remote_lake(str(tmp_path)) is None
    asked: list[str] = []

    def has_none(pattern: str) -> list[str]:
        asked.append(pattern)
        return []

    monkeypatch.setattr(lake, "_has", has_none)
    monkeypatch.setattr(opening, "open_scan", lambda *_: None)
    for name in (
        "s3://b/orders",
        "s3://b/2024.01/orders/",
        "s3://b/events.delta",
        "s3://b/*",
        "s3://b/day-?/t.parquet",
        "https://h/o",
    ):
        opening.open_table(name, SourceSettings())
    logs = ("_delta_log/*.json", "metadata/*.metadata.json")
    assert asked == [f"{place}/{log}" for place in ("s3://b/orders", "s3://b/2024.01/orders", "s3://b/events.delta") for log in logs]


@pytest.mark.parametrize("name", ["events.delta", "t.parquet"])
def test_a_folder_whose_name_has_a_suffix_is_asked_too(delta: Path, tmp_path: Path, name: str) -> None:
    found = lake.open_remote_lake(str(delta.rename(tmp_path / name)))
    assert found is not None
    assert found.names[:2] == ["user_id", "item_id"]


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """An object store that answers each listing with the status that was said last; 200: nothing is there."""
    statuses = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
            self.send_response(statuses[-1])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    said = {"ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "ALLOW_HTTP": "true", "REGION": "eu-central-1"}
    for name, value in {**said, "ACCESS_KEY_ID": "nobody", "SECRET_ACCESS_KEY": "nothing"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield statuses.append
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_store_that_does_not_say_whether_there_is_a_log_is_no_folder_of_parquet(listing: Callable[[int], None]) -> None:
    for name in ("s3://b/orders", "s3://b/orders.parquet"):
        listing(200)
        assert lake.open_remote_lake(name) is None
        listing(404)  # there is no such bucket, as what is read next says
        assert lake.open_remote_lake(name) is None
        listing(400)
        with pytest.raises(
            DataError, match=r"orders(\.parquet)?/_delta_log/\*\.json can't be listed .*rows that were removed would be read"
        ):
            lake.open_remote_lake(name)
    listing(403)
    with pytest.raises(DataError, match="can't be listed"):
        lake.open_remote_lake("s3://b/orders")
    assert lake.open_remote_lake("s3://b/orders.parquet") is None  # who may read it may perhaps list nothing


def test_items_of_a_delta_table(tmp_path: Path) -> None:
    pl.DataFrame({"item_id": [1, 2], "title": ["Tea", "Milk"]}).write_delta(tmp_path / "items")
    items = read_items(str(tmp_path / "items"), SourceSettings())
    assert items.n_items == 2
