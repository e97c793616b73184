"""File → trainer → queue → worker → cluster → API: every part the real one, the queue on a Redis of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.formats import payload
from contract.formats.keys import bucket_of
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.cluster import Cluster
from tests.support.servers.services import Services
from tests.support.servers.zygote import Zygote

N_USERS = 200


@pytest.mark.long
def test_a_run_through_the_queue_is_served_verified_backed_up_and_restored(
    nodes: Cluster, redis_server: str, tmp_path: Path, zygote: Zygote
) -> None:
    data, kept = tmp_path / "events.csv", tmp_path / "larder.backup"
    data.write_text("user,item\n" + "".join(f"u{n % N_USERS},i{n * 7 % 60}\n" for n in range(3000)))
    stack = Services(nodes.url, tmp_path, zygote, queue_url=redis_server, evaluate=False, tune_unasked=False, interactions=data)
    try:
        stack.start("worker")
        ran = stack.run("run", "--here", "--wait")
        assert ran.returncode == 0, ran.stderr + stack.logs()
        pointer = stack.generations.current()
        assert pointer is not None
        assert pointer.n_users == N_USERS
        for command in (("verify",), ("status",), ("backup", str(kept))):
            said = stack.run(*command)
            assert said.returncode == 0, said.stdout + said.stderr
        nodes.empty()
        said = stack.run("restore", str(kept))
        assert said.returncode == 0, said.stdout + said.stderr
        with ApiProcess(nodes.url, LARDER_QUEUE_URL=redis_server) as api:
            for user in (f"u{at}" for at in range(0, N_USERS, 5)):
                raw = stack.redis.hget(stack.keys.recs(pointer.generation, bucket_of(user, pointer.n_user_buckets)), user)
                assert isinstance(raw, bytes)
                assert [item["item_id"] for item in api.ask(user).json()["items"]] == list(payload.decode(raw)[0][: pointer.k])
    finally:
        stack.close()
