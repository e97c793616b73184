"""Holds what Redis has of one shard against what the shard recorded, and against the ids of the artifact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from contract.artifacts.artifact import Artifact
from contract.errors import SettingsError
from contract.formats.keys import Id, bucket_of
from contract.formats.manifest import Manifest
from contract.formats.shard_record import ShardRecord
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from trainer.verify.read_back import ReadBack, Step, named, read_back_similar, read_back_users


@dataclass(frozen=True, slots=True)
class Checked:
    """`changed`: the counts are right, and the checksum of the users' lists is not."""

    users: ReadBack
    similar: ReadBack
    problems: list[str]
    changed: bool = False


class ShardChecks:
    """Checks of the shards of one generation. Without an artifact there is one, of all buckets together."""

    def __init__(self, generations: Generations, erasure: Erasure, manifest: Manifest, artifact: Artifact | None, step: Step) -> None:
        self._generations = generations
        self._erasure = erasure
        self._manifest = manifest
        self._artifact = artifact
        self._step = step
        self._items = artifact.ids("item_ids") if artifact and manifest.settings.similar_depth else ()

    def of_shard(self, shard: int, opened: Callable[[], Artifact]) -> Checked:
        """What is wrong with one shard. `opened` gives the artifact as it is now: users may have been erased since the checks began."""
        artifact = opened()
        start, end, bucket_start, bucket_end = artifact["shards"][shard].tolist()
        users = read_back_users(self._generations, self._manifest, range(bucket_start, bucket_end), self._step)
        item_buckets = self._item_buckets(shard)
        similar = self._similar(item_buckets)
        record = self._generations.shards(self._manifest.generation).get(shard)
        erased = set(artifact.manifest.erased)
        ids = [user for at, user in enumerate(artifact.ids("user_ids", start, end), start) if at not in erased]
        problems = [*users.problems, *self._compare("user", ids, users, self._manifest.n_user_buckets)]
        if self._items:
            n_buckets = self._manifest.n_item_buckets
            mine = [item for item in self._items if bucket_of(item, n_buckets) in item_buckets]
            problems += [*similar.problems, *self._compare("item", mine, similar, n_buckets)]
        figures, changed = _against(record, users, similar)
        return Checked(users, similar, [f"shard {shard}: {problem}" for problem in [*problems, *figures]], changed)

    def of_all(self) -> Checked:
        """The same for all shards together, whose records are added up: what can be said without the artifact."""
        manifest = self._manifest
        users = read_back_users(self._generations, manifest, range(manifest.n_user_buckets), self._step)
        similar = self._similar(range(manifest.n_item_buckets))
        records = list(self._generations.shards(manifest.generation).values())
        sums = (sum(map(count, records)) for count in _COUNTS)
        figures, changed = _against(ShardRecord(*sums), users, similar)
        return Checked(users, similar, [*users.problems, *similar.problems, *figures], changed)

    def _item_buckets(self, shard: int) -> range:
        n_items, n_shards = self._manifest.n_item_buckets, self._manifest.n_shards
        return range(n_items * shard // n_shards, n_items * (shard + 1) // n_shards)

    def _similar(self, buckets: Iterable[int]) -> ReadBack:
        if not self._manifest.settings.similar_depth:
            return ReadBack()
        return read_back_similar(self._generations, self._manifest, buckets, self._step)

    def _compare(self, kind: str, ids: Sequence[Id], found: ReadBack, n_buckets: int) -> list[str]:
        expected = {str(each): bucket_of(each, n_buckets) for each in ids}
        missing, unexpected = expected.keys() - found.ids.keys(), found.ids.keys() - expected.keys()
        if kind == "user":
            missing -= self._erased(sorted(missing))
        full = set(found.ids.values())
        gone: dict[int, list[str]] = {}
        for each in missing:
            if expected[each] not in full:
                gone.setdefault(expected[each], []).append(each)
        problems = [
            f"bucket {bucket} of the {kind}s is gone: it should hold the lists of {len(ids):,} {kind}(s), {named(ids)}"
            for bucket, ids in sorted(gone.items())
        ]
        if alone := [each for each in missing if expected[each] in full]:
            problems.append(f"{_each(kind, alone, expected)} should have a list, and has none")
        if unexpected:
            problems.append(f"{_each(kind, unexpected, found.ids)} has a list, and is not in the artifact")
        return problems

    def _erased(self, ids: list[str]) -> set[str]:
        """Who of `ids` has been erased, though the artifact still names them: an erasure is under way."""
        with suppress(SettingsError):  # without the secret nobody can tell
            if ids and self._erasure.revision():
                return {ids[at] for at in self._erasure.positions(ids)}
        return set()


_COUNTS: tuple[Callable[[ShardRecord], int], ...] = (
    lambda record: record.users,
    lambda record: record.lists,
    lambda record: record.listed,
    lambda record: record.checksum,
    lambda record: record.similar,
    lambda record: record.similar_checksum,
)


def _each(kind: str, ids: Iterable[str], buckets: dict[str, int]) -> str:
    """Whom it is about, with the bucket where it is one alone."""
    known = list(ids)
    return f"{kind} {known[0]} (bucket {buckets[known[0]]})" if len(known) == 1 else f"each of the {kind}s {named(known)}"


def _against(record: ShardRecord | None, users: ReadBack, similar: ReadBack) -> tuple[list[str], bool]:
    """What a record says and Redis does not hold; whether only the checksum of the users' lists differs."""
    if record is None:
        return ["it is not recorded: its lists were never said to be complete"], False
    figures = [
        ("users", record.users, users.users),
        ("lists with items", record.lists, users.lists),
        ("items in lists", record.listed, users.listed),
        ("items with similar ones", record.similar, similar.users),
    ]
    problems = [f"it recorded {said:,} {what}, and Redis holds {holds:,}" for what, said, holds in figures if said != holds]
    if problems:
        return problems, False
    if record.checksum != users.checksum:
        problems.append(f"the checksum of its lists is {users.checksum}, and it recorded {record.checksum}: a list has been changed")
    if record.similar_checksum != similar.checksum:
        problems.append(
            f"the checksum of its lists of similar items is {similar.checksum}, and it recorded {record.similar_checksum}: "
            "one has been changed"
        )
    return problems, record.checksum != users.checksum
