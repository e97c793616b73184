"""Settings: parsed once, strictly, from a given environment; then frozen.

Every field is the environment variable LARDER_<FIELD> in capitals. An unknown LARDER_ variable is an error that names the
nearest known one, since a typo that is silently ignored costs a night.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from contract.errors import SettingsError

PREFIX = "LARDER_"
MIN_HALF_LIFE_DAYS = 0.001
TEST_PREFIX = "LARDER_TEST_"  # the tests' own variables

Similarity = Literal[
    "jaccard", "lift", "cosine", "inclusion index", "mutual information", "lexicographers mutual information", "cooccurrence"
]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class ModelSettings(BaseModel):
    """What decides the numbers: two runs with the same of these on the same interactions make the same lists."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["larder", "recommenders"] = Field("larder", description="Whose SAR: Larder's own, or that of the library.")
    similarity: Similarity = Field("jaccard", description="Item-item similarity from co-occurrence counts.")
    time_decay_days: float = Field(30.0, ge=0, description="Half-life of a weight in days; 0 turns decay off.")
    normalize: bool = Field(True, description="Map scores to the scale of the weights, as SAR's normalize does.")
    threshold: int = Field(1, ge=1, description="Co-occurrences below this count as none.")
    neighbors: int = Field(0, ge=0, le=10_000, description="Keep each item's N most similar items; 0 keeps all, which is exact SAR.")
    exclude_seen: bool = Field(True, description="Leave out items that the user has interacted with.")
    k: int = Field(10, ge=1, le=1000, description="Items in an answer when the request names no k.")
    depth: int = Field(0, ge=0, le=3000, description="Items stored for a user; 0 means 3 times k, to fill read-time exclusions.")

    @field_validator("time_decay_days")
    @classmethod
    def _half_life_of_a_minute(cls, value: float) -> float:
        if 0 < value < MIN_HALF_LIFE_DAYS:
            raise ValueError(f"a half-life is in days, {MIN_HALF_LIFE_DAYS:g} at the least; 0 turns decay off")
        return value

    @model_validator(mode="after")
    def _depth_holds_k(self) -> Self:
        if self.depth and self.depth < self.k:
            raise ValueError(f"depth is {self.depth}, less than k = {self.k}; store at least k, better 3 k")
        return self

    @property
    def stored_depth(self) -> int:
        return self.depth or 3 * self.k


class SourceSettings(BaseModel):
    """Where interactions and items come from, and how to read them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interactions: str = Field(
        "movielens-small",
        min_length=1,
        description="movielens-small, movielens-100k, -1m, -10m, -20m, synthetic:USERSxITEMSxINTERACTIONS, or a CSV or Parquet file.",
    )
    items: str = Field("", description="CSV with item metadata (an id column, a title column); empty: what the source brings.")
    separator: str = Field(",", min_length=1, max_length=1, description="Field separator of CSV files; \\t for a tab.")
    header: bool = Field(True, description="CSV files begin with a line of column names; else columns are user, item, weight, time.")
    user_column: str = Field("userID", min_length=1, description="Column of user ids.")
    item_column: str = Field("itemID", min_length=1, description="Column of item ids.")
    weight_column: str = Field("rating", description="Column of weights; empty: every interaction weighs 1.")
    time_column: str = Field("timestamp", description="Column of times in epoch seconds; empty: none, and no decay.")
    title_column: str = Field("title", min_length=1, description="Column of titles in the items file.")

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        if self.user_column == self.item_column:
            raise ValueError(f"user_column and item_column are both {self.user_column!r}")
        return self

    @field_validator("separator", mode="before")
    @classmethod
    def _tab(cls, value: Any) -> Any:
        return "\t" if value == "\\t" else value

    @field_validator("separator")
    @classmethod
    def _one_byte(cls, value: str) -> str:
        if not value.isascii():
            raise ValueError("expected one ASCII character")
        return value


class Settings(ModelSettings, SourceSettings):
    """All settings of all services: one environment configures a stack."""

    redis_url: str = Field("redis://localhost:6379/0", description="Redis that holds lists: redis://, rediss:// or unix://.")
    queue_url: str = Field("", description="Redis that holds the RQ queues (a single node); empty: the same as redis_url.")
    namespace: Name = Field("larder", description="Prefix of every key: several catalogues can live in one Redis.")
    artifacts: str = Field("file:///var/lib/larder/artifacts", pattern=r"^file:///", description="URL of the folder of artifacts.")
    max_memory_gb: float = Field(4.0, gt=0, description="What one process may use, in GiB: a larger model is refused before it is made.")
    shard_target_s: float = Field(5.0, gt=0, le=600, description="Seconds that one shard should take to score.")
    keep_generations: int = Field(1, ge=0, le=100, description="Complete generations kept besides the current and the previous one.")
    grace_s: int = Field(60, ge=5, le=86400, description="Seconds that an unreferenced generation lives on for readers that still use it.")
    job_timeout_s: int = Field(3600, ge=10, description="A job that takes longer is stopped and counts as failed.")
    job_retries: int = Field(3, ge=0, le=100, description="How often a job that failed or died is tried again.")
    lease_s: float = Field(6.0, ge=1, le=600, description="A job whose process has shown no life for this long is taken over.")
    failure_ttl_s: int = Field(7 * 86400, ge=60, description="How long RQ keeps what it knows of a failed job.")
    processes: int = Field(1, ge=1, le=1024, description="Worker processes that one `python -m worker` runs.")
    api_host: str = Field("0.0.0.0", description="Address that the API listens on.")  # noqa: S104 (a container's port is published by who runs it)
    api_port: int = Field(5000, ge=1, le=65535, description="Port that the API listens on.")
    api_workers: int = Field(2, ge=1, le=256, description="gunicorn workers.")
    api_threads: int = Field(4, ge=1, le=256, description="Threads of one gunicorn worker.")
    pointer_ttl_ms: int = Field(500, ge=0, le=1000, description="How long the API may believe a pointer that it has read.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least severe message that is logged.")

    @field_validator("redis_url", "queue_url")
    @classmethod
    def _redis_scheme(cls, value: str) -> str:
        if value:
            try:
                parts = urlsplit(value)
                known = value.startswith(("redis://", "rediss://", "unix://")) and parts.port != 0
            except ValueError:  # a port that is no number
                known = False
            if not known:
                raise ValueError("expected redis://host:port/db, rediss://... or unix:///path")
        return value

    @property
    def rq_url(self) -> str:
        return self.queue_url or self.redis_url

    @property
    def model(self) -> ModelSettings:
        return ModelSettings(**{name: getattr(self, name) for name in ModelSettings.model_fields})

    @property
    def source(self) -> SourceSettings:
        return SourceSettings(**{name: getattr(self, name) for name in SourceSettings.model_fields})

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], **options: object) -> Self:
        """Settings from `environ`, then from `options` (None: not given); raises SettingsError naming variable and value."""
        raw: dict[str, object] = {}
        for variable, value in environ.items():
            if not variable.startswith(PREFIX) or variable.startswith(TEST_PREFIX):
                continue
            name = variable.removeprefix(PREFIX).lower()
            if name not in cls.model_fields:
                near = difflib.get_close_matches(name, cls.model_fields, n=1, cutoff=0)
                raise SettingsError(f"{variable} is not a setting; the nearest is {PREFIX}{near[0].upper()}")
            raw[name] = value
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return cls.model_validate(raw | given)
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(item, given) for item in error.errors())) from None


def _explain(error: Any, options: Mapping[str, object]) -> str:
    reason = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return reason[:1].upper() + reason[1:]
    name = str(error["loc"][0])
    shown = f"--{name.replace('_', '-')}" if name in options else PREFIX + name.upper()
    value = hide_password(str(error["input"])) if name.endswith("_url") else repr(error["input"])
    return f"{shown}={value}: {reason[:1].lower() + reason[1:]}"


def hide_password(url: str) -> str:
    """`url` with the password, if it has one, as ***: what may stand in a log or an error. Works on what is no URL, too."""
    hidden = re.sub(r"(password=)[^&]*", r"\1***", url)
    scheme, mark, rest = hidden.rpartition("://") if hidden.count("://") == 1 else ("", "", hidden)
    user, at, host = rest.rpartition("@")  # the last one: a password that should have been quoted may hold more, or a slash
    return f"{scheme}{mark}{user.partition(':')[0]}:***@{host}" if at and ":" in user else hidden
