"""Lists that were shown: from real answers through Redis into files, bounded, erased, and deleted when they are old."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr
from redis import Redis

from api.impressions import sender
from api.impressions.sender import DROPPED, KEPT, MAX_HELD_BYTES, Sender
from contract.experiments.moves import Experiments
from contract.formats import payload
from contract.formats.events import Impression
from contract.formats.keys import Keys
from contract.formats.states import GenerationState
from contract.settings.settings import ModelSettings, Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.streams.impressions import impressions_in, push
from contract.store.streams.stream import NOTHING
from tests.support.builders import Lists, manifest_of, promote_lists, write_lists
from tests.support.servers.api_process import ApiProcess, until
from tests.support.servers.redis_server import RedisServer
from tests.support.servers.services import Services, await_that
from trainer.erasure.erase import erase
from trainer.events.collecting import begin, collect
from trainer.events.files import read_all, write_entries
from trainer.events.kinds import IMPRESSIONS
from trainer.events.tidying import tidy

KEYS = Keys()
LISTS: Lists = {user: [(10 * user + item, 9.0 - item) for item in range(6)] for user in (1, 2, 3)}
COLUMNS = list(IMPRESSIONS.columns)


def serve(redis: Redis) -> None:
    manifest = manifest_of(LISTS, "g1", settings=ModelSettings(k=3, depth=6))
    write_lists(redis, KEYS, manifest, LISTS)
    redis.set(KEYS.popular("g1"), payload.encode([5, 4, 0], [9.0, 8.0, 7.0]))
    pointer = manifest.pointer().model_dump_json()
    redis.hset(KEYS.generation("g1"), mapping={"state": GenerationState.CURRENT, "pointer": pointer})
    redis.set(KEYS.current, pointer)


def waiting(redis: Redis) -> list[Impression]:
    return [shown for _, shown in impressions_in(redis, KEYS).read(NOTHING, 100_000)]


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for frame in read_all(folder, COLUMNS) for row in frame.to_dicts()]


def an_impression(user: int | str, request_id: str = "r") -> Impression:
    return Impression(request_id, 1_700_000_000_123, user, "g1", "", "personalized", [1, 2], [1, 2])


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


def test_answers_on_every_way_are_kept_and_what_showed_nothing_is_not(server: RedisServer, tmp_path: Path) -> None:
    with Redis.from_url(server.url) as redis:
        redis.flushall()
        serve(redis)
        began = time.time()
        with ApiProcess(server.url, LARDER_IMPRESSIONS="1", LARDER_API_WORKERS="1", LARDER_FALLBACK="popular") as api:

            def send(method: str, path: str, name: str, body: object = None) -> int:
                return api.send_admin(method, path, "", body, request_id=name).status_code

            statuses = [
                send("POST", "/recommendations", "plain", {"user_id": 1}),
                send("GET", "/v1/users/2/recommendations?k=2", "by-path"),
                send("POST", "/recommendations", "routed", {"user_id": 3, "exclude": [30], "offset": 1, "k": 2}),
                send("POST", "/recommendations/batch", "batch", {"user_ids": [1, 2], "k": 1}),
                send("GET", "/users/99/recommendations", "filled"),
                send("GET", "/users/99/recommendations?fallback=none", "unknown"),
                send("GET", "/users/1/recommendations?offset=50", "beyond"),
                send("GET", "/users/1/recommendations?generation=g1", "tried"),
                send("GET", "/users/1/recommendations?generation=g1&offset=3", "page-2"),
                send("POST", "/recommendations?generation=g1", "page-3", {"user_id": 1, "offset": 5}),
                send("GET", "/health/ready", "none"),
            ]
            assert statuses == [200, 200, 200, 200, 200, 404, 200, 200, 200, 200, 200]
            until("they are counted", lambda: 'larder_impressions_total{outcome="kept"} 8.0' in api.get("/metrics").text)
            assert send("POST", "/recommendations", "last", {"user_id": 1}) == 200
        found = waiting(redis)  # the process has ended, and has sent the rest
        told = [(one.request_id, one.user_id, one.source, list(one.item_ids), list(one.ranks)) for one in found]
        assert told == [
            ("plain", 1, "personalized", [10, 11, 12], [1, 2, 3]),
            ("by-path", 2, "personalized", [20, 21], [1, 2]),
            ("routed", 3, "personalized", [32, 33], [2, 3]),
            ("batch", 1, "personalized", [10], [1]),
            ("batch", 2, "personalized", [20], [1]),
            ("filled", 99, "popular", [5, 4, 0], [1, 2, 3]),
            ("page-2", 1, "personalized", [13, 14, 15], [4, 5, 6]),
            ("page-3", 1, "personalized", [15, 5, 4], [6, 7, 8]),
            ("last", 1, "personalized", [10, 11, 12], [1, 2, 3]),
        ]
        assert {(one.generation, one.arm) for one in found} == {("g1", "")}
        assert all(began - 1 <= one.time_ms / 1000 <= time.time() + 1 for one in found)
        nobody = Erasure(redis, KEYS, "")
        begin(redis, KEYS, tmp_path, IMPRESSIONS)
        assert collect(redis, KEYS, nobody, tmp_path, kind=IMPRESSIONS) == 9
        assert impressions_in(redis, KEYS).waiting()[:2] == (0, 0)
    written = rows(tmp_path)
    assert [(row["request_id"], row["user_id"], row["item_ids"], row["ranks"]) for row in written] == [
        (name, str(user), [str(item) for item in items], ranks) for name, user, _, items, ranks in told
    ]
    assert [path.name for path in tmp_path.glob("day=*")] == [f"day={datetime.now(UTC).date()}"]


@pytest.mark.long
def test_the_answers_are_the_same_bytes_with_it(server: RedisServer) -> None:
    with Redis.from_url(server.url) as redis:
        redis.flushall()
        serve(redis)
    found = []
    for share in ("0", "1"):
        with ApiProcess(server.url, LARDER_IMPRESSIONS=share, LARDER_API_WORKERS="1") as api:
            answers = [api.ask(1), api.ask(2, k=5), api.ask(3, exclude=[31]), api.post("/recommendations/batch", {"user_ids": [1, 2]})]
            found.append([answer.content for answer in answers])
    assert found[0] == found[1]


def answer(user: int, n_items: int = 3) -> bytes:
    items = ",".join(f'{{"item_id":{item},"score":0.5,"rank":{item + 1}}}' for item in range(n_items))
    return f'{{"user_id":{user},"source":"personalized","items":[{items}],"generation":"g1"}}\n'.encode()


class Counts(dict[str, int]):
    def __call__(self, outcome: str, n: int) -> None:
        self[outcome] = self.get(outcome, 0) + n


def test_nothing_waits_for_a_redis_that_stands_still_and_it_goes_on_after(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(sender, "PAUSE_S", 0.01)
    counts, body = Counts(), answer(1, 1000)
    n = 4 * MAX_HELD_BYTES // len(body)
    with Redis.from_url(server.url) as redis:
        redis.flushall()
        made = Sender(Settings(redis_url=server.url), counts)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            for _ in range(n):
                made.put("r", body)
            assert counts[DROPPED] >= n // 2  # what is held has a bound
            await_that(lambda: counts[DROPPED] == n, "what was held is given up")
        finally:
            os.kill(server.pid, signal.SIGCONT)
        redis.flushall()
        counts.clear()
        made.put("after", answer(2))
        made.close()
        assert (counts, [one.request_id for one in waiting(redis)]) == ({KEPT: 1}, ["after"])
    assert caplog.text.count("which are dropped until it does") == 1


def test_what_redis_has_no_room_for_is_dropped_and_what_is_no_answer_stops_nothing(server: RedisServer) -> None:
    counts = Counts()
    with Redis.from_url(server.url) as redis:
        redis.flushall()
        made = Sender(Settings(redis_url=server.url, impressions_max_mb=0.001), counts)
        for body in (answer(1), answer(2, 500), b"{", b'{"items":[{}]}', answer(3)):
            made.put("r", body)
            before = sum(counts.values())
            await_that(lambda before=before: sum(counts.values()) > before or not made._held, "it is sent")  # type: ignore[misc]
        made.close()
        assert counts[DROPPED] >= 3
        assert counts[KEPT] + counts[DROPPED] == 5
        found = impressions_in(redis, KEYS).waiting()
        assert found.n_bytes <= 1048
        assert redis.xlen(KEYS.impressions("stream")) == found.n == found.accepted
        last = impressions_in(redis, KEYS).read(NOTHING, 9)[-1][0]
        assert impressions_in(redis, KEYS).settle(last) == found.n
        assert push(redis, KEYS, Settings(impressions_max_mb=0.001), [an_impression(1)])


def test_an_erasure_takes_a_users_lists_out_of_redis_and_files(store_redis: Redis, redis_server: str, tmp_path: Path) -> None:
    settings = Settings(redis_url=redis_server, artifacts=(tmp_path / "artifacts").as_uri(), erasure_secret=SecretStr("a secret"))
    folder, erasure = tmp_path / "artifacts" / ".impressions", Erasure(store_redis, KEYS, "a secret")
    push(store_redis, KEYS, settings, [an_impression(54), an_impression("54"), an_impression(5)])
    collect(store_redis, KEYS, erasure, folder, kind=IMPRESSIONS)
    push(store_redis, KEYS, settings, [an_impression(54), an_impression("540")])
    erased = erase(settings, store_redis, 54, lambda: None)
    assert (erased.events, erased.impressions) == (0, 3)
    push(store_redis, KEYS, settings, [an_impression(54)])  # which an API process still held
    collect(store_redis, KEYS, erasure, folder, kind=IMPRESSIONS)
    assert [row["user_id"] for row in rows(folder)] == ["5", "540"]
    assert impressions_in(store_redis, KEYS).waiting()[:2] == (0, 0)


def test_files_are_merged_and_those_of_old_days_go(tmp_path: Path) -> None:
    today = date(2026, 3, 1)
    for ago in (0, 1, 1, 30, 31):
        at_ms = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() - ago * 86_400) * 1000 + len(list(tmp_path.rglob("*.parquet")))
        write_entries(tmp_path, [(f"{at_ms}-0", an_impression(ago))], IMPRESSIONS)
    tidy(tmp_path, today, Settings().impressions_keep_days)
    assert sorted(path.name for path in tmp_path.glob("day=*")) == [f"day={today - timedelta(days=ago)}" for ago in (30, 1, 0)]
    assert [row["user_id"] for row in rows(tmp_path)] == ["30", "1", "1", "0"]
    (merged,) = (tmp_path / f"day={today - timedelta(days=1)}").iterdir()
    assert pl.read_parquet_schema(merged) == IMPRESSIONS.schema


@pytest.mark.long
def test_the_trainer_service_writes_them_and_forgets_old_ones_when_they_are_off(
    services: Callable[..., Services], store_redis: Redis, tmp_path: Path
) -> None:
    folder = tmp_path / "artifacts" / ".impressions"
    write_entries(folder, [("1700000000000-0", an_impression(1))], IMPRESSIONS)
    made = services(interactions="synthetic:50x20x300", impressions=1, events_write_s=0.05)
    process = made.start("trainer", "serve")
    push(store_redis, KEYS, Settings(), [an_impression(7)])
    await_that(lambda: [row["user_id"] for row in rows(folder)] == ["7"], f"the old one goes, the new one comes; logs:\n{made.logs()}")
    process.terminate()
    process.wait()
    write_entries(folder, [("1700000000000-0", an_impression(1))], IMPRESSIONS)
    off = services(interactions="synthetic:50x20x300")
    push(store_redis, KEYS, Settings(), [an_impression(8)])  # which waited when they were turned off
    off.start("trainer", "serve")
    await_that(lambda: [row["user_id"] for row in rows(folder)] == ["7", "8"], f"the old one goes; logs:\n{off.logs()}")


def test_while_an_experiment_runs_each_list_names_its_arm(server: RedisServer) -> None:
    users = range(1, 41)
    with Redis.from_url(server.url) as redis:
        redis.flushall()
        for name, first in (("g1", 0), ("g2", 10)):
            lists: Lists = {user: [(first + item, 9.0 - item) for item in range(4)] for user in users}
            promote_lists(redis, KEYS, lists, generation=name, settings=ModelSettings(k=3, depth=4, similar_depth=0))
        Experiments(Generations(redis, KEYS)).start({"current": 5000, "g1": 5000}, "a test")
        with ApiProcess(server.url, LARDER_IMPRESSIONS="1", LARDER_API_WORKERS="1") as api:
            alone = {user: api.ask(user).json() for user in users}
            api.get("/users/1/recommendations?arm=g1")  # who tries an arm is not who is in it
            api.post("/recommendations/batch", {"user_ids": list(users)})
            api.get("/users/1/recommendations?generation=g1&offset=2")
        *found, further = waiting(redis)
    told = {user: (answer["arm"], answer["generation"]) for user, answer in alone.items()}
    assert set(told.values()) == {("current", "g2"), ("g1", "g1")}
    assert len(found) == 2 * len(users)
    assert (further.arm, further.generation, further.ranks) == ("", "g1", [3, 4])
    assert all((one.arm, one.generation) == told[int(one.user_id)] for one in found)
