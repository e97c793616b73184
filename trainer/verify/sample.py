"""Holds published lists of users against scores that are computed a second time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import numpy as np

from contract.artifacts.artifact import Artifact
from contract.errors import PayloadError
from contract.formats import payload
from contract.formats.keys import Id, bucket_of
from contract.store.generations import Generations
from trainer.verify.agreement import TOLERANCE, disagreement
from trainer.verify.diverse import Diverse
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
    item_ids = artifact.ids("item_ids")
    place = {item: at for at, item in enumerate(item_ids)}
    rescored, problems, diverse = 0, wrong_penalties(artifact), Diverse.of(artifact)
    for done, user in enumerate(chosen, 1):
        (user_id,) = artifact.ids("user_ids", user, user + 1)
        bucket = bucket_of(user_id, manifest.n_user_buckets)
        raw = cast("bytes | None", generations.redis.hget(generations.keys.recs(manifest.generation, bucket), str(user_id)))
        show(done, len(chosen))
        if raw is None:
            continue
        rescored += 1
        if wrong := _disagreement(artifact, user, raw, item_ids, place, diverse):
            problems.append(f"user {user_id} (bucket {bucket}): {wrong}")
    return rescored, problems


def wrong_penalties(artifact: Artifact) -> list[str]:
    """A sentence where factors of scores are not n_users ** -popularity_penalty.

    Not looked at where boosts are part of them, or rows of erased users, who counted, are gone.
    """
    settings, n_items = artifact.manifest.settings, artifact.manifest.n_items
    if not settings.popularity_penalty or settings.boosts or artifact.manifest.erased:
        return []
    counts = np.bincount(artifact["seen_indices" if "seen_indices" in artifact.arrays else "indices"], minlength=n_items)
    if "seen_indices" in artifact.arrays and "disliked_indices" in artifact.arrays:  # which are seen, and not taken
        counts -= np.bincount(artifact["disliked_indices"], minlength=n_items)
    n_users = np.maximum(1, counts)
    off = ~np.isclose(artifact["boost"] * n_users**settings.popularity_penalty, 1.0, rtol=TOLERANCE)
    names = artifact.ids("item_ids") if off.any() else ()
    return [f"the penalty on the popularity of item {names[at]} is another one" for at in np.flatnonzero(off)[:1].tolist()]


def _disagreement(
    artifact: Artifact, user: int, raw: bytes, item_ids: Sequence[Id], place: Mapping[Id, int], diverse: Diverse | None
) -> str:
    try:
        items, scores = payload.decode(raw)
    except PayloadError as error:
        return str(error)
    if unknown := [item for item in items if item not in place]:
        return f"item {unknown[0]} is listed, which is not in the artifact"
    depth = min(artifact.manifest.settings.stored_depth, artifact.manifest.n_items)
    return disagreement(rescore(artifact, user), [place[item] for item in items], scores, depth, item_ids, diverse)
