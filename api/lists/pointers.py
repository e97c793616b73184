"""The pointers to the current generation and to the items: read together once in a while, and once a request.

After a promotion all processes follow at one moment of Redis' clock (api/lists/cutover.py).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from api.lists.breaker import Breaker
from api.lists.clients import Command, read_all
from api.lists.cutover import Cutover
from api.lists.items_view import ItemsViewCache
from api.lists.pinning import pinned
from api.lists.view import View
from contract.errors import NothingPromotedError, PayloadError
from contract.experiments.arms import Arms, arms_of
from contract.formats import payload
from contract.formats.keys import Id, Keys
from contract.formats.manifest import MovedPointer, Pointer

T = TypeVar("T")


class Pointers:
    def __init__(self, breaker: Breaker, keys: Keys, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._breaker = breaker
        self._keys = keys
        self._ttl_s = ttl_s
        self._clock = clock
        # With the time until which it may be believed, and what Redis said, where nothing else was to be asked; replaced as a whole.
        self._cached: tuple[View, float, tuple[bytes, bytes | None] | None] | None = None
        self._items = ItemsViewCache(breaker, keys)
        self._switch = Cutover(breaker, clock)

    @property
    def commands(self) -> list[Command]:
        """What reads the pointers, for who reads more in the same round trip: answers, and the `now` before, are for `update_both`."""
        return [("GET", self._keys.current), ("GET", self._keys.items_pointer)]

    def current(self, user: Id | None = None) -> View:
        """What an answer is to stand on: the generation that the request names, else what is served, by a pointer that is young enough.

        With `user`: what is served to that user. Raises NothingPromotedError, StoreError, PayloadError.
        """
        return pinned.get() or self.young(user) or self.follow(user)

    def young(self, user: Id | None = None) -> View | None:
        """What is served to a user, None: where nobody is named, if that is known without asking Redis."""
        cached = self._cached
        return None if cached is None or self._clock() >= cached[1] else cached[0].of_user(user)

    def view_of(self, pointer: Pointer) -> View:
        """Of a generation that a request names, even before any is served. Raises StoreError, PayloadError."""
        try:
            return self.current().of(pointer)
        except NothingPromotedError:
            self._items.update(self._breaker.ask(lambda redis: read_all(redis, self.commands))[1], pointer)
            return View(pointer, self._items.current)

    @property
    def running_arms(self) -> Arms | None:
        """Those of the experiment that runs, as far as is known without asking Redis, whatever the request names."""
        return None if self._cached is None else self._cached[0].arms

    @property
    def ages(self) -> bool:
        """Whether what is served will soon have to be read anew."""
        cached = self._cached
        return cached is not None and self._clock() > cached[1] - self._ttl_s / 2

    def confirm(self, raw: bytes | None, raw_items: bytes | None, since: float) -> None:
        """As `update_both`, of answers that say what they said before; others wait until somebody learns them, which may take a moment."""
        cached = self._cached
        if cached is not None and cached[2] is not None and cached[2] == (raw, raw_items):
            self._cached = (cached[0], since + self._ttl_s, cached[2])

    def follow(self, user: Id | None = None) -> View:
        """The same as `current`, by a pointer that is read now."""
        now, (raw, raw_items) = self.now(), self._breaker.ask(lambda redis: read_all(redis, self.commands))
        return self.update_both(raw, raw_items, now, user)

    def refresh(self) -> Pointer:
        """The newest pointer as Redis has it now, for who wants to know of a promotion; lists may follow a moment later."""
        now, (raw, raw_items) = self.now(), self._breaker.ask(lambda redis: read_all(redis, self.commands))
        return self._learn(raw, raw_items, now)[0]

    def now(self) -> float:
        return self._clock()

    def update_both(self, raw: bytes | None, raw_items: bytes | None, since: float, user: Id | None = None) -> View:
        """The answers to `commands`, which were sent after `since`; what `current` says from now on."""
        _, served = self._learn(raw, raw_items, since)
        return pinned.get() or served.of_user(user)

    def _learn(self, raw: bytes | None, raw_items: bytes | None, since: float) -> tuple[Pointer, View]:
        """The newest pointer, and what is to be followed now."""
        if raw is None:
            self._cached = None
            raise NothingPromotedError("nothing is promoted yet")
        newest = _pointer(raw)
        served, until = self._switch.served(newest)
        self._items.update(raw_items, served)
        view = View(served, self._items.current, arms_of(served))
        while True:
            is_settled = until == math.inf and view.items.raw == raw_items
            self._cached = (view, min(since + self._ttl_s, until), (raw, raw_items) if is_settled else None)
            if view.items is (items := self._items.current):
                return newest, view
            view = view._replace(items=items)  # another thread has read newer ones: nobody goes back to those of before

    def find_in_current(self, find: Callable[[View], T | None], user: Id | None = None) -> tuple[View, T] | None:
        """What `find` finds in the current generation, or in that which is served to `user`, with what it was found in.

        The cached pointer may name a generation that has been pruned, or that did not know what is asked for yet; so when
        nothing is found, the pointer is read afresh, and a newer generation is asked.
        """
        view = self.current(user)
        found = find(view)
        if found is None:
            newest = self.follow(user)
            if newest.pointer.generation == view.pointer.generation:
                return None
            view, found = newest, find(newest)
        return None if found is None else (view, found)


def _pointer(raw: bytes) -> MovedPointer:
    try:
        pointer = MovedPointer.model_validate_json(raw)
    except ValidationError as error:
        fields = ", ".join(str(item["loc"][0]) if item["loc"] else item["msg"] for item in error.errors(include_url=False))
        raise PayloadError(f"the pointer to the current generation can't be read ({fields}); upgrade the API") from error
    if pointer.payload_format not in payload.READABLE_FORMATS:
        raise PayloadError(f"generation {pointer.generation} has lists of format {pointer.payload_format}; upgrade the API")
    return pointer
