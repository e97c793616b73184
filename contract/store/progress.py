"""How far a generation is, what became of it, and which are promoted in one step with it, as hashes in Redis say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self, cast

from redis import Redis

from contract.formats.keys import Keys
from contract.formats.manifest import MovedPointer
from contract.formats.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Progress:
    """`reason`: why it failed. `waits` and `because`: why it is complete and not promoted (lua/promote.lua). Times by Redis' clock."""

    generation: str
    state: str
    reason: str
    waits: str
    because: str
    forced_by: str
    n_shards: int
    shards_recorded: int
    users_written: int
    n_users: int
    lists_written: int
    listed: int
    similar_written: int
    n_similar: int
    sequence: int
    began_at_ms: int
    completed_at_ms: int | None
    promoted_at_ms: int | None

    @classmethod
    def of(cls, generation: str, raw: Mapping[bytes, bytes], shards_recorded: int) -> Self:
        def text(name: str) -> str:
            return raw.get(name.encode(), b"").decode()

        def number(name: str) -> int:
            return int(raw.get(name.encode(), b"0"))

        return cls(
            generation=generation,
            state=text("state"),
            reason=text("reason"),
            waits=text("waits"),
            because=text("because"),
            forced_by=text("forced_by"),
            n_shards=number("n_shards"),
            shards_recorded=shards_recorded,
            users_written=number("users_written"),
            n_users=number("n_users"),
            lists_written=number("lists_written"),
            listed=number("listed"),
            similar_written=number("similar_written"),
            n_similar=number("n_similar"),
            sequence=number("sequence"),
            began_at_ms=number("began_at_ms"),
            completed_at_ms=number("completed_at_ms") or None,
            promoted_at_ms=number("promoted_at_ms") or None,
        )

    @property
    def mean_listed(self) -> float:
        """Items in a list on average, of the users written so far: a generation's fill."""
        return self.listed / self.users_written if self.users_written else 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """A move of the pointer, or a hold. `how`: lua/promote.lua."""

    generation: str
    at_ms: int
    by: str
    how: str = ""


def left_behind(moves: Iterable[Event]) -> set[str]:
    """Generations that somebody went back from, and that nobody has promoted since. `moves` of the pointer, oldest first."""
    served: list[str] = []
    left: set[str] = set()
    for move in moves:
        if move.generation in served:
            at = served.index(move.generation) + 1
            left.update(served[at:])
            del served[at:]
        else:
            served.append(move.generation)
        left.discard(move.generation)
    return left


def seen_with(redis: Redis, keys: Keys, generation: str) -> tuple[MovedPointer | None, list[str]]:
    """What is current, and the other generations of which the promotion of `generation` has to know: its company, and what arms serve."""
    raw = cast("bytes | None", redis.get(keys.current))
    seen = MovedPointer.model_validate_json(raw) if raw else None
    arms = seen.experiment.get("arms", ()) if seen and seen.experiment else ()
    if not arms:
        return seen, []
    served = [arm["pointer"]["generation"] for arm in arms if arm.get("pointer")]
    return seen, list(dict.fromkeys([*company_of(redis, keys, generation), *served]))


def company_of(redis: Redis, keys: Keys, generation: str) -> list[str]:
    """The generations that are promoted with it; it may be one of them."""
    found = _verdict(redis, keys, generation)
    return sorted(set(found.company.values())) if found else []


def leader_of(redis: Redis, keys: Keys, generation: str) -> str:
    """The generation with which it is promoted; "" for one that is promoted by itself."""
    found = _verdict(redis, keys, generation)
    return found.leader if found else ""


def _verdict(redis: Redis, keys: Keys, generation: str) -> Verdict | None:
    raw = cast("bytes | None", redis.hget(keys.generation(generation), "verdict"))
    return Verdict.model_validate_json(raw) if raw else None
