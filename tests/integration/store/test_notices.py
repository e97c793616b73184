"""What became of generations and runs is told once, whoever promoted them, and by one of several trainers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from redis import Redis

from contract.formats.shard_record import ShardRecord
from contract.formats.states import RunState
from contract.formats.verdict import Verdict
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.runs import new_run_id
from tests.support.builders import make_manifest
from trainer.notices.__main__ import tell_what_happened


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    return tmp_path / "heard"


@pytest.fixture
def larder(redis_server: str, store_redis: Redis, heard: Path) -> Larder:
    script = heard.with_suffix(".py")
    script.write_text(f"import sys; open({str(heard)!r}, 'a').write(sys.stdin.read() + chr(10))")
    command = f"{sys.executable} {script}"
    return Larder(Settings(redis_url=redis_server, on_promoted=command, on_refused=command, on_failed=command))


def told(heard: Path) -> list[tuple[str, str, str]]:
    lines = heard.read_text().splitlines() if heard.exists() else []
    return [(found["event"], found["generation"], found["reason"]) for found in map(json.loads, lines)]


def made(larder: Larder, name: str, verdict: Verdict | None = None) -> None:
    larder.generations.begin(make_manifest(name, n_users=4), verdict)
    larder.generations.record_shard(name, 0, ShardRecord(4, 4, 8, 7))
    larder.generations.promote(name, "last shard")


def test_each_thing_that_happens_is_told_once(larder: Larder, heard: Path) -> None:
    assert tell_what_happened(larder) == 0
    made(larder, "a")
    made(larder, "b", Verdict(passed=False, because="nDCG is 0.2"))
    assert tell_what_happened(larder) == 2
    assert told(heard) == [("promoted", "a", ""), ("refused", "b", "nDCG is 0.2")]
    assert tell_what_happened(larder) == 0
    larder.generations.promote_by_hand("b", "someone", force=True)
    larder.generations.roll_back("someone")
    assert tell_what_happened(larder) == 2
    assert [event for event, *_ in told(heard)[2:]] == ["promoted", "promoted"]


def test_what_failed_is_told_by_its_kind(larder: Larder, heard: Path) -> None:
    run = new_run_id()
    larder.runs.queued(run)
    larder.runs.set(run, RunState.FAILED, message="DataError: /data/shop.csv: line 5: rating 'many'")
    larder.generations.begin(make_manifest("c", n_users=4))
    larder.generations.fail("c", "a shard was given up")
    assert tell_what_happened(larder) == 2
    assert sorted(told(heard)) == sorted([("failed", run, "DataError"), ("failed", "c", "a shard was given up")])


def test_two_trainers_tell_it_once_and_a_dead_one_is_stood_in_for(larder: Larder, store_redis: Redis, heard: Path) -> None:
    made(larder, "a")
    tell_what_happened(larder)
    (key,) = store_redis.keys("*told:promoted:a:*")
    store_redis.set(key, "telling", ex=60)  # by another trainer, which is at it
    assert tell_what_happened(larder) == 0
    store_redis.delete(key)  # which died, and whose claim ran out
    assert tell_what_happened(larder) == 1
    assert len(told(heard)) == 2


def test_what_is_told_to_nobody_does_not_hold_up_the_rest(redis_server: str, store_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.notices.__main__.tell", lambda target, *_: target == "true")
    larder = Larder(Settings(redis_url=redis_server, on_promoted="true", on_refused="false"))
    made(larder, "a", Verdict(passed=False, because="x"))
    made(larder, "b")
    assert tell_what_happened(larder) == 1
    assert tell_what_happened(larder) == 0
