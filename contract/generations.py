"""The life of a generation in Redis: begun (scoring) → complete → current → previous → pruned, or failed.

This module is the only mover of the `current` pointer. Every step is one Lua script (contract/lua), so that runs, twins of a
shard and killed processes may interleave in any way. Redis' clock is the only clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, cast

from redis import Redis

from contract.errors import GenerationError
from contract.keys import Keys
from contract.manifest import Manifest, Pointer

UNLINK_STEP = 500  # keys in one UNLINK: short enough not to hold other clients up


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a generation is, as its hash says."""

    generation: str
    state: str
    reason: str
    n_shards: int
    shards_recorded: int
    users_written: int
    n_users: int
    lists_written: int
    sequence: int
    began_at_ms: int
    promoted_at_ms: int | None


class Generations:
    """Reads and moves generations of one namespace. `redis` decodes no responses."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def begin(self, manifest: Manifest) -> int:
        """Open `manifest.generation` for scoring; its sequence number. Again with the same digest: the same number."""
        k, name = self._keys, manifest.generation
        code, value = self._scripts["begin"](
            keys=[k.sequence, k.generations, k.generation(name)],
            args=[
                name,
                manifest.digest,
                manifest.n_shards,
                manifest.n_users,
                manifest.pointer().model_dump_json(),
                manifest.model_dump_json(exclude={"arrays"}),
            ],
        )
        if code < 0:
            raise GenerationError(f"generation {name} is {value.decode()} already; start a new run")
        return int(value)

    def record_shard(self, generation: str, shard: int, users: int, lists: int, checksum: int) -> str:
        """Say that all lists of `shard` are written. The state after it: only under "scoring" did the shard count."""
        k = self._keys
        state = self._scripts["record_shard"](keys=[k.generation(generation), k.shards(generation)], args=[shard, users, lists, checksum])
        return cast(bytes, state).decode()

    def promote(self, generation: str, by: str) -> str:
        """Make `generation` current if it is complete and newer than the current one; what came of it (promote.lua)."""
        k = self._keys
        while True:
            seen = self.current()
            now, before = (seen.generation, seen.previous) if seen else ("", "")
            outcome = self._scripts["promote"](
                keys=[
                    *(k.current, k.promoted, k.generation(generation), k.shards(generation)),
                    *(k.generation(now), k.generation(before)),
                ],
                args=[generation, by, now, before],
            ).decode()
            if outcome != "moved":
                return cast(str, outcome)

    def fail(self, generation: str, reason: str) -> bool:
        """Give a scoring generation up; False when it is no longer scoring."""
        return bool(self._scripts["fail"](keys=[self._keys.generation(generation)], args=[reason]))

    def current(self) -> Pointer | None:
        raw = cast("bytes | None", self._redis.get(self._keys.current))
        return Pointer.model_validate_json(raw) if raw else None

    def ids(self) -> list[str]:
        """All generations that Redis knows, oldest first."""
        return [raw.decode() for raw in cast("list[bytes]", self._redis.zrange(self._keys.generations, 0, -1))]

    def manifest(self, generation: str) -> Manifest:
        raw = cast("bytes | None", self._redis.hget(self._keys.generation(generation), "manifest"))
        if raw is None:
            raise GenerationError(f"there is no generation {generation}")
        return Manifest.model_validate_json(raw)

    def state(self, generation: str) -> str:
        """The state, or "" for a generation that Redis does not know."""
        raw = cast("bytes | None", self._redis.hget(self._keys.generation(generation), "state"))
        return raw.decode() if raw else ""

    def progress(self, generation: str) -> Progress | None:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._keys.generation(generation))
            pipe.hlen(self._keys.shards(generation))
            raw, recorded = pipe.execute()
        if not raw:
            return None
        field = {key.decode(): value.decode() for key, value in raw.items() if key not in (b"manifest", b"pointer")}
        number = {key: int(value) for key, value in field.items() if value.isdigit()}
        return Progress(
            generation=generation,
            state=field["state"],
            reason=field.get("reason", ""),
            n_shards=number["n_shards"],
            shards_recorded=recorded,
            users_written=number["users_written"],
            n_users=number["n_users"],
            lists_written=number["lists_written"],
            sequence=number["sequence"],
            began_at_ms=number["began_at_ms"],
            promoted_at_ms=number.get("promoted_at_ms"),
        )

    def missing_shards(self, generation: str, n_shards: int) -> list[int]:
        recorded = {int(raw) for raw in cast("list[bytes]", self._redis.hkeys(self._keys.shards(generation)))}
        return [shard for shard in range(n_shards) if shard not in recorded]

    def retire(self, generation: str, grace_s: float, late_writers_s: float) -> bool:
        """Delete an unreferenced generation's lists; True once nothing of it is left.

        Its lists go `grace_s` after the last reference, in small steps. Its hash stays `late_writers_s` longer, so that a worker
        that was asleep still finds the state "pruned"; then the lists are swept once more and the hash goes too.
        """
        k = self._keys
        age_ms = self._scripts["retire"](keys=[k.current, k.generation(generation)], args=[generation, int(grace_s * 1000)])
        if age_ms < 0:
            return False
        manifest = self.manifest(generation)
        self._unlink(k.recs, generation, manifest.n_user_buckets)
        self._unlink(k.items, generation, manifest.n_item_buckets)
        self._redis.unlink(k.popular(generation))
        if age_ms < late_writers_s * 1000:
            return False
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.unlink(k.generation(generation), k.shards(generation))
            pipe.zrem(k.generations, generation)
            pipe.execute()
        return True

    def _unlink(self, key_of: Callable[[str, int], str], generation: str, n_buckets: int) -> None:
        for start in range(0, n_buckets, UNLINK_STEP):
            self._redis.unlink(*(key_of(generation, bucket) for bucket in range(start, min(start + UNLINK_STEP, n_buckets))))

    @cached_property
    def _scripts(self) -> dict[str, Any]:
        folder = files("contract") / "lua"
        return {
            name: self._redis.register_script((folder / f"{name}.lua").read_text())
            for name in ("begin", "record_shard", "promote", "fail", "retire")
        }
