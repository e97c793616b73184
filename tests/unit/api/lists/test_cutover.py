"""When a process follows a promotion, by what it knows of Redis' clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from api.lists.cutover import LONGEST_MS, MARGIN_MS, Cutover
from contract.errors import StoreError
from contract.formats.manifest import MovedPointer
from tests.support.builders import manifest_of

HOLDS = 1_700_000_000_500
LISTS = {1: [(1, 1.0)]}


def pointer(generation: str, holds_from_ms: int = 0, before: MovedPointer | None = None) -> MovedPointer:
    plain = manifest_of(LISTS, generation).pointer().model_dump()
    return MovedPointer(**plain, holds_from_ms=holds_from_ms, before=before)


class Watch:
    """Redis' clock, and ours, in a world where asking takes `trip_s`; what it waits goes by."""

    def __init__(self, redis_ms: float, trip_s: float = 0.002) -> None:
        self.redis_ms, self.local_s, self.trip_s = redis_ms, 50.0, trip_s
        self.asked = 0
        self.failure: Exception | None = None
        breaker: Any = self
        self.switch = Cutover(breaker, lambda: self.local_s, self.pass_time)

    def pass_time(self, seconds: float) -> None:
        self.redis_ms += seconds * 1000
        self.local_s += seconds

    def ask(self, command: Callable[[Any], Any]) -> Any:
        self.asked += 1
        if self.failure:
            raise self.failure
        said = command(self)
        self.pass_time(self.trip_s)
        return said

    def time(self) -> tuple[int, int]:
        return int(self.redis_ms // 1000), round(self.redis_ms % 1000 * 1000)


MOVED = pointer("g2", HOLDS, pointer("g1"))


def test_the_old_lists_before_the_moment_the_new_ones_after_it() -> None:
    watch = Watch(HOLDS - 100)
    served, until = watch.switch.served(MOVED)
    assert served.generation == "g1"
    assert until == pytest.approx(watch.local_s + 0.1 - 2 * 0.001 - MARGIN_MS / 1000)
    watch.pass_time(until - watch.local_s)
    assert watch.redis_ms < HOLDS  # what is cached is asked again before anybody may have switched
    watch.pass_time(0.01)
    assert watch.switch.served(MOVED) == (MOVED, math.inf)


def test_who_is_not_sure_waits_until_the_moment_has_come() -> None:
    watch = Watch(HOLDS - 1.5)
    assert watch.switch.served(MOVED) == (MOVED, math.inf)
    assert watch.redis_ms >= HOLDS


def test_redis_is_asked_no_more_once_it_has_come() -> None:
    watch = Watch(HOLDS + 1)
    for _ in range(3):
        assert watch.switch.served(MOVED)[0].generation == "g2"
    assert watch.asked == 1
    assert watch.switch.served(pointer("g3"))[0].generation == "g3"
    assert watch.asked == 1


@pytest.mark.parametrize(("at", "expected"), [(-400, "g1"), (-100, "g2"), (100, "g3")])
def test_two_promotions_in_one_go_come_one_after_the_other(at: int, expected: str) -> None:
    first = pointer("g2", HOLDS - 300, pointer("g1"))
    assert Watch(HOLDS + at).switch.served(pointer("g3", HOLDS, first))[0].generation == expected


def test_a_generation_that_comes_back_has_a_moment_of_its_own() -> None:
    watch = Watch(HOLDS + 1)
    watch.switch.served(MOVED)
    back = pointer("g2", HOLDS + 500, pointer("g1", HOLDS + 300, MOVED))
    assert watch.switch.served(back)[0].generation == "g2"
    watch.pass_time(0.35)
    assert watch.switch.served(back)[0].generation == "g1"


def test_another_clock_holds_nothing_up() -> None:
    assert Watch(HOLDS - LONGEST_MS - 1).switch.served(MOVED)[0].generation == "g2"


def test_who_may_not_ask_for_the_time_follows_at_once_and_asks_no_more() -> None:
    watch = Watch(HOLDS - 100)
    watch.failure = StoreError("NOPERM")
    for _ in range(3):
        assert watch.switch.served(MOVED)[0].generation == "g2"
    assert watch.asked == 1
