"""A Redis server: version, what it does when it is full and when it restarts, how it packs hashes, its clock."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import cast

from redis import Redis
from redis.exceptions import ResponseError

from contract.store.condition import HOW, KEEPS, MAKE_ROOM, disk_trouble, persistence_of
from trainer.doctor.finding import Finding, fail, ok, warn

FLOOR = (6, 2)
CLOCK_OFF_S, CLOCK_WRONG_S = 2.0, 60.0


def look_at_server(redis: Redis, role: str, *, has_erased: bool = False) -> Iterator[Finding]:
    """`role`: what to call it. `has_erased`: it remembers erased users, who come back if it forgets."""
    yield _version(redis, role)
    yield _policy(redis, role)
    yield _append_only(redis, role, has_erased)
    if trouble := disk_trouble(persistence_of(redis)):
        yield fail(f"{role}: its disk", f"{trouble}; it may refuse writes", f"{MAKE_ROOM[:1].upper()}{MAKE_ROOM[1:]}")
    yield _clock(redis, role)


def setting_of(redis: Redis, *names: str) -> str | None:
    """The first of these parameters that the server has; None where it may not be asked, as at many providers."""
    for name in names:
        try:
            found = cast("dict[str | bytes, str | bytes]", redis.config_get(name))
        except ResponseError:  # no right to ask, or no such command
            return None
        for value in found.values():
            return value.decode() if isinstance(value, bytes) else str(value)
    return None


def _version(redis: Redis, role: str) -> Finding:
    info = redis.info("server")
    is_valkey = info.get("server_name") == "valkey"
    name, text = ("Valkey", str(info["valkey_version"])) if is_valkey else ("Redis", str(info["redis_version"]))
    version = tuple(int(number) for number in re.findall(r"\d+", text)[:2])
    if version < FLOOR:
        return fail(role, f"{name} {text}", "Larder needs version 6.2 or newer: upgrade the server")
    return ok(role, f"{name} {text}")


def _policy(redis: Redis, role: str) -> Finding:
    subject = f"{role}: when it is full"
    info = redis.info("memory")
    policy = str(info.get("maxmemory_policy") or setting_of(redis, "maxmemory-policy") or "")
    if policy == KEEPS:
        limit = int(info.get("maxmemory", 0))
        return ok(subject, "it refuses writes (noeviction)" + (f", beyond {limit / 2**20:,.0f} MiB" if limit else "; it has no limit"))
    if not policy:
        return warn(subject, "the server does not tell its maxmemory-policy", "Make sure that it is noeviction")
    return fail(subject, f"it deletes lists, without a word ({policy})", f"{HOW[:1].upper()}{HOW[1:]}")


def _append_only(redis: Redis, role: str, has_erased: bool) -> Finding:
    subject = f"{role}: when it restarts"
    info = redis.info("persistence")
    if "aof_enabled" not in info:
        return warn(subject, "the server does not tell whether it keeps an append-only file", "Make sure that it does: appendonly yes")
    if int(info["aof_enabled"]):
        return ok(subject, "it reads its append-only file again")
    advice = "Set appendonly yes in the server's configuration"
    if has_erased:
        return fail(subject, "it forgets what it holds, erased users too, who would come back with the next run", advice)
    return warn(subject, "it forgets what was written since its last snapshot, if it makes any", advice)


def _clock(redis: Redis, role: str) -> Finding:
    subject = f"{role}: its clock"
    before = time.time()
    seconds, microseconds = redis.time()
    after = time.time()
    there = seconds + microseconds / 1e6
    off = max(before - there, there - after, 0.0)  # what the round trip does not explain
    if off < CLOCK_OFF_S:
        return ok(subject, "it agrees with this machine's")
    what = f"it differs from this machine's by {off:,.0f} s"
    advice = "Set both clocks by NTP: ages, times of runs and signs of life of workers are told by them"
    return fail(subject, what, advice) if off >= CLOCK_WRONG_S else warn(subject, what, advice)
