"""Mixed traffic while processes of the API are killed and reloaded: what they hold does not grow. In full: LARDER_TEST_TRAFFIC_S=300."""

from __future__ import annotations

import os
import signal
import time
from statistics import median
from typing import NamedTuple

import psutil
import pytest
import requests
from redis import Redis

from contract.formats.keys import Keys
from tests.support.builders import Lists, promote_lists
from tests.support.depth import deeper
from tests.support.load import under_load
from tests.support.servers.api_process import ASK_TIMEOUT_S, ApiProcess, LoneApi, until

SECONDS = float(os.environ.get("LARDER_TEST_TRAFFIC_S", "60"))
EVERY_S = 5.0
REQUESTS_PER_S = 100
N_USERS = 1000
ALLOWED = {"first": 1.05, "worker": 1.5, "files": 1.0}  # a worker that is young, or has little to do, shares more with the first
SLACK = {"first": 2 * 2**20, "worker": 2 * 2**20, "files": 0}  # pages come and go
LISTS: Lists = {user: [(f"t0-{(user * 7 + at) % 500}", 9.0 - at / 8) for at in range(30)] for user in range(N_USERS)}
PATHS = (
    "/users/{user}/recommendations?k=5", "/users/{user}/recommendations?k=20&exclude=t0-1", "/users/nobody/recommendations", "/popular",
    "/items/t0-7/similar", "/items/t0-7", "/generations/current", "/health/ready", "/metrics", "/nowhere", "/", "/explore?user={user}",
)  # fmt: skip


class Held(NamedTuple):
    """Bytes that are a process's own, of gunicorn's first process and of a worker; open files of the first."""

    first: float
    worker: float
    files: int


def workers_of(api: ApiProcess) -> list[psutil.Process]:
    return psutil.Process(api.process.pid).children()


def held(api: ApiProcess) -> Held:
    first, workers = psutil.Process(api.process.pid), []
    for worker in workers_of(api):
        try:
            workers.append(worker.memory_full_info().uss)
        except psutil.Error:  # it has just ended
            continue
    return Held(first.memory_full_info().uss, median(workers), first.num_fds())


def disturb(api: ApiProcess, number: int) -> None:
    """Kill a worker, or have all of them replaced, in turn; until others are there."""
    workers = workers_of(api)  # and those that end, after they were replaced
    before = {worker.pid for worker in workers}
    if number % 2:
        max(workers, key=psutil.Process.create_time).kill()
    else:
        api.process.send_signal(signal.SIGHUP)
    until("there is a new worker", lambda: {worker.pid for worker in workers_of(api)} - before)


def ask_for_all(api: ApiProcess, number: int) -> None:
    """A process that is killed answers no more, which is not what is looked at here."""
    for path in PATHS:
        try:
            requests.get(api.url + path.format(user=number % N_USERS), timeout=ASK_TIMEOUT_S)
        except requests.ConnectionError:
            continue


@pytest.mark.long
@deeper
@pytest.mark.timeout(900)
def test_what_the_api_holds_is_flat(redis_server: str, store_redis: Redis) -> None:
    promote_lists(store_redis, Keys(), LISTS, generation="g1")
    measured: list[Held] = []
    with (
        LoneApi(redis_server, LARDER_API_WORKERS="2") as api,
        under_load(api.port, list(range(N_USERS)), REQUESTS_PER_S) as report,
    ):
        ends, number = time.monotonic() + SECONDS, 0
        while time.monotonic() < ends:
            due = time.monotonic() + EVERY_S
            while time.monotonic() < due:
                number += 1
                ask_for_all(api, number)
            measured.append(held(api))
            disturb(api, len(measured))
    assert report.n_requests > 0
    assert not report.mixed
    early, late = measured[len(measured) // 4 : len(measured) // 2], measured[-(len(measured) // 4) :]
    print(
        f"{report.n_requests} and {number * len(PATHS)} requests, {len(measured)} times killed or reloaded; failed: {len(report.failures)}"
    )
    for name in Held._fields:
        before, after = (median(getattr(one, name) for one in part) for part in (early, late))
        print(f"{name}: {before:,.0f} then {after:,.0f}")
        assert after <= ALLOWED[name] * before + SLACK[name], (name, measured)
