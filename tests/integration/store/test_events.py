"""Events from Redis into files: each once, whoever is killed, and none of who was erased."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis import Redis

from contract.formats.events import Event
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store import event_stream
from contract.store.erasure import Erasure
from contract.store.event_stream import events_in
from contract.store.streams.stream import NOTHING, Stream
from tests.support.paths import ROOT
from tests.support.servers.redis_server import RedisServer
from tests.support.servers.services import Services, await_that, children
from trainer.erasure.erase import erase
from trainer.events.collecting import begin, collect
from trainer.events.files import last_id, read_all

KEYS = Keys()


def push(redis: Redis, *names: str, user: int | str = 1) -> None:
    event_stream.push(redis, KEYS, Settings(), [Event(name, user, 2, "buy", 0) for name in names])


def written(folder: Path) -> list[str]:
    return [event for frame in read_all(folder, ["event_id"]) for event in frame["event_id"].to_list()]


def test_a_batch_at_a_time_and_out_of_redis(store_redis: Redis, tmp_path: Path) -> None:
    push(store_redis, *"abcde")
    nobody = Erasure(store_redis, KEYS, "")
    assert [collect(store_redis, KEYS, nobody, tmp_path, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert written(tmp_path) == list("abcde")
    assert events_in(store_redis, KEYS).waiting() == (0, 0, 0.0, 5, 0, 0, 5)


def test_killed_between_file_and_redis(store_redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push(store_redis, *"abc")
    nobody = Erasure(store_redis, KEYS, "")
    with monkeypatch.context() as patched:
        patched.setattr(Stream, "settle", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            collect(store_redis, KEYS, nobody, tmp_path)
    push(store_redis, *"de")
    begin(store_redis, KEYS, tmp_path)
    assert events_in(store_redis, KEYS).waiting().n == 2
    collect(store_redis, KEYS, nobody, tmp_path)
    assert written(tmp_path) == list("abcde")


def test_a_redis_that_was_emptied_goes_on_behind_the_files(store_redis: Redis, tmp_path: Path) -> None:
    nobody = Erasure(store_redis, KEYS, "")
    seconds, _ = store_redis.time()
    store_redis.xadd(KEYS.events("stream"), {"e": Event("ahead", 1, 2, "buy", 0).encode()}, id=f"{(seconds + 3600) * 1000}-0")
    collect(store_redis, KEYS, nobody, tmp_path)
    store_redis.flushall()
    begin(store_redis, KEYS, tmp_path)
    push(store_redis, "after")
    collect(store_redis, KEYS, nobody, tmp_path)
    assert written(tmp_path) == ["ahead", "after"]


def test_erased_users_reach_no_file(store_redis: Redis, tmp_path: Path) -> None:
    erasure = Erasure(store_redis, KEYS, "a secret")
    push(store_redis, "a", "b", user=54)
    push(store_redis, "c", user=55)
    assert events_in(store_redis, KEYS).forget("54") == 2
    erasure.add("54")
    push(store_redis, "d", user=54)
    assert collect(store_redis, KEYS, erasure, tmp_path) == 2
    assert written(tmp_path) == ["c"]
    assert events_in(store_redis, KEYS).waiting()[:2] == (0, 0)


def test_an_erasure_takes_a_users_events_out_of_redis_and_files(store_redis: Redis, redis_server: str, tmp_path: Path) -> None:
    settings = Settings(redis_url=redis_server, artifacts=(tmp_path / "artifacts").as_uri(), erasure_secret=SecretStr("a secret"))
    folder = tmp_path / "artifacts" / ".events"
    push(store_redis, "a", "b", user=54)
    push(store_redis, "c", user=55)
    collect(store_redis, KEYS, Erasure(store_redis, KEYS, "a secret"), folder)
    push(store_redis, "d", user="54")
    assert erase(settings, store_redis, 54, lambda: None).events == 3
    assert written(folder) == ["c"]
    assert events_in(store_redis, KEYS).waiting()[:2] == (0, 0)


@pytest.mark.long
def test_each_event_once_while_everybody_is_killed(tmp_path: Path) -> None:
    """Redis and the process that writes are killed again and again; what was acknowledged is in the files, once."""
    server = RedisServer(appendonly="yes", appendfsync="always")  # everysec may put a write off while the disk is slow
    server.start()
    folder = tmp_path / "artifacts" / ".events"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LARDER_")}
    environ |= {"LARDER_REDIS_URL": server.url, "LARDER_ARTIFACTS": f"file://{tmp_path}/artifacts", "LARDER_EVENTS_WRITE_S": "0.01"}
    process: subprocess.Popen[bytes] | None = None
    try:
        sent: list[str] = []
        for number in range(5):
            if process is not None:
                process.kill()
                process.wait()
            if number == 3:
                server.stop()
                server.start()
            process = subprocess.Popen([sys.executable, "-m", "trainer.events"], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)
            with Redis.from_url(server.url) as client:
                before = last_id(folder) if folder.exists() else NOTHING
                for part in range(20):
                    names = [f"{number}.{part}.{at}" for at in range(50)]
                    push(client, *names)
                    sent += names
                await_that(lambda since=before: folder.exists() and last_id(folder) != since, "something is written")  # type: ignore[misc]
                if number == 4:
                    await_that(lambda: events_in(client, KEYS).waiting().n == 0, "everything is written")
        assert Counter(written(folder)) == Counter(sent)
    finally:
        if process is not None:
            process.kill()
            process.wait()
        server.remove()


@pytest.mark.long
def test_the_trainer_service_writes_them_and_starts_a_killed_writer_again(
    services: Callable[..., Services], store_redis: Redis, tmp_path: Path
) -> None:
    made = services(interactions="synthetic:50x20x300", events=True, events_write_s=0.05)
    service = made.start("trainer", "serve")
    folder = tmp_path / "artifacts" / ".events"
    push(store_redis, "a")
    await_that(lambda: folder.exists() and written(folder) == ["a"], "the first event is written")
    (writer,) = [pid for pid in children(service.pid) if b"trainer.events" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(writer, signal.SIGKILL)
    push(store_redis, "b")
    await_that(lambda: written(folder) == ["a", "b"], f"the second event is written; logs:\n{made.logs()}")
