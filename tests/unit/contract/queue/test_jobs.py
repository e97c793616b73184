"""Jobs by name: what is enqueued can be imported and called with what it is given."""

from __future__ import annotations

import importlib
import inspect
import json
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from contract.queue import jobs
from contract.settings.settings import Settings

NOWHERE = Redis(port=1)  # never spoken to


class RecordingQueue(Queue):
    """Keeps what would be enqueued."""

    def __init__(self) -> None:
        super().__init__("score", connection=NOWHERE, serializer=JSONSerializer)
        self.calls: list[dict[str, Any]] = []

    def enqueue_call(self, func: Any, *_args: Any, **options: Any) -> Any:
        self.calls.append({"func": func, **options})
        return None

    def enqueue_many(self, job_datas: Any, *_args: Any, **_options: Any) -> Any:
        self.calls.extend({"func": data.func, "args": data.args, "job_id": data.job_id, "retry": data.retry} for data in job_datas)
        return []


def test_shards_are_enqueued_with_arguments_that_their_job_accepts() -> None:
    queue = RecordingQueue()
    assert jobs.enqueue_shards(queue, Settings(job_retries=2), "g1", [0, 3]) == 2
    assert [call["args"] for call in queue.calls] == [("g1", 0), ("g1", 3)]
    assert [call["job_id"] for call in queue.calls] == ["score-g1-0", "score-g1-3"]
    for call in queue.calls:
        assert call["retry"].max == 2
        assert_callable_with(call["func"], call["args"])


def test_a_run_is_enqueued_with_arguments_that_its_job_accepts() -> None:
    queue = RecordingQueue()
    jobs.enqueue_run(queue, Settings(job_retries=0), "r1", {"k": 5}, forced_by="me")
    (call,) = queue.calls
    assert (call["args"], call["job_id"], call["retry"]) == (("r1", {"k": 5}, "me", False), "run-r1", None)
    assert_callable_with(call["func"], call["args"])
    assert jobs.run_of(call["job_id"]) == "r1"


@pytest.mark.parametrize("enqueue", [jobs.enqueue_diff, jobs.enqueue_erase])
def test_the_other_jobs_of_the_trainer_are_no_runs(enqueue: Any) -> None:
    queue = RecordingQueue()
    enqueue(queue, Settings(), "54")
    (call,) = queue.calls
    assert_callable_with(call["func"], call["args"])
    assert jobs.run_of(call["job_id"]) is None
    assert "54" not in call["description"] or enqueue is jobs.enqueue_diff


def assert_callable_with(name: str, args: tuple[Any, ...]) -> None:
    module, _, function = name.rpartition(".")
    inspect.signature(getattr(importlib.import_module(module), function)).bind(*args)
    assert json.loads(json.dumps(args)) == list(args)


@pytest.mark.parametrize(("make", "name"), [(jobs.train_queue, "shop-train"), (jobs.score_queue, "shop-score")])
def test_queues_carry_the_namespace_and_json(make: Any, name: str) -> None:
    queue = make(NOWHERE, Settings(namespace="shop", job_timeout_s=77))
    assert (queue.name, queue.serializer, queue._default_timeout) == (name, JSONSerializer, 77)
