"""Why the last experiment that ended by itself did: kept for people, and for notices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from pydantic import BaseModel, ConfigDict, ValidationError
from redis import Redis

from contract.formats.keys import Keys


class Ending(BaseModel):
    """`arm`: the generation that was worse. `why` names it, and by what."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    experiment: str
    at_ms: int
    by: str
    arm: str
    why: str

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)


def last_ending(redis: Redis, keys: Keys) -> Ending | None:
    """None where none has ended by itself, or of a version that this one can't read."""
    raw = cast("bytes | None", redis.get(keys.experiment_ended))
    try:
        return Ending.model_validate_json(raw) if raw else None
    except ValidationError:
        return None
