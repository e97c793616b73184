"""Settings: parsed once, strictly, from a given environment; then frozen.

Every field is the environment variable LARDER_<FIELD> in capitals. An unknown LARDER_ variable is an error that names the
nearest known one, since a typo that is silently ignored costs a night.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, ValidationError, field_validator

from contract.errors import SettingsError
from contract.settings.api import ApiSettings
from contract.settings.drivers import DRIVERS
from contract.settings.engines.spark import SparkSettings
from contract.settings.events import EventSettings
from contract.settings.lists import ListSettings
from contract.settings.model import GateSettings, ModelSettings, Similarity
from contract.settings.notices import NoticeSettings
from contract.settings.service_links import is_service_link, warn_of_links
from contract.settings.source import CleaningSettings, SourceSettings
from contract.settings.stores.feeds import FeedSettings
from contract.settings.stores.redis import RedisSettings
from contract.settings.tuning import TuneSettings
from contract.text import words

__all__ = [
    "PREFIX",
    "TEST_PREFIX",
    "ApiSettings",
    "CleaningSettings",
    "EventSettings",
    "GateSettings",
    "ListSettings",
    "ModelSettings",
    "Settings",
    "Similarity",
    "SourceSettings",
    "TuneSettings",
    "hide_password",
]

PREFIX = "LARDER_"
CRON_FIELDS = 5
ALIKE = 0.61  # from here on a name may be a slip of the pen for another
TEST_PREFIX = "LARDER_TEST_"  # the tests' own variables

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class Settings(
    ApiSettings,
    FeedSettings,
    EventSettings,
    NoticeSettings,
    ModelSettings,
    SourceSettings,
    ListSettings,
    GateSettings,
    TuneSettings,
    RedisSettings,
    SparkSettings,
):
    """All settings of all services: one environment configures a stack."""

    namespace: Name = Field("larder", description="Prefix of every key: several catalogues can live in one Redis.")
    tenants: str = Field("", description="File of tenants, several catalogues in one deployment (docs/tenants.md); empty: one catalogue.")
    tenant: str = Field("", description="Which tenant of that file a command is about.")
    artifacts: str = Field(
        "file:///var/lib/larder/artifacts",
        pattern=r"^(file:///|(s3|gs|az)://[^/?#]+)",
        description="Where artifacts are: file:///folder, or an object store: s3://bucket/prefix?cache=/folder (docs/object-store.md).",
    )
    max_memory_gb: float = Field(
        4.0, gt=0, description="Memory that one process may use, in GiB. A run that needs more is refused before it fits a model."
    )
    shard_target_s: float = Field(5.0, gt=0, le=600, description="Seconds that one shard should take to score.")
    keep_waiting: int = Field(
        3, ge=1, le=100, description="How many of the newest generations that wait for a person are kept: under review, refused or held."
    )
    keep_generations: int = Field(1, ge=0, le=100, description="Complete generations kept besides the current and the previous one.")
    drivers: str = Field(
        "",
        description="What `make up` and the trainer's image install to read it: delta, iceberg, mysql, duckdb, clickhouse, bigquery, "
        "snowflake, sqlserver, objects (artifacts in an object store), tracing, kafka (events), spark (the engine), with commas between.",
    )
    grace_s: int = Field(60, ge=5, le=86400, description="Seconds that an unreferenced generation lives on for readers that still use it.")
    cron: str = Field("", description="When the trainer service trains by itself, as five cron fields: 0 3 * * *; empty: never.")
    run_sources: str = Field(
        "",
        description="What runs that are asked for by POST /runs may read besides the configured source: folders, beginnings of addresses, "
        "databases, with commas between, as in /data/shops,s3://bucket/shops,postgresql://host/shop; empty: nothing else.",
    )
    erasure_secret: SecretStr = Field(SecretStr(""), description="Secret of the HMACs by which erased users are remembered.")
    max_queued_runs: int = Field(
        10, ge=1, le=1000, description="Jobs that may wait on the trainer's queue. With more, POST /runs answers 409."
    )
    job_timeout_s: int = Field(3600, ge=10, description="A job that takes longer is stopped and counts as failed.")
    job_retries: int = Field(3, ge=0, le=100, description="How often a job that failed or died is tried again.")
    lease_s: float = Field(6.0, ge=1, le=600, description="A job whose process has not renewed its lease for this long is taken over.")
    failure_ttl_s: int = Field(7 * 86400, ge=60, description="How long RQ keeps what it knows of a failed job.")
    processes: int = Field(1, ge=1, le=1024, description="Worker processes that one `python -m worker` runs.")
    kernels: Literal["auto", "vector", "plain"] = Field(
        "auto",
        description="How dense similarities are summed: LLVM vector code, plain Numba at half the speed, or what suits the machine.",
    )
    pointer_ttl_ms: int = Field(
        500,
        ge=0,
        le=1000,
        description="How long the API may use a pointer without reading it again. All its processes follow a promotion after this time.",
    )
    stale_after_s: int = Field(0, ge=0, description="Age in seconds from which readiness and a metric call a generation stale; 0: never.")

    @field_validator("drivers")
    @classmethod
    def _known_drivers(cls, value: str) -> str:
        if unknown := [name for name in words(value) if name not in DRIVERS]:
            raise ValueError(f"{unknown[0]!r} is not one of {', '.join(DRIVERS)}")
        return value

    @field_validator("cron")
    @classmethod
    def _cron_fields(cls, value: str) -> str:
        if value:
            from croniter import croniter  # here: the API and the workers have no schedule

            if len(value.split()) != CRON_FIELDS or not croniter.is_valid(value):
                raise ValueError("expected five cron fields: minute, hour, day of month, month, day of week, as in 0 3 * * *")
            try:
                croniter(value).get_next()
            except ValueError:
                raise ValueError("expected five cron fields that some day has, as in 0 3 * * *") from None
        return value

    @property
    def model_settings(self) -> ModelSettings:
        return ModelSettings(**{name: getattr(self, name) for name in ModelSettings.model_fields})

    @property
    def gate(self) -> GateSettings:
        return GateSettings(**{name: getattr(self, name) for name in GateSettings.model_fields})

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
            if is_service_link(variable, value):
                warn_of_links()
                continue
            name = variable.removeprefix(PREFIX).lower()
            if name not in cls.model_fields:
                raise SettingsError(unknown(variable, list(cls.model_fields)))
            raw[name] = value
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return cls.model_validate(raw | given)
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(item, given) for item in error.errors())) from None


def unknown(variable: str, known: list[str]) -> str:
    if near := difflib.get_close_matches(variable.removeprefix(PREFIX).lower(), known, n=1, cutoff=ALIKE):
        return f"{variable} is not a setting; the nearest is {PREFIX}{near[0].upper()}"
    return (
        f"{variable} is not a setting, and none has a name like it: {PREFIX} is for settings alone (docs/settings.md), "
        "so call a variable of your own something else"
    )


SECRETS = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr}


def _explain(error: Any, options: Mapping[str, object]) -> str:
    reason = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return reason[:1].upper() + reason[1:]
    name = str(error["loc"][0])
    shown, told = f"--{name.replace('_', '-')}" if name in options else PREFIX + name.upper(), str if name.endswith("_url") else repr
    value = "***" if name in SECRETS | {"spark_conf"} else hide_password(told(error["input"]))
    return f"{shown}={value}: {reason[:1].lower() + reason[1:]}"


def hide_password(url: str) -> str:
    """`url` with the password, if it has one, as ***: what may stand in a log or an error. Works on what is no URL, too."""
    hidden = re.sub(r"(password=)[^&]*", r"\1***", url)
    scheme, mark, rest = hidden.rpartition("://") if hidden.count("://") == 1 else ("", "", hidden)
    user, at, host = rest.rpartition("@")  # the last one: a password that should have been quoted may hold more, or a slash
    return f"{scheme}{mark}{user.partition(':')[0]}:***@{host}" if at and ":" in user else hidden
