"""Jobs of the queue "train". Each is the composition root of its own process: a fork of the RQ worker."""

from __future__ import annotations

import logging
import os
import time
from contextlib import closing
from typing import Any

from contract.artifacts.artifact import open_artifact, open_whole
from contract.errors import RunCancelledError, TakenOverError
from contract.formats.keys import Id
from contract.formats.states import HAS_LISTS, RunState
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.connections import explained
from contract.store.history import History, RunRecord
from contract.store.removal import give_up
from contract.store.runs import Runs
from contract.store.training_right import right_to_train, who_trains
from contract.telemetry import level
from contract.telemetry.logs import working_on
from contract.telemetry.tracing import Stages, note
from trainer.erasure.erase import as_json
from trainer.erasure.erase import erase as erase_user
from trainer.export.cook_audiences import cook_audiences
from trainer.inspect.stored_diff import remember_diff
from trainer.run import vouching
from trainer.run.beginning import write_named
from trainer.run.comparison import compare as compare_models
from trainer.run.last_words import last_words
from trainer.run.pipeline import train
from trainer.run.publishing import publish as publish_again
from trainer.run.spec import RunSpec

log = logging.getLogger("larder.trainer")


def run(run_id: str, options: dict[str, Any], forced_by: str = "", review: bool = False, vouched: str = "") -> str:
    """`train_here`, after a look at what the run may read. `vouched`: trainer/run/vouching.py."""
    vouching.check(Settings.from_environ(os.environ), run_id, options, vouched)
    return train_here(run_id, options, forced_by, review)


def train_here(run_id: str, options: dict[str, Any], forced_by: str, review: bool) -> str:
    """Train, write the artifact, enqueue the shards; the generation's id. `options` override this process' settings."""
    larder = Larder.from_environ(**options)
    settings, store, keys = larder.settings, larder.store, larder.keys

    stages = Stages()

    def tell(state: str, stage: str = "", done: int = 0, total: int = 0, message: str = "") -> None:
        if stages.at(stage or state):
            level.follow(store, keys, settings)
        if by := larder.runs.set(run_id, state, stage, done, total, message):
            give_up(larder.generations, run_id, f"cancelled by {by}")
            raise RunCancelledError(f"run {run_id} was cancelled by {by}")

    def waiting() -> None:
        holder = who_trains(store, keys)
        tell(RunState.QUEUED, message=f"{holder} trains" if holder not in ("", run_id) else larder.acknowledged.lacking)

    with (
        explained(settings.redis_url),
        last_words(larder.runs, run_id),
        working_on(run=run_id),
        closing(stages),
        right_to_train(store, keys, run_id, settings.lease_s, waiting, larder.acknowledged) as token,
    ):
        began = time.monotonic()
        order = RunSpec(run_id, settings, token, forced_by, review)
        try:
            manifest = train(order, store, larder.queue_redis, lambda stage, done, total: tell(RunState.RUNNING, stage, done, total))
        except TakenOverError as error:  # its successor makes the generation: to fail here would fail that
            log.warning("%s", error)
            return run_id
        History(store, keys).add(RunRecord.of(manifest, larder.generations.verdict(run_id), time.monotonic() - began))
        tell(RunState.DISPATCHED, "dispatch", 1, 1)
        stages.end()
        note(run=run_id, shards=manifest.n_shards, users=manifest.n_users, items=manifest.n_items)
        log.info(
            "run %s: %d users, %d items, %d interactions in %d shards, similarity %s",
            *(run_id, manifest.n_users, manifest.n_items, manifest.n_interactions, manifest.n_shards, manifest.similarity_layout),
        )
    return run_id


def diff(generation: str) -> None:
    """What follows when all lists of a generation are there: the comparison with the one that was current when it began, which is
    remembered, and the users of its items, where the run asked for them."""
    larder = Larder.from_environ()
    settings, generations = larder.settings, larder.generations
    with explained(settings.redis_url):
        remember_diff(generations, generation)
        if generations.state(generation) in HAS_LISTS and generations.manifest(generation).audience_depth:
            n_users = cook_audiences(generations, larder.erasure, generation, open_artifact(settings.artifacts, generation).ids("item_ids"))
            log.info("the items of generation %s are for %s users", generation, f"{n_users:,}")


def heal(generation: str) -> None:
    """Write popular and named lists of a generation again from its artifact, where Redis has lost them."""
    larder = Larder.from_environ()
    generations = larder.generations
    with explained(larder.settings.redis_url):
        if generations.state(generation) in HAS_LISTS:
            write_named(generations, open_whole(larder.settings.artifacts, generation))
            log.warning("popular and named lists of generation %s are written again: Redis had lost some", generation)


def publish(generation: str) -> None:
    """Let workers make all lists of a generation again, in a Redis that has lost everything; not where something else is there."""
    larder = Larder.from_environ()
    with explained(larder.settings.redis_url), working_on(run=generation):
        if larder.generations.ids():
            return
        manifest = publish_again(larder, generation, lambda: None)
        larder.audit.record("publish", "the trainer", after=f"{generation} is being scored anew, since Redis had lost everything")
        if manifest.erased:
            n = len(manifest.erased)
            log.error("Redis has forgotten who was erased (%d users of this generation): erase them again before the next run", n)


def compare(generation: str) -> None:
    """Compare other models with the one of a generation, at the lowest priority, until a job waits."""
    larder = Larder.from_environ()
    with explained(larder.settings.redis_url):
        compare_models(larder, generation)


def erase(user_id: Id) -> list[dict[str, object]]:
    """Erase a user; what was removed. Fails with ErasureError, after all that it can do, where something remains."""
    larder = Larder.from_environ()
    with explained(larder.settings.redis_url):
        erased = erase_user(larder.settings, larder.store, user_id, lambda: None)
    log.info("a user was erased from %d generation(s)", len(erased.removed))
    erased.check()
    return as_json(erased.removed)


def given_up(runs: Runs, run_id: str, reason: str) -> None:
    """Say for people that a run has failed and will not be tried again."""
    if by := runs.set(run_id, RunState.FAILED, message=reason):
        log.warning("run %s is cancelled, by %s", run_id, by)
    else:
        log.error("run %s failed: %s", run_id, reason)
