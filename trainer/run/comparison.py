"""Other models beside the one that is served, in the background: so that nobody is left with a worse one unawares."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from contract.artifacts.artifact import folder_of
from contract.errors import LarderError
from contract.formats.manifest import Manifest
from contract.formats.reports.tuned import Tuned
from contract.larder import Larder
from contract.queue.jobs import run_job_id
from contract.settings.settings import Settings
from contract.store.training_right import who_trains
from contract.store.tunings import Tunings
from trainer.interactions.subset import without_users
from trainer.items.new_items import known_beside
from trainer.run import vouching
from trainer.run.choice import ALIKE
from trainer.sources import load as sources

log = logging.getLogger("larder.compare")
NICENESS = 19
LOOK_EVERY_S = 1.0
YIELDED = "another job waits"


def is_due(manifest: Manifest, tunings: Tunings) -> bool:
    """Whether nobody has compared these settings with others, on these data or such as were of about this size."""
    if manifest.tuning:
        return False
    found = tunings.latest()
    if found is None or not found.speaks_of(manifest):
        return True
    return max(found.n_interactions, manifest.n_interactions) > ALIKE * min(found.n_interactions, manifest.n_interactions)


def compare(larder: Larder, generation: str) -> Tuned | None:
    """Tune with what `generation` was made with and from, and keep what is found; None where that can't be had, or a run waits.

    At the lowest priority, in the process that calls this. It ends when a job waits on the queue "train" or a run trains, between two
    candidates; the generation is then compared later.
    """
    os.nice(NICENESS)
    tunings = Tunings(larder.store, larder.keys)
    manifest = larder.generations.manifest(generation)
    settings = _settings_of(larder, generation)
    try:
        loaded = sources.load(settings.source, folder_of(settings.artifacts) / ".datasets")
    except LarderError as error:
        log.warning("other models can't be compared with generation %s: %s", generation, error)
        return None
    interactions = loaded.interactions
    if interactions.source != manifest.source:
        log.info("other models are not compared with generation %s, which was made from another source than the configured one", generation)
        return None
    if larder.erasure.revision():
        interactions = without_users(interactions, larder.erasure.positions(interactions.user_ids), "erased user")
    from trainer.tuning.tune import tune  # recommenders' splitters take a second to import

    try:
        found = tune(
            *(known_beside(interactions, loaded.items, settings.source, manifest.settings), manifest.settings),
            budget_s=settings.tune_budget_s,
            threads=1,
            limit_bytes=settings.max_memory_gb * 2**30,
            stop=_someone_waits(larder),
        )
    except LarderError as error:  # too few interactions, before all
        log.info("other models can't be compared with generation %s: %s", generation, error)
        return None
    if found.cut_short.startswith(YIELDED):
        log.info("the comparison with generation %s gives way: %s", generation, found.cut_short)
        tunings.release(generation)
        return None
    tunings.keep(found)
    log.info("generation %s: %s", generation, found.advice or "no other model is better by more than chance")
    return found


def _someone_waits(larder: Larder) -> Callable[[], str]:
    """A function that says so, and asks Redis once a second at the most."""
    last, said = 0.0, ""

    def stop() -> str:
        nonlocal last, said
        if time.monotonic() - last >= LOOK_EVERY_S:
            last = time.monotonic()
            waits = larder.train_queue.count
            trains = who_trains(larder.store, larder.keys)
            said = f"{YIELDED}: {f'run {trains} trains' if trains else f'{waits} on its queue'}" if waits or trains else ""
        return said

    return stop


def _settings_of(larder: Larder, generation: str) -> Settings:
    """Those of the run, as long as its job is remembered and what it asked for was vouched for; else those of the trainer."""
    job = larder.train_queue.fetch_job(run_job_id(generation))
    if job is None or not isinstance(job.args, list | tuple) or len(job.args) < 2:
        return larder.settings
    options, mark = job.args[1], job.args[4] if len(job.args) > 4 else ""
    try:
        vouching.check(larder.settings, generation, options, mark)
        return Settings.from_environ(os.environ, **options)
    except LarderError:
        return larder.settings
