"""Holds the users of some items against the lists that they come from."""

from __future__ import annotations

import heapq
from functools import partial
from typing import cast

from contract.artifacts.artifact import Artifact
from contract.errors import PayloadError
from contract.formats import payload
from contract.formats.keys import Id, bucket_of
from contract.store.generations import Generations
from contract.store.lists import read_buckets

SAMPLE = 200  # items, spread over the catalogue
NAMED = 3

Users = list[tuple[float, Id]]


def wrong_audiences(generations: Generations, artifact: Artifact) -> list[str]:
    """A sentence where audiences are not there, or not those that the lists have."""
    manifest, redis, keys = artifact.manifest, generations.redis, generations.keys
    if not manifest.audience_depth:
        return []
    items = artifact.ids("item_ids")
    chosen = [items[at] for at in range(0, len(items), max(1, len(items) // SAMPLE))]
    members: dict[Id, Users] = {item: [] for item in chosen}
    as_user = int if manifest.user_id_type == "int" else str
    for _, (lists,) in read_buckets(redis, range(manifest.n_user_buckets), partial(keys.recs, manifest.generation)):
        for user, raw in lists.items():
            for item, score in zip(*payload.decode(raw), strict=True):
                if item in members:
                    members[item].append((score, as_user(user.decode())))
    wrong = []
    for item, users in members.items():
        value = cast("bytes | None", redis.hget(keys.audience(manifest.generation, bucket_of(item, manifest.n_item_buckets)), str(item)))
        if _users(value) != heapq.nsmallest(manifest.audience_depth, users, key=lambda one: (-one[0], one[1])):
            wrong.append(str(item))
    if not wrong:
        return []
    named = ", ".join(wrong[:NAMED]) + (", ..." if len(wrong) > NAMED else "")
    return [f"of {len(chosen):,} items whose users were looked at, {len(wrong):,} have other users than the lists say: {named}"]


def _users(raw: bytes | None) -> Users | None:
    try:
        return None if raw is None else [(score, user) for user, score in zip(*payload.decode(raw), strict=True)]
    except PayloadError:
        return None
