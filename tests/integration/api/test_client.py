"""A client generated from the running API works, as docs/api.md shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from redis import Redis

from contract.formats.keys import Keys
from tests.support.builders import Lists, manifest_of, write_lists
from tests.support.paths import ROOT
from tests.support.servers.api_process import ApiProcess

LISTS: Lists = {54: [(300, 2.784323), (294, 2.601673), (248, 2.548543)]}


def test_the_client_of_the_documentation(redis_server: str, store_redis: Redis, tmp_path: Path) -> None:
    manifest = manifest_of(LISTS, "g1")
    write_lists(store_redis, Keys(), manifest, LISTS)
    store_redis.set(Keys().current, manifest.pointer().model_dump_json())
    shown = re.search(r"```python\n(.+?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
    assert shown is not None
    with ApiProcess(redis_server) as api:
        generator = str(Path(sys.executable).with_name("openapi-python-client"))
        command = [
            generator,
            "generate",
            "--url",
            f"{api.url}/openapi.json",
            "--meta",
            "none",
            "--output-path",
            str(tmp_path / "larder_client"),
        ]
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert made.returncode == 0, made.stdout + made.stderr
        program = shown[1].replace("http://localhost:5000", api.url)
        ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.strip() == "[300, 294, 248]", made.stdout + ran.stderr
