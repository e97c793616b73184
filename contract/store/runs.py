"""What people see of a run: its stage and how far that is. Nothing is decided by it.

States: queued → running → dispatched (the shards are on their queue; the generation tells the rest), or failed;
from each of them → cancelled, which nothing changes any more.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from redis import Redis

from contract import errors
from contract.errors import GenerationFailedError, LarderError
from contract.formats.keys import Keys
from contract.formats.states import RunState

STAGES = ("load", "evaluate", "fit", "write", "dispatch")
KEEP_S = 7 * 86400
KEEP = 100
MOST_LOG = 8000  # characters
BY = "cancelled_by"  # the field that says so
STATE_FIELDS = ("state", BY)
_KIND = re.compile(r"[A-Z][A-Za-z]{0,60}")


def new_run_id() -> str:
    """Sorts by time of day for people; the sequence number, not this, orders generations."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


@dataclass(frozen=True, slots=True)
class RunStatus:
    run: str
    state: str
    stage: str
    done: int
    total: int
    message: str

    @property
    def why(self) -> str:
        """The message for people: without the name of one of our own errors, which says what to do itself."""
        _, mark, rest = self.message.partition(": ")
        return rest if mark and _own_error(self.message) else self.message

    def without_details(self) -> RunStatus:
        """For who may not change anything: of a failure its kind alone, since a message may quote what the trainer reads."""
        return replace(self, message=kind_of(self.message)) if self.state == RunState.FAILED else self


def state_of(state: str, cancelled_by: object) -> str:
    """The state of a run by its two fields STATE_FIELDS: a trainer that is just being stopped may write its state over that of the mark."""
    return state if cancelled_by is None else RunState.CANCELLED


def kind_of(message: str) -> str:
    """`DataError` of "DataError: ..."; "" of a message that names no kind."""
    kind = message.partition(":")[0]
    return kind if _KIND.fullmatch(kind) else ""


def failure(text: str, run: RunStatus) -> GenerationFailedError:
    """The error that says `text` of a run that failed; its exit code is that of what the run failed for."""
    error = GenerationFailedError(text)
    if kind := _own_error(run.message):
        error.exit_code = kind.exit_code
    return error


def _own_error(message: str) -> type[LarderError] | None:
    """The class that a message names, of contract/errors.py."""
    kind = getattr(errors, kind_of(message), None)
    return kind if isinstance(kind, type) and issubclass(kind, LarderError) else None


class Runs:
    """Writes and reads the progress of runs."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def queued(self, run: str, order: str | None = None) -> None:
        """Enter a run that has just been enqueued as the latest. `order`: of its job (contract/queue/enter_run.py), if it has one."""
        self.set(run, RunState.QUEUED)
        with self._redis.pipeline(transaction=True) as pipe:
            if order is not None:
                pipe.hset(self._keys.run(run), "order", order)
            pipe.lpush(self._keys.runs, run)
            pipe.ltrim(self._keys.runs, 0, KEEP - 1)
            pipe.execute()

    def latest(self) -> RunStatus | None:
        """The run that was enqueued last."""
        run = cast("bytes | None", self._redis.lindex(self._keys.runs, 0))
        return self.get(run.decode()) if run else None

    def order(self, run: str) -> str | None:
        """That of its job; None for one that had none."""
        raw = cast("bytes | None", self._redis.hget(self._keys.run(run), "order"))
        return None if raw is None else raw.decode()

    def newest(self, n: int = KEEP) -> list[RunStatus]:
        """The runs that are remembered, or `n` of them, newest first."""
        ids = cast("list[bytes]", self._redis.lrange(self._keys.runs, 0, n - 1))
        return [found for raw in ids if (found := self.get(raw.decode()))]

    def set(self, run: str, state: str, stage: str = "", done: int = 0, total: int = 0, message: str = "") -> str:
        """Who has cancelled the run, if someone has: then that is its state, and stays so. One that failed keeps its stage."""
        key = self._keys.run(run)
        what: dict[Any, Any] = {"state": state, "message": message}
        if stage or state != RunState.FAILED:
            what |= {"stage": stage, "done": done, "total": total}
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key, mapping=what)
            pipe.expire(key, KEEP_S)
            pipe.hget(key, BY)
            by = cast("bytes | None", pipe.execute()[-1])
        if by is None:
            return ""
        self.cancel(run, by.decode())
        return by.decode()

    def keep_log(self, run: str, text: str) -> None:
        """What its log said last, as far as that is worth keeping."""
        self._redis.hset(self._keys.run(run), "log", text[-MOST_LOG:])

    def log_of(self, run: str) -> str:
        """For who may change things alone: like the message of a failure it may quote what the trainer reads."""
        raw = cast("bytes | None", self._redis.hget(self._keys.run(run), "log"))
        return raw.decode(errors="replace") if raw else ""

    def cancel(self, run: str, by: str) -> None:
        """Mark it; contract/queue/cancelling.py does the rest."""
        self._redis.hset(self._keys.run(run), mapping={BY: by, "state": RunState.CANCELLED.value})

    def restore(self, run: str) -> None:
        """Take the mark back from a run that turns out to have ended before."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(self._keys.run(run), BY)
            pipe.hset(self._keys.run(run), "state", RunState.DISPATCHED.value)
            pipe.execute()

    def get(self, run: str) -> RunStatus | None:
        raw = cast("dict[bytes, bytes]", self._redis.hgetall(self._keys.run(run)))
        if not raw:
            return None
        field = {key.decode(): value.decode() for key, value in raw.items()}
        message = f"by {field[BY]}" if BY in field else field["message"]
        return RunStatus(
            run,
            state_of(field["state"], field.get(BY)),
            field.get("stage", ""),
            int(field.get("done", 0)),
            int(field.get("total", 0)),
            message,
        )
