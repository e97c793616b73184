"""Cooking a generation again from its artifact: for a Redis that has lost its lists, and for one that was pruned. Nothing is trained."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from contract.artifacts.artifact import artifacts_in, manifest_of, open_whole
from contract.errors import ArtifactError, GenerationError
from contract.formats.manifest import Manifest
from contract.formats.states import HAS_LISTS, GenerationState, RunState
from contract.formats.verdict import Verdict
from contract.larder import Larder
from contract.queue.jobs import enqueue_shards
from contract.settings.command_hints import as_called
from contract.store.removal import forget, unlink_lists
from contract.store.training_right import right_to_train
from trainer.run.beginning import begin


def publish(larder: Larder, generation: str, waiting: Callable[[], None]) -> Manifest:
    """Begin `generation` anew, as the newest of all, and enqueue its shards; the workers promote it when they are done.

    `waiting` is called while another run trains. Raises ArtifactError for an artifact that is missing or damaged, and GenerationError
    for a generation whose lists are there or are being made.
    """
    settings, generations = larder.settings, larder.generations
    _check_state(generations.state(generation), generation)
    open_whole(settings.artifacts, generation)
    with right_to_train(larder.store, larder.keys, generation, settings.lease_s, waiting, larder.acknowledged) as token:
        state = generations.state(generation)
        _check_state(state, generation)
        if state:  # failed or pruned: what is left of it goes first
            unlink_lists(generations, generation)
            forget(generations, generation)
        larder.runs.queued(generation)
        manifest = begin(settings, generations, larder.erasure, generation, Verdict(), token=token)
        enqueue_shards(larder.score_queue, settings, generation, range(manifest.n_shards))
        larder.runs.set(generation, RunState.DISPATCHED, "dispatch", 1, 1)
    return manifest


def kept_artifacts(url: str) -> list[str]:
    """Generations that have an artifact, oldest first."""
    found = []
    for name in artifacts_in(url):
        try:
            found += [Manifest.model_validate_json(raw)] if (raw := manifest_of(url, name)) is not None else []
        except ValidationError as error:
            raise ArtifactError(f"the manifest of {name} is damaged, or of a newer Larder: name the generation to publish") from error
    return [manifest.generation for manifest in sorted(found, key=lambda manifest: manifest.trained_at)]


def _check_state(state: str, generation: str) -> None:
    if state in HAS_LISTS:
        hint = "it is served" if state == GenerationState.CURRENT else f"`{as_called('promote', generation)}` serves it"
        raise GenerationError(f"the lists of generation {generation} are in Redis: {hint}")
    if state == GenerationState.SCORING:
        raise GenerationError(f"generation {generation} is being scored: `{as_called('watch')}` shows how far it is")
