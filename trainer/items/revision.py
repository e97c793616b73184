"""A revision of the items: read, and written where nobody looks."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import polars as pl

from contract.formats.ids import id_type_of
from contract.formats.keys import Id
from contract.formats.manifest import IdType
from contract.settings.settings import ModelSettings, Settings, SourceSettings
from contract.store.item_revisions import Catalogue, ItemsPointer
from contract.text import utc_text
from trainer.items.columns import filter_columns
from trainer.items.coverage import Known, coverage
from trainer.items.exclusions import unavailable_ids
from trainer.items.file import read_items
from trainer.items.items import NOTHING, Items, cleaned

log = logging.getLogger("larder.trainer")


@dataclass(frozen=True, slots=True)
class ItemsSnapshot:
    """`items`: None where nothing is known of them. `unavailable`: ids, as texts, of what is never recommended. `columns`: for filters."""

    items: Items | None
    unavailable: frozenset[str]
    columns: Mapping[str, bytes] = field(default_factory=dict)
    alike: Mapping[str, bytes] = field(default_factory=dict)
    """Similar items, as payloads, of items that the served generation does not know (trainer/items/similar_to_new.py)."""
    titles: Mapping[str, bytes] = field(default_factory=dict)
    """The index by which items are found (trainer/items/titles.py)."""


def snapshot_of(source: SourceSettings, brought: pl.DataFrame | None, model: ModelSettings, id_type: IdType | None = None) -> ItemsSnapshot:
    """The items of the file that the settings name, else those that the interactions' source brought, if it did. Raises DataError.

    `id_type`: of the items of the generation that they are for.
    """
    if source.items:
        items: Items | None = read_items(source.items, source, id_type)
    else:
        items = None if brought is None else cleaned(brought, source.interactions)
    unavailable = unavailable_ids(items or NOTHING, model)
    if items is None or not source.filter_kinds:
        return ItemsSnapshot(items, unavailable)
    rows, columns = filter_columns(items, source.filter_kinds, source.missing_values)
    return ItemsSnapshot(items, unavailable, {"": rows, **columns})


def snapshot_of_run(
    catalogue: Catalogue, settings: Settings, brought: pl.DataFrame | None, item_ids: Sequence[Id], *, forced: bool
) -> tuple[ItemsSnapshot, dict[str, object]]:
    """The same for a run with these items, and what its manifest says of it.

    Without items of its own, it leaves out what `trainer items` has said is not available.
    """
    known = Known("the run", id_type_of(item_ids), frozenset(map(str, item_ids)))
    snapshot = snapshot_of(settings.source, brought, settings.model_settings, known.id_type)
    if snapshot.items is None:
        gone = frozenset(catalogue.unavailable()) if _is_by_command(catalogue) else frozenset[str]()
        return ItemsSnapshot(None, snapshot.unavailable | gone), {}
    found = coverage(snapshot.items, known, catalogue.ids(), forced=forced)
    said: dict[str, object] = {"source": snapshot.items.source, "items": snapshot.items.n_items, "dropped": dict(snapshot.items.dropped)}
    log.info("items from %s: %s", snapshot.items.source, found)
    if snapshot.items.left_out:
        log.warning("%s: %s", snapshot.items.source, snapshot.items.left_out)
    if snapshot.items.doubled.told:
        log.warning("%s: %s", snapshot.items.source, snapshot.items.doubled.told)
        said["doubled"] = snapshot.items.doubled.told
    return snapshot, said | {"known": found.n_known if found else 0}


def write_revision(catalogue: Catalogue, revision: int, snapshot: ItemsSnapshot, made_by: Literal["run", "command"]) -> ItemsPointer:
    """Write `stock` as `revision`, whose number was taken before it was read, where nobody looks; the pointer to it."""
    items = snapshot.items or NOTHING
    n_buckets = catalogue.write(
        revision, items.n_items, items.rows(), snapshot.unavailable, snapshot.columns, snapshot.alike, snapshot.titles
    )
    return ItemsPointer(
        revision=revision,
        n_buckets=n_buckets,
        n_items=items.n_items,
        n_unavailable=len(snapshot.unavailable),
        n_alike=len(snapshot.alike),
        n_titles=items.n_items if snapshot.titles else 0,
        made_at=utc_text(datetime.now(UTC)),
        made_by=made_by,
        source=items.source,
        columns=tuple(name for name in snapshot.columns if name),
    )


def write_of_run(catalogue: Catalogue, revision: int, snapshot: ItemsSnapshot) -> ItemsPointer | None:
    """Write what a run knows of items, for its generation's promotion to switch to. One that knows nothing leaves alone what
    `trainer items` wrote, and no other run's titles: they may be those of other data."""
    if snapshot.items is None and _is_by_command(catalogue):
        return None
    return write_revision(catalogue, revision, snapshot, "run")


def _is_by_command(catalogue: Catalogue) -> bool:
    pointer = catalogue.current()
    return pointer is not None and pointer.made_by == "command"
