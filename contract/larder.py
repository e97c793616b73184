"""All that one deployment keeps, opened once: settings, both roles of Redis, and the stores and queues on them."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Self

from redis import Redis
from rq import Queue

from contract.formats.keys import Keys
from contract.queue import jobs
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from contract.store.runs import Runs

PATIENT_S = 15.0  # of a service's connection to the queue, which waits for jobs on it


class Larder:
    """What a composition root opens, and passes on. Connects when it is first asked for something."""

    def __init__(self, settings: Settings, store: Redis | None = None, queue_timeout_s: float = 5.0) -> None:
        self.settings = settings
        self.keys = Keys(settings.namespace)
        self.store = connect(settings.redis_url) if store is None else store
        self._queue_timeout_s = queue_timeout_s

    @classmethod
    def from_environ(cls, **overrides: object) -> Self:
        """Raises SettingsError for a bad variable. `overrides` are settings by name; None leaves what the environment says."""
        return cls(Settings.from_environ(os.environ, **overrides))

    @classmethod
    def of_service(cls, settings: Settings) -> Self:
        """For a process that works on a queue."""
        return cls(settings, queue_timeout_s=PATIENT_S)

    @cached_property
    def queue_redis(self) -> Redis:
        """The Redis of the queues. A service waits on it for jobs, so that its connection is never that of the lists."""
        settings, is_patient = self.settings, self._queue_timeout_s == PATIENT_S
        if settings.rq_url == settings.redis_url and not is_patient:
            return self.store
        return connect(settings.rq_url, timeout_s=self._queue_timeout_s)

    @cached_property
    def generations(self) -> Generations:
        return Generations(self.store, self.keys, self.settings.pointer_ttl_ms)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self.store, self.keys)

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.store, self.keys)

    @cached_property
    def erasure(self) -> Erasure:
        return Erasure(self.store, self.keys, self.settings.erasure_secret.get_secret_value())

    @cached_property
    def train_queue(self) -> Queue:
        return jobs.train_queue(self.queue_redis, self.settings)

    @cached_property
    def score_queue(self) -> Queue:
        return jobs.score_queue(self.queue_redis, self.settings)
