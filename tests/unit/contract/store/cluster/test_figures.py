"""What several servers say, as one: the fullest, the one that evicts, the one with the fewest replicas counts."""

from __future__ import annotations

from contract.store.cluster.address import N_SLOTS
from contract.store.cluster.figures import merged
from contract.store.condition import disk_trouble

HALF = N_SLOTS // 2


def test_the_fullest_server_says_how_much_more_there_is_room_for() -> None:
    told = [(HALF, {"used_memory": 100, "maxmemory": 1000}), (HALF, {"used_memory": 700, "maxmemory": 1000})]
    found = merged("memory", told)
    assert found["used_memory"] == 800
    assert found["maxmemory"] - found["used_memory"] == 600  # of which one half goes to the second server, which then is full


def test_a_server_without_a_limit_limits_nothing() -> None:
    told = [(HALF, {"used_memory": 100, "maxmemory": 0}), (HALF, {"used_memory": 100, "maxmemory": 200})]
    assert merged("memory", told)["maxmemory"] == 200 + 200
    assert not merged("memory", [(N_SLOTS, {"used_memory": 100, "maxmemory": 0})])["maxmemory"]


def test_one_server_that_evicts_is_enough() -> None:
    kept, evicting = {"used_memory": 1, "maxmemory_policy": "noeviction"}, {"used_memory": 1, "maxmemory_policy": "allkeys-lru"}
    assert merged("memory", [(HALF, kept), (HALF, evicting)])["maxmemory_policy"] == "allkeys-lru"
    assert merged("memory", [(HALF, kept), (HALF, kept)])["maxmemory_policy"] == "noeviction"


def test_a_server_without_slots_holds_nothing() -> None:
    told = [(N_SLOTS, {"used_memory": 10, "maxmemory": 100}), (0, {"used_memory": 99, "maxmemory": 100})]
    assert merged("memory", told)["used_memory"] == 10


def test_one_server_that_keeps_no_file_is_enough() -> None:
    assert merged("persistence", [(HALF, {"aof_enabled": 1}), (HALF, {"aof_enabled": 0})])["aof_enabled"] == 0


def test_one_server_whose_disk_takes_no_more_is_enough() -> None:
    well, full = {"aof_enabled": 1, "aof_last_write_status": "ok"}, {"aof_enabled": 1, "aof_last_write_status": "err"}
    assert disk_trouble(merged("persistence", [(HALF, well), (HALF, full)])) == "its append-only file can't be written"
    assert disk_trouble(merged("persistence", [(HALF, well), (HALF, well)])) == ""


def test_the_server_with_the_fewest_replicas_in_step_counts() -> None:
    one, none = {"connected_slaves": 1, "slave0": {"state": "online"}}, {"connected_slaves": 0}
    assert merged("replication", [(HALF, one), (HALF, none)]) == none


def test_of_the_rest_the_first_server_speaks() -> None:
    assert merged("server", [(HALF, {"redis_version": "7.2"}), (HALF, {"redis_version": "8.0"})]) == {"redis_version": "7.2"}
