"""As dagster: assets, of which those that others take as arguments are made first."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RetryPolicy:
    max_retries: int
    delay: float


@dataclass
class Failure(Exception):  # noqa: N818 (Dagster's own name)
    description: str
    allow_retries: bool = True

    def __str__(self) -> str:
        return self.description


@dataclass
class MaterializeResult:
    metadata: dict[str, Any]


@dataclass
class Asset:
    function: Callable[..., Any]
    policy: RetryPolicy

    @property
    def name(self) -> str:
        return self.function.__name__


@dataclass
class Job:
    name: str
    selection: Sequence[Asset]
    tried: list[str] = field(default_factory=list)

    def execute_in_process(self) -> dict[str, Any]:
        """What each asset returned, by its name."""
        returned: dict[str, Any] = {}
        waiting = list(self.selection)
        while waiting:
            one = next(one for one in waiting if set(inspect.signature(one.function).parameters) <= returned.keys())
            waiting.remove(one)
            given = {name: returned[name] for name in inspect.signature(one.function).parameters}
            returned[one.name] = self._try(one, given)
        return returned

    def _try(self, one: Asset, given: dict[str, Any]) -> Any:
        for left in range(one.policy.max_retries, -1, -1):
            self.tried.append(one.name)
            try:
                return one.function(**given)
            except Failure as failure:
                if not left or not failure.allow_retries:
                    raise
        return None


@dataclass(frozen=True)
class ScheduleDefinition:
    job: Job
    cron_schedule: str


@dataclass(frozen=True)
class Definitions:
    assets: Sequence[Asset]
    jobs: Sequence[Job]
    schedules: Sequence[ScheduleDefinition]


def asset(*, retry_policy: RetryPolicy) -> Callable[[Callable[..., Any]], Asset]:
    return lambda function: Asset(function, retry_policy)


def define_asset_job(name: str, selection: Sequence[Asset]) -> Job:
    return Job(name, selection)
