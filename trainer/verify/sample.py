"""Holds published lists of users against scores that are computed a second time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from contract.artifacts.artifact import Artifact
from contract.errors import PayloadError
from contract.formats import payload
from contract.formats.keys import Id, bucket_of
from contract.store.generations import Generations
from trainer.verify.rescore import disagreement, rescore


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
    rescored, problems = 0, []
    for done, user in enumerate(chosen, 1):
        (user_id,) = artifact.ids("user_ids", user, user + 1)
        bucket = bucket_of(user_id, manifest.n_user_buckets)
        raw = cast("bytes | None", generations.redis.hget(generations.keys.recs(manifest.generation, bucket), str(user_id)))
        show(done, len(chosen))
        if raw is None:
            continue
        rescored += 1
        if wrong := _disagreement(artifact, user, raw, item_ids, place):
            problems.append(f"user {user_id} (bucket {bucket}): {wrong}")
    return rescored, problems


def _disagreement(artifact: Artifact, user: int, raw: bytes, item_ids: Sequence[Id], place: Mapping[Id, int]) -> str:
    try:
        items, scores = payload.decode(raw)
    except PayloadError as error:
        return str(error)
    if unknown := [item for item in items if item not in place]:
        return f"item {unknown[0]} is listed, which is not in the artifact"
    depth = min(artifact.manifest.settings.stored_depth, artifact.manifest.n_items)
    return disagreement(rescore(artifact, user), [place[item] for item in items], scores, depth, item_ids)
