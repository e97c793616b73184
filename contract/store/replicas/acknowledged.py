"""Writes that replicas have acknowledged before anybody relies on them.

Replication is asynchronous: what a primary has taken, and no replica has, is gone when the primary dies. WAIT tells how many replicas have
what *its own connection* has written; so each write and its WAIT are one pipeline, which goes over one connection and is sent again as a
whole. A mark is written last: a script that finds its work done writes nothing, and WAIT would not wait. Of a cluster, each server that
was written to is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, Self, cast

from redis import Redis
from redis.client import Pipeline
from redis.commands.core import Script

from contract.errors import NotReplicatedError
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.cluster.acknowledged import AcknowledgedParts

ONE_WAIT_MS = 1000  # below the time-out of every connection
MARK_MS = 60_000
CONTROL_TAG = "ctl"


class Call(Protocol):
    """A script, as one calls it."""

    def __call__(self, *, keys: Sequence[str], args: Sequence[Any]) -> Any: ...


class Acknowledged:
    """`n` replicas, for which `within_s` is waited. With none, everything is sent as it is, in the same round trips as ever."""

    def __init__(self, keys: Keys, n: int = 0, within_s: float = 10.0) -> None:
        self.n = n
        self._within_s = within_s
        self._keys = keys
        self._had = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(Keys(settings.namespace), settings.min_replicas, settings.replica_timeout_s)

    @property
    def lacking(self) -> str:
        """What was seen last, in words."""
        return f"{self._had} of the {self.n} replica(s) that LARDER_MIN_REPLICAS asks for have what was written"

    def send(self, redis: Redis, fill: Callable[[Pipeline], object], waiting: Callable[[], None] = lambda: None) -> list[Any]:
        """The answers to what `fill` puts into a pipeline, once replicas have it.

        `fill` is called again, for another pipeline, while they don't; `waiting` before that. Raises NotReplicatedError.
        """
        until = time.monotonic() + self._within_s
        while True:
            with redis.pipeline(transaction=False) as pipe:
                fill(pipe)
                answers, had = self._execute(pipe)
            if had >= self.n:
                return answers
            if time.monotonic() >= until:
                raise NotReplicatedError(
                    f"{self.lacking} after {self._within_s:g} s: look at the replicas (`INFO replication` of the primary), "
                    "or lower LARDER_MIN_REPLICAS"
                )
            waiting()

    def settle(self, redis: Redis) -> None:
        """Wait until replicas have all that this server was sent before. Raises NotReplicatedError. Nothing with `n` of 0."""
        if self.n:
            self.send(redis, lambda _pipe: None)

    def calls(self, scripts: Mapping[str, Script], waits: Collection[str], waiting: Callable[[], None] = lambda: None) -> dict[str, Call]:
        """The scripts; those named in `waits`, which may run twice, answer once replicas have what they did. `waiting`: of `send`."""
        return {name: self._call(script, waiting) if name in waits and self.n else script for name, script in scripts.items()}

    def _call(self, script: Script, waiting: Callable[[], None]) -> Call:
        def call(*, keys: Sequence[str], args: Sequence[Any]) -> Any:
            return self.send(cast(Redis, script.registered_client), lambda pipe: script(keys, args, pipe), waiting)[0]

        return call

    def _execute(self, pipe: Pipeline) -> tuple[list[Any], int]:
        """Answers, and how many replicas have it all: for `n` of 0 nobody asks."""
        if not self.n:
            return pipe.execute(), 0
        within_ms = max(1, min(ONE_WAIT_MS, int(self._within_s * 1000)))  # 0 would be for ever
        if isinstance(pipe, AcknowledgedParts):
            answers, self._had = pipe.acknowledged(self.n, within_ms, MARK_MS, self._keys.acknowledged_in)
            return answers, self._had
        pipe.set(self._keys.acknowledged_in(CONTROL_TAG), "", px=MARK_MS)
        pipe.wait(self.n, within_ms)
        *answers, _, self._had = pipe.execute()
        return answers, self._had
