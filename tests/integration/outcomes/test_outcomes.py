"""From answers and events, by real processes, to what `larder outcomes` tells."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from contract.formats.keys import Keys
from contract.formats.outcomes.report import Outcomes
from contract.settings.settings import ModelSettings
from contract.store.event_stream import events_in
from contract.store.streams.impressions import impressions_in
from tests.support.builders import Lists, manifest_of, write_lists
from tests.support.paths import ROOT
from tests.support.servers.api_process import ApiProcess, environment
from tests.support.servers.services import await_that

KEYS = Keys()
WRITE = "write-" + "k" * 16
LISTS: Lists = {user: [(10 * user + item, 9.0 - item) for item in range(6)] for user in (1, 2, 3)}


def serve(redis: Redis) -> None:
    manifest = manifest_of(LISTS, "g1", settings=ModelSettings(k=3, depth=6))
    write_lists(redis, KEYS, manifest, LISTS)
    redis.set(KEYS.current, manifest.pointer().model_dump_json())


@contextmanager
def writing(settings: dict[str, str]) -> Iterator[None]:
    """The process of the trainer service that writes files."""
    process = subprocess.Popen([sys.executable, "-m", "trainer.events"], cwd=ROOT, env=environment(settings), stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def told(settings: dict[str, str], *options: str) -> str:
    command = [sys.executable, "-m", "trainer", "outcomes", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_what_is_clicked_and_bought_is_told(store_redis: Redis, redis_server: str, tmp_path: Path) -> None:
    serve(store_redis)
    (tmp_path / "users.csv").write_text("user,country\n1,de\n2,at\n3,de\n")
    settings = {"LARDER_REDIS_URL": redis_server, "LARDER_ARTIFACTS": f"file://{tmp_path}/artifacts", "LARDER_EVENTS_WRITE_S": "0.05"}
    settings |= {"LARDER_EVENTS": "1", "LARDER_IMPRESSIONS": "1", "LARDER_USERS": str(tmp_path / "users.csv")}
    own = {"LARDER_EVENTS": "1", "LARDER_IMPRESSIONS": "1", "LARDER_API_WRITE_KEYS": WRITE}
    with ApiProcess(redis_server, **own) as api, writing(settings):
        first, second = api.ask(1), api.ask(1)
        assert api.ask(2).ok
        assert api.ask(3).ok
        asked = [answer.headers["X-Request-ID"] for answer in (first, second)]
        events = [
            {"user_id": 1, "item_id": 11, "type": "click", "request_id": asked[0], "rank": 2},
            {"user_id": 1, "item_id": 11, "type": "buy", "request_id": asked[1]},
            {"user_id": "2", "item_id": "20", "type": "view"},
            {"user_id": 3, "item_id": 30, "type": "click", "request_id": "of nobody"},
        ]
        await_that(lambda: impressions_in(store_redis, KEYS).waiting().written == 4, "what was shown is written")
        assert api.send_admin("POST", "/events", WRITE, {"events": events}).json()["accepted"] == 4
        await_that(lambda: events_in(store_redis, KEYS).waiting().written == 4, "what was done is written")
        assert "Nothing that was shown is known yet" in api.get("/outcomes").text
        subprocess.run([sys.executable, "-m", "trainer.outcomes"], cwd=ROOT, env=environment(settings), check=True, timeout=100)
        page = api.get("/outcomes")
    found = Outcomes.read(told(settings, "--days", "2", "--by", "generation,arm", "--by", "rank", "--by", "segment", "--json"))
    assert found is not None
    tables = [{",".join(row.names): (row.shown, row.clicks.n, row.conversions.n) for row in table.rows} for table in found.tables]
    assert tables[0] == {"g1,": (12, 2, 1)}
    assert tables[1] == {"1": (4, 1, 0), "2": (4, 1, 1), "3": (4, 0, 0)}
    assert tables[2] == {"at": (3, 1, 0), "de": (9, 1, 1)}
    assert (found.lists, found.events.by_request, found.events.by_window, found.events.of_nothing) == (4, 2, 1, 1)
    assert page.ok
    assert re.findall(r"<h2[^>]*>([^<]+)", page.text) == ["By generation and arm", "By rank", "By day", "By segment of users"]
    for words in ("4 lists with 12 items", "16.7 %", '<a href="/history/g1">g1</a>', "buy 1", "click 2, view 1"):
        assert words in page.text
    text = told(settings)
    assert "4 lists with 12 items" in text
    assert "16.67" in text


def test_a_way_that_is_none_ends_with_2(redis_server: str) -> None:
    command = [sys.executable, "-m", "trainer", "outcomes", "--by", "weekday"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment({"LARDER_REDIS_URL": redis_server}), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "--by weekday: expected generation, arm, rank, segment, day" in done.stderr
