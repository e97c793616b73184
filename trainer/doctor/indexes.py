"""Whether what users and items are found by is there, of what is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from redis import Redis

from contract.formats.keys import Keys
from contract.formats.titles import PARTS
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from trainer.doctor.finding import Finding, fail, ok

SUBJECT = "indexes"


def look_at_indexes(redis: Redis, settings: Settings) -> Finding:
    lost = dict(lost_indexes(redis, Keys(settings.namespace)))
    if lost:
        return fail(SUBJECT, "; ".join(lost), "; ".join(lost.values()))
    return ok(SUBJECT, "what users and items are found by is there, as far as it is asked for")


def lost_indexes(redis: Redis, keys: Keys) -> Iterator[tuple[str, str]]:
    """What Redis has lost of the indexes of what is served, and what to do."""
    generations, items = Generations(redis, keys), Catalogue(redis, keys).current()
    pointer = generations.current()
    if pointer and pointer.finds_users:
        key = keys.names(pointer.generation)
        # In this order: an erasure counts a user out before the name goes.
        there = redis.zcard(key)
        now = generations.current()
        if now and now.generation == pointer.generation and there < now.n_users:
            yield (
                f"{key} has {there:,} of {now.n_users:,} users: the others are not found",
                "Train again, which writes it anew: `larder run`",
            )
    if items and items.n_titles:
        key = keys.titles(str(items.revision))
        if missing := PARTS.keys() - {name.decode() for name in cast("list[bytes]", redis.hkeys(key))}:
            yield f"{key} has no {', '.join(sorted(missing))}: no items are found", "Write the items again: `larder items`"
