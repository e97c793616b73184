"""Who is erased over HTTP is in no file, no key and no log of trainer and workers, once Redis has rewritten its append-only file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from tests.support.servers.api_process import ApiProcess
from tests.support.servers.redis_server import RedisServer
from tests.support.servers.services import Services, await_that
from tests.support.servers.zygote import Zygote

USER = "zq-nobody-else-7731"
KEY = "k" * 32
ADMIN = "a" * 32
EVERYTHING: dict[str, Any] = {
    "events": True, "impressions": 1, "explain_depth": 3, "find_users": True, "audience_depth": 10, "incremental": True, "fresh_days": 30,
}  # fmt: skip


@pytest.fixture
def stack(server: RedisServer, tmp_path: Path, zygote: Zygote) -> Iterator[Services]:
    """All that keeps something of users is on; their rows lie outside of the folder of the stack."""
    random, own = Random(3), tmp_path / "stack"
    own.mkdir()
    users = [*(f"user-{at}" for at in range(150)), USER]
    rows = (f"{user},item-{random.randrange(80)},{random.randrange(1, 6)},{17 * 10**8 + random.randrange(10**6)}\n" for user in users * 20)
    (tmp_path / "rows.csv").write_text("userID,itemID,rating,timestamp\n" + "".join(rows))
    options = {**EVERYTHING, "interactions": tmp_path / "rows.csv", "evaluate": False, "tune_unasked": False, "erasure_secret": "s" * 20}
    services = Services(server.url, own, zygote, **options)
    yield services
    services.close()


def naming(folder: Path) -> list[str]:
    """Files that hold the user's id."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and USER.encode() in path.read_bytes())


def keys_naming(stack: Services) -> list[bytes]:
    return sorted(key for key in stack.redis.scan_iter() if USER.encode() in key + held(stack, key))


def held(stack: Services, key: bytes) -> bytes:
    """All that is in it; the arguments of jobs, which RQ packs, as they were."""
    redis = stack.redis
    job = redis.hget(key, "data") if key.startswith(b"rq:job:") else None
    return zlib.decompress(job) if isinstance(job, bytes) else redis.dump(key) or b""


@pytest.mark.long
def test_who_is_erased_is_nowhere(stack: Services, server: RedisServer, tmp_path: Path) -> None:
    stack.redis.config_set("hash-max-listpack-value", 64)
    stack.redis.config_set("rdbcompression", "no")  # so that a dump shows what is in it
    stack.start("worker")
    stack.start("trainer", "serve")
    first = await_that(stack.generations.current, stack.logs).generation
    assert stack.run("run").returncode == 0
    await_that(lambda: ((now := stack.generations.current()) and now.generation != first) or None, stack.logs)
    with ApiProcess(server.url, LARDER_API_WRITE_KEYS=KEY, LARDER_API_ADMIN_KEYS=ADMIN, LARDER_EVENTS="1", LARDER_IMPRESSIONS="1") as api:

        def do_something() -> None:
            event = {"user_id": USER, "item_id": "item-3", "type": "view"}
            posted = requests.post(f"{api.url}/events", json={"events": [event]}, headers={"X-API-Key": KEY}, timeout=15)
            assert posted.status_code == 202, posted.text
            assert api.get(f"/users/{USER}/recommendations?k=5").status_code == 200

        do_something()
        events = tmp_path / "stack" / "artifacts" / ".events"
        await_that(lambda: naming(events) or None, stack.logs)
        do_something()  # which waits in Redis, or not
        assert naming(tmp_path / "stack")
        assert keys_naming(stack)
        erased = requests.delete(f"{api.url}/users/{USER}", headers={"X-API-Key": ADMIN}, timeout=15)
        assert erased.status_code == 202
        job = f"rq:job:{erased.json()['job']}"
        await_that(lambda: stack.redis.hget(job, "status") in (None, b"finished", b"failed") or None, stack.logs)
        assert stack.redis.hget(job, "status") == b"finished", stack.logs()
        assert api.get(f"/users/{USER}/recommendations").status_code == 404
    assert keys_naming(stack) == [job.encode()], "the job names its user until RQ forgets it"
    stack.redis.delete(job)
    assert naming(tmp_path / "stack") == []
    assert stack.run("export", "--to", str(tmp_path / "stack" / "lists.csv")).returncode == 0
    assert stack.run("backup", str(tmp_path / "stack" / "a.backup")).returncode == 0
    assert naming(tmp_path / "stack") == []
    assert naming(server.append_only_files("*.manifest")[0].parent), "what Redis has written before it was erased"
    server.rewritten_bytes(stack.redis)
    assert naming(server.append_only_files("*.manifest")[0].parent) == []
