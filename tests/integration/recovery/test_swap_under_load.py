"""Promotions and rollbacks while clients ask and events come: no request fails, no answer mixes two generations, with an experiment and
without, and each event that was acknowledged is in the files once, whoever was killed.

`make chaos` runs it in full; LARDER_TEST_CHAOS=full does the same.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.artifacts.artifact import EVENTS_FOLDER
from contract.experiments.moves import Experiments
from tests.support.load import under_load
from tests.support.sending import WRITE_KEY, Events
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services, await_that
from trainer.events.files import read_all
from trainer.service.retention import prune

FULL = os.environ.get("LARDER_TEST_CHAOS") == "full"
N_PROMOTIONS, ROLLBACK_EVERY = (20, 4) if FULL else (4, 4)
QUIET_S = 10.0 if FULL else 1.0
REQUESTS_PER_S = 600
N_USERS, N_ITEMS = 1000, 120


def write_interactions(path: Path, tag: str) -> Path:
    """Data in which every item carries `tag`."""
    random = np.random.default_rng(len(tag))
    user = np.repeat(np.arange(N_USERS), 12)
    item = random.integers(0, N_ITEMS, user.size)
    frame = pl.DataFrame({"userID": user, "itemID": [f"{tag}-{number}" for number in item], "rating": 1.0})
    frame.unique(["userID", "itemID"], maintain_order=True).write_csv(path)
    return path


@pytest.mark.long
@pytest.mark.timeout(900)
def test_swaps_under_load(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(time_column="", grace_s=5, lease_s=2, keep_generations=6, events=True, events_write_s=0.2)
    stack.start("worker")
    folder = tmp_path / "artifacts" / EVENTS_FOLDER

    def promote(number: int) -> str:
        data = write_interactions(tmp_path / "interactions.csv", f"t{number}")
        ran = stack.run("run", "--here", "--wait", "--force", "--interactions", str(data))
        assert ran.returncode == 0, ran.stdout + ran.stderr + stack.logs()
        prune(stack.generations, stack.runs, stack.settings)
        return stack.generations.ids()[-1]

    tags, experiments = {promote(0): "t0"}, Experiments(stack.generations)
    service = stack.start("trainer", "serve")  # which writes events to files
    with (
        ApiProcess(stack.settings.redis_url, LARDER_EVENTS="true", LARDER_API_WRITE_KEYS=WRITE_KEY) as api,
        Events(api.port, range(N_USERS), tags.values) as events,
        under_load(api.port, list(range(N_USERS)), REQUESTS_PER_S) as report,
    ):
        time.sleep(QUIET_S)  # the measure of a time without swaps
        swaps_begin, n_rollbacks = time.time(), 0
        for number in range(1, N_PROMOTIONS + 1):
            tags[promote(number)] = f"t{number}"
            if number == N_PROMOTIONS // 2:
                arm = stack.generations.ids()[-2]
                experiments.start({"current": 5000, arm: 5000}, "a test")
            if number % ROLLBACK_EVERY == 0:
                service.kill()
                service.wait()
                service = stack.start("trainer", "serve")
                event = stack.generations.roll_back("a test")
                served = lambda generation=event.generation: api.get("/generations/current").json()["generation"] == generation  # noqa: E731
                await_that(served, "the rollback is served")
                n_rollbacks += 1
                assert stack.generations.release()
        swaps_end = time.time()
        experiments.stop()
        await_that(lambda: api.ask(1).json()["generation"] == stack.generations.history(1)[0].generation, "the last move is served")
    assert events.failures == []
    names = events.acknowledged
    await_that(
        lambda: sum(len(frame) for frame in read_all(folder, ["event_id"])) >= len(names),
        lambda: f"all of {len(names)} events are in files, {len(list(folder.rglob('*.parquet')))} files; logs:\n{stack.logs()}",
    )
    counts = Counter(name for frame in read_all(folder, ["event_id"]) for name in frame["event_id"])
    print(f"\n{len(names):,} events were acknowledged; in the files: {len(counts):,}, {counts.total() - len(counts)} of them twice")
    print(
        f"\n{report.n_requests:,} requests, {report.n_batches:,} of them batches, through {N_PROMOTIONS} promotions and {n_rollbacks} "
        f"rollbacks: {len(report.failures)} failed, {len(report.mixed)} mixed\n"
        f"{'':16}{'requests/s':>12}{'p99 ms':>10}\n"
        f"{'without swaps':16}{report.rate(swaps_begin - QUIET_S, swaps_begin):12.0f}"
        f"{report.p99_ms(swaps_begin - QUIET_S, swaps_begin):10.1f}\n"
        f"{'with swaps':16}{report.rate(swaps_begin, swaps_end):12.0f}{report.p99_ms(swaps_begin, swaps_end):10.1f}"
    )
    assert report.failures == []
    assert report.mixed == []
    assert len(names) > 100
    assert counts == Counter(names)
    assert report.n_requests > 500
    assert len(report.tags) > 2
    assert set(report.arms.values()) == {"current", arm}
    print(f"{len(report.arms)} users were in an arm, each in one, from promotion {N_PROMOTIONS // 2} on")
    assert report.tags.items() <= tags.items()
