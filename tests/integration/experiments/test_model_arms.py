"""Arms that are models, in a real Redis: their generations move with what is served, all in one step or none."""

from __future__ import annotations

import pytest
from redis import Redis

from contract.errors import GateError, GenerationError
from contract.experiments.arms import arms_of
from contract.experiments.moves import Experiments
from contract.formats.shard_record import ShardRecord
from contract.formats.verdict import Verdict
from contract.queue.jobs import score_queue, train_queue
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.removal import give_up, retire
from contract.store.runs import Runs
from tests.integration.experiments.served import KEYS, LISTS, two_served
from tests.support.builders import manifest_of, write_lists
from trainer.erasure.erase import erase
from trainer.service import retention
from trainer.service.abandoned import see_to_abandoned

SHARES = {"model=sar": 5000, "model=ease": 5000}
REFUSED = Verdict(passed=False, because="worse")


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    return two_served(store_redis)


def begin_night(generations: Generations, night: str, ease: Verdict | None = None) -> None:
    """As a run with LARDER_MODEL=sar does it: its own generation is that of the arm model=sar, too."""
    running = Experiments(generations).running()
    assert running is not None
    company = {"model=sar": night, "model=ease": f"{night}-ease"}
    generations.begin(manifest_of(LISTS, night), Verdict(experiment=running.id, company=company))
    generations.begin(manifest_of(LISTS, f"{night}-ease"), (ease or Verdict()).model_copy(update={"leader": night}))


def finish(generations: Generations, name: str) -> str:
    """As the worker with the last shard does it."""
    write_lists(generations.redis, KEYS, manifest_of(LISTS, name), LISTS)
    generations.record_shard(name, 0, ShardRecord(len(LISTS), len(LISTS), len(LISTS), 7))
    return generations.promote(name, "last shard")


def night(generations: Generations, name: str, ease: Verdict | None = None) -> str:
    """All of a night; what came of it."""
    begin_night(generations, name, ease)
    finish(generations, f"{name}-ease")
    return finish(generations, name)


def serve(experiments: Experiments) -> dict[str, str]:
    served = experiments.served()
    assert served is not None
    found = arms_of(served)
    return {"": served.generation, **({pointer.arm: pointer.generation for pointer in found.pointers} if found else {})}


def both(name: str) -> dict[str, str]:
    return {"": name, "model=sar": name, "model=ease": f"{name}-ease"}


def tidy(generations: Generations, settings: Settings) -> None:
    see_to_abandoned(generations, train_queue(generations.redis, settings), score_queue(generations.redis, settings), settings)


def test_it_begins_with_the_first_night_and_moves_with_each(generations: Generations, experiments: Experiments) -> None:
    experiments.start(SHARES, "anna")
    experiments.share({"model=sar": 7000, "model=ease": 3000})
    experiments.share({"model=sar": 6000, "model=ease": 4000})  # the latter in two ranges
    assert serve(experiments) == {"": "g2"}
    with pytest.raises(GenerationError, match="arm model=ease has no generation yet"):
        experiments.promote("model=ease", "anna")
    begin_night(generations, "n1")
    assert finish(generations, "n1") == "accompanied"
    assert (serve(experiments), generations.state("n1")) == ({"": "g2"}, "scoring")
    assert finish(generations, "n1-ease") == "arms"
    assert serve(experiments) == {"": "g2"}
    assert generations.promote("n1", "last shard") == "promoted"
    assert serve(experiments) == both("n1")
    running = experiments.running()
    assert running is not None
    assert running.slots_from == {str(running.began_at_ms): {"model=sar": 6000, "model=ease": 4000}}
    first = arms_of(experiments.served())  # type: ignore[arg-type]
    assert night(generations, "n2") == "promoted"
    assert serve(experiments) == both("n2")
    again, second = experiments.running(), arms_of(experiments.served())  # type: ignore[arg-type]
    assert again is not None
    assert (again.began_at_ms, again.salt, again.slots_from) == (running.began_at_ms, running.salt, running.slots_from)
    assert first is not None
    assert second is not None
    assert [first.of_user(user).arm for user in range(500)] == [second.of_user(user).arm for user in range(500)]
    changed = experiments.share(SHARES)
    assert (list(changed.slots_from.values())[1], serve(experiments)) == (SHARES, both("n2"))


def test_all_readers_go_from_one_night_to_the_next_at_one_moment(generations: Generations, experiments: Experiments) -> None:
    experiments.start(SHARES, "anna")
    night(generations, "n1")
    generations.settle_ms = 10_000
    night(generations, "n2")
    served = experiments.served()
    assert served is not None
    assert served.before is not None
    then, now = arms_of(served.before), arms_of(served)
    assert then is not None
    assert now is not None
    assert [pointer.generation for pointer in then.pointers] == ["n1-ease", "n1"]
    assert [pointer.generation for pointer in now.pointers] == ["n2-ease", "n2"]


def test_lists_of_an_arm_stay_for_a_while_after_readers_have_left_them(generations: Generations, experiments: Experiments) -> None:
    experiments.start(SHARES, "anna")
    night(generations, "n1")
    generations.redis.hset(KEYS.generation("n1-ease"), "completed_at_ms", 1)
    night(generations, "n2")
    assert not retire(generations, "n1-ease", grace_s=60, late_writers_s=0)
    generations.redis.hset(KEYS.generation("n1-ease"), "retired_at_ms", 1)
    assert retire(generations, "n1-ease", grace_s=60, late_writers_s=0)


@pytest.mark.parametrize("how", ["refused", "failed"])
def test_an_arm_that_can_not_go_keeps_all_where_they_are(
    generations: Generations, experiments: Experiments, settings: Settings, how: str
) -> None:
    experiments.start(SHARES, "anna")
    night(generations, "n1")
    begin_night(generations, "n2", REFUSED if how == "refused" else None)
    assert finish(generations, "n2") == "accompanied"
    if how == "refused":
        assert finish(generations, "n2-ease") == "refused"
    else:
        give_up(generations, "n2-ease", "a worker had no memory")
    tidy(generations, settings)
    progress = generations.progress("n2")
    assert progress is not None
    assert (progress.state, progress.waits) == ("complete", "arms")
    assert progress.because.startswith(f"generation n2-ease of arm model=ease is {how}")
    assert serve(experiments) == both("n1")
    with pytest.raises(GateError, match="generation n2 waits for arms: generation n2-ease of arm model=ease is"):
        generations.promote_by_hand("n2", "anna")
    if how == "refused":
        generations.promote_by_hand("n2", "anna", force=True)
        assert serve(experiments) == both("n2")
    else:
        with pytest.raises(GateError, match="n2-ease of arm model=ease is failed"):
            generations.promote_by_hand("n2", "anna", force=True)
        experiments.stop()
        tidy(generations, settings)
        assert serve(experiments) == {"": "n2"}


def test_the_next_night_goes_past_one_that_waits(generations: Generations, experiments: Experiments, settings: Settings) -> None:
    experiments.start(SHARES, "anna")
    night(generations, "n1", REFUSED)
    assert serve(experiments) == {"": "g2"}
    assert night(generations, "n2") == "promoted"
    tidy(generations, settings)
    assert serve(experiments) == both("n2")


def test_a_run_without_generations_for_the_arms_waits(generations: Generations, experiments: Experiments) -> None:
    generations.begin(manifest_of(LISTS, "early"))
    experiments.start(SHARES, "anna")
    assert finish(generations, "early") == "promoted"  # nobody is in an arm yet
    assert experiments.running() is not None
    generations.begin(manifest_of(LISTS, "late"))
    night(generations, "n1")
    generations.begin(manifest_of(LISTS, "later"))
    assert finish(generations, "late") == "superseded"
    assert finish(generations, "later") == "arms"
    assert serve(experiments) == both("n1")


def test_a_rollback_takes_all_arms_back_and_before_the_experiment_ends_it(generations: Generations, experiments: Experiments) -> None:
    experiments.start(SHARES, "anna")
    night(generations, "n1")
    night(generations, "n2")
    generations.roll_back("anna")
    assert serve(experiments) == both("n1")
    assert night(generations, "n3") == "held"
    generations.release()
    assert night(generations, "n4") == "promoted"
    generations.roll_back("anna")
    generations.roll_back("anna")
    assert serve(experiments) == {"": "g2"}
    assert experiments.running() is None


def test_an_arm_is_promoted_and_ends_it_in_one_step(generations: Generations, experiments: Experiments) -> None:
    experiments.start(SHARES, "anna")
    night(generations, "n1")
    experiments.promote("model=ease", "anna")
    assert (serve(experiments), experiments.running(), generations.held()) == ({"": "n1-ease"}, None, None)
    experiments.start(SHARES, "anna")
    night(generations, "n2")
    experiments.promote("model=sar", "anna")
    assert (serve(experiments), experiments.running()) == ({"": "n2"}, None)


def test_what_fails_takes_its_company_along(generations: Generations, experiments: Experiments) -> None:
    experiments.start(SHARES, "anna")
    begin_night(generations, "n1")
    assert give_up(generations, "n1", "cancelled by anna")
    assert generations.state("n1-ease") == "failed"


def test_retention_keeps_what_arms_serve_and_would_serve(generations: Generations, experiments: Experiments, settings: Settings) -> None:
    experiments.start(SHARES, "anna")
    for name in ("n1", "n2", "n3"):
        night(generations, name)
    night(generations, "n4", REFUSED)
    runs = Runs(generations.redis, KEYS)

    def prune() -> set[str]:
        return set(retention.prune(generations, runs, settings) + retention.prune(generations, runs, settings))

    assert prune() == {"g1", "g2", "n1", "n1-ease"}  # n2 is the previous one: a rollback takes both arms back to it
    assert generations.redis.exists(KEYS.recs("n3-ease", 0), KEYS.recs("n2-ease", 0))
    experiments.stop()
    assert prune() == {"n2-ease", "n3-ease", "n4-ease"}


def test_readers_keep_a_generation_that_an_arm_has_left_for_a_while(
    generations: Generations, experiments: Experiments, settings: Settings
) -> None:
    experiments.start(SHARES, "anna")
    for name in ("n1", "n2", "n3"):
        night(generations, name)
    patient = settings.model_copy(update={"grace_s": 60})
    retention.prune(generations, Runs(generations.redis, KEYS), patient)
    assert generations.state("n2-ease") == generations.state("n1-ease") == "complete"


def test_erasing_reaches_arms_that_are_models(
    generations: Generations, experiments: Experiments, settings: Settings, store_redis: Redis
) -> None:
    experiments.start(SHARES, "anna")
    night(generations, "n1")
    erase(settings, store_redis, 3, lambda: None)
    found = arms_of(experiments.served())  # type: ignore[arg-type]
    assert found is not None
    assert [pointer.n_users for pointer in found.pointers] == [7, 7]
    assert not any(store_redis.hexists(KEYS.recs("n1-ease", bucket), "3") for bucket in range(4))
