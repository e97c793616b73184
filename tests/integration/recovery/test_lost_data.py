"""The append-only file of Redis is cut or damaged: what is served afterwards is whole, or nothing is served."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from contract.artifacts.artifact import open_artifact
from contract.formats.verdict import Verdict
from contract.larder import Larder
from contract.settings.settings import Settings
from tests.support.generation_maker import make_generation, n_lists, settings_for
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import many
from tests.support.servers.redis_server import RedisServer
from trainer.run.beginning import begin
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from worker.publishing import publish
from worker.shard import make_shard

N_CUTS = 12


@pytest.fixture
def settings(server: RedisServer, tmp_path: Path) -> Settings:
    return settings_for(server.url, f"file://{tmp_path}/artifacts")


def make(settings: Settings, generation: str) -> None:
    larder = Larder(settings)
    make_generation(larder.store, settings, generation)
    assert larder.generations.state(generation) == "current"


def written(server: RedisServer) -> int:
    """Bytes of what it holds: a running server may have some of them yet to write."""
    server.stop_gently()
    (file,) = server.append_only_files("*.incr.aof")
    server.start()
    return file.stat().st_size


def check_whole(larder: Larder) -> str:
    """What is served has all its lists; "" where nothing is."""
    pointer = larder.generations.current()
    if pointer is None:
        return ""
    manifest = larder.generations.manifest(pointer.generation)
    assert n_lists(larder.generations, pointer.generation) == (manifest.n_users, manifest.n_items)
    return pointer.generation


def test_what_is_served_after_the_append_only_file_was_cut_anywhere_is_whole(server: RedisServer, settings: Settings) -> None:
    larder = Larder(settings)
    make(settings, "g1")
    after_one = written(server)
    make(settings, "g2")
    server.stop_gently()
    (file,) = server.append_only_files("*.incr.aof")
    whole = file.read_bytes()
    random = Random(1)
    anywhere = [random.randrange(len(whole)) for _ in range(N_CUTS)]
    served = {}
    for size in [after_one // 2, after_one + (len(whole) - after_one) // 2, *anywhere, len(whole)]:
        file.write_bytes(whole[:size])
        server.start()
        served[size] = check_whole(larder)
        server.stop()
    in_order = [served[size] for size in sorted(served)]
    assert in_order == sorted(in_order), served  # nothing, then the first, then the second
    assert set(in_order) == {"", "g1", "g2"}


def test_zeros_in_the_append_only_file_stop_redis_with_the_tool_that_mends_it_and_what_is_before_them_is_served(
    server: RedisServer, settings: Settings
) -> None:
    make(settings, "g1")
    at = written(server) + 1000
    make(settings, "g2")
    server.stop_gently()
    (file,) = server.append_only_files("*.incr.aof")
    whole = file.read_bytes()
    file.write_bytes(whole[:at] + bytes(4096) + whole[at + 4096 :])
    with pytest.raises(AssertionError, match="check-aof"):
        server.start()
    file.write_bytes(whole[:at])  # as `redis-check-aof --fix` leaves it, but for half a command
    server.start()
    assert check_whole(Larder(settings)) == "g1"


def test_a_run_under_which_all_is_flushed_leaves_nothing_and_the_next_one_is_served_whole(settings: Settings) -> None:
    make(settings, "g1")
    larder = Larder(settings)
    make_artifact(RunSpec("g2", settings), interactions_of(many()), lambda *_: None)
    begin(settings, larder.generations, larder.erasure, "g2", Verdict(), token=None)
    artifact = open_artifact(settings.artifacts, "g2")
    publish(larder.generations, larder.erasure, make_shard(artifact, 0))
    made = make_shard(artifact, 1)
    larder.store.flushall()
    publish(larder.generations, larder.erasure, made)
    assert list(larder.store.scan_iter("*:g2:*")) == []
    assert (larder.generations.current(), larder.generations.ids()) == (None, [])
    make(settings, "g3")
    assert check_whole(larder) == "g3"
