"""Events of users in arms: a list is made anew from the artifact of the user's own generation."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from pydantic import SecretStr
from redis import Redis

from api.app import create_app
from contract.experiments.arms import arms_of
from contract.formats.keys import Keys
from contract.larder import Larder
from tests.support.servers.services import Services
from worker.fresh import Refresher

KEYS = Keys()
WRITE = "write-" + "k" * 16
USERS = range(8)


def overlays(redis: Redis, user: int) -> set[str]:
    """The generations for which the user's list was made anew."""
    return {field[1:].decode() for field in cast("list[bytes]", redis.hkeys(KEYS.fresh(user))) if field.startswith(b"l")}


@pytest.mark.long
def test_lists_are_made_anew_for_the_users_own_arm(services: Callable[..., Services], store_redis: Redis) -> None:
    made = services(interactions="synthetic:300x80x6000", events=True, shard_target_s=60)
    worker = made.start("worker")
    for _ in range(2):
        assert made.run("run", "--here", "--wait", "--force").returncode == 0, made.logs()
    worker.kill()  # what follows is this process' alone
    settings = made.settings.model_copy(update={"api_write_keys": SecretStr(WRITE), "pointer_ttl_ms": 0})
    larder, client = Larder(settings), create_app(settings).test_client()
    first, second = larder.generations.ids()
    larder.experiments.start({"current": 5000, first: 5000}, "anna")
    events = [{"user_id": user, "item_id": 3, "type": "buy"} for user in USERS]
    assert client.post("/events", json={"events": events}, headers={"X-API-Key": WRITE}).status_code == 202
    refresher = Refresher(larder)
    assert refresher.step() == len(USERS)
    served = larder.experiments.served()
    arms = served and arms_of(served)
    assert arms
    own = {user: arms.of_user(user).generation for user in USERS}
    assert set(own.values()) == {first, second}
    assert {user: overlays(store_redis, user) for user in USERS} == {user: {generation} for user, generation in own.items()}
    for user in USERS:
        answer = client.post("/recommendations", json={"user_id": user}).get_json()
        assert (answer["generation"], answer["freshness"]) == (own[user], "event")

    larder.experiments.stop()  # whoever comes back is due again
    assert refresher.step() == len(USERS)
    assert all(second in overlays(store_redis, user) for user in USERS)
