"""Redis can't read its files at its start: what `make up` says then names the file, and its command mends what can be mended."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from redis import Redis

from contract.errors import LarderError
from stack.paths import StackPaths
from stack.redis_server import what_can_not_be_read
from stack.startup import CrashLoopDetector
from stack.supervision.supervisor_client import Process
from tests.support.servers.redis_server import RedisServer

N = 100


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """With a base file of N keys, and as many in the file after it."""
    with RedisServer(appendonly="yes", appendfsync="everysec") as server, Redis.from_url(server.url) as client:
        for name in ("base", "later"):
            for at in range(N):
                client.set(f"{name}{at}", "x" * 1000)
            if name == "base":
                server.rewritten_bytes(client)
        server.stop_gently()
        yield server


def log_of_a_start(server: RedisServer) -> str:
    with pytest.raises(AssertionError) as caught:
        server.start()
    return str(caught.value)


def test_a_file_that_is_damaged_in_its_middle_is_named_with_the_command_that_mends_it(server: RedisServer) -> None:
    (file,) = server.append_only_files("*.incr.aof")
    whole = file.read_bytes()
    at = len(whole) // 2
    file.write_bytes(whole[:at] + bytes(4096) + whole[at + 4096 :])
    told = what_can_not_be_read(log_of_a_start(server), file.parent.parent)
    assert f"Redis can't read {file}" in told
    command = told.split("\n\n")[1]
    mended = subprocess.run(command, shell=True, input="y\n", capture_output=True, text=True, check=True)
    assert "Successfully truncated" in mended.stdout
    server.start()
    with Redis.from_url(server.url) as client:
        assert N + N // 2 - 10 < client.dbsize() <= N + N // 2


@pytest.mark.parametrize("pattern", ["*.base.rdb", "*.manifest"])
def test_a_file_that_nothing_mends_is_said_to_be_one(server: RedisServer, pattern: str) -> None:
    (file,) = server.append_only_files(pattern)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2].replace(b"seq", b"???"))
    told = what_can_not_be_read(log_of_a_start(server), file.parent.parent)
    assert "Move the folder away: Larder then starts with nothing" in told
    assert str(file.parent.parent) in told


def test_make_up_says_it(tmp_path_factory: pytest.TempPathFactory, server: RedisServer) -> None:
    (file,) = server.append_only_files("*.manifest")
    file.write_bytes(b"garbage\n")
    places = StackPaths(tmp_path_factory.mktemp("stack"), tmp_path_factory.mktemp("var"))
    places.prepare()
    places.log_of("redis").write_text(log_of_a_start(server))
    with pytest.raises(LarderError, match=r"(?s)the process redis dies again.*can't be mended\. Move the folder away.*`make up`"):
        CrashLoopDetector(places).look([Process("redis", "FATAL", 0, 0)])
