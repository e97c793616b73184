"""Jobs of the queue "train". Each is the composition root of its own process: a fork of the RQ worker."""

from __future__ import annotations

import logging
import os
from typing import Any

from contract.connections import connect, explained
from contract.keys import Keys
from contract.runs import Runs
from contract.settings import Settings
from trainer.pipeline import train

log = logging.getLogger("larder.trainer")


def run(run_id: str, options: dict[str, Any]) -> str:
    """Train, write the artifact, enqueue the shards; the generation's id. `options` override this process' settings."""
    settings = Settings.from_environ(os.environ, **options)
    store = connect(settings.redis_url)
    queue_redis = store if settings.rq_url == settings.redis_url else connect(settings.rq_url)
    runs = Runs(store, Keys(settings.namespace))
    with explained(settings.redis_url):
        manifest = train(settings, run_id, store, queue_redis, lambda stage, done, total: runs.set(run_id, "running", stage, done, total))
        runs.set(run_id, "dispatched", "dispatch", 1, 1)
    log.info(
        "run %s: %d users, %d items, %d interactions in %d shards, similarity %s",
        *(run_id, manifest.n_users, manifest.n_items, manifest.n_interactions, manifest.n_shards, manifest.similarity_layout),
    )
    return run_id


def given_up(runs: Runs, run_id: str, reason: str) -> None:
    """Say for people that a run has failed and will not be tried again."""
    log.error("run %s failed: %s", run_id, reason)
    runs.set(run_id, "failed", message=reason)
