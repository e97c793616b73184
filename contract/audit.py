"""Who changed what, and when: the newest changes that somebody asked for by a route, a page or a command. What runs do by themselves is in
the history of runs and of promotions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict
from redis import Redis
from redis.exceptions import RedisError

from contract.formats.keys import Keys
from contract.store.generations import Generations
from contract.text import utc_text

What = Literal[
    "promote", "rollback", "release", "run", "cancel", "erase", "items", "publish", "prune", "restore", "log level", "experiment"
]
T = TypeVar("T")
log = logging.getLogger("larder.audit")


class Change(BaseModel):
    """`what`: one of What, or what a later version records. `before` and `after`: for people, or "". `run`: the run
    that was started, or "". No user's id stands there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: str
    by: str
    what: str
    before: str = ""
    after: str = ""
    run: str = ""


class Audit:
    """`most`: as many changes are kept; 0: none is recorded. `redis` decodes no responses."""

    def __init__(self, redis: Redis, keys: Keys, most: int) -> None:
        self._redis = redis
        self._keys = keys
        self._most = most

    def record(self, what: What, by: str, before: str = "", after: str = "", run: str = "") -> None:
        """Of a change that has happened: where Redis does not take it, as when it is full, the log says so, and the change stands."""
        if not self._most:
            return
        try:
            seconds, microseconds = self._redis.time()
            at = utc_text(datetime.fromtimestamp(seconds + microseconds / 1e6, UTC), "milliseconds")
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.lpush(self._keys.audit, Change(at=at, by=by, what=what, before=before, after=after, run=run).model_dump_json())
                pipe.ltrim(self._keys.audit, 0, self._most - 1)
                pipe.execute()
        except RedisError as error:
            log.error("a change is not in the audit log: %s by %s, from %r to %r: %s", what, by, before, after, error)

    def move(self, generations: Generations, what: What, by: str, act: Callable[[Generations], T], note: str = "") -> T:
        """Do `act`, and record what it has changed of what is served or held; nothing, where it has changed nothing."""
        before = _served(generations)
        done = act(generations)
        if (after := _served(generations)) != before:
            self.record(what, by, before, f"{after}, {note}" if note else after)
        return done

    def newest(self, n: int) -> list[Change]:
        """Newest first."""
        return newest_changes(self._redis, self._keys, n)


def begun(run: str, options: Collection[str], *, forced: bool, review: bool, how: str = "queued") -> str:
    """What is recorded of the start of a run. Values of options are not in it: they may be those of a source."""
    own = [f"with its own {', '.join(sorted(options))}"] if options else []
    return ", ".join([f"run {run} is {how}", *own, *(["forced"] if forced else []), *(["review"] if review else [])])


def newest_changes(redis: Redis, keys: Keys, n: int) -> list[Change]:
    """Newest first."""
    raw = cast("list[bytes]", redis.lrange(keys.audit, 0, n - 1))
    return [Change.model_validate_json(each) for each in raw]


def _served(generations: Generations) -> str:
    pointer, held = generations.current(), generations.held()
    served = f"{pointer.generation} is served" if pointer else "nothing is served"
    return f"{served}, promotions are held by {held.by}" if held else served
