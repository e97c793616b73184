"""Erases a user: out of every list in Redis, every artifact, and every run to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import cast

from redis import Redis

from contract.formats import payload
from contract.formats.artifact import MANIFEST, Artifact, folder_of, open_artifact
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.shard_record import checksum_of
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.training_right import right_to_train
from trainer.erasure.scrub import scrub

GONE = ("failed", "pruned", "")


@dataclass(frozen=True, slots=True)
class Removed:
    """What an erasure took out of one generation. `interactions` are rows of its artifact, `items` those of its list in Redis."""

    generation: str
    state: str
    interactions: int
    items: int


def erase(settings: Settings, store: Redis, user_id: Id, waiting: Callable[[], None]) -> list[Removed]:
    """Erase a user; what was removed, the oldest generation first. Again: nothing is left to remove, and that is no error.

    From the first step on no shard and no run brings the user back (contract/store/erasure.py). The rest waits until no run trains, since
    it changes artifacts. Raises SettingsError without LARDER_ERASURE_SECRET, ArtifactError for an artifact that can't be opened.
    """
    keys = Keys(settings.namespace)
    generations, erasure = Generations(store, keys), Erasure(store, keys, settings.erasure_secret.get_secret_value())
    revision = erasure.add(user_id)
    removed = []
    with right_to_train(store, keys, f"erasure {revision}", settings.lease_s, waiting):
        states = {name: generations.state(name) for name in generations.ids()}
        known = {folder.parent.name for folder in folder_of(settings.artifacts).glob(f"*/{MANIFEST}")}
        live = [name for name, state in states.items() if state not in GONE]
        for name in [*live, *sorted(known - states.keys())]:
            if name not in known:
                continue
            artifact = open_artifact(settings.artifacts, name)
            position = _position(artifact, user_id)
            n_items = _remove_list(generations, erasure, artifact, user_id, position, revision) if name in states else 0
            scrub(settings.artifacts, name, erasure)
            if position is not None:
                interactions = int(artifact["indptr"][position + 1] - artifact["indptr"][position])
                removed.append(Removed(name, states.get(name, "not begun"), interactions, n_items))
    return removed


def as_json(removed: list[Removed]) -> list[dict[str, object]]:
    return [asdict(one) for one in removed]


def _position(artifact: Artifact, user_id: Id) -> int | None:
    """The user_idx of a user, by the text of the id: a number and its string are the same user."""
    wanted = str(user_id)
    erased = set(artifact.manifest.erased)
    return next((at for at, known in enumerate(artifact.ids("user_ids")) if str(known) == wanted and at not in erased), None)


def _remove_list(generations: Generations, erasure: Erasure, artifact: Artifact, user_id: Id, position: int | None, revision: int) -> int:
    """Take the user out of the counts of a generation, then out of its lists; how many items the list had."""
    redis, keys, manifest = generations.redis, generations.keys, artifact.manifest
    name, field = manifest.generation, str(user_id)
    bucket = bucket_of(user_id, manifest.n_user_buckets)
    raw = cast("bytes | None", redis.hget(keys.recs(name, bucket), field))
    why = cast("bytes | None", redis.hget(keys.why(name, bucket), field))
    n_items = len(payload.decode(raw)[0]) if raw else 0
    if position is not None:
        ends = artifact["shards"][:, 1].tolist()
        shard = next(number for number, end in enumerate(ends) if position < end)
        # Counts first: a call that is cut short in between finds the list again, and counts once.
        checksum = checksum_of(field, raw, why or b"") if raw else 0
        generations.erase(name, erasure.hmac_of(user_id), shard, int(n_items > 0), n_items, checksum, revision)
    redis.hdel(keys.recs(name, bucket), field)
    redis.hdel(keys.why(name, bucket), field)
    return n_items
