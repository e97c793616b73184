"""What is remembered of runs beyond their generations: a small record each, for a year, of the newest MOST at the most."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis import Redis

from contract.formats.beyond import Segments
from contract.formats.evaluation import Against, Evaluation, Figures
from contract.formats.keys import Keys
from contract.formats.manifest import Manifest
from contract.formats.verdict import Compared, Verdict

KEEP_S = 365 * 86400
MOST = 1000
DECIMALS = 6


class RunRecord(BaseModel):
    """A run that made a generation. `settings`: those of its model that are not the default ones."""

    model_config = ConfigDict(frozen=True)

    run: str
    trained_at: str = Field(description="UTC, ISO 8601")
    data_until: str | None
    source: str
    settings: dict[str, Any]
    n_users: int
    n_items: int
    n_interactions: int
    seconds: float = Field(description="from its beginning to its shards on the queue")
    k: int | None = Field(None, description="at which it was measured; None: it was not")
    split: str | None = None
    model: dict[str, float] = Field({}, description="measures of the model, those beyond accuracy among them")
    popularity: dict[str, float] = Field({}, description="measures of popularity alone")
    n_measured: int = Field(0, description="users that were measured")
    errors: dict[str, float] = Field({}, description="standard errors of the model's measures")
    segments: Segments | None = None
    against: Against | None = Field(None, description="the model that was served, on the same events")
    passed: bool = Field(description="whether the gate let it pass")
    because: str = Field("", description="why the gate refused it, or left it to a person")
    warnings: tuple[str, ...] = ()
    compared: tuple[Compared, ...] = Field((), description="figures that the gate has a limit for; none of an older version")

    @classmethod
    def of(cls, manifest: Manifest, verdict: Verdict, seconds: float) -> Self:
        measured = Figures.of(manifest).evaluation
        figures: dict[str, Any] = {}
        if isinstance(measured, Evaluation):
            model = {**measured.model.model_dump(), **(measured.beyond.model_dump() if measured.beyond else {})}
            figures = {"k": measured.k, "split": measured.split, "model": _rounded(model)}
            figures["popularity"] = _rounded(measured.popularity.model_dump())
            figures["errors"] = _rounded(measured.errors.model_dump()) if measured.errors else {}
            figures |= {"n_measured": measured.n_users_evaluated, "segments": measured.segments, "against": measured.against}
        return cls(
            run=manifest.generation,
            trained_at=manifest.trained_at,
            data_until=manifest.data_until,
            source=manifest.source,
            settings=manifest.settings.model_dump(mode="json", exclude_defaults=True),
            n_users=manifest.n_users,
            n_items=manifest.n_items,
            n_interactions=manifest.n_interactions,
            seconds=round(seconds, 2),
            passed=verdict.passed,
            because=verdict.because or verdict.doubt,
            warnings=verdict.warnings,
            compared=verdict.compared,
            **figures,
        )


class History:
    """One for a namespace."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis, self._keys, self._times = redis, keys, f"{keys.history}:times"

    def add(self, record: RunRecord) -> None:
        """Keep it, in place of an earlier try of the same run; what is older than a year, or more than MOST, goes."""
        at = datetime.fromisoformat(record.trained_at).timestamp()
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(self._keys.history, record.run, record.model_dump_json(exclude_defaults=True))
            pipe.zadd(self._times, {record.run: at})
            pipe.zrange(self._times, "-inf", f"({at - KEEP_S}", byscore=True)
            pipe.zrange(self._times, 0, -MOST - 1)
            *_, old, many = pipe.execute()
        if gone := {*cast("list[bytes]", old), *cast("list[bytes]", many)}:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.hdel(self._keys.history, *gone)
                pipe.zrem(self._times, *gone)
                pipe.execute()

    def newest(self, n: int = MOST) -> list[RunRecord]:
        """The newest `n`, newest first. A record of another version's form is left out."""
        runs = cast("list[bytes]", self._redis.zrange(self._times, 0, n - 1, desc=True))
        found = cast("list[bytes | None]", self._redis.hmget(self._keys.history, [run.decode() for run in runs])) if runs else []
        return [record for raw in found if raw and (record := _read(raw))]


def _read(raw: bytes) -> RunRecord | None:
    try:
        return RunRecord.model_validate_json(raw)
    except ValidationError:
        return None


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(figure, DECIMALS) for name, figure in figures.items()}
