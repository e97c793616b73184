"""From a user to the pointer that the user's lists are read by, while an experiment runs. Asks nobody."""

from __future__ import annotations

import logging
from functools import lru_cache

from pydantic import ValidationError

from contract.experiments.definition import CURRENT, N_SLOTS, Experiment, slot_of
from contract.formats.keys import Id
from contract.formats.manifest import MovedPointer, Pointer

LISTED, WITHOUT, UNKNOWN, ERROR = "listed", "empty", "unknown", "error"
"""What an answer to a user of an arm had: items, none; the user has no list; it could not be given."""

log = logging.getLogger(__name__)


class ArmPointer(Pointer):
    """How to read lists for the users of an arm."""

    arm: str


class InterleavedPointer(ArmPointer):
    """How to read what is served, and the list of `other` that it is interleaved with. `salt`: of the coins."""

    other: Pointer
    salt: str


INTERLEAVED = "interleaved"
"""What answers name in place of an arm, where each item names its own."""


class Arms:
    """Of an experiment, while `current` is served."""

    def __init__(self, experiment: Experiment, current: Pointer) -> None:
        self.experiment = experiment
        self._salt = experiment.salt
        self.pointers = tuple(_of_arm(arm.pointer or current, arm.name) for arm in experiment.arms)
        owners = bytearray(N_SLOTS)
        for at, arm in enumerate(experiment.arms):
            for slots in arm.ranges:
                owners[slots.start : slots.stop] = bytes([at]) * len(slots)
        self._owners = bytes(owners)
        others = [pointer for pointer in self.pointers if pointer.arm != CURRENT] if experiment.interleaves else []
        self.whole = _interleaved(current, others[0], experiment.salt) if others else None
        """What all users read by where lists are interleaved."""

    def of_user(self, user: Id) -> ArmPointer:
        """By the text of the id, as it is asked for: no generation spells it otherwise."""
        if self.whole is not None:
            return self.whole
        return self.pointers[self._owners[slot_of(user, self._salt)]]

    def named(self, arm: str) -> ArmPointer | None:
        return next((pointer for pointer in self.pointers if pointer.arm == arm), None)


def arms_of(served: Pointer) -> Arms | None:
    """None while no experiment runs, or the one that was started has not begun."""
    if not isinstance(served, MovedPointer) or served.experiment is None:
        return None
    try:
        experiment = Experiment.model_validate(served.experiment)
    except ValidationError as error:  # of a later version: lists are served all the same, and nobody is in an arm
        _say_once(str(error.errors(include_url=False, include_input=False)[:1]))
        return None
    return Arms(experiment, served) if experiment.has_begun else None


def arm_of(pointer: Pointer) -> str:
    """The arm whose users read by it, "" for none."""
    return pointer.arm if isinstance(pointer, ArmPointer) else ""


def _of_arm(pointer: Pointer, name: str) -> ArmPointer:
    return ArmPointer(**{field: getattr(pointer, field) for field in Pointer.model_fields}, arm=name)


def _interleaved(current: Pointer, other: Pointer, salt: str) -> InterleavedPointer:
    """Without explanations, which belong to one list."""
    fields = {field: getattr(current, field) for field in Pointer.model_fields} | {"explain_depth": 0}
    return InterleavedPointer(**fields, arm=INTERLEAVED, other=other, salt=salt)


@lru_cache(maxsize=1)
def _say_once(why: str) -> None:
    log.error("the experiment that runs can't be read, so everybody gets what is served: %s; upgrade this process", why)
