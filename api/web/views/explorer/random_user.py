"""A user who has a list, for somebody who wants to see one."""

from __future__ import annotations

import secrets
from typing import cast

from redis import Redis

from api.lists.store import Store
from contract.formats.manifest import Pointer

BUCKETS_TRIED = 32  # a bucket may be empty


def random_user(store: Store, pointer: Pointer) -> str | None:
    keys = [store.keys.recs(pointer.generation, secrets.randbelow(pointer.n_user_buckets)) for _ in range(BUCKETS_TRIED)]

    def pick(redis: Redis) -> list[bytes | None]:
        with redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hrandfield(key)
            return cast("list[bytes | None]", pipe.execute())

    return next((raw.decode() for raw in store.breaker.ask(pick) if raw is not None), None)
