"""Two trainers on one namespace, or two whole stacks: runs take turns, and what can't be whole fails with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from contract.store.generations import Generations
from tests.support.generation_maker import n_lists
from tests.support.servers.services import Services, await_that
from tests.support.servers.zygote import Zygote

SHAPE = "synthetic:300x200x6000"


@pytest.fixture
def other(redis_server: str, store_redis: Redis, tmp_path: Path, zygote: Zygote) -> Iterator[Services]:
    """A stack that has the namespace, and a folder of its own."""
    (tmp_path / "other").mkdir()
    made = Services(redis_server, tmp_path / "other", zygote, interactions=SHAPE, evaluate=False, tune_unasked=False)
    yield made
    made.close()


def check_whole(generations: Generations, name: str) -> None:
    assert n_lists(generations, name)[0] == generations.manifest(name).n_users


def test_runs_of_two_trainers_at_once_are_all_promoted_in_their_order(services: Callable[..., Services]) -> None:
    stack = services(interactions=SHAPE)
    for _ in range(2):
        stack.start("trainer", "serve")
    stack.start("worker")
    await_that(stack.generations.current, stack.logs)
    for _ in range(3):
        assert stack.run("run").returncode == 0
    names = await_that(lambda: known if len(known := stack.generations.ids()) >= 4 else None, stack.logs)
    assert stack.await_state(names[-1], "current", "failed") == "current"
    found = {name: stack.generations.progress(name) for name in stack.generations.ids()}
    assert [one.sequence for one in found.values() if one] == sorted(one.sequence for one in found.values() if one)
    assert not [one for one in found.values() if one is None or one.reason or one.promoted_at_ms is None]
    for name in found:
        check_whole(stack.generations, name)


def test_a_worker_of_another_stack_fails_the_run_with_the_reason_and_what_is_served_stays(
    services: Callable[..., Services], other: Services
) -> None:
    stack = services(interactions=SHAPE)
    worker = stack.start("worker")
    assert stack.run("run", "--here").returncode == 0
    (first,) = stack.generations.ids()
    assert stack.await_state(first, "current", "failed") == "current"
    worker.terminate()
    worker.wait(30)
    other.start("worker")
    assert stack.run("run", "--here").returncode == 0
    second = stack.generations.ids()[-1]
    assert stack.await_state(second, "current", "failed") == "failed"
    progress = stack.generations.progress(second)
    assert progress is not None
    assert "do trainer and worker share LARDER_ARTIFACTS?" in progress.reason
    assert stack.generations.state(first) == "current"
    check_whole(stack.generations, first)
    doctor = other.run("doctor")
    assert doctor.returncode == 1
    assert "Another trainer seems to use this namespace" in " ".join(doctor.stdout.split())
