"""Whether an arm gives errors or empty lists to more of its users than the arm that it is held against. Needs no polars.

A trial is one of the 10,000 slots by which users are in arms, with the first broken answer in it: so a user who asks a thousand times, or
whose list is empty for good, counts once. Slots are given to users by a keyed hash, so that without a difference each slot that is still
whole is as likely to be the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.experiments.answers import BROKEN, BrokenSlot
from contract.experiments.arms import ERROR, WITHOUT
from contract.experiments.definition import N_SLOTS, Arm, Experiment
from trainer.sequential.first_times import Sooner

ALPHA = 0.01
"""Of experiments without a difference, the share, at the most, that ever end by it."""
WORDS = {ERROR: "errors", WITHOUT: "empty lists"}
_OF_NONE = -1


class Rise(NamedTuple):
    """Of one arm: slots with something broken, of it and of the reference, and how strongly they speak for more of it."""

    arm: str
    outcome: str
    n: int
    n_reference: int
    evidence: float
    is_proven: bool


class Breakage:
    """Of one experiment. What is learned later is added to what was before."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self._reference = experiment.reference
        self._others = [name for name in experiment.names if name != self._reference]
        self._owners = dict[str, NDArray[np.int8]]()
        self._whole = {outcome: np.ones(N_SLOTS, bool) for outcome in BROKEN}
        self._counts = {(outcome, name): 0 for outcome in BROKEN for name in experiment.names}
        self._sooner = {(outcome, name): Sooner() for outcome in BROKEN for name in self._others}
        self.n_learned = 0

    def learn(self, slots: Mapping[str, Mapping[str, str]], broken: Sequence[BrokenSlot]) -> None:
        """`broken`: all that came so far, in its order; `slots` as `ArmAnswers.read` has them."""
        for since, of in slots.items():
            if since not in self._owners:
                self._owners[since] = self._owners_of(of)
        for one in broken[self.n_learned :]:
            self._add(one)
        self.n_learned = max(self.n_learned, len(broken))

    def rises(self) -> list[Rise]:
        """Of each arm but the reference, errors first."""
        least = len(self._sooner) / ALPHA
        return [
            Rise(
                name,
                outcome,
                self._counts[outcome, name],
                self._counts[outcome, self._reference],
                sooner.evidence,
                sooner.evidence >= least,
            )
            for (outcome, name), sooner in self._sooner.items()
        ]

    def _add(self, one: BrokenSlot) -> None:
        """Passes over what an API said of an arm that had no such slot then, as may be at the moment of a change."""
        owners, whole = self._owners.get(one.since), self._whole.get(one.outcome)
        if owners is None or whole is None or one.arm not in self.experiment.names:
            return
        at, reference = self.experiment.names.index(one.arm), self.experiment.names.index(self._reference)
        if not whole[one.slot] or owners[one.slot] != at:
            return
        left = np.bincount(owners[whole] + 1, minlength=len(self.experiment.names) + 1)[1:]
        for name in self._others if at == reference else [one.arm]:
            second = self.experiment.names.index(name)
            if left[second]:
                self._sooner[one.outcome, name].add(int(left[reference]), int(left[second]), is_second=at == second)
        whole[one.slot] = False
        self._counts[one.outcome, one.arm] += 1

    def _owners_of(self, slots: Mapping[str, str]) -> NDArray[np.int8]:
        owners = np.full(N_SLOTS, _OF_NONE, np.int8)
        for name, text in slots.items():
            if name in self.experiment.names:
                for each in Arm(name=name, slots=text).ranges:
                    owners[each.start : each.stop] = self.experiment.names.index(name)
        return owners


def worse(breakage: Breakage) -> Rise | None:
    """The rise that is proven, and strongest; None while none is."""
    proven = [rise for rise in breakage.rises() if rise.is_proven]
    return max(proven, key=lambda rise: rise.evidence, default=None)
