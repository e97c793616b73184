"""Fifty retrains in a row: nothing grows, in Redis, on the disk and in the services. `make soak`; too long for every day."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from rich.table import Table

from tests.support.servers.redis_server import RedisServer
from tests.support.servers.services import Services, await_that

N_RETRAINS = int(os.environ.get("LARDER_TEST_RETRAINS", "50"))
SETTLED_AFTER = 10
ALLOWED = 1.05
FEW = 3  # open files: connections come and go


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer(appendonly="yes") as server:
        yield server


@pytest.fixture
def stack(server: RedisServer, tmp_path: Path) -> Iterator[Services]:
    # A short grace and a short job timeout: otherwise what is pruned is told to late workers for an hour, which the test does not have.
    services = Services(server.url, tmp_path, grace_s=5, job_timeout_s=30, failure_ttl_s=60, evaluate_users=200)
    yield services
    services.close()


@pytest.mark.timeout(7200)
def test_nothing_grows(stack: Services, server: RedisServer, tmp_path: Path) -> None:
    stack.start("trainer", "serve")
    stack.start("worker")
    console = Console(width=120)
    table = Table(
        "retrains", "generations", "keys", "Redis MiB", "append-only file MiB", "artifacts MiB", "open files", "services MiB", title="Soak"
    )
    await_that(lambda: stack.generations.current(), f"the first generation; {stack.logs()}")
    measured: dict[int, tuple[int, int, int, int, int]] = {}
    for n in range(1, N_RETRAINS + 1):
        ran = stack.run("run", "--wait")
        assert ran.returncode == 0, ran.stdout + ran.stderr + stack.logs()
        if n in (SETTLED_AFTER, N_RETRAINS) or n % 10 == 0:
            await_that(lambda: len(stack.generations.ids()) <= 4, "what is old is pruned", 180)
            written = server.append_only_bytes()
            used, rewritten_bytes = stack.redis.info("memory")["used_memory"], server.rewritten_bytes(stack.redis)
            measured[n] = (used, rewritten_bytes, size_of(tmp_path / "artifacts"), n_files_of(stack), resident_of(stack))
            memory, rewritten, artifacts, _, resident = (f"{n_bytes / 2**20:.2f}" for n_bytes in measured[n])
            file = f"{written / 2**20:.2f}, rewritten {rewritten}"
            table.add_row(
                str(n), str(len(stack.generations.ids())), str(stack.redis.dbsize()), memory, file, artifacts, str(measured[n][3]), resident
            )
    console.print(table)
    for last, tenth in zip(measured[N_RETRAINS], measured[SETTLED_AFTER], strict=True):
        assert last <= ALLOWED * tenth + FEW, measured


def processes_of(stack: Services) -> list[psutil.Process]:
    """Trainer and worker, and the processes that they keep; not those of a job."""
    return [one for each in stack.processes for one in (psutil.Process(each.pid), *psutil.Process(each.pid).children())]


def n_files_of(stack: Services) -> int:
    return sum(process.num_fds() for process in processes_of(stack))


def resident_of(stack: Services) -> int:
    """Bytes that are each process's own."""
    return sum(process.memory_full_info().uss for process in processes_of(stack))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
