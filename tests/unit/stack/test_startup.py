from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from redis import Redis
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError
from rich.console import Console

from contract.errors import GenerationFailedError, LarderError
from contract.formats.keys import Keys
from contract.formats.manifest import Pointer
from contract.store.generations import Generations
from contract.store.progress import Progress
from contract.store.runs import Runs, RunStatus
from stack import startup as watch
from stack.paths import StackPaths
from stack.startup import CrashLoopDetector, Watch, tail, until_redis_answers
from stack.supervision.supervisor_client import Process
from tests.support.builders import make_manifest
from tests.unit.stack.conftest import FakeSupervisor
from trainer.cli.show.progress_bars import Bar, bars


def run_in(state: str, stage: str = "", done: int = 0, total: int = 0, message: str = "", run: str = "r1") -> RunStatus:
    return RunStatus(run, state, stage, done, total, message)


def scoring(recorded: int, state: str = "scoring", reason: str = "") -> Progress:
    return Progress.of("r1", {b"state": state.encode(), b"reason": reason.encode(), b"n_shards": b"8"}, recorded)


def test_bars_know_nothing_before_a_run() -> None:
    assert [bar.total for bar in bars(None, None)] == [None] * 6


def test_bars_of_earlier_stages_are_full_and_of_later_ones_unknown() -> None:
    shown = bars(run_in("running", "write", 3, 7), None)
    assert shown == [
        *(Bar(stage, 1, 1) for stage in ("load", "evaluate", "fit")),
        Bar("write", 3, 7),
        *(Bar(stage, 0, None) for stage in ("dispatch", "score")),
    ]


def test_a_stage_without_a_length_stays_unknown() -> None:
    assert bars(run_in("running", "fit"), None)[2] == Bar("fit", 0, None)


def test_shards_are_the_last_bar() -> None:
    shown = bars(run_in("dispatched"), scoring(3))
    assert shown[:5] == [Bar(stage, 1, 1) for stage in ("load", "evaluate", "fit", "write", "dispatch")]
    assert shown[5] == Bar("score", 3, 8)


def test_a_process_that_supervisor_gave_up_is_named_with_the_end_of_its_log(prepared: StackPaths) -> None:
    prepared.log_of("worker").write_text("".join(f"line {number}\n" for number in range(100)))
    with pytest.raises(LarderError, match=r"the process worker dies(?s:.*)line 99\n") as caught:
        CrashLoopDetector(prepared).look([Process("worker", "FATAL", 0, 0)])
    assert "line 80" not in str(caught.value)


def test_a_process_that_always_comes_back_is_noticed_too(prepared: StackPaths) -> None:
    deaths = CrashLoopDetector(prepared)
    for pid in (10, 0, 11, 12):
        deaths.look([Process("api", "RUNNING", 5, 9), Process("trainer", "STARTING", pid, 0)])
    with pytest.raises(LarderError, match=r"trainer dies(?s:.*)can't be read: No such file"):
        deaths.look([Process("trainer", "STARTING", 13, 0)])


def test_tail_of_a_short_log_is_all_of_it(prepared: StackPaths) -> None:
    prepared.log_of("api").write_bytes(b"one\n\xff two\n")
    assert tail(prepared.log_of("api")) == "one\n\N{REPLACEMENT CHARACTER} two"


class Pings:
    """Redis that answers PING with the next of `errors`, then well."""

    def __init__(self, *errors: Exception) -> None:
        self._errors: Iterator[Exception] = iter(errors)

    def ping(self) -> None:
        if (error := next(self._errors, None)) is not None:
            raise error


def test_a_redis_that_loads_gets_its_time_and_one_that_is_not_there_does_not(supervisor: FakeSupervisor, prepared: StackPaths) -> None:
    loading = cast(Redis, Pings(RedisConnectionError("no such file"), BusyLoadingError("Redis is loading the dataset in memory")))
    until_redis_answers(loading, supervisor, CrashLoopDetector(prepared))
    always = cast(Redis, Pings(BusyLoadingError("Redis is loading"), BusyLoadingError("Redis is loading")))
    until_redis_answers(always, supervisor, CrashLoopDetector(prepared), timeout_s=-1)
    with pytest.raises(LarderError, match="Redis does not answer: refused"):
        until_redis_answers(cast(Redis, Pings(RedisConnectionError("refused"))), supervisor, CrashLoopDetector(prepared), timeout_s=-1)


def test_a_redis_that_dies_again_and_again_ends_the_wait(supervisor: FakeSupervisor, prepared: StackPaths) -> None:
    supervisor.seen = [Process("redis", "FATAL", 0, 0)]
    with pytest.raises(LarderError, match="the process redis dies"):
        until_redis_answers(cast(Redis, Pings(RedisConnectionError("refused"))), supervisor, CrashLoopDetector(prepared))


Story = list[tuple[RunStatus | None, Progress | None, Pointer | None]]
Tell = Callable[[Story], None]


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Makes Redis show one moment of a story after the other; its last stays."""

    def prepare(story: Story) -> None:
        moments = iter([(None, None, None), *story])  # the first is the question whether something is promoted already
        now = next(moments)

        def current(_: Generations) -> Pointer | None:
            nonlocal now
            seen, now = now[2], next(moments, now)
            return seen

        monkeypatch.setattr(Generations, "current", current)
        monkeypatch.setattr(Generations, "progress", lambda _, _run: now[1])
        monkeypatch.setattr(Runs, "latest", lambda _: now[0])
        monkeypatch.setattr(watch, "POLL_S", 0)

    return prepare


def follow(supervisor: FakeSupervisor, places: StackPaths, ignore: str = "") -> tuple[Pointer, str]:
    text = io.StringIO()
    pointer = Watch(cast(Redis, None), Keys(), supervisor, places, ignore).until_promoted(Console(file=text, width=100))
    return pointer, text.getvalue()


def test_it_follows_a_run_to_its_promotion(tell: Tell, supervisor: FakeSupervisor, prepared: StackPaths) -> None:
    pointer = make_manifest("r1").pointer()
    tell([(None, None, None), (run_in("running", "fit", 1, 9), None, None), (run_in("dispatched"), scoring(8), pointer)])
    seen, text = follow(supervisor, prepared)
    assert seen == pointer
    assert "8/8" in text


def test_a_run_that_failed_before_is_not_waited_for(tell: Tell, supervisor: FakeSupervisor, prepared: StackPaths) -> None:
    pointer = make_manifest("r2").pointer()
    tell([(run_in("failed", message="old"), None, None), (run_in("dispatched", run="r2"), scoring(8), pointer)])
    assert follow(supervisor, prepared, ignore="r1")[0] == pointer


def test_a_run_that_fails_says_why_and_where(tell: Tell, supervisor: FakeSupervisor, prepared: StackPaths) -> None:
    tell([(run_in("failed", "load", message="ratings.csv, line 7: no number"), None, None)])
    with pytest.raises(GenerationFailedError, match=r"r1 failed: ratings.csv, line 7: no number\n.*trainer\.log"):
        follow(supervisor, prepared)


def test_a_generation_that_fails_says_why_and_where(tell: Tell, supervisor: FakeSupervisor, prepared: StackPaths) -> None:
    tell([(run_in("dispatched"), scoring(2, "failed", "shard 3: out of memory"), None)])
    with pytest.raises(GenerationFailedError, match=r"r1 failed: shard 3: out of memory\n.*worker\.log"):
        follow(supervisor, prepared)


def test_a_trainer_that_begins_nothing_ends_the_wait(
    tell: Tell, supervisor: FakeSupervisor, prepared: StackPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell([(None, None, None)])
    monkeypatch.setattr(watch, "NO_RUN_S", -1.0)
    with pytest.raises(LarderError, match=r"no run has begun .*trainer\.log"):
        follow(supervisor, prepared)


def test_a_trainer_that_starts_slowly_is_told_once(
    tell: Tell, supervisor: FakeSupervisor, prepared: StackPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = (None, None, None)
    tell([nothing, nothing, nothing, (run_in("dispatched"), scoring(8), make_manifest("r1").pointer())])
    monkeypatch.setattr(watch, "SLOW_S", -1.0)
    assert follow(supervisor, prepared)[1].count(watch.SLOW) == 1
