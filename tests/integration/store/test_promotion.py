"""Who may become current: the gate, the hold, a person, and what a rollback leaves behind. On a real Redis."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from contract.errors import GateError, GenerationError, TakenOverError
from contract.formats.keys import Keys
from contract.formats.manifest import Pointer
from contract.formats.shard_record import ShardRecord
from contract.formats.verdict import Verdict
from contract.store import generations as store
from contract.store.generations import Generations
from contract.store.progress import seen_with
from contract.store.training_right import right_to_train, who_trains
from tests.support.builders import make_manifest

KEYS = Keys("test")
REFUSED = Verdict(passed=False, because="nDCG is 0.2, and gate_max_metric_drop asks for 0.3")


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    return Generations(store_redis, KEYS)


def made(generations: Generations, name: str, verdict: Verdict | None = None, listed: int = 8) -> str:
    """A generation whose lists are all there; what became of it."""
    generations.begin(make_manifest(name, n_users=4), verdict)
    generations.record_shard(name, 0, ShardRecord(4, 4, listed, 7))
    return generations.promote(name, "last shard")


def served(generations: Generations) -> Pointer:
    pointer = generations.current()
    assert pointer is not None
    return pointer


def why(generations: Generations, name: str) -> tuple[str, str, str]:
    progress = generations.progress(name)
    assert progress is not None
    return progress.state, progress.waits, progress.because


def test_a_refused_generation_waits_complete_and_says_which_limit(generations: Generations) -> None:
    made(generations, "a")
    assert made(generations, "b", REFUSED) == "refused"
    assert served(generations).generation == "a"
    assert why(generations, "b") == ("complete", "refused", REFUSED.because)
    with pytest.raises(GateError, match="and gate_max_metric_drop asks"):
        generations.promote_by_hand("b", "someone")
    assert served(generations).generation == "a"


def test_force_promotes_what_the_gate_refuses_and_records_who(generations: Generations) -> None:
    made(generations, "a", REFUSED)
    generations.promote_by_hand("a", "someone", force=True)
    progress = generations.progress("a")
    assert progress is not None
    assert (progress.state, progress.forced_by, progress.waits) == ("current", "someone", "")
    assert made(generations, "b", REFUSED.model_copy(update={"forced_by": "run --force"})) == "promoted"
    progress = generations.progress("b")
    assert progress is not None
    assert progress.forced_by == "run --force"


def test_lists_that_are_too_short_are_refused_with_both_figures(generations: Generations) -> None:
    made(generations, "a")
    assert made(generations, "b", Verdict(min_listed=1.8), listed=7) == "refused"
    assert why(generations, "b")[2] == "a list has 1.75 items on average, and gate_max_fill_drop asks for 1.80"
    assert made(generations, "c", Verdict(min_listed=1.75), listed=7) == "promoted"


def test_what_can_t_be_compared_waits_with_its_reason_unless_forced(generations: Generations) -> None:
    made(generations, "a")
    assert made(generations, "b", Verdict(doubt="nothing compares")) == "review"
    assert why(generations, "b") == ("complete", "review", "nothing compares")
    assert served(generations).generation == "a"
    assert made(generations, "c", Verdict(doubt="nothing compares", forced_by="run --force")) == "promoted"
    generations.promote_by_hand("b", "someone")
    assert served(generations).generation == "b"


def test_a_run_that_asks_for_a_review_waits_for_a_person(generations: Generations) -> None:
    assert made(generations, "a", Verdict(review=True)) == "review"
    assert generations.current() is None
    generations.promote_by_hand("a", "someone")
    assert served(generations).generation == "a"


def test_missing_lists_of_similar_items_forbid_promotion(generations: Generations) -> None:
    manifest = make_manifest("a", n_users=4, n_items=9)
    manifest = manifest.model_copy(update={"settings": manifest.settings.model_copy(update={"similar_depth": 5})})
    generations.begin(manifest)
    generations.record_shard("a", 0, ShardRecord(4, 4, 8, 7, similar=8))
    assert generations.promote("a", "last shard") == "incomplete"


def test_a_rollback_goes_back_and_holds_until_released(generations: Generations) -> None:
    made(generations, "a")
    made(generations, "b")
    event = generations.roll_back("someone")
    assert (event.generation, event.by, event.how) == ("a", "someone", "rollback")
    assert (served(generations).generation, served(generations).previous) == ("a", "b")
    assert [generations.state(name) for name in "ab"] == ["current", "previous"]
    assert generations.promote("b", "a late twin") == "already"
    assert made(generations, "c") == "held"
    assert why(generations, "c")[:2] == ("complete", "held")
    assert served(generations).generation == "a"
    held = generations.held()
    assert held is not None
    assert (held.generation, held.by) == ("a", "someone")
    assert generations.release()
    assert not generations.release()
    assert made(generations, "d") == "promoted"
    assert [generations.state(name) for name in "abcd"] == ["previous", "complete", "complete", "current"]


def test_a_rollback_never_leads_to_what_somebody_went_back_from(generations: Generations) -> None:
    """b was bad: after c, what was served before is a."""
    made(generations, "a")
    made(generations, "b")
    generations.roll_back("someone")
    generations.release()
    assert made(generations, "c") == "promoted"
    assert generations.roll_back("someone").generation == "a"
    generations.promote_by_hand("b", "someone who knows better")
    assert made(generations, "d") == "held"
    generations.release()
    generations.promote_by_hand("d", "someone")
    assert generations.roll_back("someone").generation == "b"


def test_a_second_rollback_goes_further_back_and_never_forth(generations: Generations) -> None:
    for name in "abc":
        made(generations, name)
    assert [generations.roll_back("someone").generation for _ in range(2)] == ["b", "a"]
    with pytest.raises(GenerationError, match="no generation served before a is kept"):
        generations.roll_back("someone")
    assert [generations.state(name) for name in "abc"] == ["current", "previous", "complete"]


def test_a_rollback_skips_what_was_never_served_and_what_is_gone(generations: Generations, store_redis: Redis) -> None:
    made(generations, "a")
    made(generations, "b", REFUSED)
    made(generations, "c")
    store_redis.hset(KEYS.generation("c"), "state", "current")
    made(generations, "d")
    store_redis.hset(KEYS.generation("c"), "state", "pruned")
    assert generations.roll_back("someone").generation == "a"


def test_the_script_itself_rolls_back_to_nothing_that_was_not_served(generations: Generations) -> None:
    made(generations, "a")
    made(generations, "b", Verdict(review=True))
    assert generations.promote("b", "someone", "rollback") == "never promoted"
    assert served(generations).generation == "a"


def test_a_promotion_that_another_one_overtakes_leaves_what_is_served_then(
    generations: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        generations.begin(make_manifest(name, n_users=4))
        generations.record_shard(name, 0, ShardRecord(4, 4, 8, 7))
    generations.promote("a", "last shard")

    def overtaken(*asked: Any) -> Any:
        monkeypatch.setattr(store, "seen_with", seen_with)
        found = seen_with(*asked)
        assert generations.promote("b", "another") == "promoted"
        return found

    monkeypatch.setattr(store, "seen_with", overtaken)
    assert generations.promote("c", "last shard") == "promoted"
    assert [generations.state(name) for name in "abc"] == ["complete", "previous", "current"]


def test_nothing_to_roll_back_to(generations: Generations) -> None:
    with pytest.raises(GenerationError, match="nothing is promoted yet"):
        generations.roll_back("someone")
    made(generations, "a")
    with pytest.raises(GenerationError, match="served before a"):
        generations.roll_back("someone")


def test_after_a_rollback_an_older_run_still_counts_as_older_than_what_was_left(generations: Generations) -> None:
    made(generations, "a")
    generations.begin(make_manifest("slow", n_users=4))
    made(generations, "c")
    generations.roll_back("someone")
    generations.release()
    generations.record_shard("slow", 0, ShardRecord(4, 4, 8, 7))
    assert generations.promote("slow", "last shard") == "superseded"
    assert served(generations).generation == "a"


def test_a_person_who_promotes_an_older_generation_holds_runs_back_too(generations: Generations) -> None:
    for name in "abc":
        made(generations, name)
    generations.promote_by_hand("a", "someone")
    assert served(generations).generation == "a"
    assert generations.held() is not None
    generations.release()
    generations.promote_by_hand("c", "someone")
    assert generations.held() is None
    assert [(event.generation, event.how) for event in generations.history(3)] == [("c", "person"), ("a", "person"), ("c", "run")]


@pytest.mark.parametrize("state", ["failed", "pruned"])
def test_what_is_gone_can_not_be_promoted_by_hand(generations: Generations, store_redis: Redis, state: str) -> None:
    made(generations, "a", REFUSED)
    store_redis.hset(KEYS.generation("a"), "state", state)
    with pytest.raises(GenerationError, match=state):
        generations.promote_by_hand("a", "someone", force=True)


def test_an_unknown_generation_can_not_be_promoted(generations: Generations) -> None:
    with pytest.raises(GenerationError, match="unknown"):
        generations.promote_by_hand("nowhere", "someone")


def test_one_run_trains_at_a_time_and_a_stale_token_begins_nothing(generations: Generations, store_redis: Redis) -> None:
    waits = []

    def note_and_free() -> None:
        waits.append(who_trains(store_redis, KEYS))
        store_redis.delete(KEYS.training)  # what the end of a lease does

    with right_to_train(store_redis, KEYS, "run 1", 600, note_and_free) as first:
        with right_to_train(store_redis, KEYS, "run 2", 600, note_and_free) as second:
            assert (waits, second > first) == (["run 1"], True)
            with pytest.raises(TakenOverError, match="token"):
                generations.begin(make_manifest("a"), token=first)
            assert generations.begin(make_manifest("b"), token=second) == 1
        assert who_trains(store_redis, KEYS) == ""


def test_the_same_run_takes_over_from_itself(store_redis: Redis) -> None:
    with (
        right_to_train(store_redis, KEYS, "run 1", 600, pytest.fail) as first,
        right_to_train(store_redis, KEYS, "run 1", 600, pytest.fail) as second,
    ):
        assert second > first
