"""The pointers to the current generation and to the items: read together once in a while, and once a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from api.lists.breaker import Breaker
from api.lists.clients import Command, read_all
from api.lists.items_view import Shelf, Shelves
from contract.errors import NothingPromotedError, PayloadError
from contract.formats import payload
from contract.formats.keys import Keys
from contract.formats.manifest import Pointer

T = TypeVar("T")


class Pointers:
    def __init__(self, breaker: Breaker, keys: Keys, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._breaker = breaker
        self._keys = keys
        self._ttl_s = ttl_s
        self._clock = clock
        self._cached: tuple[Pointer, float] | None = None  # with the time until which it may be believed; replaced as a whole
        self._shelves = Shelves(breaker, keys)

    @property
    def commands(self) -> list[Command]:
        """What reads the pointers, for who reads more in the same round trip: the two answers are for `learn_both`."""
        return [("GET", self._keys.current), ("GET", self._keys.items_pointer)]

    @property
    def shelf(self) -> Shelf:
        """The items as they were with the pointer that was read last."""
        return self._shelves.current

    def current(self) -> Pointer:
        """The current generation, at most the pointer's time to live old. Raises NothingPromotedError, StoreError, PayloadError."""
        cached = self._cached
        return cached[0] if cached and self._clock() < cached[1] else self.refresh()

    def refresh(self) -> Pointer:
        """The current generation as Redis has it now. Raises NothingPromotedError, StoreError, PayloadError."""
        raw, raw_items = self._breaker.ask(lambda redis: read_all(redis, self.commands))
        return self.learn_both(raw, raw_items)

    def learn(self, raw: bytes | None) -> Pointer:
        """The pointer as it has just been read, without that to the items: believed no longer than those may be."""
        if raw is None:
            self._cached = None
            raise NothingPromotedError("nothing is promoted yet")
        pointer = _pointer(raw)
        if self._cached is not None:
            self._cached = (pointer, self._cached[1])
        return pointer

    def learn_both(self, raw: bytes | None, raw_items: bytes | None) -> Pointer:
        """The answers to `commands`, read with something else or by themselves."""
        pointer = self.learn(raw)
        self._shelves.learn(raw_items, pointer)
        self._cached = (pointer, self._clock() + self._ttl_s)
        return pointer

    def items_tag(self) -> str:
        """What the tag of an answer says of the items. Ask before lists are read: then a tag is never newer than what it stands on."""
        self.current()
        return self.shelf.tag

    def look(self, find: Callable[[Pointer], T | None]) -> tuple[Pointer, T] | None:
        """What `find` finds in the current generation, with that generation's pointer.

        The cached pointer may name a generation that has been pruned, or that did not know what is asked for yet; so when
        nothing is found, the pointer is read afresh, and a newer generation is asked.
        """
        pointer = self.current()
        found = find(pointer)
        if found is None:
            newest = self.refresh()
            if newest.generation == pointer.generation:
                return None
            pointer, found = newest, find(newest)
        return None if found is None else (pointer, found)


def _pointer(raw: bytes) -> Pointer:
    try:
        pointer = Pointer.model_validate_json(raw)
    except ValidationError as error:
        fields = ", ".join(str(item["loc"][0]) if item["loc"] else item["msg"] for item in error.errors(include_url=False))
        raise PayloadError(f"the pointer to the current generation can't be read ({fields}); upgrade the API") from error
    if pointer.payload_format not in payload.READABLE_FORMATS:
        raise PayloadError(f"generation {pointer.generation} has lists of format {pointer.payload_format}; upgrade the API")
    return pointer
