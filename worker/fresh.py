"""The process of a worker that makes lists of single users anew, as soon as they have done something.

Users wait in a sorted set until their lists are written, so that a process that is killed leaves nobody out; two processes write the
same. When another generation is served, or users get another arm of an experiment, everybody who did something that a run of what is
served has not read is due again. Lists are made for the generation that the user is served.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from redis.exceptions import RedisError

from contract.artifacts.artifact import open_artifact
from contract.errors import ArtifactError, LarderError
from contract.experiments.arms import arms_of
from contract.formats.events import Event
from contract.formats.freshness import moment_of
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import Pointer
from contract.larder import Larder
from contract.store.connections import explained
from contract.store.recent_events import DAY_S, did_since, enter_list, forget
from contract.store.scripts import scripts
from worker.folding import Folder

log = logging.getLogger("larder.fresh")
BATCH = 64
IDLE_S = 0.1
AGAIN_S = 1.0  # after an error


class Refresher:
    def __init__(self, larder: Larder) -> None:
        self._larder = larder
        self._folders: dict[str, Folder] = {}
        self._served: object = None
        self._settle = scripts(larder.store, "settle_due")["settle_due"]

    def step(self) -> int:
        """Make some lists anew; how many users were due."""
        redis, keys = self._larder.store, self._larder.keys
        due = cast("list[tuple[bytes, float]]", redis.zrange(keys.events("due"), 0, BATCH - 1, withscores=True))
        served = self._larder.experiments.served()
        if served is None:
            return 0
        arms = arms_of(served)
        assigned = (served.generation, [(arm.name, arm.slots) for arm in arms.experiment.arms] if arms else None)
        if assigned != self._served:
            self._turn_to([served, *(arms.pointers if arms else ())])
            self._served = assigned
            return self.step()
        users: dict[str, tuple[Pointer, list[str]]] = {}
        for raw, _ in due:
            user = raw.decode()
            pointer: Pointer = arms.of_user(user) if arms else served
            users.setdefault(pointer.generation, (pointer, []))[1].append(user)
        for pointer, own in users.values():
            also = served.previous if pointer.generation == served.generation else served.generation
            self._make(own, pointer, [pointer.generation, also])
        if due:
            self._settle(keys=[keys.events("due")], args=[part for user, score in due for part in (user, f"{score:.0f}")])
        return len(due)

    def _turn_to(self, pointers: Sequence[Pointer]) -> None:
        """Another generation is served, to everybody or to somebody: whoever did something that one of these does not know is due."""
        redis, keys = self._larder.store, self._larder.keys
        folders = {pointer.generation: folder for pointer in pointers if (folder := self._folder_of(pointer, pointers[0])) is not None}
        seconds, _ = redis.time()
        redis.zremrangebyscore(keys.events("active"), "-inf", (seconds - self._larder.settings.fresh_days * DAY_S) * 1_000_000)
        since = min(moment_of(pointer.events_until) for pointer in pointers)
        found = cast("list[tuple[bytes, float]]", redis.zrangebyscore(keys.events("active"), f"({since}", "+inf", withscores=True))
        for start in range(0, len(found), 1000):
            redis.zadd(keys.events("due"), cast(Any, dict(found[start : start + 1000])), gt=True)
        self._folders = folders

    def _folder_of(self, pointer: Pointer, served: Pointer) -> Folder | None:
        """None for a generation that events can't be folded into. An arm whose artifact is away leaves the others as they are."""
        generation, settings = pointer.generation, self._larder.settings
        try:
            folder = Folder(open_artifact(settings.artifacts, generation), settings.weights_by_event)
        except ArtifactError as error:
            if generation == served.generation:
                raise
            log.warning("lists of the arm %s are not made anew: %s", generation, error)
            return None
        if folder.can_fold:
            return folder
        log.warning("generation %s was trained without LARDER_EVENTS: lists are made anew from the next one on", generation)
        return None

    def _make(self, users: list[str], pointer: Pointer, kept: list[str]) -> None:
        """`kept`: generations whose lists these users keep, the one that is made for first."""
        larder, folder = self._larder, self._folders.get(pointer.generation)
        if folder is None:
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
        self._write(folder, kept, spelled)
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
