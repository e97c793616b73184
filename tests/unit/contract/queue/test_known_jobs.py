from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis
from rq.serializers import JSONSerializer

from contract.errors import UnknownJobError
from contract.formats.ids import is_generation_id
from contract.queue.known_jobs import CALLS, KnownJob

NOWHERE = Redis(port=1)  # never spoken to


def job(name: object, args: object = (), *, instance: object = None, kwargs: object = None, **fields: bytes) -> KnownJob:
    """As RQ reads it from its hash."""
    made = KnownJob("j1", connection=NOWHERE, serializer=JSONSerializer)
    data = json.dumps([name, instance, args, {} if kwargs is None else kwargs]).encode()
    made.restore({b"data": data, b"created_at": b"2026-01-01T00:00:00.000000Z", **{key.encode(): value for key, value in fields.items()}})
    return made


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("trainer.jobs.run", ["r1", {}]),
        ("trainer.jobs.run", ["20260101-000000-aaaa", {"k": 5, "normalize": False, "boosts": "A=2"}, "me", True, "ab12"]),
        ("trainer.jobs.diff", ["r1"]),
        ("trainer.jobs.erase", [54]),
        ("trainer.jobs.erase", ["a b"]),
        ("worker.jobs.score_shard", ["r1", 0]),
    ],
)
def test_what_larder_enqueues_is_carried_out(name: str, args: list[Any]) -> None:
    assert name in CALLS
    assert job(name, args).refusal() == ""


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("os.system", ["touch pwned"]),
        ("trainer.jobs.given_up", ["r1"]),
        (None, []),
        (["os.system"], []),
        ("trainer.jobs.run", []),
        ("trainer.jobs.run", ["r1"]),
        ("trainer.jobs.run", ["r1", {"k": {"deep": 1}}]),
        ("trainer.jobs.run", ["r1", {}, "", 1]),
        ("trainer.jobs.run", ["r1:shards", {}]),
        ("trainer.jobs.run", ["../../etc", {}]),
        ("trainer.jobs.run", ["r1", {}, "", False, "", "more"]),
        ("trainer.jobs.erase", [True]),
        ("trainer.jobs.erase", [1.5]),
        ("worker.jobs.score_shard", ["r1", -1]),
        ("worker.jobs.score_shard", ["r1", "0"]),
        ("worker.jobs.score_shard", {"generation": "r1", "shard": 0}),
    ],
)
def test_anything_else_fails_before_it_is_imported(name: object, args: object) -> None:
    with pytest.raises(UnknownJobError, match="who else writes to this Redis"):
        job(name, args).perform()


@pytest.mark.parametrize("more", [{"instance": "text"}, {"kwargs": {"shell": True}}])
def test_no_object_and_no_names_go_with_the_arguments(more: dict[str, Any]) -> None:
    assert job("trainer.jobs.diff", ["r1"], **more).refusal() != ""


def test_what_can_not_be_read_is_refused() -> None:
    made = KnownJob("j1", connection=NOWHERE, serializer=JSONSerializer)
    made.restore({b"data": b"\x80\x04pickle", b"created_at": b"2026-01-01T00:00:00.000000Z"})
    assert made.refusal() == "the job can't be read: it was not enqueued by Larder"


def test_callbacks_and_webhooks_are_not_read() -> None:
    names = {f"{kind}_callback_name": b"os.abort" for kind in ("success", "failure", "stopped")}
    made = job("trainer.jobs.diff", ["r1"], **names, webhooks=b'[{"url": "http://127.0.0.1:1/", "events": ["failed"]}]')
    assert (made.success_callback, made.failure_callback, made.stopped_callback, made.webhooks) == (None, None, None, [])


@pytest.mark.parametrize("text", ["20260101-000000-aaaa", "g1", "a.b_c-d", "x" * 64])
def test_an_id_of_a_generation(text: str) -> None:
    assert is_generation_id(text)


@pytest.mark.parametrize("text", ["", "g1:shards", "../x", ".hidden", "g1\n", "g 1", "é", "x" * 65, "{ctl}", "g1\x00"])
def test_what_is_no_such_id(text: str) -> None:
    assert not is_generation_id(text)
