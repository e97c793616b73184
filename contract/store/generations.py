"""The life of a generation in Redis: begun (scoring) → complete → current → previous → pruned, or failed.

This module is the only mover of the `current` pointer. Every step is one Lua script (contract/store/lua), so that runs, twins of a
shard and killed processes may interleave in any way. Redis' clock is the only clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal, cast

from redis import Redis

from contract.errors import ErasedMeanwhileError, GateError, GenerationError, TakenOverError
from contract.formats.keys import Keys
from contract.formats.manifest import Manifest, Pointer
from contract.formats.shard_record import ShardRecord
from contract.formats.states import ROLLBACK, Outcome
from contract.formats.verdict import Verdict
from contract.store.item_revisions import ItemsPointer
from contract.store.progress import Event, Progress, left_behind, seen_with
from contract.store.replicas.acknowledged import Acknowledged, Call
from contract.store.scripts import scripts

How = Literal["run", "person", "force", "rollback"]
HISTORY = 1000  # moves of the pointer that are remembered


class Generations:
    """Reads and moves generations of one namespace. `redis` decodes no responses. `settle_ms`: how long readers may believe a pointer."""

    def __init__(self, redis: Redis, keys: Keys, settle_ms: int = 0, acknowledged: Acknowledged | None = None) -> None:
        self.redis, self.keys, self.settle_ms = redis, keys, settle_ms
        self.acknowledged = acknowledged or Acknowledged(keys)

    def begin(
        self,
        manifest: Manifest,
        verdict: Verdict | None = None,
        *,
        revision: int = 0,
        token: int | None = None,
        items: ItemsPointer | None = None,
    ) -> int:
        """Open `manifest.generation` for scoring; its sequence number. Again with the same digest: the same number.

        `revision`: that of the erased users who are left out. `token`: of the right to train (contract/store/training_right.py).
        `items`: the revision of the items that is served from its promotion on. Raises ErasedMeanwhileError, TakenOverError, or
        GenerationError for a generation that is settled already.
        """
        keys, name = self.keys, manifest.generation
        code, value = self._scripts["begin"](
            keys=[keys.sequence, keys.generations, keys.generation(name), keys.erasure, keys.fence],
            args=[
                name,
                manifest.digest,
                manifest.n_shards,
                manifest.n_users - len(manifest.erased),
                manifest.n_items if manifest.settings.similar_depth else 0,
                manifest.pointer().model_dump_json(),
                manifest.model_dump_json(exclude={"arrays"}),
                (verdict or Verdict()).model_dump_json(),
                revision,
                "" if token is None else token,
                "" if items is None else items.model_dump_json(),
            ],
        )
        if code == -2:
            raise ErasedMeanwhileError(f"users have been erased while generation {name} was made (revision {value}, not {revision})")
        if code == -3:
            raise TakenOverError(f"another trainer has taken run {name} over (token {value}, not {token})")
        if code < 0:
            raise GenerationError(f"generation {name} is {value.decode()} already; start a new run")
        return int(value)

    def record_shard(self, generation: str, shard: int, record: ShardRecord) -> str:
        """Say that all lists of `shard` are written. The state after it: only under "scoring" did the shard count.

        "erased" means that users have been erased since `record.revision`: take their lists back, and record again.
        """
        keys = self.keys
        state = self._scripts["record_shard"](
            keys=[keys.generation(generation), keys.shards(generation), keys.erasure],
            args=[shard, record.encode(), record.users, record.lists, record.listed, record.similar, record.revision],
        )
        return cast(bytes, state).decode()

    def promote(self, generation: str, by: str, how: How = "run") -> str:
        """Make `generation` current if it is complete and nothing forbids it; what came of it (lua/promote.lua)."""
        keys, of = self.keys, self.keys.generation
        while True:
            seen, others = seen_with(self.redis, keys, generation)
            now, before = (seen.generation, seen.previous) if seen else ("", "")
            hashes = [of(generation), keys.shards(generation), of(now), of(before)]
            touched = [keys.current, keys.promoted, keys.hold, *hashes, keys.items_pointer, keys.item_revisions, *map(of, others)]
            outcome = self._scripts["promote"](keys=touched, args=[generation, by, now, before, how, self.settle_ms, *others]).decode()
            if outcome != "moved":
                return cast(str, outcome)

    def promote_by_hand(self, generation: str, by: str, force: bool = False) -> None:
        """A person's promotion. Raises GateError when the gate refuses, GenerationError when it can't be served."""
        outcome = self.promote(generation, by, "force" if force else "person")
        because = progress.because if outcome in (Outcome.REFUSED, Outcome.ARMS) and (progress := self.progress(generation)) else ""
        if outcome == Outcome.REFUSED:
            raise GateError(f"the gate refuses generation {generation}: {because}; force it to promote it anyway")
        if outcome == Outcome.ARMS:
            raise GateError(f"generation {generation} waits for arms: {because}; force it if that one is refused, or stop the experiment")
        if outcome not in (Outcome.PROMOTED, Outcome.ALREADY):
            raise GenerationError(f"generation {generation} is {outcome}, so it can't be promoted")

    def roll_back(self, by: str) -> Event:
        """Serve what was served before the current generation, and hold further promotions until `release`; what is served now.

        One move of the pointer. Again: the one before that, as far as it is kept. Raises GenerationError when there is none.
        """
        pointer = self.current()
        if pointer is None:
            raise GenerationError("nothing is promoted yet, so there is nothing to go back to")
        for name in self.served_before(pointer):
            if self.promote(name, by, "rollback") == Outcome.PROMOTED:
                return self.history(1)[0]
        raise GenerationError(f"no generation served before {pointer.generation} is kept; LARDER_KEEP_GENERATIONS says how many are")

    def served_before(self, pointer: Pointer) -> Iterator[str]:
        """Where `roll_back` may go: what was served, began before `pointer`, has its lists and nobody went back from; the newest first."""
        left = left_behind(reversed(self.history(HISTORY)))
        for name in (name for name in reversed(self.ids()) if name not in left):
            progress = self.progress(name)
            if progress and progress.sequence < pointer.sequence and progress.promoted_at_ms and progress.state in ROLLBACK:
                yield name

    def held(self) -> Event | None:
        """The rollback that holds promotions, if one does."""
        raw = cast("bytes | None", self.redis.get(self.keys.hold))
        return Event(**json.loads(raw)) if raw else None

    def release(self) -> bool:
        """Let runs promote again; False if nothing held them."""
        return bool(self.redis.delete(self.keys.hold))

    def history(self, n: int = 100) -> list[Event]:
        """The newest `n` moves of the pointer, newest first."""
        raw = cast("list[bytes]", self.redis.lrange(self.keys.promoted, 0, n - 1))
        return [Event(**json.loads(event)) for event in raw]

    def fail(self, generation: str, reason: str) -> bool:
        """Give a scoring generation up; False when it is no longer scoring."""
        return bool(self._scripts["fail"](keys=[self.keys.generation(generation)], args=[reason]))

    def erase(self, generation: str, user: str, shard: int, lists: int, listed: int, checksum: int, revision: int) -> bool:
        """Take the user with HMAC `user` out of the counts (lua/erase.lua); False if it was done before."""
        keys = self.keys
        touched = [keys.generation(generation), keys.shards(generation), keys.erased_of(generation), keys.current]
        return bool(self._scripts["erase"](keys=touched, args=[user, generation, shard, lists, listed, checksum, revision]))

    def current(self) -> Pointer | None:
        raw = cast("bytes | None", self.redis.get(self.keys.current))
        return Pointer.model_validate_json(raw) if raw else None

    def ids(self) -> list[str]:
        """All generations that Redis knows, oldest first."""
        return [raw.decode() for raw in cast("list[bytes]", self.redis.zrange(self.keys.generations, 0, -1))]

    def manifest(self, generation: str) -> Manifest:
        raw = cast("bytes | None", self.redis.hget(self.keys.generation(generation), "manifest"))
        if raw is None:
            raise GenerationError(f"there is no generation {generation}")
        return Manifest.model_validate_json(raw)

    def verdict(self, generation: str) -> Verdict:
        raw = cast("bytes | None", self.redis.hget(self.keys.generation(generation), "verdict"))
        return Verdict.model_validate_json(raw) if raw else Verdict()

    def state(self, generation: str) -> str:
        """The state, or "" for a generation that Redis does not know."""
        raw = cast("bytes | None", self.redis.hget(self.keys.generation(generation), "state"))
        return raw.decode() if raw else ""

    def progress(self, generation: str) -> Progress | None:
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(self.keys.generation(generation))
            pipe.hlen(self.keys.shards(generation))
            raw, recorded = pipe.execute()
        return Progress.of(generation, raw, recorded) if raw else None

    def shards(self, generation: str) -> dict[int, ShardRecord]:
        """What each recorded shard says it wrote."""
        raw = cast("dict[bytes, bytes]", self.redis.hgetall(self.keys.shards(generation)))
        return dict(sorted((int(shard), ShardRecord.decode(record)) for shard, record in raw.items()))

    def missing_shards(self, generation: str, n_shards: int) -> list[int]:
        recorded = {int(raw) for raw in cast("list[bytes]", self.redis.hkeys(self.keys.shards(generation)))}
        return [shard for shard in range(n_shards) if shard not in recorded]

    @cached_property
    def _scripts(self) -> Mapping[str, Call]:
        found = scripts(self.redis, "begin", "record_shard", "promote", "fail", "erase")
        return self.acknowledged.calls(found, waits=("begin", "record_shard"))
