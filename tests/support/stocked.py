"""Items with columns to filter by, in the Redis of fakes.py."""

from __future__ import annotations

import polars as pl

from contract.formats.keys import Keys
from contract.store.item_revisions import encode_ids
from tests.support.builders import items_pointer
from tests.support.fakes import FakeRedis
from trainer.items.columns import filter_columns
from trainer.items.items import cleaned

KEYS = Keys()


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
