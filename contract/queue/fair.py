"""An RQ worker on the queues of all tenants: one job of each in turn, each done in a process that is that tenant's alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.worker_registration import clean_worker_registry, register

from contract.formats.keys import Keys
from contract.queue.leases import LeasedWorker
from contract.queue.takeover import put_back_undelivered, take_over_dead
from contract.settings.settings import Settings

GivenUp = Callable[[str, list[Any], str], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """One tenant's part in it. `enter`: called in the process of a job, before it is carried out."""

    queue: Queue
    keys: Keys
    given_up: GivenUp
    enter: Callable[[], object]


class FairWorker(LeasedWorker):
    """After a job of a tenant all others have their turn before its next one. `turns` may change meanwhile, and is never empty."""

    def __init__(self, turns: Callable[[], Mapping[str, Turn]], settings: Settings, name: str, **more: Any) -> None:
        """`turns`: by the name of the queue; asked for every few seconds."""
        self._turns_now, self._turns = turns, dict(turns())
        first = next(iter(self._turns.values()))
        self._of_all = of_all(settings, first.queue.name.rpartition("-")[2], first.queue.connection)
        super().__init__(first.queue, settings, name, lambda _job, _args, _reason: None, **more)
        self._listen()

    def _listen(self) -> None:
        """Go on where the round was: who is new comes last."""
        wanted = {name: turn.queue for name, turn in self._turns.items()}
        had = [queue.name for queue in self._ordered_queues if queue.name in wanted]
        self._ordered_queues = [wanted[name] for name in [*had, *(name for name in wanted if name not in had)]]
        self.queues = list(wanted.values())

    def queue_names(self) -> list[str]:
        """What it is listed by, too, whatever the file of tenants says by now."""
        return [*super().queue_names(), self._of_all.name]

    def clean_registries(self) -> None:
        super().clean_registries()  # type: ignore[no-untyped-call]
        clean_worker_registry(self._of_all)

    def reorder_queues(self, reference_queue: Queue) -> None:
        """As RQ's round robin: who had a turn is last now."""
        queues = self._ordered_queues
        if reference_queue in queues:
            after = queues.index(reference_queue) + 1
            self._ordered_queues = queues[after:] + queues[:after]

    def see_to_dead(self) -> None:
        turns = dict(self._turns_now())
        is_new = set(turns) != set(self._turns)
        self._turns = turns
        if is_new:
            self._listen()
            register(self)
        for turn in busy(self.connection, list(self._turns.values())):
            take_over_dead(turn.queue, turn.keys, self._lease_ms, [self._give_up])
            put_back_undelivered(turn.queue, turn.keys, self._lease_ms)

    def keys_of(self, queue: Queue) -> Keys:
        return self._turns[queue.name].keys

    def given_up(self, job: Job, reason: str) -> None:
        if turn := self._turns.get(job.origin or ""):
            turn.given_up(job.id, list(job.args or ()), reason)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        self._turns[queue.name].enter()
        return super().perform_job(job, queue, execution)


def of_all(settings: Settings, role: str, redis: Redis) -> Queue:
    """No job is ever on it. Workers of all tenants are listed by its name, so that they are counted without the file of tenants."""
    return Queue(f"{settings.namespace}:tenants-{role}", connection=redis)


def busy(redis: Redis, turns: list[Turn]) -> list[Turn]:
    """Those that have jobs in hand, by one round trip."""
    with redis.pipeline(transaction=False) as pipe:
        for turn in turns:
            pipe.zcard(turn.queue.started_job_registry.key)
            pipe.llen(turn.queue.intermediate_queue.key)
        counts = pipe.execute()
    return [turn for turn, running, taken in zip(turns, counts[::2], counts[1::2], strict=True) if running or taken]
