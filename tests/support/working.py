"""Jobs of a queue, carried out by RQ in the test's own process."""

from __future__ import annotations

from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from contract.larder import Larder
from contract.queue.known_jobs import KnownJob
from trainer.service.healing import Healing


def work(queue: Queue) -> None:
    """All that wait, and what those enqueue."""
    worker = SimpleWorker([queue], connection=queue.connection, serializer=JSONSerializer, job_class=KnownJob)
    worker.work(burst=True, logging_level="ERROR")


def heal(larder: Larder) -> None:
    """What a trainer that finds lists lost, and workers, do about it."""
    healing = Healing(larder)
    while not larder.score_queue.count:
        next(healing._steps)
    work(larder.score_queue)
