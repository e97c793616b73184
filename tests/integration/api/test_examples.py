"""What examples/ shows, against an API that runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from redis import Redis

from contract.formats.keys import Keys
from tests.support.builders import Lists, Metadata, promote_lists
from tests.support.generation_maker import make_generation, settings_for
from tests.support.paths import ROOT
from tests.support.servers.api_process import ASK_TIMEOUT_S, ApiProcess

EXAMPLES = ROOT / "examples"
LISTS: Lists = {54: [(1265, 2.5), (1270, 2.25), (300, 1.5)], 9: [(300, 3.0)]}
METADATA: Metadata = {1265: {"title": "Groundhog Day"}, 1270: {"title": "Back to the Future"}, 300: {"title": "Quiz Show"}}
STRIPS_TYPES = (22, 18)  # Node's own since then
SHOWN = "personalized, of generation g1\n1 1265 Groundhog Day\n2 1270 Back to the Future\n3 300 Quiz Show\n"


@pytest.fixture(scope="module")
def api(redis_server: str) -> Iterator[ApiProcess]:
    with Redis.from_url(redis_server) as redis:
        redis.flushall()
        promote_lists(redis, Keys(), LISTS, generation="g1", metadata=METADATA)
    with ApiProcess(redis_server) as running:
        yield running


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_client_in_python(api: ApiProcess) -> None:
    shown = ran(sys.executable, str(EXAMPLES / "client.py"), api.url, "54")
    assert (shown.stdout, shown.stderr) == (SHOWN, "")
    away = ran(sys.executable, str(EXAMPLES / "client.py"), "http://127.0.0.1:1", "54")
    assert (away.returncode, away.stdout) == (0, "none, of generation none\n")
    assert away.stderr.startswith("no list now: ")


def test_the_client_in_python_knows_many(api: ApiProcess) -> None:
    code = f"import sys; sys.path.insert(0, {str(EXAMPLES)!r}); from client import Larder; print(Larder({api.url!r}).many([54, 9, 7], k=1))"
    shown = ran(sys.executable, "-c", code).stdout
    assert re.findall(r"'item_id': (\d+)", shown) == ["1265", "300"]


def test_the_client_in_typescript(api: ApiProcess) -> None:
    node = shutil.which("node")
    version = ran(node, "--version").stdout.strip() if node else "none"
    if node is None or tuple(map(int, version.removeprefix("v").split(".")[:2])) < STRIPS_TYPES:
        pytest.skip(f"needs Node {'.'.join(map(str, STRIPS_TYPES))} or newer, which runs TypeScript as it is; here: {version}")
    shown = ran(node, "--disable-warning=ExperimentalWarning", str(EXAMPLES / "client.ts"), api.url, "54")
    assert (shown.stdout, shown.stderr) == (SHOWN, "")


def test_every_request_of_the_http_file_is_answered(redis_server: str, tmp_path: Path) -> None:
    films = [(user, item, 4.0, 1_700_000_000 + item) for user in (9, 54, 55, 56, 57) for item in (1, 2, 1265, 1270, 300 + user)]
    seen = [event for event in films if event[:2] not in ((54, 1), (54, 2), (9, 1265), (9, 1))]
    settings = settings_for(redis_server, f"file://{tmp_path}/artifacts", namespace="of-the-http-file")
    with Redis.from_url(redis_server) as redis:
        make_generation(redis, settings, "g1", seen)
    text = (EXAMPLES / "larder.http").read_text(encoding="utf-8")
    head, *parts = re.split(r"^###.*\n", text, flags=re.MULTILINE)
    assert "@host = http://localhost:5000" in head
    assert len(parts) >= 10
    with ApiProcess(redis_server, LARDER_NAMESPACE=settings.namespace) as api:
        answers = [sent(part, api) for part in parts]
    assert [answer.text for answer in answers if answer.status_code != 200] == []


def sent(part: str, api: ApiProcess) -> requests.Response:
    lines, _, body = part.strip().partition("\n\n")
    method, url = lines.splitlines()[0].split()
    headers = dict(line.split(": ") for line in lines.splitlines()[1:])
    return requests.request(method, url.replace("{{host}}", api.url), data=body or None, headers=headers, timeout=ASK_TIMEOUT_S)
