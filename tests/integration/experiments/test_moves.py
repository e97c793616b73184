"""Experiments in a real Redis: begun, changed, ended, and what else knows of arms."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

import pytest
from redis import Redis

from contract.errors import GateError, GenerationError
from contract.experiments.arms import arms_of
from contract.experiments.definition import Experiment
from contract.experiments.moves import Experiments
from contract.settings.settings import ModelSettings, Settings
from contract.store.generations import Generations
from contract.store.runs import Runs
from tests.integration.experiments.served import KEYS, LISTS, two_served_and_one_waiting, waiting
from tests.support.builders import make_manifest, promote_lists
from trainer.erasure.erase import erase
from trainer.service import retention

HALF = {"current": 5000, "g1": 5000}


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    return two_served_and_one_waiting(store_redis)


def value(generations: Generations) -> dict[str, object]:
    """Of `current`, as it lies in Redis."""
    found: dict[str, object] = json.loads(cast("bytes", generations.redis.get(KEYS.current)))
    return found


def arms(experiments: Experiments) -> dict[str, tuple[str, int]]:
    """What each arm serves, and how many slots it has."""
    served = experiments.served()
    assert served is not None
    found = arms_of(served)
    if found is None:
        return {}
    slots = {arm.name: arm.n_slots for arm in found.experiment.arms}
    return {pointer.arm: (pointer.generation, slots[pointer.arm]) for pointer in found.pointers}


def test_it_begins_changes_and_ends_and_leaves_the_pointer_as_it_was(generations: Generations, experiments: Experiments) -> None:
    before = value(generations)
    begun = experiments.start({"current": 9000, "g3": 1000}, "anna")
    assert experiments.running() is not None
    assert arms(experiments) == {"current": ("g2", 9000), "g3": ("g3", 1000)}
    changed = experiments.share({"current": 7000, "g3": 3000})
    assert (changed.id, changed.salt, changed.by) == (begun.id, begun.salt, "anna")
    assert arms(experiments) == {"current": ("g2", 7000), "g3": ("g3", 3000)}
    assert generations.state("g3") == "complete"
    experiments.stop()
    assert experiments.running() is None
    assert value(generations) == before


def test_another_one_has_another_salt(experiments: Experiments) -> None:
    first = experiments.start(HALF, "anna")
    experiments.stop()
    second = experiments.start(HALF, "anna")
    assert (first.salt, first.id) != (second.salt, second.id)
    assert first.salt != second.salt


@pytest.mark.parametrize(
    ("shares", "said"),
    [({"current": 5000, "g9": 5000}, "generation g9 is unknown"), ({"current": 5000, "g4": 5000}, "generation g4 is scoring")],
)
def test_an_arm_needs_all_of_its_lists(generations: Generations, experiments: Experiments, shares: dict[str, int], said: str) -> None:
    generations.begin(make_manifest("g4"))
    with pytest.raises(GenerationError, match=said):
        experiments.start(shares, "anna")
    assert experiments.running() is None


def test_one_at_a_time_and_none_that_does_not_run(experiments: Experiments) -> None:
    moves: list[Callable[[], Experiment]] = [
        experiments.stop,
        lambda: experiments.share(HALF),
        lambda: experiments.promote("g1", "anna"),
    ]
    for move in moves:
        with pytest.raises(GenerationError, match="no experiment runs"):
            move()
    experiments.start(HALF, "anna")
    with pytest.raises(GenerationError, match="an experiment runs already, of g1, current"):
        experiments.start(HALF, "bob")
    with pytest.raises(GenerationError, match="are as they began"):
        experiments.share({"current": 5000, "g3": 5000})
    with pytest.raises(GenerationError, match="has no arm g3; it has g1, current"):
        experiments.promote("g3", "anna")


def test_an_arm_without_explanations_beside_one_that_has_some(generations: Generations, experiments: Experiments) -> None:
    """A batch that asks for them would be refused for everybody."""
    explained = ModelSettings(k=3, depth=6, similar_depth=0, explain_depth=2)
    promote_lists(generations.redis, KEYS, LISTS, generation="g4", settings=explained)
    with pytest.raises(GenerationError, match=r"generation g1 has no explanations, .* --explain-depth 2"):
        experiments.start(HALF, "anna")
    assert experiments.running() is None
    promote_lists(generations.redis, KEYS, LISTS, generation="g5", settings=explained)
    experiments.start({"current": 5000, "g4": 5000}, "anna")
    experiments.stop()
    promote_lists(generations.redis, KEYS, LISTS, generation="g6")
    experiments.start({"current": 5000, "g1": 5000}, "anna")


def test_who_means_an_experiment_that_is_over_ends_no_other_one(generations: Generations, experiments: Experiments) -> None:
    meant = experiments.start(HALF, "anna")
    experiments.stop(meant.id)
    another = experiments.start(HALF, "bob")
    late: list[Callable[[], Experiment]] = [
        lambda: experiments.stop(meant.id),
        lambda: experiments.promote("g1", "anna", True, meant.id),
    ]
    for move in late:
        with pytest.raises(GenerationError, match=f"experiment {meant.id} is over, and {another.id} runs"):
            move()
    assert experiments.running() == another
    assert generations.history(1)[0].generation == "g2"
    experiments.promote("g1", "anna", True, another.id)
    assert experiments.running() is None


def test_nothing_promoted_nothing_to_compare_with(store_redis: Redis) -> None:
    generations = Generations(store_redis, KEYS)
    waiting(generations, "g1")
    with pytest.raises(GenerationError, match="nothing is promoted yet"):
        Experiments(generations).start(HALF, "anna")


def test_current_follows_promotions_and_rollbacks_and_a_fixed_arm_stays(generations: Generations, experiments: Experiments) -> None:
    experiments.start({"current": 9000, "g3": 1000}, "anna")
    promote_lists(generations.redis, KEYS, LISTS, generation="g4")
    assert arms(experiments) == {"current": ("g4", 9000), "g3": ("g3", 1000)}
    generations.roll_back("anna")
    assert arms(experiments) == {"current": ("g2", 9000), "g3": ("g3", 1000)}
    generations.promote_by_hand("g3", "anna", force=True)
    assert arms(experiments) == {"current": ("g3", 9000), "g3": ("g3", 1000)}


def test_readers_follow_its_begin_and_its_end_at_one_moment(generations: Generations) -> None:
    generations.settle_ms = 10_000
    experiments = Experiments(generations)
    begun = experiments.start(HALF, "anna")
    served = experiments.served()
    assert served is not None
    assert served.before is not None
    assert (served.experiment is not None, served.before.experiment, served.before.generation) == (True, None, "g2")
    assert served.holds_from_ms - 9_000 < begun.began_at_ms <= served.holds_from_ms
    assert begun.slots_from == {str(begun.began_at_ms): HALF}
    changed = experiments.share({"current": 9000, "g1": 1000})
    assert list(changed.slots_from.values()) == [HALF, {"current": 9000, "g1": 1000}]
    assert experiments.running() == changed
    experiments.stop()
    after = experiments.served()
    assert after is not None
    assert after.before is not None
    assert (after.experiment, after.before.experiment is not None) == (None, True)
    seconds, _ = generations.redis.time()
    assert seconds * 1000 + 8_000 < after.holds_from_ms <= (seconds + 12) * 1000


def test_an_arm_is_promoted_as_a_person_promotes_and_ends_it(generations: Generations, experiments: Experiments) -> None:
    experiments.start({"current": 9000, "g3": 1000}, "anna")
    with pytest.raises(GateError):
        experiments.promote("g3", "anna")
    assert arms(experiments) == {"current": ("g2", 9000), "g3": ("g3", 1000)}
    experiments.promote("g3", "anna", force=True)
    current = generations.current()
    assert current is not None
    assert (current.generation, current.previous, experiments.running()) == ("g3", "g2", None)
    experiments.start({"current": 9000, "g2": 1000}, "anna")
    experiments.promote("current", "anna")
    assert (generations.history(1)[0].generation, experiments.running()) == ("g3", None)


def test_retention_leaves_arms_alone_until_it_ends(generations: Generations, experiments: Experiments, settings: Settings) -> None:
    runs = Runs(generations.redis, KEYS)
    experiments.start({"current": 8000, "g1": 1000, "g3": 1000}, "anna")
    for name in ("g5", "g6", "g7"):
        promote_lists(generations.redis, KEYS, LISTS, generation=name)

    def prune() -> list[str]:
        return sorted(retention.prune(generations, runs, settings) + retention.prune(generations, runs, settings))

    assert prune() == ["g2", "g5"]
    assert experiments.fixed() == {"g1", "g3"}
    assert generations.redis.exists(KEYS.recs("g1", 0), KEYS.recs("g3", 0))
    experiments.stop()
    patient = settings.model_copy(update={"grace_s": 60})  # readers may hold its pointer for a while
    assert retention.prune(generations, runs, patient) == []
    assert generations.state("g1") == generations.state("g3") == "complete"
    assert prune() == ["g1", "g3"]


def test_erasing_reaches_the_lists_and_the_counts_of_arms(
    generations: Generations, experiments: Experiments, settings: Settings, store_redis: Redis
) -> None:
    experiments.start({"current": 9000, "g3": 1000}, "anna")
    erase(settings, store_redis, 3, lambda: None)
    served = experiments.served()
    assert served is not None
    found = arms_of(served)
    assert found is not None
    assert [pointer.n_users for pointer in found.pointers] == [7, 7]
    for name in ("g1", "g2", "g3"):
        assert not any(store_redis.hexists(KEYS.recs(name, bucket), "3") for bucket in range(4))
