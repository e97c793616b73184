"""docs/events.md, its commands run as they stand, but for the start and the set that is trained on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.store.event_stream import events_in
from tests.support.manual.page_blocks import blocks_of
from tests.support.paths import ROOT
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services, await_that

BLOCKS = [block.code for block in blocks_of((ROOT / "docs" / "events.md").read_text(encoding="utf-8"))]
KEY = "write-0123456789abcdef"
SET = "synthetic:300x80x6000"
LIMIT_S = 120


@pytest.mark.long
def test_a_newcomer_can_follow_it(services: Callable[..., Services], redis_server: str) -> None:
    start, *rest = BLOCKS
    assert f"WRITE_KEY={KEY}" in start
    assert "make up" in start
    assert len(rest) == 5
    made = services(interactions=SET, events=True, events_write_s=0.05, shard_target_s=60, min_user_interactions=1)
    made.start("trainer", "serve")
    made.start("worker")
    await_that(made.generations.current, f"a first generation; logs:\n{made.logs()}")
    bin_folder = Path(sys.executable).parent
    environ = {**os.environ, **made.environ, "WRITE_KEY": KEY, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    with ApiProcess(redis_server, LARDER_EVENTS="1", LARDER_API_WRITE_KEYS=KEY) as api:
        await_that(lambda: api.get("/health/ready").ok, "the API is ready")

        def said(*blocks: str) -> list[dict[str, Any]]:
            script = "\necho\n".join(["set -e", *blocks]).replace("http://localhost:5000", api.url).replace("movielens-small", SET)
            script = script.replace("larder run", f"{sys.executable} -m trainer run")
            done = subprocess.run(
                ["bash", "-c", script], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr + made.logs()
            return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

        before, sent, after, new, first = said(*rest[:-1])
        await_that(lambda: events_in(made.redis, made.keys).waiting().n == 0, f"events are in files; logs:\n{made.logs()}")
        (learned,) = said(rest[-1])
        await_that(lambda: api.get("/users/900001/recommendations").json()["generation"] != first["generation"], "the API follows")
        now = api.get("/users/900001/recommendations").json()
    assert (before["freshness"], after["freshness"]) == ("generation", "event")
    assert sent == {"accepted": 1, "repeated": 0, "errors": []}
    bought = before["items"][0]["item_id"]
    assert bought not in [item["item_id"] for item in after["items"]]
    assert (new["accepted"], first["source"], first["freshness"]) == (2, "personalized", "event")
    assert learned["source"] == "personalized"
    assert (now["source"], now["freshness"]) == ("personalized", "generation")
    assert bought not in [item["item_id"] for item in now["items"]]
