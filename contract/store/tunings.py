"""What the last tune found: what `--model auto` keeps to, and what `status` and pages advise."""

from __future__ import annotations

from redis import Redis

from contract.formats.keys import Keys
from contract.formats.manifest import Manifest
from contract.formats.reports.tuned import Tuned

CLAIM_S = 3600


class Tunings:
    """One for a namespace. A record of another version's form counts as none."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis, self._keys = redis, keys

    def keep(self, tuned: Tuned) -> None:
        self._redis.set(self._keys.tuned, tuned.model_dump_json())

    def latest(self) -> Tuned | None:
        raw = self._redis.get(self._keys.tuned)
        return Tuned.read(raw) if isinstance(raw, bytes) else None

    def advice(self, manifest: Manifest) -> str:
        """What is better than the settings of `manifest` on the same source; "" where nothing is, or nobody has looked."""
        found = self.latest()
        return found.advice if found and found.speaks_of(manifest) else ""

    def claim(self, generation: str) -> bool:
        """Whether the caller is the one to compare other models with this generation; nobody else is for an hour."""
        return bool(self._redis.set(self._keys.comparing(generation), "taken", nx=True, ex=CLAIM_S))

    def release(self, generation: str) -> None:
        self._redis.delete(self._keys.comparing(generation))
