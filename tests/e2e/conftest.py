"""The compose stack of the end-to-end tests: built and brought up once, then removed with all that it made."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.compose import Compose, free_port
from tests.e2e.interactions import write_interactions
from tests.support.tools import missing


@pytest.fixture(scope="session")
def docker_engine() -> str:
    """Version of the engine. Where there is none, tests are skipped; in CI that is a failure."""
    why = "there is no docker on PATH"
    if shutil.which("docker"):
        asked = subprocess.run(
            ["docker", "info", "--format", "{{.ServerVersion}}"], capture_output=True, text=True, timeout=60, check=False
        )
        composed = subprocess.run(["docker", "compose", "version"], capture_output=True, text=True, timeout=60, check=False)
        if asked.returncode == 0 and composed.returncode == 0:
            return asked.stdout.strip()
        why = (asked.stderr or composed.stderr).strip()
    return missing(f"needs a Docker engine with compose: {why}")


@pytest.fixture(scope="module")
def compose_stack(docker_engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """`docker compose up --build -d --wait`, under a name and a port of its own."""
    data = tmp_path_factory.mktemp("data")
    data.chmod(0o755)  # the trainer is another user
    write_interactions(data / "many.csv", n_users=20_000, n_items=400, per_user=8)
    # Shards so small that a run of the large table can be interrupted between them.
    settings = {
        "DATA_DIR": str(data),
        "LARDER_SHARD_TARGET_S": "0.0001",
        "LARDER_CRON": "0 3 1 1 *",  # not before the tests are over
        "LARDER_ERASURE_SECRET": secrets.token_hex(16),
    }
    stack = Compose(f"larder-e2e-{secrets.token_hex(4)}", free_port(), settings)
    try:
        stack.up("--build")
        yield stack
    finally:
        stack.down()
