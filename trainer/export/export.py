"""Reads all lists of a generation, proves that they are all, and hands them to a target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from contract.errors import GenerationError, SettingsError, StoreError
from contract.formats.manifest import Manifest
from contract.formats.states import HAS_LISTS
from contract.settings.command_hints import as_called
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from contract.store.lists import read_buckets
from trainer.export.changes import keep_changes
from trainer.export.rows import TITLE, Layout, Shape, UserList
from trainer.export.spool import Spool
from trainer.export.target import Lists, Target

SHOWN_EVERY = 1000  # users


@dataclass(frozen=True, slots=True)
class Since:
    """The generation that the reader of an export has already. `scored`: whether it was given scores."""

    generation: str
    scored: bool


class Taker(Protocol):
    """Takes users' ids, as the text that Redis has of them, with the payloads of their lists."""

    n_users: int

    def add(self, lists: Iterable[tuple[bytes, bytes]]) -> None: ...


Show = Callable[[str, int, int], None]
"""Called with what is going on, done, total."""


def export(
    generations: Generations,
    generation: str,
    target: Target,
    layout: Layout,
    k: int | None,
    show: Show,
    since: Since | None = None,
    titled: bool = False,
) -> int:
    """Replace what is at `target` with the lists of `generation`, cut at `k` (its own, if None); the number of users.

    With `since` only what has changed: a user that is gone has an empty list in files, and no row in a database. `titled`: with the
    titles of items, in the long layout.

    Items that are unavailable now are left out, as the API leaves them out of answers.

    Raises GenerationError for a generation whose lists are not there, or not to the end; then the target is as it was.
    """
    _refuse_without_lists(generations, generation)
    manifest = generations.manifest(generation)
    k, depth = k or manifest.settings.k, manifest.settings.stored_depth
    if k > depth:
        raise SettingsError(f"--k={k}: generation {generation} stores {depth} items for a user; LARDER_DEPTH says how many a run stores")
    titles = _titles(generations) if titled else None
    shape = Shape.of(manifest, layout, k, _unavailable(generations), titles, since.generation if since else "")
    target.check(shape)
    with Spool(manifest.user_id_type) as spool:
        read_lists(generations, manifest, spool, partial(show, "read"))
        if since is None:
            target.write(Lists(manifest, shape, spool.n_users, _shown(spool, partial(show, "written"))))
            return spool.n_users
        with Spool(manifest.user_id_type) as old, Spool(manifest.user_id_type) as kept:
            _refuse_without_lists(generations, since.generation)
            before = generations.manifest(since.generation)
            if before.user_id_type != manifest.user_id_type:
                raise SettingsError(f"--changed-since={since.generation}: its ids of users are of another type; export all lists")
            read_lists(generations, before, old, partial(show, "read"))
            # What was unavailable then is not known: whoever may have been given another list counts as changed.
            n_with_rows = keep_changes(spool, old, shape, Shape.of(before, layout, k), kept, scored=since.scored)
            target.write(Lists(manifest, shape, kept.n_users, _shown(kept, partial(show, "written")), spool.n_users, n_with_rows))
            return kept.n_users


def _titles(generations: Generations) -> dict[str, str]:
    """Of the items that have one now, by id. Raises SettingsError where none has."""
    redis, keys = generations.redis, generations.keys
    found: dict[str, str] = {}
    if pointer := Catalogue(redis, keys).current():
        for _, (fields,) in read_buckets(redis, range(pointer.n_buckets), partial(keys.items, str(pointer.revision))):
            described = {item.decode(): json.loads(raw).get(TITLE) for item, raw in fields.items()}
            found |= {item: title for item, title in described.items() if title is not None}
    if not found:
        raise SettingsError(f"--include={TITLE}: no item has a title; `{as_called('items')}` writes what is known of items")
    return found


def _unavailable(generations: Generations) -> list[str]:
    """Items that no answer has, as they are known now."""
    catalogue = Catalogue(generations.redis, generations.keys)
    pointer, found = catalogue.current(), catalogue.unavailable()
    if pointer is not None and pointer.n_unavailable and not found:
        raise StoreError(f"Redis has lost the list of what is unavailable: write the items again with `{as_called('items')}`")
    return found


def read_lists(generations: Generations, manifest: Manifest, taker: Taker, show: Callable[[int, int], None]) -> None:
    """Hand all lists over. Raises GenerationError for lists that are not there, or not to the end."""
    _refuse_without_lists(generations, manifest.generation)
    name, total = manifest.generation, manifest.n_user_buckets
    before = _users_written(generations, name)
    for bucket, (lists,) in read_buckets(generations.redis, range(total), partial(generations.keys.recs, name)):
        taker.add(lists.items())
        show(bucket + 1, total)
    _refuse_without_lists(generations, name, " while it was read")
    after = _users_written(generations, name)
    if before != after:
        raise GenerationError(f"a user of generation {name} was erased while it was read; export it again")
    if taker.n_users != after:
        raise GenerationError(
            f"generation {name} should have lists of {after:,} users, and Redis has those of {taker.n_users:,}: "
            f"`{as_called('verify', name)}` says what is missing"
        )


def _refuse_without_lists(generations: Generations, generation: str, when: str = "") -> None:
    if (state := generations.state(generation)) not in HAS_LISTS:
        was = f"became {state or 'unknown'}{when}" if when else f"is {state or 'unknown'}"
        raise GenerationError(f"generation {generation} {was}: there are no lists to export")


def _users_written(generations: Generations, generation: str) -> int:
    progress = generations.progress(generation)
    return progress.users_written if progress else 0


def _shown(spool: Spool, show: Callable[[int, int], None]) -> Iterator[UserList]:
    for done, one in enumerate(spool.lists(), 1):
        yield one
        if done % SHOWN_EVERY == 0 or done == spool.n_users:
            show(done, spool.n_users)
