"""What an experiment is: arms with shares of 10,000 slots, and a salt by which users fall into slots.

It lies in the value of `current`, so that whoever reads what is served has read it, and all processes follow it at one moment. A user's
slot depends on the salt and on the text of the user's id alone; which arm has the slot is written down, so that neither the order of
arms nor anything else that changes moves a user.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from contract.formats.keys import Id
from contract.formats.manifest import Pointer

N_SLOTS = 10_000
CURRENT = "current"
"""The arm that follows what is served."""

MODEL = "model="
"""Begins the name of an arm whose generations are made with a model by each run, and promoted together with the run's own."""


class Arm(BaseModel):
    """`slots`: half-open ranges with commas between, as in 0-1000,2500-10000: no array, for an empty one comes back from Lua as an object.

    `pointer`: how to read the arm's generation; None: the arm follows what is served, or is that of a model and has none yet. The name is
    the generation's id, or that of a model after MODEL.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    slots: str
    pointer: Pointer | None = None

    @property
    def model(self) -> str:
        """What its generations are made with; "" for an arm that is no model."""
        return self.name.removeprefix(MODEL) if self.name.startswith(MODEL) else ""

    @property
    def ranges(self) -> list[range]:
        return [range(*map(int, part.split("-"))) for part in self.slots.split(",") if part]

    @property
    def n_slots(self) -> int:
        return sum(map(len, self.ranges))


class Experiment(BaseModel):
    """`salt`: of this experiment alone, so that its arms are independent of those of another one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    salt: str
    arms: tuple[Arm, ...]
    began_at_ms: int
    by: str
    stop_when_worse: str = ""
    """By what an arm is judged so that it ends when that is worse: clicks or conversions; "": a person ends it."""
    stop_when_broken: bool = False
    """Whether it ends when an arm has more errors or empty lists than the arm that it is held against."""
    interleaves: bool = False
    """Whether each user gets one list of two arms', instead of that of one; `current` then has all slots, and the other arm none."""
    slots_from: dict[str, dict[str, int]] = {}
    """How many slots each arm has from a moment on, in milliseconds, until the next one; of an earlier version, from none on."""

    @model_validator(mode="after")
    def _has_all_slots(self) -> Self:
        end = 0
        for slots in sorted((slots for arm in self.arms for slots in arm.ranges), key=lambda slots: slots.start):
            if slots.start != end or slots.stop <= end:
                break
            end = slots.stop
        else:
            if end == N_SLOTS:
                return self
        raise ValueError("each slot must have one arm")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(arm.name for arm in self.arms)

    @property
    def reference(self) -> str:
        """The arm that others are held against: `current`, or the first one."""
        return CURRENT if CURRENT in self.names else self.names[0]

    @property
    def models(self) -> dict[str, str]:
        """Of each arm that is a model: the name of the arm, and the model."""
        return {arm.name: arm.model for arm in self.arms if arm.model}

    @property
    def has_begun(self) -> bool:
        """Where arms are models it begins when the first generations of all of them are promoted; until then nobody is in an arm."""
        return self.began_at_ms > 0

    def with_slots_from(self, ms: int) -> Self:
        """With its present shares entered, which hold from then on."""
        return self.model_copy(update={"slots_from": {**self.slots_from, str(ms): {arm.name: arm.n_slots for arm in self.arms}}})


def slot_of(user: Id, salt: str) -> int:
    """A keyed hash of the id's text, so that a number and its text are in one slot. The modulo favours no slot by more than 1 in 10^15."""
    return int.from_bytes(blake2b(str(user).encode(), key=salt.encode(), digest_size=8).digest(), "big") % N_SLOTS
