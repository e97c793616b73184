"""Erases a user: out of every list in Redis, every artifact, and every run to come."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import cast

from redis import Redis

from contract.artifacts.artifact import Artifact, artifacts_in, open_whole
from contract.errors import ArtifactError, ErasureError, PayloadError
from contract.experiments.moves import Experiments
from contract.formats import payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.shard_record import UNKNOWN_SHARD, checksum_of
from contract.formats.states import GenerationState, is_gone
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.removal import take_out
from contract.store.replicas.acknowledged import Acknowledged
from contract.store.training_right import right_to_train
from trainer.erasure.read_rows import remove_read
from trainer.erasure.scrub import READ, scrub
from trainer.erasure.user_events import remove_done

_FIRST: dict[str, int] = {GenerationState.CURRENT: 0, GenerationState.PREVIOUS: 1}


@dataclass(frozen=True, slots=True)
class Removed:
    """What an erasure took out of one generation. `interactions` are rows of its artifact, `items` those of its list in Redis."""

    generation: str
    state: str
    interactions: int
    items: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took out, and what it could not: sentences, of which each names a generation."""

    removed: list[Removed]
    remains: list[str]
    events: int = 0
    """Rows of files of events, and events on their way there."""
    impressions: int = 0
    """The same of lists that were shown."""
    parts: int = 0
    """Files of the source of which nothing is kept any more, since they name the user."""

    def check(self) -> None:
        """Raises ErasureError where something remains."""
        if self.remains:
            raise ErasureError(
                f"the user is in no list any more, and every later run leaves the user out; but {'; '.join(self.remains)}. "
                "Bring the artifact back and erase the user again, or delete what is left of it"
            )


def erase(settings: Settings, store: Redis, user_id: Id, waiting: Callable[[], None]) -> Erased:
    """Erase a user, from what is served first; what was removed, and what remains. Again: nothing is left to remove, and that is no error.

    From the first step on no shard and no run brings the user back (contract/store/erasure.py). Lists go at once. The artifacts wait until
    no run trains, since that changes them; one that is missing or damaged stops nothing. Raises SettingsError without
    LARDER_ERASURE_SECRET.
    """
    keys = Keys(settings.namespace)
    acknowledged = Acknowledged.of(settings)
    generations = Generations(store, keys, acknowledged=acknowledged)
    erasure = Erasure(store, keys, settings.erasure_secret.get_secret_value(), acknowledged)
    revision = erasure.add(user_id)
    removed, remains = [], []
    with right_to_train(store, keys, f"erasure {revision}.{secrets.token_hex(4)}", settings.lease_s, waiting, acknowledged):
        states = {name: generations.state(name) for name in generations.ids()}
        live = sorted(name for name, state in states.items() if not is_gone(state))
        running = Experiments(generations).fixed()
        live.sort(key=lambda name: 0 if name in running else _FIRST.get(states[name], len(_FIRST)))
        n_items, artifacts = {}, {}
        until = erasure.revision()  # who comes later must find the rows, which alone tell the user's shard
        for name in live:
            artifacts[name] = _opened(settings, name)
            n_items[name] = _remove_list(generations, erasure, artifacts[name], name, user_id, revision)
            for other in _others(artifacts[name], erasure, user_id, until):
                _remove_list(generations, erasure, artifacts[name], name, other, erasure.add(other))
        for name in [*live, *sorted(set(artifacts_in(settings.artifacts)) - set(live))]:
            artifact = artifacts[name] if name in artifacts else _opened(settings, name)
            try:
                interactions = _remove_rows(settings, artifact, name, user_id, erasure, until)
            except (ArtifactError, OSError, ValueError) as error:
                if is_gone(generations.state(name)) and name not in artifacts_in(settings.artifacts):
                    continue  # retention has removed it meanwhile
                remains.append(f"generation {name}: {error}")
                interactions = 0 if n_items.get(name) else None
            if interactions is not None:
                removed.append(Removed(name, states.get(name, "not begun"), interactions, n_items.get(name) or 0))
        n_parts = remove_read(settings, user_id, remains)
    acknowledged.settle(store)
    return Erased(removed, remains, *remove_done(settings, store, keys, user_id), n_parts)


def as_json(removed: list[Removed]) -> list[dict[str, object]]:
    return [asdict(one) for one in removed]


def _opened(settings: Settings, name: str) -> Artifact | ArtifactError:
    try:
        return open_whole(settings.artifacts, name, READ)
    except ArtifactError as error:
        return error


def _others(artifact: Artifact | ArtifactError, erasure: Erasure, user_id: Id, until: int) -> list[Id]:
    """Erased users whom the artifact still names: their erasure waits for its turn, or was cut short.

    Scrubbing takes all of them at once, and after it nobody could tell whether a generation had them.
    """
    try:
        ids = [] if isinstance(artifact, ArtifactError) else artifact.ids("user_ids")
        known = set() if isinstance(artifact, ArtifactError) else set(artifact.manifest.erased)
        return [ids[at] for at in erasure.positions(ids, until) if at not in known and str(ids[at]) != str(user_id)]
    except ValueError:  # damaged bytes, which scrubbing says
        return []


def _position(artifact: Artifact, user_id: Id) -> int | None:
    """The user_idx of a user, by the text of the id: a number and its string are the same user."""
    wanted = str(user_id)
    erased = set(artifact.manifest.erased)
    return next((at for at, known in enumerate(artifact.ids("user_ids")) if str(known) == wanted and at not in erased), None)


def _remove_rows(
    settings: Settings, artifact: Artifact | ArtifactError, name: str, user_id: Id, erasure: Erasure, until: int
) -> int | None:
    """Overwrite the user's rows in an artifact; how many, None where it does not know the user. Raises what opening it raised."""
    if isinstance(artifact, ArtifactError):
        raise artifact
    position = _position(artifact, user_id)
    n_rows = None if position is None else int(artifact["indptr"][position + 1] - artifact["indptr"][position])
    scrub(settings.artifacts, name, erasure, until)
    return n_rows


def _shard(artifact: Artifact | ArtifactError, user_id: Id) -> int | None:
    """The number of the user's shard; UNKNOWN_SHARD where the artifact does not tell, None where it does not know the user."""
    try:
        if isinstance(artifact, ArtifactError):
            return UNKNOWN_SHARD
        position = _position(artifact, user_id)
        return None if position is None else next(at for at, end in enumerate(artifact["shards"][:, 1].tolist()) if position < end)
    except (ArtifactError, OSError, ValueError, StopIteration):
        return UNKNOWN_SHARD


def _items(raw: bytes | None) -> Sequence[Id] | None:
    """Of a list; None without one, or where its bytes are damaged, which keeps nobody in it: `verify` says so of the counts."""
    try:
        return payload.decode(raw)[0] if raw else None
    except PayloadError:
        return None


def _remove_list(
    generations: Generations, erasure: Erasure, artifact: Artifact | ArtifactError, name: str, user_id: Id, revision: int
) -> int | None:
    """Take the user out of the counts of a generation, then out of its lists; how many items the list had, None without a list.

    Redis alone says where the list is: the artifact may be gone.
    """
    redis, keys, field = generations.redis, generations.keys, str(user_id)
    bucket = bucket_of(user_id, generations.manifest(name).n_user_buckets)
    raw = cast("bytes | None", redis.hget(keys.recs(name, bucket), field))
    why = cast("bytes | None", redis.hget(keys.why(name, bucket), field))
    n_items = len(_items(raw) or ())
    shard = _shard(artifact, user_id)
    if shard is not None and (raw or shard != UNKNOWN_SHARD):
        # Counts first: a call that is cut short in between finds the list again, and counts once.
        checksum = checksum_of(field, raw, why or b"") if raw else 0
        generations.erase(name, erasure.hmac_of(user_id), shard, int(n_items > 0), n_items, checksum, revision)
    redis.hdel(keys.recs(name, bucket), field)
    redis.hdel(keys.why(name, bucket), field)
    if (manifest := generations.manifest(name)).audience_depth:
        take_out(redis, keys, manifest, user_id, _items(raw))
    redis.zrem(keys.names(name), field)  # after the list: a worker enters the name before it (worker/publishing.py)
    return n_items if raw else None
