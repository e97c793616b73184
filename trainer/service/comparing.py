"""Sees to it that other models are compared with each generation that is served, when the trainer has nothing else to do."""

from __future__ import annotations

import logging

from contract.formats.states import GenerationState
from contract.larder import Larder
from contract.queue.jobs import enqueue_compare
from contract.store.training_right import who_trains
from contract.store.tunings import Tunings
from trainer.run.comparison import is_due

log = logging.getLogger("larder.compare")


class Comparing:
    """Remembers the generation that needs no further look."""

    def __init__(self, larder: Larder) -> None:
        self._larder, self._tunings = larder, Tunings(larder.store, larder.keys)
        self._settled = ""

    def tick(self) -> bool:
        """Enqueue the comparison that is due; whether one was."""
        larder = self._larder
        if not larder.settings.tune_unasked:
            return False
        pointer = larder.generations.current()
        if pointer is None or pointer.generation == self._settled or self._is_busy():
            return False
        if not is_due(larder.generations.manifest(pointer.generation), self._tunings):
            self._settled = pointer.generation
            return False
        if not self._tunings.claim(pointer.generation):
            return False
        enqueue_compare(larder.train_queue, larder.settings, pointer.generation)
        log.info("other models are compared with generation %s, at low priority (LARDER_TUNE_UNASKED)", pointer.generation)
        return True

    def _is_busy(self) -> bool:
        """Whether a run is on its way, or another job waits: a comparison comes after all of them."""
        larder = self._larder
        if larder.train_queue.count or who_trains(larder.store, larder.keys):
            return True
        return any(larder.generations.state(name) == GenerationState.SCORING for name in larder.generations.ids())
