"""What experiments begin with: two generations that were promoted, and one that waits; and how lists are asked for."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from redis import Redis

from contract.formats.keys import Keys
from contract.formats.shard_record import ShardRecord
from contract.formats.verdict import Verdict
from contract.store.generations import Generations
from tests.support.builders import Lists, manifest_of, promote_lists, write_lists

KEYS = Keys()
LISTS: Lists = {user: [(10 + user, 2.0)] for user in range(8)}


def ask(client: FlaskClient, user: object, query: str = "", **more: object) -> dict[str, Any]:
    """The list of a user who has one."""
    answer = client.post(f"/recommendations{query}", json={"user_id": user, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def two_served(redis: Redis) -> Generations:
    """g2 is served, g1 was."""
    for name in ("g1", "g2"):
        promote_lists(redis, KEYS, LISTS, generation=name)
    return Generations(redis, KEYS)


def two_served_and_one_waiting(redis: Redis) -> Generations:
    """g2 is served, g1 was; g3 waits at the gate."""
    generations = two_served(redis)
    waiting(generations, "g3")
    return generations


def waiting(generations: Generations, name: str) -> None:
    manifest = manifest_of(LISTS, name)
    generations.begin(manifest, Verdict(passed=False, because="worse"))
    write_lists(generations.redis, KEYS, manifest, LISTS)
    generations.record_shard(name, 0, ShardRecord(len(LISTS), len(LISTS), len(LISTS), 7))
    assert generations.promote(name, "a test") == "refused"
