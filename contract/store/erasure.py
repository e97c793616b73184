"""Users who asked to be erased: kept as HMACs, so that the list itself names nobody, and left out of every later run.

The list has a revision, which rises with each new entry. A shard is recorded, and a generation begun, under the revision whose
users it left out; the scripts refuse when there is a newer one.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import cast

from redis import Redis

from contract.errors import SettingsError
from contract.formats.keys import Id, Keys
from contract.store.replicas.acknowledged import Acknowledged, Call
from contract.store.scripts import scripts

IDS_PER_CALL = 10_000
NOT_SET = "users have been erased, and LARDER_ERASURE_SECRET is not set: trainer and worker need the secret with which they were erased"
DIFFERS = "LARDER_ERASURE_SECRET is not the secret with which users were erased before: with another one they would come back"


class Erasure:
    """The list of erased users of one namespace. `redis` decodes no responses."""

    def __init__(self, redis: Redis, keys: Keys, secret: str, acknowledged: Acknowledged | None = None) -> None:
        self._acknowledged = acknowledged or Acknowledged(keys)
        self._redis = redis
        self._keys = keys
        self._secret = secret.encode()

    def add(self, user_id: Id) -> int:
        """Enter a user; the revision of that. Raises SettingsError without a secret, or with another one than before."""
        if not self._secret:
            raise SettingsError("LARDER_ERASURE_SECRET is not set: erased users are remembered by an HMAC, which needs a secret of yours")
        revision = int(self._add(keys=[self._keys.erased, self._keys.erasure], args=[self.hmac_of(user_id), self._fingerprint]))
        if revision < 0:
            raise SettingsError(DIFFERS)
        return revision

    def revision(self) -> int:
        """How many users have been erased; 0 when there is nobody to leave out. Raises SettingsError as `add` does."""
        raw, fingerprint = cast("list[bytes | None]", self._redis.hmget(self._keys.erasure, "revision", "fingerprint"))
        if raw is None:
            return 0
        if not self._secret:
            raise SettingsError(NOT_SET)
        if fingerprint is None or not hmac.compare_digest(fingerprint.decode(), self._fingerprint):
            raise SettingsError(DIFFERS)
        return int(raw)

    def announce(self) -> None:
        """Say for the API, which has no secret, whether this process has one: it can't erase anybody without."""
        self._redis.hset(self._keys.erasure, "possible", int(bool(self._secret)))

    def positions(self, user_ids: Sequence[Id], until: float = math.inf) -> list[int]:
        """Positions in `user_ids` of those who are erased, rising; until a revision."""
        erased = []
        for start in range(0, len(user_ids), IDS_PER_CALL):
            some = user_ids[start : start + IDS_PER_CALL]
            scores = self._redis.zmscore(self._keys.erased, [self.hmac_of(user_id) for user_id in some])
            erased += [start + at for at, score in enumerate(scores) if score is not None and score <= until]
        return erased

    def among(self, fields: Iterable[bytes]) -> list[bytes]:
        """The fields of a hash of lists that are ids of erased users."""
        names = list(fields)
        return [names[at] for at in self.positions([name.decode() for name in names])] if names else []

    def hmac_of(self, user_id: Id) -> str:
        """HMAC-SHA256 of the id's text, in hexadecimal: a number and its string are the same user."""
        return hmac.digest(self._secret, str(user_id).encode(), "sha256").hex()

    @cached_property
    def _fingerprint(self) -> str:
        return hmac.digest(self._secret, b"larder: which secret this is", "sha256").hex()[:16]

    @cached_property
    def _add(self) -> Call:
        return self._acknowledged.calls(scripts(self._redis, "add_erased"), waits=("add_erased",))["add_erased"]
