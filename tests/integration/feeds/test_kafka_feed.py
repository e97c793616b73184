"""Events out of a topic of Kafka. The broker is the test server inside of librdkafka: it has the protocol, groups and offsets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from redis import Redis

from contract.formats.freshness import field_of
from contract.formats.keys import Keys
from contract.settings.stores.feeds import feed_of
from contract.store.erasure import Erasure
from contract.store.event_stream import events_in
from contract.store.streams.feeds import told_of
from contract.store.streams.stream import NOTHING
from tests.support.paths import ROOT
from tests.support.servers.services import await_that
from trainer.doctor.feeds import look_at_feed
from trainer.events.collecting import collect
from trainer.events.files import read_all

KEYS = Keys()
CAME_MS = 1_700_000_000_000


@pytest.fixture
def producer() -> Iterator[Producer]:
    """Its brokers end with it."""
    made = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
    yield made
    made.flush(5)


def brokers(producer: Producer) -> str:
    return ",".join(f"{one.host}:{one.port}" for one in producer.list_topics(timeout=10).brokers.values())


@pytest.mark.long
def test_each_message_once_in_the_files_while_the_reader_is_killed(
    producer: Producer, redis_server: str, store_redis: Redis, tmp_path: Path
) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LARDER_")} | {
        "LARDER_REDIS_URL": redis_server,
        "LARDER_ARTIFACTS": f"file://{tmp_path}/artifacts",
        "LARDER_EVENTS": "1",
        "LARDER_EVENTS_FIELDS": "user_id=customer",
        "LARDER_EVENTS_FROM": f"kafka://{brokers(producer)}/clicks?group=shop&session.timeout.ms=6000",
    }
    sent: list[str] = []
    process: subprocess.Popen[bytes] | None = None
    try:
        for number in range(2):
            for user in (users := [f"u{number}.{at}" for at in range(300)]):
                producer.produce("clicks", json.dumps({"customer": user, "item_id": 7, "type": "buy"}).encode(), timestamp=CAME_MS)
            producer.produce("clicks", b"{")
            producer.flush(10)
            sent += users
            before = told_of(store_redis, KEYS, ["kafka:clicks"])[0].read
            process = subprocess.Popen([sys.executable, "-m", "trainer.feeds"], cwd=ROOT, env=environ, stdout=sys.stderr)
            await_that(lambda since=before: told_of(store_redis, KEYS, ["kafka:clicks"])[0].read > since, "some are read")  # type: ignore[misc]
            if number == 1:
                await_that(lambda: len(events_in(store_redis, KEYS).read(NOTHING, 1000)) == 600, "all are taken over")
                await_that(lambda: told_of(store_redis, KEYS, ["kafka:clicks"])[0].lag == 0, "nothing is left")
            process.kill()
            process.wait()
    finally:
        if process is not None:
            process.kill()
            process.wait()
    collect(store_redis, KEYS, Erasure(store_redis, KEYS, ""), tmp_path / "files")
    found = [row for frame in read_all(tmp_path / "files", ["user_id", "time"]) for row in frame.select("user_id", "time").rows()]
    assert Counter(user for user, _ in found) == Counter(sent)
    assert {time for _, time in found} == {CAME_MS // 1000}
    assert told_of(store_redis, KEYS, ["kafka:clicks"])[0].refused >= 2
    assert field_of(7) in store_redis.hkeys(KEYS.fresh("u0.3"))


def test_the_doctor_says_whether_the_broker_answers(producer: Producer) -> None:
    producer.produce("clicks", b"x")
    producer.flush(10)
    assert look_at_feed(feed_of(f"kafka://{brokers(producer)}/clicks"), 5.0).level == "ok"
    off = look_at_feed(feed_of("kafka://127.0.0.1:1/clicks"), 1.0)
    assert (off.level, "127.0.0.1:1" in off.what) == ("fail", True)
