"""Waiting for Redis and for a promoted generation, with a bar per stage, and noticing what makes the wait hopeless."""

from __future__ import annotations

import time

from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console

from contract.errors import GenerationFailedError, LarderError
from contract.formats.keys import Keys
from contract.formats.manifest import Pointer
from contract.formats.states import GenerationState, RunState
from contract.store.connections import DISK_FAILS, says_disk
from contract.store.generations import Generations
from contract.store.progress import Progress as Scoring
from contract.store.runs import Runs, RunStatus, failure
from stack import redis_server
from stack.paths import StackPaths
from stack.supervision import programs
from stack.supervision.supervisor_client import Process, Supervisor
from trainer.cli.show.progress_bars import Show, shown

POLL_S = 0.2
SLOW_S = 15.0
NO_RUN_S = 600.0  # a trainer that has not begun a run by then never will; a busy or small machine needs minutes to load it
MAX_DEATHS = 3
LOG_LINES = 15
LOOKED_THROUGH = 500  # lines; a server that ends on a damaged file may print a long report
SLOW = "The trainer still starts: a busy or small machine needs minutes the first time"


class CrashLoopDetector:
    """Counts how often each process was replaced, since one that dies after a while is started again for ever."""

    def __init__(self, places: StackPaths) -> None:
        self._places = places
        self._pids: dict[str, set[int]] = {}

    def look(self, processes: list[Process]) -> None:
        """Raise LarderError for a process that supervisor has given up, or that has died again and again."""
        for process in processes:
            pids = self._pids.setdefault(process.name, set())
            if process.pid:
                pids.add(process.pid)
            if process.state == "FATAL" or len(pids) > MAX_DEATHS:
                log = self._places.log_of(process.name)
                is_redis = process.name == programs.REDIS
                why = redis_server.what_can_not_be_read(tail(log, LOOKED_THROUGH), self._places.redis) if is_redis else ""
                raise LarderError(
                    f"the process {process.name} dies again and again. The end of {log}:\n\n{tail(log)}\n\n"
                    f"{why or 'Fix this'}. Then run `make down`, and `make up`"
                )


def tail(path: object, n_lines: int = LOG_LINES) -> str:
    """The last lines of a log; what can't be read is said in its place."""
    try:
        with open(str(path), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-n_lines:]).rstrip()
    except OSError as error:
        return f"(can't be read: {error.strerror})"


def until_redis_answers(redis: Redis, supervisor: Supervisor, deaths: CrashLoopDetector, timeout_s: float = 60.0) -> None:
    """Return once PING is answered. A server that still loads its file says so, and is given all the time it needs."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            redis.ping()
        except RedisError as error:
            deaths.look(supervisor.processes())
            if says_disk(error):
                raise LarderError(f"Redis refuses writes: {DISK_FAILS}") from error
            if time.monotonic() > deadline and "loading" not in str(error).lower():
                raise LarderError(f"Redis does not answer: {error}; see its log with `make logs`") from error
            time.sleep(POLL_S / 2)
        else:
            return


class Watch:
    """Follows the run that leads to the first generation. `ignore` is a run that had failed before this start."""

    def __init__(self, redis: Redis, keys: Keys, supervisor: Supervisor, places: StackPaths, ignore: str = "") -> None:
        self._generations = Generations(redis, keys)
        self._runs = Runs(redis, keys)
        self._supervisor = supervisor
        self._deaths = CrashLoopDetector(places)
        self._places = places
        self._ignore = ignore

    def until_promoted(self, console: Console) -> Pointer:
        """The current generation, at once if there is one. Raises when the run fails or a process keeps dying."""
        if (pointer := self._generations.current()) is not None:
            return pointer
        with shown(console) as show:
            return self._follow(show, console)

    def _follow(self, show: Show, console: Console) -> Pointer:
        began, is_told = time.monotonic(), False
        while True:
            self._deaths.look(self._supervisor.processes())
            try:
                run, scoring, pointer = self._read()
            except RedisError:  # it may be restarting; if it can't, `deaths` says so
                time.sleep(POLL_S)
                continue
            show(run, scoring)
            if pointer is not None:
                return pointer
            self._refuse_failure(run, scoring)
            if run is None and not is_told and time.monotonic() - began > SLOW_S:
                console.print(SLOW, soft_wrap=True, highlight=False)
                is_told = True
            if run is None and time.monotonic() - began > NO_RUN_S:
                raise LarderError(f"no run has begun for {NO_RUN_S:.0f} s: see {self._places.log_of('trainer')}")
            time.sleep(POLL_S)

    def _read(self) -> tuple[RunStatus | None, Scoring | None, Pointer | None]:
        run = self._runs.latest()
        if run is not None and run.run == self._ignore:
            run = None
        # The pointer is read last, so that the bars are full when it is there.
        scoring = self._generations.progress(run.run) if run is not None else None
        return run, scoring, self._generations.current()

    def _refuse_failure(self, run: RunStatus | None, scoring: Scoring | None) -> None:
        if run is not None and run.state == RunState.CANCELLED:
            raise LarderError(f"the run {run.run} is cancelled, {run.message}: `make retrain` starts another")
        if run is not None and run.state == RunState.FAILED:
            raise failure(
                f"the run {run.run} failed: {run.message}\nDetails: {self._places.log_of('trainer')}. "
                "Larder runs and has nothing to serve: fix this, then `make retrain`, or `make down`",
                run,
            )
        if scoring is not None and scoring.state == GenerationState.FAILED:
            raise GenerationFailedError(
                f"the generation {scoring.generation} failed: {scoring.reason}\nDetails: {self._places.log_of('worker')}. "
                "Larder runs and has nothing to serve: fix this, then `make retrain`, or `make down`"
            )
