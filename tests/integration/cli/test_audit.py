"""The log of changes on a real Redis: what is recorded of moves, how much of it is kept, and that no change waits for it."""

from __future__ import annotations

import logging

import pytest
from redis import Redis

from contract.audit import Audit
from contract.errors import GenerationError
from contract.formats.keys import Keys
from contract.store.generations import Generations
from tests.support.builders import Lists, promote_lists

KEYS = Keys()
LISTS: Lists = {54: [(1, 2.0)]}


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    for name in ("g1", "g2"):
        promote_lists(store_redis, KEYS, LISTS, generation=name)
    return Generations(store_redis, KEYS)


def test_a_move_is_recorded_with_what_was_before_and_what_is_after(generations: Generations) -> None:
    audit = Audit(generations.redis, KEYS, 10)
    audit.move(generations, "rollback", "anna", lambda moves: moves.roll_back("anna"))
    audit.move(generations, "release", "bob", lambda moves: moves.release())
    audit.move(generations, "promote", "bob", lambda moves: moves.promote_by_hand("g2", "bob", force=True), "forced")
    newest = audit.newest(10)
    assert [(change.what, change.by, change.before, change.after) for change in newest] == [
        ("promote", "bob", "g1 is served", "g2 is served, forced"),
        ("release", "bob", "g1 is served, promotions are held by anna", "g1 is served"),
        ("rollback", "anna", "g2 is served", "g1 is served, promotions are held by anna"),
    ]
    assert newest[0].at >= newest[1].at >= newest[2].at
    assert newest[0].at.endswith("Z")


def test_what_changes_nothing_is_no_change(generations: Generations) -> None:
    audit = Audit(generations.redis, KEYS, 10)
    assert not audit.move(generations, "release", "bob", lambda moves: moves.release())
    audit.move(generations, "promote", "bob", lambda moves: moves.promote_by_hand("g2", "bob"))
    with pytest.raises(GenerationError):
        audit.move(generations, "promote", "bob", lambda moves: moves.promote_by_hand("g9", "bob"))
    assert audit.newest(10) == []


def test_the_newest_are_kept_and_none_where_it_is_off(store_redis: Redis) -> None:
    audit = Audit(store_redis, KEYS, 3)
    for at in range(5):
        audit.record("run", f"person {at}")
    assert [change.by for change in audit.newest(10)] == ["person 4", "person 3", "person 2"]
    assert len(audit.newest(2)) == 2
    store_redis.delete(KEYS.audit)
    Audit(store_redis, KEYS, 0).record("run", "somebody")
    assert not store_redis.exists(KEYS.audit)


def test_what_a_later_version_has_recorded_is_shown(store_redis: Redis) -> None:
    store_redis.lpush(KEYS.audit, '{"at":"2027-01-01T00:00:00.000Z","by":"anna","what":"renamed","why":"no reason"}')
    Audit(store_redis, KEYS, 3).record("run", "bob")
    assert [(change.by, change.what) for change in Audit(store_redis, KEYS, 3).newest(3)] == [("bob", "run"), ("anna", "renamed")]


def test_a_change_that_redis_does_not_record_stands_and_is_logged(generations: Generations, caplog: pytest.LogCaptureFixture) -> None:
    generations.redis.set(KEYS.audit, "no list")
    with caplog.at_level(logging.ERROR):
        Audit(generations.redis, KEYS, 10).move(generations, "rollback", "anna", lambda moves: moves.roll_back("anna"))
    pointer = generations.current()
    assert pointer is not None
    assert pointer.generation == "g1"
    assert "a change is not in the audit log: rollback by anna, from 'g2 is served'" in caplog.text
