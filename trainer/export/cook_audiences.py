"""Cooks the audiences of a generation out of its lists, once they are all there: of each item the users with the highest scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np
from redis import Redis

from contract.errors import GenerationError
from contract.formats import payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.manifest import Manifest
from contract.formats.states import HAS_LISTS
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from trainer.export.export import read_lists

BUCKETS_PER_PIPELINE = 64
TRIES = 10  # an erasure meanwhile asks for another one


class _Entries:
    """Takes lists, and keeps of each entry the item, the user and the score: 12 bytes."""

    def __init__(self, items: Sequence[Id]) -> None:
        self._place = {item: at for at, item in enumerate(items)}
        self.users: list[str] = []
        self.n_users = 0
        self._items: list[np.ndarray] = []
        self._scores: list[np.ndarray] = []

    def add(self, lists: Iterable[tuple[bytes, bytes]]) -> None:
        for user, raw in lists:
            self.n_users += 1
            item_ids, scores = payload.decode(raw)
            self.users.append(user.decode())
            self._items.append(np.fromiter((self._place[item] for item in item_ids), np.int32, len(item_ids)))
            self._scores.append(np.array(scores, np.float32))

    def best(self, most: int, left_out: Iterable[int], is_int: bool) -> dict[int, tuple[list[Id], list[float]]]:
        """Of each item's place the users, the highest scores first, those of one score by their ids; without users at these positions."""
        lengths = [len(items) for items in self._items]
        ids: list[Id] = [int(user) for user in self.users] if is_int else list(self.users)
        rank = np.empty(len(ids), np.int32)
        rank[sorted(range(len(ids)), key=lambda at: ids[at])] = np.arange(len(ids), dtype=np.int32)
        user = np.repeat(np.arange(len(ids), dtype=np.int32), lengths)
        item, score = (np.concatenate(parts) if parts else np.empty(0, np.float32) for parts in (self._items, self._scores))
        if gone := list(left_out):
            kept = ~np.isin(user, gone)
            user, item, score = user[kept], item[kept], score[kept]
        order = np.lexsort((rank[user], -score, item))
        user, item, score = user[order], item[order], score[order]
        starts = np.flatnonzero(np.diff(item, prepend=-1))
        found = {}
        for start, next_one in zip(starts.tolist(), np.append(starts, item.size)[1:].tolist(), strict=True):
            end = min(next_one, start + most)
            found[int(item[start])] = [ids[at] for at in user[start:end].tolist()], score[start:end].tolist()
        return found


def cook_audiences(generations: Generations, erasure: Erasure, generation: str, items: Sequence[Id]) -> int:
    """Write the audiences of `items`, which are all of the generation's; how many users they name. Nothing where no run asked for it.

    Again: the same. Raises GenerationError for lists that are not there, or not to the end.
    """
    manifest = generations.manifest(generation)
    if not manifest.audience_depth or not items:
        return 0
    for _ in range(TRIES):
        revision, entries = erasure.revision(), _Entries(items)
        try:
            read_lists(generations, manifest, entries, lambda *_: None)
        except GenerationError:
            if erasure.revision() == revision:
                raise
            continue  # lists went while they were read, as they should
        best = entries.best(manifest.audience_depth, erasure.positions(entries.users), manifest.user_id_type == "int")
        write_audiences(generations.redis, generations.keys, manifest, _encoded(items, best))
        if erasure.revision() == revision:
            if generations.state(generation) not in HAS_LISTS:  # it went meanwhile: so must this
                generations.redis.unlink(*(generations.keys.audience(generation, bucket) for bucket in range(manifest.n_item_buckets)))
            return len({user for users, _ in best.values() for user in users})
    raise GenerationError(f"users are erased all the time: the audiences of generation {generation} can't be made")


def _encoded(items: Sequence[Id], best: Mapping[int, tuple[list[Id], list[float]]]) -> dict[Id, bytes]:
    """Of every item, also of those that no list has."""
    return {item: payload.encode(*best.get(at, ([], []))) for at, item in enumerate(items)}


def write_audiences(redis: Redis, keys: Keys, manifest: Manifest, values: Mapping[Id, bytes]) -> None:
    """The value of each item, with one HSET a bucket."""
    by_bucket = sorted(((bucket_of(item, manifest.n_item_buckets), item) for item in values), key=itemgetter(0))
    with redis.pipeline(transaction=False) as pipe:
        for bucket, items in groupby(by_bucket, key=itemgetter(0)):
            pipe.hset(keys.audience(manifest.generation, bucket), mapping={str(item): values[item] for _, item in items})
            if len(pipe) >= BUCKETS_PER_PIPELINE:
                pipe.execute()
        pipe.execute()
