"""Pointers that are read beside the questions: the same are believed for as long again, others are not."""

from __future__ import annotations

from api.lists.store import Store
from contract.formats.keys import Keys
from tests.support.builders import Lists, items_pointer
from tests.support.fakes import Clock, FakeRedis, serve

LISTS: Lists = {54: [(1, 1.0)]}
KEYS = Keys()


def raw(fake: FakeRedis) -> tuple[bytes | None, bytes | None]:
    return fake.strings.get(KEYS.current), fake.strings.get(KEYS.items_pointer)


def test_what_redis_says_again_is_believed_for_as_long_again(store: Store, fake: FakeRedis, clock: Clock) -> None:
    serve(fake, LISTS)
    pointers = store.pointers
    assert [pointers.ages] == [False]
    assert pointers.current() == pointers.young()
    clock.now_s += 0.3
    assert pointers.ages
    pointers.confirm(*raw(fake), pointers.now())
    fake.round_trips = 0
    clock.now_s += 0.4
    assert pointers.current().pointer.generation == "g1"
    assert fake.round_trips == 0
    clock.now_s += 0.2
    assert pointers.young() is None


def test_another_generation_or_revision_of_the_items_is_not(store: Store, fake: FakeRedis, clock: Clock) -> None:
    serve(fake, LISTS)
    pointers = store.pointers
    pointers.current()
    before = raw(fake)
    fake.strings[KEYS.items_pointer] = items_pointer(2).model_dump_json().encode()
    serve(fake, LISTS, "g2")
    for now in (raw(fake), (before[0], raw(fake)[1]), (raw(fake)[0], before[1]), (None, None)):
        clock.now_s += 0.1
        pointers.confirm(*now, pointers.now())
    clock.now_s += 0.2
    assert pointers.young() is None
    assert pointers.current().pointer.generation == "g2"
    assert pointers.current().items.tag == ".2"
