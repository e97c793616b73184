"""Items with columns to filter by: in the Redis of fakes.py, or as the API holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from api.filters.table import Table
from contract.formats.columns import decode_column, decode_rows
from contract.formats.keys import Keys
from contract.store.item_revisions import encode_ids
from tests.support.builders import items_pointer
from tests.support.fakes import FakeRedis
from tests.support.filtering import KINDS, Row
from trainer.items.columns import filter_columns
from trainer.items.items import cleaned

KEYS = Keys()
SCHEMA: dict[str, Any] = {
    "item": pl.String,
    "stock": pl.Int64,
    "brand": pl.String,
    "new": pl.Boolean,
    "on sale": pl.Boolean,
    "categories": pl.List(pl.String),
}


def stock(fake: FakeRedis, prices: dict[int, int], revision: int = 1, unavailable: tuple[int, ...] = ()) -> None:
    """What `larder items` leaves behind: even items are shoes."""
    frame = pl.DataFrame({
        "item": [str(item) for item in prices],
        "price": list(prices.values()),
        "categories": ["shoes" if item % 2 == 0 else "hats" for item in prices],
    })  # fmt: skip
    rows, columns = filter_columns(cleaned(frame, "a test"), {"categories": None, "price": None}, [])
    fake.hset(KEYS.columns(str(revision)), {"": rows, **columns})
    for item, price in prices.items():
        fake.hset(KEYS.items(str(revision), 0), {str(item): b'{"price":%d}' % price})
    if unavailable:
        fake.strings[KEYS.unavailable(str(revision))] = encode_ids(map(str, unavailable))
    pointer = items_pointer(revision, n_items=len(prices), n_unavailable=len(unavailable), columns=tuple(columns))
    fake.strings[KEYS.items_pointer] = pointer.model_dump_json().encode()


def table(found: Sequence[Row], names: Sequence[str] = tuple(KINDS)) -> Table:
    """As the trainer writes it and the API reads it. The items are called 10, 20, ..."""
    prices = [row.get("price") for row in found]
    price = pl.Float64 if any(isinstance(value, float) for value in prices) else pl.Int64
    frame = pl.DataFrame(
        [{"item": str(10 * number), **row} for number, row in enumerate(found, 1)], schema={**SCHEMA, "price": price}, orient="row"
    )
    raw_rows, columns = filter_columns(cleaned(frame, "a test"), dict.fromkeys(names), [])
    return Table(decode_rows(raw_rows), {name: decode_column(raw) for name, raw in columns.items()})
