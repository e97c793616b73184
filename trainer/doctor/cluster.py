"""A Redis Cluster: whether each slot has a server, and whether the others go on when one has not."""

from __future__ import annotations

from collections.abc import Iterator

from contract.store.cluster.address import N_SLOTS
from contract.store.cluster.client import ClusterRedis
from trainer.doctor.finding import Finding, fail, ok, warn
from trainer.doctor.server import setting_of

SUBJECT = "Redis: its cluster"


def look_at_cluster(redis: ClusterRedis) -> Iterator[Finding]:
    told = redis.cluster_state()
    n_ok, state = int(told.get("cluster_slots_ok", 0)), told.get("cluster_state", "unknown")
    if n_ok < N_SLOTS or state != "ok":
        what = f"its state is {state}, and {N_SLOTS - n_ok:,} of {N_SLOTS:,} slots have no server: whose lists are there gets status 503"
        yield fail(SUBJECT, what, "Bring the lost servers back, or give their slots to others: `redis-cli --cluster fix`")
    else:
        yield ok(SUBJECT, f"{len(redis.servers())} primaries have all {N_SLOTS:,} slots")
    if setting_of(redis, "cluster-require-full-coverage") == "yes":
        what = "one primary that is away stops all of them (cluster-require-full-coverage yes)"
        yield warn(f"{SUBJECT}, when a server is away", what, "Set cluster-require-full-coverage no: then only users of its slots wait")
