"""Delta and Iceberg tables in a real object store, written there by their own libraries: their logs say which rows count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyiceberg.catalog.sql import SqlCatalog

from contract.artifacts.object_store import ObjectStore
from contract.errors import DataError
from contract.settings.settings import SourceSettings
from tests.support.servers.object_server import ObjectServer
from trainer.sources import load as sources

TABLE = {"user_id": [1, 2, 3], "item_id": ["a", "b", "c"]}
ONE_AND_TWO = ([1, 2], ["a", "b"], 4)


def load(address: str) -> tuple[list[Any], list[Any], int]:
    made = sources.load(SourceSettings(interactions=address), Path("no cache"))
    return list(made.interactions.user_ids), list(made.interactions.item_ids), made.problems.n_rows


def test_a_delta_table(place: str) -> None:
    options = {"aws_allow_http": "true", "conditional_put": "etag"}
    for mode in ("error", "append"):
        pl.DataFrame(TABLE).write_delta(f"{place}/orders", mode=mode, storage_options=options)
    DeltaTable(f"{place}/orders", storage_options=options).delete("user_id = 3")
    assert load(f"{place}/orders") == ONE_AND_TWO
    assert load(f"{place}/orders/") == ONE_AND_TWO
    ObjectStore(f"{place}/orders").put("_delta_log/00000000000000000002.json", b"{")
    with pytest.raises(DataError, match="orders can't be read"):
        load(f"{place}/orders")


def test_an_iceberg_table(place: str, object_server: ObjectServer, tmp_path: Path) -> None:
    given = object_server.environ
    properties = {"s3.endpoint": given["AWS_ENDPOINT_URL"], "s3.region": given["AWS_REGION"]}
    catalog = SqlCatalog("shop", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=place, **properties)
    catalog.create_namespace("shop")
    made = pa.table(TABLE)
    table = catalog.create_table("shop.orders", schema=made.schema)
    table.append(made)
    before = table.metadata_location
    table.append(made)
    table.delete("user_id = 3")
    assert load(f"{place}/shop/orders") == ONE_AND_TWO
    assert load(table.metadata_location) == ONE_AND_TWO
    assert load(before) == ([1, 2, 3], ["a", "b", "c"], 3)

    store, newest = ObjectStore(f"{place}/shop/orders/metadata"), table.metadata_location.rpartition("/")[2]
    store.put(f"{newest[:5]}-00000000-0000-0000-0000-000000000000.metadata.json", store.get(newest) or b"")
    with pytest.raises(DataError, match="2 metadata files of number 3: name the one that its catalog names"):
        load(f"{place}/shop/orders")
    store.put("version-hint.text", b"1\n")
    assert load(f"{place}/shop/orders")[2] == 3
    catalog.close()


def test_a_folder_of_parquet_is_no_lake(place: str, object_server: ObjectServer, tmp_path: Path) -> None:
    pl.DataFrame(TABLE).write_parquet(tmp_path / "one.parquet")
    ObjectStore(place).upload("plain/one.parquet", tmp_path / "one.parquet")
    assert load(f"{place}/plain/") == ([1, 2, 3], ["a", "b", "c"], 3)
