"""What the arms of an experiment answered, summed over all processes of the API; and slots whose users once got a broken answer.

A slot counts once for each kind of broken answer, in the arm that had it then: however often its users ask again, it is one trial. It says
nothing of a person, and there are 10,000 at the most.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from redis import Redis

from contract.experiments.arms import ERROR, LISTED, WITHOUT
from contract.experiments.definition import Experiment
from contract.formats.keys import Keys
from contract.store.scripts import scripts

BROKEN = (ERROR, WITHOUT)
KEPT_S = 7 * 86_400  # after the last answer
_SLOTS = "slots"


class BrokenSlot(NamedTuple):
    """`since`: from when on arms had the slots that they had then, as in `Experiment.slots_from`."""

    outcome: str
    slot: int
    arm: str
    since: str


def since_of(experiment: Experiment) -> str:
    """From when on arms have the slots that they have; "0" for an experiment of an earlier version that does not say."""
    return max(experiment.slots_from, key=int, default="0")


class ArmAnswers:
    """Of one experiment. `redis` decodes no responses."""

    def __init__(self, redis: Redis, keys: Keys, experiment: str) -> None:
        self._redis = redis
        self._answers, self._broken = keys.arm_answers(experiment), keys.broken_slots(experiment)

    def add(
        self, counts: Mapping[tuple[str, str], int], slots: Mapping[str, Mapping[str, str]] | None = None, broken: Iterable[BrokenSlot] = ()
    ) -> None:
        """`counts` by arm and outcome; `slots` of each arm, as `Arm.slots`, by `since`. One step of Redis."""
        told = {
            "counts": {f"{arm} {outcome}": n for (arm, outcome), n in counts.items()},
            "slots": {since: json.dumps(dict(of)) for since, of in (slots or {}).items()},
            "broken": [[f"{one.outcome} {one.slot}", f"{one.arm} {one.since}"] for one in broken],
        }
        name = "note_arm_answers"
        scripts(self._redis, name)[name](keys=[self._answers, self._broken], args=[json.dumps(told), KEPT_S])

    def read(self) -> tuple[dict[tuple[str, str], int], dict[str, dict[str, str]]]:
        """Counts by arm and outcome, and slots by arm by `since`."""
        counts, slots = dict[tuple[str, str], int](), dict[str, dict[str, str]]()
        for field, value in cast("dict[bytes, bytes]", self._redis.hgetall(self._answers)).items():
            first, _, second = field.decode().rpartition(" ")
            if first == _SLOTS:
                slots[second] = json.loads(value)
            else:
                counts[first, second] = int(value)
        return counts, slots

    def n_broken(self) -> int:
        return self._redis.hlen(self._broken)

    def broken(self) -> list[BrokenSlot]:
        """In the order in which they came."""
        found = []
        for field, value in cast("dict[bytes, bytes]", self._redis.hgetall(self._broken)).items():
            outcome, slot = field.decode().split(" ")
            arm, since, number = value.decode().split(" ")
            found.append((int(number), BrokenSlot(outcome, int(slot), arm, since)))
        return [one for _, one in sorted(found)]


def shares(counts: Mapping[tuple[str, str], int], arm: str) -> tuple[int, float, float]:
    """Of an arm: answers to users whom it knows, and which shares of them were errors and empty."""
    errors, empty = counts.get((arm, ERROR), 0), counts.get((arm, WITHOUT), 0)
    n = errors + empty + counts.get((arm, LISTED), 0)
    return (n, errors / n, empty / n) if n else (0, 0.0, 0.0)
