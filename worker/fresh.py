"""The process of a worker that makes lists of single users anew, as soon as they have done something.

Users wait in a sorted set until their lists are written, so that a process that is killed leaves nobody out; two processes write the
same. When another generation is served, everybody who did something that its run has not read is due again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, cast

from redis.exceptions import RedisError

from contract.artifacts.artifact import open_artifact
from contract.errors import LarderError
from contract.formats.events import Event
from contract.formats.freshness import moment_of
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import Pointer
from contract.larder import Larder
from contract.store.connections import explained
from contract.store.scripts import scripts
from contract.store.taken import DAY_S, did_since, enter_list, forget
from worker.folding import Folder

log = logging.getLogger("larder.fresh")
BATCH = 64
IDLE_S = 0.1
AGAIN_S = 1.0  # after an error


class Refresher:
    def __init__(self, larder: Larder) -> None:
        self._larder = larder
        self._folder: Folder | None = None
        self._served = ""
        self._settle = scripts(larder.store, "settle_due")["settle_due"]

    def step(self) -> int:
        """Make some lists anew; how many users were due."""
        redis, keys = self._larder.store, self._larder.keys
        due = cast("list[tuple[bytes, float]]", redis.zrange(keys.events("due"), 0, BATCH - 1, withscores=True))
        pointer = self._larder.generations.current()
        if pointer is None:
            return 0
        if pointer.generation != self._served:
            self._turn_to(pointer)
            return self.step()
        if due:
            self._make([user.decode() for user, _ in due], pointer)
            self._settle(keys=[keys.events("due")], args=[part for user, score in due for part in (user, f"{score:.0f}")])
        return len(due)

    def _turn_to(self, pointer: Pointer) -> None:
        """Another generation is served: whoever did something that it does not know is due."""
        redis, keys = self._larder.store, self._larder.keys
        folder = Folder(open_artifact(self._larder.settings.artifacts, pointer.generation), self._larder.settings.weights_by_event)
        if not folder.can_fold:
            log.warning("generation %s was trained without LARDER_EVENTS: lists are made anew from the next one on", pointer.generation)
        seconds, _ = redis.time()
        redis.zremrangebyscore(keys.events("active"), "-inf", (seconds - self._larder.settings.fresh_days * DAY_S) * 1_000_000)
        since = moment_of(pointer.events_until)
        found = cast("list[tuple[bytes, float]]", redis.zrangebyscore(keys.events("active"), f"({since}", "+inf", withscores=True))
        for start in range(0, len(found), 1000):
            redis.zadd(keys.events("due"), cast(Any, dict(found[start : start + 1000])), gt=True)
        self._folder, self._served = folder, pointer.generation

    def _make(self, users: list[str], pointer: Pointer) -> None:
        folder, larder = self._folder, self._larder
        if folder is None or not folder.can_fold:
            return
        erasure = larder.erasure
        revision = erasure.revision()
        gone = {users[at] for at in erasure.positions(users)} if revision else set()
        did = did_since(larder.store, larder.keys, [user for user in users if user not in gone], moment_of(pointer.events_until))
        spelled: dict[Id, tuple[str, int, list[Event]]] = {}
        for user, (at_us, events) in did.items():
            user_id = stored_id(user, pointer.user_id_type)
            if user_id is not None:
                spelled[user_id] = (user, at_us, events)
        self._write(folder, [pointer.generation, pointer.previous], spelled)
        if erasure.revision() != revision:  # meanwhile
            gone = {users[at] for at in erasure.positions(users)}
        for user in gone:
            forget(larder.store, larder.keys, user)

    def _write(self, folder: Folder, kept: list[str], did: Mapping[Id, tuple[str, int, list[Event]]]) -> None:
        if not did:
            return
        made = folder.fold({user: events for user, (_, _, events) in did.items()})
        larder = self._larder
        for at, (user, at_us, _) in enumerate(did.values()):
            if made.lengths[at]:
                why = made.whys[at] if made.whys else None
                enter_list(larder.store, larder.keys, larder.settings, user, kept, at_us, made.values[at], why)


def refresh(larder: Larder) -> None:
    """Until the process is stopped."""
    refresher = Refresher(larder)
    while True:
        try:
            with explained(larder.settings.redis_url):
                n = refresher.step()
        except (LarderError, RedisError, OSError) as error:
            log.error("lists are not made anew: %s", error)
            n = 0
            time.sleep(AGAIN_S)
        if not n:
            time.sleep(IDLE_S)
