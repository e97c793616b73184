"""Events count in seconds: a real trainer, real workers and the API."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr
from redis import Redis

from api.app import create_app
from contract.formats.keys import Keys
from contract.larder import Larder
from contract.store.erasure import Erasure
from tests.support.servers.services import Services, await_that, children
from trainer.erasure.erase import erase
from worker.fresh import Refresher

KEYS = Keys()
WRITE = "write-" + "k" * 16
NEW = 90_001


def ask(client: FlaskClient, user: int) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/recommendations", json={"user_id": user}).get_json()
    return found


def send(client: FlaskClient, user: int, *items: int, kind: str = "buy") -> None:
    events = [{"user_id": user, "item_id": item, "type": kind} for item in items]
    assert client.post("/events", json={"events": events}, headers={"X-API-Key": WRITE}).status_code == 202


def items(answer: dict[str, Any]) -> list[int]:
    return [item["item_id"] for item in answer["items"]]


def overlay(redis: Redis, user: int) -> bytes:
    """The generations for which the user's list was made anew."""
    return b" ".join(field[1:] for field in cast("list[bytes]", redis.hkeys(KEYS.fresh(user))) if field.startswith(b"l"))


@pytest.mark.long
def test_from_an_event_to_a_list(services: Callable[..., Services], store_redis: Redis, tmp_path: Path) -> None:
    made = services(
        interactions="synthetic:300x80x6000", events=True, events_write_s=0.05, shard_target_s=60, k=5, depth=10, erasure_secret="a secret"
    )
    made.start("trainer", "serve")
    worker = made.start("worker")
    first = await_that(made.generations.current, f"a first generation; logs:\n{made.logs()}")
    settings = made.settings.model_copy(update={"api_write_keys": SecretStr(WRITE), "pointer_ttl_ms": 0})
    client = create_app(settings).test_client()

    assert client.post("/recommendations", json={"user_id": NEW}).status_code == 404
    began = time.monotonic()
    send(client, NEW, 3)
    await_that(lambda: client.post("/recommendations", json={"user_id": NEW}).status_code == 200, f"a list; logs:\n{made.logs()}")
    assert time.monotonic() - began < 30
    fresh = ask(client, NEW)
    assert (fresh["source"], fresh["freshness"], fresh["generation"], len(fresh["items"])) == ("personalized", "event", first.generation, 5)
    assert 3 not in items(fresh)

    before = ask(client, 7)
    send(client, 7, *items(before)[:2], kind="view")  # looked at: stays until the list is made anew, where it is met
    await_that(lambda: not set(items(before)[:2]) & set(items(ask(client, 7))), f"the list of 7 is made anew; logs:\n{made.logs()}")

    for pid in children(worker.pid):  # all of them, that which makes lists anew among them
        os.kill(pid, signal.SIGKILL)
    send(client, NEW, items(fresh)[0])
    await_that(lambda: not store_redis.zcard(KEYS.events("due")), f"nobody is due any more; logs:\n{made.logs()}")
    assert items(fresh)[0] not in items(ask(client, NEW))

    result = made.run("run", "--wait", "--force")  # a generation that knows nothing of the events
    assert result.returncode == 0, result.stdout + result.stderr + made.logs()
    second = made.generations.current()
    assert second is not None
    assert second.generation != first.generation
    await_that(lambda: second.generation.encode() in overlay(store_redis, NEW), f"folded in again; logs:\n{made.logs()}")
    await_that(lambda: ask(client, NEW)["generation"] == second.generation, "the API follows, and has a list at each moment")
    again = ask(client, NEW)
    assert (again["generation"], again["freshness"]) == (second.generation, "event")
    assert not {3, items(fresh)[0]} & set(items(again))

    assert erase(settings, store_redis, NEW, lambda: None).events == 2
    assert not store_redis.exists(KEYS.fresh(NEW), KEYS.did(NEW))
    assert client.post("/recommendations", json={"user_id": NEW}).status_code == 404


def test_lists_of_erased_users_are_not_made_anew(services: Callable[..., Services], store_redis: Redis) -> None:
    made = services(interactions="synthetic:300x80x6000", events=True, shard_target_s=60, erasure_secret="a secret")
    worker = made.start("worker")
    assert made.run("run", "--here", "--wait").returncode == 0, made.logs()
    worker.kill()  # what follows is this process' alone
    settings = made.settings.model_copy(update={"api_write_keys": SecretStr(WRITE), "pointer_ttl_ms": 0})
    client = create_app(settings).test_client()
    Erasure(store_redis, KEYS, "a secret").add(NEW)
    send(client, NEW, 3)
    send(client, 8, 3)
    assert Refresher(Larder(settings)).step() == 2
    assert not store_redis.exists(KEYS.fresh(NEW), KEYS.did(NEW))
    assert overlay(store_redis, 8)
    assert client.post("/recommendations", json={"user_id": NEW}).status_code == 404
