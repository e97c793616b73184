"""What is kept of old generations, in Redis and on disk. Nothing grows with the number of retrains."""

from __future__ import annotations

import shutil

from contract.artifact import folder_of
from contract.generations import Generations
from contract.settings import Settings

SETTLED = ("complete", "failed", "pruned")


def prune(generations: Generations, settings: Settings) -> list[str]:
    """Retire what is neither current, previous, being scored, nor among the newest `keep_generations` complete ones; ids gone."""
    states = {generation: generations.state(generation) for generation in generations.ids()}
    complete = [generation for generation, state in states.items() if state == "complete"]
    kept = set(complete[len(complete) - settings.keep_generations :] if settings.keep_generations else [])
    settled = [generation for generation, state in states.items() if state in SETTLED and generation not in kept]
    gone = [generation for generation in settled if generations.retire(generation, settings.grace_s, settings.job_timeout_s)]
    for generation, state in states.items():
        if state in ("failed", "pruned"):
            shutil.rmtree(folder_of(settings.artifacts) / generation, ignore_errors=True)
    return gone
