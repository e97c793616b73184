"""Experiments that end by themselves when an arm has more errors or empty lists than the arm that it is held against.

Looked at every few seconds, in the service: what there is to read is small, and a canary that kills people's lists should not wait.
"""

from __future__ import annotations

import logging
import time

from contract.experiments.answers import ArmAnswers
from contract.experiments.definition import Experiment
from contract.experiments.shares import told
from contract.larder import Larder
from trainer.judging.broken import WORDS, Breakage, Rise, worse

log = logging.getLogger("larder.trainer")
EVERY_S = 5.0
BY = "the trainer service"


class Canary:
    """Costs a look at the pointer every `every_s`, and one at a hash while an experiment asks for it."""

    def __init__(self, larder: Larder, every_s: float = EVERY_S) -> None:
        self._larder, self._every_s = larder, every_s
        self._last = -every_s
        self._breakage: Breakage | None = None

    def tick(self) -> None:
        """Raises GenerationError for an experiment of a later version, or that ended meanwhile, and what redis-py raises."""
        if time.monotonic() - self._last < self._every_s:
            return
        self._last = time.monotonic()
        larder, running = self._larder, self._larder.experiments.running()
        if running is None or not (running.stop_when_broken and running.has_begun):
            self._breakage = None
            return
        if self._breakage is None or self._breakage.experiment.id != running.id:
            self._breakage = Breakage(running)
        answers = ArmAnswers(larder.store, larder.keys, running.id)
        if answers.n_broken() > self._breakage.n_learned:
            broken = answers.broken()  # before the slots, so that those of each of them are there
            self._breakage.learn(answers.read()[1], broken)
        if (rise := worse(self._breakage)) is not None:
            self._stop(running, rise)

    def _stop(self, running: Experiment, rise: Rise) -> None:
        larder = self._larder
        why = (
            f"stopped by itself: {rise.arm} has more {WORDS[rise.outcome]} than {running.reference}, in {rise.n:,} slots of users "
            f"against {rise.n_reference:,}"
        )
        ended = larder.experiments.stop_by_itself(running.id, rise.arm, BY, why)
        larder.audit.record("experiment", BY, f"{ended.id}: {told(ended)}", why)
        log.error("experiment %s is %s", ended.id, why)
