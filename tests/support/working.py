"""Jobs of a queue, carried out by RQ in the test's own process."""

from __future__ import annotations

from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from contract.queue.known_jobs import KnownJob


def work(queue: Queue) -> None:
    """All that wait, and what those enqueue."""
    worker = SimpleWorker([queue], connection=queue.connection, serializer=JSONSerializer, job_class=KnownJob)
    worker.work(burst=True, logging_level="ERROR")
