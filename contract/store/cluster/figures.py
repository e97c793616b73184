"""What INFO says of several servers, as one: for who asks how full the store is, and how many replicas it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contract.store.cluster.address import N_SLOTS
from contract.store.condition import WRITES

SUMS = ("used_memory", "used_memory_rss", "used_memory_peak", "mem_fragmentation_bytes")


def merged(section: str, told: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """`told`: of each primary, how many slots it has, and what it says.

    Lists spread by slots, so the fullest server says how much more the cluster can take. The rest is of the first server, but for what
    counts where one of them has it: a policy that evicts, no append-only file, a disk that takes no more, the fewest replicas.
    """
    first = dict(told[0][1])
    if section == "memory":
        return first | _memory([(slots, info) for slots, info in told if slots])
    if section == "persistence" and all("aof_enabled" in info for _, info in told):
        failing = {name: "err" for _, info in told for name in WRITES if info.get(name, "ok") != "ok"}
        return first | failing | {"aof_enabled": min(int(info["aof_enabled"]) for _, info in told)}
    if section == "replication" and all("connected_slaves" in info for _, info in told):
        return min((info for _, info in told), key=lambda info: int(info["connected_slaves"]))
    return first


def _memory(told: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    found: dict[str, Any] = {name: sum(int(info[name]) for _, info in told) for name in SUMS if all(name in info for _, info in told)}
    limits = [(slots / N_SLOTS, int(info["maxmemory"]), int(info["used_memory"])) for slots, info in told if int(info.get("maxmemory", 0))]
    if limits:
        found["maxmemory"] = found["used_memory"] + int(min((limit - used) / share for share, limit, used in limits))
    if policies := [str(info["maxmemory_policy"]) for _, info in told if info.get("maxmemory_policy")]:
        found["maxmemory_policy"] = next((policy for policy in policies if policy != "noeviction"), policies[0])
    return found
