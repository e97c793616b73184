"""`python -m trainer report`: the card of a generation as a file, from the API that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from contract.errors import GenerationError, StoreError
from contract.formats.keys import Keys
from tests.support.api_process import ApiProcess
from tests.support.builders import promote_lists
from tests.support.paths import ROOT

KEY = "a-key-that-reads-things"


@pytest.fixture
def api(store_redis: Redis, redis_server: str) -> Iterator[ApiProcess]:
    promote_lists(store_redis, Keys(), {54: [(1, 1.0)]})
    with ApiProcess(redis_server, LARDER_API_READ_KEYS=KEY) as running:
        yield running


def report(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("LARDER_")}
    command = [sys.executable, "-m", "trainer", "report", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**own, **settings}, capture_output=True, text=True, timeout=60, check=False)


def test_a_card_as_a_file(api: ApiProcess, tmp_path: Path) -> None:
    file = tmp_path / "card.html"
    done = report("g1", "--html", str(file), LARDER_API_PORT=str(api.port), LARDER_API_READ_KEYS=KEY)
    assert done.returncode == 0, done.stderr
    assert str(file) in done.stdout
    assert "<h1>Generation g1</h1>" in file.read_text()


def test_what_can_be_wrong_is_one_line(api: ApiProcess, tmp_path: Path) -> None:
    file, at = tmp_path / "card.html", {"LARDER_API_PORT": str(api.port)}
    without_key = report("g1", "--html", str(file), **at)
    unknown = report("../g9?", "--html", str(file), **at, LARDER_API_READ_KEYS=KEY)
    away = report("g1", "--html", str(file), "--api", "http://127.0.0.1:1")
    assert [one.returncode for one in (without_key, unknown, away)] == [
        StoreError.exit_code,
        GenerationError.exit_code,
        StoreError.exit_code,
    ]
    assert "wants a key" in without_key.stderr
    assert "knows no generation ../g9?" in unknown.stderr
    assert "is it up?" in away.stderr
    assert all(len(one.stderr.splitlines()) == 1 for one in (without_key, unknown, away))
    assert not file.exists()
