"""Sees to it that what is served is whole: counts lists each minute and after each promotion, and lets what is lost be made again.

It counts while the trainer trains, too, a slice at each beat. Runs and retention are left alone: only the current and the previous
generation, and arms of an experiment, are looked at, which neither touches.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Generator

from contract.experiments.moves import Experiments
from contract.formats.manifest import Pointer
from contract.larder import Larder
from contract.queue.healing import enqueue_healing, enqueue_named, is_alive
from contract.queue.jobs import diff_job_id, enqueue_diff
from contract.queue.known_jobs import DIFF_JOB, HEAL_JOB, HEAL_NAMED_JOB
from contract.store.replicas.lost import AUDIENCES, BY_SHARD, NAMED, POPULAR, USERS, Count, Lost, tell, told

log = logging.getLogger("larder.healing")
EVERY_S, WHILE_LOST_S = 60.0, 10.0
AGAIN_S, MOST_S = 60.0, 3600.0
"""How long healing is given before it is asked for again: twice as long each time, up to an hour."""


class Healing:
    def __init__(self, larder: Larder) -> None:
        self._larder = larder
        self._steps = self._looks()
        self._not_before = 0.0
        self._asked: dict[str, dict[str, tuple[int, float]]] = {}
        """By generation and job: how often it was asked for, and before when not again."""

    def tick(self) -> None:
        """A slice of a look. After an error it begins anew, a moment later."""
        if time.monotonic() < self._not_before:
            return
        try:
            next(self._steps)
        except BaseException:
            self._steps, self._not_before = self._looks(), time.monotonic() + WHILE_LOST_S
            raise

    def _looks(self) -> Generator[None, None, None]:
        generations = self._larder.generations
        while True:
            began, pointer = time.monotonic(), generations.current()
            names = self._served(pointer) if pointer else []
            lost = False
            for name in names:
                lost = (yield from self._look(name)) or lost
            self._forget(names)
            while time.monotonic() - began < (WHILE_LOST_S if lost else EVERY_S):
                yield
                now = generations.current()
                if (now and now.generation) != (pointer and pointer.generation):
                    break

    def _served(self, pointer: Pointer) -> list[str]:
        """What readers are given, or may be given again at once; arms of an experiment, too."""
        arms = Experiments(self._larder.generations).fixed()
        return list(dict.fromkeys(name for name in (pointer.generation, *sorted(arms), pointer.previous) if name))

    def _look(self, name: str) -> Generator[None, None, bool]:
        """Whether something is missing: twice, since an erasure may have been at work at the first look."""
        for is_second in (False, True):
            count = Count(self._larder.generations, name)
            while count.step():
                yield
            lost = count.lost()
            if lost is None:
                self._asked.pop(name, None)
                return False
            if self._is_cooking(lost):
                if name in self._asked:
                    self._tell(lost)
                return False
            if is_second:
                self._heal(lost)
        return True

    def _is_cooking(self, lost: Lost) -> bool:
        """Whether users of items alone are missing, and a job that writes them is on its way, as after each run."""
        return lost.held.keys() == {AUDIENCES} and is_alive(self._larder.train_queue, diff_job_id(lost.generation))

    def _tell(self, lost: Lost) -> None:
        larder, name = self._larder, lost.generation
        said = next((each for each in told(larder.store, larder.keys) if each.generation == name), None)
        tell(larder.store, larder.keys, name, lost.model_copy(update={"why": said.why if said else ""}))
        if said is None or said.held != lost.held:
            log.error("generation %s has lost %s: they are made again from its artifact", name, lost.words)

    def _heal(self, lost: Lost) -> None:
        self._tell(lost)
        asked = self._asked.setdefault(lost.generation, {})
        due = []
        for job in jobs_for(lost):
            tries, not_before = asked.get(job, (0, 0.0))
            if time.monotonic() >= not_before:
                asked[job] = tries + 1, time.monotonic() + min(MOST_S, AGAIN_S * 2**tries)
                due.append(job)
        ask(self._larder, lost, due)

    def _forget(self, looked_at: list[str]) -> None:
        """What was said of generations that are whole, or that nobody looks at any more."""
        larder = self._larder
        for said in told(larder.store, larder.keys):
            if said.generation in looked_at and said.generation in self._asked:
                continue
            log.info("nothing of generation %s is missing any more", said.generation)
            tell(larder.store, larder.keys, said.generation, None)


def jobs_for(lost: Lost) -> list[str]:
    """The jobs that make again what is lost. Users of items are found in lists of users, so these come first."""
    held = lost.held.keys()
    needed = {HEAL_JOB: BY_SHARD & held, HEAL_NAMED_JOB: {POPULAR, NAMED} & held, DIFF_JOB: AUDIENCES in held and USERS not in held}
    return [job for job, is_needed in needed.items() if is_needed]


def ask(larder: Larder, lost: Lost, jobs: Collection[str]) -> None:
    """Let workers make lost lists again, and the trainer all else. Asked again, what is on its way is left alone."""
    if HEAL_JOB in jobs:
        enqueue_healing(larder.score_queue, larder.settings, lost.generation)
    if HEAL_NAMED_JOB in jobs:
        enqueue_named(larder.train_queue, larder.settings, lost.generation)
    if DIFF_JOB in jobs and not is_alive(larder.train_queue, diff_job_id(lost.generation)):
        enqueue_diff(larder.train_queue, larder.settings, lost.generation)
