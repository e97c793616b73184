"""Whether Redis has room for a generation: asked before it is begun, so that a full server never takes a half-written one."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from redis import Redis

from contract.errors import StoreFullError
from contract.formats.keys import Id
from contract.settings.settings import ModelSettings, Settings, hide_password
from contract.store.condition import HOW, evicting_policy, memory_of
from contract.text import words
from trainer.interactions.indexing import n_buckets_for
from trainer.interactions.interactions import Interactions

SAMPLE = 10_000  # ids whose length is measured
# A key in Redis with its hash, and a field beside its value.
BUCKET_BYTES, FIELD_BYTES = 120, 10
# An entry of a sorted set beside its text: measured.
NAME_BYTES = 75
# A contributor of a listed item beside its id: its position and its share (contract/formats/explanations.py).
CONTRIBUTOR_BYTES = 5

# A process of the API without items, and rows of items that it remembers; of an item its id, or its value in a column, and the index by
# which it is found, with a title of three or four words; the largest part of that, as it is read, twice: measured with a million items.
API_BASE, KNOWN_BYTES = 60 * 2**20, 8 * 2**20
ROW_BYTES, TITLE_BYTES, READ_BYTES = 8, 54, 18

log = logging.getLogger("larder.trainer")


def lists_bytes(interactions: Interactions, model: ModelSettings) -> int:
    """What a generation takes in Redis at the most: payloads (contract/formats/payload.py) of users and items, in buckets."""
    n_users, n_items = len(interactions.user_ids), len(interactions.item_ids)
    depth = min(model.stored_depth, n_items)
    item = 8.0 if isinstance(interactions.item_ids[0], int) else 6.0 + _mean_bytes(interactions.item_ids)
    user = FIELD_BYTES + _mean_bytes(interactions.user_ids) + 4 + depth * item
    explained = 8 + depth * (1 + 4 * (bool(model.boosts) + model.has_prior) + model.explain_depth * (CONTRIBUTOR_BYTES + item - 4))
    why = FIELD_BYTES + _mean_bytes(interactions.user_ids) + explained if model.explain_depth else 0
    similar = FIELD_BYTES + item + 4 + min(model.similar_depth, n_items) * item if model.similar_depth else 0
    buckets = n_buckets_for(n_users) * (2 if why else 1) + n_buckets_for(n_items) * (1 if similar else 0)
    return int(n_users * (user + why) + n_items * similar + buckets * BUCKET_BYTES)


def named_bytes(interactions: Interactions, settings: Settings) -> int:
    """What the named lists take in Redis, nearly: each of all items, of their categories, and of the pairs of users with a segment; and
    the ids by which users are found, and the users of items."""
    n_items = len(interactions.item_ids)
    item = 8.0 if isinstance(interactions.item_ids[0], int) else 6.0 + _mean_bytes(interactions.item_ids)
    by_segment = min(len(interactions.item_idx), n_items * 10) if settings.users else 0
    names = len(interactions.user_ids) * (NAME_BYTES + _mean_bytes(interactions.user_ids)) if settings.find_users else 0
    depth = min(settings.audience_depth * n_items, len(interactions.user_ids) * settings.model_settings.stored_depth)
    audiences = depth * (12 if isinstance(interactions.user_ids[0], int) else 6 + _mean_bytes(interactions.user_ids))
    return int(len(words(settings.lists)) * (3 * n_items + by_segment) * item + names + audiences)


def api_bytes(n_items: int, settings: Settings) -> tuple[int, int]:
    """What a process of the API holds, and how much more for a moment while it follows a new revision of the items."""
    kinds = settings.filter_kinds
    columns = n_items * ROW_BYTES * (1 + len(kinds)) if kinds else 0
    titles = n_items * TITLE_BYTES if settings.find_items else 0
    reading = n_items * (2 * READ_BYTES if titles else ROW_BYTES if columns else 0)
    return API_BASE + (KNOWN_BYTES if kinds else 0) + columns + titles, columns + reading


def _mean_bytes(ids: Sequence[Id]) -> float:
    return float(np.mean([len(str(value).encode()) for value in ids[:SAMPLE]]))


def check_room(redis: Redis, url: str, needed_bytes: int) -> None:
    """Raise StoreFullError when `needed_bytes` more would exceed the server's maxmemory, or where it deletes lists when it is full.

    One without a limit passes the first; one that does not let its clients look passes, and the log says so.
    """
    memory = memory_of(redis)
    if not memory:
        log.warning("Redis at %s does not tell its maxmemory, nor whether it deletes lists when it is full", hide_password(url))
        return
    if policy := evicting_policy(memory):
        raise StoreFullError(
            f"Redis at {hide_password(url)} deletes lists when it is full (maxmemory-policy {policy}), and their users would have none, "
            f"without an error: {HOW}"
        )
    limit, used = int(memory.get("maxmemory", 0)), int(memory["used_memory"])
    if limit and used + needed_bytes > limit:
        raise StoreFullError(
            f"Redis at {hide_password(url)} has {_mib(limit - used)} MiB left of {_mib(limit)}, and the lists would take about "
            f"{_mib(needed_bytes)}: raise its maxmemory, or lower LARDER_DEPTH or LARDER_KEEP_GENERATIONS"
        )


def _mib(n_bytes: float) -> str:
    return f"{n_bytes / 2**20:,.1f}"
