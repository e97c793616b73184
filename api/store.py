"""Reads of one namespace: the pointer, lists and item metadata. Nothing here writes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, cast

from pydantic import ValidationError
from redis import Redis

from api.breaker import Breaker
from contract import payload
from contract.connections import connect
from contract.errors import LarderError, PayloadError, SettingsError, StoreError
from contract.keys import Id, Keys, bucket_of
from contract.manifest import IdType, Pointer
from contract.settings import Settings, hide_password

TIMEOUT_S = 0.4  # of one command. No retries: a request must be answered within 1 s while Redis is away
NO_METADATA = b"{}"
_CANONICAL = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_MAX_DIGITS = 20  # of an int64 with its sign
_INT64 = range(-(2**63), 2**63)


class NothingPromotedError(StoreError):
    """There is no generation to read from yet."""


class UnknownUserError(LarderError):
    """The user has no list in the current generation."""


@dataclass(frozen=True, slots=True)
class UserList:
    """One user's list, best first, and the generation that it is of. `user_id` has the type that the interactions had."""

    pointer: Pointer
    user_id: Id
    item_ids: Sequence[Id]
    scores: Sequence[float]


def stored_id(given: Id, id_type: IdType) -> Id | None:
    """`given` as a generation with ids of `id_type` spells it; None when no such id can exist in it."""
    if id_type == "str":
        return str(given)
    if isinstance(given, str):
        if len(given) > _MAX_DIGITS or not _CANONICAL.fullmatch(given):
            return None
        given = int(given)
    return given if given in _INT64 else None


class Store:
    """Thread-safe. `redis` decodes no responses, and connects by itself at its first command, so after gunicorn's fork."""

    def __init__(self, redis: Redis, keys: Keys, pointer_ttl_s: float, url: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._keys = keys
        self._ttl_s = pointer_ttl_s
        self._clock = clock
        self._breaker = Breaker(url, clock)
        self._cached: tuple[Pointer, float] | None = None  # with the time until which it may be believed; replaced as a whole

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """A store that has not connected yet; raises SettingsError for an address that can't be one."""
        try:
            redis = connect(settings.redis_url, timeout_s=TIMEOUT_S, retries=0)
        except ValueError:
            raise SettingsError(f"LARDER_REDIS_URL={hide_password(settings.redis_url)}: this can't be the address of a Redis") from None
        return cls(redis, Keys(settings.namespace), settings.pointer_ttl_ms / 1000, settings.redis_url)

    def current(self) -> Pointer:
        """The current generation, at most the pointer's time to live old. Raises NothingPromotedError, StoreError."""
        cached = self._cached
        return cached[0] if cached and self._clock() < cached[1] else self.refresh()

    def refresh(self) -> Pointer:
        """The current generation as Redis has it now. Raises NothingPromotedError, StoreError, PayloadError."""
        asked_at = self._clock()
        raw = self._breaker.ask(lambda: cast("bytes | None", self._redis.get(self._keys.current)))
        if raw is None:
            self._cached = None
            raise NothingPromotedError("nothing is promoted yet")
        pointer = _pointer(raw)
        self._cached = (pointer, asked_at + self._ttl_s)
        return pointer

    def find(self, user_id: Id) -> UserList:
        """The list of a user, in one round trip. Raises UnknownUserError, NothingPromotedError, StoreError, PayloadError."""
        pointer = self.current()
        found = self._list_of(user_id, pointer)
        if found is None:
            # The cached pointer may name a generation that has been pruned, or that did not know this user yet.
            newest = self.refresh()
            if newest.generation != pointer.generation:
                found = self._list_of(user_id, newest)
        if found is None:
            raise UnknownUserError("the user has no list")
        return found

    def metadata(self, pointer: Pointer, item_ids: Sequence[Id]) -> list[bytes]:
        """A JSON object for each item, in one round trip; an item without metadata has an empty one. Raises StoreError."""
        if not item_ids:
            return []
        return self._breaker.ask(lambda: self._metadata(pointer, item_ids))

    def _metadata(self, pointer: Pointer, item_ids: Sequence[Id]) -> list[bytes]:
        with self._redis.pipeline(transaction=False) as pipe:
            for item_id in item_ids:
                pipe.hget(self._keys.items(pointer.items_revision, bucket_of(item_id, pointer.n_item_buckets)), str(item_id))
            return [raw or NO_METADATA for raw in pipe.execute()]

    def _list_of(self, given: Id, pointer: Pointer) -> UserList | None:
        user_id = stored_id(given, pointer.user_id_type)
        if user_id is None:
            return None
        key = self._keys.recs(pointer.generation, bucket_of(user_id, pointer.n_user_buckets))
        raw = self._breaker.ask(lambda: cast("bytes | None", self._redis.hget(key, str(user_id))))
        return None if raw is None else UserList(pointer, user_id, *payload.decode(raw))


def _pointer(raw: bytes) -> Pointer:
    try:
        pointer = Pointer.model_validate_json(raw)
    except ValidationError as error:
        fields = ", ".join(str(item["loc"][0]) if item["loc"] else item["msg"] for item in error.errors(include_url=False))
        raise PayloadError(f"the pointer to the current generation can't be read ({fields}); upgrade the API") from error
    if pointer.payload_format not in payload.READABLE_FORMATS:
        raise PayloadError(f"generation {pointer.generation} has lists of format {pointer.payload_format}; upgrade the API")
    return pointer
