"""Holds published lists of users against scores that are computed a second time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import cast

import numpy as np

from contract.artifacts.artifact import Artifact
from contract.errors import PayloadError
from contract.formats import payload
from contract.formats.keys import Id, bucket_of
from contract.store.generations import Generations
from trainer.verify.agreement import TOLERANCE, disagreement
from trainer.verify.diverse import Diverse
from trainer.verify.explored import Exploring, users_of_items, wrong_new_items
from trainer.verify.rescore import rescore


def sample_of(artifact: Artifact, n: int) -> list[int]:
    """`n` user_idx, or all where there are no more, without the erased. The same at every call."""
    manifest, erased = artifact.manifest, set(artifact.manifest.erased)
    chosen = random.Random(manifest.generation).sample(range(manifest.n_users), min(n, manifest.n_users))  # noqa: S311 (no secret)
    return sorted(set(chosen) - erased)


def wrong_lists(
    generations: Generations, artifact: Artifact, users: Iterable[int], show: Callable[[int, int], None]
) -> tuple[int, list[str]]:
    """Re-score `users`; how many have a list, and a sentence for each whose list is wrong. `show`: called with done and total."""
    manifest, chosen = artifact.manifest, sorted(set(users) - set(artifact.manifest.erased))
    rescored, problems, check = 0, [*wrong_penalties(artifact), *wrong_new_items(artifact)], _Check(artifact)
    for done, user in enumerate(chosen, 1):
        (user_id,) = artifact.ids("user_ids", user, user + 1)
        bucket = bucket_of(user_id, manifest.n_user_buckets)
        raw = cast("bytes | None", generations.redis.hget(generations.keys.recs(manifest.generation, bucket), str(user_id)))
        show(done, len(chosen))
        if raw is None:
            continue
        rescored += 1
        if wrong := check.wrong(user, user_id, raw):
            problems.append(f"user {user_id} (bucket {bucket}): {wrong}")
    return rescored, problems


def wrong_penalties(artifact: Artifact) -> list[str]:
    """A sentence where factors of scores are not n_users ** -popularity_penalty.

    Not looked at where boosts are part of them, or rows of erased users, who counted, are gone.
    """
    settings = artifact.manifest.settings
    if not settings.popularity_penalty or settings.boosts or artifact.manifest.erased:
        return []
    n_users = np.maximum(1, users_of_items(artifact))
    off = ~np.isclose(artifact["boost"] * n_users**settings.popularity_penalty, 1.0, rtol=TOLERANCE)
    names = artifact.ids("item_ids") if off.any() else ()
    return [f"the penalty on the popularity of item {names[at]} is another one" for at in np.flatnonzero(off)[:1].tolist()]


class _Check:
    """Of lists of one artifact."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._ids = artifact.ids("item_ids")
        self._place = {item: at for at, item in enumerate(self._ids)}
        self._diverse, self._exploring = Diverse.of(artifact), Exploring.of(artifact)

    def wrong(self, user: int, user_id: Id, raw: bytes) -> str:
        """What is wrong with the list of a user_idx; "" if nothing is."""
        try:
            items, scores = payload.decode(raw)
        except PayloadError as error:
            return str(error)
        if unknown := [item for item in items if item not in self._place]:
            return f"item {unknown[0]} is listed, which is not in the artifact"
        artifact, marked, places = self._artifact, payload.marked_places(raw), [self._place[item] for item in items]
        depth, rescored = min(artifact.manifest.settings.stored_depth, artifact.manifest.n_items), rescore(artifact, user)
        found = disagreement(rescored, places, scores, depth, self._ids, self._diverse, marked)
        if found or self._exploring is None:
            return found or ("an item is marked as explored, and the run explores nothing" if marked else "")
        rows = ("seen_indptr", "seen_indices") if "seen_indptr" in artifact.arrays else ("indptr", "indices")
        seen = artifact[rows[1]][slice(*artifact[rows[0]][user : user + 2].tolist())]
        limited = rescored.categories is not None
        return self._exploring.wrong(rescored, seen, np.asarray(places, np.int64), marked, user_id, self._ids, limited=limited)
