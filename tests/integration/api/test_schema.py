"""schemathesis asks the running API what its own OpenAPI document allows, and what it forbids, in 2,000 cases and more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from contract.formats import explanations, payload
from contract.formats.keys import Keys, bucket_of
from contract.settings.settings import ModelSettings
from tests.support.builders import Lists, manifest_of, write_lists
from tests.support.depth import deeper, examples
from tests.support.servers.api_process import ApiProcess

ADMIN = "admin-" + "a" * 16
LISTS: Lists = {user: [(item, 5.0 - item / 10) for item in range(user % 5 + 2)] for user in range(50)}
# A request that gunicorn finds too long is refused before anybody looks at what it says.
CONFIG = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "410", "413", "414", "415", "422", "428", "429", "5xx"]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "410", "429", "5xx"]
"""
# No schema can say which arms an experiment has.
HOOKS = """
import schemathesis

@schemathesis.hook
def before_load_schema(context, raw_schema):
    for operations in raw_schema["paths"].values():
        for operation in operations.values():
            operation["parameters"] = [each for each in operation["parameters"] if each["name"] != "arm"]
"""
pytestmark = [deeper, pytest.mark.long]
EXAMPLES = examples(8, 40)
MIN_CASES = examples(1500, 2000)
LIMIT_S = 100


@pytest.fixture
def api(redis_server: str, store_redis: Redis) -> Iterator[ApiProcess]:
    keys = Keys()
    manifest = manifest_of(LISTS, "g1", settings=ModelSettings(k=3, depth=6, similar_depth=3, explain_depth=1))
    write_lists(store_redis, keys, manifest, LISTS, {1: {"title": "Heat"}})
    for item in range(6):
        similar = payload.encode([other for other in range(6) if other != item], [0.5, 0.4, 0.3, 0.2, 0.1])
        store_redis.hset(keys.similar("g1", bucket_of(item, manifest.n_item_buckets)), str(item), similar)
    why = explanations.encode([[(7, 0.75), (8, 0.25)], [(8, 1.0)]])
    store_redis.hset(keys.why("g1", bucket_of(0, manifest.n_user_buckets)), "0", why)
    store_redis.set(keys.popular("g1"), payload.encode([3, 1], [20.0, 10.0]))
    store_redis.set(keys.current, manifest.pointer().model_dump_json())
    secrets = {"LARDER_API_ADMIN_KEYS": ADMIN, "LARDER_API_READ_KEYS": "read-" + "r" * 16, "LARDER_ERASURE_SECRET": "s" * 16}
    secrets |= {"LARDER_EVENTS": "1", "LARDER_API_WRITE_KEYS": ADMIN}
    with ApiProcess(redis_server, **secrets) as running:
        yield running


def test_all_checks_of_schemathesis(api: ApiProcess, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{api.url}/openapi.json"),
        *("--checks", "all", "--seed", "1", "--max-examples", str(EXAMPLES), "--no-color"),
        *("--header", f"Authorization: Bearer {ADMIN}"),
    ]
    (tmp_path / "hooks.py").write_text(HOOKS)
    environ = os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    told = "\n".join(line[:400] for line in done.stdout.splitlines())
    assert done.returncode == 0, told + done.stderr
    cases = re.search(r"([\d,]+) generated", told)
    assert cases is not None, told
    assert int(cases[1].replace(",", "")) >= MIN_CASES, told
    assert [line for line in api.log_lines() if "trace" in line] == []
