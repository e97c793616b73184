"""`python -m worker`: loads and warms what a job needs, then forks RQ workers and keeps them alive. `python -m worker health`."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

from redis.exceptions import RedisError

from contract.command_exit import guarded
from contract.larder import Larder
from contract.machine import die_with_parent
from contract.queue.fair import FairWorker, of_all
from contract.queue.leases import LeasedWorker, n_alive_here, worker_name
from contract.queue.names import SCORE_QUEUE
from contract.settings.settings import Settings
from contract.store.connections import DISK_FAILS, explained, says_disk, says_full
from contract.store.removal import REDIS_IS_FULL, make_room
from contract.telemetry import level, tracing
from contract.telemetry.logs import log_to_stdout
from contract.tenants.file import TenantsFile
from engine import kernel_cache
from worker.tenants import ScoreTurns, counting, given_up_of

log = logging.getLogger("larder.worker")
RESTART_S = 1.0  # before a worker that died is replaced
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(arguments: list[str]) -> int:
    settings = Settings.from_environ(os.environ)
    log_to_stdout(settings)
    if arguments == ["health"]:
        return _health(settings)
    if arguments:
        print("usage: python -m worker [health]", file=sys.stderr)  # noqa: T201
        return 2
    tracing.check(settings)
    for number in STOP_SIGNALS:  # a stop while kernels compile is a stop; SystemExit would come out of the compiler as an error
        signal.signal(number, lambda _number, _frame: os._exit(0))
    _warm()
    whose = "queues of all tenants" if settings.tenants else f"queue {settings.namespace}-score"
    log.info("kernels are warm; starting %d worker process(es) on the %s", settings.processes, whose)
    return _supervise(settings)


def _warm() -> None:
    """Import and compile what the forks need. Not at the top: `health` is asked every few seconds, and Numba takes one to import."""
    kernel_cache.use(os.environ)
    from engine.ranking.warm import warm
    from worker import fresh, jobs  # noqa: F401

    warm()


def _supervise(settings: Settings) -> int:
    """Run `processes` forks of this warm process and replace what dies, until SIGTERM; then wait for the shards in hand."""
    context = multiprocessing.get_context("fork")
    stopping = threading.Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda _number, _frame: stopping.set())
    # Those who are forked later have it as it was when it was last good.
    file = TenantsFile(settings.tenants, os.environ) if settings.tenants else None
    who_counts = counting(settings, file)
    children: list[Any] = []
    refreshing: dict[Settings, list[Any]] = {}
    while not stopping.is_set():
        wanted = set(who_counts())
        for one in sorted(refreshing.keys() | wanted, key=lambda one: one in wanted):  # who is gone, or set anew, ends first
            _fill(refreshing.setdefault(one, []), int(one in wanted), partial(context.Process, target=_refresh, args=(one,)))
        _fill(children, settings.processes, lambda: context.Process(target=_work, args=(settings, file)))
        stopping.wait(RESTART_S)
    children += chain.from_iterable(refreshing.values())
    for child in children:
        child.terminate()
    for child in children:
        child.join()
    return 0


def _fill(children: list[Any], wanted: int, make: Callable[[], Any]) -> None:
    """Start as many processes as are missing; those that have died are let go, and those too many are ended."""
    children[:] = [child for child in children if child.is_alive()]
    for child in children[wanted:]:
        child.terminate()
    while len(children) < wanted:
        children.append(make())
        # Held back until the fork has handlers of its own: with this process' it would only set a copy of the event.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        children[-1].start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _refresh(settings: Settings) -> None:
    """Make lists of single users anew, until it is told to stop: what is half done is done again."""
    from worker.fresh import refresh

    _begin()
    refresh(Larder(settings))


def _begin() -> None:
    """What a fork does first."""
    die_with_parent()
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _work(settings: Settings, file: TenantsFile | None) -> None:
    """One RQ worker, until it is told to stop."""
    _begin()
    larder = Larder(settings, waits_for_jobs=True)

    name = worker_name(f"{os.getpid()}.{time.time_ns()}")
    try:
        worker = _worker(larder, file, name, lambda: level.follow(larder.store, larder.keys, settings))
        worker.work(logging_level=settings.log_level)
    except RedisError as error:
        if says_disk(error):
            log.error("no worker can begin: Redis refuses writes, since %s (%s)", DISK_FAILS, error)
            sys.exit(1)
        if not says_full(error):
            raise
        log.error("no worker can begin: %s (%s)", REDIS_IS_FULL, error)
        if generation := make_room(larder.generations):
            log.error("generation %s is given up", generation)
        sys.exit(1)


def _worker(larder: Larder, file: TenantsFile | None, name: str, on_beat: Callable[[], object]) -> LeasedWorker:
    settings = larder.settings
    if file is not None:
        return FairWorker(ScoreTurns(file, larder), settings, name, service="larder-worker", on_beat=on_beat)
    return LeasedWorker(larder.score_queue, settings, name, given_up_of(larder), service="larder-worker", on_beat=on_beat)


def _health(settings: Settings) -> int:
    """0 if as many RQ workers of this host are registered as should run here."""
    with explained(settings.rq_url):
        larder = Larder(settings)
        alive = n_alive_here(of_all(settings, SCORE_QUEUE, larder.queue_redis) if settings.tenants else larder.score_queue)
    print(f"{alive} of {settings.processes} worker processes are alive")  # noqa: T201
    return 0 if alive >= settings.processes else 1


if __name__ == "__main__":
    sys.exit(guarded("worker", lambda: main(sys.argv[1:]), trace_to_stderr=True))
