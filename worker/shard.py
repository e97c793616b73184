"""One shard's lists, from an artifact: what is to be written, and the record that proves it. No Redis here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from contract.artifacts.artifact import Artifact
from contract.errors import GenerationError
from contract.formats.keys import Id, bucket_of
from contract.formats.shard_record import ShardRecord, checksum_of
from engine.ranking.explore import explore, seeds_of
from engine.ranking.ranked import Ranking, rank_users
from engine.score.explain import encode_contributors, explain_users
from engine.score.scoring import Scale
from engine.score.similar import shard_of_items, similar_items
from worker.writer import encode_lists

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lists:
    """Values of some ids, which are ordered by bucket. `whys` is empty, or holds one for each list."""

    ids: Sequence[Id]
    buckets: Sequence[int]
    values: Sequence[bytes]
    lengths: Sequence[int]
    whys: Sequence[bytes] = ()

    def without(self, positions: Collection[int]) -> Lists:
        """These lists but for those at `positions`."""
        if not positions:
            return self
        gone = set(positions)
        kept = [at for at in range(len(self.ids)) if at not in gone]

        def pick(values: Sequence[T]) -> list[T]:
            return [values[at] for at in kept] if values else []

        return Lists(pick(self.ids), pick(self.buckets), pick(self.values), pick(self.lengths), pick(self.whys))

    def checksum(self) -> int:
        whys = self.whys or [b""] * len(self.ids)
        return sum(checksum_of(str(each), *value) for each, *value in zip(self.ids, self.values, whys, strict=True))


@dataclass(frozen=True, slots=True)
class Shard:
    """All that one shard writes: lists of users, and of similar items for its share of the items."""

    generation: str
    number: int
    bucket_start: int
    bucket_end: int
    users: Lists
    similar: Lists
    finds_users: bool = False
    """Whether ids of users are written once more, to be found by their beginning."""

    def without_users(self, positions: Collection[int]) -> Shard:
        return replace(self, users=self.users.without(positions))

    def record(self, revision: int) -> ShardRecord:
        """What this shard says it wrote, with the users erased up to `revision` left out."""
        lengths = self.users.lengths
        return ShardRecord(
            users=len(self.users.ids),
            lists=sum(1 for length in lengths if length),
            listed=sum(lengths),
            checksum=self.users.checksum(),
            similar=len(self.similar.ids),
            similar_checksum=self.similar.checksum(),
            revision=revision,
        )


def make_shard(artifact: Artifact, number: int) -> Shard:
    """Score shard `number`. Users whose rows were erased have no list. Raises GenerationError for a shard that there is not."""
    manifest = artifact.manifest
    if not 0 <= number < manifest.n_shards:
        raise GenerationError(f"generation {manifest.generation} has {manifest.n_shards} shards; there is no shard {number}")
    start, end, bucket_start, bucket_end = artifact["shards"][number].tolist()
    item_ids = artifact.ids("item_ids")
    users = users_of(artifact, start, end, item_ids).without([at - start for at in manifest.erased if start <= at < end])
    return Shard(manifest.generation, number, bucket_start, bucket_end, users, _similar(artifact, number, item_ids), manifest.finds_users)


def users_of(artifact: Artifact, start: int, end: int, item_ids: Sequence[Id]) -> Lists:
    """Lists of user_idx `start` to `end`."""
    manifest, model = artifact.manifest, artifact.manifest.settings
    scale = Scale(model.normalize, manifest.weight_min, manifest.weight_max)
    how, ids = Ranking.of(model), artifact.ids("user_ids", start, end)
    top, marks = rank_users(artifact.arrays, start, end, scale, how), None
    if how.every:
        top, marks = explore(artifact.arrays, start, end, top, scale, how, seeds_of(manifest.digest, ids))
    buckets = [bucket_of(user, manifest.n_user_buckets) for user in ids]
    whys: Sequence[bytes] = ()
    if model.explain_depth:
        contributors = explain_users(artifact.arrays, start, end, top, explain_depth=model.explain_depth)
        boosts = artifact["boost"][top.items] if "boost" in artifact.arrays else None
        whys = encode_contributors(contributors, item_ids, boosts)
    return Lists(ids, buckets, encode_lists(top, item_ids, marks), top.lengths.tolist(), whys)


def _similar(artifact: Artifact, number: int, item_ids: Sequence[Id]) -> Lists:
    """Lists of similar items for this shard's share of the item buckets."""
    manifest, depth = artifact.manifest, artifact.manifest.settings.similar_depth
    if not depth:
        return Lists([], [], [], [])
    items, buckets = shard_of_items(artifact.arrays, number, manifest.n_shards)
    top = similar_items(artifact.arrays, items, depth=depth)
    return Lists([item_ids[item] for item in items.tolist()], buckets, encode_lists(top, item_ids), top.lengths.tolist())
