"""A run's items come with its generation: unseen while it waits, served from its promotion on, gone with a rollback. On a real Redis."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from contract.errors import GateError
from contract.formats.keys import Keys
from contract.formats.shard_record import ShardRecord
from contract.formats.verdict import Verdict
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue, ItemsPointer
from contract.store.removal import retire
from tests.support.builders import items_pointer, make_manifest

KEYS = Keys("test")
REFUSED = Verdict(passed=False, because="nDCG fell")


class Shop:
    """Runs that bring items, and people who write some."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.generations, self.catalogue = Generations(redis, KEYS), Catalogue(redis, KEYS)

    def written(self, source: str, made_by: Any, revision: int | None = None) -> ItemsPointer:
        revision = self.catalogue.begin() if revision is None else revision
        self.catalogue.write(revision, 1, [("1", f'{{"title":"{source}"}}')], ["7"])
        return items_pointer(revision, n_unavailable=1, made_by=made_by, source=source)

    def run(self, name: str, verdict: Verdict | None = None, *, brings: bool = True, revision: int | None = None) -> str:
        items = self.written(f"of {name}", "run", revision) if brings else None
        self.generations.begin(make_manifest(name, n_users=4), verdict, items=items)
        self.generations.record_shard(name, 0, ShardRecord(4, 4, 8, 7))
        return self.generations.promote(name, "last shard")

    def refresh(self, source: str) -> None:
        assert self.catalogue.switch(self.written(source, "command"))

    @property
    def served(self) -> tuple[str, str]:
        """The generation, and the source of the items."""
        pointer, items = self.generations.current(), self.catalogue.current()
        assert pointer is not None
        return pointer.generation, items.source if items else ""


@pytest.fixture
def shop(store_redis: Redis) -> Shop:
    return Shop(store_redis)


def test_items_of_a_run_are_served_from_its_promotion_on(shop: Shop) -> None:
    assert shop.run("a") == "promoted"
    assert shop.served == ("a", "of a")
    assert shop.run("b") == "promoted"
    assert shop.served == ("b", "of b")


@pytest.mark.parametrize(("verdict", "waits"), [(Verdict(review=True), "review"), (REFUSED, "refused")])
def test_a_generation_that_waits_changes_nothing(shop: Shop, verdict: Verdict, waits: str) -> None:
    shop.run("a")
    assert shop.run("b", verdict) == waits
    assert shop.served == ("a", "of a")
    assert shop.generations.promote("b", "a late twin") == waits
    assert shop.served == ("a", "of a")
    if waits == "refused":
        with pytest.raises(GateError):
            shop.generations.promote_by_hand("b", "someone")
        assert shop.served == ("a", "of a")
    shop.generations.promote_by_hand("b", "someone", force=True)
    assert shop.served == ("b", "of b")


def test_a_hold_keeps_items_back_too(shop: Shop) -> None:
    shop.run("a")
    shop.run("b")
    shop.generations.roll_back("someone")
    assert shop.served == ("a", "of a")
    assert shop.run("c") == "held"
    assert shop.served == ("a", "of a")


def test_a_rollback_and_a_promotion_again_move_both(shop: Shop) -> None:
    shop.run("a")
    shop.run("b")
    for _ in range(2):
        shop.generations.roll_back("someone")
        assert shop.served == ("a", "of a")
        shop.generations.promote_by_hand("b", "someone")
        assert shop.served == ("b", "of b")


def test_twins_and_second_tries_change_nothing(shop: Shop) -> None:
    shop.run("a")
    shop.run("b")
    shop.generations.roll_back("someone")
    assert shop.generations.promote("b", "a late twin") == "already"
    assert shop.generations.promote("a", "a late twin") == "already"
    assert shop.served == ("a", "of a")
    shop.generations.begin(make_manifest("c", n_users=4), items=shop.written("of c", "run"))
    shop.generations.begin(make_manifest("c", n_users=4), items=shop.written("of c, again", "run"))
    shop.generations.promote_by_hand("b", "someone")
    assert shop.served == ("b", "of b")


def test_what_a_person_wrote_after_both_runs_stays(shop: Shop) -> None:
    shop.run("a")
    shop.run("b", Verdict(review=True))
    shop.refresh("said now")
    shop.generations.promote_by_hand("b", "someone")
    assert shop.served == ("b", "said now")
    shop.generations.roll_back("someone")
    assert shop.served == ("a", "said now")
    shop.generations.promote_by_hand("b", "someone")
    assert shop.served == ("b", "said now")


def test_what_a_person_wrote_between_two_runs_comes_back_with_the_earlier_one(shop: Shop) -> None:
    shop.run("a")
    shop.refresh("said while a was served")
    shop.run("b")
    assert shop.served == ("b", "of b")
    shop.generations.roll_back("someone")
    assert shop.served == ("a", "said while a was served")
    shop.generations.promote_by_hand("b", "someone")
    assert shop.served == ("b", "of b")


def test_what_a_person_wrote_while_a_run_trained_is_newer_than_the_run(shop: Shop) -> None:
    shop.run("a")
    revision = shop.catalogue.begin()
    shop.refresh("said while b was trained")
    assert shop.run("b", revision=revision) == "promoted"
    assert shop.served == ("b", "said while b was trained")


def test_a_refresh_after_a_rollback_stays_through_later_moves(shop: Shop) -> None:
    shop.run("a")
    shop.run("b")
    shop.generations.roll_back("someone")
    shop.refresh("said after going back")
    shop.generations.promote_by_hand("b", "someone")
    assert shop.served == ("b", "said after going back")
    shop.generations.release()
    assert shop.run("c") == "promoted"
    assert shop.served == ("c", "of c")


def test_a_run_without_items_leaves_them_alone(shop: Shop) -> None:
    assert shop.run("a", brings=False) == "promoted"
    assert shop.served == ("a", "")
    shop.refresh("said")
    shop.run("b", brings=False)
    assert shop.served == ("b", "said")
    shop.generations.roll_back("someone")
    assert shop.served == ("a", "said")


def test_a_revision_lives_as_long_as_a_generation_that_may_bring_it(shop: Shop) -> None:
    shop.run("a")
    shop.run("b")
    shop.run("c", Verdict(review=True))
    orphan = shop.written("of a run that died", "run").revision
    assert shop.catalogue.prune(0, 0) == [orphan]
    shop.generations.promote_by_hand("c", "someone")
    assert shop.served == ("c", "of c")
    retire(shop.generations, "a", 0, 0)
    assert shop.catalogue.prune(0, 0) == [1]
    shop.generations.roll_back("someone")
    assert shop.served == ("b", "of b")
    assert shop.redis.hget(KEYS.items("2", 0), "1") == b'{"title":"of b"}'


def test_a_revision_that_is_gone_is_not_switched_to(shop: Shop) -> None:
    shop.run("a")
    shop.run("b")
    shop.redis.hdel(KEYS.item_revisions, "1")
    shop.generations.roll_back("someone")
    assert shop.served == ("a", "of b")
