"""All that one deployment keeps, opened once: settings, both roles of Redis, and the stores and queues on them."""

from __future__ import annotations

import os
import signal
from functools import cached_property
from typing import Self

from redis import Redis
from rq import Queue

from contract.audit import Audit
from contract.experiments.moves import Experiments
from contract.formats.keys import Keys
from contract.machine import die_with_parent
from contract.queue import jobs
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from contract.store.replicas.acknowledged import Acknowledged
from contract.store.runs import Runs
from contract.telemetry.logs import log_to_stdout

SUBSCRIBED_S = 30  # between signs of life on a service's subscription, by which it is told to stop a job: nothing else comes there for days
PATIENCE_S = 15.0  # of a service's connection to the queue, on which it waits for jobs


class Larder:
    """What a composition root opens, and passes on. Connects when it is first asked for something."""

    def __init__(self, settings: Settings, *, waits_for_jobs: bool = False) -> None:
        """`waits_for_jobs`: for a process that works on a queue. Its connection to that is never the one to the lists."""
        self.settings = settings
        self.keys = Keys(settings.namespace)
        self.store = connect(settings.redis_url)
        self._waits_for_jobs = waits_for_jobs

    @classmethod
    def from_environ(cls, **overrides: object) -> Self:
        """Raises SettingsError for a bad variable. `overrides` are settings by name; None leaves what the environment says."""
        return cls(Settings.from_environ(os.environ, **overrides))

    @classmethod
    def sharing(cls, settings: Settings, store: Redis, queue_redis: Redis) -> Self:
        """One of several on the same connections."""
        larder = cls(settings)
        larder.store, larder.queue_redis = store, queue_redis
        return larder

    @classmethod
    def beside_a_service(cls) -> Self:
        """For a process that a service starts beside itself, and that ends with it. SIGTERM ends it at once, as good as killed: what is
        half done is done again."""
        settings = Settings.from_environ(os.environ)
        log_to_stdout(settings)
        die_with_parent()
        signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
        return cls(settings)

    @cached_property
    def queue_redis(self) -> Redis:
        """The Redis of the queues."""
        settings = self.settings
        if self._waits_for_jobs:
            return connect(settings.rq_url, timeout_s=PATIENCE_S, health_check_interval=SUBSCRIBED_S)
        return self.store if settings.rq_url == settings.redis_url else connect(settings.rq_url)

    @cached_property
    def generations(self) -> Generations:
        return Generations(self.store, self.keys, self.settings.pointer_ttl_ms, self.acknowledged)

    @cached_property
    def acknowledged(self) -> Acknowledged:
        """What waits for replicas, where LARDER_MIN_REPLICAS asks for some."""
        return Acknowledged.of(self.settings)

    @cached_property
    def experiments(self) -> Experiments:
        return Experiments(self.generations)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self.store, self.keys)

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.store, self.keys)

    @cached_property
    def erasure(self) -> Erasure:
        return Erasure(self.store, self.keys, self.settings.erasure_secret.get_secret_value(), self.acknowledged)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.store, self.keys, self.settings.audit_entries)

    @cached_property
    def train_queue(self) -> Queue:
        return jobs.train_queue(self.queue_redis, self.settings)

    @cached_property
    def score_queue(self) -> Queue:
        return jobs.score_queue(self.queue_redis, self.settings)
