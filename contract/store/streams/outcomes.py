"""What became of what was shown, as it was last counted: for pages, which count nothing."""

from __future__ import annotations

from typing import cast

from redis import Redis

from contract.formats.keys import Keys
from contract.formats.outcomes.report import Outcomes

KEPT_S = 7 * 86_400  # of what nobody counts any more


def keep(redis: Redis, keys: Keys, found: Outcomes) -> None:
    redis.set(keys.outcomes, found.model_dump_json(), ex=KEPT_S)


def latest(redis: Redis, keys: Keys) -> Outcomes | None:
    raw = cast("bytes | None", redis.get(keys.outcomes))
    return None if raw is None else Outcomes.read(raw)
