"""Events out of streams of the user's own: each once in the files and in answers, whoever is killed, and none lost for want of room."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from api.app import create_app
from contract.formats.freshness import field_of
from contract.formats.keys import Keys
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.settings.stores.feeds import feed_of
from contract.store.erasure import Erasure
from contract.store.event_stream import events_in
from contract.store.streams.feeds import STALE_S, UNKNOWN, FeedState, told_of
from contract.store.streams.stream import NOTHING
from tests.support.paths import ROOT
from tests.support.servers.services import await_that
from trainer.doctor.feeds import look_at_feed
from trainer.events.collecting import collect
from trainer.events.files import read_all
from trainer.feeds.feeding import Feeding
from trainer.feeds.redis_source import RedisSource

KEYS = Keys()
STREAM = "clicks"


@pytest.fixture
def environ(redis_server: str, store_redis: Redis, tmp_path: Path) -> dict[str, str]:
    assert store_redis.dbsize() == 0
    joint = "&" if "?" in redis_server else "?"
    return {
        "LARDER_REDIS_URL": redis_server,
        "LARDER_ARTIFACTS": f"file://{tmp_path}/artifacts",
        "LARDER_EVENTS": "1",
        "LARDER_EVENTS_FROM": f"{redis_server}{joint}stream={STREAM}&group=shop",
    }


@pytest.fixture
def larder(environ: dict[str, str]) -> Larder:
    return Larder(Settings.from_environ(environ))


@pytest.fixture
def source(larder: Larder) -> Iterator[RedisSource]:
    made = RedisSource(larder.settings.feeds[0])
    yield made
    made.close()


def told(redis: Redis) -> FeedState:
    return told_of(redis, KEYS, [f"redis:{STREAM}"])[0]


def send(redis: Redis, *bodies: object) -> None:
    for body in bodies:
        redis.xadd(STREAM, {"data": body if isinstance(body, bytes) else json.dumps(body)})


def stored(redis: Redis) -> Sequence[str]:
    return [str(event.user_id) for _, event in events_in(redis, KEYS).read(NOTHING, 10_000)]


def test_broken_messages_are_counted_the_first_is_named_and_none_blocks(
    larder: Larder, source: RedisSource, store_redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    send(store_redis, {"user_id": 1, "item_id": 2}, b"{", {"user_id": 5}, {"user_id": 3, "item_id": 4})
    with caplog.at_level(logging.WARNING):
        assert Feeding(larder, source, {}).step() == 4
    assert stored(store_redis) == ["1", "3"]
    assert told(store_redis) == (f"redis:{STREAM}", 4, 2, 0, True)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"redis:{STREAM}:")
    assert "a JSON object with user_id and item_id was expected" in line


def test_a_message_without_a_time_is_of_when_it_came_into_the_stream(larder: Larder, source: RedisSource, store_redis: Redis) -> None:
    """A stream is read from its beginning: what lies there for months is not of today."""
    asked = {"user_id": 1, "item_id": 2}
    for place, more in (("7-0", {}), ("1700000000123-0", {}), ("1700000000123-1", {"time": 1600000000}), (f"{2**62}-0", {})):
        store_redis.xadd(STREAM, {"data": json.dumps(asked | more)}, id=place)
    assert Feeding(larder, source, {}, clock=lambda: 1790000000.5).step() == 4
    times = [event.time for _, event in events_in(store_redis, KEYS).read(NOTHING, 10)]
    assert times == [1790000000, 1700000000, 1600000000, 1790000000]


def test_what_was_read_and_not_acknowledged_comes_again_and_counts_once(larder: Larder, source: RedisSource, store_redis: Redis) -> None:
    send(store_redis, {"user_id": 1, "item_id": 2})
    messages = source.read(10)
    feeding = Feeding(larder, source, {})
    feeding._enter(feeding._events(messages)[0])  # and then the process is killed, before it has acknowledged
    assert source.lag() == 1
    again = RedisSource(larder.settings.feeds[0])
    assert Feeding(larder, again, {}).step() == 1
    again.close()
    assert stored(store_redis) == ["1"]
    assert source.lag() == 0


def test_what_another_consumer_left_and_was_trimmed_since_is_done_with_also_before_redis_7(
    larder: Larder, source: RedisSource, store_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(store_redis, {"user_id": 1, "item_id": 2}, {"user_id": 3, "item_id": 4})
    store_redis.xreadgroup("shop", "another", {STREAM: ">"})
    left: list[Any] = [entry["message_id"] for entry in store_redis.xpending_range(STREAM, "shop", "-", "+", 10)]

    def claimed_as_by_redis_6(stream: str, group: str, consumer: str, _min_idle_ms: int, count: int) -> list[object]:
        found = store_redis.xclaim(stream, group, consumer, 0, left[:count])
        store_redis.xdel(stream, left[0])
        return [b"0-0", [(None, None), *found[1:]]]

    assert source.read(10) == []
    with monkeypatch.context() as patched:
        patched.setattr(source._redis, "xautoclaim", claimed_as_by_redis_6)
        assert source.read(10) == []
    feeding = Feeding(larder, source, {})
    assert feeding.step() == 2
    assert (stored(store_redis), source.lag(), told(store_redis).refused) == (["3"], 0, 1)


def test_where_there_is_no_room_it_waits_and_loses_nothing(environ: dict[str, str], store_redis: Redis, tmp_path: Path) -> None:
    larder = Larder(Settings.from_environ({**environ, "LARDER_EVENTS_MAX_MB": "0.002"}))
    waits: list[float] = []
    lags: list[int] = []

    class Waiting(RedisSource):
        def wait(self, seconds: float) -> None:
            """What else goes on meanwhile: events are written to files. (Their ids count for a while, too: that is over.)"""
            waits.append(seconds)
            lags.append(told(store_redis).lag)
            if len(waits) == 1:
                send(store_redis, {"user_id": 60, "item_id": 2})
            if len(waits) > 12:
                collect(store_redis, KEYS, Erasure(store_redis, KEYS, ""), tmp_path / "files")
                store_redis.delete(*store_redis.keys(f"{KEYS.events('ids')}*"))

    source = Waiting(larder.settings.feeds[0])
    send(store_redis, *[{"user_id": user, "item_id": 2} for user in range(60)])
    feeding = Feeding(larder, source, {})
    assert feeding.step() == 60
    assert lags[1:] == [61] * (len(lags) - 1)
    assert feeding.step() == 1
    source.close()
    collect(store_redis, KEYS, Erasure(store_redis, KEYS, ""), tmp_path / "files")
    found = [user for frame in read_all(tmp_path / "files", ["user_id"]) for user in frame["user_id"].to_list()]
    assert found == [str(user) for user in range(61)]
    assert len(waits) > 12


def test_metrics_and_the_doctor_tell_of_it(larder: Larder, source: RedisSource, store_redis: Redis) -> None:
    client = create_app(larder.settings).test_client()
    assert f'larder_feed_up{{feed="redis:{STREAM}"}} 0.0' in client.get("/metrics").text
    send(store_redis, {"user_id": 1, "item_id": 2}, b"x")
    Feeding(larder, source, {}).step()
    text = client.get("/metrics").text
    for line in ("up{%s} 1.0", "lag{%s} 0.0", "read_total{%s} 2.0", "refused_total{%s} 1.0"):
        assert "larder_feed_" + line % f'feed="redis:{STREAM}"' in text
    feed = larder.settings.feeds[0]
    assert look_at_feed(feed, 3.0).level == "ok"
    off = feed_of("redis://127.0.0.1:1/0?stream=a")
    assert look_at_feed(off, 1.0).level == "fail"


def test_a_feed_that_nobody_reads_any_more_is_down(larder: Larder, source: RedisSource, store_redis: Redis) -> None:
    send(store_redis, {"user_id": 1, "item_id": 2})
    Feeding(larder, source, {}).step()
    now, _ = store_redis.time()
    store_redis.hset(KEYS.events("feeds"), f"answered redis:{STREAM}", now - STALE_S - 5)
    assert told(store_redis) == FeedState(f"redis:{STREAM}", read=1, refused=0, lag=UNKNOWN, is_up=False)
    text = create_app(larder.settings).test_client().get("/metrics").text
    assert f'larder_feed_up{{feed="redis:{STREAM}"}} 0.0' in text
    assert "larder_feed_lag{" not in text


def test_each_message_once_in_the_files_while_the_reader_is_killed(
    environ: dict[str, str], larder: Larder, store_redis: Redis, tmp_path: Path
) -> None:
    """And what it says counts in the next answers: the bought item is among what is hidden."""
    whole = {**{name: value for name, value in os.environ.items() if not name.startswith("LARDER_")}, **environ}
    sent: list[str] = []
    process: subprocess.Popen[bytes] | None = None
    try:
        for number in range(3):
            users = [f"u{number}.{at}" for at in range(400)]
            send(store_redis, *[{"user_id": user, "item_id": 7, "type": "buy"} for user in users])
            sent += users
            before = told(store_redis).read
            process = subprocess.Popen([sys.executable, "-m", "trainer.feeds"], cwd=ROOT, env=whole, stdout=subprocess.DEVNULL)
            await_that(lambda since=before: told(store_redis).read > since, "messages are taken over")  # type: ignore[misc]
            if number == 2:
                await_that(lambda: len(stored(store_redis)) == 1200, "all of them are")
            process.kill()
            process.wait()
    finally:
        if process is not None:
            process.kill()
            process.wait()
    folder = tmp_path / "files"
    collect(store_redis, KEYS, Erasure(store_redis, KEYS, ""), folder)
    found = [user for frame in read_all(folder, ["user_id"]) for user in frame["user_id"].to_list()]
    assert Counter(found) == Counter(sent)
    assert field_of(7) in store_redis.hkeys(KEYS.fresh("u1.3"))
