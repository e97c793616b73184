"""Replicas of the store: as many as LARDER_MIN_REPLICAS waits for, and whether anybody waits for those that are there."""

from __future__ import annotations

from redis import Redis

from contract.settings.settings import Settings
from trainer.doctor.finding import Finding, fail, ok, warn

SUBJECT = "Redis: its replicas"


def look_at_replicas(redis: Redis, settings: Settings) -> Finding:
    found = redis.info("replication")
    if "connected_slaves" not in found:
        return warn(SUBJECT, "the server does not tell how many it has", "Look at them in the provider's console")
    n = sum(1 for at in range(int(found["connected_slaves"])) if _is_in_step(found.get(f"slave{at}")))
    wanted = settings.min_replicas
    if n < wanted:
        what = f"{n} in step, and LARDER_MIN_REPLICAS is {wanted}: no shard is recorded, and no run begins"
        return fail(SUBJECT, what, "Bring the replicas back, or lower LARDER_MIN_REPLICAS")
    if n and not wanted:
        advice = "Set LARDER_MIN_REPLICAS=1 for trainer and workers, or let lists that a failover took be made again"
        return warn(SUBJECT, f"{n} in step, and nobody waits for them: a failover may take what was just written", advice)
    return ok(SUBJECT, f"{n} in step, {wanted} are waited for" if n else "none, and none is waited for")


def _is_in_step(replica: object) -> bool:
    return isinstance(replica, dict) and replica.get("state") == "online"
