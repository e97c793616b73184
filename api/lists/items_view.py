"""The items as they are known now, as this process knows them: where metadata lie, and what is in no answer.

Read with every pointer to the current generation, in the same round trip. The ids of what is unavailable, and the columns of filters, are
read only when the revision of the items has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import cast

from pydantic import ValidationError

from api.filters.table import Table
from api.lists.breaker import Breaker
from contract.errors import PayloadError, StoreError
from contract.formats.columns import decode_column, decode_rows
from contract.formats.ids import stored_id
from contract.formats.keys import Id, Keys
from contract.formats.manifest import IdType, Pointer
from contract.store.item_revisions import ItemsPointer, decode_ids


@dataclass(frozen=True, slots=True)
class ItemsView:
    """One revision of the items; `raw` is its pointer in Redis, None where nobody has written one. `unavailable`: ids of `id_type`.

    `table`: the columns that answers may be filtered by, None where there are none.
    """

    raw: bytes | None = None
    pointer: ItemsPointer | None = None
    id_type: IdType = "int"
    unavailable: frozenset[Id] = frozenset()
    table: Table | None = None

    @property
    def tag(self) -> str:
        """What tells answers of one generation apart when the items have changed; part of an ETag."""
        return f".{self.pointer.revision}" if self.pointer else ""

    def unavailable_of(self, pointer: Pointer) -> frozenset[Id]:
        """The ids as the generation of `pointer` spells them."""
        if not self.unavailable or pointer.item_id_type == self.id_type:
            return self.unavailable
        return _spelled(map(str, self.unavailable), pointer.item_id_type)  # of a generation with other ids: rare, and slow

    def spells(self, pointer: Pointer) -> bool:
        """Whether `unavailable_of` takes no time."""
        return not self.unavailable or pointer.item_id_type == self.id_type

    def metadata_of(self, pointer: Pointer) -> tuple[str, int]:
        """Revision and number of buckets of the metadata: those that the generation brought, where no revision was ever written."""
        if self.pointer is None:
            return pointer.items_revision, pointer.n_item_buckets
        return str(self.pointer.revision), self.pointer.n_buckets


class ItemsViewCache:
    """The newest one. One thread reads a new revision, while the others go on with the one before: a long list takes a moment."""

    def __init__(self, breaker: Breaker, keys: Keys) -> None:
        self._breaker = breaker
        self._keys = keys
        self._reading = Lock()
        self._is_known = False
        self.current = ItemsView()

    def update(self, raw: bytes | None, pointer: Pointer) -> None:
        """The pointer to the items as it has just been read, with that to the generation. Raises StoreError, PayloadError."""
        if self._knows(raw, pointer):
            return
        if not self._reading.acquire(blocking=not self._is_known):
            return
        try:
            if not self._knows(raw, pointer):
                self.current = self._view(raw, pointer)
                self._is_known = True
        finally:
            self._reading.release()

    def _knows(self, raw: bytes | None, pointer: Pointer) -> bool:
        known = self.current
        return self._is_known and raw == known.raw and pointer.item_id_type == known.id_type

    def _view(self, raw: bytes | None, pointer: Pointer) -> ItemsView:
        if raw is None:
            return ItemsView(id_type=pointer.item_id_type)
        try:
            items = ItemsPointer.model_validate_json(raw)
        except ValidationError:
            raise PayloadError("the pointer to the items can't be read; upgrade the API") from None
        unavailable = self._read(items, pointer.item_id_type) if items.n_unavailable else frozenset[Id]()
        return ItemsView(raw, items, pointer.item_id_type, unavailable, self._table(items))

    def _table(self, items: ItemsPointer) -> Table | None:
        """The columns, each read by itself; those that are held already, where only the type of ids is another one."""
        if not items.columns:
            return None
        if self.current.pointer == items:
            return self.current.table
        key = self._keys.columns(str(items.revision))
        rows = decode_rows(self._column(key, ""))
        return Table(rows, {name: decode_column(self._column(key, name)) for name in items.columns})

    def _column(self, key: str, name: str) -> bytes:
        raw = self._breaker.ask(lambda redis: cast("bytes | None", redis.hget(key, name)))
        if raw is None:  # to answer without it would be to answer another question
            raise StoreError(f"{key} is gone, by which answers are filtered: write the items again with `larder items`")
        return raw

    def _read(self, items: ItemsPointer, id_type: IdType) -> frozenset[Id]:
        key = self._keys.unavailable(str(items.revision))
        raw = self._breaker.ask(lambda redis: cast("bytes | None", redis.get(key)))
        if raw is None:  # to answer without it would recommend what is not to be had
            raise StoreError(f"{key} is gone, which says what is unavailable: write the items again with `larder items`")
        return _spelled(decode_ids(raw), id_type)


def _spelled(texts: Iterable[str], id_type: IdType) -> frozenset[Id]:
    """Texts as a generation with ids of `id_type` spells them, without those that it can't have."""
    found = (stored_id(text, id_type) for text in texts)
    return frozenset(item_id for item_id in found if item_id is not None)
