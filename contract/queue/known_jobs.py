"""The only jobs that a worker carries out. Whoever can write to the queue's Redis can name any function there; RQ would import it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rq.exceptions import DeserializationError
from rq.job import Job

from contract.errors import UnknownJobError
from contract.formats.ids import is_generation_id

TRAIN_JOB = "trainer.jobs.run"
DIFF_JOB = "trainer.jobs.diff"
ERASE_JOB = "trainer.jobs.erase"
COMPARE_JOB = "trainer.jobs.compare"
SCORE_JOB = "worker.jobs.score_shard"
HEAL_JOB = "worker.jobs.heal"
HEAL_SHARD_JOB = "worker.jobs.heal_shard"
HEAL_NAMED_JOB = "trainer.jobs.heal"
PUBLISH_JOB = "trainer.jobs.publish"
_SHOWN = 80

Check = Callable[[Any], bool]


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and is_generation_id(value)


def _is_options(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str | int | float | bool | None) for each in value.values())


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_user(value: Any) -> bool:
    return isinstance(value, str) or _is_whole(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_shard(value: Any) -> bool:
    return _is_whole(value) and value >= 0


CALLS: dict[str, tuple[int, tuple[Check, ...]]] = {
    TRAIN_JOB: (2, (_is_id, _is_options, _is_text, _is_flag, _is_text)),
    DIFF_JOB: (1, (_is_id,)),
    COMPARE_JOB: (1, (_is_id,)),
    ERASE_JOB: (1, (_is_user,)),
    SCORE_JOB: (2, (_is_id, _is_shard)),
    HEAL_JOB: (1, (_is_id,)),
    HEAL_SHARD_JOB: (2, (_is_id, _is_shard)),
    HEAL_NAMED_JOB: (1, (_is_id,)),
    PUBLISH_JOB: (1, (_is_id,)),
}
"""By name: how many arguments there must be at least, and what each is."""


class KnownJob(Job):
    """A job of `CALLS`, or one that fails before anything is imported. Callbacks and webhooks, which Larder has none of, are not read."""

    def restore(self, raw_data: Any) -> None:
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self._success_callback = self._failure_callback = self._stopped_callback = None  # type: ignore[assignment]
        self.webhooks = []

    def perform(self) -> Any:
        """Raises UnknownJobError for what is not of `CALLS`."""
        if reason := self.refusal():
            raise UnknownJobError(reason)
        return super().perform()

    def refusal(self) -> str:
        """Why this job is not carried out; "" where it is."""
        try:
            name, instance, args, kwargs = self.func_name, self.instance, self.args, self.kwargs
        except DeserializationError:
            return "the job can't be read: it was not enqueued by Larder"
        if not isinstance(name, str) or name not in CALLS:
            return f"{str(name)[:_SHOWN]!r} is not a job of Larder ({', '.join(CALLS)}): who else writes to this Redis?"
        least, checks = CALLS[name]
        fits = instance is None and kwargs == {} and isinstance(args, list | tuple) and least <= len(args) <= len(checks)
        if not fits or not all(check(value) for check, value in zip(checks, args, strict=False)):
            return f"the arguments of {name} are not what Larder enqueues: who else writes to this Redis?"
        return ""
