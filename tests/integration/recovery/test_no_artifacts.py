"""The folder of artifacts goes, or can't be used, under a serving system: lists are served, no event is lost, and a run mends it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from contract.store.event_stream import events_in
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services, await_that

KEY = "k" * 32
EVENT = {"user_id": 5, "item_id": 7, "type": "view"}


def n_waiting(stack: Services) -> int:
    return events_in(stack.redis, stack.keys).waiting().n


@pytest.mark.long
@pytest.mark.parametrize("how", ["gone", "a file in its place"])
def test_a_folder_that_goes_under_a_serving_system(services: Callable[..., Services], tmp_path: Path, redis_server: str, how: str) -> None:
    stack, folder = services(interactions="synthetic:300x200x6000", events=True, fresh_days=30), tmp_path / "artifacts"
    stack.start("trainer", "serve")
    stack.start("worker")
    first = await_that(stack.generations.current, stack.logs).generation
    with ApiProcess(redis_server, LARDER_API_WRITE_KEYS=KEY, LARDER_EVENTS="1") as api:
        shutil.rmtree(folder)
        if how != "gone":
            folder.write_text("")
        assert api.get("/users/5/recommendations").json()["items"]
        posted = requests.post(f"{api.url}/events", json={"events": [EVENT]}, headers={"X-API-Key": KEY}, timeout=15)
        assert posted.status_code == 202
        if how != "gone":
            assert stack.run("run").returncode == 0
            failed = await_that(lambda: ((run := stack.runs.latest()) and run.state == "failed" and run) or None, stack.logs)
            assert "LARDER_ARTIFACTS" in failed.message
            assert n_waiting(stack) == 1
            folder.unlink()
        await_that(lambda: not n_waiting(stack) or None, stack.logs)
        assert [path for path in (folder / ".events").rglob("*") if path.is_file()], "it is in a file"
        doctor = stack.run("doctor")
        assert f"has {first}, and" in " ".join(doctor.stdout.split())
        assert stack.run("run").returncode == 0
        again = await_that(lambda: ((now := stack.generations.current()) and now.generation != first and now) or None, stack.logs)
        assert api.get("/users/5/recommendations").json()["items"]
        verified = stack.run("verify", again.generation)
        assert verified.returncode == 0, verified.stdout
